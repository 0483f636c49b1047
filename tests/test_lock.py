from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from glacier_backup import lock
from glacier_backup.errors import CatalogError, LockHeld
from glacier_backup.lock import RunLock
from glacier_backup.units import local_time, now, parse_rfc3339
from tests.catalog.processes import run_as_anybody, running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "MOMENT", 0)


_HOLD = """
import sys, time
from glacier_backup.lock import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""

_HOLD_AND_START_ANOTHER = """
import subprocess, sys, time
from glacier_backup.lock import RunLock
with RunLock(sys.argv[1]):
    another = "print('at work', flush=True); import time; time.sleep(600)"
    started = subprocess.Popen([sys.executable, "-c", another], stdout=subprocess.PIPE, close_fds=False)
    started.stdout.readline()
    print("held", flush=True)
    print(started.pid, flush=True)
    time.sleep(600)
"""

_LEAVE_WITH_A_COPY_ALIVE = """
import os, signal, sys
from glacier_backup.lock import RunLock
with RunLock(sys.argv[1]):
    copy = os.fork()
    if copy == 0:
        signal.pause()
try:
    with RunLock(sys.argv[1]):
        print("free")
finally:
    os.kill(copy, signal.SIGKILL)
"""

_TRY = """
import sys
from glacier_backup.errors import CatalogError
from glacier_backup.lock import RunLock
try:
    with RunLock(sys.argv[1]):
        print("held")
except CatalogError as error:
    print(error)
    print(error.hint)
"""

_COUNT_UNDER_THE_LOCK = """
import sys, time
from pathlib import Path
from glacier_backup.errors import LockHeld
from glacier_backup.lock import RunLock
counter, done = Path(sys.argv[2]), 0
while done < 20:
    try:
        with RunLock(sys.argv[1]):
            seen = int(counter.read_text())
            time.sleep(0.001)
            counter.write_text(str(seen + 1))
            done += 1
    except LockHeld:
        time.sleep(0.001)
"""


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    """The path of a catalog, which need not be there."""
    return str(tmp_path / "catalog.sqlite3")


def refusal(catalog: str) -> str:
    with pytest.raises(LockHeld) as caught, RunLock(catalog):
        pass
    assert caught.value.exit_code == 3
    assert f"{catalog}.lock" in str(caught.value.hint)
    return str(caught.value)


def text_of_a_holder(catalog: str, text: str) -> str:
    """What is said while a lock is held whose file holds ``text``."""
    with RunLock(catalog):
        Path(catalog + ".lock").write_text(text)
        return refusal(catalog)


def test_the_lock_says_who_holds_it_since_when(catalog: str) -> None:
    with RunLock(catalog):
        pid, host, since = Path(catalog + ".lock").read_text().splitlines()
        told = refusal(catalog)

    assert int(pid) == os.getpid()
    assert host == os.uname().nodename
    assert abs((now() - parse_rfc3339(since)).total_seconds()) < 60
    assert told == f"another run (process {pid} on {host}, since {local_time(parse_rfc3339(since))}) is at work"


def test_a_lock_held_by_another_process_is_refused(catalog: str) -> None:
    with running(_HOLD, catalog) as holder:
        assert f"process {holder.pid} on " in refusal(catalog)


def test_a_lock_that_is_only_held_for_a_moment_more_is_had(catalog: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a run that was killed just when it started a program."""
    monkeypatch.setattr(lock, "MOMENT", 20)
    with running(_HOLD, catalog) as holder:
        threading.Timer(0.2, holder.kill).start()
        with RunLock(catalog):
            assert holder.poll() is not None


def test_the_lock_is_free_when_its_holder_ends(catalog: str) -> None:
    with running(_HOLD, catalog) as holder:
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.close()
        holder.wait()

        with RunLock(catalog):
            pass


def test_the_lock_dies_with_a_killed_process_whose_file_stays(catalog: str) -> None:
    with running(_HOLD, catalog) as holder:
        holder.kill()
        holder.wait()

    assert Path(catalog + ".lock").read_text().startswith(f"{holder.pid}\n")
    with RunLock(catalog):
        assert Path(catalog + ".lock").read_text().startswith(f"{os.getpid()}\n")


def test_the_lock_can_be_taken_again_after_it_was_left(catalog: str) -> None:
    lock = RunLock(catalog)
    for _ in range(2):
        with lock:
            refusal(catalog)

    assert Path(catalog + ".lock").read_text() == ""


