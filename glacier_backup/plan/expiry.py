"""What is stored of a section and is no part of its newest state any more.

Two lists in the order of their paths are read side by side: what a destination has, and what the plan does with the
files that there are. Little else is in memory, whatever their length.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from glacier_backup.model.candidate import CHANGED_BACK
from glacier_backup.model.expiry_reason import Deleted, Dissolved, Superseded
from glacier_backup.model.filters import FEW, MostDeleted
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plaintext import is_unknown_group
from glacier_backup.model.plan import Decision, Expiry, Skip
from glacier_backup.model.reason import Emptied, SkipReason, TooManyGone
from glacier_backup.model.record import Current, CurrentGroup
from glacier_backup.plan.placed import GROUPED, OVER, RENAMED, THERE, Placed
from glacier_backup.spool import Spool

_FREE = (b"", RENAMED)
"""What is said of files that the walk hasn't met."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one destination has of one section, and how that is judged."""

    to: str
    """The destination's name."""
    current: Callable[[], Iterator[Current]]
    """The newest version of each file below the section, in the order of the bytes of their paths."""
    groups: Callable[[], Iterator[CurrentGroup]]
    """Groups that go by a prefix whose names lie below it."""
    bases: Callable[[Collection[int]], Mapping[int, str]]
    """Of such groups, by their ids, what the files in them lay below."""
    owns: Callable[[str], bool]
    """Whether a path below the section isn't another section's."""
    gone: Callable[[Iterable[str]], Iterator[bool]]
    """Of each of some paths whether it is certainly there no more."""
    most: MostDeleted | None
    """How many files may be gone and count as deleted; None: none do (``deleted = keep``)."""
    renames: bool = False
    """Whether filters make keys of names: what a rebuild has found is known by its key then, and that of no file."""


def expiries(placed: Placed, at: Standing) -> Iterator[Decision]:
    """What is to be put away at one destination when all of the plan is stored there: files that were deleted, or are
    in groups now, and groups that nothing is left in; and a skip of the section where so much is gone that none of it
    is taken for deleted."""
    groups = _Groups(placed, at)
    compared = _Compared(placed, at, groups)
    gone = compared.gone()
    reason = _too_much(placed, at, compared, gone)
    if reason is not None:
        yield Skip(placed.section, archive_name(placed.section, "raw", "file"), 0, reason, at.to)
        for lost in gone:
            groups.keep(lost.file.archive)
    else:
        yield from (_expiry(lost.file, Deleted(), at.to) for lost in gone)
    yield from compared.superseded
    yield from groups.dissolved()


class _Lost(NamedTuple):
    """A file that is stored and that the walk hasn't met."""

    file: Current
    renamed: bool
    """Whether it has another name now."""


class _Compared:
    """What is stored, beside what there is."""

    def __init__(self, placed: Placed, at: Standing, groups: _Groups) -> None:
        self._placed = placed
        self._at = at
        self._groups = groups
        self.known = 0
        """How many files of the section are stored."""
        self.superseded: Spool[Expiry] = Spool()
        self._lost: Spool[_Lost] = Spool()
        self._compare()

    @property
    def has_lost(self) -> bool:
        """Whether the walk hasn't met some, in places where it was."""
        return len(self._lost) > 0

    def gone(self) -> Spool[_Lost]:
        """Those that are certainly there no more."""
        found: Spool[_Lost] = Spool()
        if self._at.most is not None and self._placed.stored:
            for lost, gone in zip(self._lost, self._at.gone(one.file.path for one in self._lost), strict=True):
                if gone:
                    found.append(lost)
                else:
                    self._groups.keep(lost.file.archive)
        else:
            for lost in self._lost:
                self._groups.keep(lost.file.archive)
        return found

    def _compare(self) -> None:
        over = _Over()
        for path, tag, one in _side_by_side(iter(self._placed), self._at.current()):
            if tag == OVER:
                over.begin(path)
            if one is None:
                continue
            self.known += 1
            if tag.startswith(GROUPED):
                self._supersede(one, self._placed.group(tag))
            elif tag in (THERE, OVER):
                # What is stored there, or isn't looked at, isn't stored again elsewhere.
                self._groups.keep(one.archive)
            elif tag in _FREE:
                self._miss(one, path, tag, over)

    def _supersede(self, one: Current, group: str) -> None:
        if _alone(one) is not None:
            self.superseded.append(_expiry(one, Superseded(group), self._at.to))

    def _miss(self, one: Current, path: bytes, tag: bytes, over: _Over) -> None:
        # Whose key that is may be what nobody could look at.
        if over.holds(path) or (self._at.renames and self._placed.unsure):
            self._groups.keep(one.archive)
        elif not self._at.owns(one.path):
            self._groups.keep(one.archive)
            self.known -= 1
        else:
            self._lost.append(_Lost(one, tag == RENAMED))


