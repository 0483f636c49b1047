"""Headers as stock tar and Python's own reader understand them."""

from __future__ import annotations

import io
import stat
import subprocess
import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.pack.tar_header import BLOCK, header
from glacier_backup.pack.tree import Entry

COMPONENTS = st.binary(min_size=1, max_size=255).filter(lambda one: b"/" not in one and b"\0" not in one)
PATHS = st.lists(COMPONENTS, min_size=1, max_size=3).map(b"/".join).filter(lambda one: one.strip(b"./") != b"")
TIMES = st.integers(-(2**62), 2**62) | st.sampled_from(
    [0, -1, 1, -(10**9), 10**9 - 1, (8**11 - 1) * 10**9, 8**11 * 10**9]
)
IDS = st.integers(0, 2**32 - 1) | st.sampled_from([0, 8**7 - 1, 8**7])
SIZES = st.sampled_from([0, 1, 511, 8**11 - 1, 8**11, 2**62])
KINDS = st.sampled_from([stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO])

TAR_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


def text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@st.composite
def entries(draw: st.DrawFn) -> tuple[Entry, str]:
    kind = draw(KINDS)
    size = draw(SIZES) if kind == stat.S_IFREG else 0
    target = text(draw(PATHS)) if kind == stat.S_IFLNK else ""
    mode = kind | draw(st.integers(0, 0o7777))
    entry = Entry("/x", "x", mode, size, draw(TIMES), draw(IDS), draw(IDS), target)
    return entry, text(draw(PATHS))


@given(entries())
def test_what_is_written_is_what_python_reads(given: tuple[Entry, str]) -> None:
    entry, stored = given
    blocks = header(entry, stored)
    assert len(blocks) % BLOCK == 0
    with tarfile.open(
        fileobj=io.BytesIO(blocks + bytes(2 * BLOCK)), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        info = archive.next()
    assert info is not None
    assert (info.name.rstrip("/"), info.type) == (stored.rstrip("/"), TAR_TYPES[stat.S_IFMT(entry.mode)])
    assert (info.size, info.mode, info.uid, info.gid) == (entry.size, entry.mode & 0o7777, entry.uid, entry.gid)
    assert info.linkname == entry.target
    said = info.pax_headers.get("mtime", str(info.mtime))
    whole, _, fraction = said.removeprefix("-").partition(".")
    nanoseconds = int(whole) * 10**9 + int(fraction.ljust(9, "0"))
    assert (-nanoseconds if said.startswith("-") else nanoseconds) == entry.mtime_ns


@settings(max_examples=25)
@given(st.lists(entries().filter(lambda one: one[0].size == 0), min_size=1, max_size=5))
def test_stock_tar_lists_it_without_a_word(given: list[tuple[Entry, str]]) -> None:
    stream = b"".join(header(entry, stored) for entry, stored in given) + bytes(2 * BLOCK)
    done = subprocess.run(["tar", "-tvf", "-", "--full-time", "-P"], input=stream, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == len(given)


@given(entries())
def test_headers_are_the_same_every_time_and_say_nothing_of_where_it_lies(given: tuple[Entry, str]) -> None:
    entry, stored = given
    assert header(entry, stored) == header(entry._replace(path="/elsewhere", name="y"), stored)
