"""A group of files that is stored, and items that bring some of them back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from glacier_backup.model.archive import Member
from glacier_backup.model.filters import Prefixing
from glacier_backup.model.naming import group_path
from glacier_backup.model.restore import WHOLE, ByteRange, RestoreItem
from glacier_backup.model.stored import StoredArchive
from glacier_backup.resolve.source import TreeRules
from glacier_backup.units import MIB
from tests.streams import noise
from tests.workflow.library import Library

FILES = 12
SIZE = 3000

Choose = Callable[[Member], bool]


def everything(member: Member) -> bool:
    return member.type in ("file", "symlink", "hardlink")


def fill(library: Library) -> Path:
    """A section of files in directories, and a link; where it is."""
    section = library.source / "photos"
    for year in ("2019", "2020"):
        (section / year).mkdir(parents=True, exist_ok=True)
        for number in range(FILES // 2):
            (section / year / f"{number}.jpg").write_bytes(noise(SIZE + number, number))
    (section / "2020" / "0.jpg").chmod(0o640)
    (section / "link").symlink_to("2020/0.jpg")
    (section / "empty").touch()
    return section


def packed(library: Library) -> StoredArchive:
    """The section, backed up as one tar, becomes a group: directories among its members don't matter."""
    section = fill(library)
    library.back_up()
    path = group_path(str(section), "0123456789abcdef")
    library.sql(f"UPDATE archives SET kind = 'group', path = '{path}' WHERE path = '{section}'")
    return the_group(library)


def zipped(library: Library) -> StoredArchive:
    """The same files as a ZIP, in which they are called alike."""
    fill(library)
    library.back_up(rules=TreeRules(keys="relative", prefixing=Prefixing(MIB)))
    return the_group(library)


def the_group(library: Library) -> StoredArchive:
    with library.catalog() as catalog:
        return next(one for one in library.archives(catalog) if one.kind == "group")


def some(
    library: Library, wanted: Choose = everything, *, member: str | None = None, to: str = ".", apart: bool = True
) -> RestoreItem:
    """The item of those files that are ``wanted``; ``apart``: with their bytes alone."""
    archive = the_group(library)
    with library.catalog() as catalog:
        found = [number for number, one in enumerate(catalog.members(archive.id)) if everything(one) and wanted(one)]
        numbers = tuple(_runs(found))
        spans = [
            (next(iter(catalog.members_in(archive.id, [run])))[1].offset, catalog.offset_behind(archive.id, run[1]))
            for run in numbers
        ]
    ranges = tuple(ByteRange(*span) for span in spans) if apart else (WHOLE,)
    return RestoreItem(archive.id, to, member, ranges, numbers)


def named(*names: str) -> Choose:
    """Members whose paths end so."""
    return lambda member: member.path.endswith(names)


def files_of(top: Path) -> dict[str, tuple[object, ...]]:
    """All files and links below ``top``, as they can be compared, without directories."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(top):
        if ".glacier-backup-restore" in folders:
            folders.remove(".glacier-backup-restore")
        for name in files:
            path = Path(folder, name)
            seen = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(top))] = (seen.st_mode, seen.st_mtime_ns, content)
    return found


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        found = [number for _, number in group]
        yield found[0], found[-1]
