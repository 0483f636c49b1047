"""What is put away, told from two lists of files alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.model.expiry_reason import Deleted, Dissolved, Superseded
from glacier_backup.model.filters import MostDeleted
from glacier_backup.model.plan import Decision, Expiry, Skip, Upload
from glacier_backup.model.reason import AlreadySent, Emptied, ExcludedBy, TooManyGone, Unchanged, Unreadable
from glacier_backup.model.record import Current, CurrentGroup
from glacier_backup.model.upload_reason import NeverSent, Renamed
from glacier_backup.plan.expiry import Standing, expiries
from glacier_backup.plan.placed import Placed
from glacier_backup.units import now

ANY = MostDeleted(None, None, "none")
AT = now()


def there(name: str) -> Skip:
    return Skip(f"/s/{name}", name, 1, Unchanged(AT), "main")


def over(name: str) -> Skip:
    return Skip(f"/s/{name}", name, 0, ExcludedBy("it"))


def sent(name: str, was: str = "") -> Upload:
    reason = Renamed(f"/s/{was}") if was else NeverSent()
    candidate = Candidate(f"/s/{name}", "file", "/s", compare=True)
    return Upload(candidate, name, "raw", Fingerprint("", 1, 1, 1), reason, None, "main")


def group(prefix: str, *names: str) -> Skip:
    contents = contents_of([Held(name, False, 1, 1) for name in names], prefix=prefix, top="")
    return Skip(f"/s/{prefix}*~.zip", "zip", len(names), AlreadySent(AT), "main", contents)


def alone(name: str, id: int = 1, *, fixed: bool = True) -> Current:
    return Current(f"/s/{name}", id, "file", 1, "", fixed)


def inside(name: str, prefix: str, id: int, own: int | None = None) -> Current:
    return Current(f"/s/{name}", id, "file", 1, f"/s/{prefix}*~.zip", True, own)


def known(prefix: str, id: int) -> CurrentGroup:
    return CurrentGroup(f"/s/{prefix}*~.zip", id, "zip", 1, "0" * 64)


def judged(
    decisions: Iterable[Decision],
    stored: Sequence[Current] = (),
    groups: Sequence[CurrentGroup] = (),
    *,
    most: MostDeleted | None = ANY,
    still: Collection[str] = (),
    bases: Mapping[int, str] | None = None,
    others: Collection[str] = (),
    renames: bool = False,
) -> list[Decision]:
    """``still`` are paths that are there though the walk hasn't met them."""
    placed = Placed("/s")
    for decision in decisions:
        placed.note(decision)

    def gone(paths: Iterable[str]) -> Iterator[bool]:
        return (path not in still for path in paths)

    at = Standing(
        "main",
        lambda: iter(sorted(stored, key=lambda one: one.path.encode())),
        lambda: iter(groups),
        lambda ids: {**dict.fromkeys(ids, "/s"), **(bases or {})},
        lambda path: path not in others,
        gone,
        most,
        renames,
    )
    return list(expiries(placed, at))


def told(decisions: Iterable[Decision]) -> list[tuple[str, type, int | None]]:
    return [(one.path[3:], type(one.reason), one.archive if isinstance(one, Expiry) else None) for one in decisions]


def test_what_the_walk_has_not_met_and_isn_t_there_was_deleted() -> None:
    stored = [alone("a"), alone("b", 2), alone("c", 3)]
    assert told(judged([there("a")], stored, still={"/s/c"})) == [("b", Deleted, 2)]


def test_a_deleted_file_of_a_group_is_only_noted() -> None:
    assert told(judged([there("a")], [inside("b", "", 2)])) == [("b", Deleted, None)]


def test_what_has_no_key_of_its_own_can_t_be_hidden() -> None:
    assert told(judged([there("a")], [alone("b", 2, fixed=False)])) == [("b", Deleted, None)]


def test_what_is_passed_over_covers_all_below_it_and_nothing_beside_it() -> None:
    decisions = [there("a"), over("dir"), over("dir-1"), over("file")]
    stored = [alone(name) for name in ("dir-1/x", "dir-2/x", "dir.txt", "dir/x", "dir/y/z", "dir0", "file")]
    assert [path for path, *_ in told(judged(decisions, stored))] == ["dir-2/x", "dir.txt", "dir0"]


def test_a_section_that_is_passed_over_as_a_whole_says_nothing() -> None:
    assert judged([Skip("/s", "s", 0, ExcludedBy("it"))], [alone("a"), alone("b/c")]) == []


def test_a_section_in_which_nothing_is_left_is_said_and_not_emptied() -> None:
    (said,) = judged([], [alone("a"), alone("b")])
    assert isinstance(said, Skip)
    assert (said.path, said.reason) == ("/s", Emptied(2))
    assert judged([], [alone("a")], most=None) == []


def test_files_of_other_sections_are_neither_deleted_nor_counted() -> None:
    stored = [alone(f"{number:03}") for number in range(20)] + [alone(f"x/{number:03}") for number in range(1000)]
    (said,) = judged(
        [there("a")], stored, others={one.path for one in stored[20:]}, most=MostDeleted(0.1, None, "10 %")
    )
    assert isinstance(said, Skip)
    assert said.reason == TooManyGone(20, 20, "10 %")


