"""A command line of s3-backup, read and checked: from a crontab, a script, or a file that has nothing else.

Its flags are those of version 0.1.0. Filters may come several times, and count in the order in which they stand there.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from glacier_backup.config.command_lines import LARGEST, Command, commands, expanded, home_of, mentions
from glacier_backup.config.places import place
from glacier_backup.errors import ConfigError, Problem, UsageError

_PROGRAM = re.compile(r"(?:.*/)?s3[-_]backup(?:\.py)?")
_MENTIONED = re.compile(r"s3[-_]backup")
_SIZE = re.compile(r"(\d+)\s*(?:[kKMGTPE]i?)?B?")
_DAILY = "17 3 * * *"

FILTERS = ("--group-files-smaller-than", "--data-xform", "--filename-xform", "--key-sub")


@dataclass(frozen=True, slots=True)
class FilterGiven:
    """One filter, as it was given."""

    flag: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class S3Backup:
    """What the other program was told to do."""

    file: str
    """Where that stands; this path and all others are absolute."""
    directory: str
    bucket: str
    profile: str
    """Empty where none was named."""
    storage_class: str
    cache_file: str
    trusts_mtime: bool
    filters: tuple[FilterGiven, ...]
    when: str
    """Five fields of cron(5), or one that stands for them."""
    notes: tuple[str, ...]
    """What a person should know; among it all that can't be carried over."""


def is_s3_backups(file: str) -> bool:
    """Whether the file looks like one that has such a command line; not where it can't be read."""
    return mentions(file, _MENTIONED)


def read_s3_backup(file: str, environ: Mapping[str, str]) -> S3Backup:
    """What the command line in ``file``, an absolute path, says; the first one where there are several.

    Raises UsageError where there is none, and ConfigError with all that can't be used.
    """
    try:
        with open(file, "rb") as opened:
            text = opened.read(LARGEST).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    found = [*_commands(text)]
    if not found:
        raise UsageError(f"{file} has no command line of s3-backup", hint="give a file in which it stands")
    return _read(file, found[0], len(found) > 1, environ)


def _commands(text: str) -> Iterator[Command]:
    """With the words behind the program's name alone."""
    for one in commands(text, _MENTIONED):
        for at, word in enumerate(one.words):
            if _PROGRAM.fullmatch(word) and (at == 0 or not one.words[at - 1].endswith("/cd")):
                yield one._replace(words=one.words[at + 1 :], when=one.when or _DAILY)
                break


# What it says.


