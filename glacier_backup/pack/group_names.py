"""The names that GNU tar is given of a group's files, each looked at when its turn is near."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import compress

from glacier_backup.descent import Descent, above
from glacier_backup.errors import SourceError
from glacier_backup.model.contents import Contents, Held
from glacier_backup.pack.held import is_as_held, none_left
from glacier_backup.pack.local_contents import GONE

TOGETHER = 4096
"""Bytes of names handed over at once, and that wait in between: tar is never far behind. It is the least that a pipe of
Linux can be told to hold (pipe(7))."""

LONGEST = 4096
"""Bytes of a path that the kernel takes in one piece, with the NUL behind it (``PATH_MAX``)."""

BEFORE = b"./"

TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)


class GroupNames(threading.Thread):
    """Hands names on to a tar, as fast as it takes them: ``./`` and the name below the section, NUL behind each.

    What has vanished, or has become something else, is left out; and unless the contents say that links are followed,
    so is what lies behind a symlink by now. tar itself would follow one.
    """

    def __init__(self, section: str, root: int, contents: Contents) -> None:
        """``root`` is the open section; it stays open until :meth:`close`."""
        super().__init__(name="names")
        self._section = section
        self._root = root
        self._contents = contents
        self._told = bytearray()
        """For each file, whether tar was told of it."""
        self._failure: BaseException | None = None
        self.output, self._input = os.pipe()
        with suppress(AttributeError, OSError):  # Linux alone
            fcntl.fcntl(self._input, fcntl.F_SETPIPE_SZ, TOGETHER)

    def begin(self) -> None:
        """Once tar has the other end of the pipe."""
        self._let_go()
        self.start()

    def run(self) -> None:
        try:
            with Descent(os.dup(self._root)) as here:
                for piece in _joined(self._there(here)):
                    _write_all(self._input, piece)
                    here.go(b"")  # or what was open by then would be looked at for as long as tar is in it
        except BrokenPipeError:
            pass  # tar has ended before: what it said tells why
        except BaseException as error:  # noqa: BLE001  # it is raised again by finish
            self._failure = error
        finally:
            os.close(self._input)

    def finish(self) -> None:
        """Once tar has ended. Raises SourceError where nothing was there, and where by now a symlink is on the way to a
        file, for nobody knows since when it is."""
        self.join()
        if isinstance(self._failure, OSError):
            raise SourceError(f"{self._section}: {self._failure.strerror}") from self._failure
        if self._failure is not None:
            raise self._failure
        if not any(self._told):
            raise none_left(self._section, self._contents)
        if not self._contents.follow:
            self._find_links()

    def close(self) -> None:
        """Once tar has ended, or where it never began."""
        if self.ident is None:
            self._let_go()
            os.close(self._input)
        else:
            self.join()

    def _let_go(self) -> None:
        if self.output >= 0:
            os.close(self.output)
            self.output = -1

    def _there(self, here: Descent) -> Iterator[bytes]:
        for held in self._contents:
            name = os.fsencode(held.name)
            is_there = self._is_there(here, name, held)
            self._told.append(is_there)
            if is_there:
                yield BEFORE + name + b"\0"

    def _is_there(self, here: Descent, name: bytes, held: Held) -> bool:
        folder, _, base = name.rpartition(b"/")
        follow = self._contents.follow
        try:
            found = os.stat(base, dir_fd=here.go(folder, follow), follow_symlinks=follow)
        except OSError as error:
            if error.errno in TOO_MANY_OPEN:
                raise
            return error.errno not in GONE  # tar says what is wrong with it
        return is_as_held(found.st_mode, held)

    def _told_names(self) -> Iterator[bytes]:
        return (os.fsencode(held.name) for held in compress(self._contents, self._told))

    def _find_links(self) -> None:
        last = b""
        with Descent(os.dup(self._root)) as here:
            for name in self._told_names():
                folder = name.rpartition(b"/")[0]
                if folder != last and not self._leads_to(here, folder):
                    raise SourceError(
                        f"{self._section.rstrip('/')}/{os.fsdecode(folder)}: while files in it were read a directory "
                        "on the way became a symlink, so that they may have been others",
                    )
                last = folder

    def _leads_to(self, here: Descent, folder: bytes) -> bool:
        """Whether no symlink is on the way to ``folder``, as far as there is one."""
        try:
            here.go(folder)
        except OSError as error:
            return error.errno not in GONE or not any(_is_link(one, self._root) for one in (*above(folder), folder))
        return True


def _is_link(path: bytes, root: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(path, dir_fd=root, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _write_all(pipe: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _joined(names: Iterator[bytes]) -> Iterator[bytes]:
    piece = b""
    for name in names:
        if len(piece) + len(name) > TOGETHER and piece:
            yield piece
            piece = b""
        piece += name
    yield piece
