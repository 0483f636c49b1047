"""``glacier-backup catalog``: copies after a run, and the verbs that keep the catalog safe."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from glacier_backup.catalog import migrations
from glacier_backup.catalog.migrations import Migration
from glacier_backup.lock import RunLock
from glacier_backup.model.restore_note import NOTE
from tests.cli.harness import Cli
from tests.s3_servers.fixtures import Store
from tests.ssh_server.sshd import Sshd

LOCAL = "[main]\ndestination = {here}/disk\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
SECTION = "[{data}]\nupload_files = yes\nupload_if_changed = yes\n"


@pytest.fixture
def ini(cli: Cli) -> Path:
    (cli.data / "a.txt").write_text("a")
    return cli.ini(LOCAL + SECTION)


def copies(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.sqlite3.gz"))


def paths_in(catalog: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as database:
        return [Path(path).name for (path,) in database.execute("SELECT path FROM archives ORDER BY id")]


def send(cli: Cli, ini: Path, name: str) -> None:
    (cli.data / name).write_text(name)
    assert cli("-c", ini).code == 0


def test_each_run_that_sent_something_leaves_a_copy_of_the_catalog(cli: Cli, ini: Path) -> None:
    assert cli("-c", ini).code == 0
    (copy,) = copies(cli.folder / "disk")
    assert copy.parent == cli.folder / "disk" / socket.gethostname() / ".catalog"
    assert (cli.folder / "disk/RESTORE.md").read_text() == NOTE

    assert cli("-c", ini).code == 0
    assert copies(cli.folder / "disk") == [copy]

    for name in "bcd":
        send(cli, ini, name)
    assert len(copies(cli.folder / "disk")) == 3

    (cli.folder / "unpacked").write_bytes(gzip.decompress(copies(cli.folder / "disk")[-1].read_bytes()))
    assert paths_in(cli.folder / "unpacked") == ["a.txt", "b", "c", "d"]


def test_a_copy_is_no_archive_to_list_or_to_restore(cli: Cli, ini: Path) -> None:
    cli("-c", ini)

    assert [one["path"] for one in cli("list", "-c", ini, "--json").json] == [str(cli.data / "a.txt")]
    ran = cli("verify", "-c", ini)
    assert (ran.code, ran.err) == (0, "")


def test_no_copy_goes_where_nothing_was_named_or_none_is_wanted(cli: Cli) -> None:
    (cli.data / "a").write_text("a")
    ini = cli.ini(LOCAL + "catalog_copy = no\n" + SECTION)

    assert cli("-c", ini).code == 0

    assert copies(cli.folder) == []


def test_copies_of_a_vaults_catalog_go_to_the_place_that_is_named(cli: Cli, vault_ini: str) -> None:
    (cli.data / "a").write_text("a")
    ini = cli.ini(vault_ini + "catalog_copy = {here}/copies\n" + SECTION)

    ran = cli("-c", ini)

    assert (ran.code, ran.err) == (0, "")
    assert len(copies(cli.folder / "copies")) == 1
    assert (cli.folder / "copies/RESTORE.md").exists()
    assert (cli.folder / "RESTORE.md").read_text() == NOTE


def test_a_vault_without_a_place_for_copies_is_said_by_config_check_alone(cli: Cli, vault_ini: str) -> None:
    (cli.data / "a").write_text("a")
    ini = cli.ini(vault_ini + SECTION)

    ran = cli("-c", ini)
    assert (ran.code, ran.err) == (0, "")
    assert "catalog_copy" in cli("config", "check", "-c", ini).err
    with_place = cli.ini(vault_ini + "catalog_copy = {here}/copies\n" + SECTION)
    assert cli("config", "check", "-c", with_place).err == ""


def test_copies_lie_hot_in_a_bucket(cli: Cli, s3_store: Store) -> None:
    (cli.data / "a").write_text("a")
    main = f"[main]\ndestination = s3://{s3_store.bucket}/backup\nendpoint_url = {s3_store.server}\n"
    ini = cli.ini(main + "catalog = {here}/catalog.sqlite3\nlogfile =\n" + SECTION)

    assert cli("-c", ini).code == 0

    keys = s3_store.listed()
    (copy,) = (key for key in keys if key.endswith(".sqlite3.gz"))
    assert copy.startswith(f"backup/{socket.gethostname()}/.catalog/")
    for key in (copy, "backup/RESTORE.md"):
        assert s3_store.aws.head_object(Bucket=s3_store.bucket, Key=key).get("StorageClass", "STANDARD") == "STANDARD"
    assert gzip.decompress(s3_store.bytes(copy)).startswith(b"SQLite format 3\0")


def test_copies_go_to_a_server(cli: Cli, sshd: Sshd) -> None:
    (cli.data / "a").write_text("a")
    server = sshd.server()
    login = f"destination = sftp://{server.user}@{server.host}:{server.port}{cli.folder}/there\n"
    login += f"ssh_key = {server.key}\nhost_key = {server.host_key}\n"
    ini = cli.ini(f"[main]\n{login}catalog = {{here}}/catalog.sqlite3\nlogfile =\n" + SECTION)

    ran = cli("-c", ini)

    assert (ran.code, ran.err) == (0, "")
    assert len(copies(cli.folder / "there")) == 1
    assert (cli.folder / "there/RESTORE.md").read_text() == NOTE


def test_a_copy_that_can_not_be_made_is_a_warning_and_the_run_is_what_it_was(cli: Cli, ini: Path) -> None:
    there = cli.folder / "disk" / socket.gethostname()
    there.mkdir(parents=True)
    (there / ".catalog").write_text("in the way")

    ran = cli("-c", ini, "--json")

    assert ran.code == 0
    assert len(ran.sent()) == 1
    assert "no copy of the catalog could be put there" in ran.err
    assert any("no copy of the catalog" in warning for warning in ran.json["warnings"])


def test_pruning_copies_the_catalog(cli: Cli) -> None:
    ini = cli.ini(LOCAL + "keep_last = 1\n" + SECTION)
    for text in "ab":
        (cli.data / "a").write_text(text * 3)
        cli("-c", ini)
    before = copies(cli.folder / "disk")

    assert cli("prune", "-c", ini, "--yes").code == 0

    (new,) = set(copies(cli.folder / "disk")) - set(before)
    (cli.folder / "unpacked").write_bytes(gzip.decompress(new.read_bytes()))
    assert paths_in(cli.folder / "unpacked") == ["a"]


@pytest.mark.parametrize("name", ["copy.sqlite3", "copy.sqlite3.gz"])
def test_a_catalog_comes_back_from_its_copy(cli: Cli, ini: Path, name: str) -> None:
    cli("-c", ini)
    copy = cli.folder / name

    ran = cli("catalog", "backup", "-c", ini, copy)
    assert (ran.code, ran.err) == (0, "")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert cli("catalog", "backup", "-c", ini, copy).code == 0, "a copy is replaced"
    for file in cli.folder.glob("catalog.sqlite3*"):
        file.unlink()

    ran = cli("catalog", "restore", "-c", ini, copy)

    assert (ran.code, ran.err) == (0, "")
    assert cli("-c", ini, "--json").sent() == set()
    assert sorted(file.name for file in cli.folder.glob("catalog.sqlite3*")) == [
        "catalog.sqlite3",
        "catalog.sqlite3.lock",
    ]


def test_a_backup_overwrites_nothing_but_copies(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    photo = cli.folder / "photo.jpg"
    photo.write_text("a photo")

    for target, said in [
        (photo, "no copy of a catalog"),
        (cli.folder / "catalog.sqlite3", "the catalog itself"),
        (cli.folder, "is a directory"),
        (cli.folder / "no/where", "there is no directory"),
    ]:
        ran = cli("catalog", "backup", "-c", ini, target)
        assert ran.code == 2
        assert said in ran.err
    assert photo.read_text() == "a photo"


def test_there_has_to_be_a_catalog_to_copy(cli: Cli, ini: Path) -> None:
    for action in (["backup", str(cli.folder / "x")], ["check"], ["export"], ["upgrade"]):
        ran = cli("catalog", *action, "-c", ini)
        assert ran.code == 2
        assert "there is no catalog" in ran.err
    assert not (cli.folder / "catalog.sqlite3").exists()


def test_no_older_copy_takes_the_place_of_a_catalog_that_knows_more(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    copy = cli.folder / "copy.gz"
    cli("catalog", "backup", "-c", ini, copy)
    send(cli, ini, "b")

    ran = cli("catalog", "restore", "-c", ini, copy)
    assert ran.code == 2
    assert "knows more than that copy" in ran.err
    assert "--force" in ran.err
    assert paths_in(cli.folder / "catalog.sqlite3") == ["a.txt", "b"]

    ran = cli("catalog", "restore", "-c", ini, copy, "--force", "--json")
    assert ran.code == 0
    assert paths_in(cli.folder / "catalog.sqlite3") == ["a.txt"]
    assert paths_in(Path(ran.json["kept"])) == ["a.txt", "b"]


def test_a_damaged_catalog_is_replaced_and_kept(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    cli("catalog", "backup", "-c", ini, cli.folder / "copy.gz")
    catalog = cli.folder / "catalog.sqlite3"
    catalog.write_bytes(b"\xff" * 10_000)
    (cli.folder / "catalog.sqlite3-wal").write_bytes(b"of the damaged one")

    ran = cli("catalog", "restore", "-c", ini, cli.folder / "copy.gz", "--json")

    assert (ran.code, ran.err) == (0, "")
    assert not (cli.folder / "catalog.sqlite3-wal").exists()
    assert paths_in(catalog) == ["a.txt"]
    assert Path(ran.json["kept"]).read_bytes() == b"\xff" * 10_000
    assert Path(ran.json["kept"] + "-wal").read_bytes() == b"of the damaged one"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"nonsense", 2, "is no catalog"),
        (b"", 2, "is no catalog"),
        (gzip.compress(b"x" * 100)[:-12], 2, "can't be unpacked"),
        (gzip.compress(b"nonsense"), 2, "is damaged: it is not a database"),
    ],
    ids=["nonsense", "empty", "cut", "packed_nonsense"],
)
def test_what_is_no_catalog_is_not_put_in_place(cli: Cli, ini: Path, content: bytes, code: int, said: str) -> None:
    cli("-c", ini)
    (cli.folder / "copy").write_bytes(content)
    before = (cli.folder / "catalog.sqlite3").read_bytes()

    ran = cli("catalog", "restore", "-c", ini, cli.folder / "copy", "--force")

    assert ran.code == code
    assert said in ran.err
    assert (cli.folder / "catalog.sqlite3").read_bytes() == before
    assert not list(cli.folder.glob("*.restored*"))


def test_a_copy_that_does_not_agree_with_itself_is_refused(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    copy = cli.folder / "copy.sqlite3"
    cli("catalog", "backup", "-c", ini, copy)
    with closing(sqlite3.connect(copy)) as database:
        database.execute("DELETE FROM volumes")
        database.commit()

    ran = cli("catalog", "restore", "-c", ini, copy)

    assert ran.code == 5
    assert "nothing says where" in ran.err


def test_no_catalog_is_replaced_under_a_run(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    cli("catalog", "backup", "-c", ini, cli.folder / "copy.gz")

    with RunLock(str(cli.folder / "catalog.sqlite3")):
        assert cli("catalog", "restore", "-c", ini, cli.folder / "copy.gz").code == 3


def test_check_finds_what_is_wrong(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    ran = cli("catalog", "check", "-c", ini)
    assert (ran.code, ran.out) == (0, f"{cli.folder}/catalog.sqlite3 is sound\n")
    with closing(sqlite3.connect(cli.folder / "catalog.sqlite3")) as database:
        database.execute("DELETE FROM volumes")
        database.commit()

    ran = cli("catalog", "check", "-c", ini)

    assert ran.code == 5
    assert "nothing says where" in ran.err
    assert "catalog restore" in ran.err
    assert len(cli("catalog", "check", "-c", ini, "--json").json["problems"]) == 1


def test_everything_is_exported_as_json_lines(cli: Cli, ini: Path) -> None:
    (cli.data / os.fsdecode(b"\xff")).write_text("x")
    cli("-c", ini)

    lines = [json.loads(line) for line in cli("catalog", "export", "-c", ini, "--members").out.splitlines()]

    assert [one["path"].rpartition("/")[2] for one in lines if "path" in one] == ["a.txt", "\udcff"]
    assert [one["member"] for one in lines if "member" in one] == ["a.txt", "\udcff"]
    assert lines[1]["archive"] == lines[0]["id"]


def test_everything_is_exported_as_csv(cli: Cli, ini: Path) -> None:
    (cli.data / os.fsdecode(b'\xff, "quoted"')).write_text("x")
    cli("-c", ini)
    file = cli.folder / "out.csv"

    assert cli("catalog", "export", "-c", ini, "--format", "csv", file).out == f"wrote 2 archives to {file}\n"

    text = file.read_bytes().decode(errors="surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["path"].rpartition("/")[2] for row in rows] == ["a.txt", '\udcff, "quoted"']
    assert all(row["volume_locator"] and row["volume_sha256"] for row in rows)
    assert file.stat().st_mode & 0o777 == 0o600
    (header, *members) = cli("catalog", "export", "-c", ini, "--format", "csv", "--members").out.splitlines()
    assert header.startswith("archive,member,type")
    assert len(members) == 2


def test_manifests_of_a_vault_are_written_where_they_can_be_read(cli: Cli, vault_ini: str) -> None:
    (cli.data / "a").write_text("a")
    ini = cli.ini(vault_ini + SECTION)
    cli("-c", ini)

    ran = cli("catalog", "export", "-c", ini, "--manifests", cli.folder / "manifests")

    assert ran.code == 0
    (file,) = (cli.folder / "manifests").rglob("*.json")
    assert str(file.parent) == f"{cli.folder}/manifests/{socket.gethostname()}{cli.data}/a"
    (listed,) = cli("list", "-c", ini, "--json").json
    told = json.loads(file.read_text())
    assert told["volumes"][0]["locator"] == listed["locator"]
    assert cli("catalog", "export", "-c", ini, "--manifests", cli.folder / "manifests").code == 0


def test_a_catalog_of_an_older_schema_is_upgraded_and_kept(
    cli: Cli, ini: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("-c", ini)
    catalog = cli.folder / "catalog.sqlite3"
    assert "which is the newest" in cli("catalog", "upgrade", "-c", ini).out
    step = Migration(2, "next", ("CREATE TABLE later (id INTEGER)",))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))

    told = cli("catalog", "upgrade", "-c", ini, "--json").json

    assert (told["from"], told["to"]) == (1, 2)
    for file, tables in ((catalog, 1), (told["kept"], 0)):
        with closing(sqlite3.connect(file)) as database:
            query = "SELECT count(*) FROM sqlite_master WHERE name = 'later'"
            assert database.execute(query).fetchone() == (tables,)
    assert paths_in(Path(told["kept"])) == ["a.txt"]


def test_a_copy_at_a_destination_is_enough_to_go_on(cli: Cli, ini: Path) -> None:
    cli("-c", ini)
    for file in cli.folder.glob("catalog.sqlite3*"):
        file.unlink()
    (copy,) = copies(cli.folder / "disk")

    assert cli("catalog", "restore", "-c", ini, copy).code == 0

    assert cli("-c", ini, "--json").sent() == set()
    shutil.rmtree(cli.folder / "disk" / socket.gethostname() / ".catalog")
    send(cli, ini, "b")
    assert len(copies(cli.folder / "disk")) == 1
