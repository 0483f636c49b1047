"""docs/sealing.md and docs/open.md: each configuration shown there is used as somebody would who has read the page."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import blocks
from tests.lacking import lacking

PAGE = (REPOSITORY / "docs/sealing.md").read_text()
OPENING = (REPOSITORY / "docs/open.md").read_text()
(NEW_KEY,) = blocks(PAGE, "sh")
CHECK = blocks(PAGE, "text")[0].split()[1:]
CONFIGURATIONS = blocks(PAGE, "ini")

EXAMPLE = re.compile(r"age1\w{58}")
PASSWORD = "Batteriefach ß 7"


class Reader:
    """Who has a home folder, a disk, and what the page speaks of to be saved."""

    def __init__(self, folder: Path, cli: Cli) -> None:
        if shutil.which("age-keygen") is None:
            lacking("needs age")
        self.folder, self.cli, self.disk = folder, cli, folder / "disk"
        self.home = Path(os.environ["HOME"])
        self.disk.mkdir()
        done = subprocess.run(["bash", "-euc", NEW_KEY], capture_output=True, text=True, check=True)
        (self.public,) = EXAMPLE.findall(done.stderr)
        passwords = self.home / ".config/glacier_backup"
        passwords.mkdir(parents=True)
        (passwords / "seal_password").write_text(f"{PASSWORD}\n")
        (passwords / "seal_password").chmod(0o600)
        (folder / "recipients").write_text(f"{self.public}\n")

    def configure(self, text: str) -> Path:
        """What the page shows, with a disk here, this reader's key, and folders that are there."""
        for path in re.findall(r"^\[(/.*)\]$", text, re.MULTILINE):
            (self.folder / f"at{path}/inside").mkdir(parents=True)
            (self.folder / f"at{path}/inside/a").write_text("of a directory")
            (self.folder / f"at{path}/b.txt").write_text("a file " * 1000)
        text = text.replace("s3://my-bucket/backup", str(self.disk)).replace("[/", f"[{self.folder}/at/")
        ini = self.folder / "backup.ini"
        ini.write_text(EXAMPLE.sub(self.public, text))
        return ini

    def saved(self, text: str) -> set[str]:
        """What the page's sections select, relative to their folders."""
        found = set()
        for path, option in re.findall(r"^\[(/.*)\]\n(\w+) = yes", text, re.MULTILINE):
            folder = Path(f"{self.folder}/at{path}")
            wanted = {"upload_dirs": "inside", "upload_files": "b.txt"}.get(option, "")
            top = folder / wanted
            files = [top] if top.is_file() else [one for one in top.rglob("*") if one.is_file()]
            found |= {str(one) for one in files}
        return found


@pytest.fixture
def reader(tmp_path: Path, cli: Cli) -> Reader:
    return Reader(tmp_path, cli)


@pytest.mark.parametrize("text", CONFIGURATIONS, ids=range(len(CONFIGURATIONS)))
def test_what_the_page_configures_is_sent_sealed_and_comes_back(reader: Reader, text: str) -> None:
    ini, wanted = reader.configure(text), reader.saved(text)
    key: list[str | Path] = ["--identity", reader.home / "backup.key"] if "password" not in text else []
    assert wanted

    checked = reader.cli(*CHECK, "-c", ini)
    sent = reader.cli("backup", "-c", ini, "--json")
    back = reader.cli("restore", "-c", ini, "--to", reader.folder / "back", *key)

    assert checked.code == 0, checked.err
    assert sent.code == 0, sent.err
    assert back.code == 0, back.err
    came = {one for one in (reader.folder / "back").rglob("*") if one.is_file()}
    assert sorted(one.read_text() for one in came) == sorted(Path(one).read_text() for one in wanted)
    shown = "".join(str(path.relative_to(reader.disk)) for path in reader.disk.rglob("*"))
    assert ("b.txt" in shown or "inside" in shown) == ("private_names" not in text)


def test_what_was_fetched_opens_as_the_page_says(reader: Reader) -> None:
    ini = reader.configure(CONFIGURATIONS[2])
    assert reader.cli("backup", "-c", ini).code == 0
    (reader.home / "fetched").mkdir()
    for one in reader.disk.rglob("mail/*"):
        shutil.copy(one, reader.home / "fetched")
    shutil.copy(reader.home / "backup.key", reader.folder / "key.txt")
    commands = [line for line in blocks(OPENING, "text")[0].splitlines() if "~/fetched" in line]
    assert len(commands) == 2

    for command in commands:
        words = command.replace("~", str(reader.home)).replace("/mnt/new", str(reader.folder / "new"))
        ran = reader.cli(
            *shlex.split(words.replace("key.txt", str(reader.folder / "key.txt")))[1:], *_key(words, reader)
        )
        assert ran.code == 0, ran.err

    assert (reader.folder / "new/mail/b.txt").read_text() == "a file " * 1000


def _key(command: str, reader: Reader) -> list[str | Path]:
    """``--list`` reads it all, too; the page names the key once."""
    return [] if "--identity" in command else ["--identity", reader.folder / "key.txt"]
