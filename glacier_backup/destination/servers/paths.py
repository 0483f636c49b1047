"""Where the files of one archive lie on a server, as its protocol wants paths: bytes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from glacier_backup.destination.layout import PARTIAL_SUFFIX, hidden, paths_of, tree_paths_of


class RemotePaths(NamedTuple):
    """The names that its files have, and those that they have on their way."""

    root: bytes
    """The directory; empty for where a log-in arrives."""
    archive: bytes
    checksum: bytes
    manifest: bytes
    partial: bytes
    hidden_checksum: bytes
    hidden_manifest: bytes


class RemoteTreePaths(NamedTuple):
    """The names that a file of a tree has."""

    root: bytes
    """As above."""
    archive: bytes
    partial: bytes

    @property
    def trial(self) -> bytes:
        """What the partial file is called while it is tried whether files can be renamed."""
        return self.partial + PARTIAL_SUFFIX.encode()


def remote(path: str) -> bytes:
    """A path as it goes over the wire: the bytes that it had where it comes from."""
    return path.encode("utf-8", "surrogateescape")


def below(directory: str, locator: str) -> str:
    """The path of ``locator`` in ``directory``, which is where a log-in arrives when it is empty."""
    return f"{directory.rstrip('/')}/{locator}" if directory else locator


def absolute(directory: str) -> str:
    """A directory as a place names it: what is relative to where a log-in arrives lies below ``/~``."""
    return directory if directory.startswith("/") else f"/~/{directory}".rstrip("/")


def is_odd(locator: str) -> bool:
    """Whether it can't be the name of a file below a directory: it would lead elsewhere."""
    return "\0" in locator or any(one in ("", ".", "..") for one in locator.split("/"))


def remote_paths(directory: str, locator: str) -> RemotePaths:
    """The paths of the archive that ``locator`` names."""
    paths = paths_of(below(directory, locator))
    return RemotePaths(remote(directory), *map(remote, (*paths, *map(hidden, paths))))


def remote_tree_paths(directory: str, locator: str, time: datetime) -> RemoteTreePaths:
    """The paths of the file of a tree that ``locator`` names; ``time`` is that of its label."""
    return RemoteTreePaths(remote(directory), *map(remote, tree_paths_of(below(directory, locator), time)))
