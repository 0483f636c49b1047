"""Files of whole trees compared by their content, from the command line: files in packs and alone, plain and sealed,
of this machine and of a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError, SourceError
from glacier_backup.model.candidate import Candidate
from glacier_backup.plan.changes import Content
from glacier_backup.workflow.sending.hashing import read_contents
from glacier_backup.workflow.tools import Origin
from tests.cli.harness import Cli, Ran
from tests.roundtrip.kinds import url
from tests.ssh_server.sshd import Sshd
from tests.streams import noise
from tests.vault_server.process import VaultServer

INI = """\
[main]
MAINcatalog = {here}/catalog.sqlite3
logfile = {here}/log
SEAL
[SECTION]
upload_tree = yes
pack_size = PACKS
compare = HOW
LOGIN
"""

SEALED = "seal = zstd, split, openssl\nvolume_size = 1 MiB\npassword_file = {here}/password\n"

SIZES = {"2020/a.jpg": 3000, "2020/b.jpg": 5000, "empty": 0, "film.mov": 1_200_000}
"""The last one goes alone."""

THEN = 1_600_000_000


class Tree:
    """What is looked after, and what of it was read to be compared."""

    def __init__(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top = cli.data / "photos"
        self.read: set[str] = set()
        self.above = str(self.top)
        self.login = ""
        self.seal = ""
        self.main = "destination = {here}/vault\n"
        self.packs = "1 MiB"
        self._cli = cli
        (cli.folder / "password").write_text("correct horse")
        (cli.folder / "password").chmod(0o600)
        for number, (name, size) in enumerate(SIZES.items()):
            self.write(name, noise(size, number))
        (self.top / "link").symlink_to("2020/a.jpg")
        self.touch("link")
        monkeypatch.setattr("glacier_backup.workflow.sending.prepare.read_contents", self._noted(read_contents))

    def write(self, name: str, content: bytes, mtime: int = THEN) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (mtime, mtime))

    def edit(self, name: str, mtime: int = THEN) -> None:
        """Another content of the same size."""
        self.write(name, noise(SIZES[name], 99), mtime)

    def touch(self, *names: str, mtime: int = THEN) -> None:
        for name in names:
            os.utime(self.top / name, (mtime, mtime), follow_symlinks=False)

    def run(self, how: str, *argv: str) -> Ran:
        """One run, in which everything goes well."""
        ran = self.try_to_run(how, *argv)
        assert ran.code == 0, ran
        return ran

    def try_to_run(self, how: str, *argv: str) -> Ran:
        self.read.clear()
        values = {"MAIN": self.main, "SEAL": self.seal, "SECTION": self.above, "PACKS": self.packs, "HOW": how}
        text = INI.replace("LOGIN", self.login)
        for name, value in values.items():
            text = text.replace(name, value)
        return self._cli("-c", self._cli.ini(text), "--json", *argv)

    def sent(self, ran: Ran) -> set[str]:
        """Names of the files that were, in packs or alone."""
        paths = {path for path in ran.sent() if "/~pack-" not in path}
        paths |= {file["path"] for one in ran.json["plan"] for file in one["files"] or () if one["result"] == "sent"}
        return {path.removeprefix(f"{self.above}/") for path in paths}

    def reasons(self, ran: Ran) -> dict[str, str]:
        return {path.removeprefix(f"{self.above}/"): reason for path, reason in ran.reasons().items()}

    def restored(self, target: Path) -> dict[str, bytes]:
        assert self._cli("restore", "-c", self._cli.folder / "backup.ini", "--to", target).code == 0
        found = {path for path in target.rglob("*") if path.is_file() and not path.is_symlink()}
        return {str(path).partition("/photos/")[2]: path.read_bytes() for path in found}

    def _noted(self, read: Callable[..., Mapping[str, Content | SourceError]]) -> Callable[..., object]:
        def reading(candidates: Sequence[Candidate], origins: Mapping[str, Origin], check: object) -> object:
            self.read |= {one.path.removeprefix(f"{self.above}/") for one in candidates}
            return read(candidates, origins, check)

        return reading


@pytest.fixture
def tree(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Tree:
    return Tree(cli, monkeypatch)


@pytest.fixture(params=["here", "on a server"])
def anywhere(request: pytest.FixtureRequest, tree: Tree) -> Tree:
    if request.param == "on a server":
        sshd: Sshd = request.getfixturevalue("sshd")
        tree.above = url(sshd, tree.top)
        tree.login = f"ssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
    return tree


@pytest.fixture(params=["plain", "sealed"])
def stored(request: pytest.FixtureRequest, anywhere: Tree) -> Tree:
    anywhere.seal = SEALED if request.param == "sealed" else ""
    return anywhere


ALL = {*SIZES, "link"}


def test_what_is_touched_is_read_once_and_not_sent(stored: Tree) -> None:
    how = "size, mtime, hash"
    assert stored.sent(stored.run(how)) == ALL
    assert stored.read == set()

    stored.touch("2020/a.jpg", "film.mov", "link", mtime=THEN + 60)
    for argv in (["-d"], ["-d"], []):
        ran = stored.run(how, *argv)
        assert stored.read == {"2020/a.jpg", "film.mov", "link"}
        assert ran.json["summary"]["planned"] == 0
        told = {name for name, reason in stored.reasons(ran).items() if reason.endswith("same content, other time")}
        assert told == stored.read
    assert stored.sent(stored.run(how)) == set()
    assert stored.read == set()

    stored.edit("2020/a.jpg", THEN + 60)
    assert stored.sent(stored.run(how)) == set()
    stored.edit("2020/a.jpg", THEN + 120)
    stored.touch("2020/b.jpg", mtime=THEN + 120)
    assert stored.sent(stored.run(how)) == {"2020/a.jpg"}
    assert stored.sent(stored.run(how)) == set()
    assert stored.read == set()


def test_an_edit_that_keeps_size_and_time_is_found_where_all_is_read(stored: Tree, tmp_path: Path) -> None:
    stored.run("hash")
    for name in ("2020/b.jpg", "film.mov"):
        stored.edit(name)
    for how in ("size, mtime", "size, mtime, hash"):
        assert stored.sent(stored.run(how)) == set()
        assert stored.read == set()

    ran = stored.run("hash")
    assert stored.sent(ran) == {"2020/b.jpg", "film.mov"}
    assert stored.read == ALL
    assert stored.restored(tmp_path / "back") == {name: (stored.top / name).read_bytes() for name in SIZES}
    assert stored.sent(stored.run("hash")) == set()


def test_what_was_sent_without_a_hash_is_compared_by_size_and_time_until_it_is_sent_anew(tree: Tree) -> None:
    tree.run("size, mtime")
    tree.edit("2020/b.jpg")
    ran = tree.run("hash")
    assert (tree.sent(ran), tree.read) == (set(), set())
    assert all(reason.endswith("no hash of what was sent is known") for reason in tree.reasons(ran).values())
    tree.touch("2020/a.jpg", mtime=THEN + 60)
    assert tree.sent(tree.run("size, mtime, hash")) == {"2020/a.jpg"}
    assert tree.sent(tree.run("hash", "--force")) == ALL
    tree.edit("film.mov")
    assert tree.sent(tree.run("hash")) == {"film.mov"}


def test_an_empty_file_that_a_vault_has_in_a_tar_is_compared_as_what_it_is(
    tree: Tree, vault_server: VaultServer, vault: str
) -> None:
    tree.main = f"vault_name = {vault}\nendpoint_url = {vault_server.endpoint_url}\n"
    tree.packs = "none"
    tree.run("hash")
    tree.touch("empty", "2020/a.jpg", mtime=THEN + 60)
    ran = tree.run("hash")
    assert (tree.sent(ran), tree.read) == (set(), ALL)
    told = {name for name, reason in tree.reasons(ran).items() if reason.endswith("same content, other time")}
    assert told == {"empty", "2020/a.jpg"}


def test_a_touched_file_that_got_another_name_is_known_again(tree: Tree) -> None:
    tree.run("size, mtime, hash")
    tree.touch("2020/a.jpg", "film.mov", mtime=THEN + 60)
    tree.run("size, mtime, hash")
    for name in ("2020/a.jpg", "film.mov"):
        (tree.top / name).rename(tree.top / f"{name}.new")
    ran = tree.run("size, mtime, hash")
    assert tree.sent(ran) == {"2020/a.jpg.new", "film.mov.new"}
    assert tree.reasons(ran)["film.mov.new"] == f"renamed, was {tree.top}/film.mov; to be copied there"


def test_a_catalog_that_cannot_take_it_is_told_and_the_run_goes_wrong(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.run("hash")
    tree.touch("film.mov", mtime=THEN + 60)

    def full(catalog: Catalog, place_id: int, looks: object) -> None:
        raise CatalogError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "touched", full)
        ran = tree.try_to_run("hash")
    assert (ran.code, tree.sent(ran)) == (CatalogError.exit_code, set())
    assert "that some files are unchanged could not be noted: the disk is full" in ran.err
    assert tree.reasons(tree.run("hash"))["film.mov"].endswith("same content, other time")
    assert not tree.reasons(tree.run("hash"))["film.mov"].endswith("same content, other time")
