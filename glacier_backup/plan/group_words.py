"""Words that mean groups, or files in certain groups. A file in any of them is found by its path, as all are."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from glacier_backup.model.snapshot import is_dataset_path
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan import choice, inside
from glacier_backup.plan.globs import folder_of, is_magic, literal_above, literally
from glacier_backup.plan.known import Known
from glacier_backup.plan.streams import folder_above
from glacier_backup.plan.terms import Archives


def groups_called(known: Known, path: str) -> Archives | None:
    """What is in the groups of that path: as :mod:`~glacier_backup.model.naming` has it, not one of a file."""
    groups = [one for one in known.stored_archives(ArchiveFilter(path=path)) if one.kind == "group"]
    if not groups:
        return None
    return Archives(path, ArchiveFilter(ids=tuple(one.id for one in groups)), above_all(known, groups[0]))


def in_groups(known: Known, archives: Archives, first: StoredArchive, right: str) -> Archives | None:
    """Files of groups, at or below ``right`` or like it: below the section, or as the archive stores them."""
    if first.kind != "group":
        return None
    text, base = f"{archives.text}:{right}", first.base.rstrip("/")
    stored = inside.member_path(first, right) if inside.is_at(right, first.top) else base
    for path in (f"{base}/{right}", stored):
        wanted = replace(archives.wanted, below=path, inside=True)
        if path != base and next(known.stored_archives(wanted), None) is not None:
            return Archives(text, wanted, folder_of(path), archives.exactly)
    for path in (f"{base}/{right}", stored):
        below = path.removeprefix(base)
        wanted = replace(archives.wanted, glob=literally(base) + below, inside=True)
        if is_magic(below) and next(known.stored_archives(wanted), None) is not None:
            return Archives(text, wanted, f"{base}{literal_above(below)}".rstrip("/") or "/", archives.exactly)
    return None


def above_all(known: Known, archive: StoredArchive) -> str:
    """The folder that holds what the archive is of. Of a group whose files come back, and not itself, that is the one
    that holds the section, below which they keep their names."""
    if archive.kind == "group":
        inside_it = known.stored_archives(ArchiveFilter(ids=(archive.id,), inside=True))
        if any(one.file is not None for one in islice(inside_it, 1)):
            return folder_of(archive.base)
    if archive.kind == "dataset" and is_dataset_path(archive.path):
        return folder_above(archive.path)
    return folder_of(choice.whole(archive).path)


def untold_above(known: Known, path: str) -> str | None:
    """The section above ``path`` of a group of which nobody knows which files it holds."""
    while (path := folder_of(path)) != "/":
        for pattern in ("~pack-*", f"*{literally('*')}~*.zip"):
            groups = known.stored_archives(ArchiveFilter(glob=f"{literally(path)}/{pattern}", inside=True))
            if any(one.kind == "group" for one in groups):
                return path
    return None
