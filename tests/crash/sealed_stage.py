"""Destinations of trials whose archives are sealed. What is stored is opened by what the catalog says of it, so that it
can be held against its source; and each of the objects that an archive consists of has to be accounted for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.directories import marker
from glacier_backup.destination.layout import is_dated
from glacier_backup.errors import DamageFound, SealError
from glacier_backup.model.archive import Label
from glacier_backup.model.description import parse_description
from glacier_backup.model.naming import MANIFEST
from glacier_backup.model.stored import ArchiveFilter, StoredArchive, StoredVolume
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.units import MIB
from tests.crash.bucket_stage import PREFIX, BucketStage
from tests.crash.server_stage import ServerStage
from tests.crash.stage import FolderStage, Stored, VaultStage, is_no_archive

PASSWORD = "correct horse battery staple"  # of no archive but these
VOLUME = 3 * MIB


class Seal(NamedTuple):
    """How archives of a trial are sealed."""

    options: str
    """Lines for ``[main]``."""
    keys: Keys
    repeatable: bool
    """Whether a volume is the same whenever it is sealed."""


@cache
def openssl_with_parity(folder: Path) -> Seal:
    """Volumes that can be gone on with in the middle, and lie in the spool while they are sent."""
    file = _private(folder / "password", PASSWORD)
    options = f"seal = split, openssl, par2\npassword_file = {file}\nopenssl_iterations = 10000\nredundancy = 10\n"
    return Seal(f"{options}volume_size = {VOLUME}\n", Keys(password=lambda: PASSWORD), repeatable=True)


@cache
def openssl(folder: Path) -> Seal:
    """The same without parity, so that no disk is needed."""
    made = openssl_with_parity(folder)
    options = made.options.replace(", par2", "").replace("redundancy = 10\n", "")
    return made._replace(options=options)


@cache
def age(folder: Path) -> Seal:
    """Volumes that are never the same twice, and lie on no disk."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    file = _private(folder / "identity.txt", str(identity))
    options = f"seal = zstd, split, age\nrecipients = {identity.to_public()}\nvolume_size = {VOLUME}\n"
    return Seal(options, Keys((str(file),)), repeatable=False)


def _private(file: Path, text: str) -> Path:
    file.write_text(f"{text}\n")
    file.chmod(0o600)
    return file


class Inner(Protocol):
    """What a stage is asked for, to be sealed."""

    @property
    def main(self) -> str: ...

    def files(self) -> Mapping[str, Path]:
        """All objects by their locators; what goes along with archives left out."""
        ...

    def loose_ends(self, archives: list[StoredArchive]) -> Iterator[str]:
        """What there is besides these archives, whose objects are all there."""
        ...


class Sealed:
    """What is true of all that are sealed."""

    def __init__(self, inner: Inner, seal: Seal, folder: Path) -> None:
        """``folder`` is the trial's: the catalog, and the spool, are in it."""
        self._inner = inner
        self.seal = seal
        self._folder = folder
        self._numbers = count()

    @property
    def main(self) -> str:
        return self._inner.main + self.seal.options

    def stored(self) -> list[Stored]:
        """Every archive of the catalog's, opened; those that have all their volumes."""
        files = self._inner.files()
        whole = (one for one in self.archives() if all(volume.locator in files for volume in one.volumes))
        return [self._opened(one, files) for one in whole]

    def archives(self) -> list[StoredArchive]:
        path = self._folder / "catalog.sqlite3"
        if not path.exists():
            return []
        with Catalog.peek(str(path)) as catalog:
            return list(catalog.stored_archives(ArchiveFilter()))

    def rest(self) -> Iterator[str]:
        """What is stored and belongs to no archive, what an archive lacks, and what lies in the spool."""
        archives, files = self.archives(), self._inner.files()
        objects = {one.locator for archive in archives for one in archive.objects}
        yield from (f"{locator} is missing" for locator in sorted(objects - files.keys()))
        yield from (f"{locator} belongs to no archive" for locator in sorted(files.keys() - objects))
        yield from self._inner.loose_ends(archives)
        spool = self._folder / "spool"
        yield from (f"{file} lies in the spool" for file in sorted(spool.rglob("*") if spool.exists() else ()))

    def _opened(self, archive: StoredArchive, files: Mapping[str, Path]) -> Stored:
        assert archive.recipe is not None
        scratch = self._folder / "opened"
        scratch.mkdir(exist_ok=True)
        file = scratch / f"{next(self._numbers)}"
        buffer = memoryview(bytearray(MIB))
        with (
            suppress(DamageFound, SealError),  # then it is nothing that was ever saved
            closing(_volumes(archive.volumes, files)) as volumes,
            file.open("wb") as plain,
            opened(volumes, archive.recipe.steps, self.seal.keys) as stream,
        ):
            while size := stream.readinto(buffer):
                plain.write(buffer[:size])
        first = archive.volumes[0].locator
        return Stored(first, archive.path, file, sum(one.size or 0 for one in archive.objects))


class _File:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readinto(self, buffer: memoryview) -> int:
        return os.readv(self._descriptor, [buffer])


