"""What sealing adds behind the names and keys of archives, and what that tells.

========================================  =====================================================================
``.zst`` ``.gz`` ``.age`` ``.gpg``         one for each step, in the order in which they were taken
``.enc``
``.v001`` ``.aaaaaa``                      the volume, where the stream was cut: from 1, or in letters as split(1)
                                           has it (the first two are ``aa``: 456,976 volumes)
``-part-aaaaaa``                           the same, and that it is encrypted by openssl, as zfs-to-aws has it
``.par2`` ``.vol000+100.par2``             parity of that volume, as par2 itself calls its files
``.recipe.json``                           the manifest of several volumes, without the one for the volume in front
``.recipe.json.age`` (``.gpg``, ``.enc``)  the same, sealed too
========================================  =====================================================================

So one archive may be ``TIME.tar.zst.v001.age``, ``TIME.tar.zst.v001.age.par2``,
``TIME.tar.zst.v001.age.vol000+100.par2`` and so on, and ``TIME.tar.zst.age.recipe.json``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from glacier_backup.model.archive import Role
from glacier_backup.model.recipe import Step, parse_compact

OF_STEPS = {"zstd": ".zst", "gzip": ".gz", "age": ".age", "gpg": ".gpg", "openssl": ".enc"}
"""What each step adds that isn't left out; the others add nothing by themselves."""

MANIFEST = ".recipe.json"

LONGEST_SUFFIX = 48
"""Bytes that names and keys of what is sealed leave room for: ``.zst.v1000000.age.vol00000+10000.par2`` has 38."""

PART = "-part-"
"""What stands in front of a volume's letters where all else that sealing adds isn't told: what is called so has gone
through openssl before it was cut, and through nothing else."""

_LETTERS = 6

_STEP = r"\.(?:zst|gz|age|gpg|enc)"
_PARITY = r"(?:\.vol[0-9]{1,9}\+[0-9]{1,9})?\.par2"
_VOLUME = r"\.(?:v[0-9]{3,7}|aa[a-z]{4})"
_MANIFEST = rf"{re.escape(MANIFEST)}(?:\.(?:age|gpg|enc))?"
_PART = rf"{PART}aa[a-z]{{4}}"

PARITY_VOLUME = r"\.vol[0-9]{1,9}\+[0-9]{1,9}"
"""For patterns of names: the one extension that has more than letters and digits."""

OBJECT = rf"(?:{_STEP}){{0,3}}(?:{_VOLUME}(?:{_STEP}){{0,3}}(?:{_PARITY})?|{_MANIFEST})"
"""For patterns of names: the suffix of one of several objects."""

_SUFFIX = re.compile(
    rf"((?:{_STEP}){{0,3}})(?:(?P<volume>{_VOLUME})(?P<each>(?:{_STEP}){{0,3}})(?P<parity>{_PARITY})?|"
    rf"(?P<manifest>{_MANIFEST}))?"
)
_OF_PART = re.compile(rf"{PART}(aa[a-z]{{4}})({_PARITY})?")
_AT_END = re.compile(rf"(?:(?:{_STEP}|{_VOLUME}){{0,7}}(?:{_PARITY}|{_MANIFEST})?|{_PART}(?:{_PARITY})?)\Z")
_ENDS_LIKE_ONE = re.compile(rf"(?:{_STEP}|{_VOLUME}|{_PART}|\.par2|{re.escape(MANIFEST)})~*\Z")
_NAMES = {suffix: name for name, suffix in OF_STEPS.items()}


class Suffix(NamedTuple):
    """What a suffix tells."""

    seal: str = ""
    """That of the archive, volumes left out."""
    volume: int = 0
    """0 for an archive of one object, and for a manifest."""
    role: Role = "data"


def suffix_of_steps(steps: Sequence[Step]) -> str:
    """Of an archive that was sealed by these, volumes left out: ``.zst.age``."""
    return "".join(OF_STEPS.get(step.name, "") for step in steps if step.parameters.get("skipped") is not True)


def steps_of_suffix(seal: str) -> tuple[Step, ...]:
    """The steps that a suffix without a volume names, with the parameters that they have where nothing else is said."""
    names = [_NAMES[f".{one}"] for one in seal.split(".")[1:]]
    return parse_compact("+".join(names)) if names else ()


def parse_suffix(text: str) -> Suffix | None:
    """What ``text`` tells; None for what is no suffix, and for one that is too long."""
    if (part := _OF_PART.fullmatch(text)) is not None:
        return Suffix(OF_STEPS["openssl"], _number(part[1]), "parity" if part[2] else "data")
    match = _SUFFIX.fullmatch(text) if len(text) <= LONGEST_SUFFIX else None
    if match is None:
        return None
    if match["manifest"]:
        return Suffix(match[1], 0, "manifest")
    if not match["volume"]:
        return Suffix(match[1])
    volume = _number(match["volume"][1:])
    return Suffix(match[1] + match["each"], volume, "parity" if match["parity"] else "data") if volume else None


def split_suffix(name: str) -> tuple[str, str]:
    """``name`` without all that sealing can have put behind it, and that."""
    match = _AT_END.search(name)
    found = "" if match is None else match[0]
    rest = name.removesuffix(found) if found else name
    return (rest, found) if rest and parse_suffix(found) is not None else (name, "")


def is_sealed_manifest(suffix: str) -> bool:
    """Whether what has this suffix is a manifest that has to be opened to be read."""
    told = parse_suffix(suffix)
    return told is not None and told.role == "manifest" and not suffix.endswith(MANIFEST)


def ends_like_one(name: str) -> bool:
    """Whether a name, any number of ``~`` at its end left out, could be taken for one with a suffix."""
    return _ENDS_LIKE_ONE.search(name) is not None


def letters_of(number: int) -> str:
    """What split(1) calls the volume of that number, from 1: ``aaaaaa``; the inverse of what :func:`parse_suffix`
    does."""
    rest, letters = number - 1, ""
    while rest or len(letters) < _LETTERS:
        rest, digit = divmod(rest, 26)
        letters = chr(ord("a") + digit) + letters
    return letters


def _number(text: str) -> int:
    if text[1:].isdigit():
        return int(text[1:])
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("a")
    return number + 1
