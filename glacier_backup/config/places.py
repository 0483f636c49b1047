"""Destinations as options name them: ``glacier``, ``local``, a path, a URL, or the name of a section.

Percent signs stand for themselves, but in ``file:`` URLs (RFC 8089) and in the user of an ``sftp:`` URL (RFC 3986).
"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.config.values import absolute_path, boolean, normal_path

if TYPE_CHECKING:
    from glacier_backup.model.place import DestinationKind

SSH_PORT = 22
LOG_IN_FOLDER = "."
"""The directory where a log-in arrives."""

NAME = re.compile(r"[A-Za-z0-9_.-]+")
"""What ``[destination NAME]`` may be called."""

WORDS: tuple[str, ...] = ("glacier", "local")
"""What names a destination by itself."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_URL_WITH_PASSWORD = re.compile(r"(://[^:/@\s]*):[^\n]*@")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


class Where(NamedTuple):
    """A destination as an option names it."""

    kind: DestinationKind
    directory: str = ""
    """Of a directory here, absolute, and empty for the embedded local vault in its usual place. On a server absolute,
    or relative to where a log-in arrives. In a bucket the prefix, without slashes around it."""
    bucket: str = ""
    host: str = ""
    port: int = SSH_PORT
    user: str | None = None

    def __str__(self) -> str:
        """Text that names the same."""
        match self.kind:
            case "glacier":
                return "glacier"
            case "s3":
                return f"s3://{self.bucket}" + (f"/{self.directory}" if self.directory else "")
            case "sftp":
                return server_url(self.user, self.host, self.port, self.directory)
            case _:
                return self.directory or "local"


def server_url(user: str | None, host: str, port: int, directory: str) -> str:
    """``sftp://user@host:port/directory``; one that is relative to the log-in folder comes below ``/~``."""
    from urllib.parse import quote

    log_in = "" if user is None else quote(user, safe="!$&'()*+,;=") + "@"
    where = f"[{host}]" if ":" in host else host
    if directory == LOG_IN_FOLDER:
        directory = "/~"
    elif not directory.startswith("/"):
        directory = f"/~/{directory}"
    return f"sftp://{log_in}{where}:{port}{directory}"


def items(text: str) -> list[str]:
    """One a line, or several with commas between; a line that begins with ``/`` or holds ``://`` is one."""
    found: list[str] = []
    for line in map(str.strip, text.split("\n")):
        found += [line] if line.startswith("/") or "://" in line else map(str.strip, line.split(","))
    return [item for item in found if item]


def places(text: str) -> tuple[Where | str, ...]:
    """What each item names, each once: a destination, or a name that some section is to have."""
    found = items(text)
    if not found:
        raise ValueError
    return tuple(dict.fromkeys(_place_or_name(item, alone=len(found) == 1) for item in found))


def copy_places(text: str) -> tuple[Where | str, ...] | bool:
    """Where copies of the catalog go: as :func:`places`, or yes or no. A vault is no place for them."""
    with suppress(ValueError):
        return boolean(text)
    found = places(text)
    if Where("glacier") in found:
        raise ValueError("a vault is no place for copies")
    return found


def _place_or_name(item: str, *, alone: bool) -> Where | str:
    if item not in WORDS and NAME.fullmatch(item):
        return item
    try:
        return place(item)
    except ValueError as error:
        if alone:
            raise
        raise ValueError(f"{masked(item)}: {error}" if str(error) else f"{masked(item)} is none") from None


def place(text: str) -> Where:
    """``file:`` URLs as RFC 8089 has them: no host or ``localhost``, percent-encoded."""
    if text == "glacier":
        return Where("glacier")
    if text == "local":
        return Where("local")
    scheme = _SCHEME.match(text)
    if scheme is None:
        if "://" in text and not text.startswith("/"):
            raise ValueError("a URL has a line of its own")
        return Where("local", absolute_path(text))
    rest = text[scheme.end() :]
    match scheme[1].lower():
        case "file":
            return Where("local", absolute_path(_path_of_file_url(rest)))
        case "s3":
            return _bucket(rest)
        case "sftp":
            return _server(rest)
        case _:
            raise ValueError(f"{scheme[1]}:// is none of the kinds there are")


def masked(text: str) -> str:
    """``text`` without the passwords of URLs in it; so it may be shown."""
    return _URL_WITH_PASSWORD.sub(r"\1:…@", text) if "://" in text else text


def is_url(text: str) -> bool:
    """Whether it is one of any kind."""
    return _SCHEME.match(text) is not None


def is_server_url(text: str) -> bool:
    return text[:7].lower() == "sftp://"


def path_on_server(text: str) -> Where:
    """An ``sftp:`` URL with an absolute path; raises ValueError for others."""
    if not is_server_url(text):
        raise ValueError
    where = _server(text[7:])
    if not where.directory.startswith("/"):
        raise ValueError("it has no absolute path on the server")
    return where


def _bucket(rest: str) -> Where:
    """Amazon S3 user guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects"."""
    bucket, _, prefix = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket or _IPV4.fullmatch(bucket):
        raise ValueError("a bucket's name has 3 to 63 of the characters a-z 0-9 . - and is no IP address")
    prefix = prefix.removesuffix("/")
    for component in prefix.split("/") if prefix else ():
        if component in ("", ".", ".."):
            raise ValueError(f"a prefix has no component {component!r}")
    if not prefix.isprintable():
        raise ValueError("a prefix is printable text in UTF-8")
    return Where("s3", prefix, bucket=bucket)


def _server(rest: str) -> Where:
    authority, slash, path = rest.partition("/")
    log_in, at, address = authority.rpartition("@")
    user = _user(log_in) if at else None
    host, port = _host_and_port(address)
    return Where("sftp", _directory(slash + path), host=host, port=port, user=user)


def _user(text: str) -> str:
    from urllib.parse import unquote

    if ":" in text:
        raise ValueError("a URL is no place for a password: put it into a file, and name that in ssh_password_file")
    user = unquote(text)
    if not user or not user.isprintable():
        raise ValueError("there is no user before the @")
    return user


def _host_and_port(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, end, rest = text[1:].partition("]")
        if not end:
            raise ValueError("there is no ] behind the host")
        _check_ipv6(host)
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no name of a host" if host else "there is no host")
    name, percent, zone = host.partition("%")
    return name.lower() + percent + zone, _port(rest)


def _check_ipv6(host: str) -> None:
    from ipaddress import IPv6Address

    try:
        IPv6Address(host)
    except ValueError:
        raise ValueError(f"{host!r} is no IPv6 address") from None


def _port(text: str) -> int:
    """Of ``:port`` or nothing."""
    if not text:
        return SSH_PORT
    digits = text.removeprefix(":")
    if not (text.startswith(":") and digits.isascii() and digits.isdigit() and len(digits) <= 5):
        raise ValueError("a port is a number from 1 to 65535")
    if not 1 <= int(digits) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(digits)


def _directory(path: str) -> str:
    if "\0" in path:
        raise ValueError
    first, _, below = path[1:].partition("/")
    if not path or first in ("~", "."):
        return posixpath.normpath(below.lstrip("/")) if below else LOG_IN_FOLDER
    return normal_path(path)


def _path_of_file_url(rest: str) -> str:
    from urllib.parse import unquote

    host, slash, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise ValueError(f"{host} is another machine")
    return unquote(slash + path, errors="surrogateescape")
