"""Retrieval jobs on disk: `jobs/<id>.json`, `jobs/<id>.bin` (the output) and, of an archive, `jobs/<id>.leaves`.

The output of an archive's job is a second name of the archive's file, so it outlives the archive's deletion
(botocore DeleteArchive: a prepared output can still be downloaded).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import disk, treehash
from .clock import Clock
from .errors import not_found
from .ids import JOB_ID_LENGTH, IdMaker, well_formed
from .vaults import VaultStore

# botocore DescribeJob: a job id does not expire for at least 24 hours after the job is complete.
KEEP_SECONDS = 24 * 3600.0


class JobStore:
    """The jobs of all vaults. A job begun is ready `delay` seconds later, by the server's clock."""

    def __init__(self, vaults: VaultStore, clock: Clock, delay: float) -> None:
        self._vaults = vaults
        self._clock = clock
        self._ids = IdMaker(JOB_ID_LENGTH)
        self.delay = delay
        self.failing = 0
        """How many of the jobs begun from now on are to fail."""
        self.spoilt: tuple[int, int] | None = None
        """A byte of archives that comes wrong, and how many more times it does."""

    def begin_archive(self, vault: str, source: Path, document: dict[str, Any]) -> str:
        """Begin the retrieval of an archive whose bytes are at `source`; gives the job's id."""
        job = self._ids.new()
        output = self._path(vault, job, ".bin")
        os.link(source, output)
        os.link(source.with_suffix(".leaves"), output.with_suffix(".leaves"))
        return self._begin(output, document)

    def begin_inventory(self, vault: str, content: bytes, document: dict[str, Any]) -> str:
        """Begin the retrieval of an inventory; gives the job's id."""
        output = self._path(vault, self._ids.new(), ".bin")
        disk.write_bytes(output, content)
        return self._begin(output, document)

    def _begin(self, output: Path, document: dict[str, Any]) -> str:
        now = self._clock.now()
        times = {"id": output.stem, "created": now, "ready": now + self.delay, "fails": self.failing > 0}
        self.failing = max(0, self.failing - 1)
        disk.write_json(output.with_suffix(".json"), document | times)
        return output.stem

    def require(self, vault: str, job: str) -> dict[str, Any]:
        """A job's document; ResourceNotFoundException where there is none or it has expired."""
        if well_formed(job, JOB_ID_LENGTH):
            document = disk.read_json(self._path(vault, job, ".json"))
            if document and self._alive(document):
                return document
        self._vaults.require(vault)
        raise not_found("job", job)

    def all(self, vault: str) -> list[dict[str, Any]]:
        """A vault's jobs by the time they were begun (botocore ListJobs documentation)."""
        found = (disk.read_json(path) for path in (self._vaults.require(vault) / "jobs").glob("*.json"))
        alive = (document for document in found if document and self._alive(document))
        return sorted(alive, key=order)

    def is_ready(self, document: dict[str, Any]) -> bool:
        """Whether a job's output can be had."""
        return self.status(document) == "Succeeded"

    def status(self, document: dict[str, Any]) -> str:
        """As the API calls it."""
        if self._clock.now() < float(document["ready"]):
            return "InProgress"
        return "Failed" if document.get("fails") else "Succeeded"

    def output(self, vault: str, job: str) -> tuple[Path, list[bytes]]:
        """The file with the output (of an archive: the whole of it) and an archive's leaves."""
        path = self._path(vault, job, ".bin")
        leaves = path.with_suffix(".leaves")
        return path, treehash.split(leaves.read_bytes()) if leaves.exists() else []

    def finish_all(self) -> None:
        """Make every job of every vault ready now."""
        for vault in self._vaults.names():
            for document in self.all(vault):
                if self.status(document) == "InProgress":
                    document["ready"] = self._clock.now()
                    disk.write_json(self._path(vault, document["id"], ".json"), document)

    def expire_all(self) -> None:
        """Let the time of every job that is over be over: its output can't be had any more, nor the job be seen."""
        for vault in self._vaults.names():
            for document in self.all(vault):
                if self.status(document) != "InProgress":
                    document["ready"] = self._clock.now() - KEEP_SECONDS
                    disk.write_json(self._path(vault, document["id"], ".json"), document)

    def spoil(self, first: int, last: int) -> int | None:
        """The byte that comes wrong this time, of an output with these bytes of an archive."""
        if self.spoilt is None or not first <= self.spoilt[0] <= last:
            return None
        byte, times = self.spoilt
        self.spoilt = (byte, times - 1) if times > 1 else None
        return byte

    def _alive(self, document: dict[str, Any]) -> bool:
        return self._clock.now() < float(document["ready"]) + KEEP_SECONDS

    def _path(self, vault: str, job: str, suffix: str) -> Path:
        return self._vaults.require(vault) / "jobs" / f"{job}{suffix}"


def order(document: dict[str, Any]) -> str:
    """The key that jobs are listed by: the time they were begun."""
    return f"{document['created']:017.6f} {document['id']}"
