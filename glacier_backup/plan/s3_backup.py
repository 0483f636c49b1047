"""Objects of s3-backup's buckets, as the archives that they are from now on: pure decisions.

An object is a file, or a group of files as a ZIP; what its metadata says of it tells, or else its key. Of a file the
size is known, and mostly the hash of its content, and not what time it had. Of a group it is known how many files it
has, and two hashes over all of them; what they are called, where that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from glacier_backup.model.archive import Label, Member
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.naming import archive_name
from glacier_backup.model.plaintext import UNLISTED, PlainFile, PlainGroup, group_digest, levels_of, plain_of
from glacier_backup.model.recipe import Recipe, Step, compact
from glacier_backup.model.s3_backup import GROUP, ORIGIN
from glacier_backup.model.stored import Rebuilt, StoredVolume
from glacier_backup.model.thaw import Stored
from glacier_backup.model.tree_digest import untimed_fingerprint
from glacier_backup.plan.filters import what_is_wrong

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tree:
    """The section whose files the objects are."""

    section: str
    host: str
    data: Step | None = None
    """What its filters do to data, all of them; None: nothing."""
    renamed: Callable[[str], str | None] = lambda key: None
    """The path of what filters have made this key of; None where nothing is known to have it, and it tells itself."""
    inside: Callable[[str], str | None] = lambda name: None
    """The same of the name of a file in a ZIP."""

    def path_of(self, key: str) -> str | None:
        """Absolute; None for a key that can't be that of a file here."""
        path = self.renamed(key)
        if path is not None:
            return path
        return None if what_is_wrong(key) or key.endswith("/") else f"{self.section.rstrip('/')}/{key}"


def is_group(key: str, stored: Stored) -> bool:
    """Whether the object is a ZIP, as it says itself; where it says nothing, or an older version of that program speaks
    for it, as it is called."""
    plain = plain_of(stored.metadata)
    says_file = isinstance(plain, PlainFile) and not levels_of(stored.metadata)
    return isinstance(plain, PlainGroup) or (key.endswith(GROUP) and not says_file)


def says_enough(metadata: Mapping[str, str], key: str) -> bool:
    """Whether the object itself need not be asked: an older version of s3-backup has noted little of ZIPs."""
    return isinstance(plain_of(metadata), PlainGroup) or not key.endswith(GROUP)


def is_transformed(stored: Stored, tree: Tree) -> bool:
    """Whether filters have worked on its data. What says nothing of itself counts as what all others are."""
    return bool(_steps(stored, tree))


def taken_over(
    stored: Stored, key: str, tree: Tree, members: Sequence[Member] = (), expired_at: datetime | None = None
) -> Rebuilt | None:
    """The archive that it is; None for what can be no file of that section. ``key`` is below the prefix; of a group
    ``members`` are its files, where they are known."""
    path = tree.path_of(key)
    if path is None:
        return None
    made = _group if is_group(key, stored) else _file
    return made(stored, key, path, tree, tuple(members), expired_at)


def _file(
    stored: Stored, key: str, path: str, tree: Tree, members: tuple[Member, ...], expired_at: datetime | None
) -> Rebuilt:
    plain = plain_of(stored.metadata)
    said = plain if isinstance(plain, PlainFile) else PlainFile(None, None)
    recipe = Recipe((Step("raw"), *_steps(stored, tree)))
    size = said.size if said.size is not None and len(recipe.steps) > 1 else stored.size
    label = Label(
        archive_name(path, "raw", "file"),
        path,
        tree.host,
        "file",
        "raw",
        stored.stored_at,
        recipe.id,
        fixed_key=key,
        seal=compact(recipe),
    )
    seen = untimed_fingerprint("file", size, _nanoseconds(stored.stored_at))
    volume = _volume(stored)
    if len(recipe.steps) == 1 and volume.sha256 is None:
        volume = replace(volume, sha256=said.sha256)  # it is that file
    return Rebuilt(
        label,
        (volume,),
        recipe=recipe,
        fingerprint=seen,
        origin=ORIGIN,
        sha256=said.sha256,
        expired_at=expired_at,
    )


def _group(
    stored: Stored, key: str, path: str, tree: Tree, members: tuple[Member, ...], expired_at: datetime | None
) -> Rebuilt:
    plain = plain_of(stored.metadata)
    said = plain if isinstance(plain, PlainGroup) else None
    depth = path.removeprefix(tree.section.rstrip("/") + "/").count("/") + 1
    recipe = Recipe((Step("zip", {"top": "", "depth": depth}), *_steps(stored, tree)))
    label = Label(
        archive_name(path, "zip", "group"),
        path,
        tree.host,
        "group",
        "zip",
        stored.stored_at,
        recipe.id,
        fixed_key=key,
        seal=compact(recipe),
    )
    size = sum(one.size for one in members) if members else stored.size
    items = len(members) or (said.items if said else 0)
    # Without a list nothing is equal to it, and it is sent again.
    digest = group_digest(said) if said else UNLISTED
    seen = Fingerprint(digest, size, min(items, 2**31), _nanoseconds(stored.stored_at))
    return Rebuilt(
        label,
        (_volume(stored),),
        recipe=recipe,
        fingerprint=seen,
        origin=ORIGIN,
        expired_at=expired_at,
        members=members,
    )


def _steps(stored: Stored, tree: Tree) -> tuple[Step, ...]:
    """As many filters as its metadata says; all of them where it says nothing. Where there are none it was an older
    version that calls things so."""
    if tree.data is None:
        return ()
    count = levels_of(stored.metadata)
    if plain_of(stored.metadata) is None or count == tree.data.parameters.get("count"):
        return (tree.data,)
    return (Step(tree.data.name, {"count": count}),) if count else ()


def _volume(stored: Stored) -> StoredVolume:
    return StoredVolume(
        1,
        stored.locator,
        stored.size,
        stored.tree_hash,
        stored.stored_at,
        sha256=stored.sha256,
        crc64nvme=stored.crc64nvme,
        storage_class=stored.storage_class,
    )


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
