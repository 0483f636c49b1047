"""A real file system that doesn't count the blocks of its files, as many in user space don't.

It speaks the kernel's FUSE protocol (``include/uapi/linux/fuse.h``, version 7.31): one directory with one file.
``python -m tests.pack.uncounted FOLDER`` serves it until its input ends, for a minute at most.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

CONTENT = b"precious" * 1000
NAME = b"file"

_REPOSITORY = Path(__file__).resolve().parents[2]
_MOUNTED, _REFUSED = "mounted", "refused: "
_LIFE_SECONDS, _STEP_SECONDS = 60, 10

_TOP, _FILE = 1, 2
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _RELEASE = 1, 2, 3, 14, 15, 18
_INIT, _OPENDIR, _READDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = 26, 27, 28, 29, 36, 42
_UNMOUNT = ("umount", "-i", "-c", "-l")  # without a look at the folder, which may be stuck


@contextmanager
def uncounted(folder: Path) -> Iterator[Path]:
    """The one file, on a file system mounted at ``folder``. Raises OSError where none can be mounted.

    A process of its own serves it. A thread of this one couldn't answer while ``Popen(cwd=folder)`` waits, with
    the GIL, for its child's chdir (Python uses vfork); whatever waits for a server that has ended gets an error.
    """
    command = [sys.executable, "-m", "tests.pack.uncounted", str(folder)]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            _await_mount(server)
            yield folder / os.fsdecode(NAME)
        finally:
            _end(server, folder)


def _await_mount(server: subprocess.Popen[str]) -> None:
    assert server.stdout
    ready, _, _ = select.select([server.stdout], [], [], 2 * _STEP_SECONDS)
    said = server.stdout.readline().rstrip() if ready else "nothing"
    if said.startswith(_REFUSED):
        raise OSError(said.removeprefix(_REFUSED))
    if said != _MOUNTED:
        raise RuntimeError(f"the file system without block counts did not start, it said: {said}")


def _end(server: subprocess.Popen[str], folder: Path) -> None:
    try:
        server.communicate(timeout=2 * _STEP_SECONDS)  # at the end of its input it unmounts
    finally:
        if server.returncode != 0:
            server.kill()
            subprocess.run([*_UNMOUNT, folder], timeout=_STEP_SECONDS, capture_output=True)
            raise RuntimeError("the file system without block counts did not end well")


def _main(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the tests; this ends with them
    signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(_LIFE_SECONDS)
    try:
        device = _mount(folder)
    except OSError as error:
        print(f"{_REFUSED}{error}".replace("\n", " "))
        return
    try:
        print(_MOUNTED, flush=True)
        _serve(device)
    finally:
        os.close(device)  # first: what still waits for an answer gets an error
        subprocess.run([*_UNMOUNT, folder], timeout=_STEP_SECONDS, check=True)


def _too_late(number: int, frame: object) -> NoReturn:
    raise TimeoutError(f"the tests have used the file system for {_LIFE_SECONDS} seconds")


def _mount(folder: str) -> int:
    """The device to serve; only this process has it, so that the file system ends with it."""
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    command = ["mount", "-i", "-t", "fuse.uncounted", "-o", options, "uncounted", folder]
    made = subprocess.run(command, pass_fds=(device,), capture_output=True, text=True, timeout=_STEP_SECONDS)
    if made.returncode != 0:
        raise OSError(made.stderr)
    return device


def _serve(device: int) -> None:
    standard_input = sys.stdin.fileno()
    while standard_input not in select.select([device, standard_input], [], [])[0]:
        with suppress(BlockingIOError, FileNotFoundError):  # who asked has been killed
            _reply(device, os.read(device, 1024 * 1024))


def _reply(device: int, request: bytes) -> None:
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


if __name__ == "__main__":
    _main(sys.argv[1])
