"""What was deleted at its source is put away, when that is asked for, certain, and not too much at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.event import Expired
from glacier_backup.model.filters import Filter, MostDeleted
from glacier_backup.model.place import Place
from glacier_backup.model.reason import Postponed
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.backup import preview
from glacier_backup.workflow.sending.put_away import AT_ONCE, IN_VAIN
from tests.fakes import MemoryDestination
from tests.workflow.grove import ANY, Grove, expiries, grouping
from tests.workflow.world import failing


@pytest.fixture
def grove(tmp_path: Path) -> Iterator[Grove]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Grove(tmp_path / "tree", catalog, TreeRules(expire_deleted=True))


def test_a_deleted_file_is_hidden_and_its_content_stays(grove: Grove) -> None:
    grove.write_all("a", "folder/b", "folder/c")
    grove.run()
    grove.remove("folder/b")

    summary = grove.run()

    assert (summary.expired, summary.exit_code, summary.sent) == (1, 0, 0)
    assert expiries(summary) == [("b", "deleted at the source")]
    assert grove.seen() == ["a", "folder/c"]
    assert b"folder/b" in grove.bucket.stored.values()
    assert grove.current() == {"a": "", "folder/c": ""}


def test_it_is_put_away_once(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    assert [grove.run().expired for _ in range(3)] == [1, 0, 0]


def test_nothing_is_deleted_unless_it_is_asked_for(grove: Grove) -> None:
    grove.change(expire_deleted=False)
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    summary = grove.run()

    assert (summary.expired, grove.seen()) == (0, ["a", "b"])


def test_a_file_that_comes_back_is_sent_again(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    grove.run()
    grove.write("b", "b")

    summary = grove.run()

    assert (summary.sent, summary.expired, grove.seen()) == (1, 0, ["a", "b"])
    assert grove.run().sent == 0


def test_a_renamed_file_is_put_away_when_its_new_name_is_stored(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    (grove.folder / "b").rename(grove.folder / "c")
    order: list[str] = []
    grove.bucket.after_complete = lambda label: order.append(f"stored {label.path[-1]}")
    grove.bucket.on_expire = lambda key: order.append(f"hidden {key[-1]}")

    grove.run()

    assert order == ["stored c", "hidden b"]
    assert grove.seen() == ["a", "c"]


def test_nothing_is_put_away_while_anything_is_left_to_send(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    grove.write_all("c", "d")

    plan_with_limit = preview_with_limit(grove, 1)
    summary = grove.run(limit=1)

    assert plan_with_limit == (1, 0)
    assert (summary.sent, summary.expired, grove.seen()) == (1, 0, ["a", "b", "c"])
    assert summary.exit_code == 0
    assert (grove.run().expired, grove.seen()) == (1, ["a", "c", "d"])


def preview_with_limit(grove: Grove, limit: int) -> tuple[int, int]:
    plan = preview(grove.backup(limit=limit))
    return plan.uploads, plan.expiries


def test_nothing_is_put_away_when_something_could_not_be_sent(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    grove.write("c", "c")
    grove.bucket.on_send = failing(f"{grove.path}/c", DestinationError("no"))

    summary = grove.run()

    assert (summary.failed, summary.expired, summary.exit_code) == (1, 0, 1)
    assert [str(one.decision.reason) for one in summary.results][-1] == str(Postponed())
    assert grove.seen() == ["a", "b"]


def test_a_run_that_is_stopped_puts_nothing_away(grove: Grove) -> None:
    grove.write_all("a", "b", "c")
    grove.run()
    grove.remove("b")
    grove.write("d", "d")
    grove.bucket.on_complete = lambda label: grove.stop.set()

    summary = grove.run()

    assert (summary.expired, summary.exit_code) == (0, 130)
    assert "b" in grove.seen()


def test_a_crash_between_hiding_and_noting_is_made_good_by_the_next_run(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    def crash(key: str) -> None:
        raise KeyboardInterrupt

    grove.bucket.after_expire = crash
    with pytest.raises(KeyboardInterrupt):
        grove.run()
    assert (grove.seen(), set(grove.current())) == (["a"], {"a", "b"})

    grove.bucket.after_expire = lambda key: None
    assert grove.run().expired == 1
    assert grove.current() == {"a": ""}


def test_what_somebody_else_has_put_there_meanwhile_stays(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    key = next(key for key in grove.bucket.newest if key.endswith("/b"))
    grove.bucket.newest[key] = f"{key}?versionId=theirs"
    grove.bucket.stored[f"{key}?versionId=theirs"] = b"theirs"

    grove.run()

    assert grove.bucket.listed()[key] == b"theirs"


def test_credentials_that_may_not_delete_are_said_once_and_stop_nothing(grove: Grove) -> None:
    grove.write_all("keep", *(f"{number:02}" for number in range(20)))
    grove.run()
    grove.change(max_delete=ANY)
    grove.remove(*(f"{number:02}" for number in range(20)))
    grove.write("new", "new")

    def refuse(key: str) -> None:
        grove.bucket.expired.append(key)
        raise DestinationError("DeleteObject was refused", hint="the credentials lack s3:DeleteObject")

    grove.bucket.on_expire = refuse
    summary = grove.run()

    assert (summary.sent, summary.failed, summary.expired, summary.exit_code) == (1, 20, 0, 1)
    first, rest = grove.warnings()
    assert (
        first == f"{grove.path}/00: can't be put away: DeleteObject was refused; the credentials lack s3:DeleteObject"
    )
    assert rest == "19 more can't be put away"
    assert len(grove.bucket.expired) <= IN_VAIN + AT_ONCE
    assert len(grove.current()) == 22


def test_a_bucket_out_of_reach_leaves_the_rest_for_later(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    def away(key: str) -> None:
        raise DestinationUnavailable("gone for lunch")

    grove.bucket.on_expire = away
    summary = grove.run()

    assert (summary.expired, summary.exit_code) == (0, 4)
    assert set(grove.current()) == {"a", "b"}


def test_a_file_that_is_back_before_all_is_sent_is_not_put_away(grove: Grove) -> None:
    grove.write_all("a", "b", "c")
    grove.run()
    grove.remove("b")
    grove.write("d", "d")
    grove.bucket.on_send = lambda label: grove.write("b", "b")

    summary = grove.run()

    assert (summary.expired, grove.seen()) == (0, ["a", "b", "c", "d"])


def test_what_was_named_by_itself_says_nothing_of_the_rest(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    tree = Selection(grove.path, compare=True, destinations=("main",), tree=grove.rules)
    named = Selection(f"{grove.path}/a", compare=True, destinations=("main",), within=tree)

    assert grove.run(named, ad_hoc=True).expired == 0


def test_where_no_versions_are_kept_all_stays_and_the_catalog_knows(grove: Grove) -> None:
    disk = grove.others["disk"] = MemoryDestination(place=Place("local", "/disk"))
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    summary = grove.run()

    assert (summary.count("disk").expired, summary.exit_code, len(disk.stored)) == (1, 0, 2)
    hidden = {event.expiry.to: event.hidden for event in grove.events if isinstance(event, Expired)}
    assert hidden == {"main": True, "disk": False}
    assert grove.run().expired == 0


def test_a_file_that_is_excluded_now_was_not_deleted(grove: Grove) -> None:
    grove.write_all("a", "folder/b", "folder.txt")
    grove.run()
    grove.change(exclude_paths=("folder",))
    grove.remove("folder/b")

    summary = grove.run()

    assert (summary.expired, grove.seen()) == (0, ["a", "folder.txt", "folder/b"])


def test_what_another_machine_has_sent_from_the_same_paths_stays(grove: Grove) -> None:
    grove.change(prefixing=grouping(20))
    grove.host = "other"
    for name in ("theirs", "their/small", "their/small2"):
        grove.write(name, "x" * (30 if name == "theirs" else 10))
    grove.run()
    grove.remove("theirs", "their")
    grove.host = "nas"
    grove.write_all("ours")

    summary = grove.run()

    assert (summary.expired, summary.exit_code) == (0, 0)
    assert len(grove.bucket.newest) == 3


def test_files_of_another_section_are_left_to_that(grove: Grove) -> None:
    grove.write_all("a", "other/b", "other/c", "other/deep/d")
    grove.run()
    grove.remove("other/b", "other/deep/d")
    other = Selection(f"{grove.path}/other", compare=True, destinations=("main",), tree=TreeRules())

    assert grove.run(other).expired == 0
    assert "other/b" in grove.current()


def test_direct_children_of_a_section_within_are_left_to_that(grove: Grove) -> None:
    grove.write_all("a", "other/b", "other/deep/d")
    grove.run()
    grove.remove("other/b", "other/deep/d")
    other = Selection(f"{grove.path}/other", files=True, destinations=("main",))

    assert expiries(grove.run(other)) == [("d", "deleted at the source")]


def test_a_directory_in_place_of_a_file_means_the_file_is_gone(grove: Grove) -> None:
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")
    grove.write("b/c", "c")

    assert expiries(grove.run()) == [("b", "deleted at the source")]
    assert grove.seen() == ["a", "b/c"]


def test_what_goes_to_two_destinations_is_put_away_at_each(grove: Grove) -> None:
    grove.others["disk"] = MemoryDestination(place=Place("local", "/disk"))
    grove.write_all("a", "b")
    grove.run()
    grove.remove("b")

    summary = grove.run()

    assert (summary.expired, summary.count("main").expired, summary.count("disk").expired) == (2, 1, 1)


@pytest.mark.parametrize(
    ("most", "allowed"),
    [
        (MostDeleted(0.1, None, "10 %"), 10),
        (MostDeleted(0.5, None, "50 %"), 20),
        (MostDeleted(None, 3, "3 files"), 3),
        (MostDeleted(None, 0, "0 files"), 0),
        (MostDeleted(0.0, None, "0 %"), 0),
    ],
)
def test_the_guard_holds_exactly_where_it_says(grove: Grove, most: MostDeleted, allowed: int) -> None:
    names = [f"{number:02}" for number in range(40)]
    grove.write_all(*names)
    grove.run()
    grove.change(max_delete=most)
    grove.remove(*names[: allowed + 1])

    refused = grove.run()

    assert (refused.expired, refused.exit_code, len(grove.seen())) == (0, 1, 40)
    assert f"{allowed + 1} of 40 files are gone, and max_delete = {most.says}" in grove.warnings()[0]
    grove.write(names[0], names[0])
    assert grove.run().expired == allowed


def test_what_has_another_name_now_does_not_count_for_the_guard(grove: Grove) -> None:
    grove.change(prefixing=grouping(100))
    names = [f"old/{number:02}" for number in range(40)]
    for number, name in enumerate(names):
        grove.write(name, name, 1_600_000_000 + number)
    grove.run()
    (grove.folder / "old").rename(grove.folder / "new")

    summary = grove.run()

    assert (summary.exit_code, summary.expired) == (0, 41)
    assert set(grove.current()) == {f"new/{number:02}" for number in range(40)}


@pytest.mark.parametrize("below", [None, 20])
def test_an_upload_that_is_older_than_a_deletion_is_not_gone_on_with(
    grove: Grove, monkeypatch: pytest.MonkeyPatch, below: int | None
) -> None:
    """What was noted to be deleted counts for all that was intended before."""
    grove.change(prefixing=None if below is None else grouping(below, names="root"))
    for name in ("d/a", "d/b", "e/a", "e/b"):
        grove.write(name, "x" * 10)
    grove.run()

    def die(*about: object, **more: object) -> None:
        raise KeyboardInterrupt

    grove.write("d/a", "y" * 10, mtime=1_650_000_000)
    grove.bucket.on_send = die
    with pytest.raises(KeyboardInterrupt):
        grove.run()
    grove.bucket.on_send = lambda label: None
    grove.remove("d")
    with monkeypatch.context() as patch:
        patch.setattr("glacier_backup.workflow.sending.leftovers.sweep", die)
        with pytest.raises(KeyboardInterrupt):
            grove.run()
    assert set(grove.current()) == {"e/a", "e/b"}
    grove.write("d/a", "y" * 10, mtime=1_650_000_000)
    grove.write("d/b", "x" * 10)

    grove.run()

    assert set(grove.current()) == {"d/a", "d/b", "e/a", "e/b"}
    assert grove.run().sent == 0


def test_an_object_of_one_file_is_not_overwritten_by_another_whose_key_it_is_now(grove: Grove) -> None:
    """Filters have changed, and what is stored stays where it was until it changes."""
    grove.change(keep_versions=False, expire_deleted=False)
    disk = grove.others["disk"] = MemoryDestination(place=Place("local", "/disk"))
    grove.write("a", "aaaa")
    grove.write("b", "bbbb")
    grove.run()
    to_b = Filter("key_sub", "key_sub ^a$ b", "^a$", "b")
    to_c = Filter("key_sub", "key_sub ^b$ c", "^b$", "c")
    grove.change(filters=(to_c, to_b))
    grove.write("a", "AAAAAA", mtime=1_700_000_000)

    grove.run()

    assert sorted(disk.stored.values()) == [b"AAAAAA", b"aaaa", b"bbbb"]
    assert disk.stored[f"nas{grove.path}/b"] == b"bbbb"
