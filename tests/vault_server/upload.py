"""One open multipart upload on disk: `upload.json`, `data` (the bytes so far), `parts/<first byte>.json`, `active`.

When it was last active, by the server's clock, is the modification time of the empty file `active`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import disk
from .body import Received
from .clock import Clock
from .deliveries import DeliveryLog
from .errors import ApiError, not_found
from .fault_plan import Fault
from .parts import PartWriter, copy_into

# botocore InitiateMultipartUpload: an upload may be removed "if there is no activity for a period of 24 hours". What
# activity is it does not say: here, strictly, only the beginning and each part stored.
IDLE_SECONDS = 24 * 3600.0


class Upload:
    """An upload that is open. Its lock is held wherever the set of its parts changes or is looked at for good."""

    def __init__(self, directory: Path, document: dict[str, Any], deliveries: DeliveryLog, clock: Clock) -> None:
        self.directory = directory
        self.id: str = document["id"]
        self.description: str = document["description"]
        self.part_size: int = document["part_size"]
        self.created: str = document["created"]
        self.lock = threading.RLock()
        self.over = False
        self._deliveries = deliveries
        self._clock = clock
        self._writing: dict[int, PartWriter] = {}
        self._side_files = 0

    @property
    def data(self) -> Path:
        """The file that the parts are written into."""
        return self.directory / "data"

    @property
    def idle(self) -> bool:
        """Whether nothing has happened to it for so long that the service removes it."""
        try:
            return self._clock.now() - (self.directory / "active").stat().st_mtime >= IDLE_SECONDS
        except FileNotFoundError:
            return False

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

    def store(self, start: int, writer: PartWriter, received: Received, fault: Fault | None) -> None:
        """Make what was written the part at `start`; the latest wins (botocore UploadMultipartPart: idempotent)."""
        record = {
            "start": start,
            "end": start + received.size - 1,
            "sha256_tree_hash": received.tree_hash,
            "leaves": b"".join(received.leaves).hex(),
        }
        with self.lock:
            self.check_open()
            touch(self.directory, self._clock)
            # Before the part counts: one that a killed server has stored was also noted.
            self._deliveries.note(start, start + received.size - 1, fault)
            if writer.revoked:
                # Another connection stored this part meanwhile. The same bytes: it is there. Others: send it again.
                if self.part(start) != record:
                    raise ApiError("RequestTimeoutException", "another upload of the same part overtook this one")
            elif writer.path == self.data:
                disk.write_json(self._record(start), record)
            else:
                self._replace(start, writer, record)

    def _replace(self, start: int, writer: PartWriter, record: dict[str, Any]) -> None:
        """Put a part that was written beside into its place. A server killed meanwhile leaves no part, or a whole."""
        if start in self._writing:
            self._writing.pop(start).revoke()
        if self.part(start) != record:
            self._record(start).unlink(missing_ok=True)
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


def touch(directory: Path, clock: Clock) -> None:
    """Note that the upload in that directory is active just now."""
    path, now = directory / "active", clock.now()
    path.touch()
    os.utime(path, (now, now))


def document_path(directory: Path) -> Path:
    """The file that makes a directory an open upload: written last, removed first."""
    return directory / "upload.json"
