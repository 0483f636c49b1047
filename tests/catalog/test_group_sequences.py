"""Whatever is sent alone and in groups, in whatever order, put away, deleted and forgotten: each file is found as it
was sent last."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy import select

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.keys import Key
from glacier_backup.catalog.schema import grouped, looks
from glacier_backup.model.archive import ArchiveRecord, Member
from glacier_backup.model.place import Place
from glacier_backup.model.record import Current
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.units import MIB
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_file,
    a_group,
    a_link,
    by_prefix,
    checksums,
    intended,
    minutes,
    of_tree,
    under_key,
)

SECTION = "/srv/photos"
_NAMES = ["a", "b", "d/é", NOT_UTF8]
_PATHS = [f"{SECTION}/{name}" for name in _NAMES]
_LOOKS = [f"{kind} {size} {second * 10**9 + 1}" for kind in ("file", "link") for size in (1, 2) for second in (1, 2, 3)]
_LOOKS += [f"link {size} {1_700_000_000 * 10**9}" for size in (1, 2)]
_GROUPED = select(grouped.c.destination, grouped.c.path, grouped.c.archive, grouped.c.number)
_HIDDEN = Member("photos/d", "directory", 0, 1, 0o755, 0, None)

_files = st.builds(a_file, st.sampled_from(_NAMES), size=st.integers(1, 2), second=st.integers(1, 2))
_under_keys = st.builds(
    under_key, st.sampled_from(_NAMES), size=st.integers(1, 2), second=st.integers(1, 2), key=st.sampled_from(["", "k"])
)
_links = st.builds(a_link, st.sampled_from(_NAMES), st.sampled_from(["x", "é"]))
_members = st.lists(_files | _links | st.just(_HIDDEN), max_size=5)
_moments = st.integers(0, 5).map(minutes)
_prefixes = st.sampled_from(["", "d/"])
_ends = st.sampled_from(["stored", "stored", "left", "left", "given up", "doubtful"])


class Version(NamedTuple):
    """One version of one path."""

    path: str
    place: int
    id: int
    number: int | None
    digest: str
    time: datetime


@dataclass
class Sent:
    """One archive, and what it has."""

    record: ArchiveRecord
    place: int
    members: list[Member]
    is_stored: bool = False
    touched: dict[str, str] = field(default_factory=dict)
    """By path, what files with another time look like."""
    expired: datetime | None = None

    def versions(self, id: int) -> list[Version]:
        return [one._replace(digest=self.touched.get(one.path, one.digest)) for one in self._as_sent(id)]

    def _as_sent(self, id: int) -> list[Version]:
        label, digest = self.record.label, self.record.fingerprint.digest
        if label.kind != "group" or not self.members or digest.endswith(" changed"):
            return [Version(label.path, self.place, id, None, digest, label.time)]
        last = {_path(one): number for number, one in enumerate(self.members) if one != _HIDDEN}
        return [
            Version(path, self.place, id, number, _digest(self.members[number]), label.time)
            for path, number in last.items()
        ]


class Gone(NamedTuple):
    """One path that was deleted."""

    place: int
    path: str
    at: datetime
    last: int
    """The highest id then."""


class Groups(RuleBasedStateMachine):
    """A catalog, and all that it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = Catalog.peek("/nowhere/at/all")
        self.catalog._database.configure("PRAGMA query_only = OFF")
        other = Place("s3", "bucket")
        self.places = [self.catalog.register(place, place) for place in (LOCAL, other)]
        self.sent: dict[int, Sent] = {}
        self.gone: list[Gone] = []
        self.count = 0

    @rule(place=st.integers(0, 1), file=_files, at=_moments, end=_ends)
    def send_alone(self, place: int, file: Member, at: datetime, end: str) -> None:
        path = SECTION + file.path.removeprefix("photos")
        second = file.mtime_ns // 10**9
        self.send(place, of_tree(path, size=file.size, second=second, locator=self.locator(), sent_at=at), [], end)

    @rule(
        place=st.integers(0, 1), members=_members, at=_moments, end=_ends, changed=st.sampled_from([False] * 4 + [True])
    )
    def send_group(self, place: int, members: list[Member], at: datetime, end: str, changed: bool) -> None:
        record = a_group(SECTION, locator=self.locator(), sent_at=at, changed_back=changed)
        self.send(place, record, members, end)

    @rule(place=st.integers(0, 1), prefix=_prefixes, members=st.lists(_under_keys, max_size=4), at=_moments, end=_ends)
    def send_by_prefix(self, place: int, prefix: str, members: list[Member], at: datetime, end: str) -> None:
        record = by_prefix(SECTION, prefix, locator=self.locator(), sent_at=at)
        self.send(place, record, members, end)

    @rule(place=st.integers(0, 1), paths=st.lists(st.sampled_from(_PATHS), max_size=2), at=_moments, data=st.data())
    def expire(self, place: int, paths: list[str], at: datetime, data: st.DataObject) -> None:
        known = [id for id, one in self.sent.items() if one.is_stored]
        ids = data.draw(st.lists(st.sampled_from(known), max_size=2)) if known else []
        self.catalog.expire(self.places[place], ids, paths, at)
        for id in ids:
            if self.sent[id].place == self.places[place]:
                self.put_away(id, at)
        last = max(self.sent, default=0)
        for path in {*paths} - {one.path for one in self.gone if (one.place, one.at) == (self.places[place], at)}:
            self.gone.append(Gone(self.places[place], path, at, last))

    def put_away(self, id: int, at: datetime) -> None:
        one = self.sent[id]
        label = one.record.label
        for other, before in self.sent.items():
            is_it = label.kind == "group" and other == id
            is_before = label.kind != "group" and other <= id and before.record.label.path == label.path
            if before.is_stored and before.place == one.place and (is_it or is_before):
                before.expired = before.expired or at

    def locator(self) -> str:
        self.count += 1
        return str(self.count)

    def send(self, place: int, record: ArchiveRecord, members: list[Member], end: str) -> None:
        archive = self.catalog.intend(None, self.places[place], intended(record), MIB)
        self.sent[archive] = Sent(record, self.places[place], members)
        self.catalog.completing(archive, intended(record), checksums(record), members)
        if end == "given up":
            self.catalog.give_up(archive)
            del self.sent[archive]
        elif end == "doubtful":
            self.catalog.doubt(archive)
        elif end == "stored":
            self.catalog.stored(archive, *record.receipts)
            self.sent[archive].is_stored = True

    @precondition(lambda self: any(not one.is_stored for one in self.sent.values()))
    @rule(members=_members, data=st.data())
    def go_on(self, members: list[Member], data: st.DataObject) -> None:
        id = data.draw(st.sampled_from([id for id, one in self.sent.items() if not one.is_stored]))
        one = self.sent[id]
        if one.record.label.container == "zip":
            one.members = [file._replace(path=f"host/srv/{file.path}") for file in members if file != _HIDDEN]
        elif one.record.label.kind == "group":
            one.members = members
        self.catalog.completing(id, intended(one.record), checksums(one.record), one.members)
        self.catalog.stored(id, *one.record.receipts)
        one.is_stored = True

    @precondition(lambda self: any(one.is_stored for one in self.sent.values()))
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from([id for id, one in self.sent.items() if one.is_stored]))
        self.catalog.forget_archives([id])
        del self.sent[id]

    @precondition(lambda self: any(one.digest in _LOOKS for one in self.versions()))
    @rule(second=st.integers(1, 3), data=st.data())
    def touch(self, second: int, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from([one for one in self.versions() if one.digest in _LOOKS]))
        kind, size, _ = one.digest.split()
        digest = f"{kind} {size} {second * 10**9 + 1}"
        elsewhere = self.places[1 - self.places.index(one.place)]
        self.catalog.touched(elsewhere, [(one.id, one.path, digest)])
        self.catalog.touched(one.place, [(one.id, f"{one.path}/x", digest), (one.id, one.path, f"{kind} 99 1")])
        self.catalog.touched(one.place, [(one.id, one.path, digest)])
        self.sent[one.id].touched[one.path] = digest

    def versions(self, ids: list[int] | None = None) -> list[Version]:
        """Of all that is stored, in order."""
        chosen = {id: one for id, one in self.sent.items() if one.is_stored and (ids is None or id in ids)}
        found = [version for id, one in chosen.items() for version in one.versions(id)]
        return sorted(found, key=lambda one: Key(one.path, one.place, one.id).order)

    def present(self, until: datetime | None = None) -> list[Version]:
        """Of :meth:`versions` those that were neither put away nor deleted then."""
        return [one for one in self.versions() if self.is_kept(one, until) and not self.is_gone(one, until)]

    def newest(self, place: int | None = None, until: datetime | None = None) -> list[Version]:
        """Of what was there then, and not put away, the newest; nothing of what was deleted."""
        there = [one for one in self.versions() if until is None or one.time <= until]
        kept = [one for one in there if self.is_kept(one, until) and place in (None, one.place)]
        return [one for one in self.last_of_each(kept, until) if not self.is_gone(one, until)]

    def last_of_each(self, versions: list[Version], until: datetime | None = None) -> list[Version]:
        """Of each path at each place that of the highest id; and of no group whose path a later one has, whatever is
        known to be in either."""
        last = {(one.path, one.place): one for one in sorted(versions, key=lambda one: one.id)}
        return [one for one in versions if last[one.path, one.place] == one and not self.is_replaced(one, until)]

    def is_replaced(self, one: Version, until: datetime | None) -> bool:
        later = [sent for id, sent in self.sent.items() if sent.is_stored and sent.place == one.place and id > one.id]
        labels = [sent.record.label for sent in later]
        return any(label.path == one.path for label in labels if until is None or label.time <= until)

    def is_kept(self, one: Version, until: datetime | None) -> bool:
        expired = self.sent[one.id].expired
        return expired is None or (until is not None and expired > until)

    def is_gone(self, one: Version, until: datetime | None) -> bool:
        its = [gone for gone in self.gone if (gone.place, gone.path) == (one.place, one.path) and gone.last >= one.id]
        return any(until is None or gone.at <= until for gone in its)

    def told(self, **wanted: object) -> list[Version]:
        return [_version(one) for one in self.catalog.stored_archives(ArchiveFilter(inside=True, **wanted))]  # type: ignore[arg-type]  # whatever a test asks

    def what_was_sent_last_of_each_path_is_told(self) -> None:
        for place in self.places:
            told = self.catalog.last_sent(place, _PATHS)
            expected = {
                one.path: (one.id, one.digest, self.group_of(one)) for one in self.newest(place) if one.path in _PATHS
            }
            assert {path: (last.id, last.digest, last.group) for path, last in told.items()} == expected

    def group_of(self, one: Version) -> str:
        return "" if one.number is None else self.sent[one.id].record.label.path

    def what_there_is_now_is_told_in_order(self) -> None:
        for place in self.places:
            newest = [one for one in self.newest(place) if not self.is_untold(one)]
            assert [*self.catalog.current(place, SECTION)] == sorted(map(self.current, newest), key=_raw)

    def is_untold(self, one: Version) -> bool:
        """Whether it stands for a group whose files nobody knows."""
        return one.number is None and self.sent[one.id].record.label.kind == "group"

    def current(self, one: Version) -> Current:
        kind, size, _ = one.digest.split()
        alone = [
            other.id
            for other in self.present()
            if (other.path, other.place) == (one.path, one.place) and other.number is None and other.id < one.id
        ]
        own = max(alone, default=None) if one.number is not None else None
        is_fixed = self.sent[one.id].record.label.fixed_key is not None
        return Current(
            one.path, one.id, "link" if kind == "link" else "file", int(size), self.group_of(one), is_fixed, own
        )

    def groups_that_there_are_now_are_told(self) -> None:
        for place in self.places:
            last: dict[str, int] = {}
            for id, one in sorted(self.sent.items()):
                if one.is_stored and one.place == place and one.record.label.container == "zip":
                    last[one.record.label.path] = id
            expected = [(path, id) for path, id in sorted(last.items()) if self.sent[id].expired is None]
            told = self.catalog.current_groups(place, SECTION)
            assert [(one.path, one.archive) for one in told] == expected

    def what_is_in_each_group_is_told(self) -> None:
        for id, one in self.sent.items():
            told = [*self.catalog.group_members(id)] if one.is_stored else []
            files = [member for member in one.members if member != _HIDDEN]
            if not one.is_stored or one.record.fingerprint.digest.endswith(" changed"):
                files = []
            assert [f"{SECTION}/{found.name.decode('utf-8', 'surrogateescape')}" for found in told] == [
                *map(_path, files)
            ]
            last = {f"{SECTION}/{one.name.decode('utf-8', 'surrogateescape')}": one.look for one in told}
            expected = {version.path: version.digest for version in one.versions(id)} if told else {}
            assert {path: f"{look.kind} {look.size} {look.mtime_ns}" for path, look in last.items()} == expected

    def every_version_of_every_file_is_told_in_order(self) -> None:
        everything = self.versions()
        assert self.told() == everything
        for place in self.places:
            assert self.told(place_id=place) == [one for one in everything if one.place == place]
        assert self.told(path=_PATHS[0]) == [one for one in everything if one.path == _PATHS[0]]
        for pattern in ("/srv/*/[bd]*", f"*{NOT_UTF8}"):
            assert self.told(glob=pattern) == [one for one in everything if fnmatch.fnmatchcase(one.path, pattern)]
        assert self.told(below=f"{SECTION}/d") == [one for one in everything if one.path.startswith(f"{SECTION}/d/")]
        groups = [one.id for one in self.catalog.stored_archives(ArchiveFilter())]
        assert sorted(groups) == sorted(id for id, one in self.sent.items() if one.is_stored)

    def the_newest_are_told_as_of_any_moment(self) -> None:
        everything = self.versions()
        assert self.told(newest=True) == self.last_of_each(everything)
        for until in (minutes(1), minutes(3)):
            then = [one for one in everything if one.time <= until]
            assert self.told(until=until) == then
            assert self.told(newest=True, until=until) == self.last_of_each(then, until)
            newest = self.last_of_each(everything)
            assert self.told(newest=True, since=until) == [one for one in newest if one.time >= until]
            assert self.told(newest=True, present=True, until=until) == self.newest(until=until)
            assert self.told(present=True, until=until) == [one for one in self.present(until) if one.time <= until]
        assert self.told(newest=True, present=True) == self.newest()
        assert self.told(present=True) == self.present()

    def those_of_some_archives_are_told(self) -> None:
        ids = [*self.sent][::2]
        newest = self.last_of_each(self.versions())
        assert self.told(ids=(*ids, 99)) == self.versions(ids)
        assert self.told(ids=tuple(ids), newest=True) == [one for one in newest if one.id in ids]
        assert self.told(ids=tuple(ids), path=_PATHS[1]) == [one for one in self.versions(ids) if one.path == _PATHS[1]]
        assert self.told(name="photos.pack.tar", path=_PATHS[0]) == [
            one
            for one in self.versions()
            if one.path == _PATHS[0] and one.number is not None and self.sent[one.id].record.label.container == "tar"
        ]

    def what_looks_so_is_told(self) -> None:
        digests = [one for one in _LOOKS if one.startswith("file")]
        for place in self.places:
            newest = self.newest(place)
            alike = self.catalog.paths_like(place, SECTION, digests)
            assert {digest: {*paths} for digest, paths in alike.items()} == {
                digest: paths for digest in digests if (paths := {one.path for one in newest if one.digest == digest})
            }

    def no_row_is_left_of_what_is_not_there(self) -> None:
        every = [version for id, one in self.sent.items() for version in one.versions(id)]
        paths = self.catalog.ask(lambda connection: connection.execute(_GROUPED).all())
        files = sorted((one.place, one.path, one.id, one.number) for one in every if one.number is not None)
        assert sorted(tuple(row) for row in paths) == files
        seen = self.catalog.ask(
            lambda connection: connection.execute(select(looks.c.archive).distinct()).scalars().all()
        )
        assert {*seen} == {one.id for one in every if one.number is not None or one.path in _PATHS}
        assert not [one for one in self.catalog.check() if "said to" in one and "bytes" not in one]

    @rule()
    def look(self) -> None:
        self.what_was_sent_last_of_each_path_is_told()
        self.what_there_is_now_is_told_in_order()
        self.groups_that_there_are_now_are_told()
        self.what_is_in_each_group_is_told()
        self.every_version_of_every_file_is_told_in_order()
        self.the_newest_are_told_as_of_any_moment()
        self.those_of_some_archives_are_told()
        self.what_looks_so_is_told()
        self.no_row_is_left_of_what_is_not_there()

    def teardown(self) -> None:
        self.look()
        self.catalog.close()


