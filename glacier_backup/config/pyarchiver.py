"""What pyArchiver was told to do, read and checked.

Its keys are those of the ini file that it writes. Double quotes around a directory are no part of it, ``//`` in it is
``/``, ``%%`` in any value is ``%``, and ``%(key)s`` another value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from glacier_backup.config import ini
from glacier_backup.config.ini import RawFile
from glacier_backup.config.places import place, server_url
from glacier_backup.config.pyarchiver_exclude import as_exclude_regex
from glacier_backup.config.pyarchiver_file import Found, Key, Values, read_file
from glacier_backup.config.values import normal_path
from glacier_backup.errors import ConfigError, Problem
from glacier_backup.exclusion import check_regex

KEYS: tuple[Key, ...] = (
    *(("Id", name) for name in ("id_ini", "version_ini")),
    *(("Archive", name) for name in ("directory", "name", "exclude")),
    *(("Tar", name) for name in ("size_tar", "ciphered", "password")),
    ("Repository", "type"),
    ("Local", "dir"),
    *(("Sftp", name) for name in ("host", "port", "user", "password", "dir")),
)
SECRETS: tuple[Key, ...] = (("Tar", "password"), ("Sftp", "password"))

_GATEWAY = re.compile(r"\.ovh\.(net|com|us)\Z")
_GATEWAY_USER = "pca"
_LARGEST = 1024 * 1024
"""MiB that ``pack_size`` takes."""


@dataclass(frozen=True, slots=True)
class PyArchiver:
    """What the other program was told to do."""

    file: str
    """Absolute path of its ini file, or of its database."""
    record: str
    """Path of its database: absolute, or as its ini file lets one guess."""
    directory: str
    """Absolute path of what it archives."""
    destination: str
    """As the option ``destination`` has it."""
    folder: str
    """The same, as it was told: what it puts in front of the names of tars."""
    host: str
    """Of its server; empty where it stored in a directory here."""
    port: int
    is_gateway: bool
    """Whether the server is one of OVH's archive gateways."""
    excluded: str
    """As the option ``exclude_regex`` has it; empty for nothing."""
    ssh_password: str | None = field(repr=False)
    password: str | None = field(repr=False)
    """That archives are encrypted with; None: they aren't."""
    pack_size: str
    """Of its tars at most, as the option ``pack_size`` has it."""
    given: tuple[Key, ...]
    """What is set, in the order of the file."""
    notes: tuple[str, ...]
    """What a person should know."""


def read_pyarchiver(file: str) -> PyArchiver:
    """What the ini file or database says, whose absolute path is ``file``.

    Raises UsageError where it can't be read, and ConfigError with all that is missing or can't be used. No message
    holds a password.
    """
    found = read_file(file)
    raw = ini.parse(found.text, file)
    values = Values(file, raw, found)
    problems = [*_unreadable(raw, found), *(_problems(values) if not raw.problems else ())]
    if problems:
        raise ConfigError(problems, hint=f"mend {file} and do this again")
    is_sftp = values["Repository", "type"] == "sftp"
    excluded, note = as_exclude_regex(values["Archive", "exclude"])
    return PyArchiver(
        file=file,
        record=file if found.is_copy else f"{values['Archive', 'name']}.archive",
        directory=normal_path(_directory(values["Archive", "directory"])),
        destination=_destination(values),
        folder=_directory(values["Sftp" if is_sftp else "Local", "dir"]),
        host=values["Sftp", "host"] if is_sftp else "",
        port=_port(values["Sftp", "port"]) if is_sftp else 0,
        is_gateway=is_sftp and _is_gateway(values),
        excluded=excluded,
        ssh_password=values["Sftp", "password"] if is_sftp else None,
        password=values["Tar", "password"] if values["Tar", "ciphered"] == "yes" else None,
        pack_size=f"{int(values['Tar', 'size_tar'])} MiB",
        given=values.given,
        notes=tuple(_notes(values, note)),
    )


def _directory(text: str) -> str:
    return text.strip('"').replace("//", "/")


def _destination(values: Values) -> str:
    if values["Repository", "type"] == "local":
        return normal_path(_directory(values["Local", "dir"]))
    of_sftp = {name: values["Sftp", name] for name in ("host", "user", "port", "dir")}
    directory = _directory(of_sftp["dir"]) or "/"  # it joins that and the name of a tar with a slash
    url = server_url(of_sftp["user"], of_sftp["host"], _port(of_sftp["port"]), directory)
    return str(place(url))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValueError
    return int(text)


def _is_gateway(values: Values) -> bool:
    return values["Sftp", "user"] == _GATEWAY_USER and _GATEWAY.search(values["Sftp", "host"].lower()) is not None


