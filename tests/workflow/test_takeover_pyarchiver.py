"""Taking over what pyArchiver has stored: each tar once, all that can be read, and nothing that isn't a file below its
directory."""

from __future__ import annotations

import os
import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from glacier_backup.catalog.believed import Believed
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.local import Local
from glacier_backup.destination.sftp import Sftp
from glacier_backup.errors import (
    DamageFound,
    DestinationUnavailable,
    GlacierBackupError,
    Interrupted,
    KeyNeeded,
    NotThawed,
    VolumeMissing,
    WrongKey,
)
from glacier_backup.model.event import Event, Warned
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.seal.keys import Keys
from glacier_backup.workflow.takeover_pyarchiver import Record, TakenOver, Tools, take_over_tars
from tests.legacy.pyarchiver import FIRST, PASSWORD, PyArchiver, a_file, a_link, encrypted, tar_of
from tests.ssh_server.scripted import ScriptedServer
from tests.ssh_server.sshd import Sshd

SECOND = "20210101-000000"
THIRD = "20220101-000000"


def key(password: str) -> Keys:
    return Keys(password=lambda: password)


class Moving:
    """A directory that pyArchiver looks after, and a catalog that takes over what it has stored."""

    def __init__(self, folder: Path, open_: ExitStack, password: str = "") -> None:
        self.photos, self.disk = folder / "srv/photos", folder / "disk"
        self.photos.mkdir(parents=True)
        self.disk.mkdir()
        self.archiver = PyArchiver(folder / "photos.archive", self.photos, self.disk, password=password)
        self.catalog = open_.enter_context(Catalog.open(str(folder / "catalog.sqlite3")))
        self.destination: Destination = open_.enter_context(closing(Local(str(self.disk), create=False)))
        self.keys: Sequence[Keys] = [key(PASSWORD)]
        self.check: Callable[[], object] = lambda: None
        self.told: list[str] = []
        self.believed = Believed()
        self._open = open_

    def write(self, name: str, text: str, second: int = 1_600_000_000) -> None:
        file = self.photos / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, ns=(0, second * 10**9 + 123_456_789))

    def take(self) -> TakenOver:
        self.believed = self._open.enter_context(Believed())
        folder, excluded = str(self.archiver.folder), self.archiver.exclude
        record = Record(str(self.archiver.record), str(self.photos), folder, excluded, self.believed)
        place = self.catalog.register(self.destination.place, self.destination.place)
        tools = Tools(self.catalog, place, self.destination, "nas", self.keys, self._hear, self.check)
        return take_over_tars(record, tools)

    def files(self) -> dict[str, list[int]]:
        """Every file that is known by its path, with the ids of the tars that hold its versions, oldest first."""
        found: dict[str, list[int]] = {}
        for one in self.catalog.stored_archives(ArchiveFilter(inside=True)):
            assert one.file is not None
            found.setdefault(os.path.relpath(one.path, self.photos), []).append(one.id)
        return found

    def tars(self) -> list[StoredArchive]:
        return sorted(self.catalog.stored_archives(ArchiveFilter()), key=lambda one: one.id)

    def path(self, name: str) -> str:
        """As it is called in a tar."""
        return f"{self.photos}/{name}"[1:]

    def left(self, taken: TakenOver) -> dict[str, GlacierBackupError | None]:
        return {tar.name: tar.error for tar in taken.left}

    def _hear(self, event: Event) -> None:
        assert isinstance(event, Warned)
        self.told.append(event.message)


@pytest.fixture
def open_() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def moving(tmp_path: Path, open_: ExitStack) -> Moving:
    made = Moving(tmp_path, open_)
    for name in ("2019/a.jpg", "2019/b.jpg", "notes.txt"):
        made.write(name, f"content of {name}")
    return made


@pytest.fixture
def ciphered(moving: Moving) -> Moving:
    moving.archiver.password = PASSWORD
    return moving


@pytest.mark.parametrize("password", ["", PASSWORD])
@pytest.mark.parametrize("version", [None, 2])
def test_each_file_is_known_by_its_path_with_all_its_versions(
    moving: Moving, password: str, version: int | None
) -> None:
    moving.archiver.password, moving.archiver.version, moving.archiver.size_tar = password, version, 25
    moving.archiver.start()
    moving.write("notes.txt", "newer", 1_600_000_007)
    moving.archiver.resume(SECOND)

    taken = moving.take()

    assert (len(taken.new), taken.files, taken.known, taken.left, taken.pending) == (3, 4, 0, (), 0)
    first, second, third = (tar.id for tar in moving.tars())
    assert moving.files() == {"2019/a.jpg": [first], "2019/b.jpg": [first], "notes.txt": [second, third]}
    assert taken.compared
    assert [*moving.believed.doubtful("missing"), *moving.believed.doubtful("older")] == []
    assert moving.told == []
    assert [*moving.catalog.check()] == []


