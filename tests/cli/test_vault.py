"""``vault``: the vaults of an account, without any INI file, before the strict server."""

from __future__ import annotations

import base64
import csv
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.parser import VERBS
from glacier_backup.model.place import Place
from glacier_backup.model.record import ForeignUpload
from glacier_backup.units import now
from tests.cli.harness import REPOSITORY, Cli, Ran, start
from tests.s3_servers.fixtures import Store
from tests.vault_server.process import VaultServer

AGAIN = 75


class Vault:
    """An empty vault, and the command line that leads there."""

    def __init__(self, cli: Cli, server: VaultServer, name: str) -> None:
        self._cli = cli
        self.server = server
        self.name = name
        self.way = ("--endpoint-url", server.endpoint_url, "--region", server.region)
        session = boto3.session.Session(region_name=server.region)
        self._aws = session.client("glacier", endpoint_url=server.endpoint_url)

    def __call__(self, action: str, *words: str | Path) -> Ran:
        return self._cli("vault", action, *words, *self.way)

    def put(self, description: str, data: bytes = b"content") -> str:
        """Another program stores an archive there; its id."""
        made = self._aws.upload_archive(accountId="-", vaultName=self.name, archiveDescription=description, body=data)
        return made["archiveId"]

    def a_day_passes(self) -> None:
        """The inventory is taken."""
        self.server.control(take_inventory=self.name)

    def close(self) -> None:
        self._aws.close()

    def ids(self) -> list[str]:
        return sorted(one.id for one in self.server.archives(self.name))


@pytest.fixture
def there(cli: Cli, vault: str, vault_server: VaultServer) -> Iterator[Vault]:
    with closing(Vault(cli, vault_server, vault)) as made:
        yield made
    vault_server.control(deny=[], job_delay=0)


def mt2(name: str, mtime: str = "20121114T201618Z") -> str:
    payload = json.dumps({"mtime": mtime, "filename": name}, ensure_ascii=False).encode()
    return "mt2 " + base64.urlsafe_b64encode(payload).decode().rstrip("=")


def test_it_is_a_verb() -> None:
    assert "vault" in VERBS


def test_vaults_are_listed_with_what_their_inventories_say(there: Vault) -> None:
    there.put("one")
    there.a_day_passes()

    listed = {one["name"]: one for one in there("list", "--json").json}

    found = listed[there.name]
    assert (found["archives"], found["bytes"] > 7) == (1, True)
    assert found["inventory_at"].endswith("Z")
    table = there("list").out
    assert there.name in table
    assert "what Amazon adds to each archive included" in table


def test_a_vault_without_an_inventory_says_so(there: Vault) -> None:
    (line,) = (line for line in there("list").out.splitlines() if line.startswith(f"{there.name} "))
    assert line.endswith("no inventory yet")


def test_a_vault_is_made_and_removed(there: Vault) -> None:
    made = there("create", "new-one")
    assert (made.code, made.out) == (0, "vault new-one is there\n")
    assert "new-one" in [one["name"] for one in there("list", "--json").json]

    removed = there("delete", "new-one", "--json")

    assert (removed.code, removed.json["name"]) == (0, "new-one")
    again = there("delete", "new-one")
    assert (again.code, "none of this name" in again.err) == (4, True)


def test_a_vault_that_holds_something_is_kept(there: Vault) -> None:
    there.put("one")

    ran = there("delete", there.name)

    assert ran.code == 1
    assert f"glacier-backup vault empty {there.name}" in ran.err


@pytest.mark.parametrize("name", ["..", "a/b", "x" * 256, "ä"])
def test_what_can_t_be_a_name_is_refused_before_anything_is_asked(there: Vault, name: str) -> None:
    for action in ("create", "delete", "inventory", "empty"):
        ran = there(action, name)
        assert ran.code == 2
        assert "is no name for a vault" in ran.err


