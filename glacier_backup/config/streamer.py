"""The ``.env`` file of the Storage Box streamer, read and checked.

Its keys are those that the article about it shows. It logs in with a password; its port isn't among the keys.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from glacier_backup.config.env_file import EnvFile
from glacier_backup.config.places import path_on_server, place, server_url
from glacier_backup.config.values import region
from glacier_backup.errors import ConfigError, Problem

PORT = 23
"""Where a Storage Box takes log-ins for SFTP."""

PASSWORD = "HETZNER_PASSWORD"  # noqa: S105  # the name of one

_NEEDED = {
    "HETZNER_HOST": "the server's name, such as u123456.your-storagebox.de",
    "HETZNER_USER": "the user to log in as, such as u123456",
    PASSWORD: "that user's password",
    "REMOTE_PATH": "the directory on the server, such as /home/photos",
    "S3_BUCKET": "the name of the bucket",
}
_DEFAULTS = {"STATE_DB": "archive_state.db", "LOG_FILE": "archive.log"}
_KEYS = (*_NEEDED, "S3_PREFIX", "AWS_REGION", "EXCLUDE_PATHS", "EXCLUDE_DIRS", *_DEFAULTS)
_BY_NAME_ALONE = ("HETZNER_HOST", "HETZNER_USER", "S3_BUCKET", "AWS_REGION")
"""What has no blanks around it, whatever the file says."""


@dataclass(frozen=True, slots=True)
class Streamer:
    """What the other program was told to do."""

    file: str
    """The ``.env`` file; this path and all others are absolute."""
    host: str
    section: str
    """The URL of the directory that is looked after."""
    destination: str
    """The URL of the bucket and its prefix."""
    region: str
    """Empty where it isn't said."""
    excluded: tuple[str, ...]
    """As the option ``exclude_paths`` has them."""
    state_db: str
    logfile: str
    read: tuple[str, ...]
    """Keys that all this comes from."""
    left: tuple[str, ...]
    """Keys of the file that mean nothing here; those of AWS's own are used as they stand."""
    notes: tuple[str, ...]
    """What a person should know."""


def read_streamer(file: str, env: EnvFile, environ: Mapping[str, str]) -> Streamer:
    """What the ``.env`` file, whose absolute path is ``file``, says; what it lacks may be in ``environ``.

    Raises ConfigError with all that is missing or can't be used. No message holds the password.
    """
    values = {key: environ[key] for key in _KEYS if key in environ} | env.variables
    values |= {key: values[key].strip() for key in _BY_NAME_ALONE if key in values}
    if problems := [*env.problems, *_missing(file, values), *_wrong(file, values)]:
        raise ConfigError(problems, hint=f"mend {file} and do this again")
    read = tuple(key for key in _KEYS if key in values and key != _overruled(values))
    section = server_url(values["HETZNER_USER"], values["HETZNER_HOST"], PORT, values["REMOTE_PATH"])
    state_db, logfile = (
        os.path.join(os.path.dirname(file), values.get(key) or usual) for key, usual in _DEFAULTS.items()
    )
    return Streamer(
        file=file,
        host=values["HETZNER_HOST"],
        section=str(path_on_server(section)),
        destination=_destination(values),
        region=values.get("AWS_REGION", ""),
        excluded=tuple(_as_paths(_excluded(values), values["REMOTE_PATH"])),
        state_db=state_db,
        logfile=logfile,
        read=read,
        left=tuple(key for key in env.variables if key not in read),
        notes=tuple(_notes(env, values, environ, state_db)),
    )


def _overruled(values: Mapping[str, str]) -> str:
    return "EXCLUDE_DIRS" if "EXCLUDE_PATHS" in values else ""


def _destination(values: Mapping[str, str]) -> str:
    return f"s3://{values['S3_BUCKET']}/{values.get('S3_PREFIX', '').strip('/')}".rstrip("/")


def _excluded(values: Mapping[str, str]) -> list[str]:
    """Between commas, without blanks and slashes around each. A list that is set and empty is one, too."""
    text = values.get("EXCLUDE_PATHS", values.get("EXCLUDE_DIRS", ""))
    trimmed = (entry.strip().strip("/") for entry in text.split(","))
    return [posixpath.normpath(entry) for entry in dict.fromkeys(trimmed) if entry]


