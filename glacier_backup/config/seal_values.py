"""Text → the value of an option that says how archives are sealed; like :mod:`glacier_backup.config.values`."""

from __future__ import annotations

import re
from typing import NamedTuple

from glacier_backup.config.nearest import nearest
from glacier_backup.config.values import absolute_path, lines, size_between, whole_number, words
from glacier_backup.seal.order import NAMES, ordered
from glacier_backup.units import MIB, TIB

PASSWORDS = ("password", "password_file", "password_command", "password_credential", "password_keyring")
"""The options that say where the password is; at most one of them does."""
CIPHERS = ("aes-256-cbc", "aes-192-cbc", "aes-128-cbc")
DIGESTS = ("sha512", "sha384", "sha256")
LEAST_ITERATIONS = 10_000
MOST_ITERATIONS = 10_000_000
LEAST_VOLUME = MIB
MOST_VOLUME = 4 * TIB
BEST_ZSTD = 22
BEST_GZIP = 9

_PAR2 = re.compile(r"-([rbnm]) *([0-9]{1,6})")
_PER_CENT = re.compile(r"([0-9]{1,3}) *%?")
_MOST_OF_PAR2 = {"r": 100, "b": 32768, "n": 31, "m": 999_999}
_CREDENTIAL = re.compile(r"(?!\.{1,2}\Z)[^/\0\n]{1,255}")


class Redundancy(NamedTuple):
    """How much parity there is. What is None is chosen by the volume's size."""

    percent: int = 5
    blocks: int | None = None
    files: int | None = None
    memory: int | None = None
    """MB."""

    def __str__(self) -> str:
        """As it would be written."""
        if self[1:] == (None, None, None):
            return f"{self.percent} %"
        return " ".join(f"-{flag}{value}" for flag, value in zip("rbnm", self, strict=True) if value is not None)


def steps(text: str) -> tuple[str, ...]:
    """The steps of a seal, each with what it can't do without: parity is made of volumes."""
    named = [word.lower() for word in words(text)]
    if named == ["none"]:
        return ()
    for word in named:
        if word not in NAMES:
            like = nearest(word, NAMES)
            raise ValueError(f"{word!r} is no step" + (f"; did you mean {like}?" if like else ""))
    return ordered(named).names


def paths(text: str) -> tuple[str, ...]:
    """Absolute ones, one a line; empty lines don't count."""
    return tuple(absolute_path(line) for line in lines(text) if line)


def command(text: str) -> tuple[str, ...]:
    """A program and its arguments, in words as a shell would have them; nothing else that a shell does is done."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError("a quote in it has no end") from None
    if not words or not words[0] or "\0" in text:
        raise ValueError
    return tuple(words)


def credential(text: str) -> str:
    """systemd.exec(5), ``LoadCredential=``: a name that a file may have."""
    if _CREDENTIAL.fullmatch(text) is None:
        raise ValueError
    return text


def entry_of_keyring(text: str) -> str:
    service, slash, user = text.rpartition("/")
    if not (service and slash and user):
        raise ValueError
    return text


def zstd_level(text: str) -> int:
    return _at_most(BEST_ZSTD, text)


def gzip_level(text: str) -> int:
    return _at_most(BEST_GZIP, text)


def iterations(text: str) -> int:
    number = _at_most(MOST_ITERATIONS, text.replace(",", "").replace("_", ""))
    if number < LEAST_ITERATIONS:
        raise ValueError("a password is then guessed in no time")
    return number


def _at_most(most: int, text: str) -> int:
    number = whole_number(text)
    if number > most:
        raise ValueError
    return number


def volume_size(text: str) -> int:
    return size_between(LEAST_VOLUME, MOST_VOLUME, text)


def redundancy(text: str) -> Redundancy:
    """``5 %``, or flags of ``par2 create`` (par2(1))."""
    per_cent = _PER_CENT.fullmatch(text)
    flags = {"r": per_cent[1]} if per_cent else _flags(text)
    found = {flag: int(value) for flag, value in flags.items()}
    if any(not 1 <= value <= _MOST_OF_PAR2[flag] for flag, value in found.items()):
        raise ValueError
    return Redundancy(found.get("r", Redundancy().percent), found.get("b"), found.get("n"), found.get("m"))


def _flags(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = text.strip()
    while rest:
        flag = _PAR2.match(rest)
        if flag is None:
            raise ValueError("of par2's flags -r, -b, -n and -m mean something here" if rest[0] == "-" else "")
        if flag[1] in found:
            raise ValueError(f"-{flag[1]} is there twice")
        found[flag[1]] = flag[2]
        rest = rest[flag.end() :]
        if rest and not rest[0].isspace():
            raise ValueError
        rest = rest.lstrip()
    if not found:
        raise ValueError
    return found
