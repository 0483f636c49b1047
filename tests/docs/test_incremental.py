"""``docs/incremental.md`` can be followed, and what ``docs/recovery.md`` says brings increments back, too."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path

import pytest

from glacier_backup.model.increment import Link, deleted_list, link_of
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.units import parse_stamp
from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import blocks
from tests.docs.test_recovery import CHAPTERS, HOST, Person, looks
from tests.vault_server.process import VaultServer

PAGE = (REPOSITORY / "docs/incremental.md").read_text()
COMMANDS = [shlex.split(line)[1:] for line in "".join(blocks(PAGE, "text")).splitlines()]
MAIN = "catalog = {here}/catalog.sqlite3\nlogfile =\n"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    folder = tmp_path / "bare machine"
    folder.mkdir()
    return Person(folder)


def chain(cli: Cli, main: str) -> Path:
    """A directory that was sent three times, and changed in between."""
    mail = cli.data / "mail"
    (mail / "old/deep").mkdir(parents=True)
    for name in ("inbox", "old/1", "old/deep/2", "odd 'name'\n-rf", "was a file"):
        (mail / name).write_text(name)
    ini = cli.ini(
        f"[main]\n{main}{MAIN}[{{data}}/mail]\nupload_single_dir = yes\nincremental = yes\nfull_every = none\n"
    )
    assert cli("-c", ini).code == 0
    time.sleep(0.02)
    (mail / "inbox").write_text("one more")
    (mail / "odd 'name'\n-rf").unlink()
    (mail / "was a file").unlink()
    (mail / "was a file").mkdir()
    (mail / "was a file/now").write_text("in a folder")
    assert cli("-c", ini).code == 0
    (mail / "old/deep/2").unlink()
    (mail / "old/deep").rmdir()
    (mail / "old/1").chmod(0o600)
    assert cli("-c", ini).code == 0
    return mail


def test_the_example_is_right(cli: Cli) -> None:
    (example,) = blocks(PAGE, "ini")
    (cli.folder / "example.ini").write_text(example)
    ran = cli("config", "check", "-c", cli.folder / "example.ini")
    assert (ran.code, ran.err) == (0, "")


def test_the_commands_run(cli: Cli) -> None:
    mail = chain(cli, "destination = {here}/disk\n")
    for words in COMMANDS:
        own = [re.sub("^2026-03-01$", "2999-01-01", word.replace("inbox/1", "old/1")) for word in words]
        own = [word.replace("/srv/mail", str(mail)).replace("/mnt/", f"{cli.folder}/") for word in own]
        ran = cli(*own, "-c", cli.folder / "backup.ini")
        assert (ran.code, ran.err) == (0, ""), words
    assert looks(cli.folder / "new/mail") == looks(mail)


def test_recipes_say_what_the_page_says() -> None:
    full, increment = map(json.loads, blocks(PAGE, "json"))
    begun, before = parse_stamp("20260301T040000.000000Z"), parse_stamp("20260315T040000.000000Z")
    for said, link in ((full, Link(0)), (increment, Link(3, begun, before))):
        step = Step(said.pop("step"), said)
        assert link.step == step
        assert link_of(Recipe((step,))) == link
    assert deleted_list("mail") == ".glacier-backup-deleted"
    assert deleted_list(".glacier-backup-deleted") == ".glacier-backup-deleted-list"


def test_it_comes_back_by_hand(cli: Cli, person: Person) -> None:
    mail = chain(cli, "destination = {here}/disk\n")
    (folder,) = {path.parent for path in (cli.folder / "disk").rglob("*.inc1.tar")}
    person._typed.append(f"cd '{folder}'\n")
    person.types(PAGE)
    person.enter()

    assert looks(person.out) == {"mail": looks(mail.parent)["mail"], **{f"mail/{k}": v for k, v in looks(mail).items()}}


def test_it_comes_back_from_a_directory(cli: Cli, person: Person) -> None:
    mail = chain(cli, "destination = {here}/disk\n")

    person.types(CHAPTERS["A directory or a disk"], PLACE=str(cli.folder / "disk"))
    person.enter()

    assert looks(person.out / HOST / str(mail)[1:]) == looks(mail)


def test_it_comes_back_from_a_vault(
    cli: Cli, person: Person, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = chain(
        cli, f"vault_name = {vault}\nregion = {vault_server.region}\nendpoint_url = {vault_server.endpoint_url}\n"
    )
    vault_server.control(take_inventory=vault)
    monkeypatch.setenv("AWS_ENDPOINT_URL", vault_server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", vault_server.region)

    person.types(CHAPTERS["A vault"], VAULT=vault)
    person.enter()

    assert looks(person.out / HOST / str(mail)[1:]) == looks(mail)