def test_the_inventory_is_asked_for_once_and_shown_when_it_is_there(there: Vault, vault_server: VaultServer) -> None:
    there.put("one")
    there.a_day_passes()
    vault_server.control(job_delay=3600)
    before = vault_server.stats()["operations"].get("InitiateJob", 0)

    for _ in range(2):
        ran = there("inventory", there.name, "--json")
        assert (ran.code, ran.out) == (AGAIN, "")
        assert "run this again then" in ran.err
    vault_server.control(finish_jobs=True)

    assert [one["path"] for one in there("inventory", there.name, "--json").json] == ["one"]
    assert vault_server.stats()["operations"]["InitiateJob"] == before + 1


def test_there_is_no_inventory_in_the_first_day(there: Vault) -> None:
    there.put("one")

    ran = there("inventory", there.name)

    assert ran.code == 1
    assert "has no inventory yet" in ran.err


def test_archives_are_called_what_whoever_sent_them_called_them(there: Vault, cli: Cli, vault_ini: str) -> None:
    (cli.data / "ours").write_text("ours")
    assert cli("-c", cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")).code == 0
    ids = {
        there.put(mt2("photos/ein Bild.jpg")): ("photos/ein Bild.jpg", "mt-aws-glacier"),
        there.put('{"Path":"a/b.txt"}'): ("a/b.txt", "JSON"),
        there.put("<m><v>4</v><p>Yy9kLnR4dA==</p><lm>20130101T000000Z</lm></m>"): ("c/d.txt", "FastGlacier"),
        there.put("plain name.tar"): ("plain name.tar", "plain"),
        there.put(""): (None, None),
        there.put("../../etc/passwd"): (None, None),
    }
    there.a_day_passes()

    found = {one["locator"]: one for one in there("inventory", there.name, "--json").json}

    assert {id_: (found[id_]["path"], found[id_]["named_by"]) for id_ in ids} == ids
    (ours,) = (one for id_, one in found.items() if id_ not in ids)
    assert (ours["path"], ours["named_by"]) == (str(cli.data / "ours"), "glacier-backup")
    assert ours["host"]
    assert (ours["bytes"], len(ours["sha256_tree"])) == (4, 64)
    table = there("inventory", there.name).out
    assert f"{ours['host']}:{cli.data}/ours" in table
    assert "(no name)" in table
    assert all(id_ in table for id_ in found)
    assert "7 archives of" in table


def test_a_journal_names_what_has_no_description(there: Vault, cli: Cli) -> None:
    nameless, gone, described = there.put(""), there.put(""), there.put(mt2("by description"))
    journal = cli.folder / "journal"
    hash_ = "a" * 64
    journal.write_text(
        f"B\t1350000000\tCREATED\t{nameless}\t7\t1340000000\t{hash_}\tsome dir/a file\n"
        f"B\t1350000001\tCREATED\t{gone}\t7\tNONE\t{hash_}\tgone\n"
        f"B\t1350000002\tCREATED\t{described}\t7\tNONE\t{hash_}\tby journal\n"
        f"B\t1350000003\tDELETED\t{gone}\tgone\n"
    )
    there.a_day_passes()

    found = {one["locator"]: one for one in there("inventory", there.name, "--journal", journal, "--json").json}

    assert (found[nameless]["path"], found[nameless]["mtime_ns"]) == ("some dir/a file", 1340000000 * 10**9)
    assert [found[one]["path"] for one in (gone, described)] == [None, "by description"]
    names = cli.folder / "names.csv"
    there("inventory", there.name, "--journal", journal, "--csv", names)
    with names.open(newline="") as file:
        assert dict(csv.reader(file)) == {
            "GlacierArchiveID": "FileName",
            nameless: "some dir/a file",
            gone: gone,
            described: "by description",
        }


def test_a_journal_that_can_t_be_read_is_told_with_its_line(there: Vault, cli: Cli) -> None:
    (cli.folder / "journal").write_text("B\t1\tCREATED\n")

    for name, said in (("journal", "line 1"), ("absent", "No such file")):
        ran = there("inventory", there.name, "--journal", cli.folder / name)
        assert (ran.code, said in ran.err) == (2, True)


def test_the_names_are_written_for_a_transfer_and_the_bucket_compared_with_them(
    there: Vault, cli: Cli, s3_store: Store, monkeypatch: pytest.MonkeyPatch, vault_server: VaultServer
) -> None:
    for name, value in vault_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_store.between.endpoint)
    first, second = there.put(mt2('odd, "name"'), b"12345"), there.put(mt2("b"), b"123")
    third = there.put(mt2("b"), b"1234")
    there.a_day_passes()
    names = cli.folder / "names.csv"

    ran = there("inventory", there.name, "--csv", names)

    assert (ran.code, "the names of 3 archives" in ran.out) == (0, True)
    with names.open(newline="") as file:
        rows = dict(csv.reader(file))
    assert rows.pop("GlacierArchiveID") == "FileName"
    assert rows[first] == 'odd, "name"'
    assert rows[second] == "b"
    assert rows.keys() == {first, second, third}
    for id_, size in ((first, 5), (second, 2)):
        s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"run-1/{rows[id_]}", Body=b"x" * size)

    check = there("inventory", there.name, "--check", f"s3://{s3_store.bucket}/run-1", "--json")

    assert check.code == 5
    assert check.json["archives"] == 3
    assert {(one["locator"], one["bytes"], one["found"]) for one in check.json["missing"]} == {
        (second, 3, 2),
        (third, 4, None),
    }
    for id_, size in ((second, 3), (third, 4)):
        s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"run-1/{rows[id_]}", Body=b"x" * size)
    whole = there("inventory", there.name, "--check", f"s3://{s3_store.bucket}/run-1")
    assert (whole.code, "all 3 archives" in whole.out) == (0, True)


