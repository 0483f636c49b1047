"""How far a ZIP is unpacked, as one line of JSON."""

from __future__ import annotations

import json
from typing import NamedTuple

from glacier_backup.errors import TargetError
from glacier_backup.pack.untar_state import State, read_state, write_state
from glacier_backup.pack.unzip_directory import Listed
from glacier_backup.pack.unzip_records import Local


class Half(NamedTuple):
    """A member that is half done: stored, and of a size that is told."""

    local: Local
    done: int
    """Bytes of its content that have come."""
    crc: int
    """Of those."""
    is_wanted: bool


class ZipState(NamedTuple):
    """All that a later process needs to go on."""

    state: State
    """Position, directories, and what was left out, as of a tar."""
    listed: Listed | None
    """The members that have come; None where not all come."""
    half: Half | None = None


def write_zip_state(state: ZipState) -> str:
    """One line of ASCII."""
    half = None if state.half is None else [_plain(state.half.local), *state.half[1:]]
    listed = None if state.listed is None else [state.listed.members, f"{state.listed.sum:x}"]
    return json.dumps({"state": write_state(state.state), "listed": listed, "half": half}, separators=(",", ":"))


def read_zip_state(text: str) -> ZipState:
    """What :func:`write_zip_state` has written. Raises TargetError for anything else."""
    try:
        found = json.loads(text)
        listed, half = found["listed"], found["half"]
        return ZipState(
            read_state(found["state"]),
            None if listed is None else Listed(int(listed[0]), int(listed[1], 16)),
            None if half is None else Half(_local(half[0]), int(half[1]), int(half[2]), bool(half[3])),
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise TargetError(
            f"the note of how far unpacking was can't be read: {error}",
            hint="remove what has been restored so far, and restore it again",
        ) from error


def _plain(local: Local) -> list[object]:
    return [field.decode("latin-1") if isinstance(field, bytes) else field for field in local]


def _local(fields: list[object]) -> Local:
    flags, method, crc, stored, size, name, offset, mtime_ns, mode, is_sized = fields
    return Local(
        _int(flags),
        _int(method),
        _int(crc),
        _int(stored),
        _int(size),
        str(name).encode("latin-1"),
        _int(offset),
        _int(mtime_ns),
        _int(mode),
        bool(is_sized),
    )


def _int(value: object) -> int:
    if isinstance(value, int):
        return value
    raise ValueError(f"{value!r} is no number")
