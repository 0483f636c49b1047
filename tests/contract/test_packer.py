"""What every packer promises (:mod:`glacier_backup.pack.packer`), tried on each in the registry."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.pack.packer import Packer, leaving_out
from glacier_backup.pack.registry import PACKERS
from tests.contract.over_sftp import packers, remote
from tests.pack.here import TarPackerHere
from tests.pack.packing import ODD_NAMES, packed, read_all
from tests.streams import noise

CONTENT = noise(300_001)


EVERY = [
    *((place, container) for place in ("here", "sftp") for container in sorted(PACKERS)),
    ("here without GNU tar", "tar"),
]

of_directories = pytest.mark.parametrize(
    "packer", [one for one in EVERY if one[1] == "tar"], indirect=True, ids="-".join
)


@pytest.fixture(params=EVERY, ids="-".join)
def packer(request: pytest.FixtureRequest) -> Iterator[Packer]:
    place, container = request.param
    if place == "here":
        yield PACKERS[container]
        return
    if place == "here without GNU tar":
        yield TarPackerHere()
        return
    with remote(request.getfixturevalue("sshd"), connections=1) as (files, url):
        yield packers(files, url)[container]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "file"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    os.utime(path, ns=(0, 1_600_000_000_123_456_789))
    path.chmod(0o640)
    return path


def test_each_packer_is_registered_under_its_container() -> None:
    assert {container: packer.container for container, packer in PACKERS.items()} == {one: one for one in PACKERS}


def test_the_same_content_gives_the_same_bytes(packer: Packer, file: Path, tmp_path: Path) -> None:
    twin = tmp_path / "elsewhere"
    twin.write_bytes(CONTENT)
    twin.chmod(0o640)
    os.utime(twin, ns=(10**18, 1_600_000_000_123_456_789))
    assert packed(packer, file, "file").data == packed(packer, twin, "file").data


@pytest.mark.parametrize("size", [1, 511, 512, 513, 10_240, 65_536, 10**7])
def test_the_bytes_do_not_depend_on_the_buffer(packer: Packer, file: Path, size: int) -> None:
    os.truncate(file, 2000)
    assert packed(packer, file, "file", size).data == packed(packer, file, "file").data


@pytest.mark.parametrize("length", [0, 1, 65_535, 65_536, 65_537])
def test_only_the_end_comes_short(packer: Packer, file: Path, length: int) -> None:
    file.write_bytes(CONTENT[:length])
    whole = packed(packer, file, "file").data
    buffer = memoryview(bytearray(65_536))
    with packer.pack(str(file), "file") as stream:
        counts = [stream.readinto(buffer) for _ in range(len(whole) // 65_536 + 3)]
    assert counts[: len(whole) // 65_536] == [65_536] * (len(whole) // 65_536)
    assert counts[len(whole) // 65_536 :] == [len(whole) % 65_536, 0, 0]


def test_an_empty_buffer_is_not_the_end(packer: Packer, file: Path) -> None:
    with packer.pack(str(file), "file") as stream:
        assert stream.readinto(memoryview(bytearray())) == 0
        assert CONTENT in read_all(stream)


def test_the_member_list_says_what_is_in_it(packer: Packer, file: Path) -> None:
    (member,) = packed(packer, file, "file").members
    assert (member.path, member.type, member.size, member.offset) == ("file", "file", len(CONTENT), 0)
    assert member.mtime_ns in (1_600_000_000_123_456_789, 1_600_000_000_000_000_000)  # a server tells whole seconds
    assert (member.mode, member.target) == (0o640, None)


def test_nothing_is_wrong_with_a_file_that_holds_still(packer: Packer, file: Path) -> None:
    outcome = packed(packer, file, "file").outcome
    assert outcome.problems == ()
    assert not outcome.changed


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_kept(packer: Packer, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("content")
    result = packed(packer, path, name)
    assert [member.path for member in result.members] == [name]
    assert b"content" in result.data


def test_a_symlink_is_packed_as_what_it_points_to(packer: Packer, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    result = packed(packer, link, "link")
    assert [(member.path, member.type, member.size) for member in result.members] == [("link", "file", len(CONTENT))]
    assert result.data == packed(packer, file, "link").data
    assert result.outcome.problems == ()


def test_a_file_that_grows_while_it_is_read_is_called_changed(packer: Packer, file: Path) -> None:
    file.write_bytes(noise(5_000_000))
    with packer.pack(str(file), "file") as stream:
        stream.readinto(memoryview(bytearray(512)))
        _wait_for_the_clock(file)
        with file.open("ab") as more:
            more.write(CONTENT)
        read_all(stream)
        assert stream.outcome().changed


def test_a_file_that_shrinks_while_it_is_read_is_called_changed(packer: Packer, file: Path) -> None:
    file.write_bytes(noise(5_000_000))
    with packer.pack(str(file), "file") as stream:
        stream.readinto(memoryview(bytearray(512)))
        os.truncate(file, 4_000_000)
        read_all(stream)
        outcome = stream.outcome()
    assert outcome.changed
    assert outcome.problems == ()


def _missing(path: Path) -> None:
    pass


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _looping(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_missing, _dangling, _looping, os.mkfifo], ids=lambda make: make.__name__)
def test_what_is_no_file_is_an_error_and_does_not_block(
    packer: Packer, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "it"
    make(path)
    with pytest.raises(SourceError, match=str(path)), packer.pack(str(path), "it"):
        pass


@pytest.mark.parametrize("count", [0, 1, 1000, 10**8])
def test_leaving_ends_and_removes_everything(
    packer: Packer, file: Path, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(noise(5_000_000))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    os.mkdir(tmp_path / "temporary")
    before = resources()
    with packer.pack(str(file), "file") as stream:
        stream.readinto(memoryview(bytearray(count)))
        assert os.listdir(tmp_path / "temporary") == []
    assert resources() == before


def test_leaving_by_an_error_ends_everything_and_keeps_the_error(packer: Packer, file: Path) -> None:
    before = resources()
    with pytest.raises(OSError, match="the wire broke"), packer.pack(str(file), "file"):
        raise OSError("the wire broke")
    assert resources() == before


@pytest.mark.parametrize("length", [0, 1, 512, 300_001])
def test_the_estimate_is_not_too_small(packer: Packer, file: Path, length: int) -> None:
    file.write_bytes(CONTENT[:length])
    size = len(packed(packer, file, "file").data)
    assert size <= packer.estimate(length, 1) <= size + 20_000


def test_the_step_survives_in_a_recipe(packer: Packer) -> None:
    recipe = Recipe((packer.step(),))
    assert parse_recipe(recipe.to_json()) == recipe


@of_directories
def test_what_is_left_out_of_a_directory_is_not_in_the_archive(packer: Packer, tmp_path: Path) -> None:
    top = tmp_path / "top"
    for path in ("keep", "a.tmp", "node_modules/deep/x", "sub/node_modules/y", "sub/a.tmp", "sub/b", "build/x"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("content")
    (top / "sub/build").mkdir()
    (top / "sub/linked").hardlink_to(top / "sub/a.tmp")
    (top / "sub/node_modules.d").symlink_to("node_modules")
    exclusion = Exclusion(("node_modules/", "*.tmp", "/build/"), ("^sub/b$",))
    result = packed(leaving_out(packer, exclusion), top, "top")
    expected = ["top", "top/keep", "top/sub", "top/sub/build", "top/sub/linked", "top/sub/node_modules.d"]
    assert [member.path for member in result.members] == expected
    assert sorted(result.tarfile().getnames()) == expected
    assert (result.outcome.problems, result.outcome.changed) == ((), False)
    assert packed(packer, top, "top").data != result.data


@of_directories
def test_any_name_can_be_left_out_by_itself(packer: Packer, tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "folder").mkdir(parents=True)
    names = (*ODD_NAMES, "blank ", "tab\t", "ends\n", "\\101x", "a\\", "[x]", "folder")
    for name in names:
        (top / f"x{name}"[:255]).mkdir()
        (top / f"x{name}"[:255] / "inside").touch()
        (top / "folder" / name).touch()
    result = packed(leaving_out(packer, Exclusion((), ("^x", "^folder/(?!plain)."))), top, "top")
    assert [member.path for member in result.members] == ["top", "top/folder", "top/folder/plain"]


def test_of_a_file_nothing_is_left_out(packer: Packer, file: Path) -> None:
    assert packed(leaving_out(packer, Exclusion(("*",))), file, "file") == packed(packer, file, "file")


def _wait_for_the_clock(path: Path) -> None:
    """Until a write would give another mtime: a file system's clock may tick only every few milliseconds."""
    probe = path.with_name("probe")
    probe.touch()
    first = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == first:
        probe.touch()


def resources() -> tuple[list[str], list[str], int]:
    """Children and open files of this process, and its threads."""
    children = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended since it was listed
            children += (task / "children").read_text().split()
    return children, sorted(os.listdir("/proc/self/fd")), threading.active_count()
