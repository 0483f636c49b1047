"""Unpacking for tests: all at once, from checkpoints, and archives that nobody would make."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from glacier_backup.model.archive import Member
from glacier_backup.pack.unpacker import Unpacker, Unpacking, UnpackOrder
from glacier_backup.pack.untar import TarUnpacker
from tests.lacking import lacking
from tests.streams import BytesStream

TREE = UnpackOrder("tree", "directory")


class Unpacked(NamedTuple):
    """All that came of it."""

    members: list[Member]
    left_out: tuple[str, ...]


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """A descriptor of ``folder``, which is made if need be."""
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def unpack(data: bytes, folder: Path, order: UnpackOrder = TREE, unpacker: Unpacker | None = None) -> Unpacked:
    """Everything that ``order`` asks for, in ``folder``."""
    with opened(folder) as descriptor:
        unpacking = (unpacker or TarUnpacker()).unpack(BytesStream(data), descriptor, order)
        members = [member for member in unpacking if member is not None]
        return Unpacked(members, unpacking.left_out)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """For many small trees, as long as they are needed: a disk may be slow."""
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


def without_privilege(*more: str) -> list[str]:
    """How Python is started so that permissions hold, even when the tests are run by root."""
    if os.geteuid() != 0:
        return [sys.executable]
    program = shutil.which("setpriv")
    if program is None:
        lacking("root may do everything, and setpriv (util-linux) is missing")
    gone = "-dac_override,-dac_read_search"
    return [program, f"--bounding-set={gone}", f"--inh-caps={gone}", *more, sys.executable]


def stopped(unpacking: Unpacking, checkpoint_after: int, stop_after: int) -> str:
    """The checkpoint after so many steps, or at the end, of one that was abandoned after some more."""
    steps = iter(unpacking)
    checkpoint = unpacking.checkpoint() if checkpoint_after == 0 else ""
    for number in range(1, stop_after + 1):
        if next(steps, steps) is steps:
            checkpoint = checkpoint or unpacking.checkpoint()
            break
        if number == checkpoint_after:
            checkpoint = unpacking.checkpoint()
    steps.close()  # type: ignore[attr-defined]  # a generator's; the Protocol promises only an iterator
    return checkpoint


def made_by_hand(*members: tuple[str, bytes, str | bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of members, each a name, a type, and a target or content; their headers are right, whatever they say."""
    data = BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=format, errors="surrogateescape") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            if isinstance(content, str):
                info.linkname = content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, BytesIO(content))
    return data.getvalue()
