"""A sequence that is longer than memory."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import AlreadySent, Missing
from glacier_backup.model.upload_reason import NeverSent
from glacier_backup.spool import LARGE, TOGETHER, Spool
from glacier_backup.units import MIB

LONG = range(3 * TOGETHER + 7)
"""More than one piece, and some that are in none yet."""


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(params=[0, MIB], ids=["on disk", "in memory"])
def spool(request: pytest.FixtureRequest) -> Spool[int]:
    return Spool(LONG, in_memory=request.param)


@given(st.lists(st.integers() | st.text() | st.none()), st.integers(min_value=0, max_value=100))
def test_what_is_appended_comes_back_in_order(values: list[object], in_memory: int) -> None:
    spool = Spool(values, in_memory=in_memory)

    assert (list(spool), len(spool)) == (values, len(values))


def test_it_can_be_read_again_and_by_several_at_a_time(spool: Spool[int]) -> None:
    first, second = iter(spool), iter(spool)

    assert list(islice(first, 2 * TOGETHER)) == list(LONG[: 2 * TOGETHER])
    assert list(second) == list(LONG)
    assert list(first) == list(LONG[2 * TOGETHER :])
    assert list(spool) == list(LONG)


def test_what_is_appended_while_it_is_read_is_left_to_the_next_reader(spool: Spool[int]) -> None:
    seen = []
    for value in spool:
        seen.append(value)
        spool.append(-1)

    assert seen == list(LONG)
    assert len(spool) == 2 * len(LONG)


def test_one_thread_may_read_what_another_appends_to() -> None:
    spool = Spool[int](in_memory=0)

    def append() -> None:
        for number in range(50_000):
            spool.append(number)

    appending = threading.Thread(target=append)
    appending.start()

    while appending.is_alive():
        seen = list(spool)
        assert seen == list(range(len(seen)))

    appending.join()
    assert list(spool) == list(range(50_000))


def test_it_knows_what_is_in_it(spool: Spool[int]) -> None:
    assert LONG[-1] in spool
    assert -1 not in spool


def test_an_empty_one_is_false() -> None:
    assert not Spool()


def test_decisions_come_back_equal() -> None:
    moment = datetime(2026, 3, 21, 4, 0, 0, 123456, tzinfo=UTC)
    path = os.fsdecode(b"/data/\xff\xfe")
    candidate = Candidate(path, "file", "/data", compare=True)
    decisions: list[Decision] = [
        Upload(candidate, "name", "raw", Fingerprint("0" * 64, 1, 1, -5, None), NeverSent(), moment),
        Skip(path, "name", 0, AlreadySent(moment, 3)),
        Skip(path, "name", 0, Missing()),
    ]

    assert list(Spool(decisions * TOGETHER, in_memory=0)) == decisions * TOGETHER


@dataclass(frozen=True)
class One:
    value: int


class Other:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Other)

    __hash__ = None  # type: ignore[assignment]  # this is how it is said


@pytest.mark.parametrize("value", [One(1), Other(), (1, "a")])
def test_any_picklable_value_may_be_in_it(value: object) -> None:
    assert list(Spool([value] * TOGETHER)) == [value] * TOGETHER


def test_a_small_one_opens_no_file() -> None:
    before = descriptors()

    spool = Spool(range(10_000))

    assert descriptors() == before
    assert len(spool) == 10_000


def test_a_large_one_has_one_file_without_a_name_until_it_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = descriptors()

    spool: Spool[int] | None = Spool(LONG, in_memory=0)

    assert descriptors() == before + 1
    assert list(tmp_path.iterdir()) == []
    spool = None
    assert descriptors() == before
    assert spool is None


def test_closing_lets_go_at_once_and_leaves_it_empty(spool: Spool[int]) -> None:
    spool.close()
    spool.close()

    assert list(spool) == []
    spool.append(1)
    assert list(spool) == [1]


def test_a_disk_that_is_full_keeps_it_in_memory(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    (small_disk / "filler").write_bytes(bytes(7 * MIB))
    values = [f"{number:01000}" for number in range(5 * TOGETHER)]

    assert list(Spool(values)) == values


def test_a_folder_that_is_missing_keeps_it_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    assert list(Spool(LONG, in_memory=0)) == list(LONG)


GROWTH = r"""
import re
from glacier_backup.spool import Spool
# Not ru_maxrss, which counts what the process was before it became this program.
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
values = (f"{number:0300}" for number in range(400_000))
spool = Spool(values)
before = peak()
assert sum(len(value) for value in spool) == 300 * len(spool)
print(before // 1024, peak() // 1024)
"""


def test_memory_does_not_go_with_its_length() -> None:
    """120 MB of values; Python alone takes about 15 MiB."""
    ran = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)

    assert all(int(peak) < 40 for peak in ran.stdout.split())


@given(st.lists(st.binary(max_size=8), max_size=3 * TOGETHER // 100), st.integers(min_value=0, max_value=10))
def test_what_is_large_comes_back_as_what_is_small(values: list[bytes], appended: int) -> None:
    spool: Spool[bytes] = Spool(values, in_memory=10, weigh=lambda value: len(value) * LARGE // 8)
    for _ in range(appended):
        spool.append(b"last")
    assert (list(spool), len(spool)) == ([*values, *[b"last"] * appended], len(values) + appended)


def test_few_of_what_is_large_are_in_memory_at_a_time() -> None:
    spool: Spool[bytes] = Spool((bytes(LARGE // 2) for _ in range(100)), weigh=len)
    tracemalloc.start()
    try:
        assert sum(map(len, spool)) == 50 * LARGE
        assert tracemalloc.get_traced_memory()[1] < 6 * LARGE
    finally:
        tracemalloc.stop()


def test_values_that_are_no_dataclass_come_back_from_the_disk_as_they_were() -> None:
    now = datetime.now(UTC)
    values = [now, now.astimezone(timezone(timedelta(hours=2))), now - now, Path("/a"), Decimal("1.5"), datetime, len]

    assert list(Spool[object](values * TOGETHER, in_memory=0)) == values * TOGETHER
