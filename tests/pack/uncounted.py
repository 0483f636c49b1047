"""A real file system that doesn't count the blocks of its files, as many in user space don't.

It speaks the kernel's FUSE protocol (``include/uapi/linux/fuse.h``, version 7.31): one directory with one file.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTENT = b"precious" * 1000
NAME = b"file"

_TOP, _FILE = 1, 2
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _RELEASE = 1, 2, 3, 14, 15, 18
_INIT, _OPENDIR, _READDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = 26, 27, 28, 29, 36, 42


@contextmanager
def uncounted(folder: Path) -> Iterator[Path]:
    """The one file, on a file system mounted at ``folder``. Raises OSError where none can be mounted."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    try:
        options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        command = ["mount", "-i", "-t", "fuse.uncounted", "-o", options, "uncounted", str(folder)]
        made = subprocess.run(command, pass_fds=(device,), capture_output=True, text=True)
        if made.returncode != 0:
            raise OSError(made.stderr)
        server = threading.Thread(target=_serve, args=(device,), daemon=True)
        server.start()
        try:
            yield folder / os.fsdecode(NAME)
        finally:
            subprocess.run(["umount", folder], check=True)
            server.join()
    finally:
        os.close(device)


def _serve(device: int) -> None:
    while True:
        try:
            request = os.read(device, 1024 * 1024)
        except OSError:  # unmounted
            return
        _, operation, unique, node = struct.unpack_from("<IIQQ", request)
        if operation not in (_FORGET, _BATCH_FORGET, _INTERRUPT):
            error, body = _answer(operation, node, request[40:])
            os.write(device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)


def _answer(operation: int, node: int, body: bytes) -> tuple[int, bytes]:
    if operation == _INIT:
        return 0, struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0)
    if operation == _LOOKUP:
        found = body.rstrip(b"\0") == NAME
        return (0, struct.pack("<QQQQII", _FILE, 0, 0, 0, 0, 0) + _attributes(_FILE)) if found else (errno.ENOENT, b"")
    if operation == _GETATTR:
        return 0, struct.pack("<QII", 0, 0, 0) + _attributes(node)
    if operation in (_OPEN, _OPENDIR):
        return 0, bytes(16)
    if operation in (_READ, _READDIR):
        offset, size = struct.unpack_from("<QI", body, 8)
        return 0, (CONTENT if operation == _READ else _listing())[offset : offset + size]
    return (0, b"") if operation in (_RELEASE, _RELEASEDIR) else (errno.ENOSYS, b"")


def _attributes(node: int) -> bytes:
    mode, size = (stat.S_IFDIR | 0o755, 0) if node == _TOP else (stat.S_IFREG | 0o644, len(CONTENT))
    blocks = 0
    return struct.pack("<6Q10I", node, size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def _listing() -> bytes:
    entry = struct.pack("<QQII", _FILE, 0, len(NAME), stat.S_IFREG >> 12) + NAME
    padded = entry + bytes(-len(entry) % 8)
    return padded[:8] + struct.pack("<Q", len(padded)) + padded[16:]
