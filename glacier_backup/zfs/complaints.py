"""What ``zfs`` says, made into errors in plain words, with what to do about it."""

from __future__ import annotations

import os
import pwd
import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from glacier_backup.errors import SourceError, TargetError
from glacier_backup.zfs.meanings import MISSING, OF_SOURCE, OF_TARGET, Meaning

_SENDING = "send,snapshot,hold,release,destroy,mount"
"""Permissions that a backup takes, as ``zfs allow`` calls them (zfs-allow(8))."""
_RECEIVING = "receive,create,mount"

_LONGEST = 600
"""Characters of what zfs said."""

_BEGINNING = re.compile(r"cannot |warning: |[A-Z]|use '-|internal error|no snapshots were")
"""What messages begin with: many go on in a second line."""


class Complaint(NamedTuple):
    """Why something can't be done with a dataset."""

    dataset: str
    """Empty: it is about none of them."""
    words: str
    hint: str | None = None
    kind: type[SourceError] = SourceError

    def __str__(self) -> str:
        return f"zfs:{self.dataset}: {self.words}" if self.dataset else self.words

    def as_error(self) -> SourceError:
        """Of what is read."""
        return self.kind(str(self), hint=self.hint)


def of_source(dataset: str, verb: str, status: int, said: str) -> Complaint:
    """What it means that ``zfs verb`` failed on what is sent. ``status``: minus the number, if a signal."""
    return _complaint(dataset, verb, status, said, OF_SOURCE, f"{_SENDING} {shlex.quote(dataset)}")


def of_target(dataset: str, verb: str, status: int, said: str) -> TargetError:
    """The error for ``zfs verb`` that failed on what is received."""
    told = _complaint(dataset, verb, status, said, OF_TARGET, f"{_RECEIVING} {shlex.quote(_above(dataset))}")
    return TargetError(str(told), hint=told.hint)


def as_target(error: SourceError) -> TargetError:
    """The same of what is written to."""
    return TargetError(str(error), hint=error.hint)


def is_missing(said: str) -> bool:
    """Whether a message is about a dataset or a snapshot that isn't there."""
    return MISSING.search(_in_one_line(said)) is not None


def _complaint(
    dataset: str, verb: str, status: int, said: str, meanings: Sequence[Meaning], permissions: str
) -> Complaint:
    told = _in_one_line(said)
    for meaning in meanings:
        if meaning.pattern.search(told):
            words = told if meaning.words is None else f"{meaning.words} ({told})"
            hint = meaning.hint.format(
                dataset=shlex.quote(dataset),
                above=shlex.quote(_above(dataset)),
                allow=f"zfs allow -u {_user()} {permissions}",
            )
            return Complaint(dataset, words, hint, meaning.kind)
    how = f"exit status {status}" if status >= 0 else f"signal {-status}"
    return Complaint(dataset, f"zfs {verb} failed with {how}{': ' if told else ''}{told}")


def _above(dataset: str) -> str:
    return dataset.rpartition("/")[0] or dataset


def _in_one_line(said: str) -> str:
    told = ""
    for line in filter(None, map(str.strip, said.splitlines())):
        between = "; " if _BEGINNING.match(line) else " "
        told += f"{between if told else ''}{line}"
    return told[:_LONGEST]


def _user() -> str:
    try:
        return shlex.quote(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        return str(os.geteuid())
