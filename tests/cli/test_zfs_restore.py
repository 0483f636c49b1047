"""Datasets brought back by the command line, with real ZFS: received, or as files, and what is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.cli.receiver import ZfsReceiver
from glacier_backup.errors import TargetError
from tests.cli.harness import Cli
from tests.streams import noise
from tests.zfs_fuse.pool import Made, Pool, received, sent, zfs


@pytest.fixture
def photos(pool: Pool) -> Made:
    return pool.filesystem("photos")


@pytest.fixture
def ini(cli: Cli, photos: Made) -> Path:
    """Of two archives, with a snapshot in between that somebody else has made."""
    (cli.folder / "there").mkdir()
    ini = cli.ini(
        "[main]\ndestination = {here}/there\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
        "[{data}]\nupload_files = yes\n"
        f"[zfs:{photos.name}]\nsnapshot = latest\n"
    )
    (cli.data / "file").write_text("a file")
    for number in (1, 2):
        (photos.mounted / f"{number}.jpg").write_bytes(noise(300_000, number))
        photos.snapshot(f"by-hand-{number}")
        (photos.mounted / "last").write_text(str(number))
        photos.snapshot(f"offsite-2026010{number}")
        ran = cli("backup", "-c", ini)
        assert ran.code == 0, ran
    return ini


def files(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def snapshots(name: str) -> list[str]:
    listed = zfs("list", "-H", "-t", "snapshot", "-o", "name", "-s", "createtxg", "-d", "1", name)
    return [line.partition("@")[2] for line in listed.splitlines()]


def test_a_plan_says_what_would_become_what(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    target = pool.unused("back")
    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "--plan", "-c", ini, "--json")

    assert ran.code == 0, ran
    assert [(one["path"], one["snapshot"], one["to"]) for one in ran.json["plan"]] == [
        (f"zfs:{photos.name}", f"offsite-2026010{number}", f"zfs:{target}@offsite-2026010{number}") for number in (1, 2)
    ]
    shown = cli("restore", f"zfs:{photos.name}", "--to", target, "--plan", "-c", ini).out
    assert f"zfs:{photos.name}@offsite-20260102" in shown
    assert "2 to bring back" in shown


def test_it_is_received_and_said_so(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    target = pool.unused("back")
    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "--verbose", "-c", ini)

    assert ran.code == 0, ran
    assert files(pool.mounted(target)) == files(photos.mounted)
    assert snapshots(target)[0] == "offsite-20260101"
    assert f"zfs:{photos.name}: received as zfs:{target}@offsite-20260102" in ran.err
    assert f"zfs:{target}: 2 received; " in ran.out


def test_the_scheme_may_be_said_and_the_archive_named_by_its_number(
    cli: Cli, ini: Path, photos: Made, pool: Pool
) -> None:
    target = pool.unused("back")
    numbers = [one["id"] for one in cli("list", "--versions", f"zfs:{photos.name}", "-c", ini, "--json").json]
    ran = cli("restore", f"id:{min(numbers)}", "--to", f"zfs:{target}", "-c", ini)
    assert ran.code == 0, ran
    assert snapshots(target) == ["offsite-20260101"]
    assert (pool.mounted(target) / "last").read_text() == "1"


def test_what_has_come_since_is_added_to_what_was_received_before(
    cli: Cli, ini: Path, photos: Made, pool: Pool
) -> None:
    target = pool.unused("back")
    assert cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini).code == 0
    (photos.mounted / "last").write_text("3")
    photos.snapshot("offsite-20260103")
    assert cli("backup", "-c", ini).code == 0

    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini, "--json")

    assert (ran.code, ran.json["summary"]["counts"]) == (0, {"restored": 3})
    assert snapshots(target)[-1] == "offsite-20260103"
    assert ran.json["target"] == f"zfs:{target}"


def test_a_stream_that_was_broken_off_begins_anew_though_some_of_it_is_there(
    cli: Cli, ini: Path, photos: Made, pool: Pool
) -> None:
    """A package of snapshots is received one by one: those that are there are passed over."""
    target = pool.unused("back")
    assert cli("restore", f"zfs:{photos.name}", "--at", "2000-01-01", "--to", target, "-c", ini).code == 2
    received(target, sent(f"{photos.name}@offsite-20260101"))
    received(target, sent("-i", "@offsite-20260101", f"{photos.name}@by-hand-2"))

    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini)

    assert ran.code == 0, ran
    assert snapshots(target) == ["offsite-20260101", "by-hand-2", "offsite-20260102"]


def test_into_a_directory_it_comes_back_as_files_that_are_received_by_hand(
    cli: Cli, ini: Path, photos: Made, pool: Pool
) -> None:
    out = cli.folder / "out"
    own = photos.name.rpartition("/")[2]
    ran = cli("restore", f"zfs:{photos.name}", "--to", out, "-c", ini)

    assert ran.code == 0, ran
    names = [f"{own}@offsite-20260101.zfs", f"{own}@offsite-20260101_offsite-20260102.zfs"]
    assert sorted(one.name for one in (out / own).iterdir()) == names
    assert (out / own / names[0]).stat().st_mode & 0o077 == 0
    target = pool.unused("back")
    for name in names:
        received(target, (out / own / name).read_bytes())
    assert files(pool.mounted(target)) == files(photos.mounted)
    again = cli("restore", f"zfs:{photos.name}", "--to", out, "-c", ini, "--json").json
    assert (again["summary"]["counts"], again["summary"]["fetched"]) == ({"restored": 2}, 0)


def test_everything_comes_back_into_a_directory_with_datasets_beside(cli: Cli, ini: Path, photos: Made) -> None:
    out = cli.folder / "out"
    assert cli("restore", "--to", out, "-c", ini).code == 0
    assert (out / str(cli.data)[1:] / "file").read_text() == "a file"
    assert len(list((out / "zfs:" / photos.name).iterdir())) == 2


REFUSED = [
    (["zfs:{photos}"], "zfs:{pool}", "a pool is there already"),
    (["zfs:{photos}"], "zfs:{pool}/a//b", "nothing between two slashes"),
    (["zfs:{photos}"], "zfs:{pool}/a@b", "is a snapshot's or a bookmark's name"),
    (["zfs:{photos}"], "{photos}x/y/z", "for there is no {photos}x/y"),
    (["zfs:{photos}"], "nosuchpool/new", "there is no nosuchpool"),
    (["zfs:{photos}", "{data}/file"], "zfs:{pool}/new", "isn't known to be a stream of a dataset"),
    (["zfs:{photos}:last"], "zfs:{pool}/new", "one file can't be taken out of the streams of zfs:{photos}"),
    (["zfs:{photos}/last"], "{pool}/new", "one file can't be taken out of the streams of zfs:{photos}"),
    (["zfs:{photos}x"], "{pool}/new", "nothing that is stored is called zfs:{photos}x"),
]


def test_what_cannot_be_is_refused_with_a_cure(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    known = {"photos": photos.name, "pool": pool.name, "data": str(cli.data)}
    for words, target, says in REFUSED:
        ran = cli("restore", *(word.format(**known) for word in words), "--to", target.format(**known), "-c", ini)
        assert ran.code in (1, 2)
        assert says.format(**known) in ran.err, ran.err
    assert cli("thaw", "list", "-c", ini, "--json").json["restores"] == []


def test_a_dataset_is_never_overwritten(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    other = pool.filesystem("other")
    ran = cli("restore", f"zfs:{photos.name}", "--to", other.name, "-c", ini)
    assert ran.code == 1
    assert f"zfs:{other.name} is there already, and has no snapshot of zfs:{photos.name}" in ran.err
    assert cli("restore", f"zfs:{photos.name}", "--to", other.name, "--overwrite", "-c", ini).code == 2


def test_without_zfs_nothing_is_asked_for(
    cli: Cli, ini: Path, photos: Made, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(cli.folder))
    monkeypatch.setattr("glacier_backup.zfs.command._BESIDES", ())
    ran = cli("restore", f"zfs:{photos.name}", "--to", pool.unused("back"), "-c", ini)
    assert ran.code == 1
    assert "--to DIR" in ran.err


def test_what_is_gone_at_its_source_is_left_out_as_of_now(
    cli: Cli, ini: Path, photos: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = f"zfs:{photos.name}"
    plan = cli("restore", word, "--at", "now", "--plan", "-c", ini, "--json").json
    assert len(plan["plan"]) == 2
    with closing(sqlite3.connect(cli.folder / "catalog.sqlite3")) as database:
        database.execute("UPDATE archives SET path = path || 'x' WHERE kind = 'dataset'")
        database.commit()
    ran = cli("restore", f"{word}x", "--at", "now", "--plan", "-c", ini)
    assert (ran.code, "still where it was" in ran.err) == (2, True)
    monkeypatch.setenv("PATH", str(cli.folder))
    monkeypatch.setattr("glacier_backup.zfs.command._BESIDES", ())
    assert cli("restore", f"{word}x", "--at", "now", "--plan", "-c", ini).code == 0  # nobody can tell


def test_a_snapshot_that_was_made_in_between_is_named_with_the_cure(
    cli: Cli, ini: Path, photos: Made, pool: Pool
) -> None:
    target = pool.unused("back")
    first = min(one["id"] for one in cli("list", "--versions", f"zfs:{photos.name}", "-c", ini, "--json").json)
    assert cli("restore", f"id:{first}", "--to", f"zfs:{target}", "-c", ini).code == 0
    (pool.mounted(target) / "new").write_text("changed")
    zfs("snapshot", f"{target}@hourly")

    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini)

    assert ran.code == 1, ran
    assert "somebody else has made @hourly there since @offsite-20260101 was received" in ran.err
    assert f"zfs rollback -r '{target}@offsite-20260101'" in ran.err
    zfs("rollback", "-r", f"{target}@offsite-20260101")
    assert cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini).code == 0


def test_a_package_of_another_dataset_becomes_no_snapshot(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    """Where nobody knows what the bytes have to be, and the dataset was sent with its properties."""
    other, target = pool.filesystem("other"), pool.unused("back")
    other.snapshot("offsite-20260101")
    (stored,) = (one for one in (cli.folder / "there").rglob("*.zfs") if one.is_file() and ".inc" not in one.name)
    stored.chmod(0o600)
    stored.write_bytes(sent("-p", f"{other.name}@offsite-20260101"))
    with closing(sqlite3.connect(cli.folder / "catalog.sqlite3")) as database:
        database.execute("UPDATE volumes SET leaves = NULL, tree_hash = NULL, sha256 = NULL, bytes = NULL")
        database.commit()

    ran = cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini)

    assert ran.code == 5, ran
    assert "is a stream of other snapshots than that with guid" in ran.err
    assert ZfsReceiver(str(cli.folder / "catalog.sqlite3")).snapshots(target) is None


def test_two_restores_into_one_dataset_are_refused(cli: Cli, ini: Path, photos: Made, pool: Pool) -> None:
    target = f"zfs:{pool.unused('back')}"
    with ZfsReceiver(str(cli.folder / "catalog.sqlite3")).locked(target):
        ran = cli("restore", f"zfs:{photos.name}", "--to", target, "-c", ini)
    assert ran.code == 3
    assert f"another restore into {target} is at work" in ran.err


def test_what_is_left_before_its_end_becomes_nothing(photos: Made, pool: Pool, tmp_path: Path) -> None:
    (photos.mounted / "file").write_bytes(noise(2_000_000))
    photos.snapshot("one")
    data = sent(f"{photos.name}@one")
    receiver, target = ZfsReceiver(str(tmp_path / "catalog")), pool.unused("back")
    with receiver.receiving(target) as incoming:
        incoming.write(memoryview(data)[:-1000])
    assert receiver.snapshots(target) is None
    with receiver.receiving(target) as incoming:
        incoming.write(memoryview(data)[:-1000])
        with pytest.raises(TargetError):
            incoming.finish()
    assert receiver.snapshots(target) is None
    with receiver.receiving(target) as incoming:
        incoming.write(memoryview(data))
        incoming.finish()
    assert [one.name for one in receiver.snapshots(target) or ()] == ["one"]


def test_a_dataset_is_a_path_for_other_commands_too(cli: Cli, ini: Path, photos: Made) -> None:
    for verb in (["list", "--versions"], ["find"], ["verify"], ["thaw", "request"]):
        ran = cli(*verb, f"zfs:{photos.name}", "-c", ini)
        assert ran.code == 0, ran
        assert f"zfs:{photos.name}" in ran.out or verb[0] in ("verify", "thaw")
