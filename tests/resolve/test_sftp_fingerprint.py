"""A fingerprint doesn't depend on whether somebody looks at this machine or at a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate
from glacier_backup.resolve.fingerprint import fingerprint_directory, fingerprint_file
from glacier_backup.ssh import folders
from glacier_backup.ssh import remote as remote_module
from tests.contract.over_sftp import SourceOverSftp, remote
from tests.pack.packing import grow
from tests.resolve.trees import write
from tests.ssh_server.sshd import Sshd


@pytest.fixture
def there(sshd: Sshd) -> Iterator[SourceOverSftp]:
    with remote(sshd) as (files, url):
        yield SourceOverSftp(files, url)


def of_whole_seconds(top: Path) -> None:
    for above, names, files in os.walk(top, topdown=False):
        for name in [*names, *files, "."]:
            path = os.path.join(above, name)
            seconds = abs(os.lstat(path).st_mtime_ns // 10**9) % 2**32
            os.utime(path, ns=(0, seconds * 10**9), follow_symlinks=False)


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_has_one_fingerprint_here_and_there(there: SourceOverSftp, tmp_path: Path, seed: int) -> None:
    top = tmp_path / "tree"
    grow(top, seed)
    of_whole_seconds(top)
    found = there.look(Candidate(str(top), "directory", str(top), compare=True))
    assert found == fingerprint_directory(str(top))


def test_directories_that_are_too_long_to_be_listed_ahead_count_as_any_other(
    there: SourceOverSftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_AHEAD", 5)
    monkeypatch.setattr(folders, "AT_ONCE", 3)
    monkeypatch.setattr(remote_module, "STEP", 2)
    top = tmp_path / "tree"
    for number in range(200):
        write(top / f"{number % 11}" / f"{number % 17}" / f"{number}", "x" * number)
    of_whole_seconds(top)
    found = there.look(Candidate(str(top), "directory", str(top), compare=True))
    assert found == fingerprint_directory(str(top))


def test_a_file_has_one_fingerprint_here_and_there(there: SourceOverSftp, tmp_path: Path) -> None:
    file = write(tmp_path / "file", "content")
    os.utime(file, ns=(0, 10**18))
    found = there.look(Candidate(str(file), "file", str(file), compare=True))
    assert found == fingerprint_file(str(file))


def test_a_link_to_a_directory_is_looked_at_as_that(there: SourceOverSftp, tmp_path: Path) -> None:
    write(tmp_path / "tree" / "file", "content")
    (tmp_path / "link").symlink_to("tree")
    path = f"{tmp_path}/link"
    assert there.look(Candidate(path, "directory", path, compare=True)).entries == 2


def test_a_directory_that_became_a_file_is_an_error(there: SourceOverSftp, tmp_path: Path) -> None:
    path = str(write(tmp_path / "file", "content"))
    with pytest.raises(SourceError, match="no longer a directory"):
        there.look(Candidate(path, "directory", path, compare=True))
