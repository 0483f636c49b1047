"""Groups of this machine's files: what is swapped, changes or breaks while they are packed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.pack import group_names, held
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.group import GroupPacker
from glacier_backup.pack.group_names import GroupNames
from glacier_backup.pack.group_stream import GroupStream
from glacier_backup.pack.local_group import LocalGroup
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.pack.tar_writer import LARGE, TarWriter
from glacier_backup.pack.tree import Piece, Range
from glacier_backup.pack.written_tar import WrittenTar
from tests.pack.conftest import InFrontOfTar
from tests.pack.gathered import GroupPackerHere, contents_below
from tests.pack.packing import Packed, packed, read_all
from tests.permissions import with_mode, without_privilege
from tests.streams import noise

OLD = 1_600_000_000 * 10**9


@pytest.fixture(params=[GroupPacker, GroupPackerHere], ids=["GNU tar", "here"])
def groups(request: pytest.FixtureRequest) -> type[GroupPacker]:
    found: type[GroupPacker] = request.param
    return found


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A section of three files, the one in the middle large, none changed lately."""
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    for name, size in (("a", 1000), ("b", 3 * LARGE), ("sub/c", 1000)):
        (top / name).write_bytes(noise(size))
        os.utime(top / name, ns=(0, OLD))
    return top


def names(result: Packed) -> list[str]:
    return [one.path for one in result.members]


