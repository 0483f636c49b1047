"""Vaults on disk: `ROOT/vaults/<name>/vault.json` and, once one was taken, `inventory.json`."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from . import disk
from .clock import Clock
from .errors import ApiError, invalid, not_found

# Developer guide "Describe Vault": SizeInBytes includes an overhead per archive. How large it is it does not say.
OVERHEAD_PER_ARCHIVE = 32 * 1024
MAX_VAULTS = 1000
_ROOMS = ("archives", "deleted", "uploads", "finished", "received", "jobs", "incoming")


class VaultStore:
    """The vaults below a root directory. The disk is the truth: another store on the same root sees the same."""

    def __init__(self, root: Path, clock: Clock, arn_prefix: str) -> None:
        self.home = root / "vaults"
        self._clock = clock
        self._arn_prefix = arn_prefix
        self._lock = threading.RLock()
        self.home.mkdir(parents=True, exist_ok=True)

    def create(self, name: str) -> None:
        """Make a vault, unless there is one. Source: botocore CreateVault (idempotent, at most 1,000 an account)."""
        with self._lock:
            if self._exists(name):
                return
            if len(self.names()) >= MAX_VAULTS:
                raise ApiError("LimitExceededException", f"an account has at most {MAX_VAULTS} vaults")
            for room in _ROOMS:
                (self.home / name / room).mkdir(parents=True, exist_ok=True)
            disk.write_json(self.home / name / "vault.json", {"name": name, "created": self._clock.text(), "writes": 0})

    def delete(self, name: str) -> None:
        """Remove a vault, or nothing where there is none (so is "idempotent" read here).

        Source: botocore DeleteVault: only if the last inventory held no archive and nothing was written since.
        """
        with self._lock:
            if not self._exists(name):
                return
            inventory = self.inventory(name) or {"writes": 0, "archives": []}
            if inventory["archives"] or inventory["writes"] != self._document(name)["writes"]:
                raise invalid(f"the vault is not empty or was written to since its last inventory: {self.arn(name)}")
            shutil.rmtree(self.home / name)

    def require(self, name: str) -> Path:
        """A vault's directory; ResourceNotFoundException where there is no such vault."""
        if not self._exists(name):
            raise not_found("vault", self.arn(name))
        return self.home / name

    def names(self) -> list[str]:
        """All vaults in ASCII order. Source: botocore ListVaults documentation."""
        return sorted(path.parent.name for path in self.home.glob("*/vault.json"))

    def arn(self, name: str) -> str:
        """A vault's Amazon Resource Name."""
        return f"{self._arn_prefix}:vaults/{name}"

    def describe(self, name: str) -> dict[str, Any]:
        """A vault as of its last inventory. Source: botocore DescribeVaultOutput: null before the first one."""
        self.require(name)
        inventory = self.inventory(name)
        archives = inventory["archives"] if inventory else []
        size = sum(archive["size"] + OVERHEAD_PER_ARCHIVE for archive in archives)
        return {
            "VaultARN": self.arn(name),
            "VaultName": name,
            "CreationDate": self._document(name)["created"],
            "LastInventoryDate": inventory["date"] if inventory else None,
            "NumberOfArchives": len(archives) if inventory else None,
            "SizeInBytes": size if inventory else None,
        }

    def note_write(self, name: str) -> None:
        """Remember that an archive was added or deleted."""
        with self._lock:
            document = self._document(name)
            disk.write_json(self.home / name / "vault.json", document | {"writes": document["writes"] + 1})

    def inventory(self, name: str) -> dict[str, Any] | None:
        """The last inventory taken: `date`, `writes` and `archives`; None before the first."""
        return disk.read_json(self.home / name / "inventory.json")

    def take_inventory(self, name: str) -> None:
        """What the service does about once a day; here only when a test says so (developer guide "Initiate Job").

        Without a write since the last inventory its date stays.
        """
        with self._lock:
            directory, last = self.require(name), self.inventory(name)
            writes = self._document(name)["writes"]
            if last and last["writes"] == writes:
                return
            documents = filter(None, map(disk.read_json, (directory / "archives").glob("*.json")))
            archives = sorted(documents, key=lambda found: (found["created"], found["id"]))
            document = {"date": self._clock.text(), "writes": writes, "archives": archives}
            disk.write_json(directory / "inventory.json", document)

    def _exists(self, name: str) -> bool:
        return (self.home / name / "vault.json").exists()

    def _document(self, name: str) -> dict[str, Any]:
        return disk.read_json(self.home / name / "vault.json") or {}
