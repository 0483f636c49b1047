"""Command lines of zfs-to-aws's ``backup.py``, read and checked, with the JSON file of passwords that they name.

Its flags are those of its only version, of July 2023. One line sends one dataset, so all lines of a file count.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from glacier_backup.config.command_lines import LARGEST, Command, commands, expanded, home_of, mentions
from glacier_backup.config.datasets import checked_dataset
from glacier_backup.config.places import place
from glacier_backup.config.snapshot_options import tag as checked_tag
from glacier_backup.config.zfs_to_aws_json import read_passwords
from glacier_backup.errors import ConfigError, Problem, UsageError
from glacier_backup.model.snapshot import DEFAULT_TAG
from glacier_backup.model.zfs_to_aws import name_in_keys

PLAIN_CLI = "aws"
"""The program whose settings are those of this one; others are scripts around it, with settings of their own."""

_MENTIONED = re.compile(r"--aws_bucket\b")
_FLAG = re.compile(r"--(?:pool|dataset|aws_bucket|aws_cli|config|from_date|to_date|tag)\b")
_WEEKLY = "0 15 * * 3"


@dataclass(frozen=True, slots=True)
class Sent:
    """One dataset that it was told to send."""

    path: str
    """``zfs:pool/a/ds``."""
    tag: str
    password: str = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called in keys, and in the JSON file."""
        return name_in_keys(self.path)


@dataclass(frozen=True, slots=True)
class ZfsToAws:
    """What the other program was told to do."""

    file: str
    """Where that stands; this path and all others are absolute."""
    bucket: str
    """With the prefix behind it, if there is one."""
    json_files: tuple[str, ...]
    datasets: tuple[Sent, ...]
    when: str
    """Five fields of cron(5), or one that stands for them."""
    notes: tuple[str, ...]
    """What a person should know."""


def is_zfs_to_aws(file: str) -> bool:
    """Whether the file looks like one that has such a command line; not where it can't be read."""
    return mentions(file, _MENTIONED)


def read_zfs_to_aws(file: str, environ: Mapping[str, str]) -> ZfsToAws:
    """What the command lines in ``file``, an absolute path, say.

    Raises UsageError where there is none, and ConfigError with all that can't be used. No message holds a password.
    """
    try:
        with open(file, "rb") as opened:
            text = opened.read(LARGEST).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    lines = [_Line(file, command, environ) for command in _found(text)]
    if not lines:
        raise UsageError(f"{file} has no command line of zfs-to-aws", hint="give a file in which it stands")
    problems = [problem for line in lines for problem in line.problems()]
    if not problems:
        problems = [*_at_odds(lines)]
    if problems:
        raise ConfigError(problems, hint=f"mend what it says and do this again: {file}")
    return _read(file, lines)


def _found(text: str) -> Iterator[Command]:
    """With the words from its first flag on."""
    for one in commands(text, _MENTIONED):
        flags = [at for at, word in enumerate(one.words) if _FLAG.match(word)]
        if any(_MENTIONED.match(word) for word in one.words):
            yield one._replace(words=one.words[flags[0] :])


