"""What parity may mend, what that takes, and what goes first when an archive is removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.model.archive import Role
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore import ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.plan.inside import needed
from glacier_backup.plan.mending import can_replace, is_lost, is_read_with_parity, may_mend, mendable, read_with_parity
from glacier_backup.plan.newest import Newest
from glacier_backup.plan.removal import in_order_of_removal
from glacier_backup.plan.restore import plan_restore
from glacier_backup.plan.sample import sample
from glacier_backup.plan.sums import loads_of
from glacier_backup.plan.thawing import Shelf
from glacier_backup.plan.verified import verified
from glacier_backup.plan.verify import cured, known_volumes, missing
from glacier_backup.units import MIB
from glacier_backup.workflow.restoring.coverage import count, needs
from tests.plan.stored import PLACES, VAULT, Shelves, contents, day, member

SLICE = 10 * MIB
SEALED = Recipe((Step("tar"), Step("split", {"volume_size": SLICE}), Step("age"), Step("par2", {"redundancy": 5})))


def volume(number: int, role: Role = "data", of: int = 1, size: int = SLICE, **more: object) -> StoredVolume:
    one = StoredVolume(number, f"{role}-{number}", size, "0" * 64, day(0), has_leaves=True, role=role, volume=of)
    return replace(one, **more)  # type: ignore[arg-type]  # its own fields


def shelves(*hurt: int, parity: bool = True, redundant: int = MIB) -> tuple[Shelves, StoredArchive]:
    """A directory in a vault, in three volumes."""
    stored = Shelves()
    members = [member("a", "directory", 0), *(member(f"a/{number}", size=9 * MIB) for number in range(3))]
    archive = stored.add("/data/a", 0, *members, place=VAULT, recipe=SEALED)
    volumes = tuple(volume(number, of=number) for number in (1, 2, 3))
    beside = [volume(3 + of, "parity", of, redundant) for of in (1, 2, 3)] if parity else []
    archive = replace(
        archive,
        volumes=tuple(
            replace(one, damaged_at=day(1), damage="it is cut") if one.number in hurt else one for one in volumes
        ),
        beside=(*beside, volume(9, "manifest", 3, 1000)),
    )
    stored.archives[0] = archive
    stored.inside[archive.id] = contents(*members)
    return stored, archive


def test_a_damaged_volume_with_parity_is_not_lost() -> None:
    assert not mendable(shelves()[1])
    assert [one.number for one in mendable(shelves(2)[1])] == [2]
    assert not is_lost(shelves(2)[1])
    assert is_lost(shelves(2, parity=False)[1])


def test_mending_is_tried_once_and_of_what_is_gone_only_with_enough_parity() -> None:
    _, archive = shelves(2)
    assert may_mend(archive, [1], missing=False)
    assert not may_mend(archive, [2], missing=False)
    assert not may_mend(archive, [1], missing=True)
    _, redundant = shelves(redundant=2 * SLICE)
    assert can_replace(redundant, redundant.volumes[0])
    assert may_mend(redundant, [1], missing=True)
    assert not may_mend(shelves(parity=False)[1], [1], missing=False)


def test_a_member_takes_whole_volumes_and_the_parity_of_those_that_are_damaged() -> None:
    stored, archive = shelves(1, 3)
    wanted = needed(stored, archive, "a/0").ranges
    item = RestoreItem(archive.id, "0", "a/0", wanted)

    assert wanted == (ByteRange(512, 9 * MIB + 1024),)
    assert [(one.volume.locator, one.ranges, one.spare) for one in needs(item, archive)] == [
        ("data-1", (ByteRange(0, SLICE),), False),
        ("parity-4", (ByteRange(0, MIB),), True),
    ]
    assert [one.volume.number for one in needs(RestoreItem(archive.id, "a"), archive)] == [2, 1, 4, 3, 6]


def test_what_that_costs_is_in_the_sums() -> None:
    stored, archive = shelves(1)
    (shelf, load), *others = loads_of(stored, [RestoreItem(archive.id, "a")]).by_shelf.items()
    part = loads_of(stored, [RestoreItem(archive.id, "0", "a/2", needed(stored, archive, "a/2").ranges)])

    assert (shelf, others) == (Shelf("glacier"), [])
    assert (load.volumes, load.thawed) == (4, 3 * SLICE + MIB)
    assert part.by_shelf[shelf].thawed == 2 * SLICE, "it doesn't lie in the volume that is damaged"


@pytest.mark.parametrize("steps", [("split", "age", "par2"), ("split", "par2")])
@pytest.mark.parametrize("wanted", ["a/0", "a/1", "a/2"])
def test_the_sums_are_of_what_is_asked_for(steps: tuple[str, ...], wanted: str) -> None:
    stored, archive = shelves(1)
    recipe = Recipe((Step("tar"), *(Step(name, {"volume_size": SLICE} if name == "split" else {}) for name in steps)))
    archive = stored.archives[0] = replace(archive, recipe=recipe)
    item = RestoreItem(archive.id, "x", wanted, needed(stored, archive, wanted).ranges)

    asked = needs(item, archive)

    (load,) = loads_of(stored, [item]).by_shelf.values()
    assert load.volumes == len(asked)
    assert load.thawed == sum(count(one.ranges) or 0 for one in asked)


def test_a_verification_reads_every_object_as_it_is_stored() -> None:
    _, archive = shelves(1)

    everything = needs(RestoreItem(archive.id, ""), archive)
    (drawn,) = sample([archive], 100, "seed")

    assert [one.volume for one in everything] == list(archive.objects)
    assert drawn.ranges == (ByteRange(0, sum(one.size or 0 for one in archive.objects)),)
    assert needs(drawn, archive) == everything
    assert [one.number for one in known_volumes(archive)] == [1, 2, 3, 4, 5, 6, 9]
    assert verified([archive], day(2))[VAULT].volumes == 7


def test_a_repair_takes_what_is_damaged_and_its_parity_as_far_as_there_is_any() -> None:
    _, archive = shelves(2)

    taken = needs(RestoreItem(archive.id, "", ranges=()), archive)

    assert [(one.volume.locator, one.spare) for one in taken] == [("data-2", True), ("parity-5", True)]


def test_what_can_be_mended_comes_back_before_what_is_older() -> None:
    stored, archive = shelves(2)
    older = replace(archive, id=7, time=day(-9), volumes=(volume(1, locator="other"),), beside=(), digest="other")

    (taken,) = Newest(PLACES).of_each([older, archive])
    (lost,) = Newest(PLACES).of_each([older, shelves(2, parity=False)[1]])

    assert taken.archive.id == archive.id
    assert "it has parity" in taken.remark
    assert lost.archive.id == 7
    (entry,) = plan_restore(stored, ()).entries
    assert entry.choice.parity == {1: ((None, MIB),)}


def test_the_manifest_goes_first() -> None:
    _, archive = shelves()

    first, *others = in_order_of_removal(archive)

    assert first.role == "manifest"
    assert {one.number for one in others} == {1, 2, 3, 4, 5, 6}


def test_the_cure_of_damage_names_the_parity() -> None:
    _, archive = shelves()
    found = {one.locator: missing(one, PLACES[VAULT]) for one in known_volumes(archive)}

    assert f"verify --repair id:{archive.id}" in (cured(found["data-1"], is_last=True, archive=archive).cure or "")
    assert "isn't hurt" in (cured(found["parity-4"], is_last=True, archive=archive).cure or "")
    assert "repair" not in (cured(found["data-1"], is_last=True, archive=shelves(parity=False)[1]).cure or "")


def test_what_has_no_checksum_is_read_with_its_parity() -> None:
    _, archive = shelves()
    unproved = replace(archive.volumes[0], tree_hash=None, has_leaves=False)
    archive = replace(archive, volumes=(unproved, *archive.volumes[1:]))

    assert read_with_parity(archive) == (unproved,)
    assert [is_read_with_parity(archive, one) for one in archive.volumes] == [True, False, False]
    assert read_with_parity(replace(archive, beside=())) == ()
    assert not mendable(archive)
    wanted = needs(RestoreItem(archive.id, "a"), archive)
    assert [need.volume.number for need in wanted] == [2, 3, 1, 4]
