"""Small files in ZIPs that go by prefixes come back with what ``docs/recovery.md`` says, typed as it stands."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.docs.test_recovery import CHAPTERS, HOST, Person
from tests.vault_server.process import VaultServer

INI = """[main]
{main}catalog = {{here}}/catalog.sqlite3
logfile =
[{{data}}/tree]
upload_tree = yes
group_files_smaller_than = 100 B
"""
GROUPED = {f"a/{number}.txt": f"{number} at first" for number in range(10)} | {"b/x": "x", "link": ""}


class Tree:
    """It was sent twice: files moved between ZIPs, and in and out of them."""

    def __init__(self, cli: Cli, main: str) -> None:
        self.top = cli.data / "tree"
        ini = cli.ini(INI.format(main=main))
        for name, text in GROUPED.items():
            self.write(name, text)
        self.write("large", "large " * 100)
        self.write("shrinks", "large " * 100)
        for path in filter(Path.is_file, self.top.rglob("*")):
            os.utime(path, (time.time() - 1_000,) * 2)
        (self.top / "link").unlink()
        (self.top / "link").symlink_to("b/x")
        assert cli("-c", ini).code == 0
        for stored in (cli.folder / "disk").rglob("*~.zip"):
            os.utime(stored, (time.time() - 500,) * 2)  # as if it had been some time ago
        self.write("a/3.txt", "3 later on")
        self.write("a/4.txt", "4 is " + "large " * 100)
        self.write("shrinks", "small")
        assert cli("-c", ini).code == 0

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def looks(self, top: Path | None = None) -> dict[str, str]:
        top = top or self.top
        return {
            str(path.relative_to(top)): os.readlink(path) if path.is_symlink() else path.read_text()
            for path in sorted(top.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


@pytest.fixture(name="person")
def _person(tmp_path: Path) -> Person:
    folder = tmp_path / "bare machine"
    folder.mkdir()
    person = Person(folder)
    person.has("unzip")
    return person


def test_all_comes_back_from_a_directory(cli: Cli, person: Person) -> None:
    tree = Tree(cli, "destination = {here}/disk\n")

    place = str(cli.folder / "disk")
    person.types("```bash\nPLACE=x\n```\n", PLACE=place)
    person.types(CHAPTERS["A directory that was sent file by file"], TREE=f"{HOST}{tree.top}")
    person.types(CHAPTERS["ZIPs of small files"])
    person.enter()

    assert tree.looks(person.out / HOST / str(tree.top)[1:]) == tree.looks()


def test_all_comes_back_from_a_vault(
    cli: Cli, person: Person, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = f"vault_name = {vault}\nregion = {vault_server.region}\nendpoint_url = {vault_server.endpoint_url}\n"
    tree = Tree(cli, main)
    vault_server.control(take_inventory=vault)
    monkeypatch.setenv("AWS_ENDPOINT_URL", vault_server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", vault_server.region)

    person.types(CHAPTERS["A vault"], VAULT=vault)
    person.enter()

    assert tree.looks(person.out / HOST / str(tree.top)[1:]) == tree.looks()
