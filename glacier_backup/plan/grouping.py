"""Files of whole trees put together: each group becomes one archive, a tar of at most ``pack_size``.

Files that are to be sent go, in the order of the walk, into the group of their destination, until one more would make
its tar too large. What is skipped, and what is sent alone, doesn't end a group; another section does. One group for
each destination is in memory, and each is handed on as soon as it is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.model.naming import archive_name, group_path, section_of, stored_name
from glacier_backup.model.plan import Decision, Upload
from glacier_backup.model.reason import Unchanged
from glacier_backup.model.tree_digest import parse_tree_digest
from glacier_backup.model.upload_reason import REASONS, Apart, Gathered, Renamed

MOST_FILES = 100_000
"""In one group: more make its list, and the way to one of them, too long."""

_BLOCK = 512
_RECORD = 20 * _BLOCK
"""A tar is a multiple of this many bytes, and ends with two empty blocks (POSIX, pax interchange format)."""
_SHORT_RECORDS = 100
"""Bytes of what a pax header holds besides names: a time with its fraction, and the words and numbers around all."""

_LATEST = 2**63 - 1
"""Of times what databases hold, as :mod:`glacier_backup.model.tree_digest` has it."""


class Packing(NamedTuple):
    """How the files of one section are put together."""

    size: int
    """Bytes of a tar, at most."""
    follow: bool = False
    """Whether a symlink stands for what it leads to."""


def grouped(decisions: Iterable[Decision], packings: Mapping[str, Packing]) -> Iterator[Decision]:
    """``decisions`` with groups in place of files of whole trees that fit into one; all else stays.

    ``packings`` are by section; of one that has none nothing is put together. Those about one path have to follow each
    other, and do so in what comes of it; of groups only those that end at the same moment. A group has no ``previous``
    upload, whatever was sent of it.
    """
    groups: dict[str, _Group] = {}
    for _, about in groupby(decisions, attrgetter("path")):
        full: list[Decision] = []
        alone: list[Decision] = []
        for decision in about:
            full += _ended(groups, decision)
            one = _one(decision, packings)
            if one is None:
                alone.append(decision)
            else:
                full += _put(one, groups)
        yield from full
        yield from alone
    yield from (group.upload() for group in groups.values())


class FileOfGroup(NamedTuple):
    """What a decision about a group says of one of its files."""

    path: str
    size: int
    """Bytes."""
    reason: str
    """Why it is sent, or isn't, in words; empty where nobody knows."""
    key: str = ""
    """What filters have made of its name; empty: nothing else."""
    unchanged: bool = False
    """Whether it is sent only because others of its group are."""


def files_of(decision: Decision) -> Iterator[FileOfGroup]:
    """Of a group every file, in the order of the group; of all else none."""
    contents = decision.contents
    if contents is None:
        return
    above = section_of(decision.path, contents.depth).rstrip("/")
    unchanged = REASONS.index(Unchanged)
    for number, file in enumerate(contents):
        reason, same = decision.reason, False
        if not isinstance(reason, Gathered):
            words = str(reason)
        elif file.was:
            words = str(Renamed(f"{above}/{file.was}"))
        else:
            words, same = reason.why(number), reason.each[number : number + 1] == bytes([unchanged])
        yield FileOfGroup(f"{above}/{file.name}", file.size, words, file.stored, same)


class _One(NamedTuple):
    """A file that goes into a group."""

    upload: Upload
    held: Held
    in_tar: int
    """Bytes."""
    packing: Packing


class _Group:
    """One group in the making."""

    def __init__(self, first: _One) -> None:
        self._first = first
        self._files: list[Held] = []
        self._reasons = bytearray()
        self._left = _room(first.packing)

    def takes(self, one: _One) -> bool:
        """Whether there is room for it."""
        return one.in_tar <= self._left and len(self._files) < MOST_FILES

    def put(self, one: _One) -> None:
        self._files.append(one.held)
        reason = type(one.upload.reason)
        # What was in a group of another sort is as it was.
        self._reasons.append(REASONS.index(Unchanged if reason is Apart else reason))
        self._left -= one.in_tar

    def is_left_by(self, decision: Decision) -> bool:
        """Whether that is about another section."""
        section = self._first.upload.candidate.section
        if isinstance(decision, Upload):
            return decision.candidate.section != section
        return not f"{decision.path}/".startswith(f"{section.rstrip('/')}/")

    def upload(self) -> Upload:
        upload, packing = self._first.upload, self._first.packing
        contents = contents_of(self._files, follow=packing.follow)
        section = upload.candidate.section
        path = group_path(section, contents.digest)
        newest = min(max(-_LATEST, contents.newest_mtime_ns), _LATEST)
        return Upload(
            Candidate(path, "group", section, compare=False, origin=upload.candidate.origin, contents=contents),
            archive_name(path, "tar", "group"),
            "tar",
            Fingerprint(contents.digest, contents.bytes, contents.count, newest),
            Gathered.of(bytes(self._reasons)),
            None,
            upload.to,
        )


def _ended(groups: dict[str, _Group], decision: Decision) -> list[Decision]:
    """The groups that nothing more comes for, when that comes."""
    if not any(group.is_left_by(decision) for group in groups.values()):
        return []
    ended: list[Decision] = [group.upload() for group in groups.values()]
    groups.clear()
    return ended


def _put(one: _One, groups: dict[str, _Group]) -> list[Decision]:
    """Put it into the group of its destination; the one that is full by then."""
    to, full = one.upload.to, list[Decision]()
    if to in groups and not groups[to].takes(one):
        full.append(groups.pop(to).upload())
    if to not in groups:
        groups[to] = _Group(one)
    groups[to].put(one)
    return full


def _one(decision: Decision, packings: Mapping[str, Packing]) -> _One | None:
    """None for what isn't put together with others."""
    if not isinstance(decision, Upload) or decision.candidate.seen is None:
        return None
    candidate, packing = decision.candidate, packings.get(decision.candidate.section)
    seen = None if packing is None else parse_tree_digest(decision.candidate.seen.digest)
    if packing is None or seen is None:
        return None
    section = candidate.section.rstrip("/")
    was = decision.reason.was[len(section) + 1 :] if isinstance(decision.reason, Renamed) else ""
    is_link = candidate.kind == "link"
    held = Held(candidate.path[len(section) + 1 :], is_link, seen.size, seen.mtime_ns, decision.fingerprint.mode, was)
    in_tar = _in_tar(len(_bytes(stored_name(candidate.section))) + 1, held)
    return _One(decision, held, in_tar, packing) if in_tar <= _room(packing) else None


def _room(packing: Packing) -> int:
    """Bytes for members."""
    return packing.size // _RECORD * _RECORD - 2 * _BLOCK


def _in_tar(before: int, held: Held) -> int:
    """Bytes that it takes there, extended attributes left out; ``before`` are those in front of its name."""
    names = before + len(_bytes(held.name)) + (held.size if held.is_link else 0)
    return 2 * _BLOCK + _blocks(_SHORT_RECORDS + names) + (0 if held.is_link else _blocks(held.size))


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
