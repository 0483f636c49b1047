"""`python -m tests.crash.zygote`: starts the program by fork, with everything imported, so that a start costs 10 ms.

On standard input comes one JSON object a line, what to run and when to stop it (:class:`tests.crash.launcher.Start`
says more); on standard output goes one for each, how it ended. One run at a time. Ends with its standard input.

The program's waits are shortened here and nothing else of it is touched: retrying is tested elsewhere.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from typing import Any, NoReturn

IMPORTED = (
    "asyncssh",
    "boto3",
    "cryptography.hazmat.primitives.ciphers",
    "pyrage",
    "sqlalchemy.dialects.sqlite",
    "glacier_backup.cli.wiring",
    "glacier_backup.cli.commands.backup",
    "glacier_backup.cli.commands.list",
    "glacier_backup.cli.commands.restore",
    "glacier_backup.cli.bringing",
    "glacier_backup.workflow.restore",
    "glacier_backup.config.load",
    "glacier_backup.destination.s3",
    "glacier_backup.destination.sftp",
    "glacier_backup.pack.raw",
    "glacier_backup.pack.tar",
    "glacier_backup.report.log",
    "glacier_backup.seal.age",
    "glacier_backup.seal.compress",
    "glacier_backup.seal.openssl",
    "glacier_backup.seal.par2",
    "glacier_backup.seal.probe",
    "glacier_backup.seal.slices",
    "glacier_backup.workflow.catalog_copies",
    "glacier_backup.workflow.sending.attempt",
    "glacier_backup.workflow.sending.leftovers",
)
HASTE: dict[str, dict[str, float]] = {
    "glacier_backup.destination.retrying": {"FIRST_WAIT": 0.01, "LONGEST_WAIT": 0.1, "GLANCE": 0.02},
    "glacier_backup.destination.multipart": {"GRACE": 0.5},
    "glacier_backup.destination.servers.sending": {"SETTLE": 0.5},
    "glacier_backup.ssh.remote": {"FIRST_WAIT": 0.01, "LONGEST_WAIT": 0.1},
    "glacier_backup.workflow.sending.sharing": {"PATIENCE": 3.0},
    "glacier_backup.workflow.restoring.bring": {"CHECKPOINT_BYTES": 1 << 20},
    "glacier_backup.workflow.restoring.fetch": {"PIECE": 1 << 20},
    "glacier_backup.pack.unraw": {"STEP": 1 << 20},
    "glacier_backup.pack.untar": {"STEP": 1 << 20},
    "glacier_backup.pack.untar_members": {"STEP": 1 << 20},
}
"""Seconds, by module and name: the waits of the program, as a run here has them; and bytes, so that what is half back
has many places to go on from."""

POLL_SECONDS = 0.0005
_DUMP_EARLIER = 5.0
_DEFECT = 70


def main() -> None:
    """Import, then serve."""
    for name in IMPORTED:
        import_module(name)
    for module, constants in HASTE.items():
        for name, value in constants.items():
            shorten(module, name, value)
    gc.freeze()  # the children would copy every page that a collection writes to
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


def shorten(module: str, name: str, seconds: float) -> None:
    """Set a waiting time of the program, which has to be there: without, trials would be slow and nobody know why."""
    found = import_module(module)
    if not hasattr(found, name):
        raise AttributeError(f"{module}.{name} is no more: tell tests/crash/zygote.py how to shorten the waits now")
    setattr(found, name, seconds)


def run(start: dict[str, Any]) -> dict[str, Any]:
    """Start the program, stop it at its moment, wait for its end."""
    begun = time.monotonic()
    moment = _moment(start["stop"], begun)
    pid = os.fork()
    if pid == 0:
        _become(start)
    _own_group(pid)
    ended = os.pidfd_open(pid)
    try:
        reached = moment.reached(ended)
        if reached:
            os.killpg(pid, start["stop"]["signal"])
        hung = not _wait(ended, begun + start["deadline"] - time.monotonic())
        if hung:
            os.killpg(pid, signal.SIGKILL)
    finally:
        os.close(ended)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"status": status, "seconds": time.monotonic() - begun, "stopped": reached, "hung": hung}


class Never:
    """No moment: let it run."""

    def reached(self, ended: int) -> bool:
        """Wait for the moment; whether it came before the program ended (``ended``: a descriptor of the process)."""
        return False


class At(Never):
    """A time by the monotonic clock."""

    def __init__(self, at: float) -> None:
        self._at = at

    def reached(self, ended: int) -> bool:
        return not _wait(ended, self._at - time.monotonic())


class AtRequest(At):
    """So many seconds after the server has begun to deal with the nth request for an operation, as its journal says,
    or that time if it comes first.

    The kills that matter most are those around one answer: no delay from the start would hit them often.
    """

    def __init__(self, at: float, journal: str, operation: str, nth: int, delay: float) -> None:
        super().__init__(at)
        self._file = open(journal, "rb")  # noqa: SIM115  # closed as soon as the moment is over
        self._file.seek(0, os.SEEK_END)
        self._operation, self._left = operation, nth
        self._delay = delay

    def reached(self, ended: int) -> bool:
        with self._file:
            while self._left > 0:
                if time.monotonic() >= self._at:
                    return super().reached(ended)
                if _wait(ended, POLL_SECONDS):
                    return False
                self._left -= Counter(map(_operation, self._lines()))[self._operation]
        return not _wait(ended, self._delay)

    def _lines(self) -> list[bytes]:
        *whole, torn = self._file.read().split(b"\n")
        self._file.seek(-len(torn), os.SEEK_CUR)
        return whole


def _operation(line: bytes) -> str | None:
    """What a line of a journal is about: of a JSON object the member of that name, of other text the first word."""
    if not line.startswith(b"{"):
        return line.partition(b" ")[0].decode(errors="replace")
    operation: str | None = json.loads(line).get("operation")
    return operation


def _moment(stop: dict[str, Any] | None, begun: float) -> Never:
    if stop is None:
        return Never()
    latest = begun + stop["seconds"]
    if stop["operation"] is None:
        return At(latest)
    return AtRequest(latest, stop["journal"], stop["operation"], stop["nth"], stop["delay"])


def _wait(ended: int, seconds: float) -> bool:
    """Whether the process ends within that time."""
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _own_group(pid: int) -> None:
    """By parent and child both, whichever comes first. The parent may be late: the child has become another program."""
    try:
        os.setpgid(pid, pid)
    except (PermissionError, ProcessLookupError):
        return


def _become(start: dict[str, Any]) -> NoReturn:
    """Turn this child into the program. Never returns."""
    code = _DEFECT
    try:
        os.setpgid(0, 0)
        os.chdir(start["cwd"])
        os.environ.clear()
        os.environ.update(start["environ"])
        _redirect(0, os.devnull, os.O_RDONLY)
        _redirect(1, start["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _redirect(2, start["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if start["real"]:
            os.execv(sys.executable, [sys.executable, "-m", "glacier_backup", *start["argv"]])
        code = _main(start)
    finally:
        os._exit(code)


def _main(start: dict[str, Any]) -> int:
    import traceback

    try:
        # As Python makes them: what goes to standard error is out at once.
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        faulthandler.dump_traceback_later(start["deadline"] - _DUMP_EARLIER, file=2)
        tempfile.tempdir = None
        random.seed(start["seed"])
        shorten("glacier_backup.destination.aws.access", "READ_TIMEOUT", start["read_timeout"])
        from glacier_backup.cli.main import main

        return main(start["argv"])
    except BaseException:
        os.write(2, traceback.format_exc().encode())
        raise


def _redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    main()
