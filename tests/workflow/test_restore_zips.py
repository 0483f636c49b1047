"""Files out of groups that go by a prefix, which are ZIPs: as out of packs, and what is different with them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.model.filters import Filter, Prefixing
from glacier_backup.model.restore import RestoreItem
from glacier_backup.pack import untar_members, unzip
from glacier_backup.pack.unzip import ZipUnpacker
from glacier_backup.plan.restore import plan_restore
from glacier_backup.resolve.source import TreeRules
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring import bring
from tests.streams import noise
from tests.workflow.dying import Killed, dying
from tests.workflow.library import Library
from tests.workflow.packed import everything, files_of, fill, named, some, the_group, zipped
from tests.workflow.seals import chain
from tests.workflow.test_restore_packs import (
    test_a_catalog_that_knows_the_files_no_more_says_so,
    test_a_lost_catalog_costs_nothing_that_has_come,
    test_a_stop_among_the_names_goes_on_with_the_next_run,
    test_a_verification_reads_all_of_a_group,
    test_each_file_comes_back_under_its_name,
    test_what_is_not_wanted_is_not_unpacked,
    test_what_is_there_and_the_same_is_left_alone_and_not_fetched,
    test_what_lies_below_a_member_goes_below_the_place_that_is_named,
    test_without_digests_it_comes_too,
)

__all__ = [
    "test_a_catalog_that_knows_the_files_no_more_says_so",
    "test_a_lost_catalog_costs_nothing_that_has_come",
    "test_a_stop_among_the_names_goes_on_with_the_next_run",
    "test_a_verification_reads_all_of_a_group",
    "test_each_file_comes_back_under_its_name",
    "test_what_is_not_wanted_is_not_unpacked",
    "test_what_is_there_and_the_same_is_left_alone_and_not_fetched",
    "test_what_lies_below_a_member_goes_below_the_place_that_is_named",
    "test_without_digests_it_comes_too",
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = empty(tmp_path)
    zipped(library)
    return library


def empty(tmp_path: Path) -> Library:
    return Library(tmp_path / "library", lambda: Local(str(tmp_path / "depot"), create=True))


def test_each_is_brought_by_its_bytes_alone(library: Library) -> None:
    item = some(library, named("2019/3.jpg"))
    size = the_group(library).size or 0

    summary = library.restore([item])

    assert (summary.exit_code, [*files_of(library.target)]) == (0, ["photos/2019/3.jpg"])
    assert size > 30_000
    (wanted,) = item.ranges
    assert wanted.end is not None
    assert wanted.end - wanted.start < 3200


def test_all_of_a_section_comes_back_to_where_it_was(library: Library) -> None:
    with library.catalog() as catalog:
        items = [*plan_restore(catalog, ()).items]

    assert library.restore(items).exit_code == 0, library.causes()

    place = library.target / str(library.source).lstrip("/")
    place = place if place.exists() else library.target
    found = files_of(library.target)
    assert {name.rpartition("photos/")[2]: seen for name, seen in found.items()} == files_of(library.source / "photos")


def test_what_is_damaged_brings_no_file_of_it_back_and_says_which_are_in_it(library: Library) -> None:
    (stored,) = (one for one in (library.folder.parent / "depot").rglob("*.zip") if one.is_file())
    stored.chmod(0o600)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)

    summary = library.restore([some(library)])

    assert (summary.exit_code, summary.counts) == (5, {"damaged": 1})
    assert files_of(library.target) == {}
    assert the_group(library).volumes[0].damage


@pytest.mark.parametrize("seal", ["zstd age", "split age", "openssl"])
def test_out_of_what_is_sealed_likewise(tmp_path: Path, seal: str) -> None:
    library = empty(tmp_path)
    library.chain, library.keys = chain(seal, tmp_path)
    zipped(library)
    wanted = some(library, named("2019/4.jpg", "2020/1.jpg"), apart="split" in seal)

    assert library.restore([wanted]).exit_code == 0, library.causes()

    source = files_of(library.source)
    names = ("photos/2019/4.jpg", "photos/2020/1.jpg")
    assert files_of(library.target) == {name: source[name] for name in names}


def test_a_file_that_a_filter_gave_another_name_comes_back_under_its_own(tmp_path: Path) -> None:
    library = empty(tmp_path)
    section = fill(library)
    filters = (Filter("key_sub", "key_sub photos/20 20x", "photos/20", "20x"),)
    library.back_up(rules=TreeRules(keys="relative", prefixing=Prefixing(MIB), filters=filters))
    group = the_group(library)
    with library.catalog() as catalog:
        stored = {one.path: one.source for one in catalog.members(group.id) if everything(one)}
        items = [*plan_restore(catalog, ()).items]
    assert stored["20x19/1.jpg"] == "photos/2019/1.jpg"

    assert library.restore(items).exit_code == 0, library.causes()

    found = files_of(library.target)
    assert {name.rpartition("photos/")[2]: seen for name, seen in found.items()} == files_of(section)


def test_in_the_middle_of_a_large_file_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = empty(tmp_path)
    (library.source / "photos").mkdir()
    (library.source / "photos" / "large").write_bytes(noise(9 * MIB))
    fill(library)
    library.back_up(rules=TreeRules(keys="relative", prefixing=Prefixing(10 * MIB, most=None)))
    for module in (untar_members, unzip):
        monkeypatch.setattr(module, "STEP", MIB)
    monkeypatch.setattr(bring, "CHECKPOINT_SECONDS", 0)
    really = bring._Bringing._save

    def save(*given: object) -> None:
        really(*given)  # type: ignore[arg-type]  # as they came
        (note,) = library.staging.glob("*/checkpoint")
        if ZipUnpacker().position(json.loads(note.read_text())["line"]) > 5 * MIB:
            raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", save)
        library.restore([some(library)])
    assert list(library.staging.glob("*/checkpoint"))

    again = library.restore()

    assert again.exit_code == 0, library.causes()
    assert again.fetched < 6 * MIB
    assert files_of(library.target) == files_of(library.source)


@pytest.mark.parametrize("nth", [1, 5])
@pytest.mark.parametrize(
    "point",
    [
        "os.link",
        "os.mkdir",
        "os.symlink",
        "glacier_backup.workflow.restoring.item_folder.ItemFolder.finish",
        "glacier_backup.workflow.restoring.give_names._Giving.give",
        "glacier_backup.workflow.restoring.beneath.rename_new",
    ],
    ids=lambda point: point.rpartition(".")[2],
)
def test_killed_at_any_step_it_ends_right(
    library: Library, monkeypatch: pytest.MonkeyPatch, point: str, nth: int
) -> None:

    library.concurrency = 1
    with monkeypatch.context() as patched, suppress(Killed):
        dying(patched, point, after=True, nth=nth)
        library.restore([some(library)])

    again = library.restore([some(library)])

    assert again.exit_code == 0, library.causes()
    assert files_of(library.target) == files_of(library.source)


def test_a_verification_finds_what_was_exchanged(library: Library) -> None:
    """By its digests, before anything of it is taken for a ZIP."""
    (stored,) = (one for one in (library.folder.parent / "depot").rglob("*.zip") if one.is_file())
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes().replace(b"2019/1.jpg", b"2019/9.jpg"))
    wish = replace(library.wish(), purpose="verify", target="")

    summary = library.restore([RestoreItem(the_group(library).id, "")], wish=wish)

    assert (summary.exit_code, summary.counts) == (5, {"damaged": 1})