def test_what_was_renamed_does_not_count() -> None:
    stored = [alone(f"{number:02}") for number in range(20)]
    decisions: list[Decision] = [sent(f"new/{number:02}", f"{number:02}") for number in range(20)]
    found = judged(decisions, stored, most=MostDeleted(None, 0, "0 files"))
    assert {type(one.reason) for one in found} == {Deleted}


def test_a_file_in_a_group_takes_its_own_archive_away() -> None:
    decisions = [group("", "a", "b", "c")]
    stored = [alone("a", 1), inside("b", "", 7, own=2), inside("c", "", 7)]
    found = judged(decisions, stored)
    assert told(found) == [("a", Superseded, 1), ("b", Superseded, 2)]


def test_a_group_goes_when_all_in_it_is_stored_elsewhere() -> None:
    decisions: list[Decision] = [sent("d/a"), group("e", "e1", "e2")]
    stored = [inside("d/a", "d/", 5), inside("e1", "d/", 5), inside("e2", "e", 6)]
    assert told(judged(decisions, stored, [known("d/", 5), known("e", 6)])) == [("d/*~.zip", Dissolved, 5)]


def test_a_group_stays_as_long_as_anything_is_only_in_it() -> None:
    group_of = [known("d/", 5)]
    decisions: list[Decision] = [sent("a")]
    lost = [inside("d/a", "d/", 5)]
    assert told(judged(decisions, lost, group_of)) == [("d/a", Deleted, None), ("d/*~.zip", Dissolved, 5)]
    assert judged(decisions, lost, group_of, still={"/s/d/a"}) == []
    assert judged(decisions, lost, group_of, most=None) == []
    assert judged([*decisions, over("d")], lost, group_of) == []
    assert judged([*decisions, there("d/a")], lost, group_of) == []
    assert judged(decisions, lost, group_of, others={"/s/d/a"}) == []
    refused = judged(decisions, lost, group_of, most=MostDeleted(None, 0, "0 files"))
    assert [type(one.reason) for one in refused] == [TooManyGone]


def test_a_group_that_nobody_has_looked_into_stays_while_anything_can_not_be_looked_at() -> None:
    hidden = Skip("/s/e", "e", 0, Unreadable("can't be read"))
    for digest in (None, "5 files changed"):
        unknown = [known("d/", 5)._replace(digest=digest)]
        assert told(judged([sent("a")], [], unknown)) == [("d/*~.zip", Dissolved, 5)]
        assert judged([sent("a"), hidden], [], unknown) == []
        assert judged([sent("a")], [], unknown, most=None) == []


def test_where_filters_make_names_nothing_was_deleted_while_anything_can_not_be_looked_at() -> None:
    """What a rebuild knows by its key may be a file that is there."""
    hidden = Skip("/s/e", "e", 0, Unreadable("can't be read"))
    stored = [alone("x/e/1")]
    assert told(judged([sent("a"), hidden], stored)) == [("x/e/1", Deleted, 1)]
    assert told(judged([sent("a"), over("e")], stored, renames=True)) == [("x/e/1", Deleted, 1)]
    assert judged([sent("a"), hidden], stored, renames=True) == []


def test_a_group_whose_files_lay_elsewhere_stays() -> None:
    assert judged([sent("a")], [], [known("d/", 5)], bases={5: "/sd"}) == []
    assert told(judged([sent("a")], [], [known("d/", 5)], bases={5: "/"})) == [("d/*~.zip", Dissolved, 5)]
    assert told(judged([sent("a")], [], [known("d/", 5)], bases={5: "/s/d"})) == [("d/*~.zip", Dissolved, 5)]


names = st.sampled_from(["a", "a b", "a/b", "a0", "b", "b/a", "b/c/d", "ü"])
states = st.dictionaries(names, st.sampled_from(["there", "sent", "over", "group"]))
kept = st.dictionaries(names, st.sampled_from(["alone", "group", "other"]))


@given(states, kept)
def test_whatever_there_is_only_what_is_certain_goes(plan: dict[str, str], stored: dict[str, str]) -> None:
    makers: dict[str, Callable[[str], Decision]] = {"there": there, "sent": sent, "over": over}
    decisions: list[Decision] = [makers[how](name) for name, how in plan.items() if how != "group"]
    grouped = [name for name, how in plan.items() if how == "group"]
    decisions += [group("", *grouped)] if grouped else []
    current = [
        alone(name, 1) if how == "alone" else inside(name, "x", 8 if how == "other" else 9)
        for name, how in stored.items()
    ]

    found = judged([*decisions, there("always")], current, [known("x", 9)])

    passed = [name for name, how in plan.items() if how == "over"]
    covered = {name for name in stored if any(name == one or name.startswith(f"{one}/") for one in passed)}
    met = {name for name, how in plan.items() if how != "over"}
    deleted = {one.path[3:] for one in found if isinstance(one.reason, Deleted)}
    assert deleted == set(stored) - met - covered
    only_there = {name for name, how in stored.items() if how == "group" and name not in deleted}
    stays = any(
        plan.get(name) == "there" or (name in covered and plan.get(name) in (None, "over")) for name in only_there
    )
    assert any(isinstance(one.reason, Dissolved) for one in found) is not stays
