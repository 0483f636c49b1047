"""Descriptions of archives in a vault, and what can be read back from them.

A vault knows of an archive its id, size, tree hash, date and one description of up to 1,024 characters of 0x20-0x7E
(API reference, InitiateMultipartUpload). Ours is the archive's name, one blank, and a token: what follows the last
blank. From it alone the catalog can be rebuilt::

    photos.tar gb1;p=/data/photos;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1a2b3c4d5e6f
    photos.tar.zst.v002.age gb1;p=/data/photos;…;e=13;v=2;x=zstd:3+split:4294967296+age

    gb1  version of the token             t    time of the archive, UTC
    p    path                             k    kind: d directory, f file, g group, l link,
                                               s stream of a dataset's snapshots
    h    host                             f    format: tar, raw, zip, zfs
    n    name, where the text before      r    id of the recipe
         the blank is not exactly it      m, o mtime (ns since 1970) and mode (octal), of raw files
                                          d    where files lie, of a group that goes by a prefix: see
                                               :mod:`glacier_backup.model.prefix_group`
                                          c    where it stands in a chain of increments: see
                                               :mod:`glacier_backup.model.increment`
                                          z    which snapshots a stream goes between: see
                                               :mod:`glacier_backup.model.dataset_label`

Of what is sealed the name has the suffix of the seal behind it (:mod:`glacier_backup.model.suffixes`), and the token::

    e    characters of the suffix         q    p: parity of that volume; m: the manifest of all
    v    which of several volumes; of     x    the steps of the seal, as recipe.compact writes them
         a manifest how many there are

Where names are hidden there is nothing else but a random name, ``i``, which is the text in front, too::

    abcdefghijklmnopqrstuvwxyz.v001.age gb1;i=abcdefghijklmnopqrstuvwxyz;e=9;v=1;x=split:4294967296+age

Values are percent-encoded: every byte but 0x21-0x7E without ``;`` and ``%``. Fields that a reader doesn't know are to
be ignored. Where that is too long, ``P`` and ``N`` hold path and name as base64url (RFC 4648, no padding). Where that
is too long too, ``s`` stands for the path: 32 hex digits, the first of its SHA-256, and as much of its beginning as
fits; ``n`` is left out then, and a host of more than 255 characters is ``~`` and 32 hex digits. Snapshots may have
names so long that ``z`` is left out: hundreds of blanks, each of which is ``%20`` there.

The name before the blank has ``_`` for what is no printable ASCII and for a leading blank (a header loses it), is cut
at 255 characters, and then ends in ``~`` and eight hex digits of the SHA-256 of the real one.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from glacier_backup.model.archive import Container, Label, Role, as_told
from glacier_backup.model.candidate import Kind
from glacier_backup.model.dataset_label import check_dataset
from glacier_backup.model.increment import parse_link
from glacier_backup.model.recipe import parse_compact
from glacier_backup.model.suffixes import parse_suffix
from glacier_backup.units import parse_stamp, stamp

LONGEST = 1024
LONGEST_NAME = 255
_LONGEST_HOST = 255
_HASH = 32
_LEAST_BEGINNING = 16
"""Of a path: enough for one of a dataset to look like one."""

_VERSION = "gb1"
_KINDS: dict[str, Kind] = {"d": "directory", "f": "file", "g": "group", "l": "link", "s": "dataset"}
_KIND_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_CONTAINERS: dict[str, Container] = {name: name for name in get_args(Container)}
_CODES = [chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in ";%" else f"%{byte:02X}" for byte in range(256)]
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_NO_ESCAPE = re.compile(r"%(?![0-9A-F]{2})")
_ROLES: dict[str, Role] = {"p": "parity", "m": "manifest"}
_LETTERS = {role: letter for letter, role in _ROLES.items()}
_ALIAS = re.compile(r"[a-z0-9]{26}")
_COUNT = re.compile(r"[0-9]{1,9}")
_MODE = re.compile(r"[0-7]{1,4}")
BELOW = re.compile(r"([1-9][0-9]{0,3})(r?)")
"""What :attr:`Label.below` may be."""
_SHORTENED = re.compile(r"([0-9a-f]{32})(.*)")


@dataclass(frozen=True, slots=True)
class ShortenedLabel:
    """What a description still says of an archive whose path was too long for it."""

    beginning: Label
    """As the label was, but with only the beginning of its path, and the name as shown."""
    path_hash: str

    def is_of(self, path: str) -> bool:
        """Whether ``path`` is the whole one."""
        return self.path_hash == _hash(path)


@dataclass(frozen=True, slots=True)
class PrivateLabel:
    """What can be seen of an archive whose name is hidden, or of one of its objects."""

    alias: str
    suffix: str
    volume: int
    """As :attr:`Label.volume`; of a manifest 0 where nothing tells."""
    role: Role
    seal: str = ""
    """As :attr:`Label.seal`; empty where nothing tells."""


def describe(label: Label) -> str:
    """The description of an archive, or of one of its objects: at most 1,024 characters of 0x20-0x7E, the first of them
    no blank.

    Labels that differ have descriptions that differ, but for what an alias, or a path told in place of another, hides.
    """
    label = as_told(label)
    if label.alias is not None:
        return f"{label.alias}{label.suffix} {_token({'i': label.alias} | _sealing(label))}"
    name = _shown(label.name, LONGEST_NAME - len(label.suffix))
    front = name + label.suffix
    for path, encode in (("p", _percent), ("P", _base64)):
        real_name = {} if name == label.name else {"n" if encode is _percent else "N": encode(label.name)}
        text = f"{front} {_token({path: encode(label.path)} | _common(label) | real_name | _sealing(label))}"
        if len(text) <= LONGEST:
            return text
    host = _percent(label.host)
    fields = {"s": _hash(label.path)} | _common(label) | _sealing(label)
    fields["h"] = host if len(host) <= _LONGEST_HOST else f"~{_hash(label.host)}"
    room = LONGEST - len(f"{front} {_token(fields)}")
    if room < _LEAST_BEGINNING and label.span:
        return describe(replace(label, span=""))
    fields["s"] += re.sub(r"%.?\Z", "", _percent(label.path)[:room])
    return f"{front} {_token(fields)}"


def parse_description(text: str) -> Label | ShortenedLabel | PrivateLabel | None:
    """The label that :func:`describe` was given, or what is left of it; None for a description that isn't ours."""
    name, _, token = text.rpartition(" ")
    version, *fields = token.split(";")
    if version != _VERSION or not name or not text.isascii():
        return None
    try:
        return _told(name, dict(field.split("=", 1) for field in fields))
    except (ValueError, KeyError):
        return None


