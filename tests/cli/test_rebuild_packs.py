"""``catalog rebuild`` without a copy of the catalog, where there are packs: what is in them is learnt, what can't be
read is said, and the rest goes on."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from glacier_backup.catalog.catalog import Catalog
from tests.cli.harness import Cli, Ran
from tests.streams import noise

INI = """
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile =
catalog_copy = no
"""
SECTION = "upload_tree = yes\npack_size = 1 MiB\n"
SEALED = "seal = zstd, openssl, par2\nopenssl_iterations = 10000\npassword_file = {here}/password\n"

THEN = 1_600_000_000


class Disk:
    """A section of three files with one pack for each, and the directory that they go to."""

    def __init__(self, cli: Cli, main: str = "", section: str = SECTION) -> None:
        self.cli = cli
        self.top = cli.data / "photos"
        password = cli.folder / "password"
        password.write_text("correct horse")
        password.chmod(0o600)
        self.ini = cli.ini(f"{INI}{main}[{self.top}]\n{section}")
        for number, name in enumerate("abc"):
            self.write(name, noise(2000, number))
            assert self.sent() == 1

    def write(self, name: str, content: bytes, mtime: float = THEN) -> None:
        self.top.mkdir(exist_ok=True)
        (self.top / name).write_bytes(content)
        os.utime(self.top / name, (mtime, mtime))

    def sent(self) -> int:
        """By one run, in which all goes well."""
        ran = self.cli("-c", self.ini, "--json")
        assert ran.code == 0, ran
        return len(ran.sent())

    def lose(self) -> None:
        for path in self.cli.folder.glob("catalog.sqlite3*"):
            path.unlink()

    def rebuild(self, *words: str | Path) -> Ran:
        return self.cli("catalog", "rebuild", "-c", self.ini, *words)

    def packs(self) -> list[Path]:
        """The first volume of each, the oldest first."""
        found = [path for path in (self.cli.folder / "vault").rglob("~pack-*/*") if path.suffix in (".tar", ".enc")]
        return sorted(found, key=lambda path: path.name)

    def known(self) -> set[str]:
        """Of the files."""
        listed = self.cli("list", "--versions", "-c", self.ini, "--json").json
        return {Path(one["path"]).name for one in listed if one["member"]}

    def brought(self, name: str) -> bytes:
        target = self.cli.folder / f"out-{time.monotonic_ns()}"
        assert self.cli("restore", self.top / name, "--to", target, "-c", self.ini).code == 0
        return (target / name).read_bytes()


def test_it_is_told_what_was_read(cli: Cli) -> None:
    disk = Disk(cli)
    disk.lose()

    assert "3 archives recorded, 0 were known already, 3 packs read, with 3 files" in disk.rebuild().out
    assert "packs read" not in disk.rebuild().out
    assert (disk.known(), disk.sent()) == ({"a", "b", "c"}, 0)


def test_only_packs_of_the_hosts_that_are_named_are_read(cli: Cli) -> None:
    disk = Disk(cli)
    disk.lose()
    disk.rebuild("--host", "another")

    assert disk.known() == set()
    disk.rebuild("--host", os.uname().nodename)
    assert disk.known() == {"a", "b", "c"}


def test_a_pack_without_its_key_is_said_by_name_and_read_later(cli: Cli) -> None:
    disk = Disk(cli, SEALED)
    disk.lose()
    wrong = cli.folder / "wrong"
    wrong.write_text("battery staple")
    wrong.chmod(0o600)

    ran = disk.rebuild("--password-file", wrong)
    told = disk.rebuild("--password-file", wrong, "--json")

    assert (ran.code, ran.err.count("not read: "), disk.known()) == (1, 3, set())
    assert "--password-file, and rebuild again" in ran.err
    assert told.code == 1
    assert told.json["places"][0]["packs"] == dict.fromkeys(
        ("read", "files", "dear", "dear_bytes", "cold", "cold_bytes"), 0
    ) | {"failed": 3}
    unread = {one["path"] for one in told.json["unread_packs"]}
    assert unread == {f"{disk.top}/{one.parent.name}" for one in disk.packs()}
    assert (disk.rebuild().code, disk.known(), disk.sent()) == (0, {"a", "b", "c"}, 0)


def test_a_damaged_pack_is_said_and_the_others_are_read(cli: Cli) -> None:
    disk = Disk(cli)
    disk.lose()
    hurt = disk.packs()[1]
    hurt.write_bytes(hurt.read_bytes()[:-1000] + bytes(1000)[:-1] + b"x")

    ran = disk.rebuild()

    assert (ran.code, ran.err.count("not read: ")) == (1, 1)
    assert f"{disk.top}/{hurt.parent.name} (id:2)" in ran.err
    assert "the next run sends those of its files again" in ran.err
    assert disk.known() == {"a", "c"}
    assert disk.sent() == 1
    assert disk.brought("b") == noise(2000, 1)


def test_what_parity_can_mend_is_read_afterwards(cli: Cli) -> None:
    disk = Disk(cli, SEALED)
    disk.lose()
    hurt = disk.packs()[1]
    data = bytearray(hurt.read_bytes())
    data[100] ^= 1
    hurt.write_bytes(data)

    (left,) = disk.rebuild("--json").json["unread_packs"]
    assert f"verify --full --repair id:{left['id']} may mend it" in left["hint"]
    cli("verify", "--full", "--repair", f"id:{left['id']}", "-c", disk.ini)

    assert (disk.rebuild().code, disk.known(), disk.sent()) == (0, {"a", "b", "c"}, 0)


def test_what_holds_something_else_is_no_pack_of_that_section(cli: Cli) -> None:
    disk = Disk(cli)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("elsewhere/../../etc/passwd"))
    folder = disk.packs()[0].parent.parent / "~pack-0123456789ab"
    folder.mkdir()
    (folder / "20300101T000000.000000Z.tar").write_bytes(made.getvalue())
    disk.lose()

    ran = disk.rebuild()

    assert (ran.code, ran.err.count("not read: ")) == (1, 1)
    assert "photos.pack.tar holds no file of" in ran.err
    assert disk.sent() == 0


def test_what_was_cut_off_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(cli)
    disk.lose()
    learn = Catalog.learn

    def stopped(catalog: Catalog, *what: Any) -> None:
        learn(catalog, *what)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "learn", stopped)
        assert disk.rebuild().code == 130
    assert len(disk.known()) == 1

    packs = disk.rebuild("--json").json["places"][0]["packs"]

    assert (packs["read"], disk.known(), disk.sent()) == (2, {"a", "b", "c"}, 0)


def test_what_was_only_touched_is_not_sent_again(cli: Cli) -> None:
    disk = Disk(cli, section=f"{SECTION}compare = size, mtime, hash\n")
    disk.write("a", noise(2000, 0), THEN + 10)
    assert disk.sent() == 0
    disk.lose()

    assert disk.rebuild().code == 0

    assert disk.sent() == 0
    disk.write("a", noise(2000, 7), THEN + 20)
    assert disk.sent() == 1


def test_what_may_have_changed_while_it_was_read_is_sent_once_more(cli: Cli) -> None:
    disk = Disk(cli)
    disk.write("d", b"as it was for a moment", time.time() + 3600)
    assert disk.sent() == 1
    disk.lose()
    disk.rebuild()

    assert disk.sent() == 1
    assert disk.sent() == 0


def test_of_a_pack_that_could_not_be_read_in_full_nothing_is_taken_for_whole(cli: Cli) -> None:
    disk = Disk(cli)
    manifest = disk.packs()[0].with_name(disk.packs()[0].name + ".recipe.json")
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"unreadable": [{"path": f"{disk.top}/a", "cause": "I/O error"}]}))
    disk.lose()
    disk.rebuild()

    assert disk.known() == {"a", "b", "c"}
    assert disk.sent() == 1
    assert disk.sent() == 0