class _Wrong(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Wrong(message)


class _Given(argparse.Namespace):
    pool: str
    dataset: str
    aws_bucket: str
    aws_cli: str
    config: str
    from_date: str | None
    to_date: str | None
    tag: str


def _parser() -> _Parser:
    parser = _Parser(add_help=False)
    for name in ("pool", "dataset", "aws_bucket", "aws_cli", "config"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("from_date", "to_date"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--tag", default=DEFAULT_TAG)
    return parser


class _Line:
    """One command line."""

    def __init__(self, file: str, command: Command, environ: Mapping[str, str]) -> None:
        self._file = file
        self.command = command
        self.wrong = ""
        self.given = _Given()
        self.password: str | None = None
        self.passwords_are_wrong = ""
        self._read(environ)

    def _read(self, environ: Mapping[str, str]) -> None:
        try:
            _parser().parse_args([*self.command.words], self.given)
        except _Wrong as error:
            self.wrong = str(error)
            return
        self.folder = os.path.normpath(os.path.join(home_of(environ), expanded(self.command.folder, environ)))
        self.json_file = os.path.normpath(os.path.join(self.folder, expanded(self.given.config, environ)))
        self.path = f"zfs:{self.given.pool}/{self.given.dataset}"
        try:
            self.password = read_passwords(self.json_file).get(self.given.dataset)
        except (UsageError, ValueError) as error:
            self.passwords_are_wrong = str(error)

    def problems(self) -> Iterator[Problem]:
        """All that can't be used in it."""
        return (Problem(self._file, self.command.line, None, None, what) for what in self._what_is_wrong())

    def problem(self, what: str) -> Problem:
        return Problem(self._file, self.command.line, None, None, what)

    def _what_is_wrong(self) -> Iterator[str]:
        if self.wrong:
            yield f"zfs-to-aws: {self.wrong}"
            return
        given = self.given
        for flag, value in (("--pool", given.pool), ("--dataset", given.dataset), ("--aws_bucket", given.aws_bucket)):
            if "$" in value or "`" in value or not value.strip():
                yield f"found {value!r} for {flag}, of which a shell makes something else; expected a plain one"
                return
        try:
            checked_dataset(self.path)
        except ValueError as error:
            yield f"--pool and --dataset: {error}"
        yield from _refused(f"found {given.aws_bucket!r} for --aws_bucket", self._place, "a bucket, /prefix behind it")
        yield from _refused(f"found {given.tag!r} for --tag", lambda: checked_tag(given.tag), "a tag")
        if self.passwords_are_wrong:
            yield self.passwords_are_wrong
        elif self.password is None:
            yield f"{self.json_file} has no password of {given.dataset}: it knows other datasets only"

    def _place(self) -> object:
        if self.given.aws_bucket.endswith("/"):
            raise ValueError("with that slash there would be an empty name in all keys")
        return place(f"s3://{self.given.aws_bucket}")


def _refused(found: str, check: Callable[[], object], expected: str) -> Iterator[str]:
    try:
        check()
    except ValueError as error:
        why = f" ({error})" if str(error) else ""
        yield f"{found}{why}; expected {expected}"


def _at_odds(lines: Sequence[_Line]) -> Iterator[Problem]:
    """What two lines say that one INI file of ours can't."""
    first, by_name = lines[0], dict[str, _Line]()
    for line in lines:
        if line.given.aws_bucket != first.given.aws_bucket:
            yield line.problem(
                f"found --aws_bucket {line.given.aws_bucket}, and line {first.command.line} has "
                f"{first.given.aws_bucket}; expected one: give each bucket's lines in a file of their own"
            )
        name = name_in_keys(line.path)
        other = by_name.setdefault(name, line)
        if other.path != line.path:
            yield line.problem(
                f"{other.path} and {line.path} are both called {name} in the bucket; expected one of them"
            )
        elif other.given.tag != line.given.tag:
            yield line.problem(f"{line.path} has tag {line.given.tag} here and {other.given.tag} before; expected one")


def _read(file: str, lines: Sequence[_Line]) -> ZfsToAws:
    by_path = {line.path: line for line in reversed(lines)}
    ordered = [line for line in lines if by_path[line.path] is line]
    return ZfsToAws(
        file=file,
        bucket=lines[0].given.aws_bucket,
        json_files=tuple(dict.fromkeys(line.json_file for line in ordered)),
        datasets=tuple(Sent(line.path, line.given.tag, line.password or "") for line in ordered),
        when=next((line.command.when for line in lines if line.command.when), _WEEKLY),
        notes=tuple(dict.fromkeys(note for line in lines for note in _notes(line))),
    )


def _notes(line: _Line) -> Iterator[str]:
    given = line.given
    if not os.path.isabs(given.config) and not given.config.startswith(("~", "$")):
        yield f"--config is {given.config}, seen from {line.folder}, where cron or a cd would start it"
    if os.path.basename(given.aws_cli) != PLAIN_CLI:
        yield (
            f"{given.aws_cli} may have credentials, a region or a profile of its own: this program takes those of "
            "AWS's usual settings (~/.aws, a role), or what profile, region and endpoint_url say"
        )
    for flag, value in (("--from_date", given.from_date), ("--to_date", given.to_date)):
        if value is not None:
            yield f"{flag} {value} is left out: each run goes on from what is stored; give it to one run when needed"
    if os.path.exists(line.json_file) and os.stat(line.json_file).st_mode & 0o077:
        yield f"others may read {line.json_file}, and it holds passwords: chmod 600, and remove it when all is moved"
    if "/" in given.dataset:
        yield (
            f"{given.dataset} has a slash, which zfs-to-aws failed at: it is called {name_in_keys(line.path)} in the "
            "bucket"
        )
