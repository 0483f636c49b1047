"""Where the files of one section are when a plan is carried out: stored by themselves or in a group, or nobody says.

There may be millions: each is a piece of bytes, its path, NUL, and a letter, with what else there is to say behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.model.contents import Contents, names_in
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import AlreadySent, Recognised, SentMeanwhile, Touched, Unchanged
from glacier_backup.model.upload_reason import Renamed
from glacier_backup.ordering import Ordering

GROUPED = b"g"
"""In the group whose number stands behind it."""
OVER = b"o"
"""Passed over: nothing is said of it, nor of anything below it."""
RENAMED = b"r"
"""What is called so no more, and has another name that is stored."""
SENT = b"s"
"""Alone, or in a pack, by this plan."""
THERE = b"t"
"""As it was stored before, wherever that is."""

_RANK = (OVER, GROUPED, THERE, SENT, RENAMED)
"""Of several that are said of one path, as for several destinations, the first of these counts."""

_THERE = AlreadySent | Unchanged | Touched | Recognised | SentMeanwhile
"""Reasons to send nothing of what is stored as it is."""


class Placed:
    """What the decisions about one section, noted one after the other, say of its files."""

    def __init__(self, section: str) -> None:
        self.section = section
        self.stored = 0
        """How many files there are, about; 0 only where there are none."""
        self.unsure = False
        """Whether there is anything that could not be looked into, or named."""
        self._pieces = Ordering()
        self._groups: list[str] = []
        self._last = ("", b"")

    def note(self, decision: Decision) -> None:
        """What goes to several destinations may be noted for each."""
        if decision.contents is not None:
            self._note_group(decision, decision.contents)
            return
        tag = _tag_of(decision)
        if self._last == (decision.path, tag):
            return
        self._last = (decision.path, tag)
        self.unsure |= tag == OVER and isinstance(decision, Skip) and decision.reason.needs_attention
        self._add(_raw(decision.path), tag)
        self.stored += tag != OVER
        if isinstance(decision.reason, Renamed):
            self._add(_raw(decision.reason.was), RENAMED)

    def group(self, tag: bytes) -> str:
        """The path of the group that stands behind :data:`GROUPED`."""
        return self._groups[int(tag[1:])]

    @property
    def groups(self) -> frozenset[str]:
        """The paths of all that go by a prefix."""
        return frozenset(self._groups)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Path and letter of each, in the order of the bytes of the paths."""
        last, found = b"", b""
        for piece in self._pieces:
            path, _, tag = piece.partition(b"\0")
            if path == last:
                found = _foremost(found, tag)
                continue
            if last:
                yield last, found
            last, found = path, tag
        if last:
            yield last, found

    def _note_group(self, decision: Decision, contents: Contents) -> None:
        tag = _tag_of(decision)
        if self._last == (decision.path, tag):
            return
        self._last = (decision.path, tag)
        if contents.prefix is not None:
            self._groups.append(decision.path)
            tag = OVER if tag == OVER else b"%b%d" % (GROUPED, len(self._groups) - 1)
        above = _raw(self.section.rstrip("/")) + b"/"
        for name, was in names_in(contents):
            self._add(above + name, tag)
            if was:
                self._add(above + was, RENAMED)
        self.stored += 0 if tag == OVER else len(contents)

    def _add(self, path: bytes, tag: bytes) -> None:
        self._pieces.add(b"%b\0%b" % (path, tag))


def _tag_of(decision: Decision) -> bytes:
    if isinstance(decision, Upload):
        return SENT
    return THERE if decision.to and isinstance(decision.reason, _THERE) else OVER


def _foremost(one: bytes, other: bytes) -> bytes:
    return min(one, other, key=lambda tag: _RANK.index(tag[:1]))


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
