"""Files of groups brought back: by their paths, as others are, and all of one group together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import UsageError
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.cost import Load, Loads
from glacier_backup.plan.inside import MOST_RANGES
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.scope import holding
from glacier_backup.plan.sets import Frame, frame_of
from glacier_backup.plan.sums import loads_of
from glacier_backup.plan.terms import Archives, versions
from glacier_backup.plan.words import Word, interpret
from glacier_backup.units import GIB, MIB, stamp
from tests.plan.stored import COLD, HERE, VAULT, Shelves, contents, day, member

PHOTOS = "/srv/photos"


def planned(shelves: Shelves, *words: str, at: datetime | None = None, folder: str = "/srv") -> RestorePlan:
    return plan_restore(shelves, [interpret(shelves, Word(word, folder)) for word in words], at)


def photos(shelves: Shelves, at: float = 0, *names: str, **values: Any) -> int:
    return shelves.add_group(PHOTOS, at, *(member(name) for name in names), **values).id


def went(plan: RestorePlan) -> dict[str, int]:
    """Where each goes, and the archive it comes from."""
    return {entry.to: entry.choice.archive for entry in plan.entries}


def unpacked(shelves: Shelves, items: list[RestoreItem]) -> dict[str, tuple[int, str]]:
    """What carrying out the items brings: by where it goes the archive, and the member."""
    found: dict[str, tuple[int, str]] = {}
    for item in items:
        members = shelves.inside[item.archive]
        if not item.numbers:
            found[item.to] = (item.archive, item.member or "")
        for number in (number for first, last in item.numbers for number in range(first, last + 1)):
            path = members[number].path
            below = path if item.member is None else path.removeprefix(item.member).lstrip("/")
            to = "/".join(part for part in (item.to.removeprefix("."), below) if part)
            assert to not in found
            assert any(_holds(one, members[number].offset) for one in item.ranges)
            found[to] = (item.archive, path)
    return found


def _holds(one: ByteRange, offset: int) -> bool:
    return one.start <= offset and (one.end is None or offset < one.end)


class TestWhatIsMeant:
    def test_a_file_is_found_by_its_path(self) -> None:
        shelves = Shelves()
        id = photos(shelves, 0, "2019/a.jpg", "2020/b.jpg", "2020/c.jpg")

        plan = planned(shelves, "/srv/photos/2020/b.jpg")

        assert went(plan) == {"b.jpg": id}
        assert [*plan.items] == [RestoreItem(id, ".", "photos/2020", (ByteRange(1024, 2048),), ((1, 1),))]
        assert (plan.grouped, plan.groups, plan.bytes) == (1, 1, 100)

    def test_a_directory_is_all_files_below_it_out_of_all_groups(self) -> None:
        shelves = Shelves()
        first = photos(shelves, 0, "2019/a", "2020/b", "2021/x")
        second = photos(shelves, 1, "2020/c", "2020/d")
        alone = shelves.add(f"{PHOTOS}/2020/large", 1).id

        plan = planned(shelves, "photos/2020")

        assert went(plan) == {"2020/b": first, "2020/c": second, "2020/d": second, "2020/large": alone}
        assert [*plan.items] == [
            RestoreItem(alone, "2020/large"),
            RestoreItem(first, ".", "photos", (ByteRange(1024, 2048),), ((1, 1),)),
            RestoreItem(second, ".", "photos", (ByteRange(0, None),), ((0, 1),)),
        ]

    def test_the_newest_version_wins_wherever_it_is(self) -> None:
        shelves = Shelves()
        photos(shelves, 0, "a", "b", "c")
        alone = shelves.add(f"{PHOTOS}/b", 1).id
        shelves.add(f"{PHOTOS}/c", 1)
        newest = photos(shelves, 2, "a", "c")

        assert went(planned(shelves, PHOTOS)) == {"photos/a": newest, "photos/b": alone, "photos/c": newest}

    def test_what_was_deleted_since_comes_back(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves, 0, "a", "gone"), photos(shelves, 1, "a")

        assert went(planned(shelves, PHOTOS)) == {"photos/a": second, "photos/gone": first}

    def test_a_moment_takes_what_was_the_newest_then(self) -> None:
        shelves = Shelves()
        first = photos(shelves, 0, "a", "b")
        photos(shelves, 5, "a", "new")

        assert went(planned(shelves, PHOTOS, at=day(3))) == {"photos/a": first, "photos/b": first}
        with pytest.raises(UsageError, match=r"no archive of .*/new yet at .*; the first one is of 2026-03-06"):
            planned(shelves, f"{PHOTOS}/new", at=day(3))
        with pytest.raises(UsageError, match="the first one is of 2026-03-01"):
            planned(shelves, at=day(-1))

    def test_of_a_damaged_group_an_older_version_of_each_file_comes_back_where_there_is_one(self) -> None:
        shelves = Shelves()
        older = photos(shelves, 0, "a")
        newest = photos(shelves, 1, "a", "b", damage="it is cut")

        plan = planned(shelves, PHOTOS)

        assert went(plan) == {"photos/a": older, "photos/b": newest}
        remarks = {entry.to: entry.choice.remark for entry in plan.entries}
        assert "is damaged: it is cut; this one is " in remarks["photos/a"]
        assert remarks["photos/b"] == "known to be damaged: it is cut"

    def test_the_same_elsewhere_is_taken_from_where_it_is_at_hand(self) -> None:
        shelves = Shelves()
        here = photos(shelves, 0, "a", "b", place=HERE)
        cold = photos(shelves, 1, "a", "new", place=COLD)

        assert went(planned(shelves, PHOTOS)) == {"photos/a": here, "photos/b": here, "photos/new": cold}

    @pytest.mark.parametrize("word", ["/srv/photos/*.jpg", "photos/20*.jpg", "*.jpg"])
    def test_a_glob_is_over_whole_paths(self, word: str) -> None:
        shelves = Shelves()
        photos(shelves, 0, "2019/a.jpg", "2019/a.txt", "2020/b.jpg")

        plan = planned(shelves, word)

        assert [entry.choice.path for entry in plan.entries] == [f"{PHOTOS}/2019/a.jpg", f"{PHOTOS}/2020/b.jpg"]

    @pytest.mark.parametrize("word", ["id:{id}", "locator-{id}", "{path}"])
    def test_a_group_is_the_files_that_it_holds_under_their_names(self, word: str) -> None:
        shelves = Shelves()
        id = photos(shelves, 0, "2019/a", "2020/b")
        photos(shelves, 1, "2020/b")
        path = shelves.archives[0].path

        plan = planned(shelves, word.format(id=id, path=path))

        assert went(plan) == {"photos/2019/a": id, "photos/2020/b": id}
        assert [*plan.items] == [RestoreItem(id, ".", None, (ByteRange(0, None),), ((0, 1),))]

    def test_the_name_of_groups_is_all_of_one_section(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves, 0, "a", "b"), photos(shelves, 1, "b")

        assert went(planned(shelves, "photos.pack.tar")) == {"photos/a": first, "photos/b": second}
        shelves.add_group("/mnt/photos", 0, member("c"))
        with pytest.raises(UsageError, match=r"several paths: /mnt/photos, /srv/photos"):
            planned(shelves, "photos.pack.tar")

    @pytest.mark.parametrize("word", ["id:1:2020", "id:1:photos/2020", "photos.pack.tar:2020", "locator-1:2020"])
    def test_what_is_inside_can_be_named_by_the_group(self, word: str) -> None:
        shelves = Shelves()
        photos(shelves, 0, "2019/a", "2020/b", "2020/c")

        if word.startswith("locator"):
            with pytest.raises(UsageError):
                planned(shelves, word)
            return
        assert went(planned(shelves, word)) == {"2020/b": 1, "2020/c": 1}
        assert went(planned(shelves, f"{word}/b")) == {"b": 1}
        assert went(planned(shelves, f"{word}/[c-z]")) == {"c": 1}
        with pytest.raises(UsageError, match=r"no archive of /srv/photos has anything called .*2020/x"):
            planned(shelves, f"{word}/x")

    def test_a_moment_does_not_matter_to_what_is_named_by_its_number(self) -> None:
        shelves = Shelves()
        id = photos(shelves, 5, "a")

        assert went(planned(shelves, f"id:{id}:a", at=day(1))) == {"a": id}
        assert went(planned(shelves, f"id:{id}", at=day(1))) == {"photos/a": id}

    def test_a_section_that_is_the_root_has_files_too(self) -> None:
        shelves = Shelves()
        id = shelves.add_group("/", 0, member("etc/fstab")).id

        plan = planned(shelves, "/etc/fstab")

        assert went(plan) == {"fstab": id}
        assert [*plan.items] == [RestoreItem(id, ".", "root/etc", (ByteRange(0, None),), ((0, 0),))]
        assert went(planned(shelves, f"id:{id}")) == {"etc/fstab": id}

    def test_sections_on_servers_are_groups_of_that_host(self) -> None:
        shelves = Shelves()
        here, there = photos(shelves, 0, "a"), shelves.add_group("sftp://me@box:23/srv/photos", 0, member("a")).id

        plan = planned(shelves)

        assert went(plan) == {"nas/srv/photos/a": here, "me@box:23/srv/photos/a": there}
        assert [(item.member, item.to) for item in plan.items] == [(None, "nas/srv"), (None, "me@box:23/srv")]
        assert went(planned(shelves, "sftp://me@box:23/srv/photos")) == {"photos/a": there}

    def test_archives_of_other_programs_have_tops_of_their_own(self) -> None:
        shelves = Shelves()
        recipe = Recipe((Step("tar", {"top": "srv/photos"}), Step("gzip")))
        id = shelves.add_group(PHOTOS, 0, member("2019/a"), member("2020/b"), recipe=recipe).id
        shelves.inside[id] = tuple(one._replace(path=f"srv/{one.path}") for one in shelves.inside[id])

        plan = planned(shelves, "photos/2020")

        assert went(plan) == {"2020/b": id}
        assert [*plan.items] == [RestoreItem(id, ".", "srv/photos", (WHOLE,), ((1, 1),))]
        assert went(planned(shelves, f"id:{id}:srv/photos/2020")) == {"2020/b": id}
        assert went(planned(shelves, f"id:{id}:2020")) == {"2020/b": id}
        assert [item.member for item in planned(shelves).items] == [None]


class TestWhereNobodyKnowsWhatIsInside:
    def test_it_comes_back_as_a_directory_of_its_own(self) -> None:
        shelves = Shelves()
        group = shelves.add_group(PHOTOS, 0, known=False)
        name = group.path.rpartition("/")[2]

        for word, to in ((PHOTOS, f"photos/{name}"), (f"id:{group.id}", name), (group.path, name)):
            (entry,) = planned(shelves, word).entries
            assert (entry.to, entry.choice.number) == (to, None)
            assert "which files it holds isn't known" in entry.choice.remark

    def test_a_path_below_the_section_may_be_in_it_and_that_is_said(self) -> None:
        shelves = Shelves()
        shelves.add_group(PHOTOS, 0, known=False)

        with pytest.raises(UsageError) as caught:
            planned(shelves, f"{PHOTOS}/2019/a")
        assert "nobody knows what some packs of /srv/photos hold" in (caught.value.hint or "")

    def test_what_is_inside_one_of_them_is_looked_for_in_all_of_it(self) -> None:
        shelves = Shelves()
        group = shelves.add_group(PHOTOS, 0, known=False)

        (item,) = planned(shelves, f"id:{group.id}:2019").items

        assert item == RestoreItem(group.id, "2019", "photos/2019", (WHOLE,))


class TestItems:
    def test_two_versions_of_one_path_have_names_of_their_own(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves, 0, "a", "b"), photos(shelves, 1, "x", "a")

        plan = planned(shelves, f"id:{first}", f"id:{second}")

        odd = f"srv/photos/a~{stamp(day(1))}"
        assert went(plan) == {"srv/photos/a": first, odd: second, "srv/photos/b": first, "srv/photos/x": second}
        assert [*plan.items] == [
            RestoreItem(second, odd, "photos/a", (ByteRange(1024, None),), ((1, 1),)),
            RestoreItem(first, "srv", None, (ByteRange(0, None),), ((0, 1),)),
            RestoreItem(second, "srv", None, (ByteRange(0, 1024),), ((0, 0),)),
        ]

    def test_what_lies_inside_another_goes_beside_it(self) -> None:
        shelves = Shelves()
        outer = shelves.add(PHOTOS, 0).id
        inner = photos(shelves, 0, "a/b", "c")

        plan = planned(shelves)

        assert went(plan) == {"srv/photos": outer, "srv/photos~/a/b": inner, "srv/photos~/c": inner}
        (_, item) = plan.items
        assert (item.member, item.to, item.numbers) == ("photos", "srv/photos~", ((0, 1),))

    def test_a_file_that_has_become_a_directory_is_both(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves, 0, "a", "z"), photos(shelves, 1, "a/b")

        plan = planned(shelves, PHOTOS)

        assert went(plan) == {"photos/a": first, "photos/a~/b": second, "photos/z": first}
        assert [(item.archive, item.member, item.to) for item in plan.items] == [
            (first, None, "."),
            (second, "photos/a", "photos/a~"),
        ]

    def test_what_two_words_mean_comes_once(self) -> None:
        shelves = Shelves()
        id = photos(shelves, 0, "a", "b")

        plan = planned(shelves, PHOTOS, f"{PHOTOS}/a", f"id:{id}")

        assert [*plan.items] == [RestoreItem(id, "srv", None, (ByteRange(0, None),), ((0, 1),))]
        assert plan.grouped == 2

    def test_only_the_bytes_of_what_is_wanted_are_taken(self) -> None:
        shelves = Shelves()
        id = shelves.add_group(PHOTOS, 0, *(member(f"{n}", size=3 * MIB) for n in range(6)), size=GIB, place=VAULT).id
        files = 3 * MIB + 512

        plan = planned(shelves, f"{PHOTOS}/[0135]")

        (item,) = plan.items
        assert item.numbers == ((0, 1), (3, 3), (5, 5))
        assert item.ranges == (
            ByteRange(0, 2 * files),
            ByteRange(3 * files, 4 * files),
            ByteRange(5 * files, None),
        )
        assert plan.loads.cold.volumes == 1
        assert loads_of(shelves, [item]) == plan.loads
        assert loads_of(shelves, [RestoreItem(id, "x")]).cold == Load(1, GIB, 1, GIB, 128)

    def test_what_is_small_and_near_is_read_in_one(self) -> None:
        shelves = Shelves()
        shelves.add_group(PHOTOS, 0, *(member(f"{n:04}") for n in range(4 * MOST_RANGES)))

        (item,) = planned(shelves, f"{PHOTOS}/*[02468]").items

        assert len(item.numbers) == 2 * MOST_RANGES
        assert item.ranges == (ByteRange(0, 1024 * (4 * MOST_RANGES - 1)),)

    def test_what_is_in_too_many_pieces_is_read_whole(self) -> None:
        shelves = Shelves()
        shelves.add_group(PHOTOS, 0, *(member(f"{n:04}", size=MIB) for n in range(2 * MOST_RANGES + 2)))

        assert [item.ranges for item in planned(shelves, f"{PHOTOS}/*[02468]").items] == [(WHOLE,)]
        assert [len(item.ranges) for item in planned(shelves, f"{PHOTOS}/0*[02468]").items] == [500]

    @pytest.mark.parametrize("recipe", [None, Recipe((Step("tar"), Step("zstd")))])
    def test_what_can_not_be_taken_apart_is_read_whole(self, recipe: Recipe | None) -> None:
        shelves = Shelves()
        shelves.add_group(PHOTOS, 0, member("a"), member("b"), recipe=recipe)

        assert [*planned(shelves, f"{PHOTOS}/b").items] == [RestoreItem(1, ".", "photos", (WHOLE,), ((1, 1),))]

    def test_a_hard_link_is_what_it_leads_to_under_another_name(self) -> None:
        shelves = Shelves()
        shelves.add_group(
            PHOTOS, 0, member("a"), member("b", "hardlink", 0, "photos/a"), member("d/a", "hardlink", 0, "photos/a")
        )

        plan = planned(shelves, PHOTOS)

        assert went(plan) == {"photos/a": 1, "photos/b": 1, "photos/d/a": 1}
        assert [(item.member, item.to, item.numbers) for item in plan.items] == [
            ("photos/a", "photos/b", ((0, 0),)),
            (None, ".", ((0, 0),)),
            ("photos", "photos/d", ((0, 0),)),
        ]

    @pytest.mark.parametrize("top", ["srv/photos", "other/name", ""])
    def test_hard_links_have_no_stream_read_once_more_that_is_read_as_a_whole(self, top: str) -> None:
        shelves = Shelves()
        recipe = Recipe((Step("tar", {"top": top}), Step("gzip")))
        group = shelves.add_group(PHOTOS, recipe=recipe)
        first = f"{top}/a".lstrip("/")
        links = [member(f"{top}/{name}".lstrip("/"), "hardlink", 0, first) for name in ("b", "d/a", "d/c")]
        shelves.inside[group.id] = contents(member(first), *links)

        plan = planned(shelves, PHOTOS)

        assert went(plan) == {f"photos/{name}": 1 for name in ("a", "b", "d/a", "d/c")}
        (item,) = plan.items
        assert (item.ranges, item.numbers) == ((WHOLE,), ((0, 3),))
        assert unpacked(shelves, [item]).keys() == went(plan).keys()

    def test_a_volume_is_read_once_however_many_items_are_out_of_it(self) -> None:
        shelves = Shelves()
        files = [member(name, size=400 * MIB) for name in ("a/b", "z")]
        shelves.add_group(PHOTOS, 0, *files, place=COLD, size=GIB)
        shelves.add(f"{PHOTOS}/a", 1, size=MIB)

        plan = planned(shelves, PHOTOS)

        assert [(item.member, item.to) for item in plan.items] == [
            (None, "photos/a"),
            ("photos/a", "photos/a~"),
            (None, "."),
        ]
        assert plan.loads.cold.volumes == 1
        assert plan.loads.cold.thawed == GIB

    def test_a_hostile_path_is_left_out(self) -> None:
        shelves = Shelves()
        id = photos(shelves, 0, "../../etc/passwd", "good", "a//b")

        plan = planned(shelves)

        assert went(plan) == {"srv/photos/good": id}
        assert plan.refused == 2
        assert [item.numbers for item in plan.items] == [((1, 1),)]

    def test_what_is_gone_here_is_left_out_by_name(self) -> None:
        shelves = Shelves()
        photos(shelves, 0, "a", "gone", "z")

        plan = plan_restore(shelves, (), None, lambda choice: not choice.path.endswith("gone"))

        assert [item.numbers for item in plan.items] == [((0, 0), (2, 2))]


class TestOtherCommands:
    def test_the_versions_of_a_file_are_those_in_groups_too(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves, 0, "a", "b"), photos(shelves, 2, "a")
        alone = shelves.add(f"{PHOTOS}/a", 1).id
        term = interpret(shelves, Word(f"{PHOTOS}/a", "/"))

        found = [*versions(shelves, term, ArchiveFilter())]

        assert {one.id for one in found} == {first, second, alone}
        assert {one.path for one in found} == {f"{PHOTOS}/a"}
        assert [one.id for one in versions(shelves, term, ArchiveFilter(since=day(2)))] == [second]

    def test_what_is_incomplete_is_the_group(self) -> None:
        shelves = Shelves()
        id = photos(shelves, 0, "a", problems=1)
        term = interpret(shelves, Word(PHOTOS, "/"))

        (found,) = versions(shelves, term, ArchiveFilter(incomplete=True))

        assert (found.id, found.file) == (id, None)

    @pytest.mark.parametrize(
        ("word", "groups"), [("photos", 2), ("photos/2020", 1), ("photos/2019/*", 1), ("photos/20*", 2), ("id:1", 1)]
    )
    def test_archives_that_hold_something_are_found_once_each(self, word: str, groups: int) -> None:
        shelves = Shelves()
        photos(shelves, 0, "2019/a", "2019/b")
        photos(shelves, 0, "2020/a", "2020/b")
        term = interpret(shelves, Word(word, "/srv"))
        assert isinstance(term, Archives)

        found = [one for filter_ in holding(shelves, term.wanted) for one in shelves.stored_archives(filter_)]

        assert len(found) == len({one.id for one in found}) == groups
        assert all(one.file is None for one in found)


@pytest.mark.parametrize(
    ("member", "to", "frame"),
    [
        ("photos/2020/a.jpg", "photos/2020/a.jpg", Frame(None, ".")),
        ("photos/2020/a.jpg", "2020/a.jpg", Frame("photos", ".")),
        ("photos/2020/a.jpg", "a.jpg", Frame("photos/2020", ".")),
        ("photos/2020/a.jpg", "nas/srv/photos/2020/a.jpg", Frame(None, "nas/srv")),
        ("photos/2020/a.jpg", "photos/2020/a.jpg~1", Frame("photos/2020/a.jpg", "photos/2020/a.jpg~1")),
        ("photos/2020/a.jpg", "photos~/2020/a.jpg", Frame("photos", "photos~")),
        ("s/a/s/a", "x/s/a", Frame("s/a", "x")),
        ("a", "a", Frame(None, ".")),
    ],
)
def test_what_is_in_front_of_the_longest_common_tail(member: str, to: str, frame: Frame) -> None:
    assert frame_of(member, to) == frame


NAMES = st.sampled_from(["a", "b", "a~", "\udcff"])
BELOW = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
GROUPS = st.tuples(
    st.sampled_from(["/s", "/t/s", "sftp://u@h:1/s"]),
    st.integers(0, 3),
    st.lists(BELOW, min_size=1, max_size=4, unique=True),
    st.sampled_from([None, "nas", "laptop"]),
)
WORDS = st.sampled_from(["/s", "/s/a", "/s/*", "*", "/t", "id:1", "id:2", "id:1:a", "id:3"])


@given(st.lists(GROUPS, min_size=1, max_size=5), st.lists(WORDS, max_size=3), st.booleans())
def test_carrying_out_the_items_brings_each_entry_where_it_goes(
    groups: list[tuple[str, int, list[str], str | None]], words: list[str], with_alone: bool
) -> None:
    shelves = Shelves()
    for section, at, names, host in groups:
        shelves.add_group(section, at, *(member(name) for name in names), host=host)
    if with_alone:
        shelves.add("/s/a", 1)
    terms = []
    for word in words:
        try:
            terms.append(interpret(shelves, Word(word, "/")))
        except UsageError:
            continue

    plan = plan_restore(shelves, terms)

    expected = {entry.to: (entry.choice.archive, entry.choice.member or "") for entry in plan.entries}
    assert unpacked(shelves, [*plan.items]) == expected
    assert len(expected) == len(plan.entries)
    assert [*plan.items] == [*plan.items]
    assert loads_of(shelves, plan.items) == plan.loads
    frames = [(item.archive, item.member, item.to) for item in plan.items]
    assert len(frames) == len(set(frames))


def test_what_was_taken_over_may_have_a_number_below_zero() -> None:
    shelves = Shelves()
    photos(shelves, 0, "a", "b")
    shelves.add("/etc/fstab")
    shelves.archives = [replace(one, id=-one.id) for one in shelves.archives]
    shelves.inside = {-id: members for id, members in shelves.inside.items()}

    plan = planned(shelves)

    assert [(item.archive, item.to, item.numbers) for item in plan.items] == [
        (-2, "etc/fstab", ()),
        (-1, "srv", ((0, 1),)),
    ]
    assert went(planned(shelves, "id:-1")) == {"photos/a": -1, "photos/b": -1}
    assert went(planned(shelves, "id:-1:b", "#-2")) == {"b": -1, "fstab": -2}


def test_nothing_is_read_for_groups_that_are_forgotten() -> None:
    assert loads_of(Shelves(), [RestoreItem(7, ".", None, (WHOLE,), ((0, 3),))]) == Loads()
