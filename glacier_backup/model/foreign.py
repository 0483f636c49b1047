"""Descriptions that other programs gave their archives in a vault, and what they tell.

* **mt-aws-glacier**: ``mt1`` or ``mt2``, a blank, and base64url of a JSON object with ``filename`` and ``mtime`` (its
  MetaData.pm); ``mt1`` has the bytes encoded once more, from Latin-1 to UTF-8.
* **FastGlacier**, and others that write the same, such as QNAP's: ``<m><v>4</v><p>base64 of the path</p><lm>time</lm>``
  and more for versions 2 to 4, ``<ArchiveMetadata><Path>`` for the first (its "File Metadata Format").
* **JSON** with ``Path`` or ``path``, in UTF-7, and ``UTCDateModified``, as CloudBerry writes it.
* **plain**: anything else is taken for the name itself, as glacier_backup 1.2, glacier-cli, iceshelf and many scripts
  wrote it.

Nothing here is trusted: a name is handed on only if it is one below wherever it is put.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Literal, NamedTuple

ForeignSystem = Literal["mt-aws-glacier", "FastGlacier", "JSON", "plain"]

LONGEST = 1024
"""Characters in a description (API reference, InitiateMultipartUpload)."""


class Foreign(NamedTuple):
    """What such a description tells."""

    path: str
    """Relative, with ``/`` between its components: none is empty, ``.`` or ``..``, or holds a control character."""
    mtime_ns: int | None
    """None where it isn't told. Whole seconds."""
    system: ForeignSystem
    altered: str = ""
    """What was done to the bytes before they were sent: ``compressed``, ``encrypted``, or both."""

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]


def parse_foreign(description: str) -> Foreign | None:
    """What a description that isn't ours tells; None where there is no name in it, or none that can be used: then the
    archive's id has to do."""
    try:
        found = _read(description.strip()) if len(description) <= LONGEST else None
    except ValueError:
        return None
    return found if found is not None and is_safe(found.path) else None


def is_safe(path: str) -> bool:
    """Whether it names something below wherever it is put, that a disk can hold and a terminal can show."""
    return not _UNSAFE.search(path) and all(
        one.strip() not in ("", ".", "..") and len(one.encode()) <= _LONGEST_NAME for one in path.split("/")
    )


_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_NAME = 255
"""Bytes; what file systems take."""

_OURS = re.compile(r".* gb[0-9]+;.*", re.DOTALL)
_MT = re.compile(r"(mt[12])\s+(\S+)(?:\s.*)?", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_XML = re.compile(r"<(m|ArchiveMetadata)>(.*)</\1>", re.DOTALL)
_ELEMENT = re.compile(r"\s*<(\w+)>([^<>]*)</\1>")
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T ]?\s*(\d\d):?(\d\d):?(\d\d)(?:[.,]\d*)?Z?", re.ASCII)

_LAST_SECOND = 61
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPRESSED, _ENCRYPTED = 1, 2


def _read(description: str) -> Foreign | None:
    """Raises ValueError for one that is of a system, and broken."""
    if match := _MT.fullmatch(description):
        return _mt(match[1], match[2])
    if match := _XML.fullmatch(description):
        return _fast_glacier(match[1], match[2])
    if description.startswith("{"):
        return _json(description)
    return None if description.startswith("<") or _OURS.fullmatch(description) else Foreign(description, None, "plain")


def _mt(marker: str, text: str) -> Foreign | None:
    payload = _from_base64(text)
    if marker == "mt1":
        payload = payload.decode().encode("latin-1")
    found = _object(payload.decode())
    name, mtime = found.get("filename"), found.get("mtime")
    if not isinstance(name, str) or not isinstance(mtime, str):
        return None
    return Foreign(name, _nanoseconds(mtime), "mt-aws-glacier")


def _fast_glacier(root: str, body: str) -> Foreign | None:
    # No XML parser: nothing is expanded, nothing nests, and a DTD is nothing that could stand here.
    if _ELEMENT.sub("", body).strip():
        return None
    elements = {one[1].lower(): unescape(one[2]).strip() for one in _ELEMENT.finditer(body)}
    path = elements.get("p" if root == "m" else "path", "")
    try:
        path = _from_base64(path).decode()
    except ValueError:
        if root == "m":
            raise
    flags = elements.get("ce", "").split(":")
    return Foreign(
        _slashes(path).removeprefix("/"),  # which some put there
        _time_or_none(elements.get("lm") or elements.get("lastmodified")),
        "FastGlacier",
        _altered(flags[0] == "1", flags[1:2] == ["1"]),
    )


def _json(description: str) -> Foreign | None:
    found = _object(description)
    path = found.get("Path", found.get("path"))
    if not isinstance(path, str):
        return None
    flags = found.get("Flags")
    flags = flags if isinstance(flags, int) else 0
    return Foreign(
        _slashes(_from_utf7(path)),
        _time_or_none(found.get("UTCDateModified")),
        "JSON",
        _altered(bool(flags & _COMPRESSED), bool(flags & _ENCRYPTED)),
    )


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, dict) or any(isinstance(value, dict | list) for value in found.values()):
        raise ValueError("no flat object")
    return found


def _from_base64(text: str) -> bytes:
    """In either alphabet, with or without padding."""
    if not _BASE64.fullmatch(text):
        raise ValueError("no base64")
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def _from_utf7(text: str) -> str:
    """Text that isn't UTF-7 (RFC 2152) stays as it is."""
    try:
        return text.encode("ascii").decode("utf-7")
    except UnicodeError:
        return text


def _slashes(path: str) -> str:
    """These programs run on Windows."""
    return path.replace("\\", "/")


def _altered(compressed: bool, encrypted: bool) -> str:
    return " and ".join(word for word, is_so in (("compressed", compressed), ("encrypted", encrypted)) if is_so)


def _time_or_none(text: object) -> int | None:
    try:
        return _nanoseconds(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _nanoseconds(text: str) -> int | None:
    """Since 1970, of ``YYYYMMDDTHHMMSSZ`` as leniently as mt-aws-glacier reads it: signs between are taken, fractions
    dropped, and seconds 60 and 61 are those of the next minute. None for years that no database holds; raises
    ValueError for what is no time."""
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[6]) > _LAST_SECOND:
        raise ValueError(f"no time: {text!r}")
    year, month, day, hour, minute, second = (int(number) for number in match.groups())
    since = datetime(year, month, day, hour, minute, tzinfo=UTC) - _EPOCH + timedelta(seconds=second)
    found = (since.days * 86_400 + since.seconds) * 10**9
    return found if abs(found) < 2**63 else None
