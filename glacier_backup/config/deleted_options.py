"""What becomes of what was deleted in a whole tree; it may stand in ``[main]``, for all sections, and in a section."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from glacier_backup.config import values
from glacier_backup.config.option import Home, Option

if TYPE_CHECKING:
    from glacier_backup.model.filters import MostDeleted

_HOMES: tuple[Home, ...] = ("main", "path", "server")

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")
_FILES = re.compile(r"(\d{1,15})(?:\s+files?)?")


def max_delete(text: str) -> MostDeleted:
    """How much may be gone of a section at a time. Raises ValueError."""
    from glacier_backup.model.filters import MostDeleted

    if text == "none":
        return MostDeleted(None, None, "none")
    share, files = _SHARE.fullmatch(text), _FILES.fullmatch(text)
    if share is not None and float(share[1]) <= 100:
        return MostDeleted(float(share[1]) / 100, None, f"{share[1]} %")
    if files is None:
        raise ValueError
    count = int(files[1])
    return MostDeleted(None, count, f"{count} file{'' if count == 1 else 's'}")


DELETED_OPTIONS: tuple[Option, ...] = (
    Option(
        "deleted",
        _HOMES,
        "keep or expire",
        values.one_of("keep", "expire"),
        "keep",
        "What becomes of what is stored of a whole tree when its file is deleted.",
        "expire",
        details="`keep`: nothing, and `restore` brings it back with all else. `expire`: when all else is stored it is "
        "put away; `restore` leaves it out from then on, and still has it as of an earlier time. In a bucket that "
        "keeps versions a delete marker hides it, so that the bucket's own rule removes it in time; elsewhere it stays "
        "as it is, and the catalog knows that it is gone. A source that isn't there, is empty, or can't be read "
        "deletes nothing. See deleting.md.",
    ),
    Option(
        "max_delete",
        _HOMES,
        "a share such as 10 %, a number of files such as 500 files, or none",
        max_delete,
        "10 %",
        "How much of a section may be gone at a time and count as deleted.",
        "500 files",
        details="For `deleted = expire`. Where more is gone nothing of the section is taken for deleted, and the run "
        "ends with exit code 1, until it is done once with a larger `--max-delete`. Of the files that are stored; of "
        "a share ten are always allowed. What was renamed doesn't count.",
        flags=("--max-delete",),
    ),
)