def _token(fields: Mapping[str, str]) -> str:
    return ";".join([_VERSION, *(f"{key}={value}" for key, value in fields.items())])


def _common(label: Label) -> dict[str, str]:
    fields = {
        "h": _percent(label.host),
        "t": stamp(label.time),
        "k": _KIND_LETTERS[label.kind],
        "f": label.container,
        "r": _percent(label.recipe_id),
    }
    if label.mtime_ns is not None:
        fields["m"] = str(label.mtime_ns)
    if label.mode is not None:
        fields["o"] = f"{label.mode:o}"
    if label.below:
        fields["d"] = label.below
    if label.link:
        fields["c"] = label.link
    if label.span:
        fields["z"] = label.span
    return fields


def _sealing(label: Label) -> dict[str, str]:
    fields: dict[str, str] = {}
    if label.suffix:
        fields["e"] = str(len(label.suffix))
    if label.volume:
        fields["v"] = str(label.volume)
    if label.role != "data":
        fields["q"] = _LETTERS[label.role]
    if label.seal:
        fields["x"] = label.seal
    return fields


def _told(front: str, fields: Mapping[str, str]) -> Label | ShortenedLabel | PrivateLabel:
    count = _count(fields, "e")
    if count >= len(front):
        raise ValueError("its suffix is longer than its name")
    shown, suffix = (front[:-count], front[-count:]) if count else (front, "")
    volume, role, seal = _count(fields, "v"), _ROLES[fields["q"]] if "q" in fields else "data", fields.get("x", "")
    told = parse_suffix(suffix)
    if told is None or told.role != role or (role != "manifest" and told.volume != volume):
        raise ValueError("its suffix is that of something else")
    parse_compact(seal)
    if "i" in fields:
        if not _ALIAS.fullmatch(shown) or fields["i"] != shown:
            raise ValueError("it has no random name")
        return PrivateLabel(shown, suffix, volume, role, seal)
    found = _label(shown, fields)
    if isinstance(found, ShortenedLabel):
        return replace(found, beginning=_with(found.beginning, suffix, volume, role, seal))
    return _with(found, suffix, volume, role, seal)


