"""The main job at the sizes that the promise names, against the strict server."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from glacier_backup.model.archive import Label
from glacier_backup.model.description import parse_description
from glacier_backup.units import GIB, MIB
from tests.cli.harness import Cli
from tests.vault_server.process import VaultServer


def test_a_file_of_three_gibibytes(cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer) -> None:
    """In parts of 16 MiB, three at a time; the server has checked every payload hash and tree hash."""
    ini = cli.ini(vault_ini + "[{data}/large]\n")
    file = cli.data / "large"
    pattern = os.urandom(MIB)
    with file.open("wb") as out:
        for number in range(3 * GIB // MIB):
            out.write(number.to_bytes(8, "big") + pattern[8:])

    assert cli("-c", ini).code == 0

    (archive,) = vault_server.archives(vault)
    assert archive.size == 3 * GIB
    assert _are_equal(archive.path, file)
    (listed,) = cli("list", "-c", ini, "--json").json
    assert listed["sha256_tree"] == archive.tree_hash
    assert listed["locator"] == archive.id
    file.unlink()
    archive.path.unlink()


def _are_equal(path: Path, other: Path) -> bool:
    with path.open("rb") as one, other.open("rb") as two:
        return all(one.read(16 * MIB) == two.read(16 * MIB) for _ in range(3 * GIB // MIB // 16 + 1))


def test_a_directory_of_twenty_thousand_files(cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer) -> None:
    ini = cli.ini(vault_ini + "[{data}/many]\nupload_single_dir = yes\nupload_if_changed = yes\n")
    for number in range(20_000):
        path = cli.data / "many" / f"{number % 100:02}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")

    assert cli("-c", ini, "--json").sent() == {str(cli.data / "many")}

    (archive,) = vault_server.archives(vault)
    with tarfile.open(archive.path) as tar:
        members = {member.name: member for member in tar}
        assert len([member for member in members.values() if member.isfile()]) == 20_000
        content = tar.extractfile(members["many/42/19942.txt"])
        assert content is not None
        assert content.read() == b"19942\n"
    assert cli("-c", ini, "--json").sent() == set()


def test_five_hundred_candidates_in_one_section(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
    contents = {str(cli.data / f"{number:03}.dat"): os.urandom(number + 1) for number in range(500)}
    for path, content in contents.items():
        Path(path).write_bytes(content)

    ran = cli("-c", ini, "--json")

    assert (ran.code, ran.sent()) == (0, set(contents))
    stored = {}
    for archive in vault_server.archives(vault):
        label = parse_description(archive.description)
        assert isinstance(label, Label)
        stored[label.path] = archive.path.read_bytes()
    assert stored == contents
    assert cli("-c", ini, "--json").sent() == set()
