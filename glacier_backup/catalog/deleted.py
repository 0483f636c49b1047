"""What was deleted at its source. Without SQLAlchemy; what follows from it is in :mod:`.expiring`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from glacier_backup.catalog.database import Execute
from glacier_backup.catalog.exact import pack_text, unpack_text
from glacier_backup.catalog.paging import marks


def deleted_at(execute: Execute, destination: int, paths: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """Of those of ``paths`` that were deleted the last time the highest id then, and when that was; no more of them
    than a statement takes."""
    among = f"path IN ({marks(len(paths))})"
    statement = f"SELECT path, archive, at FROM gone WHERE destination = ? AND {among} ORDER BY path, archive"  # noqa: S608
    rows = execute(statement, (destination, *map(pack_text, paths)))
    return {unpack_text(path): (archive, datetime.fromisoformat(at)) for path, archive, at in rows}
