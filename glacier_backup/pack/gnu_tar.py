"""The GNU tar of this machine, and the options that make it pack repeatably."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import IO

from glacier_backup.units import KIB

_NAMES = ("tar", "gtar", "gnutar")
_OLDEST = (1, 28)
"""The first with ``--sort=name`` (its NEWS)."""

_VERSION = re.compile(r"tar \(GNU tar\) (\d+)\.(\d+)")

# Each would change the bytes or the messages: the user's own options and a PID in header names (GNU tar manual,
# "TAR_OPTIONS" and "POSIXLY_CORRECT"), the language and the time zone.
_UNWANTED = ("TAR_OPTIONS", "POSIXLY_CORRECT")
_WANTED = {"LC_ALL": "C", "TZ": "UTC"}

_ALWAYS = (
    "--create",
    "--file=-",
    "--format=posix",
    "--sort=name",
    "--numeric-owner",
    "--xattrs",
    "--acls",
    # Left alone, tar would store when a file was read, and before 1.33 its own process ID.
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    "--ignore-failed-read",
    "--quoting-style=c",
    "--no-unquote",  # or it would read a backslash on its command line as an escape
)
ONE_FILE = ("--dereference", "--no-recursion", "--pax-option=exthdr.name=%d/PaxHeaders")
"""Options to pack a file alone, or what a symlink points to; %f would be its name on disk."""

EACH_FILE = ("--no-recursion", "--hard-dereference")
"""Options to pack files that are listed, each as a file of its own, whatever other names it has."""

FOLLOWED = ("--dereference",)
"""Options to pack what symlinks lead to in their place."""

SPARSE = ("--sparse", "--sparse-version=0.0")  # 1.0 has a PID in its names
"""Options to look for holes; see :mod:`glacier_backup.pack.block_counts`."""

_MOST_TOLD = 96 * KIB
"""Bytes of names on its command line. Linux takes 128 KiB of one argument, and 2 MiB of all and the environment."""

_LISTING = ("--verbose", "--verbose", "--block-number", "--full-time", "--utc", "--show-transformed-names")


def find_gnu_tar() -> str | None:
    """The absolute path of GNU tar 1.28 or newer on the PATH; None when there is none. It is looked for once."""
    return _find(os.environ.get("PATH", os.defpath))


def arguments(
    what: tuple[str, ...], pattern: str, stored_name: str, *, index: str, options: tuple[str, ...]
) -> list[str]:
    """tar's arguments to pack ``what``, with ``pattern`` replaced by ``stored_name`` in members and hard links.

    ``pattern`` is a basic regular expression; ``index`` is where the list of members goes.
    """
    replacement = re.sub(r"[\\&/]", r"\\\g<0>", stored_name)
    transform = f"--transform=s/{pattern}/{replacement}/S"  # S: not in what symlinks point to
    return ["tar", *_ALWAYS, *options, *_LISTING, f"--index-file={index}", transform, *what]


def listed(names: int) -> tuple[str, ...]:
    """What to pack is told by a descriptor, which tar has too: names that begin with ``./``, NUL behind each."""
    return ("--null", f"--files-from=/dev/fd/{names}")


def without(folders: Iterable[bytes]) -> tuple[str, ...]:
    """The options that leave out what is in each of ``folders``, relative to the one that is packed, but not the folder
    itself."""
    patterns = [re.sub(rb"[*?\[\]\\]", rb"\\\g<0>", folder) for folder in folders]
    return ("--anchored", "--wildcards", *(f"--exclude=./{os.fsdecode(one)}/*" for one in patterns)) if patterns else ()


class Untold(Exception):
    """GNU tar can't be told of all that it is to leave out."""


def leaving_out(paths: Iterable[bytes], file: IO[bytes]) -> tuple[str, ...]:
    """The options that leave out ``paths``, relative to the directory that is packed, which are written to ``file``:
    an open one that stays open, whose descriptor tar has too.

    A list in a file has one path a line, without the blanks at its end (GNU tar manual, "Exclude"); those of which that
    would make another are arguments of their own. Raises Untold where they are too many.
    """
    arguments, told = [], 0
    for path in paths:
        if b"\n" in path or path[-1:].isspace():
            arguments.append(f"--exclude=./{os.fsdecode(path)}")
            told += len(path)
            if told + 24 * len(arguments) > _MOST_TOLD:
                raise Untold
        else:
            file.write(b"./%b\n" % path)
    file.flush()
    file.seek(0)
    return ("--anchored", "--no-wildcards", f"--exclude-from=/dev/fd/{file.fileno()}", *arguments)


def environment() -> dict[str, str]:
    """Our own environment without what would change tar's output, and without what is for us alone: it may be a
    password."""
    unwanted = (key for key in os.environ if key in _UNWANTED or key.startswith("GLACIER_BACKUP_"))
    return {key: os.environ[key] for key in os.environ.keys() - {*unwanted}} | _WANTED


@lru_cache(maxsize=8)
def _find(path: str) -> str | None:
    for name, folder in product(_NAMES, path.split(os.pathsep)):  # another tar may come first
        program = shutil.which(name, path=folder)
        if program is not None and _version(program) >= _OLDEST:
            return os.path.abspath(program)
    return None


def _version(program: str) -> tuple[int, ...]:
    """Major and minor of GNU tar; empty, which is less than any, for another tar or a broken one."""
    try:
        said = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=environment(),
            text=True,
            errors="replace",
        ).stdout
    except OSError:
        return ()
    match = _VERSION.match(said)
    return (int(match[1]), int(match[2])) if match else ()
