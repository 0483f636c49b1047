"""What is brought back, and where it goes."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.errors import UsageError
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.plan.choice import part
from glacier_backup.plan.cost import Load, Loads
from glacier_backup.plan.inside import MOST_RANGES
from glacier_backup.plan.landing import UNKNOWN_HOST
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.sums import Sums, loads_of
from glacier_backup.plan.words import Word, interpret
from glacier_backup.units import GIB, MIB, stamp
from tests.plan.stored import COLD, HERE, PLACES, SERVER, VAULT, Shelves, day, member


def planned(shelves: Shelves, *words: str, at: datetime | None = None, folder: str = "/home/me") -> RestorePlan:
    return plan_restore(shelves, [interpret(shelves, Word(word, folder)) for word in words], at)


def went(plan: RestorePlan) -> dict[str, int]:
    """Where each goes, and the archive it comes from."""
    found = {entry.to: entry.choice.archive for entry in plan.entries}
    assert len(found) == len(plan.entries)
    return found


def photos(shelves: Shelves, at: float = 0, **values: Any) -> int:
    return shelves.add(
        "/home/me/photos",
        at,
        member("photos", "directory", 0),
        member("photos/2019", "directory", 0),
        member("photos/2019/img_0001.jpg"),
        member("photos/2019/img_0002.jpg", size=1000),
        member("photos/2020", "directory", 0),
        member("photos/2020/img.jpg"),
        **values,
    ).id


class TestWhatIsMeant:
    def test_the_path_of_an_archive_is_its_newest(self) -> None:
        shelves = Shelves()
        photos(shelves)
        newest = photos(shelves, 7)

        for word in ("/home/me/photos", "photos", "photos/", "./photos", "../me/photos"):
            assert went(planned(shelves, word)) == {"photos": newest}

    def test_what_is_known_to_be_damaged_is_passed_over_and_that_is_said(self) -> None:
        shelves = Shelves()
        photos(shelves)
        older = photos(shelves, 7)
        newest = photos(shelves, 9, damage="it is not there any more")

        for word, name in (("photos", "photos"), ("photos/2020", "2020"), ("photos/2020/*.jpg", "img.jpg")):
            plan = planned(shelves, word)
            assert went(plan) == {name: older}
            (entry,) = plan.entries
            assert "is damaged: it is not there any more; this one is older" in entry.choice.remark
            assert [note for note in plan.notes if "1 the newest archive is known to be damaged" in note]
        (entry,) = planned(shelves, f"id:{newest}").entries
        assert (entry.choice.archive, entry.choice.remark) == (newest, "known to be damaged: it is not there any more")

    def test_a_copy_elsewhere_is_taken_of_what_is_damaged_however_far_away_it_is(self) -> None:
        shelves = Shelves()
        photos(shelves, 7, digest="same", damage="wrong bytes")
        copy = photos(shelves, 6, place=VAULT, digest="same")
        photos(shelves, 5)

        plan = planned(shelves, "photos")
        assert went(plan) == {"photos": copy}
        assert [one.choice.remark.endswith("damaged: wrong bytes; this one is the same") for one in plan.entries]

    def test_of_damaged_ones_alone_the_newest_is_taken(self) -> None:
        shelves = Shelves()
        photos(shelves, damage="gone")
        newest = photos(shelves, 1, damage="gone, too")

        plan = planned(shelves, "photos")
        assert went(plan) == {"photos": newest}
        assert [one.choice.remark for one in plan.entries] == ["known to be damaged: gone, too"]
        assert plan.notes == ()

    def test_a_moment_takes_the_one_that_was_the_newest_then(self) -> None:
        shelves = Shelves()
        first = photos(shelves)
        photos(shelves, 7)

        assert went(planned(shelves, "photos", at=day(6))) == {"photos": first}

    def test_a_moment_before_the_first_archive_is_refused_with_the_date_of_that(self) -> None:
        shelves = Shelves()
        photos(shelves, 3)

        with pytest.raises(UsageError, match=r"no archive of /home/me/photos yet at .*; the first one is of 2026-03-0"):
            planned(shelves, "photos", at=day(1))
        with pytest.raises(UsageError, match="the first one is of 2026-03-0"):
            planned(shelves, at=day(1))

    def test_a_number_and_a_locator_are_that_archive_whatever_the_moment(self) -> None:
        shelves = Shelves()
        first = photos(shelves, 3)
        photos(shelves, 7)

        for word in (f"id:{first}", f"#{first}", f"locator-{first}"):
            assert went(planned(shelves, word, at=day(1))) == {"photos": first}
        with pytest.raises(UsageError, match="no archive has the number 99"):
            planned(shelves, "id:99")

    def test_a_path_with_archives_below_it_is_all_of_those(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/data/a").id, shelves.add("/data/b/c").id
        shelves.add("/database/d")

        assert went(planned(shelves, "/data")) == {"data/a": one, "data/b/c": two}

    def test_where_an_archive_is_meant_and_there_are_others_below_it_is_said(self) -> None:
        shelves = Shelves()
        whole = photos(shelves)
        shelves.add("/home/me/photos/2019")

        plan = planned(shelves, "photos")

        assert went(plan) == {"photos": whole}
        assert plan.notes == (
            "there are archives of paths below /home/me/photos too: '/home/me/photos/*' brings those back",
        )

    def test_a_path_below_a_directory_is_a_member_of_the_newest_that_has_it(self) -> None:
        shelves = Shelves()
        photos(shelves)
        has_it = photos(shelves, 1)
        shelves.add("/home/me/photos", 2, member("photos", "directory", 0), member("photos/other"))

        plan = planned(shelves, "/home/me/photos/2019")

        (entry,) = plan.entries
        assert (entry.choice.archive, entry.choice.member, entry.to) == (has_it, "photos/2019", "2019")
        assert plan.bytes == 1100

    def test_a_member_may_come_from_the_archive_of_any_directory_above(self) -> None:
        shelves = Shelves()
        photos(shelves)
        newer = shelves.add("/home/me", 5, member("me", "directory", 0), member("me/photos/2019/img_0001.jpg")).id

        (entry,) = planned(shelves, "/home/me/photos/2019/img_0001.jpg").entries

        assert (entry.choice.archive, entry.choice.member) == (newer, "me/photos/2019/img_0001.jpg")

    @pytest.mark.parametrize(
        "word", ["photos.tar:2019/img_0001.jpg", "photos.tar:photos/2019/img_0001.jpg", "photos:2019/img_0001.jpg"]
    )
    def test_what_is_inside_can_be_named_by_the_archive(self, word: str) -> None:
        shelves = Shelves()
        newest = photos(shelves)

        (entry,) = planned(shelves, word).entries

        assert (entry.choice.archive, entry.choice.member) == (newest, "photos/2019/img_0001.jpg")
        assert entry.to == "img_0001.jpg"

    def test_what_is_inside_one_certain_archive_can_be_named_by_its_number(self) -> None:
        shelves = Shelves()
        first = photos(shelves)
        photos(shelves, 7)

        (entry,) = planned(shelves, f"id:{first}:2019").entries

        assert (entry.choice.archive, entry.choice.member, entry.to) == (first, "photos/2019", "2019")

    def test_names_may_hold_colons(self) -> None:
        shelves = Shelves()
        odd = shelves.add("/a:b", 0, member("a:b", "directory", 0), member("a:b/c:d")).id

        assert went(planned(shelves, "/a:b")) == {"a:b": odd}
        assert [entry.choice.member for entry in planned(shelves, "/a:b:c:d").entries] == ["a:b/c:d"]

    def test_a_name_that_several_paths_have_is_refused_and_they_are_listed(self) -> None:
        shelves = Shelves()
        photos(shelves)
        shelves.add("/mnt/photos", kind="directory", container="tar")

        for word in ("photos.tar", "photos.tar:2019"):
            with pytest.raises(UsageError, match="several paths: /home/me/photos, /mnt/photos") as caught:
                planned(shelves, word, folder="/")
            assert caught.value.hint == "name the path instead"

    def test_a_glob_is_over_whole_paths(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/data/a.jpg").id, shelves.add("/data/b/c.jpg").id
        shelves.add("/data/d.png")

        assert went(planned(shelves, "/data/*.jpg")) == {"a.jpg": one, "b/c.jpg": two}
        assert went(planned(shelves, "*.jpg")) == {"data/a.jpg": one, "data/b/c.jpg": two}
        assert went(planned(shelves, "b/*", folder="/data")) == {"c.jpg": two}

    def test_a_name_that_looks_like_a_glob_is_taken_as_it_is_first(self) -> None:
        shelves = Shelves()
        odd = shelves.add("/data/[a]").id
        shelves.add("/data/a")

        assert went(planned(shelves, "/data/[a]")) == {"[a]": odd}

    @pytest.mark.parametrize(
        "word", ["photos.tar:2019/*.jpg", "photos.tar:photos/2019/*.jpg", "/home/me/photos/2019/*.jpg"]
    )
    def test_a_glob_may_be_over_members(self, word: str) -> None:
        shelves = Shelves()
        photos(shelves)

        plan = planned(shelves, word)

        assert [entry.to for entry in plan.entries] == ["img_0001.jpg", "img_0002.jpg"]
        assert plan.bytes == 1100

    def test_a_glob_for_a_path_is_about_that_path(self) -> None:
        shelves = Shelves()
        shelves.add("/home/anna", 0, member("anna", "directory", 0), member("anna/a.txt"))

        with pytest.raises(UsageError, match="nothing that is stored is called"):
            planned(shelves, "/home/anna/anna/*.txt")

        shelves.add("/home/anna", 1, member("anna", "directory", 0), member("anna/a.txt"), member("anna/anna/b.txt"))
        assert went(planned(shelves, "/home/anna/anna/*.txt")) == {"b.txt": 2}

    def test_a_glob_that_fits_only_the_topmost_name_is_all_of_it(self) -> None:
        shelves = Shelves()
        newest = photos(shelves)

        assert went(planned(shelves, "photos.tar:ph?tos")) == {"photos": newest}

    def test_the_name_of_an_archive_is_no_glob(self) -> None:
        shelves = Shelves()
        odd = shelves.add("/[ab]", 0, member("[ab]", "directory", 0), member("[ab]/c"), member("[ab]/d")).id

        assert went(planned(shelves, "/[ab]:*")) == {"c": odd, "d": odd}

    def test_what_lies_below_a_directory_that_fits_comes_with_it(self) -> None:
        shelves = Shelves()
        photos(shelves)

        assert [entry.choice.member for entry in planned(shelves, "photos.tar:20*").entries] == [
            "photos/2019",
            "photos/2020",
        ]

    def test_something_unknown_is_refused_and_what_is_near_is_named(self) -> None:
        shelves = Shelves()
        photos(shelves)

        with pytest.raises(UsageError, match="nothing that is stored is called fotos") as caught:
            planned(shelves, "fotos")
        assert caught.value.hint == "near it are: /home/me/photos"
        with pytest.raises(UsageError, match="no archive of /home/me/photos has anything called 2021"):
            planned(shelves, "photos.tar:2021")

    def test_there_is_nothing_inside_a_single_file(self) -> None:
        shelves = Shelves()
        shelves.add("/data/file")

        with pytest.raises(UsageError, match="/data/file was stored as a single file"):
            planned(shelves, "/data/file:inside")

    def test_an_empty_catalog_has_nothing(self) -> None:
        with pytest.raises(UsageError, match="nothing is stored yet"):
            planned(Shelves())


class TestWhereMembersAreNotKnown:
    def test_the_newest_archive_is_read_whole_and_that_is_said(self) -> None:
        shelves = Shelves()
        shelves.add("/home/me/photos", 0, kind="directory", container="tar")
        newest = shelves.add("/home/me/photos", 1, kind="directory", container="tar").id

        (entry,) = planned(shelves, "/home/me/photos/2019").entries

        assert (entry.choice.archive, entry.choice.member, entry.choice.ranges) == (newest, "photos/2019", (WHOLE,))
        assert "members aren't known" in entry.choice.remark

    def test_an_older_archive_that_is_known_to_have_it_is_taken(self) -> None:
        shelves = Shelves()
        known = photos(shelves)
        shelves.add("/home/me/photos", 1, kind="directory", container="tar")

        (entry,) = planned(shelves, "/home/me/photos/2019").entries

        assert entry.choice.archive == known
        assert "a younger archive may have it too" in entry.choice.remark

    def test_what_can_be_told_for_certain_is_tried_first(self) -> None:
        shelves = Shelves()
        shelves.add("/home/me", 0, kind="directory", container="tar")
        data = shelves.add("/mnt/data", 0, member("data", "directory", 0)).id

        assert went(planned(shelves, "data.tar")) == {"data": data}


class TestWhichOfSeveral:
    def test_the_newest_wins_wherever_it_is(self) -> None:
        shelves = Shelves()
        photos(shelves, place=HERE)
        newest = photos(shelves, 1, place=VAULT)

        assert went(planned(shelves, "photos")) == {"photos": newest}

    def test_of_equally_new_ones_the_one_that_is_readable_soonest(self) -> None:
        shelves = Shelves()
        for place in (VAULT, COLD, SERVER, HERE):
            latest = photos(shelves, 0 if place == HERE else 0.5, place=place, digest="the same")

        assert went(planned(shelves, "photos")) == {"photos": latest}

    def test_what_looks_the_same_and_has_other_content_is_not_the_same_as_what_is_nearer(self) -> None:
        shelves = Shelves()
        photos(shelves, place=HERE, digest="file 9 9", sha256="0" * 64)
        newest = photos(shelves, 1, place=COLD, digest="file 9 9", sha256="1" * 64)

        assert went(planned(shelves, "photos")) == {"photos": newest}

    def test_a_whole_one_is_preferred_to_an_incomplete_one_that_is_nearer(self) -> None:
        shelves = Shelves()
        whole = photos(shelves, place=COLD, digest="the same")
        photos(shelves, place=HERE, digest="the same", problems=1)
        photos(shelves, place=HERE, digest="the same", tree_hash=None)

        assert went(planned(shelves, "photos")) == {"photos": whole}

    def test_an_incomplete_one_is_said_to_be_that(self) -> None:
        shelves = Shelves()
        photos(shelves, problems=1)

        (entry,) = planned(shelves, "photos").entries
        assert entry.choice.remark.startswith("incomplete")

    def test_archives_of_unknown_hosts_are_of_the_host_that_is_known(self) -> None:
        shelves = Shelves()
        photos(shelves, host=None)
        newest = photos(shelves, 1)

        assert went(planned(shelves)) == {"home/me/photos": newest}

    def test_what_was_replaced_since_is_not_what_it_was(self) -> None:
        shelves = Shelves()
        for at in (0, 5):
            shelves.add("/tree/replaced", at, locator="tree/replaced")
        kept = shelves.add("/tree/kept", 0).id

        plan = planned(shelves, at=day(1))

        assert went(plan) == {"tree/kept": kept}
        assert plan.notes == ("1 were replaced since, so that what they were then is gone (keep_versions = no)",)
        assert len(planned(shelves, at=day(5)).entries) == 2

    def test_what_was_replaced_is_not_taken_for_being_more_whole(self) -> None:
        shelves = Shelves()
        shelves.add("/tree/file", 0, locator="tree/file", digest="the same")
        newest = shelves.add("/tree/file", 5, locator="tree/file", digest="the same", changed_while_read=True).id

        assert went(planned(shelves)) == {"tree/file": newest}


class TestWhereItGoes:
    def test_without_a_word_everything_has_its_full_path(self) -> None:
        shelves = Shelves()
        one, two = photos(shelves), shelves.add("/etc/fstab").id

        assert went(planned(shelves)) == {"home/me/photos": one, "etc/fstab": two}

    def test_words_with_names_of_their_own_keep_those(self) -> None:
        shelves = Shelves()
        one, two = photos(shelves), shelves.add("/etc/fstab").id

        assert went(planned(shelves, "photos", "/etc/fstab")) == {"photos": one, "fstab": two}

    def test_where_two_would_have_the_same_name_all_have_their_full_paths(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/a/file").id, shelves.add("/b/file").id
        three = shelves.add("/c/other").id

        assert went(planned(shelves, "/a/file", "/b/file", "/c/other")) == {
            "a/file": one,
            "b/file": two,
            "c/other": three,
        }

    def test_what_two_words_mean_comes_once(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/data/a").id, shelves.add("/data/b").id

        assert went(planned(shelves, "/data", "/data/a")) == {"data/a": one, "data/b": two}

    def test_two_archives_of_one_path_have_names_of_their_own(self) -> None:
        shelves = Shelves()
        first, second = photos(shelves), photos(shelves, 1)

        assert went(planned(shelves, f"id:{first}", f"id:{second}")) == {
            "home/me/photos": first,
            f"home/me/photos~{stamp(day(1))}": second,
        }

    def test_hosts_are_kept_apart(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/data/a").id, shelves.add("/data/a", 1, host="laptop").id

        assert went(planned(shelves)) == {"nas/data/a": one, "laptop/data/a": two}
        assert went(planned(shelves, "/data/a")) == {"nas/data/a": one, "laptop/data/a": two}

    def test_servers_are_hosts(self) -> None:
        shelves = Shelves()
        here, there = shelves.add("/data/a").id, shelves.add("sftp://me@box:23/data/a").id

        assert went(planned(shelves)) == {"nas/data/a": here, "me@box:23/data/a": there}
        assert went(planned(shelves, "sftp://me@box:23/data/a")) == {"a": there}
        assert went(planned(shelves, "sftp://me@box:23/data")) == {"data/a": there}

    def test_what_lies_inside_another_goes_beside_it(self) -> None:
        shelves = Shelves()
        outer, inner = shelves.add("/data").id, shelves.add("/data/mail/x").id
        between = shelves.add("/data-old").id

        assert went(planned(shelves)) == {"data": outer, "data~/mail/x": inner, "data-old": between}

    def test_a_mark_is_never_a_name_that_there_is(self) -> None:
        shelves = Shelves()
        outer, inner = shelves.add("/data").id, shelves.add("/data/x").id
        odd = shelves.add("/data~/x").id

        assert went(planned(shelves)) == {"data": outer, "data~~/x": inner, "data~/x": odd}

    def test_what_can_not_be_unpacked_comes_as_the_file_that_is_stored(self) -> None:
        shelves = Shelves()
        old = shelves.add("/home/me/photos", container=None, name="photos.tar", kind=None, host=None).id

        plan = planned(shelves, "photos")

        assert went(plan) == {"photos.tar": old}
        assert [entry.choice.remark for entry in plan.entries] == ["comes back as the file that is stored"]

    def test_the_root_directory_is_called_root(self) -> None:
        shelves = Shelves()
        root, other = shelves.add("/").id, shelves.add("/root").id

        assert went(planned(shelves)) == {"root": root, f"root~{stamp(day(0))}": other}
        assert went(planned(shelves, "/")) == {"root": root}

    @pytest.mark.parametrize("path", ["/../etc/passwd", "/a/../../b", "relative", "/a//b", "/a/.", "/a\0b", ""])
    def test_nothing_leaves_the_target(self, path: str) -> None:
        shelves = Shelves()
        good = shelves.add("/good").id
        shelves.add(path, host="..")

        plan = planned(shelves)

        assert list(went(plan).values()) == [good]
        assert plan.refused == 1
        assert "not brought back" in plan.notes[0]
        with pytest.raises(UsageError, match="not brought back"):
            planned(shelves, "id:2")

    def test_a_host_that_is_no_name_is_none(self) -> None:
        shelves = Shelves()
        one, two = shelves.add("/a").id, shelves.add("/a", host="../..").id

        assert went(planned(shelves)) == {"nas/a": one, f"{UNKNOWN_HOST}/a": two}


NAMES = st.sampled_from(["a", "b", "a-", "a~", "a~~", "a0", "b~", "\udcff", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
HOSTS = st.sampled_from([None, "nas", "laptop"])


@given(
    st.lists(st.tuples(PATHS, HOSTS, st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(PATHS | st.sampled_from(["/a/*", "*", "/*a*", "id:1", "id:2"]), max_size=3),
)
def test_no_two_have_one_name_and_none_lies_inside_another(
    archives: list[tuple[str, str | None, int]], words: list[str]
) -> None:
    shelves = Shelves()
    for path, host, at in archives:
        shelves.add(path, at, host=host)
    terms = []
    for word in words:
        try:
            terms.append(interpret(shelves, Word(word, "/")))
        except UsageError:
            continue

    plan = plan_restore(shelves, terms)

    names = list(went(plan))
    for name in names:
        assert not any(other.startswith(f"{name}/") for other in names)
        assert not any(part in ("", ".", "..") for part in name.split("/"))
    if not terms:
        assert {entry.choice.path for entry in plan.entries} == {path for path, _, _ in archives}


class TestRanges:
    def test_a_member_takes_its_own_bytes(self) -> None:
        shelves = Shelves()
        photos(shelves)

        (entry,) = planned(shelves, "photos:2019/img_0002.jpg").entries
        assert entry.choice.ranges == (ByteRange(2048, 3584),)
        (entry,) = planned(shelves, "photos:2019").entries
        assert entry.choice.ranges == (ByteRange(512, 3584),)

    def test_the_last_one_reaches_to_the_end(self) -> None:
        shelves = Shelves()
        photos(shelves)

        (entry,) = planned(shelves, "photos:2020/img.jpg").entries
        assert entry.choice.ranges == (ByteRange(4096, None),)

    def test_what_hard_links_lead_to_comes_before_them(self) -> None:
        shelves = Shelves()
        shelves.add(
            "/d",
            0,
            member("d", "directory", 0),
            member("d/a"),
            member("d/b"),
            member("d/s", "directory", 0),
            member("d/s/first"),
            member("d/s/link", "hardlink", 0, "d/a"),
            member("d/s/own", "hardlink", 0, "d/s/first"),
            member("d/t"),
        )

        (entry,) = planned(shelves, "/d/s").entries

        assert entry.choice.ranges == (ByteRange(512, 1536), ByteRange(2560, 5120))
        assert entry.choice.bytes == 200

    @pytest.mark.parametrize("recipe", [None, Recipe((Step("tar"), Step("zstd")))])
    def test_what_can_not_be_taken_apart_is_read_whole(self, recipe: Recipe | None) -> None:
        shelves = Shelves()
        shelves.add("/d", 0, member("d", "directory", 0), member("d/a"), recipe=recipe)

        (entry,) = planned(shelves, "/d/a").entries

        assert (entry.choice.ranges, entry.choice.bytes) == ((WHOLE,), 100)

    def test_a_member_of_too_many_pieces_is_read_whole(self) -> None:
        shelves = Shelves()
        files = [member(f"d/{number:05}") for number in range(MOST_RANGES + 1)]
        links = [member(f"d/s/{number:05}", "hardlink", 0, file.path) for number, file in enumerate(files)]
        shelves.add("/d", 0, member("d", "directory", 0), *files, member("d/s", "directory", 0), *links)

        (entry,) = planned(shelves, "/d/s").entries

        assert entry.choice.ranges == (WHOLE,)


class TestSums:
    def test_a_volume_is_read_once_however_much_is_wanted_out_of_it(self) -> None:
        shelves = Shelves()
        photos(shelves, place=VAULT, size=5 * GIB)

        plan = planned(shelves, "photos.tar:20*", "photos.tar:2019/img_0001.jpg")

        assert len(plan.entries) == 3
        # The last one of them reaches to the end, as far as the catalog tells.
        assert plan.loads.cold == Load(1, 5 * GIB, 1, 5 * GIB, 640)
        assert planned(shelves, "photos.tar:2019").loads.cold == Load(1, MIB, 1, MIB, 1)
        assert planned(shelves, "photos", "photos:2019").loads.cold == Load(1, 5 * GIB, 1, 5 * GIB, 640)

    def test_what_is_left_of_a_restore_is_read_by_the_same_count(self) -> None:
        shelves = Shelves()
        photos(shelves, place=VAULT, size=5 * GIB)
        shelves.add("/b", size=MIB, place=COLD)
        plan = planned(shelves, "photos:2019", "/b")

        assert loads_of(shelves, plan.items) == plan.loads
        assert loads_of(shelves, [RestoreItem(99, "gone")]) == Loads()

    def test_an_object_is_thawed_once_however_many_items_of_an_earlier_run_are_in_it(self) -> None:
        shelves = Shelves()
        id = photos(shelves, place=COLD, size=GIB)
        items = [RestoreItem(id, str(n), "photos/2020", (ByteRange(n * MIB, n * MIB + 1),)) for n in range(1024)]

        assert loads_of(shelves, items).cold == Load(1, GIB, 1, GIB, 128)

    def test_counting_goes_with_the_number_of_members(self) -> None:
        count = 20_000
        archive = Shelves().add("/d", place=VAULT, size=4 * count * MIB)
        sums = Sums({VAULT: PLACES[VAULT]})

        begun = time.process_time()
        for number in range(count):
            ranges = (ByteRange(4 * number * MIB, 4 * number * MIB + 1),)
            choice = part(archive, f"/d/{number}", f"d/{number}", ranges, 1)
            sums.add_part(choice, choice.ranges)

        assert sums.loads().cold == Load(1, count * MIB, count, count * MIB, count)
        assert time.process_time() - begun < 20  # it took ten minutes once

    def test_what_nobody_knows_the_size_of_is_counted(self) -> None:
        shelves = Shelves()
        shelves.add("/a", size=None, place=VAULT, container=None)
        shelves.add("/b", size=MIB, place=COLD)

        plan = planned(shelves)

        assert (plan.unsized, plan.bytes) == (1, MIB)
        assert plan.loads.cold == Load(1, MIB, 1, MIB, 1)


def test_only_what_is_wanted_is_brought_back() -> None:
    shelves = Shelves()
    shelves.add("/a")
    kept = shelves.add("/b").id

    plan = plan_restore(shelves, (), None, lambda choice: choice.path == "/b")

    assert went(plan) == {"b": kept}
    with pytest.raises(UsageError, match="nothing of what is stored is still where it was"):
        plan_restore(shelves, (), None, lambda choice: False)
