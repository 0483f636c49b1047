"""What is damaged where it is stored, and has parity: restored all the same, and put right there if that is wanted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from glacier_backup.destination.destination import ByteStream, Check, Destination, Progress
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError
from glacier_backup.model.archive import Checksums
from glacier_backup.model.reading_event import RestoreSummary
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.upload import OpenUpload
from glacier_backup.seal import par2
from glacier_backup.workflow.restoring import mending
from glacier_backup.workflow.restoring.repair import _Repair
from glacier_backup.workflow.verifying.verify_bytes import findings, plan_repairs
from tests.contract.places import PLACES, Place
from tests.streams import noise
from tests.workflow.library import Library, look
from tests.workflow.rot import Rotten
from tests.workflow.seals import VOLUME, chain

SOME = 3_000
"""Bytes that are spoiled, of which parity mends five times as many."""


class Killed(BaseException):
    """Nobody catches it."""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def library(tmp_path: Path, disk: Path) -> Library:
    return fill(Library(tmp_path / "library", lambda: Local(str(disk), create=True)), tmp_path)


def fill(library: Library, folder: Path, names: str = "split age par2", redundancy: int = 20) -> Library:
    library.chain, library.keys = chain(names, folder, redundancy=redundancy)
    (library.source / "photos").mkdir(parents=True)
    (library.source / "photos" / "a.jpg").write_bytes(noise(3 * VOLUME, 1))
    (library.source / "photos" / "b.jpg").write_bytes(noise(VOLUME, 2))
    library.back_up()
    return library


def archive_of(library: Library) -> StoredArchive:
    with library.catalog() as catalog:
        (found,) = library.archives(catalog)
    return found


def volume_of(library: Library, number: int = 2) -> StoredVolume:
    return next(one for one in archive_of(library).volumes if one.volume == number)


def spoil(path: Path, start: int = 5_000, count: int = SOME) -> None:
    data = bytearray(path.read_bytes())
    data[start : start + count] = bytes(byte ^ 0xFF for byte in data[start : start + count])
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": spoil,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-SOME]),
    "shifted": lambda path: path.write_bytes(path.read_bytes()[:5_000] + b"x" * 7 + path.read_bytes()[5_000:]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"more"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("known", [False, True], ids=["found now", "known before"])
def test_what_is_damaged_comes_back_and_it_is_said(library: Library, disk: Path, damage: str, known: bool) -> None:
    path = disk / volume_of(library).locator
    DAMAGES[damage](path)
    if known:
        verify(library)

    summary = library.restore()

    assert summary.exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    if damage != "longer":  # nobody asks for what lies behind the end
        assert "volume 2 was damaged, and is mended by its parity" in library.warnings()
        assert volume_of(library).damaged_at is not None, "where it is stored it is as it was"
    assert not library.staging.exists()


def test_a_volume_that_is_gone_comes_back_where_there_is_as_much_parity(tmp_path: Path, disk: Path) -> None:
    library = fill(Library(tmp_path / "library", lambda: Local(str(disk), create=True)), tmp_path, redundancy=100)
    (disk / volume_of(library).locator).unlink()

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def test_one_that_is_gone_without_that_is_damage(library: Library, disk: Path) -> None:
    (disk / volume_of(library).locator).unlink()

    assert library.restore().exit_code == 5
    assert "No such file" in library.causes()
    assert look(library.target) == {}
    assert [one.volume for one in archive_of(library).volumes if one.damaged_at] == [2]


def test_too_much_damage_is_damage(library: Library, disk: Path) -> None:
    spoil(disk / volume_of(library).locator, count=VOLUME // 2)

    assert library.restore().exit_code == 5
    assert "can't be mended" in library.causes()
    assert look(library.target) == {}
    assert [one.volume for one in archive_of(library).volumes if one.damaged_at] == [2]


def test_damaged_parity_mends_as_far_as_it_goes(library: Library, disk: Path) -> None:
    volume = volume_of(library)
    spoil(disk / volume.locator)
    for one in archive_of(library).parity_of(volume):
        spoil(disk / one.locator, start=(one.size or 0) // 2, count=10)

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def test_without_leaves_the_damaged_volume_is_found_too(library: Library, disk: Path) -> None:
    library.sql("UPDATE volumes SET leaves = NULL")
    spoil(disk / volume_of(library).locator)

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert [one.volume for one in archive_of(library).volumes if one.damaged_at] == [2], "the others were looked at"


def test_what_was_right_until_the_damage_is_not_fetched_again(library: Library, disk: Path) -> None:
    spoil(disk / volume_of(library, 4).locator)
    whole = sum(one.size or 0 for one in archive_of(library).volumes)

    summary = library.restore()

    assert summary.exit_code == 0, library.causes()
    assert summary.fetched < 2 * whole


def test_killed_while_it_mends_it_mends_again(library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(disk / volume_of(library).locator)
    with monkeypatch.context() as patched:
        patched.setattr(mending, "_flush", _die)
        with pytest.raises(Killed):
            library.restore()

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert not library.staging.exists()


def test_one_volume_is_mended_at_a_time_whatever_number_of_archives_are(
    library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """par2 takes all processors, and half a GiB."""
    for name in ("more", "still more"):
        (library.source / name).write_bytes(noise(2 * VOLUME, len(name)))
    library.back_up()
    with library.catalog() as catalog:
        for archive in library.archives(catalog):
            spoil(disk / archive.volumes[1].locator)
    really, under_way, seen = par2.mend, 0, list[int]()

    def mend(damaged: str, parity: Sequence[str], check: Callable[[], None]) -> bool:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        time.sleep(0.3)
        try:
            return really(damaged, parity, check)
        finally:
            under_way -= 1

    monkeypatch.setattr(par2, "mend", mend)

    assert library.restore().exit_code == 0, library.causes()
    assert seen == [1, 1, 1]


def test_where_there_is_no_room_to_mend_it_is_said(
    library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(disk / volume_of(library).locator)
    with monkeypatch.context() as patched:
        patched.setattr(mending, "_free", lambda folder: 1000)
        assert library.restore().exit_code == 1
        assert "mending a volume takes" in library.causes()

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def test_parity_in_a_vault_is_thawed_when_it_is_needed(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place: Place = PLACES["glacier"](request)
    library = fill(Library(tmp_path / "library", place.connect), tmp_path)
    spoiled = {volume_of(library).locator: (5_000, 5_000 + SOME)}

    def rotten(really: Destination) -> Destination:
        return Rotten(really, spoiled)

    codes = []
    for _ in range(3):
        codes.append(library.restore(change=rotten).exit_code)
        place.thaw_now()

    assert codes == [75, 75, 0], library.causes()
    assert look(library.target) == look(library.source)


def verify(library: Library, change: Callable[[Destination], Destination] = lambda really: really) -> RestoreSummary:
    wish = library.wish(purpose="verify", target="", what=("--full",))
    items = [RestoreItem(archive_of(library).id, "")]
    with library.catalog() as catalog:
        if (earlier := catalog.restore_like(wish)) is not None and earlier.ended_at is not None:
            catalog.forget_restore(earlier.id)
    return library.restore(items, wish=wish, change=change)


def mend(library: Library, change: Callable[[Destination], Destination] = lambda really: really) -> RestoreSummary:
    with library.catalog() as catalog:
        items = list(plan_repairs(catalog, ()).items)
    return library.restore(items, wish=library.wish(purpose="verify", target="", what=("--repair",)), change=change)


@pytest.mark.parametrize("name", PLACES)
def test_what_can_be_mended_is_stored_again(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place: Place = PLACES[name](request)
    library = fill(Library(tmp_path / "library", place.connect), tmp_path)
    before = archive_of(library)
    spoiled = {volume_of(library).locator: (5_000, 5_000 + SOME)}

    def rotten(really: Destination) -> Destination:
        return Rotten(really, spoiled)

    for _ in range(2):
        verify(library, rotten)
        place.thaw_now()
    assert [one.volume for one in archive_of(library).objects if one.damaged_at] == [2]
    for _ in range(3):
        summary = mend(library, rotten)
        if summary.exit_code != 75:
            break
        place.thaw_now()

    assert summary.exit_code == 0, library.causes()
    after = archive_of(library)
    assert spoiled == {}, "what was damaged is gone"
    assert [one.damaged_at for one in after.objects] == [None] * len(before.objects)
    assert [(one.suffix, one.size, one.tree_hash) for one in after.objects] == [
        (one.suffix, one.size, one.tree_hash) for one in before.objects
    ]
    assert (volume_of(library).locator != before.volumes[1].locator) == (name == "glacier")
    assert "volume 2 was damaged" in library.warnings()
    library.events.clear()
    for _ in range(2):
        library.restore(change=rotten)
        place.thaw_now()
    assert look(library.target) == look(library.source)
    assert "mended" not in library.warnings()
    assert list((tmp_path / "library" / "scratch").iterdir()) == []


def test_a_verification_names_each_volume_that_is_damaged(library: Library, disk: Path) -> None:
    archive = archive_of(library)
    parity = archive.parity_of(volume_of(library, 3))[-1]
    manifest = next(one for one in archive.beside if one.role == "manifest")
    for one in (volume_of(library, 1), volume_of(library, 4), parity, manifest):
        spoil(disk / one.locator, start=100, count=5)

    summary = verify(library)

    assert summary.exit_code == 5
    hurt = {one.locator for one in archive_of(library).objects if one.damaged_at}
    assert hurt == {volume_of(library, 1).locator, volume_of(library, 4).locator, parity.locator, manifest.locator}
    with library.catalog() as catalog:
        found = {one.locator: one for one in findings(catalog, summary.restore)}
    assert found.keys() == hurt
    assert "verify --repair" in (found[volume_of(library, 1).locator].cure or "")
    assert "isn't hurt by that" in (found[parity.locator].cure or "")
    assert not found[parity.locator].sent_again


@pytest.mark.parametrize("known", [False, True], ids=["found now", "listed before"])
def test_where_an_object_is_gone_the_others_are_read_all_the_same(library: Library, disk: Path, known: bool) -> None:
    parity = archive_of(library).parity_of(volume_of(library, 3))[-1]
    (disk / parity.locator).unlink()
    if known:
        library.sql(
            f"UPDATE volumes SET damaged_at = '2026-01-01T00:00:00Z', damage = 'gone' WHERE number = {parity.number}"
        )
    spoil(disk / volume_of(library).locator)

    summary = verify(library)

    assert summary.exit_code == 5
    assert {one.number for one in archive_of(library).objects if one.damaged_at} == {
        parity.number,
        volume_of(library).number,
    }
    with library.catalog() as catalog:
        found = {one.locator: one for one in findings(catalog, summary.restore)}
    assert found.keys() == {parity.locator, volume_of(library).locator}
    assert "isn't hurt by that" in (found[parity.locator].cure or "")
    assert "verify --repair" in (found[volume_of(library).locator].cure or "")


def test_what_was_only_said_to_be_damaged_stays_as_it_is(library: Library, disk: Path) -> None:
    said = "damaged_at = '2026-01-01T00:00:00Z', damage = 'so it is said'"
    library.sql(f"UPDATE volumes SET {said} WHERE volume = 2 AND role = 'data'")
    path = disk / volume_of(library).locator
    seen = path.stat()

    assert mend(library).exit_code == 0, library.causes()
    assert path.stat().st_ino == seen.st_ino
    assert volume_of(library).damaged_at is None


@pytest.mark.parametrize("point", ["_note", "_send"])
def test_killed_between_any_two_steps_of_a_repair_nothing_is_lost(
    library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    path = disk / volume_of(library).locator
    right = path.read_bytes()
    spoil(path)
    verify(library)
    with monkeypatch.context() as patched:
        patched.setattr(_Repair, point, _die)
        with pytest.raises(Killed):
            mend(library)

    assert mend(library).exit_code == 0, library.causes()
    assert path.read_bytes() == right
    assert volume_of(library).damaged_at is None
    assert library.restore().exit_code == 0, library.causes()


def test_what_was_mended_would_survive_a_loss_of_power_before_the_damaged_one_goes(
    library: Library, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, too: in an empty folder the next repair would begin with nothing but parity."""
    spoil(disk / volume_of(library).locator)
    verify(library)
    flushed: dict[int, list[str]] = {}
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            flushed[os.fstat(descriptor).st_ino] = os.listdir(descriptor)

    class Watched(Local):
        def delete(self, locator: str, check: Check) -> None:
            scratch = disk.parent / "library" / "scratch"
            (folder,) = scratch.iterdir()
            assert flushed.get(scratch.stat().st_ino) == [folder.name]
            assert flushed.get(folder.stat().st_ino) == os.listdir(folder)
            super().delete(locator, check)

    monkeypatch.setattr(os, "fsync", note)
    assert mend(library, lambda really: Watched(str(disk), create=False)).exit_code == 0, library.causes()


def test_what_can_not_be_stored_again_stays_mended_for_the_next_time(library: Library, disk: Path) -> None:
    path = disk / volume_of(library).locator
    right = path.read_bytes()
    spoil(path)
    verify(library)

    class Full(Local):
        def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
            raise DestinationError("the disk is full")

    first = mend(library, lambda really: Full(str(disk), create=False))
    second = mend(library)

    assert (first.exit_code, second.exit_code) == (1, 0), library.causes()
    assert path.read_bytes() == right


def _die(*_: object) -> None:
    raise Killed
