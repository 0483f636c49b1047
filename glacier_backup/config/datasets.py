"""Datasets as sections and the command line name them, ``zfs:pool/dataset``, and how they are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from glacier_backup.config.increment_options import DEFAULT_OF_DATASETS
from glacier_backup.config.snapshot_options import SNAPSHOT_OPTIONS, TAKINGS
from glacier_backup.model.full_every import parse_full_every
from glacier_backup.model.snapshot import DEFAULT_TAG, SCHEMES, SnapshotRules, Taking
from glacier_backup.model.zfs_to_aws import LAYOUT

FULL_EVERY = parse_full_every(DEFAULT_OF_DATASETS)
"""Unless something else is said."""

IN_RULES = frozenset(option.name for option in SNAPSHOT_OPTIONS)
"""The options that :class:`SnapshotRules` are made of."""

_SCHEME = re.compile(rf"({'|'.join(SCHEMES)}):", re.IGNORECASE)


def means_dataset(text: str) -> bool:
    """Whether that is what somebody meant, rightly written or not."""
    return _SCHEME.match(text) is not None


def checked_dataset(path: str, found: str | None = None) -> str:
    """``path`` if it can be that of a dataset: ``zfs:pool/dataset``. Raises ValueError: ``found …; expected …``, for
    what was ``found``."""
    fault = _fault(path)
    if fault is not None:
        raise ValueError(f"found {found or repr(path)} ({fault}); expected {_meant(path)}")
    return path


def _fault(path: str) -> str | None:
    # Most have no datasets.
    from glacier_backup.zfs.names import dataset_fault

    scheme, _, name = path.partition(":")
    if scheme not in SCHEMES:
        return f"{scheme.lower()}: is written in small letters"
    if any(one != one.strip(" ") for one in name.split("/")):
        return "none of its names begins or ends with a blank"
    return dataset_fault(name)


def _meant(path: str) -> str:
    scheme, _, name = path.partition(":")
    nearest = f"{scheme.lower()}:{name.partition('@')[0].strip('/ ')}"
    return nearest if _fault(nearest) is None else f"{SCHEMES[0]}:pool/dataset"


def rules_of(values: Mapping[str, object]) -> SnapshotRules:
    """What the values of :data:`IN_RULES` say; what isn't there has its default."""
    chosen, keep = values.get("snapshot", "create"), values.get("keep_snapshots")
    named = chosen not in TAKINGS
    taking: Taking = "named" if named else "latest" if chosen == "latest" else "create"
    return SnapshotRules(
        taking,
        name=str(chosen) if named else "",
        tag=str(values.get("tag", DEFAULT_TAG)),
        intermediates=values.get("intermediates") is not False,
        raw=values.get("raw") is True,
        recursive=values.get("recursive") is True,
        properties=values.get("properties") is True,
        keep=keep if isinstance(keep, int) else None,
        layout="zfs-to-aws" if values.get("layout") == LAYOUT else "own",
    )


def dataset_values(values: Mapping[str, object]) -> dict[str, object]:
    """Of the fields of a section that is a dataset."""
    rules = rules_of(values)
    rest = {name: value for name, value in values.items() if name not in IN_RULES}
    return {"full_every": FULL_EVERY, **rest, "snapshots": rules, "layout": rules.layout, "upload_if_changed": True}


def value_of(rules: SnapshotRules, name: str) -> object:
    """The inverse for one of :data:`IN_RULES`."""
    match name:
        case "snapshot":
            return rules.name or rules.taking
        case "keep_snapshots":
            return rules.keep
        case _:
            return getattr(rules, name)


def rules_inside(rules: SnapshotRules) -> SnapshotRules:
    """How a dataset is sent by itself that lies in a section with these. Where that doesn't reach it, nobody has said
    that any of its snapshots may go."""
    return rules if rules.recursive else replace(rules, keep=None, layout="own")