def test_a_check_that_names_no_bucket_is_refused_at_once(there: Vault) -> None:
    ran = there("inventory", there.name, "--check", "/somewhere")

    assert (ran.code, "expected s3://BUCKET/PREFIX" in ran.err) == (2, True)


def test_the_vault_of_the_ini_file_needs_no_name(cli: Cli, there: Vault, vault_ini: str) -> None:
    there.put("one")
    there.a_day_passes()
    ini = cli.ini(vault_ini)

    assert [one["path"] for one in cli("vault", "inventory", "-c", ini, "--json").json] == ["one"]
    assert there.name in cli("vault", "list", "-c", ini).out
    other = cli("vault", "inventory", "other", "-c", ini)
    assert (other.code, "vault other" in other.err) == (4, True)


def test_without_an_ini_file_the_vault_has_to_be_named(cli: Cli) -> None:
    ran = cli("vault", "inventory")

    assert (ran.code, "say which one is meant" in ran.err) == (2, True)


def test_the_json_page_names_every_field(there: Vault) -> None:
    there.put("one")
    there.a_day_passes()
    page = (REPOSITORY / "docs/json.md").read_text().partition("## `vault list`")[2]
    words = ("--accept-fee", "--yes-delete-everything", there.name)

    fields = set(there("list", "--json").json[0]) | set(there("inventory", there.name, "--json").json[0])
    fields |= set(there("empty", there.name, *words, "--json").json)

    assert [field for field in fields if f"`{field}`" not in page] == []


# empty


