"""The ``zfs`` program: where it is, and what it says."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple

from glacier_backup import process
from glacier_backup.errors import SourceUnavailable

_BESIDES = ("/usr/sbin", "/sbin", "/usr/local/sbin")
"""Where it is looked for when it isn't on the PATH, which lacks these for many a user, and for cron."""

_MOST_SAID = 500
"""Lines of its messages that are kept. A usage text has some hundred."""
_CHUNK = 64 * 1024


class Said:
    """What a process says on its standard error, as far as it is kept."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def hear(self, line: bytes) -> None:
        """One line more."""
        if len(self._lines) < _MOST_SAID:
            self._lines.append(line[:1024].decode("utf-8", "replace"))

    def __str__(self) -> str:
        return "\n".join(self._lines)


class Ended(NamedTuple):
    """A process that has come to its end."""

    status: int
    """Its exit status, or minus the number of the signal that ended it."""
    output: str
    said: str


class Command:
    """``zfs``, with its messages in English. It is found when it is first needed."""

    def __init__(self) -> None:
        self._program: str | None = None

    @property
    def program(self) -> str:
        """Its absolute path. Raises SourceUnavailable where there is none."""
        if self._program is None:
            where = os.pathsep.join((os.environ.get("PATH", os.defpath), *_BESIDES))
            found = shutil.which("zfs", path=where)
            if found is None:
                raise SourceUnavailable("the program zfs isn't installed", hint=_INSTALL)
            self._program = os.path.abspath(found)
        return self._program

    def run(self, *arguments: str) -> Ended:
        """Run it to its end, with nothing on its standard input. Raises SourceUnavailable where it can't be started."""
        said = Said()
        try:
            with process.running(
                self.program, ("zfs", *arguments), cwd="/", env=environment(), hear=said.hear
            ) as running:
                output = _all(running)
                status = running.wait()
        except OSError as error:
            raise cant_start(error) from error
        return Ended(status, output.decode("utf-8", "replace"), str(said))


def environment() -> dict[str, str]:
    """What it gets of ours; its messages are read."""
    return process.environment() | {"LC_ALL": "C", "LANGUAGE": "C"}


def cant_start(error: OSError) -> SourceUnavailable:
    """The error for a program that is there, and can't be run."""
    return SourceUnavailable(f"the program zfs can't be run: {error.strerror or error}")


def _all(running: process.Running) -> bytes:
    output = bytearray()
    buffer = memoryview(bytearray(_CHUNK))
    count = _CHUNK
    while count == _CHUNK:
        count = running.readinto(buffer)
        output += buffer[:count]
    return bytes(output)


_INSTALL = (
    "install OpenZFS (Debian and Ubuntu: apt-get install zfsutils-linux; FreeBSD has it) on the machine that has the"
    " pool, and see that cron's PATH has it"
)
