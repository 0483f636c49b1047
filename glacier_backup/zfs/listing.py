"""Reading what ``zfs get -Hp -o name,property,value`` prints: exact numbers, a tab between fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.model.snapshot import Snapshot, is_snapshot_name

Type = Literal["filesystem", "volume"]

_KINDS: dict[str, Type] = {"filesystem": "filesystem", "volume": "volume"}


class Dataset(NamedTuple):
    """A file system or a volume."""

    name: str
    kind: Type
    referenced: int
    """Bytes that it holds."""
    is_encrypted: bool | None
    """None where this ``zfs`` knows of no encryption."""
    is_locked: bool = False
    """Whether it is encrypted, and its key isn't loaded: then it can be sent raw alone."""


def rows(output: str) -> dict[str, dict[str, str]]:
    """The properties of each name, in the order that they are printed in. Raises SourceError for anything else."""
    found: dict[str, dict[str, str]] = {}
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) != 3:
            raise SourceError(f"zfs printed what can't be understood: {line!r}")
        name, known, value = fields
        found.setdefault(name, {})[known] = value
    return found


def read_datasets(output: str) -> Iterator[Dataset]:
    """Of a listing with ``type``, ``referenced`` and perhaps ``encryption`` and ``keystatus``, without the snapshots in
    it."""
    for name, known in rows(output).items():
        if kind := _KINDS.get(known.get("type", "")):
            is_encrypted, is_locked = _is_encrypted(known.get("encryption")), known.get("keystatus") == "unavailable"
            yield Dataset(name, kind, _number(name, known, "referenced"), is_encrypted, is_locked)


def read_snapshots(dataset: str, output: str) -> Iterator[Snapshot]:
    """Of a listing with ``guid``, ``createtxg``, ``creation`` and ``userrefs``, the number of holds: those of
    ``dataset`` itself alone, as printed.

    One with a name that none could be asked for by is left out: ``%`` is in those that ZFS makes for a moment.
    """
    for name, known in rows(output).items():
        of, sign, short = name.partition("@")
        if of == dataset and sign and is_snapshot_name(short):
            yield Snapshot(
                short,
                f"{_number(name, known, 'guid'):016x}",
                _number(name, known, "createtxg"),
                datetime.fromtimestamp(_number(name, known, "creation"), UTC),
                known.get("userrefs", "-") not in ("-", "0"),
            )


def _number(name: str, known: dict[str, str], which: str) -> int:
    try:
        return int(known[which])
    except (KeyError, ValueError):
        raise SourceError(f"zfs:{name}: zfs tells its {which} as {known.get(which)!r}, which is no number") from None


def _is_encrypted(value: str | None) -> bool | None:
    return None if value is None else value not in ("off", "-")
