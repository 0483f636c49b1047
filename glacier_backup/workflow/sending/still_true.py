"""Whether what a plan found to be no part of the newest state still is none, when all else of the plan is stored: hours
may lie between, and not all that was to be sent was there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

from glacier_backup.chunks import in_chunks
from glacier_backup.errors import SourceUnavailable
from glacier_backup.model.expiry_reason import Deleted, Superseded
from glacier_backup.model.plan import Expiry
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.owners import Owners

LOOK_UP = 500
"""Paths looked up in the catalog at a time."""


def still_true(expiries: Sequence[Expiry], sending: Sending) -> list[bool]:
    """Of each of ``expiries``, whose reasons are of one kind; not where nobody can say. Raises CatalogError."""
    reason = expiries[0].reason if expiries else None
    if isinstance(reason, Deleted):
        return _gone(expiries, sending)
    if isinstance(reason, Superseded):
        sent = sending.catalog.last_sent(sending.place_id, [one.path for one in expiries])
        return [one.path in sent and bool(sent[one.path].group) for one in expiries]
    bases = {one.id: one.base for one in sending.catalog.stored_archives(ArchiveFilter(ids=_ids(expiries)))}
    return [one.archive in bases and _is_left(one.archive, bases[one.archive], sending) for one in expiries]


def _gone(expiries: Sequence[Expiry], sending: Sending) -> list[bool]:
    owners = Owners(sending.tools.trees)
    found: list[bool] = []
    for tree, those in groupby(expiries, key=lambda one: owners.tree_of(one.path)):
        paths = [one.path for one in those]
        try:
            found += sending.tools.origins[_origin(tree, sending.tools.origins)].source.gone(tree, paths)
        except SourceUnavailable:
            found += [False] * len(paths)
    return found


def _origin(tree: str, origins: Iterable[str]) -> str:
    return next((one for one in origins if one and tree.startswith(f"{one}/")), "")


def _is_left(group: int, base: str, sending: Sending) -> bool:
    """Whether of no file the newest version is in that group: what vanished while it was read, in another one, isn't
    stored there."""
    newest = partial(sending.catalog.last_sent, sending.place_id)
    above = base.rstrip("/")
    names = (one.name.decode("utf-8", "surrogateescape") for one in sending.catalog.group_members(group))
    return not any(
        one.id == group
        for some in in_chunks(names, LOOK_UP)
        for one in newest([f"{above}/{name}" for name in some]).values()
    )


def _ids(expiries: Sequence[Expiry]) -> tuple[int, ...]:
    return tuple(one.archive for one in expiries if one.archive is not None)
