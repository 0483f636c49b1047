"""How far a tar is unpacked, as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from glacier_backup.errors import TargetError
from glacier_backup.model.archive import MemberType
from glacier_backup.pack.attributes import Attributes
from glacier_backup.pack.untar_heads import Head
from glacier_backup.pack.untar_sparse import Extents

MOST_EXTENTS = 10_000
"""Of a sparse file with more pieces no moment in the middle can be kept: it is begun again."""


class Half(NamedTuple):
    """A file that is half written."""

    head: Head
    done: int
    """Bytes of its content in the archive that are written."""


class State(NamedTuple):
    """All that a later process needs to go on."""

    at: int
    """The position in the archive of the next byte."""
    levels: tuple[tuple[bytes, Attributes | None], ...] = ()
    """The directories that are worked in, by name, and what they are to be."""
    half: Half | None = None
    skip: int = 0
    """Bytes that belong to a member that nobody wants."""
    for_all: Mapping[bytes, bytes] = {}
    """What extended headers for all members say."""
    lines: tuple[str, ...] = ()
    everywhere: tuple[tuple[str, int], ...] = ()
    """What was left out, as :class:`~glacier_backup.pack.left_out.LeftOut` has it."""


def write_state(state: State) -> str:
    """One line of ASCII."""
    if state.half is not None and len(state.half.head.extents or ()) > MOST_EXTENTS:
        state = state._replace(at=state.half.head.offset, half=None)
    return json.dumps(
        {
            "at": state.at,
            "levels": [[_text(name), attributes and _plain(attributes)] for name, attributes in state.levels],
            "half": state.half and [_plain(state.half.head), state.half.done],
            "skip": state.skip,
            "for_all": _plain_map(state.for_all),
            "left_out": [state.lines, state.everywhere],
        },
        separators=(",", ":"),
    )


def read_state(text: str) -> State:
    """What :func:`write_state` has written. Raises TargetError for anything else."""
    try:
        found = json.loads(text)
        lines, everywhere = found["left_out"]
        return State(
            int(found["at"]),
            tuple((_bytes(name), attributes and _attributes(*attributes)) for name, attributes in found["levels"]),
            found["half"] and Half(_head(*found["half"][0]), int(found["half"][1])),
            int(found["skip"]),
            _map(found["for_all"]),
            tuple(str(line) for line in lines),
            tuple((str(why), int(count)) for why, count in everywhere),
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise TargetError(
            f"the note of how far unpacking was can't be read: {error}",
            hint="remove what has been restored so far, and restore it again",
        ) from error


def _plain(value: tuple[object, ...]) -> list[object]:
    """A Head or Attributes, in order of its fields."""
    return [_plain_field(field) for field in value]


def _plain_field(field: object) -> object:
    if isinstance(field, bytes):
        return _text(field)
    if isinstance(field, Mapping):
        return _plain_map(field)
    return list(field) if isinstance(field, Extents) else field


def _plain_map(found: Mapping[bytes, bytes]) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in found.items()}


def _head(
    name: str,
    kind: MemberType,
    flag: str,
    stored: int,
    size: int,
    mtime_ns: int,
    mode: int,
    uid: int,
    gid: int,
    target: str,
    offset: int,
    attributes: dict[str, str] | None,
    extents: list[tuple[int, int]] | None,
) -> Head:
    return Head(
        _bytes(name),
        kind,
        _bytes(flag),
        stored,
        size,
        mtime_ns,
        mode,
        uid,
        gid,
        _bytes(target),
        offset,
        _map(attributes) if attributes else None,
        None if extents is None else Extents((offset, length) for offset, length in extents),
    )


def _attributes(mtime_ns: int, mode: int, uid: int, gid: int, attributes: dict[str, str] | None) -> Attributes:
    return Attributes(mtime_ns, mode, uid, gid, _map(attributes) if attributes else None)


def _map(found: Mapping[str, str]) -> dict[bytes, bytes]:
    return {_bytes(key): _bytes(value) for key, value in found.items()}


def _text(value: bytes) -> str:
    """A character a byte: values of extended attributes are no text."""
    return value.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")
