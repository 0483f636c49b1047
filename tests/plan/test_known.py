"""What is planned with a real catalog is what is planned with the one in memory that all other tests here have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Label, ReadProblem, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.known import Known
from glacier_backup.plan.restore import RestorePlan, plan_restore
from glacier_backup.plan.scope import holding
from glacier_backup.plan.sums import loads_of
from glacier_backup.plan.terms import Archives, versions
from glacier_backup.plan.words import Word, interpret
from tests.catalog.values import record
from tests.plan.stored import COLD, HERE, PLACES, Shelves, day, member

PHOTOS = "/srv/photos"
WORDS = (
    "",
    PHOTOS,
    f"{PHOTOS}/2019",
    f"{PHOTOS}/2019/a.jpg",
    f"{PHOTOS}/2019/b.jpg",
    f"{PHOTOS}/odd\udcff/[x]",
    f"{PHOTOS}/*.jpg",
    "*",
    "/srv",
    "/srv/docs/sub",
    "photos.pack.tar",
    "docs.pack.tar:sub",
    "id:1",
    "id:2",
    "id:3",
    "id:1:2019",
    "id:1:photos/2019/*.jpg",
    "locator-2",
    "/etc",
    "/etc/hosts",
    "sftp://me@box:22/srv/music",
)


def stored() -> Shelves:
    """Groups of three sections, some of whose files have changed, are alone, or lie in two places."""
    shelves = Shelves()
    files = [member("2019/a.jpg"), member("2019/b.jpg", size=5000), member("2020/a.jpg"), member("odd\udcff/[x]")]
    shelves.add_group(PHOTOS, 0, *files)
    shelves.add_group(
        "/srv/docs",
        1,
        member("a.txt"),
        member("sub/link", "symlink", 0, "../a.txt"),
        member("sub/b"),
        member("sub/same", "hardlink", 0, "docs/a.txt"),
    )
    shelves.add(f"{PHOTOS}/2019/b.jpg", 2)
    shelves.add_group(PHOTOS, 3, member("2019/a.jpg", size=7), member("2021/new.jpg"), place=COLD)
    shelves.add("/etc", 4, member("etc", "directory", 0), member("etc/hosts"), member("etc/fstab"))
    shelves.add_group("sftp://me@box:22/srv/music", 5, member("2019/a.jpg"))
    sealed = Recipe((Step("tar"), Step("zstd")))
    shelves.add_group(PHOTOS, 6, *(member(f"many/{n:03}") for n in range(0, 300)), recipe=sealed, problems=1)
    shelves.add_group(PHOTOS, 7, *(member(f"many/{n:03}") for n in range(0, 300, 3)))
    return shelves


@pytest.fixture(name="shelves", scope="module")
def _shelves() -> Shelves:
    return stored()


@pytest.fixture(name="catalog", scope="module")
def _catalog(tmp_path_factory: pytest.TempPathFactory, shelves: Shelves) -> Iterator[Catalog]:
    with Catalog.open(str(tmp_path_factory.mktemp("catalog") / "catalog.sqlite3")) as catalog:
        for place in PLACES.values():
            catalog.register(place, place)
        run = catalog.begin_run("nas")
        for one in shelves.archives:
            assert record(catalog, run, one.place_id, _recorded(one), shelves.members(one.id)) == one.id
        yield catalog


def _recorded(one: StoredArchive) -> ArchiveRecord:
    assert one.kind is not None
    assert one.container is not None
    assert one.recipe is not None
    (volume,) = one.volumes
    size, tree_hash = volume.size or 0, volume.tree_hash or ""
    leaves = b"\0" * 32 * max(-(-size // 2**20), 1)
    receipt = Receipt(volume.locator, size, tree_hash, leaves, one.sent_at, storage_class=volume.storage_class)
    return ArchiveRecord(
        Label(one.name, one.path, one.host or "", one.kind, one.container, one.time, one.recipe.id),
        "",
        one.recipe,
        Fingerprint(one.digest or "", one.source_bytes or 0, 1, 0),
        (receipt,),
        (ReadProblem(f"{one.base}/unreadable", "no"),) * one.problems,
    )


def planned(known: Known, word: str, at: datetime | None) -> RestorePlan:
    return plan_restore(known, [interpret(known, Word(word, "/"))] if word else [], at)


def told(plan: RestorePlan) -> list[object]:
    return [(to, one.archive, one.path, one.member, one.number, one.offset, one.bytes) for one, to in plan.entries]


def in_order(plan: RestorePlan) -> list[RestoreItem]:
    return sorted(plan.items, key=lambda item: (item.archive, item.to, item.member or ""))


@pytest.mark.parametrize("at", [None, day(3.5)])
@pytest.mark.parametrize("word", WORDS)
def test_plans_are_the_same(catalog: Catalog, shelves: Shelves, word: str, at: datetime | None) -> None:
    if at is not None and word.startswith(("/etc", "sftp:")):
        return
    real, expected = planned(catalog, word, at), planned(shelves, word, at)

    assert told(real) == told(expected)
    assert in_order(real) == in_order(expected)
    assert real.loads == loads_of(catalog, real.items)
    assert (real.bytes, real.grouped, real.groups) == (expected.bytes, expected.grouped, expected.groups)


@pytest.mark.parametrize("word", WORDS[1:])
def test_what_holds_something_is_the_same(catalog: Catalog, shelves: Shelves, word: str) -> None:
    def held(known: Known) -> tuple[list[int], list[tuple[int, str]]]:
        term = interpret(known, Word(word, "/"))
        filters = holding(known, term.wanted) if isinstance(term, Archives) else [wanted for wanted, _ in term.of]
        archives = [one.id for filter_ in filters for one in known.stored_archives(filter_)]
        return archives, [(one.id, one.path) for one in versions(known, term, ArchiveFilter(since=day(1)))]

    assert held(catalog) == held(shelves)


def test_what_was_not_known_to_be_there_is_near_something_that_is(catalog: Catalog) -> None:
    near = catalog.known_paths_like(f"{PHOTOS}/2019/c.jpg")

    assert f"{PHOTOS}/2019/a.jpg" in near
    assert HERE in dict(catalog.places())
