"""What every packer of groups promises, tried on each: GNU tar's, our own tar and ZIP, here and there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.contents import Contents, Held, contents_of
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.pack.group import GroupPacker
from glacier_backup.pack.remote_group import RemoteGroupPacker
from glacier_backup.pack.remote_zip import RemoteZipPacker
from glacier_backup.pack.tar_writer import LARGE, SMALL
from glacier_backup.pack.zip import ZipPacker
from tests.contract.over_sftp import PackerOverSftp, remote
from tests.contract.test_packer import resources
from tests.lacking import lacking
from tests.pack.gathered import GroupPackerHere, GroupsOf, contents_below
from tests.pack.packing import ODD_NAMES, Packed, packed, read_all
from tests.resolve.test_sftp_fingerprint import of_whole_seconds
from tests.streams import noise

SIZES = (0, 1, 512, 700, SMALL, SMALL + 1, LARGE + 7)


@pytest.fixture(params=["GNU tar", "here", "sftp", "zip", "zip over sftp"])
def groups(request: pytest.FixtureRequest) -> Iterator[GroupsOf]:
    if request.param == "GNU tar":
        yield GroupPacker
    elif request.param == "here":
        yield GroupPackerHere
    elif request.param == "zip":
        yield ZipPacker
    else:
        made = RemoteGroupPacker if request.param == "sftp" else RemoteZipPacker
        with remote(request.getfixturevalue("sshd"), connections=1) as (files, url):
            yield lambda contents: PackerOverSftp(made(files, contents), url)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A section of a few files, and what is beside it."""
    top = tmp_path / "photos"
    for name, size in zip(
        ("2020/a.jpg", "2020/b.jpg", "2020/x/c.jpg", "2021/a.jpg", "d", "e", "f"), SIZES, strict=True
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(noise(size, size))
        (top / name).chmod(0o640)
    (top / "2020" / "empty").mkdir()
    (top / "2020" / "link").symlink_to("../d")
    (tmp_path / "outside").mkdir()
    for name in ("a.jpg", "b.jpg", "x"):
        (tmp_path / "outside" / name).write_text("secret")
    of_whole_seconds(top)
    return top


def names(result: Packed) -> list[str]:
    """As listed, which must be as stored."""
    listed = [one.path for one in result.members]
    assert listed == [one.name for one in result.stored()]
    return listed


def test_files_and_links_are_packed_in_order_and_no_directories(groups: GroupsOf, photos: Path) -> None:
    contents = contents_below(photos)
    result = packed(groups(contents), photos, "photos")
    assert names(result) == [f"photos/{one.name}" for one in contents]
    assert {one.type for one in result.members} == {"file", "symlink"}
    assert (result.outcome.problems, result.outcome.changed) == ((), False)


def test_each_member_is_listed_as_it_was_held_and_where_it_lies(groups: GroupsOf, photos: Path) -> None:
    contents = contents_below(photos)
    result = packed(groups(contents), photos, "photos")
    for one, member, found in zip(contents, result.members, result.stored(), strict=True):
        assert (member.mtime_ns, member.mode) == (one.mtime_ns, one.mode)
        assert (member.offset, member.size, member.target) == (found.offset, found.size, found.target)
        assert member.size == (0 if one.is_link else one.size)


def test_stock_tools_bring_them_back(groups: GroupsOf, photos: Path, tmp_path: Path) -> None:
    contents = contents_below(photos)
    (tmp_path / "out").mkdir()
    data = packed(groups(contents), photos, "photos").data
    _unpack(data, tmp_path / "out")
    # unzip gives links no times.
    assert [*map(_look, contents_below(tmp_path / "out" / "photos"))] == [*map(_look, contents)]
    for one in contents:
        assert (tmp_path / "out" / "photos" / one.name).read_bytes() == (photos / one.name).read_bytes()


def _look(held: Held) -> Held:
    return held._replace(mtime_ns=0) if held.is_link else held


def _unpack(data: bytes, folder: Path) -> None:
    if data[:2] != b"PK":
        subprocess.run(["tar", "-xp", "-C", folder], input=data, check=True)
        return
    if shutil.which("unzip") is None:
        lacking("unzip is missing")
    (folder / "x.zip").write_bytes(data)
    subprocess.run(["unzip", "-q", "x.zip"], cwd=folder, check=True)


def test_only_what_is_held_is_packed(groups: GroupsOf, photos: Path) -> None:
    some = contents_of(one for one in contents_below(photos) if one.name in ("d", "2020/x/c.jpg"))
    assert names(packed(groups(some), photos, "photos")) == ["photos/2020/x/c.jpg", "photos/d"]


def test_the_same_files_give_the_same_bytes_wherever_they_lie(groups: GroupsOf, photos: Path, tmp_path: Path) -> None:
    twin = tmp_path / "else" / "where"
    shutil.copytree(photos, twin, symlinks=True)
    for path in twin.rglob("*"):
        os.utime(path, ns=(10**18, path.lstat().st_mtime_ns), follow_symlinks=False)
    first = packed(groups(contents_below(photos)), photos, "photos").data
    assert packed(groups(contents_below(twin)), twin, "photos").data == first


@pytest.mark.parametrize("size", [1, 511, 10_240, 10**7])
def test_the_bytes_do_not_depend_on_the_buffer(groups: GroupsOf, photos: Path, size: int) -> None:
    (photos / "f").unlink()
    packer = groups(contents_below(photos))
    assert packed(packer, photos, "x", size).data == packed(packer, photos, "x").data


def test_a_section_may_be_a_link(groups: GroupsOf, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photos)
    packer = groups(contents_below(photos))
    assert packed(packer, tmp_path / "link", "p").data == packed(packer, photos, "p").data


def test_a_section_at_the_root_has_no_slash_too_many(groups: GroupsOf) -> None:
    found = os.stat("/etc/hostname")
    held = contents_of([Held("etc/hostname", False, found.st_size, found.st_mtime_ns)])
    result = packed(groups(held), "/", "root")
    assert (names(result), result.outcome.problems) == (["root/etc/hostname"], ())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_kept(groups: GroupsOf, tmp_path: Path, name: str) -> None:
    top = tmp_path / "top"
    (top / name).mkdir(parents=True)
    (top / name / name).write_text("content")
    (top / f"x{name}"[:200]).symlink_to(name)
    contents = contents_below(top)
    result = packed(groups(contents), top, name)
    assert names(result) == [f"{name}/{one.name}" for one in contents]
    assert {one.target for one in result.members} == {None, name}


def test_each_name_of_a_file_is_a_file_of_its_own(groups: GroupsOf, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "t").mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_text("content") if name == "a" else (tmp_path / "t/b").hardlink_to(
            tmp_path / "t/a"
        )
    result = packed(groups(contents_below(tmp_path / "t")), tmp_path / "t", "t")
    assert [(one.path, one.type, one.size) for one in result.members] == [("t/a", "file", 7), ("t/b", "file", 7)]
    assert result.data.count(b"content") == 2


def test_links_are_followed_where_that_is_said(groups: GroupsOf, photos: Path, tmp_path: Path) -> None:
    (photos / "there").symlink_to(tmp_path / "outside")
    (photos / "gone").symlink_to("nowhere")
    contents = contents_below(photos, follow=True)
    result = packed(groups(contents), photos, "photos")
    assert {"photos/there/a.jpg", "photos/2020/link"} <= {*names(result)}
    assert {one.type for one in result.members} == {"file"}
    assert result.data.count(b"secret") == 3
    assert (result.outcome.problems, result.outcome.changed) == ((), False)


def test_what_vanished_is_left_out_without_a_word(groups: GroupsOf, photos: Path) -> None:
    contents = contents_below(photos)
    (photos / "d").unlink()
    shutil.rmtree(photos / "2020")
    result = packed(groups(contents), photos, "photos")
    assert names(result) == ["photos/2021/a.jpg", "photos/e", "photos/f"]
    assert (result.outcome.problems, result.outcome.changed) == ((), False)


def test_what_has_become_something_else_is_left_out_and_does_not_block(groups: GroupsOf, photos: Path) -> None:
    contents = contents_below(photos)
    for name in ("d", "e", "2020/a.jpg", "2020/link"):
        (photos / name).unlink()
    os.mkfifo(photos / "d")
    (photos / "e").mkdir()
    (photos / "2020/a.jpg").symlink_to("b.jpg")
    (photos / "2020/link").write_text("a file")
    result = packed(groups(contents), photos, "photos")
    assert names(result) == [f"photos/{one}" for one in ("2020/b.jpg", "2020/x/c.jpg", "2021/a.jpg", "f")]
    assert (result.outcome.problems, result.outcome.changed) == ((), False)


@pytest.mark.parametrize("swapped", ["2020", "2020/x"])
def test_nothing_is_read_behind_a_directory_that_has_become_a_link(
    groups: GroupsOf, photos: Path, tmp_path: Path, swapped: str
) -> None:
    contents = contents_below(photos)
    (photos / swapped).rename(tmp_path / "moved")
    (photos / swapped).symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "c.jpg").write_text("secret")
    result = packed(groups(contents), photos, "photos")
    assert names(result) == [f"photos/{one.name}" for one in contents if not one.name.startswith(f"{swapped}/")]
    assert b"secret" not in result.data


