"""What every packer of increments, and every listing that one is made from, promises: with GNU tar, here, and of what
lies on a server."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.archive import Member
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.increment import Delta, Link, Linked, Seen
from glacier_backup.pack import remote_increment
from glacier_backup.pack.increment import packer_of_link
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.tick import TICK
from glacier_backup.plan.delta import delta
from glacier_backup.plan.layers import Layer, effective, key_of
from glacier_backup.resolve import sftp_listing
from glacier_backup.resolve.local_listing import listing
from tests.contract.over_sftp import PackerOverSftp, remote
from tests.pack.packing import ODD_NAMES, Packed, packed
from tests.permissions import with_mode, without_privilege
from tests.roundtrip.trees import look

FULL, NEXT = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
DELETED = ".glacier-backup-deleted"


class Way(NamedTuple):
    """One origin of directories."""

    name: str
    listing: Callable[[Candidate], Generator[Seen, None, None]]
    packer: Callable[[Linked, Exclusion], Packer]

    def full(self, top: Path, exclusion: Exclusion = NOTHING) -> Packed:
        time.sleep(2 * TICK)  # of what has just changed nobody can be sure
        return packed(self.packer(Linked(Link(0)), exclusion), top, "home")

    def seen(self, top: Path, exclusion: Exclusion = NOTHING) -> list[Seen]:
        return list(self.listing(Candidate(str(top), "directory", str(top), True, exclusion=exclusion)))

    def delta(self, top: Path, *chain: tuple[list[Member], list[str]]) -> Delta:
        then = (one.member for one in effective([Layer(*one) for one in chain]))
        return delta(then, self.seen(top), "home", str(top))

    def increment(self, top: Path, found: Delta, number: int = 1) -> Packed:
        time.sleep(2 * TICK)
        return packed(self.packer(Linked(Link(number, FULL, NEXT), delta=found), NOTHING), top, "home")


@pytest.fixture(params=["GNU tar", "here", "sftp"])
def way(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    if request.param == "sftp":
        with remote(request.getfixturevalue("sshd"), connections=1) as (files, url):

            def there(candidate: Candidate) -> Generator[Seen, None, None]:
                return sftp_listing.listing(files, replace(candidate, path=url + candidate.path))

            made = partial(remote_increment.packer_of_link, files)
            yield Way("sftp", there, lambda linked, exclusion: PackerOverSftp(made(linked, exclusion), url))
    else:
        if request.param == "here":
            monkeypatch.setattr("glacier_backup.pack.increment.find_gnu_tar", lambda: None)
            monkeypatch.setattr("glacier_backup.pack.tar.find_gnu_tar", lambda: None)
        yield Way(request.param, listing, packer_of_link)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    top = tmp_path / "home"
    for name in ("a.d/x", "a/x", "a/y/z", "a-b", "é", *(f"odd/{name}" for name in ODD_NAMES)):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(os.fsencode(name))
        os.utime(top / name, (1_600_000_000, 1_600_000_000))
    (top / "a/link").symlink_to("x")
    (top / "empty").mkdir()
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(str(top / "socket"))
    for path in (*top.rglob("*"), top):
        if path.is_dir() and not path.is_symlink():
            os.utime(path, (1_600_000_000, 1_600_000_000))
    return top


def names(found: list[Seen]) -> list[str]:
    return [one.name.decode("utf-8", "surrogateescape") for one in found]


def by_hand(folder: Path, *tars: Packed) -> Path:
    """Unpacked by stock tools, as docs/incremental.md says."""
    folder.mkdir()
    for number, one in enumerate(tars):
        (folder / "tar").write_bytes(one.data)
        if number:
            listed = subprocess.run(["tar", "-xOf", "tar", DELETED], cwd=folder, check=True, capture_output=True).stdout
            subprocess.run(["xargs", "-0", "-r", "rm", "-rf", "--"], cwd=folder, input=listed, check=True)
        subprocess.run(["tar", "-xpf", "tar", "--anchored", f"--exclude={DELETED}"], cwd=folder, check=True)
    (folder / "tar").unlink()
    return folder / "home"


def test_a_listing_is_what_a_tar_holds_in_its_order(way: Way, home: Path) -> None:
    found, members = way.seen(home), way.full(home).members

    assert [f"home/{name}".rstrip("/") for name in names(found)] == [one.path for one in members]
    assert names(found) == sorted(names(found), key=key_of)
    assert [(one.type, one.size, one.mtime_ns, one.mode, one.target) for one in found] == [
        (one.type, one.size, one.mtime_ns, one.mode, one.target) for one in members
    ]


def test_what_is_left_out_is_in_neither(way: Way, home: Path) -> None:
    exclusion = Exclusion(("a/y/", "*.dot"), ())
    found = names(way.seen(home, exclusion))
    assert "a/x" in found
    assert not [name for name in found if name.startswith("a/y")]
    assert [f"home/{name}".rstrip("/") for name in found] == [one.path for one in way.full(home, exclusion).members]


def test_what_has_not_changed_is_not_in_it(way: Way, home: Path) -> None:
    full = way.full(home)
    found = way.delta(home, (full.members, []))
    assert (names_of(found), list(found.deleted)) == ([""], [])
    assert [one.path for one in way.increment(home, found).members] == ["home"]


def names_of(found: Delta) -> list[str]:
    return [name.decode("utf-8", "surrogateescape") for name in found.names]


def test_one_after_the_other_gives_back_what_there_was(way: Way, home: Path, tmp_path: Path) -> None:
    full = way.full(home)
    (home / "a/x").write_text("changed")
    (home / "a-b").unlink()
    (home / "odd/new\nline").unlink()
    shutil.rmtree(home / "a/y")
    (home / "a/y").write_text("a file now")
    (home / "a.d/x").unlink()
    (home / "a.d/x").mkdir()
    (home / "a.d/x/deep").write_text("in a directory now")
    os.mkfifo(home / "pipe")
    first = way.delta(home, (full.members, []))
    one = way.increment(home, first)
    gone = [f"home/{os.fsdecode(name)}" for name in first.deleted]
    shutil.rmtree(home / "a.d")
    (home / "a-b").symlink_to("é")
    second = way.delta(home, (full.members, []), (one.members, gone))
    two = way.increment(home, second, 2)

    assert gone == ["home/a/y", "home/a-b", "home/a.d/x", "home/odd/new\nline"]
    assert [one.path for one in two.members if one.type != "directory"] == ["home/a-b"]
    back = by_hand(tmp_path / "back", full, one, two)
    (home / "socket").unlink()
    wanted, found = look(home), look(back)
    assert found.keys() == wanted.keys()
    seconds = 10**9 if way.name == "sftp" else 1
    for name, one_look in wanted.items():
        if name != ".":  # where the socket was
            assert found[name]._replace(mtime_ns=0) == one_look._replace(mtime_ns=0), name
            assert found[name].mtime_ns // seconds == one_look.mtime_ns // seconds, name


def test_members_are_where_they_are_said_to_be_and_the_list_is_none(way: Way, home: Path) -> None:
    full = way.full(home)
    (home / "a/x").write_text("changed")
    (home / "é").unlink()
    one = way.increment(home, way.delta(home, (full.members, [])))

    with one.tarfile() as found:
        infos = list(found)
        assert infos[0].name == DELETED
        content = found.extractfile(infos[0])
        assert content is not None
        assert content.read() == "home/é\0".encode()
        assert stat.S_IMODE(infos[0].mode) == 0o600
    assert [info.name for info in infos[1:]] == [member.path for member in one.members]
    for info, member in zip(infos[1:], one.members, strict=True):
        assert one.data[info.offset : info.offset + 512] == one.data[member.offset : member.offset + 512]


def test_the_same_delta_gives_the_same_bytes(way: Way, home: Path) -> None:
    full = way.full(home)
    (home / "a/x").write_text("changed")
    (home / "é").unlink()
    found = way.delta(home, (full.members, []))
    assert way.increment(home, found).data == way.increment(home, found).data


def test_a_list_may_be_of_any_length(way: Way, home: Path) -> None:
    many = [f"{number:06d}".encode() for number in range(20_000)]
    found = Delta([b""], many)
    with way.increment(home, found).tarfile() as tar:
        content = tar.extractfile(DELETED)
        assert content is not None
        assert content.read() == b"".join(b"home/%b\0" % name for name in many)


def test_what_vanishes_is_left_out(way: Way, home: Path) -> None:
    found = Delta([b"", b"a", b"a/never was", b"a/x", b"nor/this"], [])
    one = way.increment(home, found)
    assert [member.path for member in one.members] == ["home", "home/a", "home/a/x"]
    assert one.outcome.problems == ()


def test_nothing_behind_a_link_comes_along(way: Way, home: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x").write_text("secret")
    shutil.rmtree(home / "a")
    (home / "a").symlink_to(tmp_path / "outside")
    one = way.increment(home, Delta([b"", b"a", b"a/x"], []))
    assert b"secret" not in one.data
    assert [(member.path, member.type) for member in one.members] == [("home", "directory"), ("home/a", "symlink")]


def test_a_directory_that_is_none_any_more_is_said(way: Way, home: Path) -> None:
    with pytest.raises(SourceError):
        way.seen(home / "nowhere")
    with pytest.raises(SourceError):
        way.seen(home / "a-b")


@pytest.mark.parametrize("way", ["GNU tar", "here"], indirect=True)
def test_what_changed_a_moment_ago_is_in_doubt(way: Way, home: Path) -> None:
    """It may change once more within the same tick of the clock; a server's is its own."""
    (home / "a/x").write_text("just now")
    told = {one.path: one for one in packed(way.packer(Linked(Link(0)), NOTHING), home, "home").members}
    assert told["home/a/x"].mtime_ns == (home / "a/x").stat().st_mtime_ns - 10**9
    assert told["home/a/y/z"].mtime_ns == 1_600_000_000 * 10**9


def test_where_nobody_may_look_is_told_and_kept(home: Path) -> None:
    way = Way("GNU tar", listing, packer_of_link)
    full = way.full(home)
    with without_privilege(), with_mode(home / "a"):
        found = way.delta(home, (full.members, []))
    assert list(found.deleted) == []
    assert [problem.path for problem in found.unreadable] == [f"{home}/a"]
    assert [problem.path for problem in way.increment(home, found).outcome.problems] == [f"{home}/a"]
