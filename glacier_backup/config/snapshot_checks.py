"""What says how datasets are sent, and doesn't go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from glacier_backup.config.given import Given
from glacier_backup.config.place_settings import DestinationSettings
from glacier_backup.config.settings import SectionSettings
from glacier_backup.errors import Problem
from glacier_backup.model.snapshot import DEFAULT_TAG, dataset_of, is_dataset_path
from glacier_backup.model.zfs_to_aws import LAYOUT, day_of
from glacier_backup.seal.order import PARITY, SPLIT

_SEAL = ("openssl", SPLIT, PARITY)
"""The only one that the layout of zfs-to-aws has."""
_MADE = len("@-20260321T040000")
"""What stands around the tag in the name of a snapshot that is made."""


def mistagged(path: str, options: Mapping[str, Given]) -> Iterator[Problem]:
    """Problems with how the dataset of the section at ``path`` has its snapshots chosen; none for other sections."""
    given = options.get("tag")
    if not is_dataset_path(path) or (given is not None and given.value is None):
        return
    from glacier_backup.zfs.names import LONGEST  # most have no datasets

    chosen, keep = _value(options, "snapshot", "create"), options.get("keep_snapshots")
    tag = str(_value(options, "tag", DEFAULT_TAG))
    if given is not None and not tag and chosen == "create":
        yield given.spot.problem("found nothing, and snapshot = create has to name what it makes; expected a tag")
    if keep is not None and keep.value is not None and not tag:
        yield keep.spot.problem(
            f"found {keep.value}, and no tag tells whose snapshots may be destroyed; expected a tag, or none here"
        )
    if given is not None and chosen == "create" and len(dataset_of(path)[1]) + len(tag) + _MADE > LONGEST:
        yield given.spot.problem(
            f"found {tag!r}, with which a snapshot of [{path}] has a name of more than {LONGEST} characters; "
            "expected a shorter one"
        )


def misplaced(
    section: SectionSettings, options: Mapping[str, Given], destinations: Sequence[DestinationSettings]
) -> Iterator[Problem]:
    """Problems with a dataset that is to be stored as zfs-to-aws does, at these ``destinations``."""
    if section.layout != LAYOUT or section.snapshots is None:
        return
    at = options["layout"].spot
    if section.seal.seal != _SEAL:
        found = ", ".join(section.seal.seal) or "none"
        yield at.problem(f"found {LAYOUT}, and seal = {found}; expected seal = {', '.join(_SEAL)} in this section")
    if section.seal.private_names:
        yield at.problem(f"found {LAYOUT}, whose names tell all, and private_names = yes; expected one of them")
    for one in destinations:
        if one.kind == "glacier":
            yield at.problem(
                f"found {LAYOUT}, and {one} has no names; expected destination = s3://bucket, a server or a directory "
                "in this section"
            )
    if section.snapshots.recursive:
        yield options["recursive"].spot.problem(
            f"found yes, and with layout = {LAYOUT} datasets of the same last name would get the same keys; "
            "expected no, and a section for each of the datasets below"
        )
    if section.snapshots.name:
        try:
            day_of(section.snapshots.name)
        except ValueError as error:
            yield options["snapshot"].spot.problem(f"{error}; expected another snapshot")


def _value(options: Mapping[str, Given], name: str, default: str) -> object:
    return options[name].value if name in options else default
