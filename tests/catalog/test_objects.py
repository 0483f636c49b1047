"""Archives of several objects, sealed in volumes: on their way, object by object, and stored."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
from glacier_backup.model.archive import ArchiveRecord, Label, ReadProblem, Role
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume
from glacier_backup.model.upload import OpenUpload, Unfinished
from glacier_backup.units import MIB
from tests.catalog.inside import changed, rows, soundness
from tests.catalog.values import (
    LOCAL,
    MORNING,
    NOT_UTF8,
    a_member,
    a_receipt,
    a_sealed,
    an_archive,
    an_object,
    filled,
    minutes,
    record,
    seal,
    send_object,
    sums_of,
)

SEALED = a_sealed()
PATH = SEALED.label.path

VOLUME = an_object(SEALED)

_NAMES = st.binary(max_size=60).map(os.fsdecode)


def begun(catalog: Catalog, sealed: ArchiveRecord = SEALED) -> int:
    return catalog.intend(None, catalog.register(LOCAL, LOCAL), sealed, 16 * MIB)


def unfinished(catalog: Catalog) -> Unfinished:
    (one,) = catalog.unfinished(1)
    return one


def complete(catalog: Catalog, sealed: ArchiveRecord = SEALED, *, volumes: int = 2) -> int:
    archive = seal(catalog, catalog.register(LOCAL, LOCAL), sealed, [a_member()], volumes=volumes)
    catalog.finish(archive)
    return archive


def told(catalog: Catalog) -> StoredArchive:
    (one,) = catalog.stored_archives(ArchiveFilter())
    return one


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    _NAMES, _NAMES, _NAMES, st.none() | _NAMES, st.sampled_from(["data", "parity", "manifest"]), st.integers(1, 2**31)
)
def test_labels_are_made_again_as_they_were(
    catalog: Catalog, suffix: str, of_object: str, compact: str, alias: str | None, role: Role, volume: int
) -> None:
    label = replace(SEALED.label, suffix=suffix, seal=compact, alias=alias)
    archive = begun(catalog, replace(SEALED, label=label))
    assert unfinished(catalog).record.label == unfinished(catalog).label == label

    one = replace(label, suffix=of_object, role=role, volume=volume)
    catalog.begin_object(archive, one, MIB)

    assert unfinished(catalog).record.label == label
    assert unfinished(catalog).object == unfinished(catalog).label == one
    catalog.give_up(archive)


def test_each_step_of_an_object_is_known(catalog: Catalog) -> None:
    archive, receipt = begun(catalog), a_receipt(VOLUME)
    assert (unfinished(catalog).object, unfinished(catalog).stored) == (None, ())

    catalog.begin_object(archive, VOLUME, 32 * MIB)
    assert (unfinished(catalog).part_size, unfinished(catalog).upload) == (32 * MIB, None)
    catalog.opened(archive, "upload-id")
    assert unfinished(catalog).upload == OpenUpload(VOLUME, "upload-id", 32 * MIB, resumed=True)
    catalog.object_sent(archive, sums_of(receipt), "d4" * 32)
    assert unfinished(catalog).checksums == sums_of(receipt)
    catalog.object_stored(archive, receipt)

    left = unfinished(catalog)
    assert (left.object, left.upload, left.checksums) == (None, None, None)
    stored = StoredVolume(
        *(1, receipt.locator, 4_096, "ab" * 32, MORNING, "a1" * 32, "AAAA", "GLACIER", True, None, None, None),
        *("data", 1, ".zst.v001.age", "c3" * 32, "d4" * 32),
    )
    assert left.stored == (stored,)
    assert catalog.leaves(archive, 1) == receipt.leaves


def test_nothing_counts_as_sent_before_all_is(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    archive = seal(catalog, place, SEALED, [a_member()])
    assert not catalog.holds_archives(place)
    assert list(catalog.stored_archives(ArchiveFilter())) == []
    assert list(catalog.archives()) == []
    assert list(catalog.stored_archives(ArchiveFilter(locator=f"{PATH}.zst.v001.age"))) == []

    catalog.finish(archive)

    assert catalog.unfinished(place) == ()
    assert catalog.last_sent(place, [PATH])[PATH].sent_at == minutes(3)
    assert list(catalog.check()) == []


def test_a_sealed_archive_is_told_with_its_volumes_and_what_lies_beside(catalog: Catalog, path: str) -> None:
    archive = complete(catalog)

    one = told(catalog)
    assert [(each.number, each.volume, each.suffix) for each in one.volumes] == [
        (1, 1, ".zst.v001.age"),
        (3, 2, ".zst.v002.age"),
    ]
    assert [(each.role, each.volume) for each in one.beside] == [("parity", 1), ("parity", 2), ("manifest", 2)]
    assert [each.number for each in one.parity_of(one.volumes[1])] == [4]
    assert {(each.hmac_sha256, each.slice_sha256) for each in one.objects} == {("c3" * 32, None)}
    assert (one.size, one.suffix, one.alias, one.recipe) == (8_192, ".zst.age", "k3", SEALED.recipe)
    assert [row["stored_bytes"] for row in rows(path, "archives")] == [5 * 4_096]
    assert list(catalog.members(archive)) == [a_member()]
    assert rows(path, "uploads") == []
    for each in one.objects:
        assert told(catalog) in catalog.stored_archives(ArchiveFilter(locator=each.locator))


def test_volumes_come_in_their_order_however_they_were_stored(catalog: Catalog) -> None:
    archive = begun(catalog)
    for volume in (3, 1, 2):
        send_object(catalog, archive, an_object(SEALED, "data", volume))
    catalog.finish(archive)

    assert [(each.number, each.volume) for each in told(catalog).volumes] == [(2, 1), (3, 2), (1, 3)]
    assert [one.locator for one in catalog.archives()] == [f"{PATH}.zst.v001.age"]


def test_a_volume_that_was_sent_again_has_a_number_of_its_own(catalog: Catalog) -> None:
    archive = begun(catalog)
    for volume in (1, 2):
        send_object(catalog, archive, an_object(SEALED, "data", volume))
    catalog.object_gone(archive, 1)
    send_object(catalog, archive, VOLUME)
    catalog.finish(archive)

    assert [(each.number, each.volume) for each in told(catalog).volumes] == [(3, 1), (2, 2)]
    assert [one.locator for one in catalog.archives()] == [f"{PATH}.zst.v001.age"]


def test_an_archive_of_one_object_keeps_its_suffix_and_its_hmac(catalog: Catalog) -> None:
    label = replace(SEALED.label, suffix=".enc")
    sealed, receipt = replace(SEALED, label=label), a_receipt(label)
    archive = begun(catalog, sealed)
    catalog.completing(archive, sealed, sums_of(receipt), [])
    assert unfinished(catalog).checksums == sums_of(receipt)

    catalog.stored(archive, receipt)

    (volume,) = told(catalog).objects
    assert (volume.role, volume.volume, volume.suffix, volume.hmac_sha256) == ("data", 0, ".enc", "c3" * 32)


def test_a_listed_archive_of_several_volumes_has_no_checksum_of_its_own(catalog: Catalog) -> None:
    complete(catalog)

    (listed,) = catalog.archives()

    assert (listed.locator, listed.sha256_tree, listed.stored_bytes) == (f"{PATH}.zst.v001.age", None, 5 * 4_096)


def test_what_is_dropped_leaves_what_is_stored(catalog: Catalog) -> None:
    archive = begun(catalog)
    send_object(catalog, archive, VOLUME)
    catalog.begin_object(archive, an_object(SEALED, "data", 2), MIB)
    catalog.opened(archive, "upload-id")
    catalog.object_sent(archive, sums_of(a_receipt(VOLUME)), "d5" * 32)

    catalog.drop_object(archive)
    catalog.drop_object(archive)

    left = unfinished(catalog)
    assert (left.object, left.upload, left.checksums) == (None, None, None)
    assert [each.volume for each in left.stored] == [1]


def test_an_object_that_is_begun_anew_knows_nothing_of_the_one_before(catalog: Catalog) -> None:
    archive = begun(catalog)
    catalog.begin_object(archive, VOLUME, MIB)
    catalog.opened(archive, "upload-id")
    catalog.object_sent(archive, sums_of(a_receipt(VOLUME)), "d5" * 32)

    catalog.begin_object(archive, VOLUME, MIB)
    assert (unfinished(catalog).upload, unfinished(catalog).checksums) == (None, None)
    catalog.object_sent(archive, sums_of(a_receipt(VOLUME), None), None)
    catalog.object_stored(archive, a_receipt(VOLUME))

    (stored,) = unfinished(catalog).stored
    assert (stored.hmac_sha256, stored.slice_sha256) == (None, None)


def test_an_archive_begins_anew_once_all_of_it_is_gone(catalog: Catalog) -> None:
    archive = seal(catalog, catalog.register(LOCAL, LOCAL), SEALED, [a_member("gone")])
    for each in unfinished(catalog).stored:
        catalog.object_gone(archive, each.number)
        catalog.object_gone(archive, each.number)
    assert unfinished(catalog).stored == ()

    send_object(catalog, archive, VOLUME)

    assert [each.number for each in unfinished(catalog).stored] == [1]


def test_what_is_given_up_leaves_nothing(catalog: Catalog, path: str) -> None:
    archive = seal(catalog, catalog.register(LOCAL, LOCAL), replace(SEALED, problems=(ReadProblem("/a", "gone"),)))
    catalog.begin_object(archive, VOLUME, MIB)

    catalog.give_up(archive)

    assert [rows(path, table) for table in ("archives", "uploads", "members", "problems", "volumes")] == [[]] * 5


def test_what_is_read_once_more_takes_the_place_of_what_was_read(catalog: Catalog) -> None:
    archive = seal(catalog, catalog.register(LOCAL, LOCAL), SEALED, [a_member("a"), a_member("b")])
    again = replace(SEALED, problems=(ReadProblem("/a", "gone"),), changed_while_read=True)

    catalog.set_contents(archive, again, [a_member("c")])

    assert unfinished(catalog).record == again
    assert [member.path for member in catalog.members(archive)] == ["c"]


_ON_ITS_WAY = "an object is on its way"
_BETWEEN = "none is, and one is stored"
_ENDED = "all of it is stored"

_REFUSED: list[tuple[str, str, Callable[[Catalog], object]]] = [
    (_ON_ITS_WAY, "finish", lambda catalog: catalog.finish(1)),
    *[
        (when, name, step)
        for when in (_ON_ITS_WAY, _BETWEEN, _ENDED)
        for name, step in (
            ("stored", lambda catalog: catalog.stored(1, a_receipt(VOLUME))),
            ("completing", lambda catalog: catalog.completing(1, SEALED, sums_of(a_receipt(VOLUME)), [])),
            ("doubt", lambda catalog: catalog.doubt(1)),
        )
    ],
    *[
        (when, name, step)
        for when in (_BETWEEN, _ENDED)
        for name, step in (
            ("object_sent", lambda catalog: catalog.object_sent(1, sums_of(a_receipt(VOLUME)), None)),
            ("object_stored", lambda catalog: catalog.object_stored(1, a_receipt(VOLUME))),
        )
    ],
    (_ENDED, "begin_object", lambda catalog: catalog.begin_object(1, VOLUME, MIB)),
    (_ENDED, "drop_object", lambda catalog: catalog.drop_object(1)),
    (_ENDED, "object_gone", lambda catalog: catalog.object_gone(1, 1)),
    (_ENDED, "set_contents", lambda catalog: catalog.set_contents(1, SEALED, [])),
    (_ENDED, "finish", lambda catalog: catalog.finish(1)),
]


@pytest.mark.parametrize(
    ("when", "step"), [pytest.param(when, step, id=f"{name}, {when}") for when, name, step in _REFUSED]
)
def test_a_step_out_of_order_is_refused_and_changes_nothing(
    catalog: Catalog, path: str, when: str, step: Callable[[Catalog], object]
) -> None:
    archive = begun(catalog)
    send_object(catalog, archive, VOLUME)
    if when == _ON_ITS_WAY:
        catalog.begin_object(archive, an_object(SEALED, "data", 2), MIB)
    elif when == _ENDED:
        catalog.finish(archive)
    tables = ("archives", "uploads", "volumes", "members")
    before = [[tuple(row) for row in rows(path, table)] for table in tables]

    with pytest.raises(CatalogError, match="no upload of archive 1 under way"):
        step(catalog)

    assert [[tuple(row) for row in rows(path, table)] for table in tables] == before
    assert soundness(path) == []


def test_an_archive_of_which_nothing_is_stored_can_not_be_finished(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="under way"):
        catalog.finish(begun(catalog))

    assert unfinished(catalog).record == SEALED


def test_objects_of_what_is_unfinished_are_no_strangers(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    other = catalog.register(Place("s3", "bucket"), Place("s3", "bucket"))
    archive = begun(catalog)
    receipt = send_object(catalog, archive, replace(VOLUME, suffix=f".{NOT_UTF8}"))

    assert catalog.is_part_of_unfinished(place, receipt.locator)
    assert not catalog.is_part_of_unfinished(other, receipt.locator)
    assert not catalog.is_part_of_unfinished(place, "stranger")
    catalog.finish(archive)
    assert not catalog.is_part_of_unfinished(place, receipt.locator)


def test_forgetting_an_archive_forgets_all_of_its_objects(catalog: Catalog, path: str) -> None:
    catalog.forget_archives([complete(catalog)])

    assert [rows(path, table) for table in ("archives", "members", "volumes")] == [[]] * 3


def test_damage_and_verification_are_noted_of_each_object(catalog: Catalog) -> None:
    archive = complete(catalog)
    catalog.note_damaged([(archive, 4, "the parity is missing")], minutes(5))

    assert told(catalog).hurt is None
    assert told(catalog).beside[1].damage == "the parity is missing"
    assert catalog.last_sent(1, [PATH])[PATH].damage is None

    catalog.note_damaged([(archive, 3, "the volume is wrong"), (archive, 1, "missing")], minutes(5))
    assert catalog.last_sent(1, [PATH])[PATH].damage == "missing"
    assert [one.damage for one in catalog.archives()] == ["missing"]

    catalog.note_all_verified([(archive, each.number) for each in told(catalog).objects], minutes(6))
    assert {(each.verified_at, each.damaged_at) for each in told(catalog).objects} == {(minutes(6), None)}


def test_all_objects_are_exported(catalog: Catalog) -> None:
    complete(catalog)
    filled(catalog, an_archive("/srv/plain"))

    sealed, plain = catalog.export_rows()

    assert (sealed["suffix"], sealed["alias"], sealed["stored_bytes"]) == (".zst.age", "k3", 5 * 4_096)
    assert (plain["suffix"], plain["alias"], plain["stored_bytes"]) == ("", None, 10_240)
    volumes = sealed["volumes"]
    assert isinstance(volumes, list)
    assert [(one["number"], one["role"], one["volume"]) for one in volumes] == [
        *((1, "data", 1), (3, "data", 2)),
        *((2, "parity", 1), (4, "parity", 2), (5, "manifest", 2)),
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT 1", None),
        ("DELETE FROM volumes WHERE number = 1", "of its 3 volumes 1 are missing"),
        ("DELETE FROM volumes WHERE role = 'data' AND volume = 3", "of its 3 volumes 1 are missing"),
        ("UPDATE volumes SET volume = 1 WHERE role = 'data'", "of its 3 volumes 2 are missing"),
        ("UPDATE volumes SET role = 'data' WHERE role = 'parity' AND volume = 2", "it has a volume twice"),
        ("DELETE FROM volumes WHERE role = 'manifest'", "its manifest is missing"),
        ("UPDATE volumes SET volume = 2 WHERE role = 'manifest'", "its manifest tells of 2 volumes, but it has 3"),
    ],
)
def test_volumes_that_are_missing_among_others_are_said(
    catalog: Catalog, path: str, statement: str, said: str | None
) -> None:
    complete(catalog, volumes=3)
    changed(path, statement)
    changed(path, "UPDATE archives SET stored_bytes = (SELECT sum(bytes) FROM volumes)")

    assert list(catalog.check()) == ([] if said is None else [f"{PATH} (archive 1): {said}"])


def test_what_was_taken_over_in_volumes_has_no_manifest_of_ours(catalog: Catalog, path: str) -> None:
    complete(catalog)
    changed(path, "DELETE FROM volumes WHERE role != 'data'")
    changed(path, "UPDATE archives SET stored_bytes = 8192, origin = 'zfs-to-aws'")

    assert list(catalog.check()) == []


def sent_key(catalog: Catalog, key: str, suffix: str = "", path: str = "/tree/a.jpg") -> None:
    """Record a file of a tree that is one object."""
    place, plain = catalog.register(LOCAL, LOCAL), an_archive(path)
    label: Label = replace(plain.label, fixed_key=key, suffix=suffix)
    record(catalog, None, place, replace(plain, label=label))


def test_a_key_is_told_from_the_same_with_another_suffix(catalog: Catalog) -> None:
    sent_key(catalog, "nas/tree/a.jpg", ".zst.age")

    assert catalog.has_key(1, "nas/tree/a.jpg", ".zst.age")
    assert not catalog.has_key(1, "nas/tree/a.jpg")
    assert not catalog.has_key(1, "nas/tree/a.jpg", ".age")
    assert not catalog.has_key(2, "nas/tree/a.jpg", ".zst.age")


@pytest.mark.parametrize(
    ("key", "suffix"), [("nas/a.jpg", ".age"), ("nas/a.jpg.age", ""), (f"nas/{NOT_UTF8}.b", ".c.age")]
)
def test_a_key_of_another_is_known_whatever_part_of_it_is_the_suffix(catalog: Catalog, key: str, suffix: str) -> None:
    sent_key(catalog, key, suffix, path="/tree/its")
    whole = key + suffix

    for at in (at for at in range(1, len(whole) + 1) if whole[at : at + 1] in (".", "")):
        assert catalog.key_of_another(1, whole[:at], whole[at:], "/tree/other")
        assert not catalog.key_of_another(1, whole[:at], whole[at:], "/tree/its")
        assert not catalog.key_of_another(2, whole[:at], whole[at:], "/tree/other")
    assert not catalog.key_of_another(1, key, f"{suffix}.age", "/tree/other")
    assert not catalog.key_of_another(1, whole[:-1], "", "/tree/other")


def test_objects_have_keys_too_even_before_all_are_stored(catalog: Catalog) -> None:
    archive = begun(catalog, a_sealed("/tree/its", fixed_key="nas/its"))
    send_object(catalog, archive, VOLUME)

    assert catalog.key_of_another(1, "nas/its.zst.v001.age", "", "/tree/its.zst.v001.age")
    assert catalog.key_of_another(1, "nas/its", ".zst.age", "/tree/other")
    assert not catalog.key_of_another(1, "nas/its", ".zst.v002.age", "/tree/other")