def _without_all(photos: Path) -> None:
    shutil.rmtree(photos)
    photos.mkdir()


def _without_the_section(photos: Path) -> None:
    shutil.rmtree(photos)


def _all_behind_a_link(photos: Path) -> None:
    _without_all(photos)
    for name in ("2020", "2021"):
        (photos / name).symlink_to(photos.parent / "outside")


@pytest.mark.parametrize("how", [_without_all, _all_behind_a_link, _without_the_section], ids=lambda how: how.__name__)
def test_a_group_of_which_nothing_is_left_is_an_error(
    groups: GroupsOf, photos: Path, how: Callable[[Path], None]
) -> None:
    contents = contents_below(photos)
    how(photos)
    with pytest.raises(SourceError, match=str(photos)):
        packed(groups(contents), photos, "photos")


@pytest.mark.parametrize("name", ["2020/b.jpg", "a", "e", "f"])
@pytest.mark.parametrize("count", [512, 3_000_000])
def test_what_is_listed_with_the_size_and_time_that_it_has_is_stored_as_it_is(
    groups: GroupsOf, photos: Path, name: str, count: int
) -> None:
    (photos / "a").write_bytes(noise(12_000_000))
    of_whole_seconds(photos)
    contents = contents_below(photos)
    with groups(contents).pack(str(photos), "photos") as stream:
        buffer = memoryview(bytearray(count))
        stream.readinto(buffer)
        with (photos / name).open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"changed")
        result = Packed(bytes(buffer) + read_all(stream), stream.outcome(), list(stream.members()))
    looks = {one.name: (one.size, one.mtime_ns) for one in contents_below(photos)}
    for one, found in zip(result.members, result.stored(), strict=True):
        below = one.path.removeprefix("photos/")
        if (one.size, one.mtime_ns) == looks[below] and one.type == "file":
            assert found.content == (photos / below).read_bytes()
        else:
            assert below in (name, "2020/link")
    assert result.outcome.problems == ()
    assert groups(contents).container == "zip" or not result.outcome.changed


