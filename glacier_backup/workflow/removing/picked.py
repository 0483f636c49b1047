"""Files of groups that are to be deleted, as small as they can be noted."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby

from glacier_backup.model.stored import StoredArchive


class PickedFiles:
    """Which files of groups were named, eight bytes each: there may be millions."""

    def __init__(self) -> None:
        self._named: dict[int, array[int]] = {}

    def update(self, files: Iterable[StoredArchive]) -> None:
        """Each that stands for a file of a group (:attr:`StoredArchive.file`). One that is named twice counts once."""
        for one in files:
            if one.file is not None:
                # Two that have one hash count as one: then the group isn't taken for complete, which does no harm.
                self._named.setdefault(one.id, array("q")).append(hash(one.path))

    def counts(self) -> Iterator[tuple[int, int]]:
        """The ids of their groups, and how many files of each were named."""
        for group, named in self._named.items():
            yield group, sum(1 for _ in groupby(sorted(named)))
