"""GnuPG's program at work: started, told passwords through pipes alone, and heard on its status channel.

What it says there is GnuPG's doc/DETAILS, "Format of the --status-fd output".
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO

from glacier_backup.errors import GlacierBackupError, SealError
from glacier_backup.process import Fed, fed
from glacier_backup.seal.keys import Secret
from glacier_backup.seal.sealer import ByteStream

_HANDED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "GNUPGHOME", "TMPDIR", "XDG_RUNTIME_DIR"),
    *("GPG_TTY", "TERM", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
)
"""All that gpg, and the dialogue of its agent, see of our environment: secrets may be in it."""

_LONGEST = 4096
"""Bytes of a password: it has to fit into a pipe (pipe(7)), and gpg's agent takes 255 at most."""

_KEPT = 1000
"""Lines of the status channel that are remembered; the rest is of somebody who wants to fill the memory."""


class GpgReport:
    """What gpg said, and how it ended."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.exit_status = -1
        self.refused: GlacierBackupError | None = None
        """Why there was no password when gpg asked."""
        self._messages: list[str] = []

    def hear(self, line: bytes) -> None:
        """One of its messages."""
        if len(self._messages) < _KEPT:
            self._messages.append(line.decode("utf-8", "replace").removeprefix("gpg: "))

    def said(self, keyword: str) -> bool:
        return any(line[0] == keyword for line in self.lines)

    def all(self, keyword: str) -> list[list[str]]:
        """What followed it, each time."""
        return [line[1:] for line in self.lines if line[0] == keyword and len(line) > 1]

    def field(self, keyword: str, number: int, otherwise: str) -> str:
        """Of the first line with the keyword; numbers begin with 0."""
        fields = next(iter(self.all(keyword)), [])
        return fields[number] if number < len(fields) else otherwise

    @property
    def errors(self) -> list[list[str]]:
        """Where and which; two fields at least."""
        return [fields for fields in self.all("ERROR") if len(fields) > 1]

    @property
    def words(self) -> str:
        """Its last messages, in a line."""
        return "; ".join(self._messages[-2:]) or f"it ended with status {self.exit_status} and said nothing"


class GpgStream:
    """What gpg makes of a stream."""

    hmac_sha256: str | None = None
    """None: what gpg encrypts authenticates itself."""

    def __init__(self, program: Fed, listener: threading.Thread, report: GpgReport, judge: Judge) -> None:
        self._program = program
        self._listener = listener
        self._report = report
        self._judge = judge
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`. Raises, in place of the end, what the judge does."""
        count = self._program.readinto(buffer)
        if count < len(buffer) and not self._ended:
            self._report.exit_status = self._program.wait()
            self._listener.join()
            self._judge(self._report)
            self._ended = True
        return count


Judge = Callable[[GpgReport], None]
"""Raises an error for what didn't go well."""


@contextmanager
def at_work(
    arguments: Sequence[str],
    stream: ByteStream,
    home: str | None,
    judge: Judge,
    *,
    password: str | None = None,
    ask: Secret | None = None,
) -> Iterator[GpgStream]:
    """gpg with ``arguments`` at work on ``stream``. Raises SealError when it can't be started.

    ``password`` is told at the start, ``ask`` is asked when gpg does; where there is neither, gpg's agent asks whom it
    can.
    """
    program = shutil.which("gpg") or shutil.which("gpg2")
    if program is None:
        raise SealError("gpg isn't there", hint="install GnuPG: its program gpg does this encryption")
    report = GpgReport()
    with ExitStack() as stack:
        pipes = _Pipes(stack)
        options = [*_COMMON, *(["--homedir", home] if home else []), *pipes.options(password, ask)]
        listener = threading.Thread(target=_listen, args=(pipes.status, pipes.commands, ask, report))
        stack.callback(listener.join)  # when gpg has ended, and with it what it says
        stack.callback(pipes.close_theirs)
        try:
            gpg = stack.enter_context(
                fed(
                    program,
                    ["gpg", *options, *arguments],
                    stream,
                    cwd="/",
                    env=_environment(),
                    hear=report.hear,
                    pass_fds=pipes.theirs,
                )
            )
        except OSError as error:
            raise SealError(f"gpg can't be started: {error.strerror}") from error
        finally:
            listener.start()
            pipes.close_theirs()
        yield GpgStream(gpg, listener, report, judge)


_COMMON = (
    *("--batch", "--no-tty", "--no-greeting", "--charset", "utf-8", "--utf8-strings"),
    "--no-symkey-cache",  # a password is asked of who has it, each time
)


class _Pipes:
    """Between us and gpg, apart from the streams."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.theirs: list[int] = []
        """Our copies of gpg's ends."""
        self.status: IO[bytes] = self._read_here()
        self.commands: IO[bytes] | None = None

    def options(self, password: str | None, ask: Secret | None) -> list[str]:
        """Those that tell gpg of its ends."""
        options = ["--status-fd", str(self.theirs[0])]
        if password is not None:
            with self._written_here() as pipe:
                pipe.write(_line(password))
            return [*options, "--pinentry-mode", "loopback", "--passphrase-fd", str(self.theirs[1])]
        if ask is not None:
            self.commands = self._stack.enter_context(self._written_here())
            return [*options, "--pinentry-mode", "loopback", "--command-fd", str(self.theirs[1])]
        return options

    def close_theirs(self) -> None:
        while self.theirs:
            os.close(self.theirs.pop())

    def _read_here(self) -> IO[bytes]:
        ours, theirs = os.pipe()
        self.theirs.append(theirs)
        return self._stack.enter_context(open(ours, "rb"))

    def _written_here(self) -> IO[bytes]:
        theirs, ours = os.pipe()
        self.theirs.append(theirs)
        return open(ours, "wb", buffering=0)


def _line(password: str) -> bytes:
    line = password.encode(errors="surrogateescape") + b"\n"
    if line.count(b"\n") > 1 or b"\0" in line or len(line) > _LONGEST:
        raise SealError("gpg takes no password with a line break in it, and none that is very long")
    return line


def _listen(status: IO[bytes], commands: IO[bytes] | None, ask: Secret | None, report: GpgReport) -> None:
    for line in status:
        words = line.decode("utf-8", "replace").split()[1:]  # behind "[GNUPG:]"
        if not words:
            continue
        if len(report.lines) < _KEPT:
            report.lines.append(words)
        if words[0].startswith("GET_") and commands is not None:
            with contextlib.suppress(OSError):  # gpg has ended
                commands.write(_answer(words, ask, report))


def _answer(words: Sequence[str], ask: Secret | None, report: GpgReport) -> bytes:
    """The password, at the first time that gpg asks for it; after that, and of everything else, nothing."""
    asked = sum(line[0] == "GET_HIDDEN" for line in report.lines)
    if words[0] != "GET_HIDDEN" or asked > _TRIES or ask is None:
        return _CANCEL
    try:
        return _line(ask())
    except GlacierBackupError as error:
        report.refused = error
        return _CANCEL


_CANCEL = b"\x04\n"
"""What gpg's ``--command-fd`` takes for a user who gives up."""

_TRIES = 16
"""Secret keys, of as many recipients, that the password is tried on."""


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _HANDED_ON if name in os.environ} | {"LC_ALL": "C"}