@pytest.mark.parametrize("count", [0, 1, 1000, 10**8])
def test_leaving_ends_and_removes_everything(
    groups: GroupsOf, photos: Path, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "a").write_bytes(noise(5_000_000))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    os.mkdir(tmp_path / "temporary")
    contents, before = _many(contents_below(photos)), resources()
    with groups(contents).pack(str(photos), "photos") as stream:
        stream.readinto(memoryview(bytearray(count)))
        assert os.listdir(tmp_path / "temporary") == []
    assert resources() == before


def _many(contents: Contents) -> Contents:
    """The same and many that are gone: more names than tar takes before it packs."""
    gone = (Held(f"gone/{number}", False, 0, 0) for number in range(3000))
    return contents_of([*contents, *gone, *contents])


def test_leaving_by_an_error_ends_everything_and_keeps_the_error(groups: GroupsOf, photos: Path) -> None:
    contents, before = contents_below(photos), resources()
    with pytest.raises(OSError, match="the wire broke"), groups(contents).pack(str(photos), "photos"):
        raise OSError("the wire broke")
    assert resources() == before


def test_the_estimate_is_not_too_small(groups: GroupsOf, photos: Path) -> None:
    contents = contents_below(photos)
    size = len(packed(groups(contents), photos, "photos").data)
    assert size <= groups(contents).estimate(contents.bytes, len(contents)) <= size + 2560 * len(contents) + 20_000


def test_the_step_survives_in_a_recipe(groups: GroupsOf) -> None:
    packer = groups(contents_of([]))
    assert packer.container == packer.step().name
    recipe = Recipe((packer.step(),))
    assert parse_recipe(recipe.to_json()) == recipe


def test_thousands_of_small_files_in_many_directories_are_packed(groups: GroupsOf, tmp_path: Path) -> None:
    top = tmp_path / "top"
    for number in range(1000):
        path = top / f"{number % 20:02}" / f"{number % 3}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    contents = contents_below(top)
    result = packed(groups(contents), top, "top")
    assert names(result) == [f"top/{one.name}" for one in contents]
    for found in result.stored()[::100]:
        assert found.content == found.name.rpartition("/")[2].encode()
