"""What lies at ``sftp://user@host:port/path``, the path taken literally, as packers reach it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from glacier_backup.errors import ServerError, SourceError, SourceUnavailable
from glacier_backup.model.naming import path_on_server
from glacier_backup.ssh.entries import Attributes
from glacier_backup.ssh.remote import Remote


class Ended:
    """A check that raises once nobody wants what is being read."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __call__(self) -> None:
        if self._event.is_set():
            raise SourceError("nobody reads it any more")


def opened(remote: Remote, path: str) -> Attributes:
    """What lies at the URL ``path``, or that a link there points to. Raises SourceError."""
    with translated(path):
        return remote.look(on_server(path))


def on_server(path: str) -> bytes:
    """The server's own path, as it goes over the wire. Raises SourceError for what can't be one."""
    try:
        found = path_on_server(path).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        found = b"\0"
    if b"\0" in found:
        raise SourceError(f"{path}: there is no such path")
    return found


def below_url(path: str, name: str) -> str:
    """The path of ``name`` below a directory."""
    return f"{path.rstrip('/')}/{name}"


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what a Remote raises inside into a SourceError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except ServerError as error:
        raise SourceUnavailable(f"{path}: {error}", hint=error.hint) from error
