"""Files that every run writes leave the fingerprint of a directory as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.resolve.local import LocalSource
from tests.resolve.trees import write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    write(home / "letter", "dear")
    write(home / "share" / "photo", "1")
    return home


def look(path: Path, *own: Path) -> Fingerprint:
    source = LocalSource(own=[str(one) for one in own])
    return source.look(Candidate(str(path), "directory" if path.is_dir() else "file", str(path), compare=True))


def test_the_catalog_and_the_log_come_and_change_unseen(home: Path) -> None:
    catalog, log = home / "share" / "catalog.sqlite3", home / "glacier_backup.log"
    before = look(home, catalog, log)
    for suffix in ("", "-wal", "-shm", "-journal", ".lock"):
        write(home / "share" / f"catalog.sqlite3{suffix}", "rows")
    for suffix in ("", ".1", ".5"):
        write(home / f"glacier_backup.log{suffix}", "lines")
    assert look(home, catalog, log) == before
    assert look(home) != before


def test_everything_beside_them_is_seen(home: Path) -> None:
    log = write(home / "share" / "log")
    seen = {look(home, log).digest}
    names = ("logbook", "log_2", "a.log", "sub/log", "Log", "log.txt", "log-2026.tar", "log.10", "log.lock.bak")
    for name in names:
        write(home / "share" / name)
        seen.add(look(home, log).digest)
    assert len(seen) == 1 + len(names)


def test_a_directory_of_such_a_name_is_seen_with_all_in_it(home: Path) -> None:
    log = home / "share" / "log"
    (home / "share" / "log.d").mkdir()
    before = look(home, log)
    write(home / "share" / "log.d" / "file")
    assert look(home, log).digest != before.digest


def test_a_file_of_that_name_elsewhere_is_seen(home: Path) -> None:
    before = look(home, home / "share" / "log")
    write(home / "log")
    assert look(home, home / "share" / "log").digest != before.digest


@pytest.mark.parametrize("way", ["by-link/log", "share/./log", "log-link", "../home/share/log"])
def test_they_are_known_whatever_way_they_are_named(home: Path, way: str) -> None:
    (home / "by-link").symlink_to("share")
    (home / "log-link").symlink_to("share/log")
    before = look(home, home / way)
    write(home / "share" / "log", "line")
    assert look(home, home / way) == before


def test_they_are_known_when_the_candidate_itself_is_the_directory(home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home / "share")
    before = look(tmp_path / "link", home / "share" / "log")
    write(home / "share" / "log", "line")
    assert look(tmp_path / "link", home / "share" / "log") == before


def test_a_directory_that_holds_only_them_has_no_newest_time(tmp_path: Path) -> None:
    log = write(tmp_path / "log", "line")
    found = look(tmp_path, log)
    assert (found.bytes, found.entries, found.newest_mtime_ns) == (0, 1, 0)


def test_a_candidate_that_is_such_a_file_is_looked_at_like_any_other(home: Path) -> None:
    assert look(home / "letter", home / "letter") == look(home / "letter")


@pytest.mark.parametrize("own", ["/nowhere/log", "/", ""])
def test_names_of_nothing_leave_nothing_out(home: Path, own: str) -> None:
    assert LocalSource(own=[own]).look(Candidate(str(home), "directory", str(home), compare=True)) == look(home)


def test_directories_are_asked_for_nothing_more_while_there_are_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    fstat = os.fstat

    def counted(descriptor: int) -> os.stat_result:
        asked.append(descriptor)
        return fstat(descriptor)

    monkeypatch.setattr(os, "fstat", counted)
    look(home)
    assert len(asked) == 1  # the candidate itself