class _Groups:
    """The groups that are stored, and that the plan doesn't have: they can go, until something is only in them."""

    def __init__(self, placed: Placed, at: Standing) -> None:
        self._at = at
        self._left: Spool[CurrentGroup] = Spool()
        self._ids: set[int] = set()
        planned = placed.groups
        for group in at.groups():
            # What is in a group that nobody has looked into may be deleted here, and is to stay then; or may be what
            # can't be looked at.
            is_kept = (at.most is None or placed.unsure) and _is_unknown(group.digest)
            if group.path not in planned and at.owns(group.path) and not is_kept:
                self._left.append(group)
                self._ids.add(group.archive)
        for id, base in at.bases(self._ids).items() if self._ids else ():
            if not _is_along(f"{base.rstrip('/')}/", f"{placed.section.rstrip('/')}/"):
                self._ids.discard(id)

    def keep(self, archive: int) -> None:
        """The newest version of a file is in it, and will be."""
        self._ids.discard(archive)

    def dissolved(self) -> Iterator[Expiry]:
        for one in self._left:
            if one.archive in self._ids:
                yield Expiry(one.path, one.name, one.size, Dissolved(), self._at.to, one.archive)


def _is_unknown(digest: str | None) -> bool:
    """Whether nobody knows what is in a group: it was found by its key, or its files changed while they were read."""
    return digest is None or digest.endswith(CHANGED_BACK) or is_unknown_group(digest)


def _is_along(base: str, section: str) -> bool:
    """Whether files that lay below ``base``, in a group whose name lies below ``section``, are among those that are
    compared; where filters make names, some may not be, which is asked once more before the group goes. Others lay
    elsewhere."""
    return base.startswith(section) or section.startswith(base)


class _Over:
    """What was passed over, and may be above what comes: paths come in the order of their bytes."""

    def __init__(self) -> None:
        self._folders: list[bytes] = []
        """With a slash behind each."""

    def begin(self, path: bytes) -> None:
        self._folders.append(path.rstrip(b"/") + b"/")

    def holds(self, path: bytes) -> bool:
        """Whether ``path`` lies below one of them."""
        self._folders = [one for one in self._folders if path.startswith(one) or path < one]
        return any(map(path.startswith, self._folders))


def _side_by_side(
    placed: Iterator[tuple[bytes, bytes]], current: Iterator[Current]
) -> Iterator[tuple[bytes, bytes, Current | None]]:
    """Path, what the plan says of it, empty where that is nothing, and what is stored of it; up to the last of what is
    stored."""
    mine = next(placed, None)
    for one in current:
        path = one.path.encode("utf-8", "surrogateescape")
        while mine is not None and mine[0] < path:
            yield *mine, None
            mine = next(placed, None)
        if mine is not None and mine[0] == path:
            yield *mine, one
            mine = next(placed, None)
        else:
            yield path, b"", one


def _too_much(placed: Placed, at: Standing, compared: _Compared, gone: Iterable[_Lost]) -> SkipReason | None:
    if at.most is None:
        return None
    if not placed.stored:
        return Emptied(compared.known) if compared.has_lost else None
    count, most = sum(not one.renamed for one in gone), _most(at.most, compared.known)
    return None if most is None or count <= most else TooManyGone(count, compared.known, at.most.says)


def _most(most: MostDeleted, known: int) -> int | None:
    if most.share is None:
        return most.files
    return max(FEW, int(most.share * known)) if most.share else 0


def _expiry(one: Current, reason: Deleted | Superseded, to: str) -> Expiry:
    return Expiry(one.path, archive_name(one.path, "raw", one.kind), one.size, reason, to, _alone(one))


def _alone(one: Current) -> int | None:
    """Its own archive, where that has a key that stays the same."""
    return one.archive if one.fixed and not one.group else one.own
