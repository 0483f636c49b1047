"""The user's own commands: each gets what the one before has made on its standard input, and what it prints goes on.

What a command does nobody knows, so nobody but its user can undo it: by other commands, in the reverse order. The
recipe tells how many there were, and a number that tells the same commands from others.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache

from glacier_backup.errors import KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.process import Fed, environment, fed
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.sealer import ByteStream, SealedStream
from glacier_backup.units import KIB

Command = tuple[str, ...]
"""A program and its arguments. There may be secrets among them."""

MOST_COMMANDS = 20

_TOLD = 3
"""Lines of what a command complains of, the last ones."""
_LONGEST = 300
"""Characters of each."""

_WORK = 2**14
"""As scrypt's N (RFC 7914): some 40 ms and 16 MiB for a try. Who has only the recipe shall not guess a password that
stands in a command any faster than by trying what was encrypted with it."""
_SALT = b"glacier-backup command"
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Commands:
    """One or several; raises SealError for more than anybody needs, which are more than :data:`MOST_COMMANDS`."""

    commands: tuple[Command, ...] = field(repr=False)
    keys: tuple[str, ...] = ()
    """What each sees as ``KEY`` in its environment."""

    def __post_init__(self) -> None:
        if not 0 < len(self.commands) <= MOST_COMMANDS:
            raise SealError(f"{len(self.commands)} commands, and {MOST_COMMANDS} are the most here")

    def about(self, key: str, at_data: Sequence[str]) -> Commands:
        """The same for what has that key; each command sees what ``at_data`` has for it, where it has something."""
        return replace(self, keys=tuple(at_data) or (key,) * len(self.commands))

    @property
    def suffix(self) -> str:
        """None: keys are what the user's filters make of them."""
        return ""

    @property
    def repeatable(self) -> bool:
        """Nobody knows; what encrypts is not."""
        return False

    def step(self) -> Step:
        return Step("command", {"count": len(self.commands), "by": _number_of(self.commands)})

    def most(self, size: int) -> int:
        """A guess, which holds for encryption and for hex: what grows beyond it is begun anew."""
        return 2 * size + 64 * KIB

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        """See :class:`glacier_backup.seal.sealer.Sealer`. Raises SealError, in place of the end, for a command that
        fails, that didn't take all it was given, or made nothing of something."""
        keys = self.keys or ("",) * len(self.commands)
        with _through(zip(self.commands, keys, strict=True), stream, "data", takes_all=True) as made:
            yield made


class CommandOpener:
    """Undoes them by the commands that the user has named for it."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        """See :class:`glacier_backup.seal.sealer.Opener`."""
        missing = no_way_back(step, keys)
        if missing is not None:
            raise missing
        back = [(command, None) for command in reversed(keys.undo)]
        with _through(iter(back), stream, "undo_data", takes_all=False) as undone:
            yield undone


def no_way_back(step: Step, keys: Keys) -> SealError | None:
    """Why what has gone through the commands of ``step`` can't be had back with ``keys``, without a look at it."""
    count = step.parameters.get("count")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 < count <= MOST_COMMANDS:
        return SealError("a recipe that doesn't tell through how many commands it has gone")
    if not keys.undo:
        went = "a command" if count == 1 else f"{count} commands"
        return KeyNeeded(
            f"it has gone through {went} of a filter (data) when it was sent, and nothing tells what undoes that",
            hint="set undo_data = COMMAND in its section of the INI file, a line for each in the same order, or give"
            " --undo COMMAND, such as: --undo 'gpg --batch --decrypt'",
        )
    if len(keys.undo) != count:
        return WrongKey(
            f"it has gone through {count} commands when it was sent, and {len(keys.undo)} are named to undo that",
            hint="undo_data, or --undo, names one for each data line of the filters, in the same order",
        )
    return None


@lru_cache(maxsize=64)
def _number_of(commands: tuple[Command, ...]) -> str:
    """A letter in front: nothing takes it for a number then."""
    words = "\0\0".join("\0".join(command) for command in commands)
    found = hashlib.scrypt(words.encode("utf-8", "surrogateescape"), salt=_SALT, n=_WORK, r=8, p=1, dklen=_DIGITS // 2)
    return f"h{found.hex()}"


@contextmanager
def _through(
    commands: Iterator[tuple[Command, str | None]], stream: ByteStream, option: str, *, takes_all: bool
) -> Iterator[_Made]:
    made: ByteStream = stream
    with ExitStack() as stack, ExitStack() as ends:
        for command, key in commands:
            made = work = _begun(stack, command, key, made, _About(option, command, takes_all))
            ends.callback(work.kill)  # all at once, before any is waited for: one may wait for another
        assert isinstance(made, _Made)  # noqa: S101  # there is one at least
        yield made


def _begun(stack: ExitStack, command: Command, key: str | None, stream: ByteStream, about: _About) -> _Made:
    heard = deque[bytes](maxlen=_TOLD)
    own = {} if key is None else {"KEY": key}
    try:
        running = fed(command[0], command, stream, cwd="/", env=environment() | own, hear=heard.append)
        return _Made(stack.enter_context(running), heard, about)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SealError(f"{about} can't be started: {why}") from None


@dataclass(frozen=True, slots=True)
class _About:
    """What one command is, for messages."""

    option: str
    command: Command = field(repr=False)
    takes_all: bool

    def __str__(self) -> str:
        return f"the command {self.command[0]} of {self.option}"


class _Made:
    """What a command makes."""

    hmac_sha256: str | None = None

    def __init__(self, program: Fed, heard: Sequence[bytes], about: _About) -> None:
        self._program = program
        self._heard = heard
        self._about = about
        self._count = 0
        self._ended = False
        self.kill = program.kill

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        count = 0 if self._ended else self._program.readinto(buffer)
        self._count += count
        if count < len(buffer) and not self._ended:
            self._judge(self._program.wait())
            self._ended = True
        return count

    def _judge(self, status: int) -> None:
        if status != 0:
            how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
            raise SealError(f"{self._about} {how}{self._complaint}")
        if not self._about.takes_all:
            return
        if not self._program.took_all():
            raise SealError(f"{self._about} ended before it had read all it was given{self._complaint}")
        if self._program.fed and not self._count:
            raise SealError(f"{self._about} made nothing of {self._program.fed:,} bytes{self._complaint}")

    @property
    def _complaint(self) -> str:
        lines = (" ".join(line.decode("utf-8", "replace").split())[:_LONGEST] for line in self._heard)
        told = "; ".join(filter(None, lines))
        return f": {told}" if told else ""
