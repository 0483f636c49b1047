"""How an archive is to be sent, beyond what it is."""

from __future__ import annotations

from dataclasses import dataclass

from glacier_backup.destination.destination import Limits
from glacier_backup.errors import DestinationError
from glacier_backup.plan.parts import TooLarge, part_size


@dataclass(frozen=True, slots=True)
class Way:
    """What one run has decided, and what earlier tries of it have shown."""

    storage_class: str | None
    least_part: int | None
    """Bytes of a part, at least."""
    outgrown: bool = False
    """Whether it had more bytes than was thought, so that no estimate is to be relied on."""

    def part_size(self, size: int | None, limits: Limits) -> int:
        """For an object of about so many bytes. Raises DestinationError where the destination takes none that large."""
        found = part_size(size, self.least_part, limits)
        if isinstance(found, TooLarge):
            raise DestinationError(f"too large for one archive: {found}")
        return found
