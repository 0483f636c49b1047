"""What s3-backup 0.1.0 got wrong, by the numbers of the list of its defects; others are tested where they belong."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.destination.s3 import LIMITS
from glacier_backup.plan.parts import part_size
from glacier_backup.units import GIB, MIB, TIB
from tests.cli.harness import Cli
from tests.permissions import without_privilege
from tests.s3_servers.fixtures import Store

GROUPED = """
[main]
destination = {here}/store
[{data}]
upload_tree = yes
keys = relative
group_files_smaller_than = 1 MiB
deleted = expire
"""


def looks(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Type and permissions, time and content, or target, of everything but directories."""
    found = {}
    for path in folder.rglob("*"):
        seen = path.lstat()
        if not stat.S_ISDIR(seen.st_mode):
            content = os.readlink(path) if path.is_symlink() else path.read_text()
            found[path.relative_to(folder).as_posix()] = (seen.st_mode, seen.st_mtime_ns, content)
    return found


def test_s3_backup_defect_8_modes_times_and_links_in_a_zip_come_back_as_they_were(cli: Cli) -> None:
    ini = cli.ini(GROUPED)
    for number, seconds in enumerate((-5, 100, 1_600_000_000, 5_000_000_000)):
        file = cli.data / f"file-{number}"
        file.write_text(f"content {number}")
        file.chmod(0o600 + number)
        os.utime(file, ns=(0, seconds * 10**9 + 123_456_789))
    (cli.data / "link").symlink_to("file-1")
    assert cli("-c", ini).code == 0

    assert cli("restore", "-c", ini, "--to", cli.folder / "restored").code == 0

    (restored,) = [path for path in (cli.folder / "restored").rglob("data") if path.is_dir()]
    assert looks(restored) == looks(cli.data)


@pytest.fixture
def odd_tree(cli: Cli) -> Iterator[Path]:
    (cli.data / "a/b").mkdir(parents=True)
    (cli.data / "a/file").write_text("some file")
    (cli.data / "a/b/loop").symlink_to("../..")
    os.mkfifo(cli.data / "a/fifo")
    with socket.socket(socket.AF_UNIX) as there:
        here = os.getcwd()
        os.chdir(cli.data)
        try:
            there.bind("socket")
        finally:
            os.chdir(here)
        yield cli.data


def test_s3_backup_defect_10_loops_fifos_and_sockets_are_passed_by(cli: Cli, odd_tree: Path) -> None:
    ini = cli.ini(GROUPED + "symlinks = follow\n")

    ran = cli("-c", ini, "--json")

    assert ran.code == 0
    reasons = {Path(path).relative_to(odd_tree).as_posix(): why for path, why in ran.reasons().items()}
    assert reasons["a/b/loop"].startswith("a loop: it leads back to")
    assert reasons["a/fifo"] == "a FIFO, not a file or directory"
    assert reasons["socket"] == "a socket, not a file or directory"
    assert len(ran.sent()) == 1


def test_s3_backup_defect_10_a_directory_that_can_t_be_read_ends_nothing(cli: Cli) -> None:
    ini = cli.ini(GROUPED)
    (cli.data / "closed").mkdir(mode=0)
    (cli.data / "file").write_text("some file")

    with without_privilege():
        ran = cli("-c", ini, "--json")

    assert (ran.code, len(ran.sent())) == (1, 1)


@pytest.mark.parametrize("size", [79 * GIB, TIB, 4 * TIB])
def test_s3_backup_defect_11_parts_grow_with_what_is_sent(size: int) -> None:
    parts = part_size(size, None, LIMITS)

    assert isinstance(parts, int)
    assert size / parts < LIMITS.most_parts


def test_s3_backup_defect_11_what_is_of_unknown_size_has_room_for_a_terabyte() -> None:
    parts = part_size(None, None, LIMITS)

    assert isinstance(parts, int)
    assert parts * LIMITS.most_parts > TIB
    assert parts >= 64 * MIB


def test_s3_backup_defect_12_credentials_of_the_environment_and_an_endpoint_are_enough(
    cli: Cli, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(cli.folder / "nothing"))
    text = GROUPED.replace("{here}/store", f"s3://{s3_store.bucket}\nendpoint_url = {s3_store.between.endpoint}")
    ini = cli.ini(text.replace("[main]", "[main]\nregion = us-east-1"))
    (cli.data / "file").write_text("some file")

    assert cli("-c", ini).code == 0

    assert any(key.endswith(".zip") for key in s3_store.listed())


def test_s3_backup_defect_15_nothing_in_a_key_tells_a_name_where_names_are_private(cli: Cli) -> None:
    password = cli.folder / "password"
    password.write_text("correct horse")
    password.chmod(0o600)
    ini = cli.ini(GROUPED.replace("[main]", f"[main]\nseal = age\npassword_file = {password}\nprivate_names = yes"))
    (cli.data / "secret-project").mkdir()
    (cli.data / "secret-project/plans.txt").write_text("some plans")

    assert cli("-c", ini).code == 0

    names = [path.name for path in (cli.folder / "store").rglob("*")]
    assert names
    assert not [name for name in names if "secret" in name or "plans" in name or name.endswith(".zip")]
