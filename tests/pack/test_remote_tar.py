"""Directories of a server as tars."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceUnavailable
from glacier_backup.model.archive import ReadProblem
from glacier_backup.pack.remote_tar import RemoteTarPacker
from glacier_backup.pack.tar_writer import LARGE
from glacier_backup.ssh import Connections
from glacier_backup.ssh import remote as remote_module
from glacier_backup.ssh.remote import Remote
from tests.contract.over_sftp import PackerOverSftp, packers, remote
from tests.pack.packing import ODD_NAMES, grow, packed, read_all, seen
from tests.resolve.test_sftp_fingerprint import of_whole_seconds
from tests.resolve.trees import CAPABILITIES, write
from tests.ssh_server.relay import Relay
from tests.ssh_server.scripted import ScriptedServer
from tests.ssh_server.sshd import Sshd
from tests.streams import noise


@pytest.fixture
def tar(sshd: Sshd) -> Iterator[PackerOverSftp]:
    with remote(sshd) as (files, url):
        yield packers(files, url)["tar"]


@pytest.mark.parametrize("seed", range(3))
def test_stock_tar_finds_no_difference_between_it_and_the_tree(tar: PackerOverSftp, tmp_path: Path, seed: int) -> None:
    grow(tmp_path / "tree", seed)
    (tmp_path / "tree" / "large").write_bytes(noise(3 * LARGE + 5))
    of_whole_seconds(tmp_path / "tree")
    result = packed(tar, tmp_path / "tree", "tree")
    assert (result.outcome.problems, result.outcome.changed) == ((), False)
    (tmp_path / "tar").write_bytes(result.data)
    done = subprocess.run(["tar", "--compare", "-f", "tar"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xpf", tmp_path / "tar", "-C", tmp_path / "out"], check=True)
    there, here = seen(tmp_path / "tree"), seen(tmp_path / "out" / "tree")
    assert {name: one[:-1] for name, one in there.items()} == {name: one[:-1] for name, one in here.items()}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_kept(tar: PackerOverSftp, tmp_path: Path, name: str) -> None:
    write(tmp_path / "tree" / name / name, "content")
    (tmp_path / "tree" / f"{name[:200]}.link").symlink_to(name)
    members = {one.path: one for one in packed(tar, tmp_path / "tree", "t").members}
    assert members[f"t/{name}/{name}"].size == 7
    assert members[f"t/{name[:200]}.link"].target == name


def test_links_inside_are_stored_and_never_followed(tar: PackerOverSftp, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "loop").symlink_to(".")
    (tree / "out").symlink_to("/etc")
    members = packed(tar, tree, "tree").members
    assert [(one.path, one.type, one.target) for one in members] == [
        ("tree", "directory", None),
        ("tree/loop", "symlink", "."),
        ("tree/out", "symlink", "/etc"),
    ]


def test_names_that_differ_in_case_or_form_alone_stay_apart(tar: PackerOverSftp, tmp_path: Path) -> None:
    names = ["B", "b", "u\u0308", "\u00fc"]
    for name in names:
        write(tmp_path / "tree" / name, name)
    members = packed(tar, tmp_path / "tree", "t").members
    assert [one.path for one in members[1:]] == [f"t/{name}" for name in sorted(names, key=os.fsencode)]


def test_sockets_are_left_out_and_devices_are_problems(tar: PackerOverSftp, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    write(tree / "file")
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "socket"))
    expected: tuple[ReadProblem, ...] = ()
    if os.geteuid() == 0:
        os.mknod(tree / "null", 0o20600, os.makedev(1, 3))
        cause = "a character device, whose numbers SFTP doesn't tell"
        expected = (ReadProblem(f"{tree}/null", cause),)
    result = packed(tar, tree, "tree")
    assert [one.type for one in result.members] == ["directory", "fifo", "file"]
    assert [(one.path.partition("sftp://")[2].partition("/")[2], one.cause) for one in result.outcome.problems] == [
        (one.path[1:], one.cause) for one in expected
    ]


@pytest.fixture
def unprivileged(sshd_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackerOverSftp]:
    """A server that permissions hold for."""
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and setpriv (util-linux) is missing")
        prefix = ("setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}")
    with Sshd(tmp_path_factory.mktemp("sshd"), sshd_program, prefix) as server, remote(server) as (files, url):
        yield packers(files, url)["tar"]


def test_what_can_not_be_read_is_a_problem_and_the_rest_is_packed(unprivileged: PackerOverSftp, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("a", "closed/inner", "large", "z"):
        write(tree / name, "content")
    (tree / "large").write_bytes(noise(2 * LARGE))
    for name in ("a", "closed", "large"):
        (tree / name).chmod(0)
    result = packed(unprivileged, tree, "tree")
    (tree / "closed").chmod(0o700)
    assert [one.path for one in result.members] == ["tree", "tree/closed", "tree/z"]
    problems = [(one.path.rpartition("/")[2], one.cause) for one in result.outcome.problems]
    assert problems == [("a", "Permission denied"), ("closed", "Permission denied"), ("large", "Permission denied")]


def test_a_directory_that_can_not_be_read_at_all_is_an_error(unprivileged: PackerOverSftp, tmp_path: Path) -> None:
    write(tmp_path / "tree" / "file").parent.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        packed(unprivileged, tmp_path / "tree", "tree")
    (tmp_path / "tree").chmod(0o700)


def test_a_connection_that_breaks_again_and_again_loses_nothing(
    sshd: Sshd, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    # Without a pause worth the name the same one may be among the unlucky again and again.
    monkeypatch.setattr(remote_module, "TRIES", 100)
    for number in range(200):
        write(tmp_path / "tree" / f"{number % 7}" / f"{number}", "x" * number * 50)
    (tmp_path / "tree" / "large").write_bytes(noise(12_000_000))
    relay.drop_after = 1_500_000
    with remote(sshd) as (files, url):
        expected = packed(packers(files, url)["tar"], tmp_path / "tree", "tree")
    with remote(sshd, relay.port) as (files, url):
        result = packed(packers(files, url)["tar"], tmp_path / "tree", "tree")
    assert result.data == expected.data
    assert result.outcome == expected.outcome
    assert relay.connections > 8


def test_a_server_that_goes_away_is_an_error_of_its_own(
    sshd: Sshd, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(remote_module, "LONGEST_WAIT", 0.01)
    for number in range(30):
        write(tmp_path / "tree" / f"{number}", "x" * 100_000)
    with remote(sshd, relay.port) as (files, url), RemoteTarPacker(files).pack(f"{url}{tmp_path}/tree", "t") as stream:
        stream.readinto(memoryview(bytearray(1000)))
        relay.refusing = True
        relay.break_all()
        with pytest.raises(SourceUnavailable):
            read_all(stream)


def test_a_link_whose_target_is_not_told_is_a_problem(scripted: ScriptedServer) -> None:
    top = scripted.root / "tree"
    write(top / "file", "x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glacier_backup.ssh.reading.link_target", _refused)
        (top / "link").symlink_to("file")
        connections = Connections(scripted.server())
        result = packed(RemoteTarPacker(Remote(connections)), "sftp://pca@h:22/tree", "t")
        connections.close()
    assert [one.path for one in result.members] == ["t", "t/file"]
    assert result.outcome.problems == (
        ReadProblem("sftp://pca@h:22/tree/link", "the server doesn't tell what the link points to"),
    )


async def _refused(session: object, path: bytes) -> bytes:
    raise PermissionError(13, "Permission denied")