def test_a_tar_becomes_a_group_where_it_lies(ciphered: Moving) -> None:
    (name,) = ciphered.archiver.start()
    ciphered.take()

    (tar,) = ciphered.tars()

    assert (tar.path, tar.name, tar.kind, tar.container) == (f"{ciphered.photos}/{name}", name, "group", "tar")
    assert (tar.origin, tar.host, tar.base, tar.top) == (
        "pyArchiver",
        "nas",
        str(ciphered.photos),
        ciphered.path("")[:-1],
    )
    (volume,) = tar.volumes
    assert (volume.locator, volume.size) == (name, (ciphered.disk / name).stat().st_size)
    assert tar.recipe is not None
    assert [step.name for step in tar.recipe.steps] == ["tar", "gzip", "pyarchiver"]
    assert tar.source_bytes == sum(one.stat().st_size for one in ciphered.photos.rglob("*.*") if one.is_file())


def test_files_look_as_pyarchiver_compares_them(moving: Moving) -> None:
    """By the second: what it writes of a time is cut off somewhere behind that."""
    moving.archiver.start()
    moving.take()
    (place,) = [id for id, _ in moving.catalog.places()]
    path = f"{moving.photos}/notes.txt"
    assert moving.catalog.last_sent(place, [path])[path].digest == "file 20 1600000000000000000"


def test_a_second_time_nothing_is_read(moving: Moving) -> None:
    moving.archiver.start()
    moving.take()
    for tar in moving.archiver.tars():
        tar.chmod(0)
        tar.rename(f"{tar}.away")

    again = moving.take()

    assert (again.new, again.known, again.left, again.compared) == ((), 1, (), True)


def test_what_pyarchiver_has_stored_since_is_taken_over_too(moving: Moving) -> None:
    moving.archiver.start()
    moving.take()
    moving.write("new", "new")
    moving.archiver.resume(SECOND)
    assert (moving.take().files, moving.take().files) == (1, 0)


def test_tars_are_never_changed(ciphered: Moving) -> None:
    ciphered.archiver.start()
    before = [(one.name, one.read_bytes(), one.stat().st_mtime_ns) for one in ciphered.disk.iterdir()]
    record = ciphered.archiver.record.read_bytes()
    ciphered.take()
    assert [(one.name, one.read_bytes(), one.stat().st_mtime_ns) for one in ciphered.disk.iterdir()] == before
    assert ciphered.archiver.record.read_bytes() == record


# What can't be read now.


def test_what_can_not_be_read_is_named_and_the_rest_is_taken_over(ciphered: Moving) -> None:
    archiver = ciphered.archiver
    archiver.size_tar = 0
    a, b, c = archiver.start()
    data = (ciphered.disk / a).read_bytes()
    (ciphered.disk / a).write_bytes(data[:-9])
    (ciphered.disk / b).rename(ciphered.disk / "away")

    taken = ciphered.take()

    left = ciphered.left(taken)
    assert isinstance(left[a], DamageFound)
    assert isinstance(left[b], VolumeMissing)
    assert list(left) == [a, b]
    assert [tar.name for tar in taken.new] == [c]
    assert taken.compared
    assert [*ciphered.believed.doubtful("missing")] == ["2019/a.jpg", "2019/b.jpg"]

    (ciphered.disk / a).write_bytes(data)
    (ciphered.disk / "away").rename(ciphered.disk / b)
    rest = ciphered.take()
    assert ([tar.name for tar in rest.new], rest.known, rest.left) == ([a, b], 1, ())
    assert [tar.name for tar in ciphered.tars()] == [a, b, c]


@pytest.mark.parametrize(("keys", "error"), [([], KeyNeeded), ([key("another")], WrongKey), ([key("ä€")], WrongKey)])
def test_without_the_password_it_waits_for_it(
    ciphered: Moving, keys: list[Keys], error: type[GlacierBackupError]
) -> None:
    names = ciphered.archiver.start()
    ciphered.keys = keys
    taken = ciphered.take()
    assert {name: type(why) for name, why in ciphered.left(taken).items()} == dict.fromkeys(names, error)
    assert not taken.compared
    ciphered.keys = [*keys, key(PASSWORD)]
    again = ciphered.take()
    assert [tar.password for tar in again.new] == [len(keys)]
    assert again.compared


