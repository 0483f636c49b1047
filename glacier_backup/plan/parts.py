"""How large the parts of an upload are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from glacier_backup.units import MIB, format_size

UNKNOWN = 128 * MIB
"""Part size for a stream of unknown length: 10,000 of them hold 1.2 TiB."""


class PartLimits(Protocol):
    """What a destination says of its parts, in bytes; each a power of two times 1 MiB."""

    @property
    def part(self) -> int:
        """What it does best with."""
        ...

    @property
    def least_part(self) -> int: ...

    @property
    def largest_part(self) -> int: ...

    @property
    def most_parts(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TooLarge:
    """No part size will do: the stream is longer than the largest archive."""

    estimate: int
    most: int
    """Bytes of the largest archive that the destination takes."""

    def __str__(self) -> str:
        return f"about {format_size(self.estimate)}, and the destination takes archives of {format_size(self.most)}"


def part_size(estimate: int | None, configured: int | None, limits: PartLimits) -> int | TooLarge:
    """Bytes of a part for a stream of about ``estimate`` bytes (None: unknown).

    A power of two times 1 MiB, as the vault API asks for (InitiateMultipartUpload), and so large that the most parts
    hold 1.25 times the estimate, for a stream may turn out longer; at the largest part, that they hold the estimate.
    ``configured`` takes the place of the destination's own size and is a lower bound: a result above it means that
    it was too small or no power of two.
    """
    start = configured or limits.part
    if estimate is None:
        start, estimate = max(start, UNKNOWN), 0
    most = limits.largest_part * limits.most_parts
    if estimate > most:
        return TooLarge(estimate, most)
    size = limits.least_part
    while size < limits.largest_part and (size < start or 4 * size * limits.most_parts < 5 * estimate):
        size *= 2
    return size