def older(result: Packed) -> list[str]:
    """What is listed with another time than the tar has."""
    pairs = zip(result.members, result.tarfile(), strict=True)
    return [one.path for one, info in pairs if one.mtime_ns // 10**9 != info.mtime // 1]


def test_what_gnu_tar_packs_is_packed_without_it(tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (top / "link").symlink_to("nowhere")
    (top / "twin").hardlink_to(top / "a")
    by_tar = packed(GroupPacker(contents_below(top)), top, "top")
    monkeypatch.setenv("PATH", str(tmp_path))
    result = packed(GroupPacker(contents_below(top)), top, "top")
    assert [one._replace(offset=0) for one in result.members] == [one._replace(offset=0) for one in by_tar.members]


def test_permissions_owners_attributes_and_times_are_kept(groups: type[GroupPacker], top: Path, tmp_path: Path) -> None:
    (top / "a").chmod(0o4751)
    os.utime(top / "a", ns=(0, -1_234_567_891))
    try:
        os.setxattr(top / "a", "user.colour", b"blue")
    except OSError:
        pytest.skip("no extended attributes here")
    (tmp_path / "out").mkdir()
    data = packed(groups(contents_below(top)), top, "top").data
    subprocess.run(["tar", "-xp", "--xattrs", "-C", tmp_path / "out"], input=data, check=True)
    found = (tmp_path / "out/top/a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o4751, -1_234_567_891)
    assert os.getxattr(tmp_path / "out/top/a", "user.colour") == b"blue"


def test_attributes_of_what_a_link_leads_to_come_with_it(groups: type[GroupPacker], top: Path, tmp_path: Path) -> None:
    try:
        os.setxattr(top / "a", "user.colour", b"blue")
    except OSError:
        pytest.skip("no extended attributes here")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a").symlink_to(top / "a")
    result = packed(groups(contents_below(tmp_path / "links", follow=True)), tmp_path / "links", "l")
    (info,) = result.tarfile()
    assert info.pax_headers["SCHILY.xattr.user.colour"] == "blue"
    assert (info.name, info.isreg(), info.size) == ("l/a", True, 1000)


def unprivileged(groups: type[GroupPacker], request: pytest.FixtureRequest, pack: Callable[[], Packed]) -> Packed:
    """Permissions hold for who looks and for who reads."""
    if groups is GroupPacker:
        request.getfixturevalue("tar_without_privilege")
    with without_privilege():
        return pack()


def test_what_can_not_be_read_is_a_problem_and_the_rest_is_packed(
    groups: type[GroupPacker], top: Path, request: pytest.FixtureRequest
) -> None:
    contents = contents_below(top)
    (top / "a").chmod(0)
    result = unprivileged(groups, request, lambda: packed(groups(contents), top, "top"))
    assert names(result) == ["top/b", "top/sub/c"]
    assert result.outcome == PackOutcome((ReadProblem(f"{top}/a", "Permission denied"),), changed=False)


def test_what_lies_in_a_directory_that_can_not_be_entered_is_a_problem(
    groups: type[GroupPacker], top: Path, request: pytest.FixtureRequest
) -> None:
    contents = contents_below(top)
    with with_mode(top / "sub"):
        result = unprivileged(groups, request, lambda: packed(groups(contents), top, "top"))
    assert names(result) == ["top/a", "top/b"]
    assert result.outcome.problems == (ReadProblem(f"{top}/sub/c", "Permission denied"),)


def test_a_group_of_which_nothing_can_be_read_is_an_error(
    groups: type[GroupPacker], top: Path, request: pytest.FixtureRequest
) -> None:
    contents = contents_of(one for one in contents_below(top) if one.name == "a")
    (top / "a").chmod(0)
    with pytest.raises(SourceError) as raised:
        unprivileged(groups, request, lambda: packed(groups(contents), top, "top"))
    assert str(raised.value) == f"none of its files can be read; the first is {top}/a: Permission denied"


def test_a_file_that_was_changed_after_packing_began_is_listed_a_second_older(
    groups: type[GroupPacker], top: Path
) -> None:
    contents = contents_below(top)
    with GroupPacker(contents).pack(str(top), "top") as stream:
        time.sleep(0.03)
        os.utime(top / "sub/c")
        data = read_all(stream)
        result = Packed(data, stream.outcome(), list(stream.members()))
    assert older(result) == ["top/sub/c"]
    assert not result.outcome.changed


def test_files_that_were_written_a_moment_ago_are_listed_as_they_are(top: Path) -> None:
    (top / "new").write_text("content")
    result = packed(GroupPacker(contents_below(top)), top, "top")
    assert older(result) == []
    assert [one.mtime_ns for one in result.members] == [one.mtime_ns for one in contents_below(top)]


def test_a_time_to_come_is_listed_as_it_is(top: Path) -> None:
    os.utime(top / "a", ns=(0, 2**62))
    assert packed(GroupPacker(contents_below(top)), top, "top").members[0].mtime_ns == 2**62


def test_what_vanishes_after_its_name_was_told_is_left_out(top: Path) -> None:
    with GroupPacker(contents_below(top)).pack(str(top), "top") as stream:
        buffer = memoryview(bytearray(512))
        stream.readinto(buffer)
        shutil.rmtree(top / "sub")
        result = Packed(bytes(buffer) + read_all(stream), stream.outcome(), list(stream.members()))
    assert names(result) == ["top/a", "top/b"]
    assert result.outcome == PackOutcome((), changed=False)


def _swap(top: Path) -> None:
    (top / "sub").rename(top.parent / "moved")
    (top.parent / "outside").mkdir()
    (top.parent / "outside" / "c").write_text("secret")
    (top / "sub").symlink_to(top.parent / "outside")


def test_a_directory_that_becomes_a_link_while_tar_reads_is_an_error(top: Path) -> None:
    with GroupPacker(contents_below(top)).pack(str(top), "top") as stream:
        stream.readinto(memoryview(bytearray(512)))
        _swap(top)
        with pytest.raises(SourceError, match=f"{top}/sub: while files in it were read"):
            read_all(stream)


def test_what_lies_behind_a_directory_that_became_a_link_is_not_told_to_tar_even_where_it_is_in_it(top: Path) -> None:
    for number in range(1000):
        (top / "sub" / f"c{number:0100}").write_text("mine")
    contents, said = contents_below(top), b""
    root = os.open(top, os.O_RDONLY)
    given = GroupNames(str(top), root, contents)
    there = os.dup(given.output)
    given.begin()
    said += os.read(there, 4096)
    _swap(top)
    while piece := os.read(there, 4096):
        said += piece
    with pytest.raises(SourceError, match=f"{top}/sub: while"):
        given.finish()
    for descriptor in (there, root):
        os.close(descriptor)
    assert 10 < said.count(b"\0") < 300


def test_without_gnu_tar_nothing_is_read_outside_whenever_that_happens(top: Path) -> None:
    contents = contents_below(top)

    def swap(one: Range) -> OSError | None:
        if one.entry.name == "b" and one.offset == 0:
            _swap(top)
        return None

    result = meddled(top, swap)
    assert names(result) == ["top/a", "top/b", "top/sub/c"][: len(result.members)]
    assert b"secret" not in result.data
    assert len(contents) == 3


class Meddled(LocalGroup):
    """A group in which something happens before a range is read."""

    def __init__(self, top: Path, meddle: Callable[[Range], OSError | None]) -> None:
        super().__init__(str(top), contents_below(top))
        self._meddle = meddle

    def read(self, ranges: Sequence[Range]) -> Sequence[Piece | OSError]:
        return [self._meddle(one) or super(Meddled, self).read([one])[0] for one in ranges]


def meddled(top: Path, meddle: Callable[[Range], OSError | None]) -> Packed:
    tree, doubts = Meddled(top, meddle), Doubts(str(top), "top")
    try:
        writer = TarWriter(str(top), "top", tree, 1, doubts)
        stream = GroupStream(WrittenTar(writer, writer.blocks(), lambda: True), doubts, lambda: True)
        return Packed(read_all(stream), stream.outcome(), list(stream.members()))
    finally:
        tree.close()


@pytest.mark.parametrize("name", ["a", "b"])
def test_without_gnu_tar_a_file_that_changes_is_listed_a_second_older(top: Path, name: str) -> None:
    result = meddled(top, lambda one: os.utime(top / name, ns=(0, OLD + 1)) if one.entry.name == name else None)
    member = next(one for one in result.members if one.path == f"top/{name}")
    assert member.mtime_ns in (OLD - 10**9, OLD + 1 - 10**9)
    assert [one.mtime_ns for one in result.members if one is not member] == [OLD, OLD]
    assert result.outcome == PackOutcome((), changed=False)


def test_without_gnu_tar_a_file_that_can_only_be_read_in_part_is_listed_a_second_older(top: Path) -> None:
    def broken(one: Range) -> OSError | None:
        return OSError(5, "bad disk") if one.offset == LARGE else None

    result = meddled(top, broken)
    assert [one.mtime_ns for one in result.members] == [OLD, OLD - 10**9, OLD]
    cause = f"bad disk at byte {LARGE}: zeros stand for the rest of the file"
    assert result.outcome == PackOutcome((ReadProblem(f"{top}/b", cause),), changed=False)


@pytest.mark.parametrize(
    "said", ["Read error at byte 0, while reading 512 bytes: bad disk", "file changed as we read it"]
)
def test_what_tar_says_of_a_file_makes_it_older(top: Path, in_front_of_tar: InFrontOfTar, said: str) -> None:
    in_front_of_tar(f"""tar "$@"; [ "$1" = --version ] || echo 'tar: "./sub/c": Warning: {said}' >&2; exit 1""")
    result = packed(GroupPacker(contents_below(top)), top, "top")
    assert [one.mtime_ns for one in result.members] == [OLD, OLD, OLD - 10**9]
    assert not result.outcome.changed


def test_files_that_differ_in_words_of_a_later_tar_are_a_change(top: Path, in_front_of_tar: InFrontOfTar) -> None:
    in_front_of_tar("""tar "$@"; echo 'tar: "./a": is not what it was' >&2; exit 1""")
    assert packed(GroupPacker(contents_below(top)), top, "top").outcome == PackOutcome((), changed=True)


def test_a_path_that_is_too_long_for_tar_is_packed_all_the_same(groups: type[GroupPacker], tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    before = os.getcwd()
    try:
        os.chdir(top)
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        Path("file").write_text("content")
    finally:
        os.chdir(before)
    contents = contents_below(top)
    result = packed(groups(contents), top, "top")
    assert names(result) == [f"top/{one.name}" for one in contents]
    assert result.outcome.problems == ()
    shutil.rmtree(top)


def test_a_tar_that_is_killed_is_an_error(top: Path, in_front_of_tar: InFrontOfTar) -> None:
    in_front_of_tar('[ "$1" = --version ] || kill -9 $$')
    with pytest.raises(SourceError, match="tar was ended by signal 9"):
        packed(GroupPacker(contents_below(top)), top, "top")


def test_a_tar_that_fails_before_it_has_taken_all_names_is_an_error_in_its_own_words(
    top: Path, in_front_of_tar: InFrontOfTar
) -> None:
    in_front_of_tar('[ "$1" = --version ] || set -- --no-such-option "$@"')
    contents = contents_of([*contents_below(top)] * 2000)
    with pytest.raises(SourceError, match="could not pack it: unrecognized option '--no-such-option'"):
        packed(GroupPacker(contents), top, "top")


def test_no_file_is_looked_at_long_before_tar_reads_it(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    asked = held.is_as_held

    def counted(mode: int, one: Held) -> bool:
        nonlocal looked_at
        looked_at += 1
        return asked(mode, one)

    monkeypatch.setattr(group_names, "is_as_held", counted)
    for number in range(2000):
        (top / f"c{number:0100}").touch()
    with GroupPacker(contents_below(top)).pack(str(top), "top") as stream:
        stream.readinto(memoryview(bytearray(512)))
        time.sleep(0.2)
        assert 0 < looked_at < 200
        read_all(stream)
    assert looked_at == 2003


def test_names_that_no_tar_ever_took_leave_nothing_open(top: Path) -> None:
    before = os.listdir("/proc/self/fd")
    root = os.open(top, os.O_RDONLY)
    GroupNames(str(top), root, contents_below(top)).close()
    os.close(root)
    assert os.listdir("/proc/self/fd") == before


def test_only_the_file_in_doubt_is_listed_as_older(top: Path) -> None:
    doubts = Doubts("/", "root")
    doubts.add("/a/b")
    member = Member("root/a/b", "file", 1, 5 * 10**9, 0o600, 0, None)
    other = member._replace(path="root/a/c")
    assert list(doubts.listed(iter([member, other]))) == [member._replace(mtime_ns=4 * 10**9), other]
