"""Whether a group that goes by a prefix is sent again: as a whole, when its list of files, or one of them, isn't what
the newest archive of its path has.

The list comes first: a group that has taken up an old file, or lost one, has changed though no time in it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from glacier_backup.model.candidate import CHANGED_BACK, Candidate, Fingerprint
from glacier_backup.model.contents import Contents, ContentsMaker, Held, row
from glacier_backup.model.naming import archive_name, section_of
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import AlreadySent, SkipReason, Touched, Unchanged
from glacier_backup.model.record import KnownMember, LastSent
from glacier_backup.model.tree_digest import Hashing, same_look, same_time, tree_fingerprint
from glacier_backup.model.upload_reason import REASONS, Changed, DamagedThere, Forced, Gathered, NeverSent, Renamed
from glacier_backup.plan.changes import Content

NEW, CHANGED, RENAMED, DAMAGED, FORCED, UNCHANGED = map(
    REASONS.index, (NeverSent, Changed, Renamed, DamagedThere, Forced, Unchanged)
)
"""What becomes of a file of a group, as :attr:`Gathered.each` has it."""

_TO_READ = len(REASONS)
"""It has its size, and its content has to be read to tell."""


class Asked(NamedTuple):
    """What is asked for, of the files of one section."""

    hashing: Hashing = "never"
    compare: bool = True
    """Whether what was sent is sent again when it has changed."""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """A group beside its newest archive, or beside nothing."""

    each: bytearray
    """What is known of each file, in their asked."""
    other_files: bool = False
    """Whether the archive has files that the group hasn't, or the group some that the archive hasn't, wherever those
    may be stored besides."""
    left: int = 0
    """How many files the archive has that the group hasn't."""
    unhashed: bool = False
    """Whether content was to be compared, and couldn't be: nobody has hashed what was sent."""

    def numbers(self, code: int) -> Iterator[int]:
        """Of those files that are ``code``."""
        at = self.each.find(code)
        while at >= 0:
            yield at
            at = self.each.find(code, at + 1)

    @property
    def to_read(self) -> tuple[int, ...]:
        """The numbers of those that have to be read to decide whether the group is sent: none where it is anyway."""
        return () if self.differs else tuple(self.numbers(_TO_READ))

    @property
    def differs(self) -> bool:
        """Whether the group is to be sent, whatever reading says."""
        return self.other_files or any(code in self.each for code in (NEW, CHANGED, RENAMED, DAMAGED, FORCED))


def is_same(contents: Contents, last: LastSent, asked: Asked) -> bool:
    """Whether the whole group is known to be as it was sent, and nothing more has to be asked."""
    if last.damage is not None or asked.force or asked.hashing == "always":
        return False
    return last.digest == contents.digest


def compared(contents: Contents, last: LastSent | None, known: Iterable[KnownMember], asked: Asked) -> Compared:
    """``known`` are the files of the group's newest archive, ``last``."""
    if last is None:
        return Compared(bytearray([NEW]) * len(contents), other_files=True)
    before = {one.name: one for one in known}
    if not before and (last.digest or "").endswith(CHANGED_BACK):
        return Compared(bytearray([CHANGED]) * len(contents), other_files=True)
    each, unhashed = bytearray(), False
    for held in contents:
        one = before.pop(held.name.encode("utf-8", "surrogateescape"), None)
        each.append(NEW if one is None else _code(held, one, asked))
        unhashed = unhashed or (one is not None and one.sha256 is None)
    other_files = bool(before) or NEW in each
    found = Compared(each, other_files, len(before), unhashed and asked.hashing == "always")
    if asked.force:
        return replace(found, each=_all_but_new(each, FORCED))
    return found if last.damage is None else replace(found, each=_damaged(each))


def _code(held: Held, before: KnownMember, asked: Asked) -> int:
    look = before.look
    if held.stored.encode("utf-8", "surrogateescape") != before.stored:
        return CHANGED
    if not asked.compare:
        return UNCHANGED
    if look.kind != ("link" if held.is_link else "file") or look.size != held.size:
        return CHANGED
    same = same_time(look.mtime_ns, held.mtime_ns)
    if asked.hashing == "never" or before.sha256 is None or (same and asked.hashing != "always"):
        return UNCHANGED if same else CHANGED
    return _TO_READ


def _all_but_new(each: bytearray, code: int) -> bytearray:
    return bytearray(one if one == NEW else code for one in each)


def _damaged(each: bytearray) -> bytearray:
    return bytearray(one if one in (NEW, CHANGED) else DAMAGED for one in each)


