"""What lies on a vault server's disk, for tests to look at. The server need not run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .deliveries import delivery_log
from .disk import read_json, read_lines
from .faults import JOURNAL


@dataclass(frozen=True)
class StoredArchive:
    """An archive as it lies on the server's disk: `tree_hash` is hex, `path` the file with exactly its bytes.

    `upload` is the id of the multipart upload it came by; None for one sent in a single request.
    """

    id: str
    description: str
    size: int
    tree_hash: str
    path: Path
    upload: str | None = None


@dataclass(frozen=True)
class OpenUpload:
    """A multipart upload that is open: `parts` are the stored ranges (first and last byte), in order."""

    id: str
    description: str
    part_size: int
    parts: tuple[tuple[int, int], ...]


class StoredVault:
    """One vault below a server's root."""

    def __init__(self, root: Path, name: str) -> None:
        self._home = root / "vaults" / name

    def archives(self) -> list[StoredArchive]:
        """The archives, oldest first."""
        return [
            StoredArchive(
                found["id"],
                found["description"],
                found["size"],
                found["sha256_tree_hash"],
                self._home / "archives" / f"{found['id']}.bin",
                found.get("upload"),
            )
            for found in _by_age(self._home / "archives", "*.json")
        ]

    def completed(self) -> dict[str, StoredArchive]:
        """By upload id, the archive that came of it, oldest first."""
        return {archive.upload: archive for archive in self.archives() if archive.upload}

    def retrieved(self) -> list[tuple[str, int, int]]:
        """Every retrieval of an archive that was ever begun, oldest first: archive, first byte, the one behind the
        last."""
        jobs = [job for job in _by_age(self._home / "jobs", "*.json") if "archive" in job]
        return [(job["archive"]["id"], job["start"], job["end"] + 1) for job in jobs]

    def uploads(self) -> list[OpenUpload]:
        """The multipart uploads that are open, oldest first."""
        home, over = self._home / "uploads", self.completed().keys() | self._remembered()
        return [
            OpenUpload(found["id"], found["description"], found["part_size"], _ranges(home / found["id"]))
            for found in _by_age(home, "*/upload.json")
            if found["id"] not in over
        ]

    def begun(self) -> set[str]:
        """The ids of all uploads that were ever begun."""
        return {path.stem for path in (self._home / "received").glob("*.log")}

    def begun_as(self) -> dict[str, str]:
        """By id, the description of every upload that was ever begun."""
        return {upload: delivery_log(self._home, upload).description() for upload in self.begun()}

    def received(self, upload: str, answered: bool) -> Counter[tuple[int, int]]:
        """How often each range of an upload came whole (`answered`: and no injected fault spoiled the answer)."""
        deliveries = delivery_log(self._home, upload).read()
        return Counter((one.first, one.last) for one in deliveries if one.answered or not answered)

    def _remembered(self) -> set[str]:
        return {path.stem for path in (self._home / "finished").glob("*.json")}


def injected(root: Path) -> list[dict[str, Any]]:
    """All faults of the last plan, in order: the events of `Faults.report`, and not only the last ones."""
    return [line for line in read_lines(root / JOURNAL) if "kind" in line]


def _by_age(directory: Path, pattern: str) -> list[dict[str, Any]]:
    documents = filter(None, map(read_json, directory.glob(pattern)))
    return sorted(documents, key=lambda found: (found["created"], found["id"]))


def _ranges(upload: Path) -> tuple[tuple[int, int], ...]:
    documents = filter(None, map(read_json, (upload / "parts").glob("*.json")))
    return tuple(sorted((found["start"], found["end"]) for found in documents))
