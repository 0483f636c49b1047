"""The inventory of a vault, read as it comes: a million archives are 300 MB of JSON, and never more than one is held.

The document is an object whose ``ArchiveList`` holds one object for each archive (S3 Glacier developer guide, "Get Job
Output"). JSON and not CSV, whose quoting there is none that a CSV reader knows.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from glacier_backup.model.thaw import Stored
from glacier_backup.units import MIB

LIST = "ArchiveList"

LARGEST_ITEM = MIB
"""Characters. An archive's entry has 1,500 at most, in the longest of escapes 7,000."""

_BLANK = " \t\r\n"


class NotAnInventory(ValueError):
    """The document is something else, or breaks off."""


def stored_archives(document: Iterable[bytes]) -> Iterator[Stored]:
    """The archives that an inventory lists, in its order; ``document`` comes in pieces of any size.

    Raises NotAnInventory, at the earliest when what is wrong is reached.
    """
    reader = _Reader(document)
    listed = False
    for key in reader.each_key():
        if key == LIST:
            listed = True
            yield from (_stored(item) for item in reader.items())
        else:
            reader.value()
    if not listed:
        raise NotAnInventory(f"it has no {LIST}")


def _stored(item: object) -> Stored:
    match item:
        case {"ArchiveId": str(locator), "CreationDate": str(created), "Size": int(size), **more}:
            description, tree_hash = more.get("ArchiveDescription"), more.get("SHA256TreeHash")
        case _:
            raise NotAnInventory(f"an archive is described as {str(item)[:200]}")
    try:
        moment = datetime.fromisoformat(created)
    except ValueError as error:
        raise NotAnInventory(f"an archive was made at {created!r}") from error
    stored_at = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Stored(locator, size, stored_at, _text(description), _text(tree_hash))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class _Reader:
    """Reads a JSON object, and lists in it, without holding more than a piece and one value."""

    def __init__(self, document: Iterable[bytes]) -> None:
        self._pieces = codecs.iterdecode(iter(document), "utf-8")
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def each_key(self) -> Iterator[str]:
        """The keys of the object that begins here; behind each its value is to be read."""
        self._expect("{")
        if self._next() == "}":
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise NotAnInventory(f"{str(key)[:200]} stands for a key")
            self._expect(":")
            yield key
            if self._expect(",}") == "}":
                return

    def items(self) -> Iterator[object]:
        """The items of the list that begins here; null counts as an empty one."""
        if self._next() == "n" and self.value() is None:
            return
        self._expect("[")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._expect(",]") == "]":
                return

    def value(self) -> object:
        """The value that begins here."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > LARGEST_ITEM or not self._more():
                    raise NotAnInventory(str(error)) from error
                continue
            # A number may go on in the next piece.
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def _expect(self, characters: str) -> str:
        found = self._next()
        if found not in characters:
            raise NotAnInventory(f"{found!r} stands where one of {characters} belongs")
        self._at += 1
        return found

    def _next(self) -> str:
        """The next character that isn't blank, which is left to be read."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                raise NotAnInventory("it breaks off")

    def _more(self) -> bool:
        """Put another piece behind what isn't read yet; whether there was one."""
        try:
            piece = next(self._pieces, None)
        except UnicodeDecodeError as error:
            raise NotAnInventory(str(error)) from error
        if piece is None:
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True
