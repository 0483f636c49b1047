"""Where the files of one archive lie on a server, as its protocol wants paths: bytes."""

from __future__ import annotations

from typing import NamedTuple

from glacier_backup.destination.layout import (
    CHECKSUM_SUFFIX,
    PARTIAL_SUFFIX,
    Paths,
    TreePaths,
    all_paths_of,
    hidden,
    paths_of,
)
from glacier_backup.model.archive import Label


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


class RemoteObjectPaths(NamedTuple):
    """The names that one of several objects of an archive has."""

    root: bytes
    """As above."""
    archive: bytes
    checksum: bytes | None
    """None beside a manifest."""
    partial: bytes
    hidden_checksum: bytes
    """What the checksum is called on its way, and the partial file while it is tried whether files can be renamed."""


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


AnyRemotePaths = RemotePaths | RemoteObjectPaths | RemoteTreePaths


def all_remote_paths(directory: str, label: Label, locator: str) -> AnyRemotePaths:
    """The paths of what has this label and locator."""
    paths = all_paths_of(label, below(directory, locator))
    if isinstance(paths, TreePaths):
        return RemoteTreePaths(remote(directory), *map(remote, paths))
    if isinstance(paths, Paths):
        return remote_paths(directory, locator)
    checksum = paths.archive + CHECKSUM_SUFFIX
    return RemoteObjectPaths(
        remote(directory),
        remote(paths.archive),
        None if paths.checksum is None else remote(checksum),
        remote(paths.partial),
        remote(hidden(checksum)),
    )