# What is wrong.


def _unreadable(raw: RawFile, found: Found) -> Iterator[Problem]:
    for problem in raw.problems:
        line = None if found.is_copy else problem.line
        # What stands in a line that can't be read may be a password.
        message = problem.message if problem.option else "found a line that isn't shown; expected key = value"
        yield Problem(raw.path, line, problem.section, problem.option, message)


def _problems(values: Values) -> Iterator[Problem]:
    kind = values["Repository", "type"]
    for key, (needed, check, expected) in _CHECKS.items():
        text = values[key]
        if not needed(values):
            continue
        try:
            check(text)
        except ValueError as error:
            why = f" ({error})" if str(error) else ""
            shown = "nothing" if not text else "a value that isn't shown" if key in SECRETS else repr(text)
            yield values.problem(key, f"found {shown}{why}; expected {expected}")
    if kind == "sftp":
        yield from _problems_of_server(values)


def _problems_of_server(values: Values) -> Iterator[Problem]:
    """Of what passed by itself, all of it together."""
    try:
        for one in ("host", "user", "port"):
            _CHECKS["Sftp", one][1](values["Sftp", one])
        _destination(values)
    except ValueError as error:
        if str(error):
            yield values.problem(("Sftp", "dir"), f"found {values['Sftp', 'dir']!r} ({error}); expected a directory")


def _line(text: str) -> None:
    """What one line of an INI file, or of a file with a password, can hold."""
    if not text:
        raise ValueError
    if re.search("[\n\r\0]", text):
        raise ValueError("it has a line break or a NUL byte in it")


def _absolute(text: str) -> None:
    _line(text)
    if not _directory(text).startswith("/"):
        raise ValueError("it is seen from where pyArchiver was started")


def _line_or_nothing(text: str) -> None:
    if text:
        _line(text)


def _size(text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= _LARGEST:
        raise ValueError


def _exclude(text: str) -> None:
    if text:
        _line(text)
        check_regex(text)
        check_regex(as_exclude_regex(text)[0])


def _word(*words: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text not in words:
            raise ValueError

    return check


def _host(text: str) -> None:
    _line(text)
    if place(server_url("user", text, 22, "/")).host != text.lower():
        raise ValueError


def _user(text: str) -> None:
    _line(text)
    place(server_url(text, "host", 22, "/"))


def _port_number(text: str) -> None:
    place(server_url("user", "host", _port(text), "/"))


def _always(values: Values) -> bool:
    return True


def _stores_by(kind: str) -> Callable[[Values], bool]:
    return lambda values: values["Repository", "type"] == kind


def _is_ciphered(values: Values) -> bool:
    return values["Tar", "ciphered"] == "yes"


_CHECKS: dict[Key, tuple[Callable[[Values], bool], Callable[[str], None], str]] = {
    ("Archive", "directory"): (_always, _absolute, "an absolute path"),
    ("Archive", "name"): (_always, _line_or_nothing, "a name, in one line"),
    ("Archive", "exclude"): (_always, _exclude, "a regular expression of Python, in one line"),
    ("Tar", "size_tar"): (_always, _size, f"a whole number of MiB, from 1 to {_LARGEST}"),
    ("Tar", "ciphered"): (_always, _word("yes", "no"), "yes or no"),
    ("Tar", "password"): (_is_ciphered, _line, "a password, in one line"),
    ("Repository", "type"): (_always, _word("local", "sftp"), "local or sftp"),
    ("Local", "dir"): (_stores_by("local"), _absolute, "an absolute path"),
    ("Sftp", "host"): (_stores_by("sftp"), _host, "the name or address of a server"),
    ("Sftp", "port"): (_stores_by("sftp"), _port_number, "a number from 1 to 65535"),
    ("Sftp", "user"): (_stores_by("sftp"), _user, "the name of a user"),
    ("Sftp", "password"): (_stores_by("sftp"), _line, "that user's password, in one line"),
    ("Sftp", "dir"): (_stores_by("sftp"), _line_or_nothing, "a directory"),
}


# What a person should know.


def _notes(values: Values, about_exclude: str) -> Iterator[str]:
    yield (
        "what pyArchiver has stored stays as it is; glacier-backup catalog import takes it over, and without that the "
        "first run sends everything anew"
    )
    if about_exclude:
        yield about_exclude
    if not os.path.isdir(_directory(values["Archive", "directory"])):
        yield f"there is no directory {_directory(values['Archive', 'directory'])} here"
    if _is_ciphered(values):
        yield "archives are encrypted by age from now on, for a key that the password protects"
