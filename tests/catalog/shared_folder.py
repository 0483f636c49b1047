"""A real file system of the type ``fuse.sshfs``, in which files can be made, written, renamed and removed.

It speaks the kernel's FUSE protocol (``include/uapi/linux/fuse.h``, version 7.31) and keeps its files, all in one
directory, in memory. No memory can be shared through it (``FOPEN_DIRECT_IO``), as between machines.
``python -m tests.catalog.shared_folder FOLDER`` serves it until its input ends, for two minutes at most.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
_MOUNTED, _REFUSED = "mounted", "refused: "
_LIFE_SECONDS, _STEP_SECONDS = 120, 10
_UNMOUNT = ("umount", "-i", "-c", "-l")  # without a look at the folder, which may be stuck

_TOP = 1
_FORGET, _INTERRUPT, _BATCH_FORGET = 2, 36, 42
_NO_SHARING = 1  # FOPEN_DIRECT_IO
_SET_MODE, _SET_SIZE = 1, 8


@contextmanager
def shared_folder(folder: Path) -> Iterator[Path]:
    """``folder``, with such a file system mounted on it. Raises OSError where none can be mounted."""
    command = [sys.executable, "-m", "tests.catalog.shared_folder", str(folder)]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            _await_mount(server)
            yield folder
        finally:
            _end(server, folder)


def _await_mount(server: subprocess.Popen[str]) -> None:
    assert server.stdout
    ready, _, _ = select.select([server.stdout], [], [], 2 * _STEP_SECONDS)
    said = server.stdout.readline().rstrip() if ready else "nothing"
    if said != _MOUNTED:
        raise OSError(f"no file system in user space here: {said.removeprefix(_REFUSED)}")


def _end(server: subprocess.Popen[str], folder: Path) -> None:
    try:
        server.communicate(timeout=2 * _STEP_SECONDS)  # at the end of its input it unmounts
    finally:
        if server.returncode != 0:
            server.kill()
            subprocess.run([*_UNMOUNT, folder], timeout=_STEP_SECONDS, capture_output=True)


@dataclass
class _File:
    mode: int
    content: bytearray = field(default_factory=bytearray)
    changes: int = 0

    def write(self, offset: int, data: bytes) -> None:
        self.resize(max(len(self.content), offset + len(data)))
        self.content[offset : offset + len(data)] = data

    def resize(self, size: int) -> None:
        self.changes += 1
        del self.content[size:]
        self.content.extend(bytes(size - len(self.content)))


class _Folder:
    """What is in it, and the answers to what the kernel asks."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}  # one that has lost its name may still be open
        self._names: dict[bytes, int] = {}
        self._handlers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup,
            3: lambda node, body: struct.pack("<QII", 0, 0, 0) + self._attributes(node),
            4: self._set_attributes,
            10: self._unlink,
            12: lambda node, body: self._rename(body[8:]),
            14: lambda node, body: struct.pack("<QII", 0, _NO_SHARING, 0),
            15: self._read,
            16: self._write,
            17: lambda node, body: struct.pack("<5Q4I24x", 10**6, 10**6, 10**6, 10**6, 10**6, 4096, 255, 4096, 0),
            18: lambda node, body: b"",
            20: lambda node, body: b"",
            25: lambda node, body: b"",
            26: lambda node, body: struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0),
            27: lambda node, body: bytes(16),
            28: self._list,
            29: lambda node, body: b"",
            30: lambda node, body: b"",
            35: self._create,
            45: lambda node, body: self._rename(body[16:]),
        }

    def answer(self, operation: int, node: int, body: bytes) -> tuple[int, bytes]:
        try:
            return 0, self._handlers[operation](node, body)
        except KeyError:
            return errno.ENOSYS if operation not in self._handlers else errno.ENOENT, b""

    def _lookup(self, node: int, body: bytes) -> bytes:
        return self._entry(self._names[body.rstrip(b"\0")])

    def _create(self, node: int, body: bytes) -> bytes:
        made = len(self._files) + _TOP + 1
        self._files[made] = _File(stat.S_IFREG | struct.unpack_from("<I", body, 4)[0] & 0o7777)
        self._names[body[16:].rstrip(b"\0")] = made
        return self._entry(made) + struct.pack("<QII", 0, _NO_SHARING, 0)

    def _unlink(self, node: int, body: bytes) -> bytes:
        del self._names[body.rstrip(b"\0")]
        return b""

    def _rename(self, names: bytes) -> bytes:
        old, new, _ = names.split(b"\0")
        self._names[new] = self._names.pop(old)
        return b""

    def _set_attributes(self, node: int, body: bytes) -> bytes:
        what, size, mode = (
            struct.unpack_from(*where)[0] for where in (("<I", body), ("<Q", body, 16), ("<I", body, 68))
        )
        if what & _SET_SIZE:
            self._files[node].resize(size)
        if what & _SET_MODE:
            self._files[node].mode = mode
        return struct.pack("<QII", 0, 0, 0) + self._attributes(node)

    def _read(self, node: int, body: bytes) -> bytes:
        offset, size = struct.unpack_from("<QI", body, 8)
        return bytes(self._files[node].content[offset : offset + size])

    def _write(self, node: int, body: bytes) -> bytes:
        offset, size = struct.unpack_from("<QI", body, 8)
        self._files[node].write(offset, body[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _list(self, node: int, body: bytes) -> bytes:
        start, size = struct.unpack_from("<QI", body, 8)
        listed = b""
        for number, (name, found) in enumerate(list(self._names.items())[start:], start + 1):
            entry = struct.pack("<QQII", found, number, len(name), stat.S_IFREG >> 12) + name
            entry += bytes(-len(entry) % 8)
            if len(listed) + len(entry) > size:
                break
            listed += entry
        return listed

    def _entry(self, node: int) -> bytes:
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self._attributes(node)

    def _attributes(self, node: int) -> bytes:
        file = _File(stat.S_IFDIR | 0o755) if node == _TOP else self._files[node]
        size, changes = len(file.content), file.changes
        return struct.pack(
            "<6Q10I", node, size, -(-size // 512), 0, changes, 0, 0, 0, 0, file.mode, 1, 0, 0, 0, 4096, 0
        )


def _main(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the tests; this ends with them
    signal.alarm(_LIFE_SECONDS)
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},default_permissions"
    command = ["mount", "-i", "-t", "fuse.sshfs", "-o", options, "server:/folder", folder]
    made = subprocess.run(command, pass_fds=(device,), capture_output=True, text=True, timeout=_STEP_SECONDS)
    if made.returncode != 0:
        print(f"{_REFUSED}{made.stderr}".replace("\n", " "))
        return
    try:
        print(_MOUNTED, flush=True)
        _serve(device, _Folder())
    finally:
        os.close(device)  # first: what still waits for an answer gets an error
        subprocess.run([*_UNMOUNT, folder], timeout=_STEP_SECONDS, check=True)


def _serve(device: int, folder: _Folder) -> None:
    standard_input = sys.stdin.fileno()
    while standard_input not in select.select([device, standard_input], [], [])[0]:
        with suppress(BlockingIOError, FileNotFoundError):  # who asked has been killed
            _reply(device, os.read(device, 1024 * 1024), folder)


def _reply(device: int, request: bytes, folder: _Folder) -> None:
    _, operation, unique, node = struct.unpack_from("<IIQQ", request)
    if operation not in (_FORGET, _BATCH_FORGET, _INTERRUPT):
        error, body = folder.answer(operation, node, request[40:])
        os.write(device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)


if __name__ == "__main__":
    _main(sys.argv[1])
