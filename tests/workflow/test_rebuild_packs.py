"""What is in packs that a rebuilt catalog knows nothing of: read where that costs nothing, each recorded by itself, and
all known as before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.errors import DestinationUnavailable, Interrupted
from glacier_backup.model.archive import Member
from glacier_backup.model.finding import Looked
from glacier_backup.model.place import Place
from glacier_backup.model.rebuilding import PacksRead, UnreadPack
from glacier_backup.model.thaw import Thaw, ThawRecord, ThawRequest
from glacier_backup.units import now
from glacier_backup.workflow.rebuilding import packs as workflow
from glacier_backup.workflow.rebuilding.packs import PackOrder, read_packs
from glacier_backup.workflow.verifying.site import Site
from tests.catalog.inside import changed
from tests.fakes import MemoryDestination
from tests.streams import noise
from tests.workflow.packs import Packs

FILES = 8


class Forgotten:
    """Four packs of two files each, as a rebuilt catalog knows them; what was known before."""

    def __init__(self, packs: Packs, path: str) -> None:
        for number in range(FILES):
            packs.write(f"{number}", noise(20_000, number).hex()[:28_000])
        packs.run()
        self.packs = packs
        self.path = path
        self.destination = packs.destination
        self.place = self.destination.place
        self.members = self.all_members()
        self.leaves = self.all_leaves()
        self.known = packs.sent()
        self.looked: list[Looked] = []
        self.unread: list[UnreadPack] = []
        for table in ("members", "names", "grouped", "looks"):
            changed(path, f"DELETE FROM {table}")
        changed(path, "UPDATE volumes SET leaves = NULL")
        assert (packs.sent(), len(packs.archives())) == (set(), FILES // 2)

    def all_members(self) -> list[list[Member]]:
        return [[*self.packs.catalog.members(one.id)] for one in self.packs.archives()]

    def all_leaves(self) -> list[bytes | None]:
        return [self.packs.catalog.leaves(one.id, 1) for one in self.packs.archives()]

    def lies_in(self, place: Place, storage_class: str = "STANDARD") -> None:
        self.place = place
        changed(self.path, "UPDATE volumes SET storage_class = ?", storage_class)

    def read(self, *, pays: bool = False, cold: bool = False, check: object = None) -> PacksRead:
        self.unread.clear()
        site = Site(self.packs.place_id(), self.place, self.destination, key_of(self.place))
        order = PackOrder(pays=pays)
        ask = check if callable(check) else lambda: None
        return read_packs(site, self.packs.catalog, order, self.unread.append, self.looked.append, ask, cold=cold)


@pytest.fixture
def forgotten(tmp_path: Path) -> Iterator[Forgotten]:
    path = str(tmp_path / "catalog.sqlite3")
    with Catalog.open(path) as catalog:
        yield Forgotten(Packs(tmp_path, catalog), path)


def test_all_is_known_as_before_once_it_was_read(forgotten: Forgotten) -> None:
    done = forgotten.read()

    assert done == PacksRead(read=FILES // 2, files=FILES)
    assert (forgotten.all_members(), forgotten.all_leaves()) == (forgotten.members, forgotten.leaves)
    assert forgotten.packs.sent() == forgotten.known
    assert [*forgotten.packs.catalog.check()] == []
    assert [one.count for one in forgotten.looked if one.doing == "packs read"] == [1, 2, 3, 4]
    assert forgotten.read() == PacksRead()


def test_a_run_has_nothing_to_send_then(forgotten: Forgotten) -> None:
    forgotten.read()

    assert forgotten.packs.run().sent == 0


def test_a_few_are_read_side_by_side(forgotten: Forgotten, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "READERS", 2)
    both = threading.Barrier(2)
    fetch = MemoryDestination.fetch

    def fetched(self: MemoryDestination, *what: object) -> int:
        both.wait(10)
        return fetch(self, *what)  # type: ignore[arg-type]  # handed on as it comes

    monkeypatch.setattr(MemoryDestination, "fetch", fetched)

    assert forgotten.read().read == FILES // 2


def test_a_place_that_goes_away_ends_it_and_what_was_read_stays(
    forgotten: Forgotten, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "READERS", 1)
    last = forgotten.packs.archives()[-1].volumes[0].locator
    thaw = MemoryDestination.thaw

    def gone(self: MemoryDestination, request: ThawRequest, check: object) -> Thaw:
        if request.locator == last:
            raise DestinationUnavailable("it is gone")
        return thaw(self, request, lambda: None)

    with monkeypatch.context() as patch:
        patch.setattr(MemoryDestination, "thaw", gone)
        with pytest.raises(DestinationUnavailable):
            forgotten.read()
    known = forgotten.packs.sent()
    assert 0 < len(known) < FILES

    assert forgotten.read().read == (FILES - len(known)) // 2


def test_a_stop_ends_it(forgotten: Forgotten) -> None:
    def stop() -> None:
        raise Interrupted("^C")

    with pytest.raises(Interrupted):
        forgotten.read(check=stop)


@pytest.mark.parametrize("storage_class", ["STANDARD", "STANDARD_IA", "GLACIER_IR"])
def test_in_a_bucket_nothing_is_read_unless_it_is_asked_for(forgotten: Forgotten, storage_class: str) -> None:
    forgotten.lies_in(Place("s3", "bucket"), storage_class)
    size = sum(one.size or 0 for one in forgotten.packs.archives())

    assert forgotten.read() == PacksRead(dear=FILES // 2, dear_bytes=size)
    assert forgotten.read(pays=True).read == FILES // 2


@pytest.mark.parametrize(
    ("place", "storage_class"),
    [
        (Place("s3", "bucket"), "GLACIER"),
        (Place("s3", "bucket"), "DEEP_ARCHIVE"),
        (Place("glacier", "photos", "eu-central-1", "1"), "STANDARD"),
    ],
)
def test_what_is_cold_is_never_thawed(forgotten: Forgotten, place: Place, storage_class: str) -> None:
    forgotten.lies_in(place, storage_class)
    forgotten.destination.thawed = set()

    for pays in (False, True):
        done = forgotten.read(pays=pays)
        assert (done.cold, done.read, done.cold_words) == (FILES // 2, 0, (f"{forgotten.packs.folder}/~pack-*",))
    assert forgotten.destination.thaw_requests == []


def test_of_cold_zips_the_newest_are_named_first_and_those_of_before_one_by_one(forgotten: Forgotten) -> None:
    forgotten.lies_in(Place("s3", "bucket"), "DEEP_ARCHIVE")
    forgotten.destination.thawed = set()
    changed(forgotten.path, "UPDATE archives SET container = 'zip', path = ?", f"{forgotten.packs.folder}/*~.zip")
    *before, _ = [one.id for one in forgotten.packs.archives()]

    words = forgotten.read().cold_words

    assert words == (f"{forgotten.packs.folder}/*[*]~*.zip", *(f"id:{one}" for one in before))


def test_what_was_thawed_is_read_if_that_is_asked_for(forgotten: Forgotten) -> None:
    forgotten.lies_in(Place("s3", "bucket"), "DEEP_ARCHIVE")
    first, second, *_ = forgotten.packs.archives()
    thaws = [Thaw(one.volumes[0].locator, "", "thawing", 0, one.size) for one in (first, second)]
    forgotten.packs.catalog.note_thaws(ThawRecord(first.place_id, thaw, "bulk", now()) for thaw in thaws)
    forgotten.destination.thawed = {first.volumes[0].locator}

    assert (forgotten.read().dear, forgotten.read().cold) == (1, FILES // 2 - 1)
    assert (forgotten.read(pays=True).read, forgotten.read(pays=True).read) == (1, 0)
    assert {one.locator for one in forgotten.destination.thaw_requests} <= forgotten.destination.thawed


def test_a_cold_server_is_read_where_that_is_asked_for_and_unseals_first(forgotten: Forgotten) -> None:
    forgotten.lies_in(Place("sftp", "me@nas:22/archive"))
    forgotten.destination.thawed = set()

    assert forgotten.read(cold=True).cold == FILES // 2
    assert forgotten.destination.thaw_requests == []
    sealed = forgotten.read(cold=True, pays=True)

    assert (sealed.read, sealed.failed, sealed.thawing) == (0, FILES // 2, FILES // 2)
    assert {(one.thawing, one.cure) for one in forgotten.unread} == {(True, "rebuild again in a few hours")}
    forgotten.destination.thawed = None
    assert forgotten.read(cold=True, pays=True).read == FILES // 2


def test_packs_of_others_are_left_to_what_has_taken_them_over(forgotten: Forgotten) -> None:
    changed(forgotten.path, "UPDATE archives SET origin = 'pyArchiver'")

    assert forgotten.read() == PacksRead()
