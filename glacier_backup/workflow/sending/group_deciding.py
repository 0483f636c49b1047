"""Deciding whether groups that go by a prefix are sent: what the catalog knows of each, and reading what that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Literal, NamedTuple

from glacier_backup.chunks import in_chunks
from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.contents import Contents, Held
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import Unchanged
from glacier_backup.model.record import KnownMember, LastSent
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan import recognising
from glacier_backup.plan.changes import Content
from glacier_backup.plan.group_changes import (
    NEW,
    Asked,
    Compared,
    Elsewhere,
    compared,
    decided,
    is_same,
    kept,
    with_contents,
    with_elsewhere,
)
from glacier_backup.workflow.sending.hashing import read_contents
from glacier_backup.workflow.sending.renames import AlikeOf, renames
from glacier_backup.workflow.sending.unread import unread
from glacier_backup.workflow.tools import Origin

AT_A_TIME = 500
"""Files looked up in the catalog, or read."""

LastSentOf = Callable[[Sequence[str]], Mapping[str, LastSent]]
"""The newest archive of each path that one destination has one of."""

MembersOf = Callable[[int], Iterable[KnownMember]]
"""The files of the group that is the archive of that id, as the catalog has them."""


def nothing_sent(paths: Sequence[str]) -> Mapping[str, LastSent]:
    """What a destination has that was never sent anything."""
    return {}


def _no_members(archive: int) -> Iterable[KnownMember]:
    return ()


def _never(place: str, section: str) -> bool:
    return False


class Groups(NamedTuple):
    """What the catalog knows of groups; by itself that there are none."""

    members: MembersOf = _no_members
    has_nothing: Callable[[str, str], bool] = _never
    """Whether nothing at all of a section is stored at the destination of that name, so that nobody need look for each
    of its files."""


NO_GROUPS = Groups()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What there is to ask."""

    origins: Mapping[str, Origin]
    last_sent: Mapping[str, LastSentOf]
    """By destination."""
    alike: Mapping[str, AlikeOf]
    """Likewise, of those that have something."""
    groups: Groups
    check: Callable[[], object]
    """Raises what ends it."""


def group_decisions(
    candidate: Candidate, last: Mapping[str, LastSent | None], asked: Asked, knowledge: Knowledge
) -> Iterator[Decision]:
    """One for each destination of ``last``, which has the newest archive of the group's path there; in front of them
    one for each file that had to be read and couldn't be."""
    deciding = _Deciding(candidate, asked, knowledge)
    decisions = [replace(deciding.at(name, one), to=name) for name, one in last.items()]
    yield from deciding.unread()
    yield from decisions


class _Deciding:
    """One group, whose files are read once for all destinations."""

    def __init__(self, candidate: Candidate, asked: Asked, knowledge: Knowledge) -> None:
        """Raises ValueError for what is no group."""
        if candidate.contents is None:
            raise ValueError(f"{candidate.path} is no group")
        self._candidate = candidate
        self._contents: Contents = candidate.contents
        self._asked = asked
        self._knowledge = knowledge
        self._above = candidate.section.rstrip("/") + "/"
        self._read: dict[str, Content | SourceError] = {}
        """By name below the section."""

    def at(self, place: str, last: LastSent | None) -> Upload | Skip:
        if last is not None and not self._asked.force and recognising.is_unknown(last):
            found = self._recognised(last)
            if found is not None:
                return found
        if last is not None and is_same(self._contents, last, self._asked) and not self._has_more(last):
            return kept(self._candidate, Unchanged(last.sent_at, last.problems))
        known = [] if last is None else [*self._knowledge.groups.members(last.id)]
        found_now = self._compared(last, known)
        found_now, candidate = self._with_elsewhere(place, found_now)
        return decided(candidate, last, found_now, self._asked)

    def unread(self) -> Iterator[Skip]:
        for name, content in self._read.items():
            if isinstance(content, SourceError):
                yield unread(replace(self._candidate, path=self._above + name, kind="file", contents=None), content)

    def _recognised(self, last: LastSent) -> Skip | None:
        """Of a group that another system has stored, where it has the files that are here."""
        verdict = recognising.judged(self._contents, last, self._asked.hashing)
        if verdict == "read":
            read = self._reading(self._contents)
            hashes = {name: one.sha256 for name, one in read.items() if not one.changed}
            verdict = "same" if recognising.same_content(self._contents, last, hashes) else "other"
            return kept(self._candidate, recognising.recognised(last, read=True)) if verdict == "same" else None
        return kept(self._candidate, recognising.recognised(last)) if verdict == "same" else None

    def _has_more(self, last: LastSent) -> bool:
        """Whether a file can be read now that couldn't be when the group was sent."""
        if not last.problems:
            return False
        there = {one.name for one in self._knowledge.groups.members(last.id)}
        left_out = [one for one in self._contents if one.name.encode("utf-8", "surrogateescape") not in there]
        return bool(self._reading(left_out))

    def _compared(self, last: LastSent | None, known: Sequence[KnownMember]) -> Compared:
        found = compared(self._contents, last, known, self._asked)
        to_read = found.to_read
        if not to_read:
            return found
        wanted = bytearray(len(self._contents))
        for number in to_read:
            wanted[number] = True
        return with_contents(found, self._contents, known, self._reading(compress(self._contents, wanted)))

    def _reading(self, files: Iterable[Held]) -> dict[str, Content]:
        """What is in those that can be read, by name below the section."""
        found: dict[str, Content] = {}
        for chunk in in_chunks(files, AT_A_TIME):
            new = [self._file(one) for one in chunk if one.name not in self._read]
            read = read_contents(new, self._knowledge.origins, self._knowledge.check)
            self._read.update((path.removeprefix(self._above), one) for path, one in read.items())
            for held in chunk:
                content = self._read[held.name]
                if isinstance(content, Content):
                    found[held.name] = content
        return found

    def _with_elsewhere(self, place: str, found: Compared) -> tuple[Compared, Candidate]:
        """With what is known of new files outside of this group's newest archive."""
        last_sent, alike = self._knowledge.last_sent[place], self._knowledge.alike.get(place)
        if NEW not in found.each or self._knowledge.groups.has_nothing(place, self._candidate.section):
            return found, self._candidate
        sent: dict[str, LastSent] = {}
        renamed: dict[str, str] = {}
        new = (held for held, code in zip(self._contents, found.each, strict=True) if code == NEW)
        for chunk in in_chunks(new, AT_A_TIME):
            there = last_sent([self._above + held.name for held in chunk])
            sent.update(there)
            if alike is not None:
                files = [self._file(held) for held in chunk if self._above + held.name not in there]
                renamed.update(renames(files, alike, self._knowledge.origins))
        return with_elsewhere(found, self._candidate, Elsewhere(sent, renamed))

    def _file(self, held: Held) -> Candidate:
        group = self._candidate
        kind: Literal["link", "file"] = "link" if held.is_link else "file"
        seen = tree_fingerprint(kind, held.size, held.mtime_ns, held.mode)
        return Candidate(self._above + held.name, kind, group.section, group.compare, group.origin, seen)
