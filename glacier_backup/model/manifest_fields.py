"""Fields of a JSON object that anybody may have written: each is what it should be, or a ValueError says why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from glacier_backup.model.recipe import Scalar
from glacier_backup.units import parse_rfc3339

T = TypeVar("T", bound=str)

LARGEST = 2**63 - 1
"""What a database holds."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = re.compile(r"[0-7]{4}")


class Fields:
    """The fields of one object. Every method raises ValueError for a field that isn't there or is something else."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether it is there, and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """Text as a path may be: without NUL, and with lone surrogates only for bytes that aren't UTF-8."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise ValueError(f"{name} is no text")
        if "\0" in value or not _is_from_disk(value):
            raise ValueError(f"{name} holds characters that no name has")
        return value

    def component(self, name: str) -> str:
        """The name of a file."""
        value = self.text(name)
        if value in ("", ".", "..") or "/" in value:
            raise ValueError(f"{name} is no file name: {value!r}")
        return value

    def relative_path(self, name: str) -> str:
        """A path below wherever it is used."""
        value = self.text(name)
        if any(part in ("", ".", "..") for part in value.split("/")):
            raise ValueError(f"{name} is no path below anything: {value!r}")
        return value

    def one_of(self, name: str, known: Sequence[T]) -> T:
        """One of the words that are ``known``."""
        value = self._values.get(name)
        for word in known:
            if word == value:
                return word
        raise ValueError(f"{name} is none of {', '.join(known)}")

    def number(self, name: str, *, signed: bool = False) -> int:
        """A whole number that a database holds."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{name} is no whole number")
        if not (-LARGEST - 1 if signed else 0) <= value <= LARGEST:
            raise ValueError(f"{name} is out of range")
        return value

    def mode(self, name: str) -> int:
        """Permission bits, as four octal digits."""
        value = self.text(name)
        if not _MODE.fullmatch(value):
            raise ValueError(f"{name} is no mode of four octal digits")
        return int(value, 8)

    def sha256(self, name: str) -> str:
        """64 hex digits."""
        value = self.text(name)
        if not _SHA256.fullmatch(value):
            raise ValueError(f"{name} is no SHA-256 of 64 hex digits")
        return value

    def moment(self, name: str) -> datetime:
        """A time as :func:`~glacier_backup.units.rfc3339` writes it."""
        try:
            return parse_rfc3339(self.text(name))
        except ValueError:
            raise ValueError(f"{name} is no time such as 2026-03-21T04:00:00.123456Z") from None

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise ValueError(f"{name} is neither true nor false")
        return value

    def object(self, name: str) -> Fields:
        """Another object."""
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise ValueError(f"{name} is no object")
        return Fields(value)

    def objects(self, name: str, count: int | None = None) -> list[Fields]:
        """A list of objects, of so many where ``count`` says so."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise ValueError(f"{name} is no list of objects")
        if count not in (None, len(value)):
            raise ValueError(f"{name} has {len(value)} entries, and {count} are expected")
        return [Fields(one) for one in value]

    def scalars(self, *, but: str) -> dict[str, Scalar]:
        """Every field ``but`` one: texts, whole numbers, and what is true or false."""
        return {name: self._scalar(name) for name in self._values if name != but}

    def _scalar(self, name: str) -> Scalar:
        value = self._values[name]
        if isinstance(value, bool):
            return value
        return self.number(name, signed=True) if isinstance(value, int) else self.text(name)


def _is_from_disk(text: str) -> bool:
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == text
    except UnicodeEncodeError:
        return False
