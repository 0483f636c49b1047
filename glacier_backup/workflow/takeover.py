"""Taking over what glacier_backup 1.2 has recorded as sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.legacy import find_record, read_uploads
from glacier_backup.model.event import Imported, Listener, Warned
from glacier_backup.model.record import ForeignUpload, LastSent


@dataclass(frozen=True, slots=True)
class OlderRecord:
    """The record of one vault, as another program has left it."""

    file: str
    uploads: tuple[ForeignUpload, ...]
    warnings: tuple[str, ...] = ()
    """What of it can't be taken over."""

    def as_last_sent(self) -> dict[str, LastSent]:
        """What the change test would know once it is taken over."""
        return {upload.path: LastSent(id=0, sent_at=upload.sent_at, bytes=0, digest=None) for upload in self.uploads}


def older_record(folders: Sequence[str], vault: str) -> OlderRecord | None:
    """The record of ``vault``, from the first of ``folders`` that has one. Raises CatalogError."""
    for folder in folders:
        file = find_record(folder, vault)
        if file is not None:
            return read_record(file)
    return None


def read_record(file: str) -> OlderRecord:
    """The record in ``file``; raises CatalogError when it is none."""
    warnings: list[str] = []
    uploads = tuple(read_uploads(file, warnings.append))
    return OlderRecord(file, uploads, tuple(warnings))


def take_over(older: OlderRecord, catalog: Catalog, place_id: int, tell: Listener) -> Imported:
    """Record what ``older`` holds as archives at that place; a second time adds nothing."""
    for warning in older.warnings:
        tell(Warned(warning))
    imported = Imported(older.file, catalog.import_uploads(place_id, older.uploads, older.file))
    if imported.count:
        tell(imported)
    return imported