def with_contents(
    found: Compared, contents: Contents, known: Iterable[KnownMember], read: Mapping[str, Content]
) -> Compared:
    """``found``, where those that had to be read have been, by their names below the section; those that couldn't be
    are left out of ``read``, and count as what they were."""
    hashes = {one.name: one.sha256 for one in known}
    each = bytearray(found.each)
    for number, held in enumerate(contents):
        if each[number] == _TO_READ:
            content = read.get(held.name)
            sha256 = hashes.get(held.name.encode("utf-8", "surrogateescape"))
            same = content is None or (not content.changed and bytes.fromhex(content.sha256) == sha256)
            each[number] = UNCHANGED if same else CHANGED
    return replace(found, each=each)


class Elsewhere(NamedTuple):
    """What is known of files that the newest archive of their group doesn't have."""

    sent: Mapping[str, LastSent]
    """By path: as archives of their own, or in other groups."""
    renamed: Mapping[str, str]
    """By path: under what other path the rest of them seem to be stored."""


def with_elsewhere(found: Compared, candidate: Candidate, elsewhere: Elsewhere) -> tuple[Compared, Candidate]:
    """``found`` with what the new files are, and the group with what they were called."""
    if candidate.contents is None or not (elsewhere.sent or elsewhere.renamed):
        return found, candidate
    each, above = bytearray(found.each), candidate.section.rstrip("/") + "/"
    files: list[Held] = []
    for number, held in enumerate(candidate.contents):
        path = above + held.name
        if each[number] == NEW and path in elsewhere.sent:
            each[number] = _moved(held, elsewhere.sent[path])
        elif each[number] == NEW and path in elsewhere.renamed:
            each[number] = RENAMED
            held = held._replace(was=elsewhere.renamed[path].removeprefix(above))
        files.append(held)
    found = replace(found, each=each)
    return found, replace(candidate, contents=_same(files, candidate.contents)) if elsewhere.renamed else candidate


def _moved(held: Held, last: LastSent) -> int:
    if last.damage is not None:
        return DAMAGED
    return UNCHANGED if last.digest is not None and same_look(last.digest, held.digest) else CHANGED


def _same(files: Iterable[Held], contents: Contents) -> Contents:
    maker = ContentsMaker()
    for held in files:
        maker.add(row(held), held.size, held.mtime_ns)
    return maker.made(follow=contents.follow, prefix=contents.prefix, top=contents.top)


def decided(candidate: Candidate, last: LastSent | None, found: Compared, asked: Asked) -> Upload | Skip:
    """Send the group or not. Raises ValueError for what is no group, or while something has to be read first."""
    contents = candidate.contents
    if contents is None or found.to_read:
        raise ValueError(f"{candidate.path} can't be decided yet")
    if last is not None and not found.differs:
        return kept(candidate, _why_kept(contents, last, found, asked))
    # What wasn't read, for the group is sent anyway, has another time, or is to be compared by content always.
    each = bytes(found.each).replace(bytes([_TO_READ]), bytes([UNCHANGED if asked.hashing == "always" else CHANGED]))
    name, at = archive_name(candidate.path, "zip", "group"), None if last is None else last.sent_at
    reason = replace(Gathered.of(each), left=found.left)
    return Upload(candidate, name, "zip", fingerprint_of(contents), reason, at)


def kept(candidate: Candidate, reason: SkipReason) -> Skip:
    """The group isn't sent."""
    size = 0 if candidate.contents is None else candidate.contents.bytes
    name = archive_name(candidate.path, "zip", "group")
    return Skip(candidate.path, name, size, reason, contents=candidate.contents)


def _why_kept(contents: Contents, last: LastSent, found: Compared, asked: Asked) -> SkipReason:
    if not asked.compare:
        return AlreadySent(last.sent_at, last.problems)
    if last.digest is not None and last.digest != contents.digest:
        return Touched(last.sent_at, last.id, contents.digest)
    return Unchanged(last.sent_at, last.problems, unhashed=found.unhashed)


def fingerprint_of(contents: Contents) -> Fingerprint:
    """Of the files of a group as the walk has seen them."""
    newest = tree_fingerprint("file", 0, contents.newest_mtime_ns).newest_mtime_ns
    return Fingerprint(contents.digest, contents.bytes, contents.count, newest)


def times_of(path: str, contents: Contents, known: Iterable[KnownMember]) -> Iterator[tuple[str, str]]:
    """Of the group ``path`` that was touched: path and digest of each file that has another time than ``known``."""
    before, above = {one.name: one.look.mtime_ns for one in known}, section_of(path, contents.depth).rstrip("/")
    for held in contents:
        mtime_ns = before.get(held.name.encode("utf-8", "surrogateescape"))
        if mtime_ns is not None and mtime_ns != held.mtime_ns:
            yield f"{above}/{held.name}", held.digest
