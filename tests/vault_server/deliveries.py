"""Which parts came, and how often: `received/<upload id>.log`, a line for each part that came whole and right.

The log is begun with the upload and outlives it, and the server; so does `received/<upload id>.json`, which says of
which archive it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import disk
from .fault_plan import SPOILING, Fault


@dataclass(frozen=True)
class Delivery:
    """A part that came: its first and last byte. `answered`: no fault kept the right answer from the client."""

    first: int
    last: int
    answered: bool


@dataclass(frozen=True)
class DeliveryLog:
    """The log of one upload."""

    path: Path

    def begin(self, description: str) -> None:
        """Note that there is such an upload, of an archive with that description."""
        disk.write_json(self.path.with_suffix(".json"), {"description": description})
        self.path.touch()

    def description(self) -> str:
        """The description that the upload was begun with."""
        document = disk.read_json(self.path.with_suffix(".json"))
        return "" if document is None else str(document["description"])

    def note(self, first: int, last: int, fault: Fault | None) -> None:
        """Note a part that came whole, in a request that meets that fault."""
        answered = fault is None or fault.kind not in SPOILING
        disk.append_line(self.path, {"first": first, "last": last, "answered": answered})

    def read(self) -> list[Delivery]:
        """All deliveries so far, in order."""
        return [Delivery(**line) for line in disk.read_lines(self.path)]


def delivery_log(vault: Path, upload: str) -> DeliveryLog:
    """The log of an upload in the vault with that directory."""
    return DeliveryLog(vault / "received" / f"{upload}.log")
