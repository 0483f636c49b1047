"""Every source there is, by the name of its kind."""

from __future__ import annotations

from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Source

SOURCES: dict[str, Source] = {
    "local": LocalSource(),
}
