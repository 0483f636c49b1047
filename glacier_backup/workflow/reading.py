"""What the verbs that read work with: from a place of the catalog to its destination."""

from __future__ import annotations

from collections.abc import Callable

from glacier_backup.destination.destination import Destination
from glacier_backup.model.place import Place

DestinationOf = Callable[[Place], Destination]
"""The destination at a place that the catalog knows, the same one each time. It isn't asked anything yet. Raises
UsageError where nothing tells how to reach it."""
