"""Datasets of real ZFS come back as they were at each time: from every kind of destination, plain and sealed, with
those below them, from several destinations, and when the catalog is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.units import MIB
from tests.roundtrip.changing_folder import Edit
from tests.roundtrip.journey import Journey
from tests.roundtrip.test_packs import with_password
from tests.roundtrip.trees import look
from tests.roundtrip.zfs_dataset import RUNS, dataset, destroyed, holds, play, snapshots
from tests.streams import noise
from tests.zfs_fuse.pool import Pool, received, zfs

PASSWORD = "password_file = {folder}/password\n"
SEALS = {
    "plain": "",
    "age": f"seal = zstd, split, age\nvolume_size = 1 MiB\n{PASSWORD}",
    "openssl": f"seal = openssl, split, par2\nvolume_size = 1 MiB\nredundancy = 10 %\n{PASSWORD}",
    "names hidden": f"seal = zstd, age, split\nvolume_size = 1 MiB\nprivate_names = yes\n{PASSWORD}",
}


@pytest.mark.parametrize(
    ("kind", "seal"),
    [
        *(("local", seal) for seal in SEALS if seal != "names hidden"),
        *(("glacier", "names hidden"), ("s3", "openssl"), ("sftp", "plain")),
    ],
    indirect=["kind"],
)
def test_a_dataset_comes_back_as_it_was_at_each_time(journey: Journey, pool: Pool, seal: str) -> None:
    photos = dataset(journey, pool, main=with_password(journey.cli, SEALS[seal]))

    play(photos, RUNS)

    assert [re.findall(r"in full|baseline|increment \d+", one.reason)[0] for one in photos.ever][1:] == [
        f"increment {number}" for number in range(1, len(RUNS))
    ]
    often = journey.kind.name == "local" and seal == "plain"
    for time in range(len(RUNS)) if often else (2, -1):
        photos.has_come_back(time=time)
    assert len(photos.snapshots()) == len(RUNS)
    assert photos.held() == photos.snapshots()[-1:]
    assert not often or journey("verify", "--full").code == 0


def test_a_large_file_and_what_changes_in_it(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool)
    with (photos.top / "large").open("wb") as file:
        for number in range(0, 300, 3):  # a third of it is noise, the rest holes
            file.seek(number * MIB)
            file.write(noise(MIB, number))
        file.truncate(300 * MIB)
    photos.back_up()
    with (photos.top / "large").open("r+b") as file:
        file.seek(150 * MIB)
        file.write(b"one block")
    photos.back_up()

    for time in (0, 1):
        made = photos.has_come_back(time=time)
        assert (made.mounted / "large").stat().st_blocks * 512 < 150 * MIB  # holes are holes again
    listed = at_hand("list", "--versions", "--json").json
    assert listed[0]["stored_bytes"] > 100 * MIB
    assert listed[1]["stored_bytes"] < MIB


def test_snapshots_in_between_travel_along_unless_they_are_not_wanted(at_hand: Journey, pool: Pool) -> None:
    for options, wanted in (("", ["made by hand"]), ("intermediates = no\n", [])):
        photos = dataset(at_hand, pool, options)
        play(photos, RUNS[:1])
        photos.made.snapshot("made by hand")
        play(photos, RUNS[1:2])

        made = photos.has_come_back()

        assert [name for name in snapshots(made.name) if not name.startswith("offsite-")] == wanted
        assert len(snapshots(made.name)) == 2 + len(wanted)


def test_properties_travel_when_they_are_wanted(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool, "properties = yes\n")
    zfs("set", "compression=gzip-9", photos.made.name)
    play(photos, RUNS[:2])

    made = photos.has_come_back()

    assert zfs("get", "-H", "-o", "value", "compression", made.name).strip() == "gzip-9"


def test_datasets_below_come_back_each_by_itself_and_all_together(at_hand: Journey, pool: Pool) -> None:
    home = dataset(at_hand, pool, "recursive = yes\n")
    below = [home.made.child("anna"), home.made.child("bert")]
    for number in range(2):
        for one in (home.made, *below):
            (one.mounted / f"{number}").write_text(f"{one.name} {number}")
        ran = at_hand("backup", "--json")
        assert ran.code == 0, ran
        assert set(ran.results()) == {f"zfs:{one.name}" for one in (home.made, *below)}
    later = below[0].child("later")
    (later.mounted / "file").write_text("new")
    ran = at_hand("backup", "--json")
    assert (ran.code, len(ran.json["plan"])) == (0, 4)
    assert len({name for one in (home.made, *below, later) for name in snapshots(one.name)}) == 3  # of the same moments

    name = pool.unused("all")
    assert at_hand.restore(Path(name), f"zfs:{home.made.name}").code == 0
    assert _texts(pool.mounted(name)) == _texts(home.made.mounted)
    alone = pool.unused("alone")
    assert at_hand.restore(Path(alone), f"zfs:{below[1].name}").code == 0
    assert _texts(pool.mounted(alone)) == _texts(below[1].mounted)


def test_each_destination_has_a_chain_of_its_own(at_hand: Journey, pool: Pool, tmp_path: Path) -> None:
    photos = dataset(at_hand, pool)
    play(photos, RUNS[:2])
    both = at_hand.kind.main.replace("= ", "=\n    ") + f"    {tmp_path}/two\n"
    one, two = str(tmp_path / "vault"), str(tmp_path / "two")
    at_hand.kind = replace(at_hand.kind, main=both)
    at_hand.sections(f"[zfs:{photos.made.name}]\n")
    photos.edit(RUNS[2])
    now = photos.looks(photos.top)
    ran = at_hand("backup", "--json")
    assert ran.code == 0, ran
    reasons = {each["destination"]: each["reason"] for each in ran.json["plan"]}
    assert "increment 2" in reasons[one]
    assert "increment" not in reasons[two]
    assert holds(f"{photos.made.name}@{photos.snapshots()[-1]}") == 2
    assert photos.held() == photos.snapshots()[-1:]

    for place in (one, two):
        assert photos.looks(photos.received("--from", place).mounted) == now


def test_no_more_snapshots_stay_than_are_to(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool, "keep_snapshots = 2\n")
    photos.made.snapshot("mine")
    play(photos, RUNS)

    kept = photos.snapshots()

    assert kept[0] == "mine"
    assert len(kept) == 3
    photos.has_come_back(time=1)
    photos.has_come_back()


def test_the_chain_goes_on_with_what_was_received(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool)
    play(photos, RUNS[:2])
    photos.let_go(photos.snapshots()[-1])
    destroyed(photos.made.name)
    assert at_hand.restore(Path(photos.made.name), photos.word).code == 0

    play(photos, RUNS[2:4])

    assert "increment 2" in photos.ever[2].reason
    photos.has_come_back()


def test_after_a_rollback_the_chain_goes_on_from_what_both_have(at_hand: Journey, pool: Pool) -> None:
    photos = dataset(at_hand, pool)
    play(photos, RUNS[:3])
    _, second, third = photos.snapshots()
    photos.let_go(third)
    zfs("rollback", "-r", f"{photos.made.name}@{second}")

    play(photos, RUNS[3:4])

    assert f"increment 2: {second} to " in photos.ever[-1].reason
    made = photos.has_come_back()
    assert third not in snapshots(made.name)
    photos.has_come_back(time=2)


# What manifests tell, and what a description does.
@pytest.mark.parametrize("kind", ["local", "glacier"], indirect=True)
def test_all_comes_back_when_the_catalog_was_lost(journey: Journey, pool: Pool) -> None:
    photos = dataset(journey, pool)
    play(photos, RUNS[:3])
    journey.lose_catalog()
    assert journey.rebuild("--no-copy").code == 0

    photos.has_come_back(time=1)
    photos.has_come_back()
    play(photos, RUNS[3:4])
    assert "increment 3" in photos.ever[-1].reason
    photos.has_come_back()


def test_as_files_it_comes_back_for_zfs_receive(at_hand: Journey, pool: Pool, tmp_path: Path) -> None:
    photos = dataset(at_hand, pool)
    play(photos, RUNS[:3])

    assert at_hand.restore(tmp_path / "out", photos.word).code == 0

    last, (one, two, three) = photos.made.name.rpartition("/")[2], photos.snapshots()
    streams = [f"{last}@{one}.zfs", f"{last}@{one}_{two}.zfs", f"{last}@{two}_{three}.zfs"]
    assert sorted(path.name for path in (tmp_path / "out" / last).iterdir()) == sorted(streams)
    name = pool.unused("by-hand")
    for stream in streams:
        received(name, (tmp_path / "out" / last / stream).read_bytes(), "-F")
    assert photos.looks(pool.mounted(name)) == photos.ever[-1].looks


def test_damage_is_mended_by_parity_and_a_wrong_byte_becomes_no_snapshot(
    at_hand: Journey, pool: Pool, tmp_path: Path
) -> None:
    photos = dataset(at_hand, pool, main=with_password(at_hand.cli, SEALS["openssl"]))
    photos.edit([Edit("write", "noise", size=2_500_000)])
    photos.back_up()
    photos.edit([Edit("write", "more", size=1_500_000)])
    photos.back_up()
    (volume,) = (tmp_path / "vault").rglob("*.inc1.zfs.enc.v001")
    content = bytearray(volume.read_bytes())
    content[500_000] ^= 1
    volume.write_bytes(content)

    photos.has_come_back()

    for parity in volume.parent.glob(f"{volume.name}*.par2"):
        parity.unlink()
    at_hand.lose_catalog()
    assert at_hand.rebuild("--no-copy").code == 0
    name = pool.unused("damaged")
    ran = at_hand.restore(Path(name), photos.word)
    assert ran.code == 5, ran
    assert len(snapshots(name)) == 1  # the baseline


def _texts(top: Path) -> dict[str, str]:
    return {name: found.content for name, found in look(top).items() if found.type == "-"}
