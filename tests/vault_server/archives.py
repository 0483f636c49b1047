"""Archives on disk: `<id>.bin` (the bytes), `<id>.json` (what is known of them), `<id>.leaves` (32 bytes per MiB).

An archive is there once its `.json` is; that file is written last and removed first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import disk, treehash
from .clock import Clock
from .errors import invalid, not_found
from .ids import ARCHIVE_ID_LENGTH, IdMaker, well_formed
from .vaults import VaultStore


class ArchiveStore:
    """The archives of all vaults."""

    def __init__(self, vaults: VaultStore, clock: Clock) -> None:
        self._vaults = vaults
        self._clock = clock
        self._ids = IdMaker(ARCHIVE_ID_LENGTH)

    def add(
        self, vault: str, source: Path, description: str, size: int, leaves: list[bytes], upload: str | None
    ) -> dict[str, Any]:
        """Make the first `size` bytes of the file `source` an archive; gives its document.

        The file gets a second name and is not copied; its first name is the caller's to remove. `upload` is the id of
        the upload it came by, if it did. A server killed meanwhile leaves no archive, and `source` with all its bytes.
        """
        directory = self._vaults.require(vault) / "archives"
        archive = self._ids.new()
        os.truncate(source, size)
        os.link(source, directory / f"{archive}.bin")
        disk.write_bytes(directory / f"{archive}.leaves", b"".join(leaves))
        document = {
            "id": archive,
            "description": description,
            "size": size,
            "sha256_tree_hash": treehash.root(leaves).hex(),
            "created": self._clock.text(),
            "upload": upload,
        }
        disk.write_json(directory / f"{archive}.json", document)
        self._vaults.note_write(vault)
        return document

    def require(self, vault: str, archive: str) -> tuple[dict[str, Any], Path]:
        """An archive's document, and the path of its bytes; ResourceNotFoundException where there is none."""
        _check(archive)
        directory = self._vaults.require(vault) / "archives"
        document = disk.read_json(directory / f"{archive}.json")
        if document is None:
            raise not_found("archive", archive)
        return document, directory / f"{archive}.bin"

    def delete(self, vault: str, archive: str) -> None:
        """Delete an archive. Source: botocore DeleteArchive: a second time is no error. One that never was is."""
        _check(archive)
        grave = self._vaults.require(vault) / "deleted" / archive
        if grave.exists():
            return
        _, path = self.require(vault, archive)
        grave.touch()
        for suffix in (".json", ".bin", ".leaves"):
            path.with_suffix(suffix).unlink(missing_ok=True)
        self._vaults.note_write(vault)


def _check(archive: str) -> None:
    if not well_formed(archive, ARCHIVE_ID_LENGTH):
        raise invalid(f"not an archive id: {archive}")