def _with(label: Label, suffix: str, volume: int, role: Role, seal: str) -> Label:
    return replace(label, suffix=suffix, volume=volume, role=role, seal=seal)


def _count(fields: Mapping[str, str], key: str) -> int:
    if key not in fields:
        return 0
    if _COUNT.fullmatch(fields[key]) is None:
        raise ValueError("no number")
    return int(fields[key])


def _label(shown: str, fields: Mapping[str, str]) -> Label | ShortenedLabel:
    path_hash, path = _path(fields)
    label = Label(
        name=_text(fields, "n") if "n" in fields or "N" in fields else shown,
        path=path,
        host=_from_percent(fields["h"]),
        kind=_KINDS[fields["k"]],
        container=_CONTAINERS[fields["f"]],
        time=parse_stamp(fields["t"]),
        recipe_id=_from_percent(fields["r"]),
        mtime_ns=int(fields["m"]) if "m" in fields else None,
        mode=_mode(fields["o"]) if "o" in fields else None,
        below=fields.get("d", ""),
        link=fields.get("c", ""),
        span=fields.get("z", ""),
    )
    _check_group(label)
    check_dataset(label)
    if label.link:
        parse_link(label.link)
        if label.kind not in ("directory", "dataset"):
            raise ValueError("no directory")
    return label if path_hash is None else ShortenedLabel(label, path_hash)


def _check_group(label: Label) -> None:
    """Raises ValueError for what can't be a group, or is none and says what one says."""
    by_prefix = label.kind == "group" and label.container == "zip"
    if label.kind == "group" and label.container == "raw":
        raise ValueError("no group of files")
    if label.container == "zip" and not by_prefix:
        raise ValueError("nothing else is put into a ZIP")
    if label.below and (not by_prefix or BELOW.fullmatch(label.below) is None):
        raise ValueError("no group that goes by a prefix")


def _mode(text: str) -> int:
    if _MODE.fullmatch(text) is None:
        raise ValueError("no permission bits")
    return int(text, 8)


def _path(fields: Mapping[str, str]) -> tuple[str | None, str]:
    """The hash, if the path was shortened, and as much of the path as there is."""
    if "s" not in fields:
        return None, _text(fields, "p")
    match = _SHORTENED.fullmatch(fields["s"])
    if match is None:
        raise ValueError("no hash of a path")
    return match[1], _from_percent(match[2])


def _text(fields: Mapping[str, str], key: str) -> str:
    return _from_percent(fields[key]) if key in fields else _from_base64(fields[key.upper()])


def _shown(name: str, longest: int) -> str:
    text = re.sub(r"[^ -~]", "_", name)
    if text.startswith(" ") or not text:
        text = f"_{text[1:]}"
    if text == name and len(text) <= longest:
        return text
    mark = f"~{_hash(name)[:8]}"
    return text[: longest - len(mark)] + mark


def _hash(text: str) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()[:_HASH]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _percent(text: str) -> str:
    return "".join([_CODES[byte] for byte in _bytes(text)])


def _from_percent(text: str) -> str:
    if _NO_ESCAPE.search(text):
        raise ValueError(f"not percent-encoded: {text}")
    return _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), text.encode()).decode("utf-8", "surrogateescape")


def _base64(text: str) -> str:
    return urlsafe_b64encode(_bytes(text)).decode().rstrip("=")


def _from_base64(text: str) -> str:
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode("utf-8", "surrogateescape")
