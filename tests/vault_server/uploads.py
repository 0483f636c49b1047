"""The multipart uploads of all vaults, in `uploads/<id>/` (see `upload.py`).

What became of an upload that is over stays in `finished/<id>.json` for a while, because completing can be repeated.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from . import disk
from .clock import Clock
from .deliveries import delivery_log
from .errors import not_found
from .ids import UPLOAD_ID_LENGTH, IdMaker, well_formed
from .upload import Upload, document_path, touch
from .vaults import VaultStore

# botocore CompleteMultipartUpload: a repeated call succeeds "within a short period", and aborting again does likewise
# (AbortMultipartUpload); how long that is it does not say.
MEMORY_SECONDS = 24 * 3600.0


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
        home = self._vaults.require(vault)
        directory = home / "uploads" / upload
        (directory / "parts").mkdir(parents=True)
        (directory / "data").touch()
        touch(directory, self._clock)
        delivery_log(home, upload).begin(description)
        document = {"id": upload, "description": description, "part_size": part_size, "created": self._clock.text()}
        disk.write_json(document_path(directory), document)
        return upload

    def find(self, vault: str, upload: str) -> Upload | None:
        """An upload that is open, or None. What `finished` tells is there before an upload is not found any more."""
        directory = self._vaults.require(vault) / "uploads"
        return self._alive(directory / upload) if _possible(upload) else None

    def require(self, vault: str, upload: str) -> Upload:
        """An open upload; ResourceNotFoundException where there is none."""
        found = self.find(vault, upload)
        if found is None:
            raise not_found("upload", upload)
        return found

    def is_open(self, vault: str, upload: str) -> bool:
        """Whether there is such a vault, and such an upload open in it."""
        return vault in self._vaults.names() and self.find(vault, upload) is not None

    def all(self, vault: str) -> list[Upload]:
        """A vault's open uploads, in no order that means anything."""
        found = (self._alive(path) for path in (self._vaults.require(vault) / "uploads").glob("*"))
        return [upload for upload in found if upload]

    def finished(self, vault: str, upload: str) -> dict[str, Any] | None:
        """What is still remembered of an upload that is over: `state` is "completed" or "aborted"."""
        if not _possible(upload):
            return None
        path = self._memory(vault, upload)
        document = disk.read_json(path)
        if document and self._clock.now() - document["at"] >= MEMORY_SECONDS:
            path.unlink(missing_ok=True)
            return None
        return document

    def close(self, vault: str, upload: Upload, outcome: dict[str, Any]) -> None:
        """End an upload, remember `outcome` and remove its files. The upload's lock has to be held."""
        upload.end()
        disk.write_json(self._memory(vault, upload.id), outcome | {"at": self._clock.now()})
        self.remove(upload)

    def expire(self, upload_id: str) -> bool:
        """Forget an upload, whether open or over, in whichever vault: from now on its id is unknown."""
        found = False
        for vault in self._vaults.names() if _possible(upload_id) else ():
            upload, memory = self.find(vault, upload_id), self._memory(vault, upload_id)
            if upload:
                self._end(upload)
            found |= upload is not None or memory.exists()
            memory.unlink(missing_ok=True)
        return found

    def expire_open(self, vault: str, upload_id: str) -> None:
        """Forget an upload if it is open, and only then."""
        upload = self.find(vault, upload_id)
        if upload:
            self._end(upload)

    def expire_idle(self) -> None:
        """Forget all that the service would have forgotten by the server's clock, open uploads and memories."""
        for vault in self._vaults.names():
            self.all(vault)
            for path in self._memories(vault):
                self.finished(vault, path.stem)

    def forget_completions(self) -> None:
        """Forget all completed uploads: completing one of them again finds nothing."""
        for vault in self._vaults.names():
            for path in self._memories(vault):
                if (disk.read_json(path) or {}).get("state") == "completed":
                    path.unlink(missing_ok=True)

    def remove(self, upload: Upload) -> None:
        """Remove an upload's files, so that a server killed meanwhile leaves none that looks open."""
        with self._lock:
            self._open.pop(upload.directory, None)
            document_path(upload.directory).unlink(missing_ok=True)
            shutil.rmtree(upload.directory, ignore_errors=True)

    def _end(self, upload: Upload) -> None:
        with upload.lock:
            upload.end()
            self.remove(upload)

    def _alive(self, directory: Path) -> Upload | None:
        upload = self._find(directory)
        if upload and upload.idle:
            self._end(upload)
            return None
        return upload

    def _find(self, directory: Path) -> Upload | None:
        with self._lock:
            document = disk.read_json(document_path(directory))
            if document is None:
                self._open.pop(directory, None)
                return None
            log = delivery_log(directory.parents[1], directory.name)
            return self._open.setdefault(directory, Upload(directory, document, log, self._clock))

    def _memory(self, vault: str, upload: str) -> Path:
        return self._vaults.require(vault) / "finished" / f"{upload}.json"

    def _memories(self, vault: str) -> list[Path]:
        return list((self._vaults.require(vault) / "finished").glob("*.json"))


def _possible(upload: str) -> bool:
    return well_formed(upload, UPLOAD_ID_LENGTH)
