"""Every error that glacier-backup raises on purpose.

The tree, with the exit code that each branch stands for:

    GlacierBackupError                 1
    ├── UsageError                     2   the command line can't be carried out
    ├── ConfigError                    2   the INI file can't be used; holds every problem found
    ├── CatalogError                   2   the catalog can't be opened, read or written
    ├── LockHeld                       3   another run is at work on the same catalog
    ├── DestinationError               1   one archive could not be stored
    │   ├── NotThawed                  1   it has to be thawed first, or the thawed copy is over
    │   ├── VolumeMissing              1   nothing is stored there
    │   ├── UploadOutgrown             1   the stream is longer than the part size allows
    │   ├── UploadLost                 1   the destination doesn't know the upload any more
    │   │   └── UploadForgotten        1   and it may have been completed: the archive may be stored
    │   └── DestinationUnavailable     4   nothing can be stored there: refused, missing or out of reach
    ├── SealError                      1   an archive can't be sealed or opened
    │   ├── KeyNeeded                  1   what opens it is a key or password that nobody has given
    │   └── WrongKey                   1   the keys that were given don't open it
    ├── TargetError                    1   what comes back can't be written where it is to go
    ├── DamageFound                    5   what came back isn't what was sent
    ├── ServerError                    4   an SSH server can't be used: not trusted, or it refuses
    │   ├── ServerUnreachable          4   nobody answers
    │   └── ServerLost                 4   the connection broke, or an answer never came
    ├── SourceError                    1   a candidate could not be read
    │   ├── SourceUnavailable          4   the server that it lies on can't be used
    │   ├── SourceMissing              1   there is no such pool, dataset or snapshot
    │   ├── SourceInUse                1   something else needs a snapshot that was to go
    │   ├── SourceGone                 1   of several files that were to be sent together none is left
    │   └── SourceShrank               1   there are fewer bytes than when it was opened
    └── Interrupted                    130 the user or the system asked the run to stop

Foreign exceptions are translated where they enter. Everything is caught only by the top handler, at the seam where
one failed candidate must not stop the batch, and at the one where a listener that fails must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class GlacierBackupError(Exception):
    """The root. ``str()`` is one plain sentence; ``hint`` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(GlacierBackupError):
    """The command line asks for something that can't be done."""

    exit_code = 2


class Problem(NamedTuple):
    """One thing wrong with an INI file: where it is, what was found and what is expected."""

    file: str
    line: int | None
    section: str | None
    option: str | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        if self.section is not None:
            where += f": [{self.section}]"
        if self.option is not None:
            where += f" {self.option}"
        return f"{where}: {self.message}"


class ConfigError(GlacierBackupError):
    """The configuration can't be used. ``problems`` holds all that is wrong with it, in file order."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = tuple(problems)


class CatalogError(GlacierBackupError):
    """The catalog is locked, read-only, corrupt, newer than this program or on a full disk."""

    exit_code = 2


class LockHeld(GlacierBackupError):
    """Another process holds the lock of the same catalog."""

    exit_code = 3


class DestinationError(GlacierBackupError):
    """One archive could not be stored; others may well be."""


class NotThawed(DestinationError):
    """A volume can't be read now: it is cold, or its thawed copy is over. Ask for a thaw."""


class VolumeMissing(DestinationError):
    """The destination has nothing at this locator."""


class UploadOutgrown(DestinationError):
    """The stream has more bytes than the upload's part size allows; begin again with larger parts."""


class UploadLost(DestinationError):
    """The destination doesn't know the upload any more, or has other parts of it than we do: begin again."""


class UploadForgotten(UploadLost):
    """Completing is answered so, and may have been done before: whether the archive is stored can't be told now."""


class DestinationUnavailable(DestinationError):
    """Nothing can be stored at this destination now: it refuses, is missing, or can't be reached."""

    exit_code = 4


class SealError(GlacierBackupError):
    """An archive can't be sealed or opened: a program is missing, a recipient or a recipe can't be used."""


class KeyNeeded(SealError):
    """Opening takes a key or a password that nobody has given."""


class WrongKey(SealError):
    """None of the keys or passwords that were given opens what they were tried on."""


class TargetError(GlacierBackupError):
    """The directory that things are restored into can't be written, is too small, or isn't what it was."""


class DamageFound(GlacierBackupError):
    """What a destination hands back, or what is written of it, isn't what was sent. Reading again doesn't help."""

    exit_code = 5


class ServerError(GlacierBackupError):
    """An SSH server can't be used: its host key isn't trusted, it lets nobody in, or it speaks no SFTP.

    Destinations and sources say the same with an error of their own.
    """

    exit_code = 4


class ServerUnreachable(ServerError):
    """No connection can be made: the name isn't known, nobody listens, or no answer comes."""


class ServerLost(ServerError):
    """A connection broke, or an answer took too long: what was asked for may have been done or not."""


class SourceError(GlacierBackupError):
    """A candidate could not be read, or vanished."""

    def without(self, path: str) -> str:
        """The message for where ``path`` is named already."""
        return str(self).removeprefix(f"{path}: ")


class SourceUnavailable(SourceError):
    """The server that a candidate lies on refuses, can't be reached, or isn't the one that it should be."""

    exit_code = 4


class SourceMissing(SourceError):
    """There is no such pool, dataset or snapshot, or not any more."""


class SourceInUse(SourceError):
    """Something else needs that snapshot: it is held, or was cloned."""


class SourceGone(SourceError):
    """Every file of a group has vanished since it was planned: there is nothing to send."""


class SourceShrank(SourceError):
    """A file has fewer bytes than when it was opened, and parts behind its new end may be sent: begin again."""


class Interrupted(GlacierBackupError):
    """SIGINT or SIGTERM arrived. What was sent is recorded, and the next run goes on with the rest."""

    exit_code = 130