class _Wrong(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Wrong(message)


class _Filter(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        words = (values,) if isinstance(values, str) else tuple(values or ())
        # It may have been shortened.
        namespace.filters.append(FilterGiven(self.option_strings[0], words))


def _parser() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument("path")
    parser.add_argument("bucket")
    parser.add_argument("--version", "-V", action="store_true")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--storage-class", default="STANDARD")
    parser.add_argument("--cache-file", default="s3_content.sqlite")
    parser.add_argument("--verbose", "-v", action="count", default=0)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--no-trust-mtime", action="store_true")
    for flag in FILTERS:
        nargs = 2 if flag == "--key-sub" else None
        parser.add_argument(flag, action=_Filter, nargs=nargs, dest="filters", default=[])
    return parser


def _read(file: str, command: Command, is_one_of_several: bool, environ: Mapping[str, str]) -> S3Backup:
    try:
        given = _parser().parse_args([*command.words], argparse.Namespace(filters=[]))
    except _Wrong as error:
        raise _config_error(file, [Problem(file, command.line, None, None, f"s3-backup: {error}")]) from None
    folder = os.path.normpath(os.path.join(home_of(environ), expanded(command.folder, environ)))
    path, cache = expanded(given.path, environ), expanded(given.cache_file, environ)
    if problems := [*_problems(file, command.line, given, path, cache)]:
        raise _config_error(file, problems)
    notes = _notes(given, command, path, cache, folder)
    return S3Backup(
        file=file,
        directory=os.path.normpath(os.path.join(folder, path)),
        bucket=given.bucket,
        profile="" if given.profile == "default" else given.profile,
        storage_class=given.storage_class,
        cache_file=os.path.normpath(os.path.join(folder, cache)),
        trusts_mtime=not given.no_trust_mtime,
        filters=tuple(one for one in given.filters if not _groups_nothing(one)),
        when=command.when,
        notes=(*_several(command, is_one_of_several), *notes),
    )


def _config_error(file: str, problems: list[Problem]) -> ConfigError:
    return ConfigError(problems, hint=f"mend {file} and do this again, or give a file with the right command line")


def _problems(file: str, line: int, given: argparse.Namespace, path: str, cache: str) -> Iterator[Problem]:
    for name, value in (("PATH", path), ("--cache-file", cache), ("BUCKET", given.bucket)):
        if "$" in value or "`" in value or not value.strip():
            why = f"found {value!r} for {name}, of which a shell makes something else; expected a plain one"
            yield Problem(file, line, None, None, why)
    try:
        if "/" in given.bucket:
            raise ValueError
        place(f"s3://{given.bucket}")
    except ValueError:
        yield Problem(file, line, None, None, f"found {given.bucket!r}; expected the name of a bucket")
    yield from _wrong_filters(file, line, given.filters)


def _wrong_filters(file: str, line: int, filters: Sequence[FilterGiven]) -> Iterator[Problem]:
    grouped = transformed = False
    for one in filters:
        if any("\n" in word or "\r" in word or "\0" in word for word in one.words):
            yield Problem(file, line, None, None, f"{one.flag} has a line break in it, and a line of filters can't")
        if one.flag == "--data-xform":
            transformed = True
        if one.flag != "--group-files-smaller-than":
            continue
        if not _SIZE.fullmatch(one.words[0]):
            yield Problem(file, line, None, None, f"found {one.words[0]!r}; expected a size, such as 1MiB")
        elif grouped:
            yield Problem(file, line, None, None, "small files are grouped twice, and that can't be carried over")
        elif transformed:
            yield Problem(file, line, None, None, "files are grouped behind --data-xform, where s3-backup ends")
        grouped = True


def _groups_nothing(one: FilterGiven) -> bool:
    match = _SIZE.fullmatch(one.words[0]) if one.flag == "--group-files-smaller-than" else None
    return match is not None and int(match[1]) == 0


# What a person should know.


def _several(command: Command, is_one_of_several: bool) -> Iterator[str]:
    if is_one_of_several:
        yield f"there are several command lines of s3-backup; the one in line {command.line} was taken"


def _notes(given: argparse.Namespace, command: Command, path: str, cache: str, folder: str) -> Iterator[str]:
    for name, value in (("PATH", path), ("--cache-file", cache)):
        if not os.path.isabs(value):
            yield f"{name} is {value}, seen from {folder}, where cron or a cd would start it"
    if not os.path.exists(os.path.join(folder, cache)):
        yield (
            f"there is no {os.path.normpath(os.path.join(folder, cache))}: `catalog import` without a file asks the "
            "bucket about each object instead"
        )
    if given.dry_run:
        yield "--dry-run is left out: give -d to glacier-backup"
    if given.storage_class == "STANDARD":
        yield "objects go to STANDARD, as they did; DEEP_ARCHIVE costs a fraction of it: see docs/s3.md"
    if any(_groups_nothing(one) for one in given.filters):
        yield "--group-files-smaller-than 0 groups nothing and is left out"
    if any(word.count(r"\$") or word.count(r"\`") for one in given.filters for word in one.words):
        yield r"a filter has \$ or \` in it: see in the INI file whether the backslash belongs there"
    yield (
        "the credentials need more than those of s3-backup's template: s3:GetBucketVersioning, s3:ListBucketVersions, "
        "s3:GetObjectVersion and s3:RestoreObject"
    )
