"""The hashes of what was sent, where a section compares by content: told to scripts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from tests.cli.harness import Cli

INI = """
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile =
[{data}/photos]
upload_tree = yes
pack_size = 1 MiB
compare = hash
[{data}/papers]
upload_single_dir = yes
"""

CONTENT = {"a.jpg": b"a", "film.mov": b"x" * 2**21, "link": b"a.jpg"}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


@pytest.fixture(name="ini")
def _ini(cli: Cli) -> Path:
    (cli.data / "photos").mkdir(parents=True)
    (cli.data / "papers").mkdir()
    (cli.data / "papers/tax").write_text("2026")
    for name in ("a.jpg", "film.mov"):
        (cli.data / "photos" / name).write_bytes(CONTENT[name])
    (cli.data / "photos/link").symlink_to("a.jpg")
    ini = cli.ini(INI)
    assert cli("-c", ini).code == 0
    return ini


def test_of_each_file_of_such_a_tree_the_hash_is_told(cli: Cli, ini: Path) -> None:
    versions = cli("list", "--versions", "--json", "-c", ini).json
    found = cli("find", "jpg", "--json", "-c", ini).json
    pack = next(one["id"] for one in versions if one["path"].endswith("a.jpg"))
    members = cli("list", "--members", f"id:{pack}", "--json", "-c", ini).json

    assert {Path(one["path"]).name: one["content_sha256"] for one in versions} == HASHES | {"papers": None}
    assert {Path(one["path"]).name: one["sha256"] for one in members} == {
        name: HASHES[name] for name in ("a.jpg", "link")
    }
    assert [(one["member"]["sha256"], one["archive"]["content_sha256"]) for one in found] == [(HASHES["a.jpg"],) * 2]


def test_they_are_exported(cli: Cli, ini: Path) -> None:
    lines = [json.loads(line) for line in cli("catalog", "export", "--members", "-c", ini).out.splitlines()]
    table = cli("catalog", "export", "--members", "--format", "csv", "-c", ini).out

    assert {one["name"]: one["content_sha256"] for one in lines if "name" in one} == {
        "film.mov": HASHES["film.mov"],
        "papers.tar": None,
        "photos.pack.tar": None,
    }
    in_pack = {f"photos/{name}": HASHES[name] for name in ("a.jpg", "link")}
    assert {one["member"]: one["sha256"] for one in lines if one.get("sha256")} == in_pack
    assert {row["member"]: row["sha256"] for row in csv.DictReader(io.StringIO(table)) if row["sha256"]} == in_pack