def test_nothing_is_deleted_unless_it_is_said_twice(there: Vault, cli: Cli) -> None:
    ids = sorted([there.put("one"), there.put("two")])
    there.a_day_passes()

    without_fee = there("empty", there.name, "--yes-delete-everything", there.name)
    without_word = there("empty", there.name, "--accept-fee")
    with_wrong_word = there("empty", there.name, "--accept-fee", "--yes-delete-everything", "other")

    assert [ran.code for ran in (without_fee, without_word, with_wrong_word)] == [2, 2, 2]
    assert "--accept-fee deletes them all the same" in without_fee.err
    assert f"--yes-delete-everything {there.name}" in without_word.err
    assert "is not the name of the vault" in with_wrong_word.err
    assert all("has 2 archives of 14 B" in ran.out for ran in (without_fee, without_word, with_wrong_word))
    assert "2 of them are not as old as they are paid for" in without_word.out
    assert there.ids() == ids
    dry = there("empty", there.name, "--dry-run", "--json")
    assert (dry.code, dry.json["archives"], dry.json["young"]) == (0, 2, 2)
    assert there.ids() == ids


def test_all_archives_are_deleted_and_forgotten(there: Vault, cli: Cli, vault_ini: str) -> None:
    for number in range(5):
        (cli.data / f"file{number}").write_text("content")
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    assert cli("-c", ini).code == 0
    for number in range(70):
        there.put(f"theirs {number}")
    there.a_day_passes()
    (cli.data / "later").write_text("later")
    assert cli("-c", ini).code == 0
    words = ("empty", there.name, "--accept-fee", "--yes-delete-everything", there.name)

    ran = cli("vault", *words, "-c", ini, "--json")

    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["deleted"], ran.json["failed"], ran.json["forgotten"]) == (75, 0, 5)
    assert len(there.ids()) == 1
    assert [one["name"] for one in cli("list", "-c", ini, "--json").json] == ["later"]
    again = cli("vault", *words, "-c", ini, "--json")
    assert (again.code, again.json["deleted"], again.json["forgotten"]) == (0, 75, 0)
    there.a_day_passes()


def test_of_two_vaults_of_one_name_it_has_to_be_said_which_is_emptied(there: Vault, cli: Cli) -> None:
    there.put("one")
    there.a_day_passes()
    regions = (there.server.region, "us-west-2")
    main = f"[main]\nendpoint_url = {there.server.endpoint_url}\nlogfile =\ndestination =\n    one\n    two\n"
    for name, region in zip(("one", "two"), regions, strict=True):
        main += f"[destination {name}]\ndestination = glacier\nvault_name = {there.name}\nregion = {region}\n"
    ini = cli.ini(main + "[{data}]\nupload_files = yes\n")

    for action in ("empty", "delete"):
        ran = cli("vault", action, there.name, "-c", ini)
        assert ran.code == 2
        assert f"names 2 vaults called {there.name}" in ran.err
    dry = cli("vault", "empty", there.name, "-c", ini, "--dry-run", "--json", "--region", there.server.region)
    assert (dry.code, dry.json["archives"]) == (0, 1)


def test_what_was_taken_over_is_forgotten_with_the_rest(there: Vault, cli: Cli, vault_ini: str) -> None:
    place = Place("glacier", there.name, there.server.region, "-")
    id_ = there.put("one")
    there.a_day_passes()
    ini = cli.ini(vault_ini)
    with Catalog.open(str(cli.folder / "catalog.sqlite3")) as catalog:
        foreign = ForeignUpload("/data/one", "one", id_, now())
        catalog.import_uploads(catalog.register(place, place), [foreign], "another system")

    words = ("empty", there.name, "--accept-fee", "--yes-delete-everything", there.name)
    ran = cli("vault", *words, "-c", ini, "--json")

    assert (ran.json["deleted"], ran.json["forgotten"]) == (1, 1)


def test_what_may_not_be_deleted_stays_in_the_catalog(there: Vault, cli: Cli, vault_ini: str) -> None:
    (cli.data / "file").write_text("content")
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    assert cli("-c", ini).code == 0
    there.a_day_passes()
    there.server.control(deny=["DeleteArchive"])

    ran = cli("vault", "empty", there.name, "--accept-fee", "--yes-delete-everything", there.name, "-c", ini)

    assert ran.code == 1
    assert "lock policy" in ran.err
    assert "1 could not be" in ran.out
    assert len(cli("list", "-c", ini, "--json").json) == 1


