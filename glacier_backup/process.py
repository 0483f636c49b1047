"""Running external programs: never through a shell, and never outliving their use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Protocol, cast

PIPE_BYTES = 1024 * 1024
"""The largest pipe that Linux gives an ordinary user (pipe(7): ``/proc/sys/fs/pipe-max-size``)."""

LONGEST_LINE = 64 * 1024
"""Bytes of a line of standard error; what is longer is taken for several."""

_OURS = "GLACIER_BACKUP_"
"""What our own variables begin with: there may be passwords among them."""


def environment() -> dict[str, str]:
    """What programs that the user names see of ours: all but our own variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


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

    def kill(self) -> None:
        """End it now, if it still is at work."""
        self._process.kill()


class Taking:
    """A program at work on what is written to it here."""

    def __init__(self, process: subprocess.Popen[bytes], listener: threading.Thread) -> None:
        self._process = process
        self._input = cast(IO[bytes], process.stdin)  # it is a pipe
        self._listener = listener

    def write(self, data: memoryview) -> None:
        """Hand it all on. Raises BrokenPipeError when the program has ended, or takes no more."""
        while data:
            data = data[os.write(self._input.fileno(), data) :]

    def wait(self) -> int:
        """Tell it that there is no more; otherwise as :meth:`Running.wait`."""
        self._input.close()
        status = self._process.wait()
        self._listener.join()
        return status

    def leave(self, seconds: float) -> None:
        """Tell it so, and give it that long to end by itself."""
        self._input.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class Feed(Protocol):
    """Bytes that a program is given."""

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as there are bytes; a short count, 0 included, means the end."""
        ...


class Fed(Running):
    """A program at work on a stream."""

    def __init__(
        self, process: subprocess.Popen[bytes], output: int, listener: threading.Thread, feeder: _Feeder
    ) -> None:
        super().__init__(process, output, listener)
        self._feeder = feeder

    def readinto(self, buffer: memoryview) -> int:
        """See :meth:`Running.readinto`. Raises what reading the stream raised, as it was, in place of the end."""
        count = super().readinto(buffer)
        if count < len(buffer) and self._feeder.failure is not None:
            raise self._feeder.failure
        return count

    @property
    def fed(self) -> int:
        """Bytes of the stream until now; all of them once the program has ended."""
        return self._feeder.count

    def took_all(self) -> bool:
        """Whether the program has read the stream to its end; to be asked when it has ended."""
        self._feeder.join()
        return self._feeder.took_all()


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
    process = started(program, arguments, subprocess.DEVNULL, cwd, env, pass_fds)
    with _heard(process, hear) as listener:
        yield Running(process, _output(process), listener)


@contextmanager
def fed(
    program: str,
    arguments: Sequence[str],
    stream: Feed,
    *,
    cwd: str,
    env: Mapping[str, str],
    hear: Callable[[bytes], None],
    pass_fds: Sequence[int] = (),
) -> Iterator[Fed]:
    """As :func:`running`, but its standard input is ``stream``, which is read in a thread of its own.

    A program that ends before ``stream`` does is no error here: its status tells. Leaving the context waits until
    reading ``stream``, if that is under way, returns.
    """
    process = started(program, arguments, subprocess.PIPE, cwd, env, pass_fds)
    with _heard(process, hear) as listener:
        feeder = _Feeder(process, stream)
        feeder.start()
        try:
            yield Fed(process, _output(process), listener, feeder)
        finally:
            process.kill()
            feeder.join()
            feeder.close()


@contextmanager
def taking(
    program: str, arguments: Sequence[str], *, cwd: str, env: Mapping[str, str], hear: Callable[[bytes], None]
) -> Iterator[Taking]:
    """As :func:`running`, for a program that is written to, and has no more to print than a pipe takes.

    Leaving the context kills it before its input ends: it doesn't take what it got for all there is, unless it was told
    that there is no more.
    """
    process = started(program, arguments, subprocess.PIPE, cwd, env)
    with _heard(process, hear) as listener:
        _widen(cast(IO[bytes], process.stdin).fileno())
        yield Taking(process, listener)


def started(
    program: str, arguments: Sequence[str], stdin: int, cwd: str, env: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """``program`` at work, its output and its messages in pipes. Raises OSError when it can't be started."""
    return subprocess.Popen(
        arguments,
        executable=program,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        pass_fds=pass_fds,
        process_group=0,  # ^C at the terminal is for us, and reaches the program when we leave the context.
    )


def _output(process: subprocess.Popen[bytes]) -> int:
    return cast(IO[bytes], process.stdout).fileno()  # it is a pipe


@contextmanager
def _heard(process: subprocess.Popen[bytes], hear: Callable[[bytes], None]) -> Iterator[threading.Thread]:
    """A block at whose end the program is ended, heard out, and its pipes are closed."""
    output, messages = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)  # they are pipes
    listener = threading.Thread(target=_listen, args=(messages, hear))
    listener.start()
    with output, messages, process.stdin or contextlib.nullcontext():
        try:
            _widen(output.fileno())
            yield listener
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                # Programs that it has started may wait for more, and have its messages' pipe open meanwhile.
                process.stdin.close()
            listener.join()


class _Feeder(threading.Thread):
    """Hands a stream on to a program."""

    def __init__(self, process: subprocess.Popen[bytes], stream: Feed) -> None:
        super().__init__()
        self._process = process
        self._stream = stream
        self._input = cast(IO[bytes], process.stdin)  # it is a pipe
        self.failure: BaseException | None = None
        """What reading the stream raised."""
        self.count = 0
        self._ended = False
        self._beside: int | None = None

    def run(self) -> None:
        _widen(self._input.fileno())
        buffer = memoryview(bytearray(PIPE_BYTES))
        count = len(buffer)
        try:
            while count == len(buffer):
                count = self._stream.readinto(buffer)
                self.count += count
                if not self._handed_on(buffer[:count]):
                    break
            else:
                self._ended = True
        except BaseException as error:  # noqa: BLE001  # it is raised again, where the output is read
            self.failure = error
            self._process.kill()  # or it would take what it got for all there is
        self._beside = _other_end(self._input.fileno())
        self._input.close()

    def took_all(self) -> bool:
        return self._ended and (self._beside is None or not _waiting_in(self._beside))

    def close(self) -> None:
        if self._beside is not None:
            os.close(self._beside)
            self._beside = None

    def _handed_on(self, data: memoryview) -> bool:
        """Whether the program took them; it doesn't when it has ended, or wants no more."""
        try:
            while data:
                data = data[os.write(self._input.fileno(), data) :]
        except BrokenPipeError:
            return False
        return True


def _listen(messages: IO[bytes], hear: Callable[[bytes], None]) -> None:
    while line := messages.readline(LONGEST_LINE):
        hear(line.rstrip(b"\n"))


def _other_end(pipe: int) -> int | None:
    """The end of a pipe that is read, to look what is still in it when nobody reads it any more; None where that can't
    be had: it is Linux that has it here (proc(5), ``/proc/PID/fd``)."""
    with contextlib.suppress(OSError):
        return os.open(f"/proc/self/fd/{pipe}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


def _waiting_in(pipe: int) -> int:
    """Bytes that nobody has read (ioctl_tty(2), ``FIONREAD``)."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])


def _widen(pipe: int) -> None:
    """Make room for more bytes at a time: 2 to 3 times the speed of tar's small writes."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux alone
        with contextlib.suppress(OSError):  # one user's pipes may take 64 MiB together
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
