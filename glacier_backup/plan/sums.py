"""What is read to bring things back: each volume once, however many things out of it are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from glacier_backup.chunks import in_chunks
from glacier_backup.model.place import Place
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.across import all_across
from glacier_backup.plan.choice import Choice, whole
from glacier_backup.plan.cost import Loads, load_of
from glacier_backup.plan.known import Known
from glacier_backup.plan.ranges import to_ask_for
from glacier_backup.plan.thawing import shelf_of
from glacier_backup.spool import Spool

TOGETHER = 500
"""Items that are looked up at a time."""


def loads_of(known: Known, items: Iterable[RestoreItem]) -> Loads:
    """What is read for items that an earlier run has written down; of archives that are forgotten nothing is."""
    sums, wholes = Sums(dict(known.places())), Spool[int]()
    for choice, item in _chosen(known, items):
        if item.member is None and not item.numbers:
            wholes.append(item.archive)
            sums.add_whole(choice)
        else:
            sums.add_part(choice, item.ranges)
    return sums.loads(wholes)


def _chosen(known: Known, items: Iterable[RestoreItem]) -> Iterator[tuple[Choice, RestoreItem]]:
    for page in in_chunks(items, TOGETHER):
        ids = tuple({item.archive for item in page})
        choices = {one.id: whole(one) for one in known.stored_archives(ArchiveFilter(ids=ids))}
        yield from ((choices[item.archive], item) for item in page if item.archive in choices)


class Sums:
    """Adds up what is wanted of archives."""

    def __init__(self, places: Mapping[int, Place]) -> None:
        self.unsized = 0
        """Volumes of which nobody knows how large they are: they are in no sum. To be read when all is added up."""
        self._places = places
        self._loads = Loads()
        self._parts: dict[int, _Part] = {}

    @property
    def has_parts(self) -> bool:
        return bool(self._parts)

    def add_whole(self, choice: Choice) -> None:
        """All of an archive."""
        self._read(choice, (WHOLE,))

    def add_part(self, choice: Choice, ranges: tuple[ByteRange, ...]) -> None:
        """Some bytes of the stream of the archive that ``choice`` is of."""
        self._parts.setdefault(choice.archive, _Part(choice)).add(ranges)

    def loads(self, wholes: Iterable[int] = ()) -> Loads:
        """All of it, once it is added. ``wholes`` are the archives that are wanted as a whole: what is wanted of those
        besides doesn't count."""
        if self._parts:
            for archive in wholes:
                self._parts.pop(archive, None)
        for part in self._parts.values():
            self._read(part.choice, part.ranges())
        return self._loads

    def _read(self, choice: Choice, ranges: tuple[ByteRange, ...]) -> None:
        taken = all_across(ranges, [size for _, size in choice.volumes], choice.layout)
        for (storage_class, size), own in _read_of(choice, taken):
            if size is None:
                self.unsized += 1
            else:
                shelf = shelf_of(self._places[choice.place_id], storage_class)
                self._loads.add(shelf, load_of(shelf, size, own))


def _read_of(
    choice: Choice, taken: Sequence[tuple[ByteRange, ...]]
) -> Iterator[tuple[tuple[str | None, int | None], tuple[ByteRange, ...]]]:
    """Each object that is read, and what of it: of volumes ``taken``, and of what mends them."""
    for place, own in enumerate(taken):
        if own:
            mending = choice.parity.get(place, ())
            yield choice.volumes[place], (WHOLE,) if mending else own
            yield from ((one, (WHOLE,)) for one in mending)


class _Part:
    """An archive out of which something is wanted, and not all."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._ranges: list[ByteRange] = []
        self._most = TOGETHER

    def add(self, ranges: tuple[ByteRange, ...]) -> None:
        self._ranges += ranges
        # Made few as often as they have doubled: there may be a million members, and each time takes all of them.
        if len(self._ranges) > self._most:
            self._ranges = [*self.ranges()]
            self._most = 2 * len(self._ranges) + TOGETHER

    def ranges(self) -> tuple[ByteRange, ...]:
        # Of several volumes, and of what has to be opened, the end of the stream is nowhere said.
        volumes = self.choice.volumes
        alone = len(volumes) == 1 and self.choice.layout.plain
        return to_ask_for(self._ranges, volumes[0][1] if alone else None)
