"""Files sorted by the archives that they belong to, by their names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from glacier_backup.errors import GlacierBackupError, UsageError
from glacier_backup.model.suffixes import OF_STEPS
from glacier_backup.workflow.opening.names import GROUP, Maker, Named, named, without_time

CHECKSUM = ".sha256"
_IDENTITY = re.compile(r"identity(?:-[0-9a-f]{16})?\.age")


class _Key(NamedTuple):
    folder: str
    archive: str
    maker: Maker


@dataclass(slots=True)
class Bundle:
    """What there is of one archive. Paths are absolute."""

    archive: str
    stem: str
    maker: Maker
    data: dict[int, list[str]] = field(default_factory=dict)
    """By the number of the volume; several have one number only where each is a tar of its own."""
    parity: dict[int, list[str]] = field(default_factory=dict)
    manifests: list[str] = field(default_factory=list)
    """Several where a file of a tree has versions."""
    told: dict[str, Named] = field(default_factory=dict)
    """What the name of each file tells."""

    @property
    def tells_nothing(self) -> bool:
        """Whether no name and no manifest says that this is an archive at all."""
        plain = not any(told.steps for told in self.told.values()) and not GROUP.search(self.stem)
        return plain and not self.manifests and not self.parity and self.maker == "ours"

    def add(self, path: str, told: Named) -> None:
        places = {"data": self.data, "parity": self.parity}
        files = places[told.role].setdefault(told.volume, []) if told.role in places else self.manifests
        if path not in files:
            files.append(path)
            self.told[path] = told

    def take(self, other: Bundle) -> None:
        """All that the other one has."""
        for path, told in other.told.items():
            self.add(path, told)


def bundles(files: Iterable[str]) -> list[Bundle]:
    """What ``files`` are parts of, in the order in which they come.

    Of a directory its files count, those below it don't. Of a file of ours, or of zfs-to-aws, all that lies beside it
    and belongs to the same archive counts as well. Raises UsageError for what isn't there, and GlacierBackupError for
    what can't be read.
    """
    found: dict[_Key, Bundle] = {}
    named_ones: dict[str, None] = {}
    for file in map(os.path.abspath, files):
        if os.path.isdir(file):
            for key, bundle in _inside(file).items():
                found.setdefault(key, Bundle(bundle.archive, bundle.stem, bundle.maker)).take(bundle)
        elif not os.path.lexists(file):
            raise UsageError(f"there is no file {file}")
        elif not _is_aside(file):
            _put(found, file)
            named_ones[os.path.dirname(file)] = None
    for folder in named_ones:
        _add_beside(found, folder)
    _attach_manifests(found)
    return _merged(found.values())


def identities(files: Iterable[str]) -> list[str]:
    """Identity files among them, as we put them beside archives: what opens, not what is opened."""
    every: list[str] = []
    for file in map(os.path.abspath, files):
        every += [os.path.join(file, name) for name in _names(file)] if os.path.isdir(file) else [file]
    return sorted(filter(_is_identity, every))


def _is_identity(path: str) -> bool:
    return _IDENTITY.fullmatch(os.path.basename(path)) is not None


def _is_aside(path: str) -> bool:
    """Whether it is no archive's: a key, or the checksum of a file that lies beside it."""
    of, is_checksum = path.removesuffix(CHECKSUM), path.endswith(CHECKSUM)
    return _is_identity(path) or (is_checksum and os.path.lexists(of))


def _inside(folder: str) -> dict[_Key, Bundle]:
    """What is in a directory, and looks like an archive."""
    found: dict[_Key, Bundle] = {}
    for name in sorted(_names(folder)):
        if not _is_aside(path := os.path.join(folder, name)):
            _put(found, path)
    _attach_manifests(found)
    return {key: bundle for key, bundle in found.items() if not bundle.tells_nothing}


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if entry.is_file())
    except OSError as error:
        raise GlacierBackupError(f"{folder}: {error.strerror}") from error


def _put(found: dict[_Key, Bundle], path: str) -> None:
    folder, name = os.path.split(path)
    told = named(name)
    key = _Key(folder, told.archive, told.maker)
    found.setdefault(key, Bundle(told.archive, told.stem, told.maker)).add(path, told)


def _add_beside(found: dict[_Key, Bundle], folder: str) -> None:
    """What lies in the folder and belongs to an archive of which something was named. A tar of pyArchiver's is whole by
    itself, so of those only what was named counts."""
    stems = tuple(bundle.stem for key, bundle in found.items() if key.folder == folder and key.maker != "pyArchiver")
    for name in sorted(name for name in _names(folder) if name.startswith(stems)) if stems else ():
        told = named(name)
        of = _belongs_to(_Key(folder, told.archive, told.maker), told, found)
        if told.maker != "pyArchiver" and of is not None:
            found[of].add(os.path.join(folder, name), told)


def _belongs_to(key: _Key, told: Named, found: Collection[_Key]) -> _Key | None:
    if key in found:
        return key
    if told.role == "manifest":
        return _of_manifest(key, found)
    # Where only the manifest of parts was named.
    ours = key._replace(archive=key.archive + OF_STEPS["openssl"], maker="ours")
    return ours if told.maker == "zfs-to-aws" and ours in found else None


def _attach_manifests(found: dict[_Key, Bundle]) -> None:
    """Those that are called otherwise than what they are of."""
    for key, bundle in list(found.items()):
        of = None if bundle.data or bundle.parity else _of_manifest(key, found)
        if of is not None:
            found[of].take(bundle)
            del found[key]


def _of_manifest(key: _Key, found: Collection[_Key]) -> _Key | None:
    """What it is of, by another name: a file of a tree, which has no time in its own; or parts that are called as
    zfs-to-aws has it, whose names don't tell that they are encrypted."""
    file = key._replace(archive=without_time(key.archive))
    parts = key._replace(archive=key.archive.removesuffix(OF_STEPS["openssl"]), maker="zfs-to-aws")
    return next((one for one in (file, parts) if one != key and one in found), None)


def _merged(all_found: Collection[Bundle]) -> list[Bundle]:
    """Volumes of one archive may lie in several folders, as long as each is there once."""
    result: list[Bundle] = []
    for bundle in all_found:
        for other in result:
            if _complete_each_other(bundle, other):
                other.take(bundle)
                break
        else:
            result.append(bundle)
    return result


def _complete_each_other(one: Bundle, other: Bundle) -> bool:
    if (one.archive, one.maker) != (other.archive, other.maker):
        return False
    if one.maker == "pyArchiver":
        return True
    return not set(one.data) & set(other.data) and 0 not in {*one.data, *other.data}
