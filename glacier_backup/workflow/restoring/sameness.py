"""Whether what is at a thing's place already is that thing: then it needs no fetching.

As far as that can be told without its bytes: a file by size and modification time, a link by its target, a directory by
each member that the catalog knows. What else lies in the directory doesn't matter.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import WITH_MEMBERS, Member
from glacier_backup.model.restore import RestoreItem
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.plan.across import layout_of
from glacier_backup.plan.inside import is_at
from glacier_backup.plan.layers import effective, layers_of
from glacier_backup.workflow.restoring import beneath
from glacier_backup.workflow.restoring.alike import same_file, same_member
from glacier_backup.workflow.restoring.target import Obstacle, Target, names


def in_the_way(item: RestoreItem, archive: StoredArchive, target: Target, catalog: Catalog) -> Obstacle | bool:
    """What keeps an item from its name; or whether it is there already."""
    try:
        found = target.look(item.to)
    except Obstacle as error:
        return error
    if found is None or _is_empty_folder(target, item.to):
        return False
    return _is_same(item, archive, target, found, catalog) or Obstacle(
        f"{os.path.join(target.path, item.to)} is there already, and isn't the same",
        hint="--overwrite puts what comes back in its place"
        + (", and gives that directory another name" if stat.S_ISDIR(found.st_mode) else ""),
    )


def _is_empty_folder(target: Target, to: str) -> bool:
    """An empty directory is replaced: by rename(2), which refuses to replace anything else by a directory."""
    with suppress(OSError), beneath.folder(target.folder, names(to)) as there:
        return not os.listdir(there)
    return False


def _is_same(
    item: RestoreItem, archive: StoredArchive, target: Target, found: os.stat_result, catalog: Catalog
) -> bool:
    """Whether what bears the name of ``item``, and looks like ``found``, is what the archive has."""
    if item.chain:
        root, there = _as_chain(item, archive, catalog)
        return _has_all(target, names(item.to), root, there)
    if item.member is not None:
        members: Iterable[Member] = (member for _, member in catalog.members_at(archive.id, item.member))
        return _has_all(target, names(item.to), item.member, members)
    if archive.container in WITH_MEMBERS:
        own = next(iter(catalog.members(archive.id)), None)
        # The members of a group have no directory among them that all others are in.
        root = "" if own is None or archive.kind == "group" else own.path
        return own is not None and _has_all(target, names(item.to), root, catalog.members(archive.id))
    if archive.kind == "link":
        return stat.S_ISLNK(found.st_mode) and same_file(found, archive.source_bytes, archive.mtime_ns)
    stored = archive.size if layout_of(archive).plain else None
    is_file = archive.source_bytes is not None and archive.kind != "dataset"
    size = archive.source_bytes if is_file else stored
    return stat.S_ISREG(found.st_mode) and same_file(found, size, archive.mtime_ns)


def _as_chain(item: RestoreItem, archive: StoredArchive, catalog: Catalog) -> tuple[str, Iterable[Member]]:
    """What all archives of a chain hold together, and what it lies below; nothing where that isn't known of each."""
    chain = sorted(catalog.stored_archives(ArchiveFilter(ids=item.chain)), key=lambda one: item.chain.index(one.id))
    root = archive.top if item.member is None else item.member
    if len(chain) < len(item.chain) or not all(one.has_members for one in chain):
        return root, ()
    there = (one.member for one in effective(layers_of(catalog, chain)))
    return root, (one for one in there if is_at(one.path, root))


def _has_all(target: Target, to: list[str], root: str, members: Iterable[Member]) -> bool:
    """Whether each of ``members``, which lie at and below ``root``, is there as it was; False for none."""
    some = False
    for member in members:
        below = member.path[len(root) :].strip("/")
        try:
            found = beneath.look(target.folder, [*to, *(beneath.components(below) if below else [])])
            link = _target_of(target, to, below) if member.type == "symlink" else None
        except (OSError, ValueError):
            return False
        if found is None or not same_member(member, found, link):
            return False
        some = True
    return some


def _target_of(target: Target, to: list[str], below: str) -> str:
    way = [*to, *(beneath.components(below) if below else [])]
    with beneath.folder(target.folder, way[:-1]) as above:
        return os.readlink(way[-1], dir_fd=above)
