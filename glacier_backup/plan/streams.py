"""Datasets on their way back: which streams it takes, and what is wrong with them.

What is stored of a dataset are the streams of a chain, each of which leads from one snapshot to the next. They stay
apart: as files that are received one after the other, or received at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan import choice as choices
from glacier_backup.plan.chain import Chains, Stored, is_increment, needed_by
from glacier_backup.plan.choice import Choice, as_path
from glacier_backup.plan.globs import folder_of
from glacier_backup.plan.mending import is_lost


def folder_above(path: str) -> str:
    """Of a dataset, or of a glob of some, the folder that isn't made again in a target; as
    :attr:`~glacier_backup.plan.choice.Choice.path` has it."""
    return folder_of(as_path(path))


def streams(known: Stored, chains: Chains, archive: StoredArchive, choice: Choice) -> Iterator[Choice]:
    """All that lead to the snapshot that ``archive`` leads to, in the order in which they are received; ``choice`` is
    the last of them. Where the chain has a gap it is what is left behind that."""
    links = chains.of(archive) or _rest(known, archive)
    trouble = _trouble(links)
    for number, one in enumerate(links):
        own = choice if one is links[-1] else choices.whole(one, _hurt(one))
        if own.stream is not None:
            stream = own.stream._replace(number=number, trouble=trouble, is_gap=is_increment(links[0]))
            own = replace(own, stream=stream)
        yield own


def trouble_of(known: Stored, archive: StoredArchive) -> str:
    """What is missing, or known to be damaged beyond repair, of all that it takes to receive ``archive`` of a dataset,
    in plain words; empty where nothing is, and for all else."""
    return _trouble(_rest(known, archive)) if archive.kind == "dataset" else ""


def _rest(known: Stored, archive: StoredArchive) -> tuple[StoredArchive, ...]:
    """The chain up to ``archive``, or what is left of it."""
    others = known.stored_archives(ArchiveFilter(path=archive.path, place_id=archive.place_id))
    return (*reversed([*needed_by((archive,), list(others))]), archive)


def _trouble(links: tuple[StoredArchive, ...]) -> str:
    first = links[0]
    if is_increment(first):
        base = "what came before it" if first.span is None else f"{first.path}@{first.span.base}"
        return f"{base}, which {called(first)} builds on, is missing"
    lost = next((one for one in links if is_lost(one)), None)
    return "" if lost is None or lost.hurt is None else f"{called(lost)} is damaged: {lost.hurt.damage}"


def _hurt(archive: StoredArchive) -> str:
    return "" if archive.hurt is None else f"known to be damaged: {archive.hurt.damage}"


def called(archive: StoredArchive) -> str:
    """What people call a stream: the snapshot that it leads to."""
    return archive.name if archive.span is None else f"{archive.path}@{archive.span.to}"
