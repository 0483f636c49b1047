"""The folder of one thing on its way, below the hidden folder of the target: its content, and the notes about it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

from glacier_backup.errors import TargetError
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.checkpoint import Checkpoint, Done
from glacier_backup.workflow.restoring.target import STAGING, Target, troubles

_LONGEST = 1 << 20
"""Bytes of a note that are read: more than is ever written."""


class ItemFolder:
    """The folder of one thing on its way. Methods raise TargetError, but where they say otherwise."""

    def __init__(self, target: Target, above: int, name: str, boot: str) -> None:
        """``above`` is the hidden folder, open; ``boot`` says which run of the machine this is."""
        self.target = target
        self.boot = boot
        self._above = above
        self._name = name

    def done(self) -> Done | None:
        """That all of it is there, if that is so, and the machine has been up since or it was flushed."""
        text = self._read("done")
        return None if text is None else Done.read(text)

    def is_known_complete(self, done: Done) -> bool:
        """Whether ``done`` speaks of what bears the name in here, which can't have got lost on its way to the disk."""
        found = self._look(done.root)
        return found is not None and found.st_ino == done.inode and (done.flushed or done.boot == self.boot)

    def checkpoint(self, identity: str) -> Checkpoint | None:
        """Where to go on with the bytes of ``identity``."""
        for name in ("checkpoint", "flushed"):
            text = self._read(name)
            found = None if text is None else Checkpoint.read(text)
            usable = found is not None and found.identity == identity
            if found is not None and usable and (name == "flushed" or found.boot == self.boot):
                return found
        return None

    def begin(self, *, anew: bool) -> int:
        """The folder for the content, open; the caller closes it. ``anew``: empty."""
        with troubles(self.target.path):
            if anew:
                self.remove()
            with suppress(FileExistsError):
                os.mkdir(self._name, 0o700, dir_fd=self._above)
            with self.inside() as own:
                with suppress(FileExistsError):
                    os.mkdir("content", 0o700, dir_fd=own)
                return os.open("content", beneath.FOLDER, dir_fd=own)

    def save(self, checkpoint: Checkpoint, *, flush: bool) -> None:
        """Write down how far it is; with ``flush`` after all that was written so far is on the disk."""
        with troubles(self.target.path):
            if flush:
                os.sync()
                self._write("flushed", checkpoint.written(), flush=True)
            self._write("checkpoint", checkpoint.written(), flush=False)

    def leaves(self, volume: int, count: int) -> bytes | None:
        """The first ``count`` bytes of what was kept of a volume's digests; None where there are fewer."""
        found = self._read_bytes(f"leaves.{volume}", count)
        return found if found is not None and len(found) == count else None

    def keep_leaves(self, volume: int, leaves: bytes, start: int) -> None:
        """Write digests behind the first ``start`` bytes of them, in place of what else is there."""
        with troubles(self.target.path), self.inside() as own:
            file = os.open(f"leaves.{volume}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=own)
            try:
                os.ftruncate(file, start)
                os.pwrite(file, leaves, start)
            finally:
                os.close(file)

    def finish(self, root: str, left_out: Sequence[str]) -> Done:
        """Note that all of it is there and right; ``root``, relative to the content, is what gets the name, and the
        content itself where it is empty."""
        with troubles(self.target.path):
            below = f"content/{root}" if root else "content"
            if not root:
                self._open_to_others()
            found = self._look(below)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), below)
            done = Done(self.boot, below, found.st_ino, stat.S_IMODE(found.st_mode), list(left_out))
            self._write("done", done.written(), flush=False)
            return done

    def note_flushed(self, done: Done) -> Done:
        """Note of what is all there that it is on the disk."""
        with troubles(self.target.path):
            flushed = replace(done, flushed=True)
            self._write("done", flushed.written(), flush=True)
            return flushed

    def inside(self, names: Sequence[str] = ()) -> AbstractContextManager[int]:
        """The folder, or one of these names in it, open for a block. Raises OSError."""
        return beneath.folder(self._above, [self._name, *names])

    def scratch(self) -> str:
        """The path of a folder in it for whatever is needed on the way, made if need be; it goes with the item's."""
        with troubles(self.target.path), self.inside() as own, suppress(FileExistsError):
            os.mkdir("scratch", 0o700, dir_fd=own)
        return os.path.join(self.target.path, STAGING, self._name, "scratch")

    def empty(self) -> None:
        """Take all away but the note that it is done."""
        with troubles(self.target.path), suppress(FileNotFoundError), self.inside() as own:
            for name in os.listdir(own):
                if name != "done":
                    beneath.remove(name, own)

    def remove(self) -> None:
        """Take all away."""
        with troubles(self.target.path), suppress(FileNotFoundError):
            trash = f"trash-{secrets.token_hex(8)}"
            folder = self._above
            os.rename(self._name, trash, src_dir_fd=folder, dst_dir_fd=folder)
            beneath.remove(trash, folder)

    def _open_to_others(self) -> None:
        """The content is a directory like those that mkdir makes."""
        with self.inside() as own:
            os.mkdir("like", dir_fd=own)
            os.chmod("content", stat.S_IMODE(os.stat("like", dir_fd=own).st_mode), dir_fd=own)
            os.rmdir("like", dir_fd=own)

    def _look(self, below: str) -> os.stat_result | None:
        try:
            return beneath.look(self._above, [self._name, *beneath.components(below)])
        except (OSError, ValueError):
            return None

    def _read(self, name: str) -> str | None:
        found = self._read_bytes(name, _LONGEST)
        return None if found is None else found.decode("utf-8", "replace")

    def _read_bytes(self, name: str, most: int) -> bytes | None:
        try:
            with self.inside() as own:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=own)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TargetError(f"{self.target.path}: {STAGING}/{self._name}/{name}: {error.strerror}") from error
        with open(file, "rb") as opened:
            return opened.read(most)

    def _write(self, name: str, text: str, *, flush: bool) -> None:
        """Whole, or not at all."""
        with self.inside() as own:
            new = f"{name}.new"
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=own)
            with open(file, "wb") as opened:
                opened.write(text.encode())
                opened.flush()
                if flush:
                    os.fsync(file)
            os.rename(new, name, src_dir_fd=own, dst_dir_fd=own)
            if flush:
                os.fsync(own)