def test_what_was_recorded_stays_when_the_rest_is_interrupted(moving: Moving) -> None:
    moving.archiver.size_tar = 0
    a, b, c = moving.archiver.start()

    def check() -> None:
        if moving.tars():
            raise Interrupted("enough")

    moving.check = check
    with pytest.raises(Interrupted):
        moving.take()
    assert [tar.name for tar in moving.tars()] == [a]
    moving.check = lambda: None
    assert [tar.name for tar in moving.take().new] == [b, c]


def test_a_disk_that_is_not_there_ends_it(moving: Moving) -> None:
    moving.archiver.start()
    moving.disk.rename(f"{moving.disk}.away")
    with pytest.raises(DestinationUnavailable) as caught:
        moving.take()
    assert caught.value.hint == "is its disk mounted?"
    assert moving.tars() == []


# Servers.


def test_tars_on_a_server_are_read_there(moving: Moving, sshd: Sshd, open_: ExitStack) -> None:
    moving.archiver.start()
    moving.destination = open_.enter_context(closing(Sftp(sshd.server(), str(moving.disk))))
    taken = moving.take()
    assert (len(taken.new), taken.files) == (1, 3)
    (place,) = [place for _, place in moving.catalog.places()]
    assert place.kind == "sftp"


def test_a_gateway_is_asked_for_all_and_read_when_they_are_unsealed(
    moving: Moving, scripted: ScriptedServer, open_: ExitStack
) -> None:
    scripted.script.gateway, scripted.script.refused = True, {"rename", "list", "stat"}
    moving.archiver.folder = scripted.root / "photos"
    moving.archiver.folder.mkdir()
    moving.archiver.size_tar = 0
    a, b, c = moving.archiver.start()
    moving.destination = open_.enter_context(closing(Sftp(scripted.server(), "/photos", cold=True)))

    taken = moving.take()
    assert [type(error) for error in moving.left(taken).values()] == [NotThawed] * 3
    assert scripted.script.unsealing == {f"/photos/{name}" for name in (a, b, c)}
    assert not taken.compared

    scripted.script.unsealed |= {f"/photos/{c}"}
    assert [tar.name for tar in moving.take().new] == [c]
    scripted.script.unsealed |= scripted.script.unsealing
    assert [tar.name for tar in moving.take().new] == [a, b]
    assert [tar.name for tar in moving.tars()] == [a, b, c]


# What pyArchiver takes for stored.


def test_what_a_crash_has_lost_is_told(moving: Moving) -> None:
    moving.archiver.start()
    moving.write("new.jpg", "new")
    moving.write("notes.txt", "changed", 1_600_000_099)
    moving.archiver.resume(SECOND, dies=True)
    moving.write("later.jpg", "later")
    moving.archiver.resume(THIRD, fails=lambda tar: True)

    taken = moving.take()

    assert [*moving.believed.doubtful("missing")] == ["new.jpg"]
    assert [*moving.believed.doubtful("older")] == ["notes.txt"]
    assert taken.pending == 1


def test_what_it_left_out_is_not_told(moving: Moving) -> None:
    moving.archiver.exclude = r"^tmp/|\.bak$"
    moving.write("tmp/x", "x")
    moving.write("2019/a.bak", "x")
    moving.archiver.start()
    moving.take()
    assert [*moving.believed.doubtful("missing")] == []


# What nobody's honest program has stored.


def test_a_tar_that_tells_of_more_than_any_disk_holds_is_left_out(moving: Moving) -> None:
    sparse = [a_file(moving.path(name), b"") for name in "ab"]
    for info, _ in sparse:
        info.pax_headers = {"GNU.sparse.size": str(2**63 - 1)}
    first, second = moving.archiver.tar_name(FIRST), moving.archiver.tar_name(SECOND)
    moving.archiver.start(SECOND)
    moving.archiver.put(first, tar_of(*sparse))

    taken = moving.take()

    assert [tar.name for tar in taken.new] == [second]
    (why,) = moving.left(taken).values()
    assert isinstance(why, DamageFound)
    assert str(why).startswith(f"{first}: it says of its files that they have 18,446,744,073,709,551,614 bytes")


def test_only_files_below_the_directory_are_taken_for_such(moving: Moving) -> None:
    moving.archiver.start()
    device = tarfile.TarInfo(moving.path("device"))
    device.type = tarfile.CHRTYPE
    name = moving.archiver.tar_name(SECOND)
    members = [
        a_file("etc/passwd"),
        a_file(moving.path("../../etc/shadow")),
        a_file(moving.path("good.jpg"), b"good"),
        a_file(f"{moving.photos}/absolute.jpg"),
        a_file(moving.path("sub//./doubled.jpg")),
        a_file(f"{moving.path('')[:-1]}aside/x"),
        (device, b""),
    ]
    moving.archiver.put(name, tar_of(*members))

    taken = moving.take()

    assert taken.new[-1].files == 2
    (said,) = moving.told
    assert said.startswith(f"{name} holds what is no file below {moving.photos}, and is passed over: 'etc/passwd', ")
    in_it = {path for path, ids in moving.files().items() if ids == [moving.tars()[-1].id]}
    assert in_it == {"good.jpg", "sub/doubled.jpg"}


