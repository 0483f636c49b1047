"""Archives that are several objects come back into the catalog by their manifests, or are said to be incomplete."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Receipt
from glacier_backup.model.description import describe
from glacier_backup.model.naming import tree_key, version_key
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.plan.told_by_key import Around
from glacier_backup.units import MIB
from tests.fakes import MemoryDestination
from tests.workflow.several import ALIAS, FINGERPRINT, SEAL, WHOLE, Rebuilder, Reversed, labelled, put, rebuilder
from tests.workflow.shelves import TIME, VAULT

TREE = replace(
    WHOLE,
    name="a.jpg",
    path="/tree/a.jpg",
    kind="file",
    container="raw",
    fixed_key=tree_key("nas", "/tree/a.jpg", "/tree", sealed=True),
)
HIDDEN = replace(WHOLE, alias=ALIAS)


@pytest.fixture
def rebuild(tmp_path: Path) -> Iterator[Rebuilder]:
    with rebuilder(tmp_path) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "vault"


def test_all_that_the_manifest_tells_is_recorded_once(rebuild: Rebuilder) -> None:
    locators = put(rebuild.destination, WHOLE)

    done = rebuild()

    assert (done.added, done.listed, done.refused) == (1, 7, 0)
    (one,) = rebuild.known()
    assert [volume.locator for volume in one.objects] == [*locators[::3][:2], *locators[1:3], *locators[4:7]]
    assert (one.path, one.suffix, one.recipe, one.digest) == (WHOLE.path, ".zst.age", SEAL, FINGERPRINT.digest)
    assert [(volume.role, volume.volume) for volume in one.beside] == [("parity", 1)] * 2 + [("parity", 2)] * 2 + [
        ("manifest", 2)
    ]
    assert all(volume.tree_hash and volume.size for volume in one.objects)
    assert list(rebuild.catalog.check()) == []
    again = rebuild()
    assert (again.added, again.known) == (0, 1), "seven objects are one archive"


VERSION = replace(TREE, fixed_key=version_key(TREE.fixed_key or "", TIME))


@pytest.mark.parametrize("label", [TREE, VERSION], ids=["first", "version"])
def test_so_is_a_file_of_a_sealed_tree(rebuild: Rebuilder, label: Label) -> None:
    put(rebuild.destination, label)

    assert rebuild().added == 1
    (one,) = rebuild.known()
    assert (one.path, one.fixed_key, one.kind, len(one.volumes)) == (label.path, label.fixed_key, "file", 2)


def test_several_archives_are_told_apart(rebuild: Rebuilder) -> None:
    labels = [
        WHOLE,
        replace(WHOLE, time=TIME + timedelta(seconds=1)),
        replace(WHOLE, path="/data/photos.zst"),
        replace(WHOLE, path="/data/x.gz", container="raw", kind="file", name="x.gz"),
        TREE,
        replace(
            TREE,
            path="/tree/a.jpg.gz",
            name="a.jpg.gz",
            fixed_key=tree_key("nas", "/tree/a.jpg.gz", "/tree", sealed=True),
        ),
    ]
    for number, label in enumerate(labels, 1):
        put(rebuild.destination, label, number)

    assert rebuild().added == len(labels)
    assert [len(one.volumes) for one in sorted(rebuild.known(), key=lambda one: len(one.volumes))] == [1, 2, 3, 4, 5, 6]
    assert {(one.path, one.time) for one in rebuild.known()} == {(one.path, one.time) for one in labels}


def test_what_was_not_sent_whole_is_told_once_and_left_out(rebuild: Rebuilder) -> None:
    put(rebuild.destination, WHOLE, whole=False)
    put(rebuild.destination, replace(HIDDEN, alias="z" * 26), whole=False)

    assert (rebuild().refused, rebuild.known()) == (2, [])
    assert rebuild.why() == ["2 volumes are there, and no manifest: the archive was not sent whole"] * 2


def test_a_volume_that_is_missing_is_told(rebuild: Rebuilder, root: Path) -> None:
    locators = put(rebuild.destination, WHOLE, 3, parity=False)
    (root / locators[1]).unlink()

    assert (rebuild().refused, rebuild.known()) == (1, [])
    assert rebuild.why() == ["2 of 3 volumes are there and right; of volume 2: it is missing"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.write_bytes(b"short"), "bytes, and there are 5"),
        (
            lambda path: path.with_name(f"{path.name}.sha256").write_text(f"{'0' * 64}  {path.name}\n"),
            "another SHA-256",
        ),
    ],
)
def test_a_volume_that_contradicts_the_manifest_is_told(
    rebuild: Rebuilder, root: Path, change: object, why: str
) -> None:
    locators = put(rebuild.destination, WHOLE, parity=False)
    change(root / locators[1])  # type: ignore[operator]  # one of two

    assert (rebuild().refused, rebuild.known()) == (1, [])
    assert "1 of 2 volumes are there and right; of volume 2: its manifest" in rebuild.why()[0]
    assert why in rebuild.why()[0]


def test_what_parity_can_mend_is_recorded_as_it_was_sent(rebuild: Rebuilder, root: Path) -> None:
    locators = put(rebuild.destination, WHOLE)
    (root / locators[3]).unlink()

    assert rebuild().added == 1
    (one,) = rebuild.known()
    assert one.volumes[1].locator == locators[3]
    assert one.volumes[1].size == len(f"{WHOLE.path} .zst.v002.age")


def test_a_manifest_in_the_place_of_another_is_refused(rebuild: Rebuilder, root: Path) -> None:
    first, second = put(rebuild.destination, WHOLE), put(rebuild.destination, replace(WHOLE, path="/data/other"))
    (root / second[-1]).write_bytes((root / first[-1]).read_bytes())

    assert rebuild().added == 1
    assert rebuild.why() == ["it is the manifest of another archive, one of /data/photos"]


def test_a_spoiled_manifest_is_refused(rebuild: Rebuilder, root: Path) -> None:
    locators = put(rebuild.destination, WHOLE)
    (root / locators[-1]).write_text("{}")

    assert (rebuild().refused, rebuild.known()) == (1, [])
    assert "its manifest can't be used: it is no manifest" in rebuild.why()[0]


def test_files_that_only_look_like_objects_stay_files(rebuild: Rebuilder, root: Path) -> None:
    names = ["notes.v001", "x.aabbcc", "a.v001.age.par2", "a.v001.age", "b.recipe.json"]
    (root / "nas/data").mkdir(parents=True)
    for name in names:
        (root / "nas/data" / name).write_bytes(b"{}")
    (root / "other").mkdir()
    (root / "other/c.v001").write_bytes(b"of somebody else")

    done = rebuild()

    assert {one.path for one in rebuild.known()} == {f"/data/{name}" for name in names}
    assert (done.foreign, done.refused) == (1, 0)


def test_in_a_sealed_tree_they_are_objects(rebuild: Rebuilder, root: Path) -> None:
    rebuild.around = Around(hosts=frozenset({"nas"}), trees=("/data",), sealed=("/data",))
    (root / "nas/data").mkdir(parents=True)
    for name in ("notes.v001.age", "b.gz.age", "c"):
        (root / "nas/data" / name).write_bytes(b"x")

    assert rebuild().added == 2
    assert {(one.path, one.suffix, one.fixed_key) for one in rebuild.known()} == {
        ("/data/b", ".gz.age", "nas/data/b"),
        ("/data/c", "", "nas/data/c"),
    }
    assert rebuild.why() == ["1 volume is there, and no manifest: the archive was not sent whole"]
    sealed = next(one for one in rebuild.known() if one.suffix)
    assert sealed.recipe is not None
    assert [step.name for step in sealed.recipe.steps] == ["raw", "gzip", "age"]
    assert sealed.digest is None, "how its source looked can't be told by the size of what is sealed"


def test_objects_of_what_is_under_way_are_left_alone(rebuild: Rebuilder) -> None:
    destination, catalog = rebuild.destination, rebuild.catalog
    label = labelled(WHOLE)
    record = ArchiveRecord(label, destination.describe(label), SEAL, FINGERPRINT)
    archive = catalog.intend(None, catalog.register(destination.place, destination.place), record, 2**20)
    put(destination, WHOLE, 1, parity=False, whole=False)
    first = replace(label, volume=1, suffix=".zst.v001.age")
    catalog.begin_object(archive, first, 2**20)
    catalog.opened(archive, "upload")
    catalog.object_sent(archive, Checksums(1, "0" * 64, b""), None)
    catalog.object_stored(archive, Receipt(destination.describe(first), 1, "0" * 64, b"", TIME))

    done = rebuild()

    assert (done.added, done.known, done.refused) == (0, 1, 0)


class TestHiddenNames:
    def test_they_come_back_with_the_key(self, rebuild: Rebuilder) -> None:
        put(rebuild.destination, HIDDEN)
        rebuild.opener = opener = Reversed()

        assert rebuild().added == 1
        (one,) = rebuild.known()
        assert (one.path, one.alias, one.name, one.time) == (WHOLE.path, ALIAS, WHOLE.name, TIME)
        assert len(one.objects) == 7
        assert [[step.name for step in steps] for steps in opener.steps] == [["age"]]

    def test_without_it_they_are_told_once_for_each_archive(self, rebuild: Rebuilder) -> None:
        put(rebuild.destination, HIDDEN)

        assert (rebuild().refused, rebuild.known()) == (1, [])
        assert "hidden" in rebuild.why()[0]
        assert "give the key" in rebuild.why()[0]

    def test_with_a_wrong_key_too(self, rebuild: Rebuilder) -> None:
        put(rebuild.destination, HIDDEN)
        rebuild.opener = Reversed(b"wrong")

        assert (rebuild().refused, rebuild.known()) == (1, [])
        assert "can't be opened: none of the keys fits" in rebuild.why()[0]

    def test_a_manifest_of_another_archive_is_refused(self, rebuild: Rebuilder, root: Path) -> None:
        first = put(rebuild.destination, HIDDEN)
        second = put(rebuild.destination, replace(HIDDEN, path="/data/other", alias="q" * 26))
        (root / second[-1]).write_bytes((root / first[-1]).read_bytes())
        rebuild.opener = Reversed()

        assert rebuild().added == 1
        assert rebuild.why() == ["it is the manifest of another archive, one of /data/photos"]


@dataclass
class Vault(MemoryDestination):
    """Archives by ids that say nothing, with descriptions."""

    def __post_init__(self) -> None:
        self.place = VAULT
        self.ids = itertools.count()
        self.descriptions: dict[str, str] = {}

    def describe(self, label: Label) -> str:
        return describe(label)

    def begin(self, request: UploadRequest, check: Check) -> str:
        id = f"id-{next(self.ids)}"
        self.open[id] = {}
        self.descriptions[id] = describe(request.label)
        return id

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        self.open.setdefault(upload.id, {})
        return super().complete(upload, checksums, manifest, check)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        for id in reversed(self.stored):
            yield Stored(id, len(self.stored[id]), TIME + timedelta(seconds=int(id[3:])), self.descriptions[id])

    def examine(self, stored: Stored, check: Check) -> Stored:
        return stored


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Rebuilder]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Rebuilder(catalog, Vault())


class TestVaults:
    def test_descriptions_tell_all_but_the_recipients(self, vault: Rebuilder) -> None:
        locators = put(vault.destination, WHOLE)
        put(vault.destination, replace(WHOLE, path="/data/" + "ä" * 400))

        assert vault().added == 2
        one = vault.known()[0] if vault.known()[0].path == WHOLE.path else vault.known()[1]
        assert (one.path, one.suffix, one.recipe, one.host, one.time) == (WHOLE.path, ".zst.age", SEAL, "nas", TIME)
        assert [volume.locator for volume in one.volumes] == [locators[0], locators[3]]
        assert {volume.locator for volume in one.objects} == {*locators}
        assert list(vault.catalog.check()) == []
        assert vault().added == 0

    def test_a_volume_that_was_sent_twice_counts_as_it_was_sent_last(self, vault: Rebuilder) -> None:
        put(vault.destination, WHOLE, 1, parity=False, whole=False)
        locators = put(vault.destination, WHOLE, 1, parity=False)

        assert vault().added == 1
        assert [volume.locator for volume in vault.known()[0].objects] == locators

    def test_what_is_missing_is_told(self, vault: Rebuilder) -> None:
        locators = put(vault.destination, WHOLE, 3)
        vault.destination.delete(locators[3], lambda: None)
        put(vault.destination, replace(WHOLE, path="/data/other"), whole=False)

        assert (vault().refused, vault.known()) == (2, [])
        assert sorted(vault.why()) == [
            "2 of 3 volumes are there; volume 2 is missing",
            "2 volumes are there, and no manifest: the archive was not sent whole",
        ]

    def test_a_count_that_is_a_lie_takes_no_memory(self, vault: Rebuilder) -> None:
        assert isinstance(vault.destination, Vault)
        locators = put(vault.destination, WHOLE)
        told = vault.destination.descriptions
        told[locators[-1]] = told[locators[-1]].replace(";v=2", ";v=100000000")
        assert "v=100000000" in told[locators[-1]]

        tracemalloc.start()
        assert vault().refused == 1
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert vault.why() == ["2 of 100000000 volumes are there; volume 3 is missing"]
        assert most < 50 * MIB

    def test_hidden_names_are_thawed_first(self, vault: Rebuilder) -> None:
        assert isinstance(vault.destination, Vault)
        locators = put(vault.destination, HIDDEN)
        vault.destination.thawed = {None}
        assert vault().refused == 1
        asked = [one.locator for one in vault.destination.thaw_requests if one.locator]
        assert asked == [], "nobody pays for what can't be opened"

        vault.opener = Reversed()
        done = vault()
        assert (done.thawing, done.added, done.refused) == (1, 0, 0)
        asked = [one.locator for one in vault.destination.thaw_requests if one.locator]
        assert asked == [locators[-1]]

        vault.destination.thawed = {None, locators[-1]}
        assert vault().added == 1
        (one,) = vault.known()
        assert (one.path, one.alias, len(one.objects)) == (WHOLE.path, ALIAS, 7)
