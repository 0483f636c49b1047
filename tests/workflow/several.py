"""Archives that are several objects, put at places as a run leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.local import Local
from glacier_backup.errors import WrongKey
from glacier_backup.model.archive import ArchiveRecord, Label, Role
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import dataset_step, is_dataset
from glacier_backup.model.manifest import ObjectSums, manifest
from glacier_backup.model.rebuilding import RebuiltPlace, Refused
from glacier_backup.model.recipe import Recipe, Step, compact
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.plan.told_by_key import Around
from glacier_backup.units import MIB
from glacier_backup.workflow.rebuild import RebuildOrder, rebuild_place
from glacier_backup.workflow.rebuilding.several import ManifestOpener, NoKeys
from glacier_backup.workflow.verifying.site import Site
from tests.streams import BytesStream
from tests.workflow.shelves import TIME

SEAL = Recipe((Step("tar"), Step("zstd", {"level": 3}), Step("split", {"volume_size": 100}), Step("age"), Step("par2")))
WHOLE = Label("photos.tar", "/data/photos", "nas", "directory", "tar", TIME, SEAL.id, suffix=".zst.age")
FINGERPRINT = Fingerprint("d" * 64, 100, 1, 5, 0o644)
ALIAS = "abcdefghijklmnopqrstuvwxyz"


def recipe_of(label: Label) -> Recipe:
    return Recipe((dataset_step(label) if is_dataset(label) else Step(label.container), *SEAL.seal))


def labelled(label: Label) -> Label:
    recipe = recipe_of(label)
    return replace(label, recipe_id=recipe.id, seal=compact(recipe))


def objects_of(label: Label, volumes: int, parity: bool = True) -> list[Label]:
    """In the order in which they are stored; without the manifest."""
    made: list[Label] = []
    for number in range(1, volumes + 1):
        ends: list[tuple[str, Role]] = [("", "data")]
        ends += [(".par2", "parity"), (".vol0+1.par2", "parity")] if parity else []
        suffix = f".zst.v{number:03}.age"
        made += [replace(label, volume=number, role=role, suffix=suffix + end) for end, role in ends]
    return made


def store(destination: Destination, label: Label, data: bytes) -> ObjectSums:
    upload = OpenUpload(label, destination.begin(UploadRequest(label, MIB), lambda: None), MIB)
    sent = destination.send(upload, BytesStream(data), lambda count: None)
    got = destination.complete(upload, sent, "", lambda: None)
    return ObjectSums(got.locator, got.size, got.tree_hash, got.sha256, None, label.role, label.volume, label.suffix)


def put(
    destination: Destination, label: Label, volumes: int = 2, *, parity: bool = True, whole: bool = True
) -> list[str]:
    """All objects of an archive, each with bytes of its own; their locators, the manifest's last."""
    label = labelled(label)
    stored = [
        store(destination, one, f"{label.path} {one.suffix}".encode()) for one in objects_of(label, volumes, parity)
    ]
    locators = [one.locator for one in stored]
    if whole:
        text = manifest(ArchiveRecord(label, destination.describe(label), recipe_of(label), FINGERPRINT), stored)
        end = ".recipe.json.age" if label.alias else ".recipe.json"
        own = replace(label, volume=volumes, role="manifest", suffix=label.suffix + end)
        data = text.encode() if label.alias is None else Reversed.seal(text)
        locators.append(store(destination, own, data).locator)
    return locators


class Reversed:
    """Opens what it has sealed itself: backwards."""

    def __init__(self, key: bytes = b"right") -> None:
        self._key = key
        self.steps: list[Sequence[Step]] = []

    @staticmethod
    def seal(text: str) -> bytes:
        return b"right" + text.encode()[::-1]

    def has_key(self, steps: Sequence[Step]) -> bool:
        return True

    def open(self, data: bytes, steps: Sequence[Step]) -> str:
        self.steps.append(steps)
        if not data.startswith(self._key):
            raise WrongKey("none of the keys fits")
        return data[len(self._key) :][::-1].decode()


@dataclass
class Rebuilder:
    """A catalog that knows nothing, and a place that knows all."""

    catalog: Catalog
    destination: Destination
    around: Around = field(default_factory=lambda: Around(hosts=frozenset({"nas"})))
    opener: ManifestOpener = field(default_factory=NoKeys)
    refused: list[Refused] = field(default_factory=list)

    def __call__(self) -> RebuiltPlace:
        self.refused.clear()
        place = self.destination.place
        site = Site(self.catalog.register(place, place), place, self.destination, key_of(place), self.around)
        order = RebuildOrder(opener=self.opener)
        return rebuild_place(site, self.catalog, order, self.refused.append, lambda looked: None, lambda: None)

    def known(self) -> list[StoredArchive]:
        return list(self.catalog.stored_archives(ArchiveFilter()))

    def why(self) -> list[str]:
        return [one.why for one in self.refused]


@contextmanager
def rebuilder(folder: Path) -> Iterator[Rebuilder]:
    """At a directory."""
    with (
        closing(Local(str(folder / "vault"), create=True)) as destination,
        Catalog.open(str(folder / "catalog.sqlite3")) as catalog,
    ):
        yield Rebuilder(catalog, destination)