def test_of_two_members_of_one_name_the_later_one_counts(moving: Moving) -> None:
    moving.archiver.start()
    path = moving.path("twice")
    moving.archiver.put(moving.archiver.tar_name(SECOND), tar_of(a_file(path, b"first"), a_file(path, b"the second")))
    moving.take()
    (found,) = moving.catalog.stored_archives(ArchiveFilter(inside=True, path=f"{moving.photos}/twice"))
    assert (found.source_bytes, found.file and found.file.number) == (10, 1)


def test_links_are_known_as_what_they_are(moving: Moving) -> None:
    moving.archiver.start()
    tar = tar_of(
        a_file(moving.path("a"), b"content"),
        a_link(moving.path("hard"), moving.path("a"), tarfile.LNKTYPE),
        a_link(moving.path("soft"), "a"),
        a_link(moving.path("dangling"), moving.path("nothing"), tarfile.LNKTYPE),
    )
    moving.archiver.put(moving.archiver.tar_name(SECOND), tar)
    moving.take()
    found = {
        os.path.basename(one.path): (one.kind, one.source_bytes)
        for one in moving.catalog.stored_archives(ArchiveFilter(inside=True, below=str(moving.photos)))
    }
    assert found["a"] == found["hard"] == ("file", 7)
    assert found["soft"] == ("link", 1)
    assert "dangling" not in found


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 5_000, encrypted(b"no gzip at all"), encrypted(tar_of(a_file("a")))[:-1], encrypted(b"\x1f\x8b\x08")],
    ids=["empty", "of one letter", "no gzip", "cut off", "the beginning of a gzip"],
)
def test_what_is_no_such_tar_is_left_out(ciphered: Moving, content: bytes) -> None:
    (good,) = ciphered.archiver.start()
    bad = ciphered.archiver.tar_name(SECOND)
    ciphered.archiver.put(bad, b"")
    (ciphered.disk / bad).write_bytes(content)
    taken = ciphered.take()
    assert [tar.name for tar in taken.new] == [good]
    assert isinstance(ciphered.left(taken)[bad], DamageFound | WrongKey)


@pytest.mark.parametrize("tail", [b"\0" * 512 + b"x" * 512, b"x" * 512])
def test_a_tar_that_does_not_end_as_one_is_damaged(moving: Moving, tail: bytes) -> None:
    import gzip

    moving.archiver.start()
    whole = gzip.decompress(tar_of(a_file(moving.path("a"))))
    name = moving.archiver.tar_name(SECOND)
    moving.archiver.put(name, gzip.compress(whole[: 1024 + 512 * 2] + tail))
    assert isinstance(moving.left(moving.take())[name], DamageFound)


def test_names_that_no_tar_has_are_passed_over(moving: Moving) -> None:
    (name,) = moving.archiver.start()
    with closing(sqlite3.connect(moving.archiver.record)) as database, database:
        odd = [("../x",), (f"/etc/{name}",), ("",), (f"{moving.disk}/{name}",), (5,)]
        database.executemany("INSERT INTO tars VALUES (?)", odd)
    taken = moving.take()
    assert (len(taken.new), taken.left) == (1, ())
    assert len(moving.told) == 1
    assert "3 names are left out, for no tar is called so: ../x, …" in moving.told[0]


def test_a_link_in_place_of_a_tar_is_not_followed(moving: Moving, tmp_path: Path) -> None:
    (name,) = moving.archiver.start()
    (moving.disk / name).rename(tmp_path / "elsewhere")
    (moving.disk / name).symlink_to(tmp_path / "elsewhere")
    assert name in moving.left(moving.take())
    assert moving.tars() == []


def test_the_root_directory_may_be_what_was_archived(moving: Moving) -> None:
    moving.archiver.start()
    root = Path("/")
    place = moving.catalog.register(moving.destination.place, moving.destination.place)
    with Believed() as believed:
        record = Record(str(moving.archiver.record), str(root), str(moving.disk), "", believed)
        tools = Tools(moving.catalog, place, moving.destination, "nas", [], moving._hear, lambda: None)
        assert take_over_tars(record, tools).files == 3
    assert "2019/a.jpg" in moving.files()
