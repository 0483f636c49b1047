"""Chains of datasets come back into the catalog as chains, whatever tells of them, and go as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.local import Local
from glacier_backup.errors import UsageError
from glacier_backup.model.archive import ArchiveRecord, Label, Role
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import dataset_step, span_text
from glacier_backup.model.increment import Link
from glacier_backup.model.manifest import manifest
from glacier_backup.model.recipe import PARTS, Recipe, Scalar, Step, compact
from glacier_backup.model.retention import Policy
from glacier_backup.model.snapshot import Span, digest_of, stream_step
from glacier_backup.model.stored import StoredArchive
from glacier_backup.model.suffixes import MANIFEST
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.plan.chain import Chains
from glacier_backup.plan.told_by_key import Around
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.repair import label_of
from tests.catalog.values import an_archive, record
from tests.model.labels import dataset
from tests.streams import BytesStream
from tests.workflow.removals import NOW, Removals, ids
from tests.workflow.several import Rebuilder, labelled, put, rebuilder, store
from tests.workflow.shelves import TIME
from tests.workflow.test_rebuild_several import Vault
from tests.workflow.test_spans import Tank

PHOTOS = "zfs:tank/photos"
OPENSSL: dict[str, Scalar] = {"cipher": "aes-256-cbc", "digest": "sha512", "iterations": 250_000}


def guid(number: int) -> str:
    return f"{number:016x}"


def label_at(number: int, path: str = PHOTOS, **fields: object) -> Label:
    """Of the archive of that number in its chain."""
    time, a_week = TIME + timedelta(days=7 * number), timedelta(days=7)
    link = Link(number, TIME, time - a_week) if number else Link(0)
    span = Span(f"offsite-{number}", guid(number), f"offsite-{number - 1}" if number else "")
    recipe = Recipe((stream_step("zfs", span, link, raw=True),))
    made = replace(dataset(path), time=time, link=str(link), span=span_text(recipe), recipe_id=recipe.id)
    return replace(made, **fields)  # type: ignore[arg-type]  # its own


CHAIN = [label_at(number) for number in range(3)]


def send(destination: Local, label: Label) -> None:
    """As one object, with its manifest beside it."""
    upload = OpenUpload(label, destination.begin(UploadRequest(label, MIB), lambda: None), MIB)
    sums = destination.send(upload, BytesStream(b"content"), lambda count: None)
    destination.complete(upload, sums, "{}", lambda: None)


def chains_of(catalog: Catalog, archives: list[StoredArchive]) -> list[list[int | None]]:
    """The numbers of what each of them takes."""
    chains = Chains(catalog)
    return [[link.link and link.link.number for link in chains.of(one) or ()] for one in archives]


WHOLE_CHAIN = [[0], [0, 1], [0, 1, 2]]


@pytest.fixture
def rebuild(tmp_path: Path) -> Iterator[Rebuilder]:
    with rebuilder(tmp_path) as made:
        yield made


def test_volumes_of_a_chain_are_told_by_their_manifests(rebuild: Rebuilder) -> None:
    for label in CHAIN:
        put(rebuild.destination, replace(label, suffix=".zst.age"))

    assert (rebuild().added, rebuild.refused) == (3, [])

    known = rebuild.known()
    assert chains_of(rebuild.catalog, known) == WHOLE_CHAIN
    assert [(one.path, one.kind, one.container) for one in known] == [(PHOTOS, "dataset", "zfs")] * 3
    assert [one.span and one.span.to for one in known] == ["offsite-0", "offsite-1", "offsite-2"]
    assert known[2].recipe is not None
    assert known[2].recipe.steps[0] == dataset_step(CHAIN[2])
    assert list(rebuild.catalog.check()) == []
    assert rebuild().added == 0


def test_keys_alone_tell_of_a_chain_what_it_takes(rebuild: Rebuilder, tmp_path: Path) -> None:
    for label in CHAIN:
        destination = rebuild.destination
        assert isinstance(destination, Local)
        send(destination, label)
    for one in (tmp_path / "vault").rglob(f"*{MANIFEST}"):
        one.unlink()

    assert (rebuild().added, rebuild.refused) == (3, [])

    known = rebuild.known()
    assert chains_of(rebuild.catalog, known) == WHOLE_CHAIN
    assert [(one.path, one.kind, one.host, one.span) for one in known] == [(PHOTOS, "dataset", "nas", None)] * 3
    assert (tmp_path / "vault/nas/zfs:/tank/photos").is_dir()


def test_a_manifest_that_lies_beside_another_dataset_is_refused(rebuild: Rebuilder, tmp_path: Path) -> None:
    put(rebuild.destination, replace(CHAIN[0], suffix=".zst.age"))
    (tmp_path / "vault/nas/zfs:/tank/photos").rename(tmp_path / "vault/nas/zfs:/tank/other")

    assert rebuild().added == 0
    assert rebuild.why() == [f"it is the manifest of another archive, one of {PHOTOS}"]


def test_parts_under_the_names_of_zfs_to_aws_are_told_by_our_manifest(rebuild: Rebuilder) -> None:
    seal = (Step("openssl", OPENSSL), Step("split", {"volume_size": 9, PARTS: True}), Step("par2", {"redundancy": 5}))
    fixed = "photos/baseline-20260321/photos-T20260321"
    span = Span("offsite-20260321", guid(0))
    recipe = Recipe((stream_step("zfs", span, Link(0)), *seal))
    label = replace(CHAIN[0], span=str(span), fixed_key=fixed, recipe_id=recipe.id, seal=compact(recipe), suffix=".enc")
    ends: list[tuple[str, Role]] = [("", "data"), (".par2", "parity"), (".vol000+100.par2", "parity")]
    parts = [
        replace(label, suffix=f"-part-aaaaa{letter}{end}", volume=number, role=role)
        for number, letter in enumerate("ab", 1)
        for end, role in ends
    ]
    sums = [store(rebuild.destination, one, f"{one.suffix}".encode()) for one in parts]
    text = manifest(ArchiveRecord(label, "", recipe, Fingerprint(digest_of(guid(0)), 7, 1, 0)), sums)
    own = replace(label, suffix=".enc.recipe.json", volume=2, role="manifest")
    assert store(rebuild.destination, own, text.encode()).locator == f"{fixed}.enc.recipe.json"

    assert (rebuild().added, rebuild.refused) == (1, [])

    (one,) = rebuild.known()
    assert (one.path, one.fixed_key, one.recipe, len(one.volumes), len(one.beside)) == (PHOTOS, fixed, recipe, 2, 5)
    assert all(rebuild.destination.describe(label_of(one, volume)) == volume.locator for volume in one.objects)


def test_descriptions_tell_all_of_a_chain_in_a_vault(tmp_path: Path) -> None:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        vault = Rebuilder(catalog, Vault(), Around())
        for label in CHAIN:
            put(vault.destination, replace(label, suffix=".zst.age"))

        assert (vault().added, vault.refused) == (3, [])

        known = vault.known()
        assert chains_of(catalog, known) == WHOLE_CHAIN
        assert [one.recipe and one.recipe.steps[0] for one in known] == [dataset_step(label) for label in CHAIN]
        assert [one.digest for one in known] == [digest_of(guid(number)) for number in range(3)]


def test_what_is_mended_is_stored_again_where_it_was(rebuild: Rebuilder) -> None:
    sent = labelled(replace(CHAIN[2], suffix=".zst.age"))
    put(rebuild.destination, sent)
    rebuild()
    (one,) = rebuild.known()

    for volume in one.objects:
        label = label_of(one, volume)
        assert (label.link, label.span) == (sent.link, sent.span)
        assert rebuild.destination.describe(label) == volume.locator


class TestRemoving:
    @pytest.fixture
    def removals(self, tmp_path: Path) -> Iterator[Removals]:
        with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
            yield Removals(catalog)

    def sent(self, removals: Removals, path: str = PHOTOS) -> list[int]:
        """Two baselines, each with an increment, a week apart."""
        found = []
        place = removals.at().place
        for number, days in enumerate((28, 21, 14, 7)):
            time = NOW - timedelta(days=days)
            link = Link(1, time - timedelta(days=7), time - timedelta(days=7)) if number % 2 else Link(0)
            span = Span(f"offsite-{number}", guid(number), f"offsite-{number - 1}" if number % 2 else "")
            made = an_archive(path, sent_at=time, locator=f"{path} {number}")
            recipe = Recipe((stream_step("zfs", span, link),))
            label = replace(dataset(path), host="host", time=time, link=str(link), span=str(span), recipe_id=recipe.id)
            removals.at().stored[f"{path} {number}"] = b"bytes"
            id = removals.catalog.register(place, place)
            found.append(record(removals.catalog, None, id, replace(made, label=label, recipe=recipe)))
        return found

    def test_what_an_increment_begins_with_stays_as_long_as_that(self, removals: Removals) -> None:
        first, second, _, _ = self.sent(removals)
        with pytest.raises(UsageError, match="build on what would be deleted"):
            removals.delete(f"id:{first}")
        assert ids(removals.delete(f"id:{first}", f"id:{second}")) == [first, second]
        assert ids(removals.delete(f"id:{second}")) == [second]
        assert ids(removals.prune(Policy(keep_last=3), section="zfs:tank")) == []
        assert ids(removals.prune(Policy(keep_last=2), section="zfs:tank")) == [first, second]

    def test_a_dataset_is_named_without_those_below_it(self, removals: Removals) -> None:
        own = self.sent(removals)
        below = self.sent(removals, f"{PHOTOS}/raw")
        with pytest.raises(UsageError, match="has 4 archives at one place"):
            removals.delete(PHOTOS)
        assert ids(removals.delete(PHOTOS, all_versions=True)) == own
        assert ids(removals.delete(f"{PHOTOS}/*", globs=True, all_versions=True)) == below
        with pytest.raises(UsageError, match="has no archive of its own"):
            removals.delete("zfs:tank")

    def test_the_last_of_what_is_still_there_is_refused(self, removals: Removals) -> None:
        self.sent(removals)
        removals.there = {PHOTOS}
        with pytest.raises(UsageError, match="nothing good would be left"):
            removals.delete(PHOTOS, all_versions=True)


def test_a_chain_that_was_rebuilt_from_descriptions_goes_on(tmp_path: Path) -> None:
    with ExitStack() as stack:
        before, after = (stack.enter_context(Catalog.open(str(tmp_path / name))) for name in ("before", "after"))
        tank = Tank(before)
        tank.destinations = {"main": Vault()}
        for content in ("one", "two"):
            assert tank.run(content).exit_code == 0
        assert Rebuilder(after, tank.destination, Around())().added == 2

        tank.catalog = after
        for taking in ("create", "latest"):
            tank.rules = replace(tank.rules, taking=taking)
            assert (tank.run().exit_code, len(tank.stored())) == (0, 2), "nothing was written since"
        tank.rules = replace(tank.rules, taking="create")
        assert tank.run("three").exit_code == 0

        *_, last = tank.stored()
        assert last.link is not None
        assert (last.link.number, tank.restored(last)) == (2, "three")
