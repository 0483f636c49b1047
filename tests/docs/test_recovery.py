"""Everything comes back with what ``docs/recovery.md`` says, typed as it stands, where there is no glacier-backup."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import blocks
from tests.lacking import lacking
from tests.s3_servers.fixtures import Store
from tests.ssh_server.sshd import Sshd
from tests.vault_server.process import VaultServer

PAGE = (REPOSITORY / "docs/recovery.md").read_text()
CHAPTERS = {part.partition("\n")[0]: part for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)}
HOST = socket.gethostname()
STOCK = (
    *("awk", "base64", "bash", "cat", "chmod", "cp", "dirname", "basename", "find", "grep", "gunzip", "gzip", "ln"),
    *("ls", "mkdir", "mv", "paste", "rm", "rmdir", "sed", "sftp", "sh", "sha256sum", "sort", "sqlite3", "ssh", "tail"),
    *("tar", "tee", "touch", "tr", "xargs"),
)

MAIN = "catalog = {here}/catalog.sqlite3\nlogfile =\n"
SECTIONS = """[DEFAULT]
upload_if_changed = yes
[{data}]
upload_dirs = yes
upload_files = yes
exclude =
    tree
    small
[{data}/tree]
upload_tree = yes
[{data}/small]
upload_tree = yes
pack_size = 1 MiB
"""


SEALED = (
    *("What is sealed", "Checking and mending", "Compressed", "Putting it together", "Not encrypted"),
    *("Encrypted with age, for a key", "Encrypted with age, with a password", "Encrypted with gpg"),
    *("Encrypted with openssl", "A directory that was sent file by file and sealed", "Names that are hidden"),
    *("Fetching it from a bucket", "Fetching it from a vault"),
)
"""Chapters that :mod:`tests.docs.test_recovery_sealed` follows."""

DATASETS = ("A dataset of ZFS", "A sealed dataset", "A dataset under the names of zfs-to-aws")
"""Those that :mod:`tests.docs.test_zfs` does."""


class Person:
    """Somebody at a shell, with stock tools, who types what the page says and fills in what is their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "restored"
        self._tools = folder / "tools"
        self._tools.mkdir()
        for tool in STOCK:
            found = shutil.which(tool, path="/usr/bin:/bin")
            if found is None:
                lacking(f"{tool} is not installed")
            (self._tools / tool).symlink_to(found)
        # The AWS CLI is a Python program; it brings its own interpreter along, as on any machine.
        (self._tools / "aws").symlink_to(Path(sys.executable).parent / "aws")
        self._typed: list[str] = []
        self._values = {"OUT": str(self.out), "PLACE": str(folder / "fetched")}
        self.types(next(iter(CHAPTERS.values())))

    def has(self, *tools: str) -> None:
        """Install what only some archives take."""
        for tool in tools:
            found = shutil.which(tool, path="/usr/bin:/bin")
            if found is None:
                lacking(f"{tool} is not installed")
            (self._tools / tool).unlink(missing_ok=True)
            (self._tools / tool).symlink_to(found)

    def types(self, text: str, containing: str = "", **values: str) -> None:
        """Every block of ``text``, or those that hold a word; nothing happens before they :meth:`enter` it."""
        self._values |= values
        for block in blocks(text, "bash"):
            if containing in block:
                self._typed.append(self._filled_in(block))

    def _filled_in(self, block: str) -> str:
        """In a block of values one's own."""
        lines = block.splitlines()
        if not all(re.match(r"[A-Z]+=|mkdir ", line) for line in lines):
            return block
        names = [line.partition("=")[0] for line in lines if "=" in line]
        assert set(names) <= self._values.keys()
        own = [f"{name}='{self._values[name]}'" for name in names]
        return "\n".join([*own, *(line for line in lines if line.startswith("mkdir"))]) + "\n"

    def enter(self, *front: str, stdin: int | None = None) -> str:
        """What was typed since the beginning, in one shell; what it prints."""
        script, self._typed = "\n".join(self._typed), self._typed[:1]
        environ = {name: text for name, text in os.environ.items() if name.startswith("AWS_")}
        ran = subprocess.run(
            [*front, "/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={"PATH": str(self._tools), "HOME": str(self.folder), **environ},
            capture_output=True,
            text=True,
            check=False,
            stdin=stdin,
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@pytest.fixture
def person(tmp_path: Path) -> Person:
    folder = tmp_path / "bare machine"
    folder.mkdir()
    return Person(folder)


@pytest.fixture
def data(cli: Cli) -> Path:
    """Something of every container, with what is easily lost."""
    data = cli.data
    photos = data / "2025 photos"
    (photos / "empty").mkdir(parents=True)
    (photos / "one 'quoted' & odd.jpg").write_bytes(b"a photo" * 1000)
    (photos / "ä%20\\x41.jpg").write_text("hostile")
    (photos / "private").write_text("secret")
    (photos / "private").chmod(0o600)
    os.symlink("private", photos / "link")
    os.link(photos / "private", photos / "hard link")
    (data / "dump.sql").write_text("CREATE")
    (data / "dump.sql").chmod(0o640)
    (data / "no archive of ours.tar").write_text("a file that is called so")
    (data / "100% \\n;p=x.txt").write_text("odd")
    (data / ("ä" * 120)).write_text("too long for the plain form of a description")
    tree = data / "tree"
    (tree / "2026").mkdir(parents=True)
    (tree / "2026/a.jpg").write_text("first")
    (tree / "2026/large.bin").write_bytes(bytes(range(256)) * 40_000)
    os.symlink("2026/a.jpg", tree / "shortcut")
    small = data / "small"
    (small / "one").mkdir(parents=True)
    for name in ("one/a.txt", "one/grows", "an 'odd' & name.txt", "changes", "private"):
        (small / name).write_text(name)
    (small / "private").chmod(0o600)
    (small / "large").write_bytes(bytes(range(256)) * 5_000)
    os.symlink("one/a.txt", small / "shortcut")
    for number, path in enumerate(sorted(data.rglob("*"))):
        if not path.is_symlink():
            time = 1_600_000_000 * 10**9 + number * 1_111_111_111
            os.utime(path, ns=(time, time))
    return data


def sent(cli: Cli, main: str, data: Path) -> None:
    """Sent once, and once more where something has changed since."""
    ini = cli.ini(f"[main]\n{main}{MAIN}{SECTIONS}")
    assert cli("-c", ini).code == 0
    (data / "tree/2026/a.jpg").write_text("second")
    (data / "small/changes").write_text("second")
    (data / "small/one/grows").write_bytes(bytes(range(256)) * 6_000)
    (data / "dump.sql").write_text("CREATE TABLE")
    os.utime(data / "dump.sql", ns=(10**18, 10**18))
    assert cli("-c", ini).code == 0


def looks(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        look = path.lstat()
        kind, name = stat.S_IFMT(look.st_mode), str(path.relative_to(root))
        if path.is_symlink():
            found[name] = (kind, os.readlink(path))
        elif path.is_dir():
            found[name] = (kind,)
        else:
            found[name] = (kind, stat.S_IMODE(look.st_mode), look.st_mtime_ns, path.read_bytes())
    return found


def comes_back(data: Path, out: Path) -> None:
    wanted, found = looks(data), looks(out / HOST / str(data)[1:])
    alone = [name for name in wanted if name.startswith("tree/") or name in ("small/large", "small/one/grows")]
    for name in alone:  # a bucket and a server know neither modes nor, some of them, fractions of a second
        for looked in (wanted, found):
            looked[name] = (looked[name][0], looked[name][-1])
    assert found == wanted


def types_trees(person: Person, data: Path) -> None:
    """What is to be typed of each directory that was sent file by file, and of packs."""
    for name in ("tree", "small"):
        person.types(CHAPTERS["A directory that was sent file by file"], TREE=f"{HOST}{data}/{name}")
    person.types(CHAPTERS["Packs"], NAME="changes")


def test_there_is_no_glacier_backup_on_the_bare_machine(person: Person) -> None:
    person._typed.append("! type glacier-backup python python3 2>/dev/null\n")

    assert person.enter() == ""


def test_every_block_of_the_page_is_in_a_chapter_that_is_followed() -> None:
    followed = {
        "A directory or a disk",
        "A directory that was sent file by file",
        "Packs",
        "ZIPs of small files",
        "A server",
        "A bucket",
        "A vault",
        "The catalog",
        *SEALED,
        *DATASETS,
    }

    assert {title for title, text in CHAPTERS.items() if blocks(text, "bash")} - followed == {next(iter(CHAPTERS))}


def test_all_comes_back_from_a_directory(cli: Cli, data: Path, person: Person) -> None:
    sent(cli, "destination = {here}/disk\n", data)

    person.types(CHAPTERS["A directory or a disk"], PLACE=str(cli.folder / "disk"))
    types_trees(person, data)
    out = person.enter()

    assert out.count("~pack-") == out.count("small/changes") > 0
    (person.out / "newest.txt").unlink()
    comes_back(data, person.out)


def test_a_damaged_archive_is_seen(cli: Cli, data: Path, person: Person) -> None:
    sent(cli, "destination = {here}/disk\n", data)
    for archive in (cli.folder / "disk").rglob("*Z.sql"):
        archive.write_text("DROP")

    person.types(CHAPTERS["A directory or a disk"], PLACE=str(cli.folder / "disk"))
    with pytest.raises(AssertionError, match=r"\.sql: FAILED"):
        person.enter()


def test_all_comes_back_from_a_server(cli: Cli, data: Path, person: Person, sshd: Sshd) -> None:
    server = sshd.server()
    url = f"sftp://{server.user}@{server.host}:{server.port}{cli.folder}/there"
    sent(cli, f"destination = {url}\nssh_key = {server.key}\nhost_key = {server.host_key}\n", data)
    options = f"-F none -i {server.key} -o UserKnownHostsFile={sshd.root}/known_hosts -P {server.port}"
    fetched = str(cli.folder / "fetched")
    Path(fetched).mkdir()

    person.types("```bash\nPLACE=x\n```\n", PLACE=fetched)
    person.types(CHAPTERS["A server"], SFTP=f"sftp {options}", SERVER=server.host, FOLDER=f"{cli.folder}/there")
    person.types(CHAPTERS["A directory or a disk"])
    types_trees(person, data)
    person.enter()

    (person.out / "newest.txt").unlink()
    comes_back(data, person.out)


def test_all_comes_back_from_a_bucket(
    cli: Cli, data: Path, person: Person, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = f"destination = s3://{s3_store.bucket}/backup\nendpoint_url = {s3_store.server}\n"
    sent(cli, main, data)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    directory = CHAPTERS["A directory or a disk"]
    tree = CHAPTERS["A directory that was sent file by file"]
    person.types(tree, "TREE=", TREE=f"{HOST}{data}/tree")
    person.types(CHAPTERS["A bucket"], BUCKET=s3_store.bucket, PREFIX="backup")
    person.types(tree, "TREE=", TREE=f"{HOST}{data}/small")
    person.types(CHAPTERS["A bucket"], "$TREE")
    person.types(directory, "tar -xpf")
    types_trees(person, data)
    out = person.enter()

    assert "DEEP_ARCHIVE" in out
    (person.out / "newest.txt").unlink()
    comes_back(data, person.out)


def test_all_comes_back_from_a_vault(
    cli: Cli, data: Path, person: Person, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = f"vault_name = {vault}\nregion = {vault_server.region}\nendpoint_url = {vault_server.endpoint_url}\n"
    sent(cli, main, data)
    vault_server.control(take_inventory=vault)
    monkeypatch.setenv("AWS_ENDPOINT_URL", vault_server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", vault_server.region)

    person.types(CHAPTERS["A vault"], VAULT=vault)
    person.enter()

    comes_back(data, person.out)


def test_one_file_comes_out_of_an_archive_by_the_catalog(cli: Cli, data: Path, person: Person) -> None:
    sent(cli, "destination = {here}/disk\n", data)
    (*_, copy) = sorted((cli.folder / "disk").rglob("*.sqlite3.gz"))

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    person.types(CHAPTERS["The catalog"], CATALOG=str(copy), NAME="%quoted%")
    out = person.enter()

    name = "2025 photos/one 'quoted' & odd.jpg"
    assert name in out
    assert (person.out / name).read_bytes() == (data / name).read_bytes()
    assert not (person.out / "2025 photos/private").exists()
