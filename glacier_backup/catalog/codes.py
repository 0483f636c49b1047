"""What numbers in the catalog stand for. Without SQLAlchemy, which costs more than a question takes."""

from __future__ import annotations

from glacier_backup.model.archive import MemberType
from glacier_backup.model.restore import ItemState

APPLICATION_ID = 0x676C6263
"""``glbc`` in the database's header (https://www.sqlite.org/fileformat2.html, section 1.3.12) marks it as ours."""

MEMBER_TYPES: tuple[MemberType, ...] = ("file", "directory", "symlink", "hardlink", "fifo", "device", "other")
"""A member's type is stored as its place in this tuple, which may only grow at its end. SQLite needs no byte at
all for a 0 or a 1, so the two that are frequent come first."""

ITEM_STATES: tuple[ItemState, ...] = (
    *("planned", "requested", "thawing", "ready", "fetched"),
    *("verified", "restored", "kept", "failed", "damaged"),
)
"""The same with the state of a restore's item."""
