from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.pack.zip_directory import NoZip, zip_members
from glacier_backup.pack.zip_header import central, described, end_of, local
from glacier_backup.units import MIB

NAMES = st.lists(
    st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda name: not name.startswith("/") and not name.endswith("/")
    ),
    unique=True,
    max_size=8,
)


def members(data: bytes) -> list[Member]:
    def read_at(offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= len(data)
        return data[offset : offset + length]

    return [*zip_members(read_at, len(data))]


def zipped(names: list[str], comment: bytes = b"", large: bool = False) -> bytes:
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w") as made:
        made.comment = comment
        for number, name in enumerate(names):
            info = zipfile.ZipInfo(name, (2020, 5, 17, 12, 30, 58))
            with made.open(info, "w", force_zip64=large) as member:
                member.write(b"x" * number)
    return blob.getvalue()


@given(NAMES, st.binary(max_size=100))
@example([], b"PK\x05\x06")
@example(["a"], b"PK\x05\x06")
def test_a_zip_of_python_is_told_member_by_member(names: list[str], comment: bytes) -> None:
    data = zipped(names, comment)

    found = members(data)

    # Python itself takes some comments for the end of the archive.
    with zipfile.ZipFile(io.BytesIO(zipped(names))) as read:
        wanted = [(one.filename, one.file_size, one.header_offset) for one in read.infolist()]
    assert [(one.path, one.size, one.offset) for one in found] == wanted
    assert {(one.mtime_ns, one.mode, one.type) for one in found} <= {(1_589_718_658 * 10**9, 0o600, "file")}


def test_more_members_of_ours_than_16_bits_count_are_told_with_their_exact_times() -> None:
    time = -123 * 10**9 + 456
    about = [described(f"{number:06}", stat.S_IFREG | 0o640, time) for number in range(66_000)]
    heads = [local(one, 0, 0) for one in about]
    begins = [*accumulate(map(len, heads), initial=0)]
    entries = b"".join(central(one, 0, 0, begin) for one, begin in zip(about, begins, strict=False))

    found = members(b"".join(heads) + entries + end_of(66_000, begins[-1], len(entries)))

    assert (len(found), found[-1]) == (66_000, Member("065999", "file", 0, time, 0o640, begins[-2], None))


def test_a_directory_and_its_files_are_told_without_the_directory_and_links_as_links() -> None:
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w") as made:
        made.mkdir("folder")
        made.writestr("folder/a", "x")
        link = zipfile.ZipInfo("folder/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "a")

    assert [(one.path, one.type) for one in members(blob.getvalue())] == [
        ("folder/a", "file"),
        ("folder/link", "symlink"),
    ]


def swapped(data: bytes) -> bytes:
    """The entries of a directory of two in another order."""
    start = data.index(b"PK\1\2")
    second, end = data.index(b"PK\1\2", start + 1), data.index(b"PK\5\6")
    return data[:start] + data[second:end] + data[start:second] + data[end:]


def with_count(data: bytes, count: int) -> bytes:
    end = data.index(b"PK\5\6")
    return data[: end + 8] + struct.pack("<2H", count, count) + data[end + 12 :]


def with_large_sizes(data: bytes) -> bytes:
    """Two members that have almost 2^63 bytes each, as their entries say."""
    extra = struct.pack("<HHQQ", 1, 16, 2**63 - 1, 2**63 - 1)
    entries = b"".join(
        b"PK\1\2"
        + struct.pack("<6H3L5H2L", 0x31E, 45, *[0] * 5, *[2**32 - 1] * 2, 1, len(extra), *[0] * 4, at)
        + name
        + extra
        for at, name in ((0, b"a"), (1, b"b"))
    )
    return bytes(100) + entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(entries), 100, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda data: b"",
        lambda data: b"no zip" * 100,
        lambda data: data[:-1],
        lambda data: data[10:],
        lambda data: b"\0" * MIB + data,
        lambda data: with_count(data, 3),
        lambda data: with_count(data, 60_000),
        swapped,
        lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
        lambda data: data.replace(b"b", b"\0"),
        with_large_sizes,
    ],
)
def test_what_contradicts_itself_is_no_zip(spoilt: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NoZip):
        members(spoilt(zipped(["a", "b"])))


@given(st.binary(max_size=200), st.integers(0, 400), st.binary(max_size=20))
def test_whatever_the_bytes_are_nothing_is_read_beyond_them(start: bytes, at: int, middle: bytes) -> None:
    data = zipped(["a", "bc"])
    try:
        members(data[:at] + middle + data[at + len(middle) :])
        members(start + data)
    except NoZip:
        pass