def test_the_lock_is_left_when_the_run_fails(catalog: str) -> None:
    with pytest.raises(ZeroDivisionError), RunLock(catalog):
        raise ZeroDivisionError

    with RunLock(catalog):
        pass


def test_a_refused_lock_leaves_that_of_the_holder_alone(catalog: str) -> None:
    with RunLock(catalog):
        before = Path(catalog + ".lock").read_text()
        refusal(catalog)
        refusal(catalog)
        assert Path(catalog + ".lock").read_text() == before


def test_a_program_that_outlives_a_killed_run_does_not_keep_the_lock(catalog: str) -> None:
    with running(_HOLD_AND_START_ANOTHER, catalog) as holder:
        assert holder.stdout is not None
        survivor = int(holder.stdout.readline())
        holder.kill()
        holder.wait()

    try:
        with RunLock(catalog):
            os.kill(survivor, 0)
    finally:
        os.kill(survivor, signal.SIGKILL)


def test_a_copy_of_the_process_does_not_keep_the_lock_once_it_is_left(catalog: str) -> None:
    assert run_as_anybody(_LEAVE_WITH_A_COPY_ALIVE, catalog) == "free\n"


def test_the_lock_file_is_for_its_owner_alone_and_its_folder_is_made(tmp_path: Path) -> None:
    catalog = tmp_path / "share" / "glacier_backup" / "catalog.sqlite3"

    with RunLock(str(catalog)):
        assert stat.S_IMODE(os.stat(f"{catalog}.lock").st_mode) == 0o600
        assert stat.S_IMODE(catalog.parent.stat().st_mode) == 0o700


def test_two_names_of_one_catalog_have_one_lock(catalog: str, tmp_path: Path) -> None:
    (tmp_path / "link.sqlite3").symlink_to(catalog)

    with RunLock(catalog), pytest.raises(LockHeld), RunLock(str(tmp_path / "link.sqlite3")):
        pass


def test_locks_of_two_catalogs_are_two(catalog: str, tmp_path: Path) -> None:
    with RunLock(catalog), RunLock(str(tmp_path / "other.sqlite3")):
        pass


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "another run is at work"),
        ("12", "another run is at work"),
        ("123\n", "another run (process 123) is at work"),
        ("123\nho", "another run (process 123) is at work"),
        ("123\nhost\n", "another run (process 123 on host) is at work"),
        ("123\nhost\n2026-11-2", "another run (process 123 on host) is at work"),
        ("123\nhost\nyesterday\n", "another run (process 123 on host, since yesterday) is at work"),
    ],
)
def test_a_half_written_holder_is_told_as_far_as_it_goes(catalog: str, text: str, told: str) -> None:
    assert text_of_a_holder(catalog, text) == told


def test_the_time_is_told_in_the_zone_of_the_reader(catalog: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-3")
    time.tzset()
    try:
        told = text_of_a_holder(catalog, "123\nhost\n2026-11-21T01:00:00.000000Z\n")
    finally:
        monkeypatch.undo()
        time.tzset()

    assert told == "another run (process 123 on host, since 2026-11-21 04:00) is at work"


def test_a_folder_that_can_not_be_written_is_said_with_its_cure(catalog: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    told = run_as_anybody(_TRY, catalog)

    tmp_path.chmod(0o700)
    assert f"the lock {catalog}.lock can't be had: Permission denied\nmake {tmp_path} writable" in told


def test_a_folder_that_is_a_file_is_said(catalog: str) -> None:
    Path(catalog).write_text("a file")

    with pytest.raises(CatalogError, match="can't be had"), RunLock(catalog + "/catalog.sqlite3"):
        pass


def test_processes_that_race_for_the_lock_are_never_in_it_together(catalog: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", _COUNT_UNDER_THE_LOCK, catalog, str(counter)]
    racers = [subprocess.Popen(command) for _ in range(3)]

    assert [racer.wait() for racer in racers] == [0, 0, 0]
    assert counter.read_text() == "60"


def test_a_full_disk_does_not_keep_the_lock_from_being_had(small_disk: Path) -> None:
    catalog = str(small_disk / "catalog.sqlite3")
    Path(catalog + ".lock").touch()
    with open(small_disk / "filler", "wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"\0" * 2**16):
            pass

    with RunLock(catalog):
        assert refusal(catalog) == "another run is at work"
