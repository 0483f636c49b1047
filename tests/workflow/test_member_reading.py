"""What is in an archive of which nobody knows it is learnt by reading it, whatever was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.local import Local
from glacier_backup.errors import DamageFound, KeyNeeded, SealError, VolumeMissing
from glacier_backup.model.archive import Member
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.workflow.member_reading import MemberReader
from glacier_backup.workflow.restoring.fetch import Fetcher
from tests.cli.harness import Cli

PASSWORD = "correct horse"
KEYS = Keys(password=lambda: PASSWORD)
SEALS = ("", "seal = zstd\n", "seal = zstd, openssl\n", "seal = split, openssl\nvolume_size = 1 MiB\n")


PACKS, ZIPS = "pack_size = 16 MiB\n", "group_files_smaller_than = 1 MiB\n"


class Desk:
    """A directory of files that was sent in one group, and whoever reads it."""

    def __init__(self, cli: Cli, seal: str, open_: ExitStack, groups: str = PACKS) -> None:
        password = cli.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        self.disk = cli.folder / "disk"
        self.disk.mkdir()
        main = f"[main]\ndestination = {self.disk}\ncatalog = {{here}}/c.sqlite3\nlogfile =\n"
        keys = f"password_file = {password}\n" if "openssl" in seal else ""
        ini = cli.ini(f"{main}{seal}{keys}[{{data}}]\nupload_tree = yes\n{groups}")
        for number in range(30):
            (cli.data / f"{number:02}").write_bytes(bytes([number]) * 100_000)
        assert cli("-c", ini, "--json").code == 0
        self.catalog = open_.enter_context(Catalog.peek(str(cli.folder / "c.sqlite3")))
        where = open_.enter_context(closing(Local(str(self.disk), create=False)))
        fetcher = open_.enter_context(closing(Fetcher(2)))
        self.reader = MemberReader(self.catalog, where, fetcher, lambda: None)

    @property
    def archive(self) -> StoredArchive:
        (found,) = self.catalog.stored_archives(ArchiveFilter())
        return found

    @property
    def unknown(self) -> StoredArchive:
        """The same, as nobody would know it who had only its name and recipe."""
        volumes = tuple(replace(one, tree_hash=None, sha256=None) for one in self.archive.volumes)
        return replace(self.archive, id=0, volumes=volumes)


@pytest.fixture
def open_() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(("seal", "groups"), [*((seal, PACKS) for seal in SEALS), (SEALS[0], ZIPS), (SEALS[3], ZIPS)])
def test_all_members_and_checksums_come_to_light(cli: Cli, seal: str, groups: str, open_: ExitStack) -> None:
    desk = Desk(cli, seal, open_, groups)
    contents = desk.reader.read(desk.unknown, KEYS)
    assert [*contents.members] == [*desk.catalog.members(desk.archive.id)]
    for volume in desk.archive.volumes:
        found = contents.checksums[volume.number]
        assert (found.size, found.tree_hash) == (volume.size, volume.tree_hash)
        assert found.leaves == desk.catalog.leaves(desk.archive.id, volume.number)


def test_what_the_catalog_knows_already_is_checked_by_that(cli: Cli, open_: ExitStack) -> None:
    desk = Desk(cli, "", open_)
    assert desk.reader.read(desk.archive, NO_KEYS).checksums == {}
    (volume,) = desk.archive.volumes
    file = desk.disk / volume.locator
    file.write_bytes(file.read_bytes().replace(b"\5" * 512, b"\6" * 512, 1))
    with pytest.raises(DamageFound, match="another SHA-256 than was recorded"):
        desk.reader.read(desk.archive, NO_KEYS)


def test_members_are_told_as_the_caller_wants_them(cli: Cli, open_: ExitStack) -> None:
    desk = Desk(cli, "", open_)

    def without_time(member: Member) -> Member:
        return member._replace(mtime_ns=0)

    assert {one.mtime_ns for one in desk.reader.read(desk.unknown, NO_KEYS, without_time).members} == {0}


def test_what_can_not_be_read_is_said(cli: Cli, open_: ExitStack) -> None:
    desk = Desk(cli, SEALS[2], open_)
    with pytest.raises(KeyNeeded):
        desk.reader.read(desk.unknown, NO_KEYS)
    with pytest.raises(SealError, match="is neither a tar nor a ZIP"):
        desk.reader.read(replace(desk.unknown, container="raw"), KEYS)
    (volume,) = desk.archive.volumes
    file: Path = desk.disk / volume.locator
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(DamageFound):
        desk.reader.read(desk.unknown, KEYS)
    file.unlink()
    with pytest.raises(VolumeMissing):
        desk.reader.read(desk.unknown, KEYS)
