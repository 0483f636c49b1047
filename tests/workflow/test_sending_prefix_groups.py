"""Groups that go by a prefix, as they are sent: under a key that stays the same, gone on with, and done with when files
are put together otherwise."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.event import ArchiveFound, UploadAborted, UploadResumed
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.manifest import parse_manifest
from glacier_backup.model.naming import version_key
from glacier_backup.model.prefix_group import below
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.units import KIB
from tests.workflow.packs import Killed, Packs
from tests.workflow.seals import openssl

STEPS = ("on_begin", "after_begin", "on_send", "after_chunk", "on_complete", "after_complete")


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Iterator[Packs]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        tree = Packs(tmp_path, catalog)
        tree.prefixing = Prefixing(10, "root")
        yield tree


def kill(*_: object) -> None:
    raise Killed


def write(tree: Packs, *names: str) -> None:
    for name in names:
        tree.write(name, f"{name:5.5}")


def stored(tree: Packs) -> dict[str, list[str]]:
    """By key, without what all begin with, the names below the section of what is in it."""
    start = f"nas{tree.folder}/"
    found = {}
    for locator, data in tree.destination.stored.items():
        with zipfile.ZipFile(io.BytesIO(data)) as zipped:
            found[locator.removeprefix(start)] = [name.removeprefix(start) for name in zipped.namelist()]
    return found


def test_its_key_mirrors_its_prefix(tree: Packs) -> None:
    write(tree, "2020/a", "2020/b", "c")

    tree.run()

    assert stored(tree) == {"2020/*~.zip": ["2020/a", "2020/b"], "*~.zip": ["c"]}
    first, second = sorted(tree.archives(), key=lambda one: len(one.path))
    assert (first.path, second.path) == (f"{tree.folder}/*~.zip", f"{tree.folder}/2020/*~.zip")
    assert (first.container, first.base, first.top) == ("zip", str(tree.folder), f"nas{tree.folder}")
    assert second.recipe is not None
    assert (second.base, below(second.recipe), second.name) == (str(tree.folder), "2", "*~.zip")
    assert tree.run().sent == 0


def test_what_it_becomes_is_a_version_of_it_and_the_first_one_stays(tree: Packs) -> None:
    write(tree, "a", "b")
    tree.run()
    tree.write("b", "newer", 1_700_000_000)
    tree.run()

    first, second = tree.archives()
    assert first.path == second.path
    assert second.fixed_key == version_key(first.fixed_key or "", second.time)
    assert len(tree.destination.stored) == 2
    assert {one.group for one in tree.catalog.current(tree.place_id(), str(tree.folder))} == {first.path}


def test_its_manifest_tells_where_its_files_lay(tree: Packs) -> None:
    write(tree, "2020/a", "2020/b")
    tree.run()

    (text,) = tree.destination.manifests.values()
    told = parse_manifest(text)
    assert (told.label.path, told.label.kind, told.label.container) == (f"{tree.folder}/2020/*~.zip", "group", "zip")
    assert (told.label.below, told.recipe) == ("2", tree.archives()[0].recipe)


class TestKilled:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_file_counts_as_sent_only_once_its_group_is_stored(self, tree: Packs, step: str) -> None:
        write(tree, "a", "b")
        setattr(tree.destination, step, kill)

        tree.run_and_die()
        assert tree.sent() == set()
        tree.run()

        assert tree.sent() == {"a", "b"}
        assert stored(tree) == {"*~.zip": ["a", "b"]}
        assert (tree.destination.open, tree.unfinished()) == ({}, ())
        assert tree.run().sent == 0

    def test_the_next_run_goes_on_where_it_was(self, tree: Packs) -> None:
        tree.prefixing = Prefixing(2 << 20)
        for number in range(3):
            tree.write(f"{number}", f"{number}" * 1_000_000)
        tree.destination.after_chunk = kill

        tree.run_and_die()
        tree.run()

        assert any(isinstance(event, UploadResumed) for event in tree.events)
        assert len(tree.archives()) == 1

    def test_one_that_was_stored_and_not_recorded_is_found(self, tree: Packs) -> None:
        write(tree, "a", "b")
        tree.destination.after_complete = kill
        tree.run_and_die()

        tree.run()

        assert any(isinstance(event, ArchiveFound) for event in tree.events)
        assert stored(tree) == {"*~.zip": ["a", "b"]}

    def test_what_was_begun_with_other_files_is_begun_anew(self, tree: Packs) -> None:
        write(tree, "a", "b")
        tree.destination.after_chunk = kill
        tree.run_and_die()
        write(tree, "c")

        tree.run()

        aborted = [event.why for event in tree.events if isinstance(event, UploadAborted)]
        assert aborted == ["the source has changed since"]
        assert (stored(tree), tree.unfinished()) == ({"*~.zip": ["a", "b", "c"]}, ())

    @pytest.mark.parametrize("prefixing", [Prefixing(100, "root"), None])
    def test_a_group_that_nothing_goes_into_any_more_is_removed(self, tree: Packs, prefixing: Prefixing | None) -> None:
        write(tree, "2020/a", "2020/b")
        tree.destination.after_chunk = kill
        tree.run_and_die()
        tree.prefixing, tree.pack_size = prefixing, None

        tree.run()

        assert [event.why for event in tree.events if isinstance(event, UploadAborted)] == ["nothing goes on with it"]
        assert (tree.destination.open, tree.unfinished(), tree.sent()) == ({}, (), {"2020/a", "2020/b"})

    def test_so_is_a_file_that_was_begun_alone_and_is_in_one_now(self, tree: Packs) -> None:
        tree.write("2020/a", "x" * 50)
        tree.destination.after_chunk = kill
        tree.run_and_die()
        write(tree, "2020/a", "2020/b")

        tree.run()

        assert (tree.destination.open, tree.unfinished(), tree.sent()) == ({}, (), {"2020/a", "2020/b"})


@pytest.mark.parametrize("private", [False, True])
def test_sealed_in_volumes_it_goes_on_like_any_archive(tree: Packs, tmp_path: Path, *, private: bool) -> None:
    tree.seal = Chain((), Split(10 * KIB), (openssl(tmp_path)[0],))
    tree.private = private
    tree.prefixing = Prefixing(20 * KIB)
    for number in range(3):
        tree.write(f"{number}", f"{number}" * 8_000)
    tree.destination.on_complete = lambda *_: kill() if tree.destination.stored else None
    tree.run_and_die()
    before = {*tree.destination.stored}

    tree.run()

    assert before < {*tree.destination.stored}
    (one,) = tree.archives()
    assert (len(one.volumes), one.container, tree.unfinished()) == (3, "zip", ())
    assert (one.fixed_key is None, one.alias is not None) == (private, private)
    assert tree.sent() == {"0", "1", "2"}
    assert tree.run().sent == 0