def _digest(member: Member) -> str:
    if member.type == "symlink":
        size = len((member.target or "").encode())
        return tree_fingerprint("link", size, member.mtime_ns).digest
    return tree_fingerprint("file", member.size, member.mtime_ns).digest


def _path(member: Member) -> str:
    """Where it was."""
    if member.source is not None:
        return f"{SECTION}/{member.source}"
    return SECTION + member.path.removeprefix("host/srv/photos").removeprefix("photos")


def _raw(row: Current) -> bytes:
    return row.path.encode("utf-8", "surrogateescape")


def _version(one: StoredArchive) -> Version:
    number = None if one.file is None else one.file.number
    return Version(one.path, one.place_id, one.id, number, one.digest or "", one.time)


def test_a_group_whose_files_nobody_knows_is_not_the_newest_behind_a_later_one_of_its_path() -> None:
    groups = Groups()
    groups.send_by_prefix(place=0, prefix="", members=[], at=minutes(0), end="stored")
    groups.send_by_prefix(place=0, prefix="", members=[under_key("a", size=1, second=1)], at=minutes(1), end="stored")
    assert [one.path for one in groups.told(newest=True)] == [_PATHS[0]]
    assert len(groups.told(newest=True, until=minutes(0))) == 1
    groups.teardown()


TestGroups = Groups.TestCase
TestGroups.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
