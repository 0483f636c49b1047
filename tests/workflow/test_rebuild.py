"""What a place tells, recorded: once, oldest first, gone on with when it was cut off, and nothing that contradicts
itself."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, VolumeMissing
from glacier_backup.model.archive import ArchiveRecord, Checksums
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.event import Event
from glacier_backup.model.journal import live, read_journal
from glacier_backup.model.manifest import manifest, one_object
from glacier_backup.model.naming import catalog_key, key
from glacier_backup.model.rebuilding import RebuiltPlace, Refused
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.told_by_key import Around
from glacier_backup.workflow import rebuild as workflow
from glacier_backup.workflow.rebuild import RebuildOrder, rebuild_place
from glacier_backup.workflow.rebuilding.first_copy import copies, newest_first, take_first
from tests.workflow.shelves import LEAVES, RAW, TIME, TREE_HASH, VAULT, Listing, Shelf, label_of, shelf

ALL = RebuildOrder()
TAR = Recipe((Step("tar"),))


class Rebuilder:
    """A catalog that knows nothing, and a place that knows all."""

    def __init__(self, made: Shelf) -> None:
        self.shelf = made
        self.refused: list[Refused] = []

    @property
    def place(self) -> Listing:
        return self.shelf.destination

    def put(self, path: str, number: int = 0, host: str = "nas", **more: object) -> str:
        """An archive of ours with its manifest; its locator."""
        label = label_of(path, number, host)
        record = ArchiveRecord(label, key(label), RAW, Fingerprint("d" * 64, 100, 1, 5, 0o644))
        text = manifest(record, one_object(record, Checksums(100, TREE_HASH, LEAVES)))
        self.place.put(key(label), **{"manifest": text, **more})
        return key(label)

    def __call__(self, order: RebuildOrder = ALL) -> RebuiltPlace:
        self.refused.clear()
        return rebuild_place(
            self.shelf.site, self.shelf.catalog, order, self.refused.append, self.shelf.looked.append, lambda: None
        )

    def known(self) -> list[StoredArchive]:
        return list(self.shelf.catalog.stored_archives(ArchiveFilter()))

    def paths(self) -> list[str]:
        return [one.path for one in self.known()]


@pytest.fixture
def rebuild(tmp_path: Path) -> Iterator[Rebuilder]:
    with shelf(str(tmp_path / "catalog.sqlite3")) as made:
        yield Rebuilder(made)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Rebuilder]:
    with shelf(str(tmp_path / "catalog.sqlite3"), where=VAULT) as made:
        yield Rebuilder(made)


def test_what_is_recorded_is_recorded_once(rebuild: Rebuilder) -> None:
    rebuild.put("/data/a")
    rebuild.put("/data/b")

    assert (rebuild().added, rebuild.paths()) == (2, ["/data/a", "/data/b"])
    rebuild.place.examined.clear()
    again = rebuild()

    assert (again.added, again.known, rebuild.place.examined) == (0, 2, [])


@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_group_whose_files_nobody_knows_stays_as_it_is(rebuild: Rebuilder, with_manifest: bool) -> None:
    label = replace(
        label_of("/data/~pack-0123456789ab"), name="data.pack.tar", kind="group", container="tar", recipe_id=TAR.id
    )
    record = ArchiveRecord(label, key(label), TAR, Fingerprint("d" * 64, 100, 2, 5))
    text = manifest(record, one_object(record, Checksums(100, TREE_HASH, LEAVES)))
    rebuild.place.put(key(label), manifest=text if with_manifest else None)

    assert rebuild().added == 1

    for inside in (False, True):
        (one,) = rebuild.shelf.catalog.stored_archives(ArchiveFilter(inside=inside))
        assert (one.path, one.kind, one.base, one.top, one.file) == (label.path, "group", "/data", "data", None)
    assert rebuild.shelf.catalog.last_sent(rebuild.shelf.id, ["/data/a"]) == {}
    assert (rebuild().added, rebuild().known) == (0, 1)


def test_the_newest_archive_of_a_path_counts(rebuild: Rebuilder) -> None:
    for number in (2, 0, 1):
        rebuild.put("/data/a", number)

    rebuild()

    last = rebuild.shelf.catalog.last_sent(rebuild.shelf.id, ["/data/a"])["/data/a"]
    newest = next(one for one in rebuild.known() if one.id == last.id)
    assert newest.time == TIME + timedelta(seconds=2)


def test_a_file_of_a_tree_is_older_than_its_versions_whatever_the_disk_says(rebuild: Rebuilder) -> None:
    rebuild.shelf.around = Around(hosts=frozenset({"nas"}))
    copied = datetime(2026, 5, 1, tzinfo=UTC)
    for name in ("a.jpg", "a.jpg-2", "a.jpg~20260301T000000.000000Z", "a.jpg~20260401T000000.000000Z", "a"):
        rebuild.place.put(f"nas/data/{name}", stored_at=copied)

    rebuild()

    (last,) = rebuild.shelf.catalog.last_sent(rebuild.shelf.id, ["/data/a.jpg"]).values()
    of_path = {one.id: one.fixed_key for one in rebuild.known() if one.path == "/data/a.jpg"}
    assert of_path[last.id] == "nas/data/a.jpg~20260401T000000.000000Z"
    assert of_path[min(of_path)] == "nas/data/a.jpg"
    assert rebuild.paths().count("/data/a.jpg") == 3
    assert {"/data/a", "/data/a.jpg-2"} < {*rebuild.paths()}


def test_what_was_cut_off_goes_on(rebuild: Rebuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "STEP", 10)
    monkeypatch.setattr("glacier_backup.workflow.verifying.inventory.AHEAD", 4)
    for number in range(50):
        rebuild.put(f"/data/{number:02}", number)
    seen = 0

    def stop(stored: Stored) -> None:
        nonlocal seen
        seen += 1
        if seen > 35:
            raise Interrupted("stop")

    rebuild.place.on_examine = stop
    with pytest.raises(Interrupted):
        rebuild()
    first = len(rebuild.paths())
    assert 20 <= first < 50
    rebuild.place.on_examine = lambda stored: None

    assert rebuild().added == 50 - first
    assert rebuild.paths() == [f"/data/{number:02}" for number in range(50)]


def test_what_contradicts_itself_is_left_out_and_named(rebuild: Rebuilder) -> None:
    rebuild.put("/data/a")
    bad = rebuild.put("/data/b", size=99)

    done = rebuild()

    assert (done.added, done.refused, rebuild.paths()) == (1, 1, ["/data/a"])
    assert rebuild.refused == [Refused(bad, "its manifest says 100 bytes, and there are 99")]


def test_what_can_t_be_looked_at_is_left_out_and_named(rebuild: Rebuilder) -> None:
    bad = rebuild.put("/data/a")

    def fail(stored: Stored) -> None:
        raise DestinationError("no permission")

    rebuild.place.on_examine = fail

    assert rebuild().refused == 1
    assert rebuild.refused == [Refused(bad, "it could not be looked at: no permission")]


def test_what_goes_meanwhile_is_left_out(rebuild: Rebuilder) -> None:
    rebuild.put("/data/a")

    def gone(stored: Stored) -> None:
        raise VolumeMissing("gone")

    rebuild.place.on_examine = gone

    done = rebuild()

    assert (done.added, done.refused) == (0, 0)


def test_a_place_that_goes_away_ends_it(rebuild: Rebuilder) -> None:
    rebuild.put("/data/a")

    def gone(stored: Stored) -> None:
        raise DestinationUnavailable("gone")

    rebuild.place.on_examine = gone

    with pytest.raises(DestinationUnavailable):
        rebuild()


def test_all_hosts_are_taken_unless_some_are_named(rebuild: Rebuilder) -> None:
    for host in ("nas", "laptop"):
        rebuild.put("/data/a", host=host)

    only = rebuild(RebuildOrder(hosts={"laptop"}))
    assert (only.added, only.of_other_hosts) == (1, 1)
    assert [one.host for one in rebuild.known()] == ["laptop"]

    assert rebuild().added == 1


def test_files_of_others_stay_out(rebuild: Rebuilder) -> None:
    rebuild.place.put("holiday.zip", size=7)
    rebuild.place.put("RESTORE.md")
    rebuild.place.put(catalog_key("nas", TIME))

    done = rebuild()

    assert (done.listed, done.added, done.foreign, done.foreign_bytes) == (1, 0, 1, 7)


def test_an_inventory_that_is_being_made_is_waited_for(vault: Rebuilder) -> None:
    vault.place.thawed = set()
    vault.place.put("id", description=vault.shelf.description(label_of("/data/a")))

    assert vault().waiting
    vault.place.thawed.add(None)

    assert vault().added == 1


def test_what_was_in_doubt_is_settled_and_not_recorded_twice(vault: Rebuilder) -> None:
    label = label_of("/data/a")
    vault.shelf.catalog.doubt(vault.shelf.begin(label))
    vault.place.put("id", description=vault.shelf.description(label))

    done = vault()

    assert (done.added, done.known) == (0, 1)
    assert [one.volumes[0].has_leaves for one in vault.known()] == [True]


def mt2(name: str) -> str:
    payload = json.dumps({"filename": name, "mtime": "20121114T201618Z"}, ensure_ascii=False).encode()
    return f"mt2 {base64.urlsafe_b64encode(payload).decode().rstrip('=')}"


def test_a_vault_of_another_system_is_taken_in(vault: Rebuilder) -> None:
    vault.place.put("one", description=mt2("2012/Я.jpg"))
    vault.place.put("two", description=None)

    assert vault().added == 2

    by_path = {one.path: one for one in vault.known()}
    assert set(by_path) == {"/2012/Я.jpg", "/.unnamed/two"}
    named = by_path["/2012/Я.jpg"]
    assert (named.origin, named.container, named.kind, named.size) == ("mt-aws-glacier", "raw", "file", 100)
    assert named.mtime_ns == int(datetime(2012, 11, 14, 20, 16, 18, tzinfo=UTC).timestamp()) * 10**9


def test_a_journal_names_what_has_no_description(vault: Rebuilder) -> None:
    vault.place.put("one", description=None)
    lines = [
        f"B\t1600000000\tCREATED\tone\t100\t1500000000\t{TREE_HASH}\told/file\n",
        f"B\t1600000001\tCREATED\tgone\t100\tNONE\t{TREE_HASH}\told/other\n",
        f"B\t1600000002\tCREATED\tdeleted\t100\tNONE\t{TREE_HASH}\told/third\n",
        "B\t1600000003\tDELETED\tdeleted\told/third\n",
    ]

    done = vault(RebuildOrder(journal=lambda: live(read_journal(lines))))

    assert (done.added, done.journaled_only, vault.paths()) == (1, 1, ["/old/file"])


def test_a_path_too_long_for_a_description_is_found_where_it_is_known(vault: Rebuilder, tmp_path: Path) -> None:
    path = "/data/" + "/".join(["ä" * 100] * 8)
    label = replace(label_of(path), name="ä")
    vault.place.put("one", description=vault.shelf.description(label))
    vault.place.put("two", description=vault.shelf.description(replace(label, path=f"{path}x")))
    vault.shelf.around = Around(sections=(path,))

    vault()

    assert path in vault.paths()
    (other,) = [one for one in vault.paths() if one != path]
    assert other.startswith("/data/ä")


# The copy of a catalog that may be the beginning.


class Copies:
    """Copies of catalogs at a place that can be read at once."""

    def __init__(self, folder: Path) -> None:
        self.place = Listing()
        self.path = str(folder / "new" / "catalog.sqlite3")
        self.told: list[Event] = []
        self._folder = folder

    def put(self, host: str, day: int, data: bytes | None = None) -> str:
        """A sound copy, or these bytes; what it is called."""
        name = catalog_key(host, datetime(2026, 3, day, tzinfo=UTC))
        if data is None:
            source = self._folder / f"{host}{day}.sqlite3"
            with Catalog.open(str(source)) as catalog:
                catalog.begin_run(f"{host} {day}")
            data = gzip.compress(source.read_bytes())
        self.place.stored[name] = data
        self.place.put(name, size=len(data))
        return name

    def take(self, hosts: frozenset[str] = frozenset(), own: str = "nas") -> str | None:
        found = newest_first(copies(self.place, key_of(self.place.place), _nothing), hosts, own)
        taken = take_first(found, self.path, self.told.append, _nothing)
        assert sorted(os.listdir(os.path.dirname(self.path))) == (["catalog.sqlite3"] if taken else [])
        return None if taken is None else taken.name


def _nothing() -> None:
    return


@pytest.fixture
def kept(tmp_path: Path) -> Copies:
    (tmp_path / "new").mkdir()
    return Copies(tmp_path)


def test_the_newest_copy_of_this_host_is_taken(kept: Copies) -> None:
    kept.put("nas", 1)
    newest = kept.put("nas", 3)
    kept.put("laptop", 9)
    kept.place.put("nas/data/20260301T000000.000000Z.tar")

    assert kept.take() == newest
    assert os.stat(kept.path).st_mode & 0o777 == 0o600
    with Catalog.peek(kept.path) as catalog:
        assert list(catalog.check()) == []


def test_another_host_s_copy_will_do(kept: Copies) -> None:
    newest = kept.put("laptop", 9)

    assert kept.take() == newest


def test_a_host_that_is_named_is_the_one(kept: Copies) -> None:
    kept.put("laptop", 9)
    wanted = kept.put("nas", 1)

    assert kept.take(frozenset({"nas"}), own="laptop") == wanted


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no gzip",
        gzip.compress(b"SQLite format 3\0" * 100),
        gzip.compress(os.urandom(5_000))[:-100],
        gzip.compress(b""),
    ],
    ids=["nothing", "no_gzip", "no_catalog", "broken_off", "empty"],
)
def test_a_copy_that_is_not_sound_is_passed_by(kept: Copies, data: bytes) -> None:
    sound = kept.put("nas", 1)
    kept.put("nas", 2, data)

    assert kept.take() == sound
    assert len(kept.told) == 1


def test_a_copy_that_unpacks_without_end_is_passed_by(kept: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.workflow.rebuilding.first_copy.LEAST_LARGEST", 2**20)
    kept.put("nas", 2, gzip.compress(bytes(50 * 2**20)))

    assert kept.take() is None
    assert "more than any catalog has" in str(kept.told)


def test_a_place_whose_list_takes_hours_has_no_copies(kept: Copies) -> None:
    kept.put("nas", 1)
    kept.place.inventory_lag = timedelta(days=3)

    assert kept.take() is None
    assert kept.place.thaw_requests == []
