"""Every kind of destination, by the name that ``destination`` and the catalog know it by."""

from __future__ import annotations

from glacier_backup.destination.destination import Destination
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.local import Local
from glacier_backup.model.place import DestinationKind

DESTINATIONS: dict[DestinationKind, type[Destination]] = {"glacier": Glacier, "local": Local}
