"""The daemon: one for the machine, whoever started it, shared by all test processes that are at work."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.lacking import lacking

PREFIX = "gbtest"
"""What names of pools and folders that tests make begin with; the number of the process that made it follows."""

_STATE = Path("/run/glacier-backup-tests")
_WHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_SECONDS = 30.0
_COMMAND = 'echo $$ >"$0" && exec "$1" --no-daemon --no-kstat-mount'


def program(name: str) -> str:
    """Where ``zfs``, ``zpool`` or ``zfs-fuse`` is. Skips the test where it isn't installed."""
    return shutil.which(name, path=_WHERE) or lacking(f"{name} is not installed: apt-get install zfs-fuse")


@contextmanager
def daemon() -> Iterator[None]:
    """It answers for as long as the block lasts. Skips the test where it can't run. Who leaves last ends it, if it was
    started here."""
    _check()
    _STATE.mkdir(mode=0o700, exist_ok=True)
    with (_STATE / "in-use").open("ab") as in_use:
        with _alone():
            if not _answers():
                _start()
            _sweep()
            fcntl.flock(in_use, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _alone():
                _sweep()
                _leave(in_use.fileno())


def _check() -> None:
    program("zfs-fuse")
    if os.geteuid() != 0:
        lacking("real ZFS takes root: zfs-fuse lets nobody else in")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        lacking(f"real ZFS takes /dev/fuse: {error.strerror}")


@contextmanager
def _alone() -> Iterator[None]:
    """A block in which nobody else starts or ends it."""
    with (_STATE / "starting").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pools() -> list[str] | None:
    """Names of all that there are; None where no daemon answers."""
    listed = subprocess.run([program("zpool"), "list", "-H", "-o", "name"], capture_output=True, text=True)
    return None if listed.returncode else [line for line in listed.stdout.splitlines() if line != "no pools available"]


def _answers() -> bool:
    return _pools() is not None


def _start() -> None:
    """``setsid`` gives it to init: it may outlive the process that starts it. The number of its process is written
    here: with ``--no-daemon`` it writes no file itself."""
    pid = _STATE / "pid"
    pid.unlink(missing_ok=True)
    with (_STATE / "log").open("wb") as log:
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", _COMMAND, str(pid), program("zfs-fuse")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            check=True,
        )
    if not within(_SECONDS, _answers):
        lacking(f"zfs-fuse doesn't start here: {(_STATE / 'log').read_text(errors='replace').strip()}")


def _leave(in_use: int) -> None:
    fcntl.flock(in_use, fcntl.LOCK_UN)
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _end_ours()


def _end_ours() -> None:
    """End the daemon if tests started it, and nobody has a pool of his own in it."""
    try:
        number = int((_STATE / "pid").read_text())
    except (OSError, ValueError):
        return
    if not _is_daemon(number):
        return
    if _pools():
        return
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)  # it holds nothing any more; asked to end, it takes seconds
    within(_SECONDS, lambda: not _is_daemon(number))
    (_STATE / "pid").unlink(missing_ok=True)


def _sweep() -> None:
    """Destroy what tests have left that were killed: pools, then folders."""
    for name in filter(_is_stale, _pools() or ()):
        destroy(name)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        if _is_stale(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _is_stale(name: str) -> bool:
    match = re.fullmatch(rf"{PREFIX}-([0-9]+)-.+", name)
    return match is not None and not Path("/proc", match[1]).exists()


def destroy(pool: str) -> bool:
    """Whether it is gone; for a moment after its files were read the kernel may still have some of them open."""
    command = [program("zpool"), "destroy", "-f", pool]
    return within(_SECONDS, lambda: subprocess.run(command, capture_output=True).returncode == 0)


def _is_daemon(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    name, _, rest = status.rpartition(")")
    return name.endswith("(zfs-fuse") and not rest.startswith(" Z")


def within(seconds: float, done: Callable[[], bool]) -> bool:
    """Whether it comes true in that time."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
