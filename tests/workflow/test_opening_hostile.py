"""Files that were made to harm whoever opens them."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.seal.chain import NO_SEAL
from tests.workflow.sealed_files import DOCS, put
from tests.workflow.test_opening import Desk
from tests.workflow.test_opening import desk as desk  # a fixture


@pytest.mark.parametrize("name", ["tank-part-number", "tank-part-zzzzzzzzzzzz", "a.tar.v9999999.age"])
def test_a_name_that_claims_an_enormous_number_costs_nothing(tmp_path: Path, desk: Desk, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert "volume 1 is missing" in str(desk.refused(tmp_path / name))


def test_a_pipe_is_no_archive(tmp_path: Path, desk: Desk) -> None:
    os.mkfifo(tmp_path / "a.tar.age")
    assert "is no file" in str(desk.refused(tmp_path / "a.tar.age"))


def header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def test_a_tar_that_wants_much_memory_is_listed_with_little(tmp_path: Path, desk: Desk) -> None:
    """Headers about headers, which Python's tarfile loses itself in, and a name of 8 GiB."""
    long_name = header("././@LongLink", 10, b"L") + b"abcdefghi".ljust(512, b"\0")
    (tmp_path / "chain.tar").write_bytes(long_name * 3000 + header("x", 0, b"0") + bytes(1024))
    (tmp_path / "long.tar").write_bytes(header("x", 8 * 1024**3 - 1, b"L") + bytes(2 * 1024**2))
    (chain,) = desk.list(tmp_path / "chain.tar")
    assert [one.path for one in chain.members] == ["abcdefghi"]
    (long,) = desk.list(tmp_path / "long.tar")
    assert isinstance(long.error, DamageFound)


def test_what_is_listed_looks_as_what_is_opened(tmp_path: Path, desk: Desk) -> None:
    objects = put(tmp_path / "f", NO_SEAL)
    (listed,) = desk.list(objects[0])
    assert [(one.path, one.type, one.mtime_ns, one.mode) for one in listed.members] == [
        (name, "file", 1_600_000_000 * 10**9, 0o640) for name in DOCS
    ]
    (tmp_path / "short.tar").write_bytes(objects[0].read_bytes()[:1000])
    (short,) = desk.list(tmp_path / "short.tar")
    assert isinstance(short.error, DamageFound)