def _as_paths(excluded: list[str], top: str) -> Iterator[str]:
    """One that begins with the whole path of the directory is absolute; all others are seen from there. A leading ``~``
    is to mean no home folder."""
    start = posixpath.normpath(top).strip("/") + "/"
    for entry in excluded:
        if start != "/" and f"{entry}/".startswith(start):
            yield f"/{entry}"
        elif entry != ".":
            yield f"./{entry}" if entry.startswith("~") else entry


# What is wrong.


def _missing(file: str, values: Mapping[str, str]) -> Iterator[Problem]:
    for key, what in _NEEDED.items():
        if not values.get(key, "").strip():
            yield Problem(file, None, None, key, f"is set neither there nor in the environment; expected {what}")


def _wrong(file: str, values: Mapping[str, str]) -> Iterator[Problem]:
    for key, (check, expected) in _CHECKS.items():
        try:
            if values.get(key, "").strip():
                check(values[key])
        except ValueError as error:
            why = f" ({error})" if str(error) else ""
            shown = "a value that isn't shown" if key == PASSWORD else repr(values[key])
            yield Problem(file, None, None, key, f"found {shown}{why}; expected {expected}")


def _line(text: str) -> None:
    """What an INI file can hold."""
    if re.search("[\n\r\0]", text):
        raise ValueError("it has a line break or a NUL byte in it")


def _host(text: str) -> None:
    path_on_server(server_url("user", text, PORT, "/"))


def _user(text: str) -> None:
    path_on_server(server_url(text, "host", PORT, "/"))


def _remote_path(text: str) -> None:
    _line(text)
    if not text.startswith("/"):
        raise ValueError("it is seen from where a log-in arrives")
    path_on_server(server_url("user", "host", PORT, text))


def _bucket(text: str) -> None:
    if "/" in text:
        raise ValueError
    place(f"s3://{text}")


def _prefix(text: str) -> None:
    place(f"s3://bucket/{text.strip('/')}")


def _paths(text: str) -> None:
    _line(text)
    for entry in text.split(","):
        if ".." in entry.strip().split("/"):
            raise ValueError(f"{entry.strip()!r} has .. in it")


_CHECKS: dict[str, tuple[Callable[[str], object], str]] = {
    "HETZNER_HOST": (_host, "the name or address of a server, and nothing else"),
    "HETZNER_USER": (_user, "the name of a user"),
    PASSWORD: (_line, "one line"),
    "REMOTE_PATH": (_remote_path, "an absolute path; `pwd` in sftp -P 23 USER@HOST shows where a log-in arrives"),
    "S3_BUCKET": (_bucket, "the name of a bucket, and nothing else"),
    "S3_PREFIX": (_prefix, "names with / between them"),
    "AWS_REGION": (region, "a region such as eu-central-1"),
    "EXCLUDE_PATHS": (_paths, "paths with commas between them"),
    "EXCLUDE_DIRS": (_paths, "paths with commas between them"),
    "STATE_DB": (_line, "the path of a file"),
    "LOG_FILE": (_line, "the path of a file"),
}


# What a person should know.


def _notes(env: EnvFile, values: Mapping[str, str], environ: Mapping[str, str], state_db: str) -> Iterator[str]:
    for key in _KEYS:
        if key in values and key not in env.variables:
            yield f"{key} is set in the environment only: put it into the file, for cron has another environment"
        elif key in environ and environ[key] != values[key]:
            yield f"{key} has another value in the environment; what the file says was taken"
    if "AWS_ACCESS_KEY_ID" not in env.variables:
        yield "the file has no AWS_ACCESS_KEY_ID: the credentials are those of AWS's own settings (~/.aws, a role)"
    if not values.get("AWS_REGION"):
        yield "AWS_REGION is not set: the region is that of AWS's own settings"
    if values.get("S3_PREFIX", "").startswith("/"):
        yield "S3_PREFIX begins with a slash, which is left out: files are sent under keys without it"
    if env.readable_by_others:
        yield "others may read the file, and it holds secrets: chmod 600"
    if not os.path.exists(state_db):
        yield f"there is no {state_db}: without that record every file counts as new"
