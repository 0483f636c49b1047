"""What GNU tar says on standard error while it packs, told apart by what it means for the archive.

The words are those of tar 1.28 to 1.35 in the C locale (its sources: ``lib/paxerror.c``, ``src/create.c``), with
``--ignore-failed-read``, which adds ``Warning:``, and ``--quoting-style=c``, which quotes names beyond doubt:

    tar: "./a\\nb": Warning: Cannot open: Permission denied
"""

from __future__ import annotations

import os.path
import re
from collections import deque

from glacier_backup.model.archive import ReadProblem
from glacier_backup.pack.doubts import Doubts
from glacier_backup.pack.tar_index import QUOTED, unquote

MOST_PROBLEMS = 1000
"""How many are kept by name; the others are counted."""
_MOST_WORDS = 10

_ABOUT = re.compile(rf"tar: {QUOTED}: (?:Warning: )?(.*)")
_CHANGED = re.compile(
    r"file changed as we read it|File removed before we read it|File shrank by .*"
    r"|Cannot \w+: (?:No such file or directory|No data available)"
)
_ATTRIBUTES = re.compile(r"Cannot (?:\w*xattr\w*|acl_\w+|file_has_acl\w*): (.*)")
_MISSING = re.compile(r"Cannot \w+(?: to -?\d+)?: (.*)|(Unknown file type); file ignored")
_TORN = re.compile(r"Read error at byte (\d+), while reading \d+ bytes?: (.*)")
_HARMLESS = re.compile(r"(?:socket|door) ignored")
_ASIDES = re.compile(
    r"tar: (?:Exiting with failure status due to previous errors"
    r"|Error is not recoverable: exiting now"
    r"|(?:POSIX ACL|XATTR|SELinux) support is not available)"
)


class TarMessages:
    """Listens to one tar. Memory is bounded, however much there is to hear."""

    def __init__(self, path: str, doubts: Doubts | None = None) -> None:
        """``doubts`` are told of what changed and of what could be read in part."""
        self._path = path
        self._doubts = doubts
        self._problems: list[ReadProblem] = []
        self._more = 0
        self._words: deque[str] = deque(maxlen=_MOST_WORDS)
        self._last = "it did not say why"
        self.changed = False
        """Whether something changed, vanished or shrank while it was read."""
        self.fatal = False
        """Whether tar gave up before the end."""

    def hear(self, line: bytes) -> None:
        """Take one line, without its newline."""
        text = line.decode("latin-1")
        about = _ABOUT.fullmatch(text)
        if about is None:
            self._hear_aside(text)
            return
        self._last = text
        if not self._hear_about(self._absolute(unquote(about[1])), about[2]):
            self._words.append(text)

    @property
    def problems(self) -> tuple[ReadProblem, ...]:
        """What could not be read; when there is too much of it, the last one says how much more."""
        if not self._more:
            return tuple(self._problems)
        return (*self._problems, ReadProblem(self._path, f"{self._more:,} more below it could not be read"))

    @property
    def explained(self) -> bool:
        """Whether a failure is accounted for in full by problems with single files."""
        return bool(self._problems or self.changed) and not self._words and not self.fatal

    def words(self) -> str:
        """The last of what tar said that explains a failure, as it said it."""
        return "; ".join(word.removeprefix("tar: ") for word in self._words or [self._last])

    def _hear_aside(self, text: str) -> None:
        self.fatal = self.fatal or text.startswith("tar: Error is not recoverable")
        if not _ASIDES.fullmatch(text):
            self._words.append(text)

    def _hear_about(self, path: str, message: str) -> bool:
        """Whether the message was understood."""
        if _CHANGED.fullmatch(message):
            self.changed = True
            self._doubt(path)
        elif match := _ATTRIBUTES.fullmatch(message):
            self._add(path, f"extended attributes and ACLs: {match[1]}")
        elif match := _TORN.fullmatch(message):
            self._add(path, f"{match[2]} at byte {match[1]}: zeros stand for the rest of the file")
            self._doubt(path)
        elif match := _MISSING.fullmatch(message):
            self._add(path, match[1] or match[2])
        else:
            return _HARMLESS.fullmatch(message) is not None
        return True

    def _add(self, path: str, cause: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(ReadProblem(path, cause))
        else:
            self._more += 1

    def _doubt(self, path: str) -> None:
        if self._doubts is not None:
            self._doubts.add(path)

    def _absolute(self, name: str) -> str:
        """tar packs ``.`` below the candidate, or ``./name`` beside it."""
        return os.path.normpath(os.path.join(self._path, name))
