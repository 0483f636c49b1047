"""A small file of a tree comes back with what ``RESTORE.md`` says, typed as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from glacier_backup.machine import host_name
from glacier_backup.model.restore_note import NOTE
from tests.cli.harness import Cli
from tests.lacking import lacking
from tests.s3_servers.fixtures import PREFIX, Store

(CHAPTER,) = re.findall(r"^A small file of a tree\n-+\n(.*?)^Sealed$", NOTE, re.MULTILINE | re.DOTALL)
COMMANDS = [line[4:] for line in CHAPTER.splitlines() if line.startswith("    ")]
IN_BUCKET, IN_DIRECTORY = COMMANDS[:4], COMMANDS[4:6]

TREE = """[{data}]
upload_tree = yes
group_files_smaller_than = 100
deleted = expire
"""


def typed(lines: list[str], folder: Path, values: Mapping[str, str], store: Store | None = None) -> str:
    """What it prints, with these values filled in."""
    text = "\n".join(lines)
    for word, value in values.items():
        text = text.replace(word, value)
    tools = Path(sys.executable).parent
    env = dict(os.environ, PATH=f"{tools}:/usr/bin:/bin", AWS_DEFAULT_REGION="us-east-1")
    if store is not None:
        env["AWS_ENDPOINT_URL"] = store.server
    done = subprocess.run(["bash", "-c", text], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout


@pytest.fixture
def forest(cli: Cli) -> Path:
    if not any(os.access(f"{folder}/unzip", os.X_OK) for folder in ("/usr/bin", "/bin")):
        lacking("unzip is not installed")
    for name in ("p/i1", "p/i2", "p/é 1", "notes"):
        (cli.data / name).parent.mkdir(exist_ok=True)
        (cli.data / name).write_text(name * 9)
    return cli.data


def test_a_small_file_comes_back_from_a_bucket(cli: Cli, forest: Path, s3_store: Store) -> None:
    name = "p/é 1"
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    main = (
        f"destination = s3://{s3_store.bucket}/{PREFIX}\nendpoint_url = {s3_store.server}\nstorage_class = STANDARD\n"
    )
    ini = cli.ini(f"[main]\n{main}region = us-east-1\ncatalog = {{here}}/catalog.sqlite3\nlogfile =\n{TREE}")
    assert cli("-c", ini).code == 0
    (forest / "p/i2").unlink()
    (forest / "p/i1").write_text("changed")
    assert cli("-c", ini, "--max-delete", "none").code == 0

    where = {
        "HOST/PATH/OF/A/FILE.JPG": f"'{host_name()}{forest}/{name}'",
        "s3://BUCKET/PREFIX": f"s3://{s3_store.bucket}/{PREFIX}",
        "DIRECTORY": "out",
    }
    typed(IN_BUCKET, cli.folder, where, s3_store)

    assert Path(f"{cli.folder}/out/{host_name()}{forest}/{name}").read_text() == (forest / name).read_text()


def test_all_that_a_small_file_may_be_in_is_listed_in_a_directory(cli: Cli, forest: Path) -> None:
    main = "destination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
    ini = cli.ini(f"[main]\n{main}{TREE}")
    assert cli("-c", ini).code == 0
    (forest / "p/i1").write_text("changed")
    assert cli("-c", ini).code == 0

    name = f"{host_name()}{forest}/p/i1"
    listed = typed(IN_DIRECTORY, cli.folder / "vault", {"HOST/PATH/OF/A/FILE.JPG": f"'{name}'"}).splitlines()

    contents = [found for one in listed if (found := _inside(cli.folder / "vault" / one, name)) is not None]
    assert sorted(contents) == ["changed", "p/i1" * 9]


def _inside(path: Path, name: str) -> str | None:
    copy = path.parent / "FOUND.zip"
    copy.write_bytes(path.read_bytes())
    done = subprocess.run(["unzip", "-p", copy, name], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None
