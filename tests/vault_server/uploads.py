"""Multipart uploads on disk, in `uploads/<id>/`: `upload.json`, `data` (the bytes so far), `parts/<first byte>.json`.

What became of an upload that is over stays in `finished/<id>.json` for a while, because completing can be repeated.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import disk
from .body import Received
from .clock import Clock
from .errors import ApiError, not_found
from .ids import UPLOAD_ID_LENGTH, IdMaker, well_formed
from .parts import PartWriter, copy_into
from .vaults import VaultStore

# botocore CompleteMultipartUpload: a repeated call succeeds "within a short period", and aborting again does likewise
# (AbortMultipartUpload); how long that is it does not say.
MEMORY_SECONDS = 24 * 3600.0


class Upload:
    """An upload that is open. Its lock is held wherever the set of its parts changes or is looked at for good."""

    def __init__(self, directory: Path, document: dict[str, Any]) -> None:
        self.directory = directory
        self.id: str = document["id"]
        self.description: str = document["description"]
        self.part_size: int = document["part_size"]
        self.created: str = document["created"]
        self.lock = threading.RLock()
        self.over = False
        self._writing: dict[int, PartWriter] = {}
        self._side_files = 0

    @property
    def data(self) -> Path:
        """The file that the parts are written into."""
        return self.directory / "data"

    def starts(self) -> list[int]:
        """The first bytes of the stored parts, in order."""
        return sorted(int(name[:-5]) for name in os.listdir(self.directory / "parts") if not name.startswith("."))

    def part(self, start: int) -> dict[str, Any] | None:
        """A stored part: `start`, `end` (inclusive), `sha256_tree_hash` and `leaves` in hex; None without one."""
        return disk.read_json(self._record(start))

    @contextmanager
    def writer(self, start: int) -> Iterator[PartWriter]:
        """A writer for the part at `start`; what it wrote counts only after `store`."""
        with self.lock:
            self.check_open()
            in_place = start not in self._writing and not self._record(start).exists()
            if in_place:
                writer = self._writing[start] = PartWriter(self.data, start)
            else:
                self._side_files += 1
                writer = PartWriter(self.directory / f"side-{start}-{self._side_files}", 0)
        try:
            yield writer
        finally:
            with self.lock:
                writer.close()
                if in_place and self._writing.get(start) is writer:
                    del self._writing[start]
                elif not in_place:
                    writer.path.unlink(missing_ok=True)

    def store(self, start: int, writer: PartWriter, received: Received) -> None:
        """Make what was written the part at `start`; the latest wins (botocore UploadMultipartPart: idempotent)."""
        record = {
            "start": start,
            "end": start + received.size - 1,
            "sha256_tree_hash": received.tree_hash,
            "leaves": b"".join(received.leaves).hex(),
        }
        with self.lock:
            self.check_open()
            if writer.revoked:
                # Another connection stored this part meanwhile. The same bytes: it is there. Others: send it again.
                if self.part(start) != record:
                    raise ApiError("RequestTimeoutException", "another upload of the same part overtook this one")
                return
            if writer.path != self.data:
                if start in self._writing:
                    self._writing.pop(start).revoke()
                copy_into(writer.path, self.data, start)
            disk.write_json(self._record(start), record)

    def end(self) -> None:
        """Nothing is taken in any more, from connections in the middle of a part either. The lock has to be held."""
        self.over = True
        for writer in self._writing.values():
            writer.revoke()

    def check_open(self) -> None:
        """ResourceNotFoundException once the upload is over. The lock has to be held."""
        if self.over:
            raise not_found("upload", self.id)

    def _record(self, start: int) -> Path:
        return self.directory / "parts" / f"{start:016d}.json"


class UploadStore:
    """The uploads of all vaults."""

    def __init__(self, vaults: VaultStore, clock: Clock) -> None:
        self._vaults = vaults
        self._clock = clock
        self._ids = IdMaker(UPLOAD_ID_LENGTH)
        self._open: dict[Path, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, vault: str, description: str, part_size: int) -> str:
        """Open an upload; gives its id."""
        upload = self._ids.new()
        directory = self._vaults.require(vault) / "uploads" / upload
        (directory / "parts").mkdir(parents=True)
        (directory / "data").touch()
        document = {"id": upload, "description": description, "part_size": part_size, "created": self._clock.text()}
        disk.write_json(directory / "upload.json", document)
        return upload

    def find(self, vault: str, upload: str) -> Upload | None:
        """An upload that is open, or None. What `finished` tells is there before an upload is not found any more."""
        directory = self._vaults.require(vault) / "uploads"
        return self._find(directory / upload) if _possible(upload) else None

    def require(self, vault: str, upload: str) -> Upload:
        """An open upload; ResourceNotFoundException where there is none."""
        found = self.find(vault, upload)
        if found is None:
            raise not_found("upload", upload)
        return found

    def all(self, vault: str) -> list[Upload]:
        """A vault's open uploads, ordered by id: that is no order that means anything."""
        found = (self._find(path) for path in sorted((self._vaults.require(vault) / "uploads").iterdir()))
        return [upload for upload in found if upload]

    def finished(self, vault: str, upload: str) -> dict[str, Any] | None:
        """What is still remembered of an upload that is over: `state` is "completed" or "aborted"."""
        if not _possible(upload):
            return None
        document = disk.read_json(self._vaults.require(vault) / "finished" / f"{upload}.json")
        return document if document and self._clock.now() - document["at"] < MEMORY_SECONDS else None

    def close(self, vault: str, upload: Upload, outcome: dict[str, Any]) -> None:
        """End an upload, remember `outcome` and remove its files. The upload's lock has to be held."""
        upload.end()
        document = outcome | {"at": self._clock.now()}
        disk.write_json(self._vaults.require(vault) / "finished" / f"{upload.id}.json", document)
        self._remove(upload)

    def expire(self, upload_id: str) -> bool:
        """Forget an upload, whether open or over, in whichever vault: from now on its id is unknown."""
        found = False
        for vault in self._vaults.names():
            for upload in self.all(vault):
                if upload.id == upload_id:
                    with upload.lock:
                        upload.end()
                        self._remove(upload)
                    found = True
            memory = self._vaults.require(vault) / "finished" / f"{upload_id}.json"
            if _possible(upload_id) and memory.exists():
                memory.unlink()
                found = True
        return found

    def _remove(self, upload: Upload) -> None:
        with self._lock:
            self._open.pop(upload.directory, None)
            shutil.rmtree(upload.directory, ignore_errors=True)

    def _find(self, directory: Path) -> Upload | None:
        with self._lock:
            document = disk.read_json(directory / "upload.json")
            if document is None:
                self._open.pop(directory, None)
                return None
            return self._open.setdefault(directory, Upload(directory, document))


def _possible(upload: str) -> bool:
    return well_formed(upload, UPLOAD_ID_LENGTH)
