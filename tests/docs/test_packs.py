"""``docs/packs.md`` can be followed: the configuration, the commands in their order, and plain tar."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import bash, blocks

PAGE = (REPOSITORY / "docs/packs.md").read_text()

COMMANDS = [shlex.split(line)[1:] for line in "".join(blocks(PAGE, "text")).splitlines()]

VALUES, UNPACKING = blocks(PAGE, "bash")


class Reader:
    """Who has photos, a disk in place of the bucket, and an INI file as the page has it."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.photos, self.disk = cli, cli.folder / "srv/photos", cli.folder / "disk"
        for name in ("2020/a.jpg", "2020/b.jpg", "2021/c.jpg"):
            (self.photos / name).parent.mkdir(parents=True, exist_ok=True)
            (self.photos / name).write_text(name)
        (example,) = blocks(PAGE, "ini")
        text = example.replace("s3://my-bucket/backup\nregion = eu-central-1", str(self.disk))
        main = f"[main]\ncatalog = {cli.folder}/catalog.sqlite3\nlogfile =\nkeep_last = 1\n"
        self.ini = cli.ini(text.replace("[main]\n", main).replace("/srv/photos", str(self.photos)))

    def own(self, word: str) -> str:
        """What they put in place of a word of the page."""
        word = word.replace("/srv/photos", str(self.photos)).replace("/mnt/new", str(self.cli.folder / "new"))
        return re.sub("^id:12$", "id:1", re.sub("^2026-03-01$", "2999-01-01", word))

    def pack(self) -> Path:
        return next(path for path in self.disk.rglob("*.tar") if "/~pack-" in str(path))


@pytest.fixture
def reader(cli: Cli) -> Reader:
    return Reader(cli)


def test_the_example_is_right(cli: Cli) -> None:
    (example,) = blocks(PAGE, "ini")
    (cli.folder / "example.ini").write_text(example)
    ran = cli("config", "check", "-c", cli.folder / "example.ini")
    assert (ran.code, ran.err) == (0, "")


def test_the_commands_run_in_their_order(reader: Reader) -> None:
    assert reader.cli("-c", reader.ini).code == 0
    for words in COMMANDS:
        own = [reader.own(word) for word in words]
        ran = reader.cli(*own, "-c", reader.ini)
        assert (ran.code, ran.err) == (0, ""), words
    new = reader.cli.folder / "new"
    assert (new / "a.jpg").read_text() == (new / "2020/a.jpg").read_text() == "2020/a.jpg"
    assert (new / str(reader.photos)[1:] / "2021/c.jpg").read_text() == "2021/c.jpg"


def test_what_has_become_history_goes_when_the_tree_is_sent_anew(reader: Reader) -> None:
    assert reader.cli("-c", reader.ini).code == 0
    (reader.photos / "2020/a.jpg").write_text("changed")
    assert reader.cli("-c", reader.ini).code == 0
    text = reader.cli("prune", "-d", "--verbose", "-c", reader.ini).out
    assert "0 archives to delete" in text
    assert "1 pack that stays holds 10 B that no rule keeps" in text

    assert reader.cli("--force", "-c", reader.ini).code == 0
    assert "2 archives to delete" in reader.cli("prune", "-d", "-c", reader.ini).out
    assert reader.cli("prune", "--yes", "-c", reader.ini).code == 0
    assert len(list(reader.disk.rglob("*.tar"))) == 1


def test_some_files_of_a_pack_are_not_deleted(reader: Reader) -> None:
    assert reader.cli("-c", reader.ini).code == 0
    ran = reader.cli("delete", reader.photos / "2020/a.jpg", "--even-last", "--yes", "-c", reader.ini)
    assert ran.code == 2
    assert "a pack can only be deleted as a whole" in ran.err
    ran = reader.cli("delete", f"{reader.photos}/*", "--all-versions", "--even-last", "--yes", "-c", reader.ini)
    assert ran.code == 0
    assert list(reader.disk.rglob("*.tar")) == []


def test_plain_tar_takes_one_file_out(reader: Reader) -> None:
    assert reader.cli("-c", reader.ini).code == 0
    there = reader.cli.folder / "there"
    there.mkdir()
    values = re.sub("^PACK=.*$", f"PACK='{reader.pack()}'", VALUES, flags=re.MULTILINE)
    out = bash(values + UNPACKING, there)
    assert "photos/2021/c.jpg" in out
    assert (there / "photos/2020/a.jpg").read_text() == "2020/a.jpg"
    assert not (there / "photos/2021").exists()
