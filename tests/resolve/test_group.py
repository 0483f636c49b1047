"""What a group looks like: here and on a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceGone
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.resolve.group import fingerprint_group
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Source
from tests.contract.over_sftp import source_of
from tests.pack.gathered import contents_below, group_of
from tests.permissions import with_mode, without_privilege
from tests.resolve.test_sftp_fingerprint import of_whole_seconds


@pytest.fixture(params=["local", "sftp"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    with source_of(request) as one:
        yield one


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    for name in ("a", "sub/b", "sub/deep/c", "sub/d", "z"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / "sub" / "link").symlink_to("nowhere")
    of_whole_seconds(top)
    return top


def test_a_group_that_is_as_it_was_looks_like_its_contents(source: Source, top: Path) -> None:
    contents = contents_below(top, source=source)
    assert source.look(group_of(top, contents)) == source.look(group_of(top, contents))
    found = source.look(group_of(top, contents))
    assert (found.digest, found.bytes, found.entries) == (contents.digest, contents.bytes, 6)
    assert (found.newest_mtime_ns, found.mode) == (contents.newest_mtime_ns, None)


def test_what_is_beside_its_files_is_no_part_of_it(source: Source, top: Path) -> None:
    contents = contents_below(top)
    (top / "new").touch()
    (top / "sub" / "new").touch()
    assert source.look(group_of(top, contents)).digest == contents.digest


@pytest.mark.parametrize("name", ["a", "sub/deep/c"])
def test_a_file_that_was_changed_makes_another_look(source: Source, top: Path, name: str) -> None:
    contents = contents_below(top)
    os.utime(top / name, ns=(0, 0))
    found = source.look(group_of(top, contents))
    assert found.digest == contents_below(top).digest != contents.digest
    (top / name).write_text("and longer")
    assert source.look(group_of(top, contents)).bytes == contents.bytes - len(name) + len("and longer")


def test_what_is_gone_is_left_out(source: Source, top: Path) -> None:
    contents = contents_below(top)
    (top / "a").unlink()
    shutil.rmtree(top / "sub" / "deep")
    assert source.look(group_of(top, contents)).digest == contents_below(top).digest


def test_what_has_become_something_else_is_gone(source: Source, top: Path) -> None:
    contents = contents_below(top)
    for name in ("a", "z", "sub/b", "sub/link"):
        (top / name).unlink()
    os.mkfifo(top / "a")
    (top / "z").mkdir()
    (top / "sub/b").symlink_to("d")
    (top / "sub/link").touch()
    rest = contents_of(one for one in contents if one.name in ("sub/d", "sub/deep/c"))
    assert source.look(group_of(top, contents)).digest == rest.digest


def test_what_lies_behind_a_link_is_gone_unless_links_are_followed(source: Source, top: Path, tmp_path: Path) -> None:
    contents = contents_below(top)
    (top / "sub").rename(tmp_path / "moved")
    (top / "sub").symlink_to(tmp_path / "moved")
    assert source.look(group_of(top, contents)).entries == 2
    (tmp_path / "moved" / "link").unlink()
    followed = contents_below(top, follow=True)
    assert len(followed) == 5
    assert source.look(group_of(top, followed)).digest == followed.digest
    (tmp_path / "moved" / "b").write_text("changed")
    assert source.look(group_of(top, followed)).digest != followed.digest


def test_a_group_of_which_nothing_is_left_is_an_error_that_names_it(source: Source, top: Path) -> None:
    candidate = group_of(top, contents_below(top))
    shutil.rmtree(top)
    with pytest.raises(SourceError, match=candidate.path):
        source.look(candidate)
    top.mkdir()
    with pytest.raises(SourceGone, match=rf"{candidate.path}: none of the files in it is left"):
        source.look(candidate)


def test_what_can_not_be_looked_at_is_left_out_and_the_reason_told_where_that_is_all(top: Path) -> None:
    contents, source = contents_below(top), LocalSource()
    inside = contents_of(one for one in contents if one.name.startswith("sub/"))
    with with_mode(top / "sub"), without_privilege():
        assert source.look(group_of(top, contents)).entries == 2
        with pytest.raises(SourceError, match="Permission denied"):
            source.look(group_of(top, inside))


@pytest.mark.parametrize("mtime_ns", [2**70, -(2**70)])
def test_times_that_no_database_holds_are_kept_within_bounds(mtime_ns: int) -> None:
    held = Held("a", False, 1, mtime_ns)
    found = fingerprint_group("/top/~pack-0", [held])
    assert found.digest == contents_of([held]).digest
    assert abs(found.newest_mtime_ns) == 2**63 - 1