def _volumes(volumes: tuple[StoredVolume, ...], files: Mapping[str, Path]) -> Generator[Volume, None, None]:
    for one in volumes:
        with files[one.locator].open("rb", buffering=0) as file:
            yield Volume(_File(file.fileno()), one.hmac_sha256, max(1, one.volume))


class SealedFolder(Sealed, FolderStage):
    """A directory."""

    def __init__(self, root: Path, seal: Seal, folder: Path) -> None:
        FolderStage.__init__(self, root)
        Sealed.__init__(self, _Folder(FolderStage(root), root), seal, folder)


class SealedServer(Sealed, ServerStage):
    """A directory on a server."""

    def __init__(self, stage: ServerStage, root: Path, seal: Seal, folder: Path) -> None:
        ServerStage.__init__(self, stage.server, root)
        Sealed.__init__(self, _Folder(stage, root), seal, folder)


class _Folder:
    def __init__(self, stage: FolderStage, root: Path) -> None:
        self._stage = stage
        self._root = root

    @property
    def main(self) -> str:
        return self._stage.main

    def files(self) -> Mapping[str, Path]:
        there = self._all()
        beside = {name + end for name in there for end in (".sha256", MANIFEST)}
        return {name: self._root / name for name in there if name not in beside}

    def loose_ends(self, archives: list[StoredArchive]) -> Iterator[str]:
        expected = {one.locator for archive in archives for one in archive.objects}
        for archive in archives:
            dated = (one.locator for one in archive.objects if is_dated(one.locator))
            expected |= {f"{locator}.sha256" for locator in dated if not locator.endswith(MANIFEST)}
            expected |= {one.locator + MANIFEST for one in archive.volumes if not one.volume}
        yield from (f"{name} is left over" for name in sorted(self._all() - expected - self.files().keys()))
        yield from (f"{name} is missing" for name in sorted(expected - self._all()))

    def _all(self) -> set[str]:
        files = (file for file in self._root.rglob("*") if not file.is_dir())
        names = {str(file.relative_to(self._root)) for file in files} - {marker.MARKER}
        return {name for name in names if not is_no_archive(name)}


class SealedVault(Sealed, VaultStage):
    """A vault."""

    def __init__(self, stage: VaultStage, seal: Seal, folder: Path) -> None:
        VaultStage.__init__(self, stage.server, stage.vault)
        Sealed.__init__(self, _Vault(stage), seal, folder)

    def starts(self) -> Counter[str]:
        """By path and suffix: each object is an upload."""
        return Counter(what for upload, what in self._begun().items() if self._received(upload, answered=False))

    def _begun(self) -> dict[str, str]:
        begun = self.server.begun_as(self.vault)
        return {upload: _object(text) for upload, text in sorted(begun.items())}


class _Vault:
    def __init__(self, stage: VaultStage) -> None:
        self._stage = stage

    @property
    def main(self) -> str:
        return self._stage.main

    def files(self) -> Mapping[str, Path]:
        return {one.id: one.path for one in self._stage.server.archives(self._stage.vault)}

    def loose_ends(self, archives: list[StoredArchive]) -> Iterator[str]:
        return self._stage.rest()


def _object(description: str) -> str:
    label = parse_description(description)
    return f"{label.path}\0{label.suffix}" if isinstance(label, Label) else f"? {description}"


class SealedBucket(Sealed, BucketStage):
    """A prefix of a bucket."""

    def __init__(self, stage: BucketStage, seal: Seal, folder: Path) -> None:
        BucketStage.__init__(self, stage.between, stage.server, stage.root, stage.bucket, stage.scratch)
        Sealed.__init__(self, _Bucket(stage), seal, folder)

    def starts(self) -> Counter[str]:
        """By path and suffix, as of a vault; the time is that of a version."""
        begun: dict[str, set[str]] = {}
        for operation, key, upload, _ in self.between.carried_out:
            name = key.removeprefix(f"{PREFIX}/")
            if operation in ("UploadPart", "PutObject") and not name.endswith(MANIFEST) and not is_no_archive(name):
                folder, _, file = ("/" + name.partition("/")[2]).rpartition("/")
                begun.setdefault(f"{folder}\0{file.partition('Z')[2]}", set()).add(f"{upload} {key}")
        return Counter({what: len(uploads) for what, uploads in begun.items()})


class _Bucket:
    def __init__(self, stage: BucketStage) -> None:
        self._stage = stage

    @property
    def main(self) -> str:
        return self._stage.main

    def files(self) -> Mapping[str, Path]:
        keys = self._stage.keys()
        beside = {key + MANIFEST for key in keys}
        return {key: self._stage.fetched(key) for key in sorted(keys - beside)}

    def loose_ends(self, archives: list[StoredArchive]) -> Iterator[str]:
        keys = self._stage.keys()
        for archive in archives:
            for one in archive.volumes:
                if not one.volume and one.locator + MANIFEST not in keys:
                    yield f"{one.locator} has no manifest"
        yield from self._stage.open_uploads()
