"""Laying the archives of a chain over each other, in the hidden folder, once all of them have come and proved right.

Each has been unpacked into a folder of its own. What an increment lists as deleted is taken away from what there is,
and then what it holds is put in its place. Files are linked, not moved, so that an increment's folder stays what it is:
a process that is killed meanwhile leaves something that the next one does over again, from the first increment on, and
what comes of that is the same. Only where the file system has no links are files moved, and the folders of increments
are needed no more than once.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from glacier_backup.errors import DamageFound
from glacier_backup.pack.below import NO_NAME
from glacier_backup.workflow.restoring import beneath

_READABLE = stat.S_IRUSR | stat.S_IXUSR
_CANNOT_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_ACLS = ("system.posix_acl_access", "system.posix_acl_default")
_CHUNK = 1 << 20
_LONGEST = 1 << 16
"""Bytes of a name in the list; no path that a kernel takes is longer."""


def lay_over(content: int, increment: int, deleted: str, name: str) -> None:
    """Make of the folder open as ``content`` what it was when the increment unpacked in the folder ``increment`` was
    made, whose list of what was deleted bears the name ``deleted``. Nothing is followed, nothing outside is reached.

    Raises OSError, and DamageFound, which says ``name``, for a list that is none.
    """
    for path in _listed(increment, deleted, name):
        _remove(content, path)
    _put(content, increment, skip=deleted)


def _listed(increment: int, deleted: str, name: str) -> Iterator[Sequence[str]]:
    try:
        file = os.open(deleted, beneath.FILE, dir_fd=increment)
    except FileNotFoundError:
        raise DamageFound(f"{name}: it has no list of what was deleted") from None
    rest = b""
    with open(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise DamageFound(f"{name}: its list of what was deleted is no file")
        while chunk := opened.read(_CHUNK):
            *paths, rest = (rest + chunk).split(b"\0")
            for path in paths:
                yield _components(path, name)
            if len(rest) > _LONGEST:
                break
    if rest:
        raise DamageFound(f"{name}: its list of what was deleted doesn't end as one")


def _components(path: bytes, name: str) -> Sequence[str]:
    try:
        found = beneath.components(os.fsdecode(path))
    except ValueError as error:
        raise DamageFound(f"{name}: its list of what was deleted names what lies elsewhere: {error}") from error
    if len(found) < 2:
        raise DamageFound(f"{name}: its list of what was deleted names all of it")
    return found


def _remove(content: int, path: Sequence[str]) -> None:
    try:
        with suppress(FileNotFoundError, NotADirectoryError), _folder(content, path[:-1]) as above:
            beneath.remove(path[-1], above)
    except OSError as error:
        if error.errno not in NO_NAME:  # else it was left out when it was unpacked, too
            raise


def _put(old: int, new: int, skip: str) -> None:
    """What is in the folder ``new`` into ``old``, in place of what has its names there; folders that are in both become
    one, which is what the new one was. However deep the tree, no more than a few folders are open."""
    waiting: list[tuple[str, ...]] = [()]
    done: list[tuple[tuple[str, ...], os.stat_result]] = []
    while waiting:
        way = waiting.pop()
        if way:
            done.append((way, _look(new, way)))
        with _folder(old, way) as there, _folder(new, way, _READABLE) as here:
            names = (name for name in os.listdir(here) if way or name != skip)
            waiting += [(*way, name) for name in names if _put_one(name, there, here)]
    for way, found in reversed(done):  # those inside first, for what is done to them changes the times of those above
        with _folder(old, way) as there, _folder(new, way, _READABLE) as here:
            _make_like(there, here, found)
            os.fchmod(here, stat.S_IMODE(found.st_mode))


def _put_one(name: str, old: int, new: int) -> bool:
    """Whether it is a folder: then there is one of its name, and what is in it comes later."""
    is_folder = stat.S_ISDIR(os.stat(name, dir_fd=new, follow_symlinks=False).st_mode)
    there = beneath.look(old, [name])
    if there is not None and not (is_folder and stat.S_ISDIR(there.st_mode)):
        beneath.remove(name, old)
        there = None
    if is_folder:
        if there is None:
            os.mkdir(name, 0o700, dir_fd=old)
        return True
    try:
        os.link(name, name, src_dir_fd=new, dst_dir_fd=old, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        os.fchmod(new, stat.S_IMODE(os.fstat(new).st_mode) | stat.S_IRWXU)
        os.rename(name, name, src_dir_fd=new, dst_dir_fd=old)
    return False


def _look(top: int, way: Sequence[str]) -> os.stat_result:
    with _folder(top, way[:-1], _READABLE) as above:
        return os.stat(way[-1], dir_fd=above, follow_symlinks=False)


@contextmanager
def _folder(top: int, way: Sequence[str], least: int = stat.S_IRWXU) -> Iterator[int]:
    """As :func:`beneath.folder`; where its owner may not do all that is the ``least`` here, he is let. It is in the
    hidden folder, where nobody else does anything."""
    held = os.dup(top)
    try:
        for name in way:
            found = os.stat(name, dir_fd=held, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode) and found.st_mode & least != least:
                os.chmod(name, stat.S_IMODE(found.st_mode) | least, dir_fd=held)
            inner = os.open(name, beneath.FOLDER, dir_fd=held)
            os.close(held)
            held = inner
        yield held
    finally:
        os.close(held)


def _make_like(folder: int, model: int, found: os.stat_result) -> None:
    """Owner, extended attributes, permissions, ACLs and time, in that order; ``found`` is what the model was before
    anything was done to it."""
    own = os.fstat(folder)
    if (own.st_uid, own.st_gid) != (found.st_uid, found.st_gid):
        os.fchown(folder, found.st_uid, found.st_gid)
    attributes = _attributes(model)
    for key in _attributes(folder).keys() - attributes.keys():
        os.removexattr(folder, key)
    _set(folder, {key: attributes[key] for key in attributes.keys() - set(_ACLS)})
    os.fchmod(folder, stat.S_IMODE(found.st_mode))
    _set(folder, {key: attributes[key] for key in attributes.keys() & set(_ACLS)})
    os.utime(folder, ns=(found.st_atime_ns, found.st_mtime_ns))


def _attributes(folder: int) -> dict[str, bytes]:
    if sys.platform != "linux":
        return {}
    try:
        return {key: os.getxattr(folder, key) for key in os.listxattr(folder)}
    except OSError:
        return {}  # the file system has none


def _set(folder: int, attributes: Mapping[str, bytes]) -> None:
    if sys.platform == "linux":
        for key, value in attributes.items():
            with suppress(OSError):  # some are the kernel's alone
                os.setxattr(folder, key, value)