def test_a_vault_that_refuses_all_is_not_asked_about_every_archive(there: Vault) -> None:
    for number in range(100):
        there.put(f"archive {number}")
    there.a_day_passes()
    there.server.control(deny=["DeleteArchive"])
    before = there.server.stats()["operations"].get("DeleteArchive", 0)

    ran = there("empty", there.name, "--accept-fee", "--yes-delete-everything", there.name)

    assert (ran.code, "nothing was deleted" in ran.err) == (4, True)
    assert there.server.stats()["operations"]["DeleteArchive"] - before < 60


def test_an_old_vault_is_emptied_without_a_fee(there: Vault, cli: Cli) -> None:
    prices = cli.folder / "prices.ini"
    table = (REPOSITORY / "glacier_backup/config/prices.ini").read_text()
    prices.write_text(table.replace("least_days = 90", "least_days = 0"))
    there.put("one")
    there.a_day_passes()
    ini = cli.ini(f"[main]\nvault_name = {there.name}\nprices = {prices}\ncatalog = {{here}}/c.sqlite3\nlogfile =\n")

    ran = there("empty", there.name, "-c", ini, "--yes-delete-everything", there.name)

    assert (ran.code, there.ids()) == (0, [])


def test_an_empty_vault_is_as_empty_as_before(there: Vault) -> None:
    archive = there.put("one")
    there.a_day_passes()
    there("empty", there.name, "--accept-fee", "--yes-delete-everything", there.name)
    there.a_day_passes()

    ran = there("inventory", there.name, "--json")

    # The job of the day before is used for a day.
    assert ran.code == 0
    assert archive not in there.ids()


def at_a_terminal(*words: str, typed: str) -> tuple[int, str]:
    """The program with a pseudo-terminal; its exit code and what it showed."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glacier_backup", *words], cwd=REPOSITORY, stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    shown = b""
    os.write(ours, typed.encode())
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(60), shown.decode()


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 2)])
def test_at_a_terminal_the_name_is_typed(there: Vault, right: bool, code: int) -> None:
    archive = there.put("one")
    there.a_day_passes()
    words = ("vault", "empty", there.name, "--accept-fee", *there.way)

    ended, shown = at_a_terminal(*words, typed=f"{there.name if right else 'no'}\n")

    assert ended == code
    assert "type the name of the vault" in shown
    assert there.ids() == ([] if right else [archive])


def test_an_interrupted_emptying_says_how_far_it_is(there: Vault) -> None:
    for number in range(60):
        there.put(f"archive {number}")
    there.a_day_passes()
    words = ("vault", "empty", there.name, "--accept-fee", "--yes-delete-everything", there.name, *there.way)
    process = start(*words)
    while process.poll() is None and len(there.ids()) > 50:
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()

    assert process.returncode == 130
    assert re.search(r"interrupted: \d+ of 60 archives are deleted, perhaps some more", said)
    assert "run it again" in said
    assert there.ids()


def test_a_killed_emptying_is_gone_on_with(there: Vault, cli: Cli, vault_ini: str) -> None:
    for number in range(60):
        (cli.data / f"file{number}").write_text("content")
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    assert cli("-c", ini).code == 0
    there.a_day_passes()
    words = ("vault", "empty", there.name, "--accept-fee", "--yes-delete-everything", there.name, "-c", str(ini))
    process = subprocess.Popen(
        [sys.executable, "-m", "glacier_backup", *words],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and len(there.ids()) > 40:
        pass
    process.kill()
    process.wait()
    with closing(sqlite3.connect(cli.folder / "catalog.sqlite3")) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    ran = cli(*words, "--json")

    assert (ran.code, ran.json["deleted"], there.ids()) == (0, 60, [])
    assert cli("list", "-c", ini, "--json").json == []
