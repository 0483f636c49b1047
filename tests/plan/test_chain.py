"""Which archives build on which, what keeps the next one from being an increment, and what comes back together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.errors import UsageError
from glacier_backup.model.full_every import FullEvery, parse_full_every
from glacier_backup.model.increment import Link
from glacier_backup.model.period import Period
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.retention import Policy
from glacier_backup.model.snapshot import Span, stream_step
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.chain import Chains, Wanted, building_on, chain_among, needed_by, why_full
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.retention import Policies, Ruled, judge
from glacier_backup.plan.words import Word, interpret
from tests.plan.stored import SERVER, Shelves, day, member

MAIL = "/srv/mail"
WANTED = Wanted("nas", "", (), FullEvery())


def shelves() -> Shelves:
    """A full archive, three increments, and the next full one."""
    found = Shelves()
    top, inbox, old = member("mail", "directory"), member("mail/inbox"), member("mail/old", "directory")
    found.add_link(MAIL, 0, top, inbox, old, member("mail/old/1"), member("mail/old/2"), size=1000)
    found.add_link(MAIL, 1, top, inbox, size=100)
    found.add_link(MAIL, 2, top, old, member("mail/old/3"), deleted=("mail/old/1",), size=100)
    found.add_link(MAIL, 3, top, deleted=("mail/inbox",), size=300)
    found.add_link(MAIL, 4, top, member("mail/new"), full=True)
    return found


def ids(archives: object) -> list[int]:
    return [one.id for one in archives]  # type: ignore[attr-defined]


class TestChains:
    def test_an_increment_takes_all_that_it_builds_on(self) -> None:
        archives = shelves().archives
        assert [ids(chain_among(one, archives)) for one in archives] == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [5]]

    def test_it_is_found_in_the_catalog(self) -> None:
        known = shelves()
        chains = Chains(known)
        assert ids(chains.of(known.archives[3])) == [1, 2, 3, 4]
        assert chains.is_sound(known.archives[3])

    def test_a_gap_is_no_chain(self) -> None:
        archives = shelves().archives
        assert chain_among(archives[3], [archives[0], *archives[2:]]) is None

    def test_another_place_or_host_has_chains_of_its_own(self) -> None:
        archives = shelves().archives
        assert chain_among(archives[1], [replace(archives[0], place_id=SERVER)]) is None
        assert chain_among(archives[1], [replace(archives[0], host="other")]) is None

    def test_where_only_numbers_are_known_the_newest_before_it_counts(self) -> None:
        archives = [
            replace(one, recipe=Recipe((Link(one.link.number).step if one.link and one.link.number else Step("tar"),)))
            for one in shelves().archives
        ]
        assert ids(chain_among(archives[3], archives)) == [1, 2, 3, 4]

    def test_no_recipe_leads_around_in_a_circle(self) -> None:
        one = shelves().archives[1]
        itself = replace(one, recipe=Recipe((Link(1, one.time, one.time).step,)))
        assert chain_among(itself, [itself]) is None

    def test_damage_below_is_told(self) -> None:
        known = shelves()
        hurt = replace(known.archives[1].volumes[0], damaged_at=day(5), damage="missing")
        known.archives[1] = replace(known.archives[1], volumes=(hurt,))
        chains = Chains(known)
        assert [chains.is_sound(one) for one in known.archives] == [True, True, False, False, True]

    def test_what_is_needed_and_who_needs_it(self) -> None:
        archives = shelves().archives
        assert {*ids(needed_by(archives[2:3], archives))} == {1, 2}
        assert ids(building_on({1}, archives)) == [2, 3, 4]
        assert ids(building_on({1, 2, 3, 4}, archives)) == []
        assert ids(building_on({4, 5}, archives)) == []


def streams(path: str = "zfs:tank/photos") -> Shelves:
    """A baseline of a dataset, two increments, and the next baseline."""
    found = Shelves()
    links = [Link(0), Link(1, day(0), day(0)), Link(2, day(0), day(1)), Link(0)]
    for number, link in enumerate(links):
        span = Span(f"offsite-{number}", f"{number:016x}", f"offsite-{number - 1}" if link.number else "")
        recipe = Recipe((stream_step("zfs", span, link),))
        found.add(path, number, kind="dataset", container="zfs", recipe=recipe)
    return found


class TestDatasets:
    def test_their_streams_are_chains_like_any(self) -> None:
        archives = streams().archives
        assert [ids(chain_among(one, archives)) for one in archives] == [[1], [1, 2], [1, 2, 3], [4]]
        assert chain_among(archives[2], [archives[0], *archives[2:]]) is None
        assert ids(building_on({2}, archives)) == [3]

    def test_where_only_keys_are_known_the_newest_before_counts(self) -> None:
        archives = [
            replace(one, recipe=Recipe((Step("zfs", {"increment": one.link.number if one.link else 0}),)))
            for one in streams().archives
        ]
        assert all(one.span is None for one in archives)
        assert [ids(chain_among(one, archives)) for one in archives] == [[1], [1, 2], [1, 2, 3], [4]]

    def test_no_rule_takes_away_what_a_stream_that_stays_begins_with(self) -> None:
        verdicts = judge(streams().archives, Ruled("zfs:tank", Policy(keep_last=2)), day(30))
        assert [one.kept for one in verdicts] == [True, True, True, True]
        assert "builds on it" in verdicts[0].why
        assert [one.kept for one in judge(streams().archives, Ruled("zfs:tank", Policy(keep_last=1)), day(30))] == [
            *(False, False, False, True)
        ]

    def test_a_dataset_belongs_to_its_own_section_or_the_nearest_above(self) -> None:
        of_pool, of_photos = Policy(keep_last=1), Policy(keep_last=2)
        policies = Policies({"zfs:tank": of_pool, "zfs:tank/photos": of_photos, "/": Policy(keep_last=3)})
        found = [policies.of(path) for path in ("zfs:tank", "zfs:tank/home/a", "zfs:tank/photos/a", "zfs:tanks")]
        assert [one and one.section for one in found] == ["zfs:tank", "zfs:tank", "zfs:tank/photos", None]


class TestTheNext:
    def why(self, archives: list[StoredArchive], wanted: Wanted = WANTED, days: float = 4) -> str:
        last = archives[-1]
        return why_full(last, chain_among(last, archives), wanted, day(days))

    def test_it_is_an_increment_where_nothing_speaks_against_it(self) -> None:
        assert self.why(shelves().archives[:4]) == ""

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"recipe": Recipe((Step("tar"),))}, "wasn't made to be built on"),
            ({"has_members": False}, "isn't known"),
            ({"host": "other"}, "was sent by other"),
            ({"recipe": Recipe((Link(0, rules="0123abcd").step,))}, "other things are left out"),
            ({"recipe": Recipe((Link(0).step, Step("age", {"recipients": "age1"})))}, "encrypted otherwise"),
        ],
    )
    def test_what_keeps_it_from_that_is_said(self, change: dict[str, object], said: str) -> None:
        full = replace(shelves().archives[0], **change)  # type: ignore[arg-type]  # its own fields
        assert said in self.why([full])

    def test_damage_and_gaps_are_reasons(self) -> None:
        archives = shelves().archives[:4]
        hurt = replace(archives[1].volumes[0], damaged_at=day(5), damage="missing")
        assert "increment 1 of " in self.why([archives[0], replace(archives[1], volumes=(hurt,)), *archives[2:]])
        assert "is gone" in self.why([archives[0], *archives[2:]])

    def test_how_small_it_was_made_is_no_reason(self) -> None:
        full = replace(shelves().archives[0], recipe=Recipe((Link(0).step, Step("zstd", {"level": 3}), Step("age"))))
        wanted = WANTED._replace(seal=(Step("split", {"volume_size": 5}), Step("age")))
        assert self.why([full], wanted) == ""

    @pytest.mark.parametrize(
        ("every", "days", "said"),
        [
            ("10 days", 9, ""),
            ("10 days", 10, "more than 10 days ago"),
            ("4 increments", 4, ""),
            ("3 increments", 4, "3 increments have followed"),
            ("51 %", 4, ""),
            ("50 %", 4, "have come to 50 %"),
            ("none", 9999, ""),
            ("1 year | 3 increments", 4, "3 increments"),
        ],
    )
    def test_a_chain_may_be_as_long_as_was_said(self, every: str, days: float, said: str) -> None:
        wanted = WANTED._replace(full_every=parse_full_every(every))
        found = self.why(shelves().archives[:4], wanted, days)
        assert said in found
        assert bool(said) == bool(found)


class TestWhatIsSaid:
    @pytest.mark.parametrize("text", ["none", "180 days | 30 increments | 50 %", "1 year", "1 increment", "20 %"])
    def test_what_is_written_is_read(self, text: str) -> None:
        assert str(parse_full_every(text)) == text

    def test_order_and_lines_do_not_matter(self) -> None:
        assert parse_full_every(" 50%\n2 Weeks |") == FullEvery(Period(2, "week"), None, 50)

    @pytest.mark.parametrize("text", ["0 increments", "0 %", "soon", "5", "1 day | 2 days", "99999 %", "-1 %"])
    def test_what_makes_no_sense_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"none of these|not from 1|two of one kind"):
            parse_full_every(text)


class TestRestoring:
    def planned(self, known: Shelves, *words: str, at: float | None = None) -> RestorePlan:
        terms = [interpret(known, Word(word, "/")) for word in words]
        return plan_restore(known, terms, None if at is None else day(at))

    def test_all_archives_of_a_chain_come_together(self) -> None:
        plan = self.planned(shelves(), MAIL, at=3)
        assert [(one.archive, one.chain, one.to) for one in plan.items] == [
            (number, (1, 2, 3, 4), "mail") for number in (1, 2, 3, 4)
        ]
        assert plan.bytes == 1500
        assert [(one.archive, one.chain) for one in self.planned(shelves(), MAIL).items] == [(5, ())]
        assert "laid over 3 archives" in next(iter(plan.entries)).choice.remark

    def test_a_file_comes_out_of_the_archive_that_has_it(self) -> None:
        for name, archive in (("inbox", 2), ("old/3", 3), ("old/2", 1)):
            (item,) = self.planned(shelves(), f"{MAIL}/{name}", at=2).items
            assert (item.archive, item.member, item.chain) == (archive, f"mail/{name}", ())

    def test_what_was_deleted_does_not_come(self) -> None:
        for name, hours in (("inbox", 3), ("old/1", 2)):
            with pytest.raises(UsageError, match="was not there any more") as caught:
                self.planned(shelves(), f"{MAIL}/{name}", at=hours)
            assert "--at" in (caught.value.hint or "")
        (item,) = self.planned(shelves(), f"{MAIL}/old/1", at=1).items
        assert item.archive == 1

    def test_a_directory_comes_out_of_those_that_say_something_of_it(self) -> None:
        items = [*self.planned(shelves(), f"{MAIL}/old", at=3).items]
        assert [(one.archive, one.member, one.chain) for one in items] == [
            (1, "mail/old", (1, 3)),
            (3, "mail/old", (1, 3)),
        ]
        assert items[1].ranges[0].start == 0  # the list of what was deleted is there

    def test_what_fits_a_glob_is_what_was_there(self) -> None:
        entries = self.planned(shelves(), f"{MAIL}/old/*", at=3).entries
        assert [(one.choice.member, one.choice.archive) for one in entries] == [("mail/old/2", 1), ("mail/old/3", 3)]

    def test_where_nobody_knows_what_is_inside_all_are_read(self) -> None:
        known = shelves()
        known.archives = [replace(one, has_members=False) for one in known.archives[:3]]
        items = [*self.planned(known, f"{MAIL}/old/2").items]
        assert [(one.archive, one.member, one.chain) for one in items] == [
            (number, "mail/old/2", (1, 2, 3)) for number in (1, 2, 3)
        ]

    def test_of_what_can_not_be_had_in_full_an_older_state_comes(self) -> None:
        known = shelves()
        hurt = replace(known.archives[1].volumes[0], damaged_at=day(5), damage="missing")
        known.archives[1] = replace(known.archives[1], volumes=(hurt,))
        (entry,) = self.planned(known, MAIL, at=3).entries
        assert entry.choice.archive == 1
        assert entry.choice.remark

    def test_an_increment_whose_base_is_gone_comes_alone(self) -> None:
        known = shelves()
        known.archives = known.archives[1:2]
        (entry,) = self.planned(known, MAIL).entries
        assert (entry.choice.archive, entry.choice.under) == (2, ())
        assert entry.choice.remark == "what it builds on is gone: only what it holds itself comes back"


class TestKeeping:
    def kept(self, archives: list[StoredArchive], policy: Policy) -> list[int]:
        verdicts = judge(archives, Ruled("/srv", policy), day(30) + timedelta(hours=1))
        return [one.archive.id for one in verdicts if one.kept]

    def test_what_an_increment_builds_on_stays_with_it(self) -> None:
        archives = shelves().archives
        assert self.kept(archives, Policy(keep_last=1)) == [5]
        assert self.kept(archives, Policy(keep_last=2)) == [1, 2, 3, 4, 5]
        assert self.kept(archives[:3], Policy(keep_last=1)) == [1, 2, 3]

    def test_the_last_good_one_is_one_that_builds_on_nothing_damaged(self) -> None:
        archives = shelves().archives[:4]
        hurt = replace(archives[2].volumes[0], damaged_at=day(5), damage="missing")
        archives[2] = replace(archives[2], volumes=(hurt,))
        verdicts = judge(archives, Ruled("/srv", Policy(keep_last=1)), day(30))
        assert [one.why for one in verdicts if "the last one that is whole" in one.why] == [verdicts[1].why]
