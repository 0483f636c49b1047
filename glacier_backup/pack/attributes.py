"""What a restored file has beside its content: owner, extended attributes, permissions, ACLs and time, in that order.

A change of owner takes back the set-user-ID bit and capabilities (chown(2), capabilities(7)), extended attributes of
users can't be set on what is read-only (xattr(7)), and a change of the permissions changes an ACL (acl(5)).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol

from glacier_backup.pack.acl import acl_attribute
from glacier_backup.pack.left_out import LeftOut

XATTR, ACL_ACCESS, ACL_DEFAULT = b"SCHILY.xattr.", b"SCHILY.acl.access", b"SCHILY.acl.default"
"""What extended headers call these (star's manual page, "EXTENDED HEADERS")."""

_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_ONLY_PERMISSIONS = 4 + 3 * 8
"""Bytes of an ACL that says no more than the permissions do."""
_FOR_ROOT = ("security.", "trusted.")
_OWN_USER, _OWN_GROUP = 0o4000, 0o2000
_MOST_LETTERS = 100
_NOT_OWNED = "belong to whoever restored them: only root can give them to their owners"


class Wanted(Protocol):
    """What something is to be like."""

    @property
    def mtime_ns(self) -> int: ...
    @property
    def mode(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def attributes(self) -> Mapping[bytes, bytes] | None: ...


class Attributes(NamedTuple):
    """What a directory is to be like when it is left."""

    mtime_ns: int
    mode: int
    uid: int = -1
    """-1, as in chown(2): whoever it is."""
    gid: int = -1
    attributes: Mapping[bytes, bytes] | None = None


class Giver:
    """Gives files what they are to have, as far as we may and the file system can; notes what is left out."""

    def __init__(self, notes: LeftOut) -> None:
        self._notes = notes
        self._user, self._group = os.geteuid(), os.getegid()
        self._now = time.time_ns()

    def give(self, descriptor: int, name: bytes, wanted: Wanted) -> None:
        """To an open file, directory or FIFO of ours. Raises nothing for what is refused."""
        mode = wanted.mode
        if wanted.uid != self._user or wanted.gid != self._group or self._user == 0:
            mode = self._own(descriptor, name, wanted)
        acls = self._set_attributes(descriptor, name, wanted.attributes) if wanted.attributes else None
        try:
            os.fchmod(descriptor, mode)
        except OSError as error:
            self._notes.count(f"came back with other permissions: {_words(error)}")
        if acls:
            self._set(descriptor, acls)
        try:
            os.utime(descriptor, ns=(self._now, wanted.mtime_ns))
        except (OSError, OverflowError) as error:
            self._notes.count(f"came back with another time: {_words(error)}")

    def give_link(self, folder: int, base: bytes, name: bytes, wanted: Wanted) -> None:
        """To the symlink ``base`` in ``folder``, not to what it points to."""
        try:
            if self._user == 0:
                os.chown(base, wanted.uid, wanted.gid, dir_fd=folder, follow_symlinks=False)
            elif wanted.uid not in (-1, self._user):
                self._notes.count(_NOT_OWNED)
            if wanted.attributes:
                # No call takes a directory's descriptor here.
                self._set(b"/proc/self/fd/%d/%b" % (folder, base), self._split(name, wanted.attributes)[0])
            os.utime(base, ns=(self._now, wanted.mtime_ns), dir_fd=folder, follow_symlinks=False)
        except (OSError, OverflowError) as error:
            self._notes.note(os.fsdecode(name), f"the link's owner or time can't be set: {_words(error)}")

    def _own(self, descriptor: int, name: bytes, wanted: Wanted) -> int:
        """Set the owner; returns the permissions that it may have then: no other owner's set-user-ID bit."""
        mode = wanted.mode
        if self._user == 0:
            try:
                os.fchown(descriptor, wanted.uid, wanted.gid)
            except (OSError, OverflowError) as error:
                self._notes.count(f"belong to whoever restored them: {_words(error)}")
            else:
                return mode
        elif wanted.uid not in (-1, self._user):
            self._notes.count(_NOT_OWNED)
        lost = 0 if wanted.uid in (-1, self._user) else _OWN_USER | _OWN_GROUP
        lost |= 0 if wanted.gid in (-1, self._group) else _OWN_GROUP
        if mode & lost:
            self._notes.note(os.fsdecode(name), "not set-user-ID or set-group-ID, for its owner isn't who it was")
        return mode & ~lost

    def _set_attributes(self, target: int, name: bytes, attributes: Mapping[bytes, bytes]) -> dict[str, bytes]:
        """Set all but the ACLs, which are returned."""
        plain, acls = self._split(name, attributes)
        self._set(target, plain)
        return acls

    def _set(self, target: int | bytes, attributes: Mapping[str, bytes]) -> None:
        for key, value in attributes.items():
            try:
                _set_attribute(target, key, value)
            except (OSError, ValueError) as error:
                what = "their ACL" if key in (_ACCESS, _DEFAULT) else _named(key)
                self._notes.count(f"came back without {what}: {_words(error)}")

    def _split(self, name: bytes, attributes: Mapping[bytes, bytes]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Extended attributes that may be tried, and ACLs, which are extended attributes of their own kind."""
        plain: dict[str, bytes] = {}
        acls: dict[str, bytes] = {}
        for keyword, value in attributes.items():
            if not keyword.startswith(XATTR):
                continue
            # GNU tar writes these two letters so, for they have a meaning where they stand.
            key = os.fsdecode(keyword[len(XATTR) :].replace(b"%3D", b"=").replace(b"%25", b"%"))
            if key in (_ACCESS, _DEFAULT):
                acls[key] = value
            elif key.startswith(_FOR_ROOT) and self._user != 0:
                self._notes.count(f"came back without {_named(key)}: only root can set it")
            else:
                plain[key] = value
        self._read_acls(name, attributes, acls)
        return plain, acls

    def _read_acls(self, name: bytes, attributes: Mapping[bytes, bytes], acls: dict[str, bytes]) -> None:
        """Where an ACL stands as text only; GNU tar writes it in both ways, and in the other one with numbers."""
        for keyword, key in ((ACL_ACCESS, _ACCESS), (ACL_DEFAULT, _DEFAULT)):
            if key not in acls and (text := attributes.get(keyword)):
                try:
                    acls[key] = acl_attribute(text)
                except ValueError as error:
                    self._notes.note(os.fsdecode(name), f"came back without its ACL: {error}")
        if len(acls.get(_ACCESS, b"")) <= _ONLY_PERMISSIONS:
            acls.pop(_ACCESS, None)


def inherits_acl(folder: int) -> bool:
    """Whether what is made in ``folder`` gets an ACL from it."""
    try:
        return sys.platform == "linux" and bool(os.getxattr(folder, _DEFAULT))
    except OSError:
        return False


def drop_acls(descriptor: int) -> None:
    """Take away what something inherited as it was made."""
    if sys.platform == "linux":
        for key in (_ACCESS, _DEFAULT):
            with suppress(OSError):
                os.removexattr(descriptor, key)


def _set_attribute(target: int | bytes, key: str, value: bytes) -> None:
    if sys.platform != "linux":
        raise OSError("this system has none")
    os.setxattr(target, key, value, follow_symlinks=isinstance(target, int))


def _named(key: str) -> str:
    return f"the extended attribute {key[:_MOST_LETTERS]}"


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
