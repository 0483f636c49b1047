"""``docs/filters.md`` can be followed: the configurations, the commands, and plain gpg."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import bash, blocks
from tests.lacking import lacking

PAGE = (REPOSITORY / "docs/filters.md").read_text()
FIRST, SECOND = blocks(PAGE, "ini")
DRY, RESTORE, FIND = (shlex.split(text)[1:] for text in blocks(PAGE, "text"))
(BY_HAND,) = blocks(PAGE, "bash")


@pytest.fixture
def key_of_gpg(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One for the address of the page."""
    if shutil.which("gpg") is None:
        lacking("gpg isn't installed: apt-get install gnupg")
    home = Path(os.environ["HOME"], "g")
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    made = ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "me@example.org", "future-default"]
    subprocess.run(made, check=True, capture_output=True)
    yield
    subprocess.run(["gpgconf", "--kill", "all"], check=True)


@pytest.mark.parametrize("example", [FIRST, SECOND], ids=["gpg", "openssl"])
def test_the_examples_are_right(cli: Cli, example: str) -> None:
    (cli.folder / "example.ini").write_text(example.replace("/mnt/disk/backup", str(cli.folder)))
    ran = cli("config", "check", "-c", cli.folder / "example.ini")
    assert (ran.code, ran.err) == (0, "")


def written(cli: Cli, example: str) -> Path:
    """As the page has it, with folders of the test in place of its own."""
    for name in ("letter.jpeg", "drafts/a.txt", "b.txt~"):
        (cli.data / name).parent.mkdir(exist_ok=True)
        (cli.data / name).write_text(name)
    text = example.replace("s3://my-bucket/backup\nregion = eu-central-1", "/mnt/disk/backup")
    (cli.folder / "disk").mkdir()
    text = text.replace("/mnt/disk/backup", f"{cli.folder}/disk").replace("/srv/letters", str(cli.data))
    main = f"[main]\ncatalog = {cli.folder}/catalog.sqlite3\nlogfile =\ncatalog_copy = no\n"
    return cli.ini(text.replace("[main]\n", main).replace("/etc/letters.key", f"{cli.folder}/key"))


@pytest.mark.usefixtures("key_of_gpg")
def test_the_commands_run_in_their_order(cli: Cli) -> None:
    ini, disk = written(cli, FIRST), cli.folder / "disk"
    assert "d/a.txt.gpg" in cli(*DRY, "-c", ini).out
    assert cli("-c", ini).code == 0
    assert sorted(str(one.relative_to(disk)) for one in disk.rglob("*.gpg")) == ["d/a.txt.gpg", "letter.jpg.gpg"]

    own = [word.replace("/srv/letters", str(cli.data)).replace("/mnt/new", f"{cli.folder}/new") for word in RESTORE]
    assert cli(*own, "-c", ini).code == 0
    names = ["drafts/a.txt", "letter.jpeg"]
    assert [next((cli.folder / "new").rglob(name)).read_text() for name in names] == names
    assert "letter.jpeg" in cli(*FIND, "-c", ini).out

    bash(BY_HAND, cli.folder, OUT=str(cli.folder), FETCHED=str(disk))
    assert (cli.folder / "letter.jpg").read_text() == "letter.jpeg"
    opened = cli("open", disk / "letter.jpg.gpg", "--to", cli.folder / "opened")
    assert opened.code == 0, opened.err
    assert (cli.folder / "opened/letter.jpg").read_text() == "letter.jpeg"


def test_pipes_are_for_bash(cli: Cli) -> None:
    if shutil.which("openssl") is None:
        lacking("openssl isn't installed: apt-get install openssl")
    (cli.folder / "key").write_text("a key\n")
    ini = written(cli, SECOND)
    assert cli("-c", ini).code == 0
    assert cli("restore", "--to", cli.folder / "new", "-c", ini).code == 0
    assert next((cli.folder / "new").rglob("letter.jpeg")).read_text() == "letter.jpeg"
    (stored,) = (cli.folder / "disk").rglob("letter.jpeg")
    undo = f"bash -c 'openssl enc -d -aes-256-cbc -pbkdf2 -pass file:{cli.folder}/key | gunzip'"
    opened = cli("open", stored, "--to", cli.folder / "opened", "--undo", undo)
    assert opened.code == 0, opened.err
    assert (cli.folder / "opened/letter.jpeg").read_text() == "letter.jpeg"
