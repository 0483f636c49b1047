"""Running external programs: never through a shell, and never outliving their use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, cast

PIPE_BYTES = 1024 * 1024
"""The largest pipe that Linux gives an ordinary user (pipe(7): ``/proc/sys/fs/pipe-max-size``)."""


class Running:
    """A program at work, whose standard output is read here."""

    def __init__(self, process: subprocess.Popen[bytes], output: int, listener: threading.Thread) -> None:
        self._process = process
        self._output = output
        self._listener = listener

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` from standard output; a short count, 0 included, means its end."""
        filled = 0
        while filled < len(buffer) and (count := os.readv(self._output, [buffer[filled:]])):
            filled += count
        return filled

    def wait(self) -> int:
        """Wait until the program has ended and its last message was heard; only after the end of its output.

        Returns the exit status, or minus the number of the signal that ended it.
        """
        status = self._process.wait()
        self._listener.join()
        return status


@contextmanager
def running(
    program: str,
    arguments: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    hear: Callable[[bytes], None],
    pass_fds: Sequence[int] = (),
) -> Iterator[Running]:
    """Run ``program`` in ``cwd`` with ``arguments``, of which the first is the name that its messages begin with.

    Its standard input is empty. ``hear`` gets every line of its standard error, from a thread, and must not
    raise. Leaving the context kills the program if it is still at work. Raises OSError when it can't be started.
    """
    process = subprocess.Popen(
        arguments,
        executable=program,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        pass_fds=pass_fds,
        process_group=0,  # ^C at the terminal is for us, and reaches the program when we leave the context.
    )
    output, messages = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)  # they are pipes
    listener = threading.Thread(target=_listen, args=(messages, hear))
    listener.start()
    with output, messages:
        try:
            _widen(output.fileno())
            yield Running(process, output.fileno(), listener)
        finally:
            process.kill()
            process.wait()
            listener.join()


def _listen(messages: IO[bytes], hear: Callable[[bytes], None]) -> None:
    for line in messages:
        hear(line.rstrip(b"\n"))


def _widen(pipe: int) -> None:
    """Make room for more bytes at a time: 2 to 3 times the speed of tar's small writes."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux alone
        with contextlib.suppress(OSError):  # one user's pipes may take 64 MiB together
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
