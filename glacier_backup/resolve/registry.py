"""Every source there is, by the name of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Source


class MakeSource(Protocol):
    """What makes a source; the arguments are those of :class:`~glacier_backup.resolve.local.LocalSource`."""

    def __call__(self, own: Sequence[str] = (), vault: str | None = None) -> Source: ...


SOURCES: dict[str, MakeSource] = {
    "local": LocalSource,
}
