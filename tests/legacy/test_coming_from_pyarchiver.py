"""Someone who comes from pyArchiver: the whole move, from a directory and from a real server, and what there is to be
had of its tars from then on."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.legacy.pyarchiver import FIRST, PASSWORD, PyArchiver, a_file, a_link, encrypted, tar_of
from tests.ssh_server.sshd import Sshd

MTIME = 1_600_000_000
SECOND, THIRD = "20210101-000000", "20220101-000000"


class Move:
    """A directory that pyArchiver looks after, what it has stored, and an INI file made of its settings."""

    def __init__(self, cli: Cli, password: str = PASSWORD, version: int | None = 2) -> None:
        self.cli = cli
        self.photos, self.disk = cli.folder / "srv/photos", cli.folder / "disk"
        self.photos.mkdir(parents=True)
        self.disk.mkdir()
        self.ini = cli.folder / "photos.conf"
        self.record = cli.folder / "photos.archive"
        self.archiver = PyArchiver(self.record, self.photos, self.disk, "photos", password, version)
        for name in ("2019/a.jpg", "2019/b.jpg", "2020/c.jpg", "notes.txt"):
            self.write(name, f"content of {name}")

    def write(self, name: str, text: str, second: int = MTIME) -> None:
        file = self.photos / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, ns=(0, second * 10**9 + 123_456_789))

    def archived(self) -> None:
        """Two runs of pyArchiver; what was deleted since, and what a crash has lost, are among it."""
        self.archiver.size_tar = 30
        self.archiver.start()
        self.write("notes.txt", "newer notes", MTIME + 9)
        (self.photos / "2019/b.jpg").unlink()
        self.archiver.resume(SECOND)
        self.write("lost.jpg", "lost")
        self.archiver.resume(THIRD, dies=True)

    def __call__(self, *argv: str | Path) -> Ran:
        return self.cli(*argv, "-c", self.ini)

    def imported(self) -> Ran:
        assert self("config", "import", self.record).code == 0
        return self("catalog", "import", self.record)

    def restored(self, *words: str | Path, code: int = 0) -> dict[str, str]:
        """What comes back, by its path in the target."""
        target = self.cli.folder / f"restored {len([*self.cli.folder.iterdir()])}"
        ran = self("restore", "--to", target, *words)
        assert ran.code == code, ran.err
        return {str(one.relative_to(target)): one.read_text() for one in target.rglob("*") if one.is_file()}

    def all_restored(self, *words: str | Path) -> dict[str, str]:
        """The same by the path below the directory."""
        return {os.path.relpath(f"/{path}", self.photos): text for path, text in self.restored(*words).items()}

    def packed(self, ran: Ran) -> set[str]:
        """Files that a run sends, alone or in a group."""
        plan = [one for one in ran.json["plan"] if one["action"] == "upload"]
        files = [one["path"] for each in plan for one in each.get("files") or [each]]
        return {os.path.relpath(path, self.photos) for path in files}


@pytest.fixture(params=[("", None), (PASSWORD, 1), (PASSWORD, 2)], ids=["plain-v1", "ciphered-1", "ciphered-v2"])
def move(cli: Cli, request: pytest.FixtureRequest) -> Move:
    return Move(cli, *request.param)


@pytest.fixture
def ciphered(cli: Cli) -> Move:
    return Move(cli)


EVERYTHING = {
    "2019/a.jpg": "content of 2019/a.jpg",
    "2019/b.jpg": "content of 2019/b.jpg",
    "2020/c.jpg": "content of 2020/c.jpg",
    "notes.txt": "newer notes",
}


def test_the_whole_move(move: Move) -> None:
    move.archived()
    before = {one.name: one.read_bytes() for one in move.archiver.tars()}

    ran = move.imported()

    assert ran.code == 0, ran.err
    assert "took over 3 tars with 5 files" in ran.out
    assert "1 files that pyArchiver takes for stored are in none of its tars" in ran.err
    assert "lost.jpg" in ran.err
    assert PASSWORD not in ran.out + ran.err
    assert "took over 0 tars with 0 files" in move("catalog", "import", move.record).out
    assert move("catalog", "check").code == 0

    assert move.all_restored() == EVERYTHING
    assert move("verify", "--full").code == 0
    assert "2019/b.jpg" in move("find", "b.jpg").out

    move.write("2021/new.jpg", "new")
    assert move.packed(move("-d", "--json")) == {"lost.jpg", "2021/new.jpg"}
    assert move("--json").code == 0
    assert move.packed(move("-d", "--json")) == set()
    assert move.all_restored() == {**EVERYTHING, "lost.jpg": "lost", "2021/new.jpg": "new"}
    assert {one.name: one.read_bytes() for one in move.archiver.tars()} == before


def test_files_and_directories_and_what_was_come_back_out_of_tars(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.imported()
    photos = ciphered.photos
    assert ciphered.restored(photos / "2019/b.jpg") == {"b.jpg": "content of 2019/b.jpg"}
    assert ciphered.restored(photos / "2019") == {
        "2019/a.jpg": "content of 2019/a.jpg",
        "2019/b.jpg": "content of 2019/b.jpg",
    }
    assert ciphered.restored(f"{photos}/*.txt") == {"notes.txt": "newer notes"}
    assert ciphered.all_restored("--at", "2020-06-01")["notes.txt"] == "content of notes.txt"
    versions = ciphered("list", "--versions", photos / "notes.txt", "--json").json
    assert len(versions) == 2 or len(versions["versions"]) == 2


def test_on_a_server_it_is_the_same(cli: Cli, sshd: Sshd) -> None:
    move = Move(cli)
    move.archiver.settings = {
        "Sftp_host": "127.0.0.1",
        "Sftp_port": str(sshd.port),
        "Sftp_user": getpass.getuser(),
        "Sftp_dir": f'"{move.disk}"',
    }
    move.archived()
    assert move("config", "import", move.record).code == 0
    lines = move.ini.read_text().splitlines()
    login = [f"ssh_key = {sshd.key}", f"host_key = {sshd.host_key}"]  # this server knows no passwords
    place = next(number for number, line in enumerate(lines) if line.startswith("ssh_password_file"))
    move.ini.write_text("\n".join([*lines[:place], *login, *lines[place + 1 :]]) + "\n")

    assert "took over 3 tars with 5 files" in move("catalog", "import", move.record).out
    assert move.all_restored() == EVERYTHING
    assert move("verify", "--full").code == 0
    assert move.packed(move("-d", "--json")) == {"lost.jpg"}
    assert move("--json").code == 0
    assert move.all_restored() == {**EVERYTHING, "lost.jpg": "lost"}


def test_what_changes_after_the_move_is_newer_and_what_was_stays(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.imported()
    ciphered.write("notes.txt", "the newest notes", MTIME + 99)
    assert ciphered("--json").code == 0
    assert ciphered.all_restored()["notes.txt"] == "the newest notes"
    assert ciphered.all_restored("--at", "2021-06-01")["notes.txt"] == "newer notes"


def test_a_file_that_is_renamed_after_the_move_is_sent_under_its_new_name(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.imported()
    (ciphered.photos / "2020/c.jpg").rename(ciphered.photos / "2020/renamed.jpg")
    assert ciphered.packed(ciphered("-d", "--json")) == {"lost.jpg", "2020/renamed.jpg"}
    assert ciphered("--json").code == 0
    assert "2020/c.jpg" in ciphered.all_restored()


def test_damage_is_found_and_what_is_damaged_is_sent_again(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.imported()
    tar = ciphered.archiver.tars()[0]
    tar.write_bytes(tar.read_bytes()[:-5] + b"wrong")
    assert ciphered("verify", "--full").code == 5
    assert ciphered.packed(ciphered("-d", "--json")) >= {"2019/a.jpg"}


def test_tars_that_are_not_imported_in_one_go_are_in_their_order(ciphered: Move) -> None:
    """What was missing has older versions than what was sent since."""
    ciphered.archived()
    (away,) = [tar for tar in ciphered.archiver.tars() if FIRST in tar.name and tar.name.endswith("_000001.tar.gz.aes")]
    away.rename(ciphered.cli.folder / "away")
    ran = ciphered.imported()
    assert ran.code == 1
    assert f"left out: {away.name}: " in ran.err
    assert "say with --from where it is" in ran.err
    ciphered.write("notes.txt", "the newest notes", MTIME + 99)
    assert ciphered("--json").code == 0

    (ciphered.cli.folder / "away").rename(away)
    assert "took over 1 tars" in ciphered("catalog", "import", ciphered.record).out
    assert ciphered.all_restored()["notes.txt"] == "the newest notes"
    assert ciphered.packed(ciphered("-d", "--json")) == set()


def test_where_the_tars_have_gone_can_be_said(ciphered: Move) -> None:
    ciphered.archived()
    assert ciphered("config", "import", ciphered.record).code == 0
    moved = ciphered.cli.folder / "moved"
    ciphered.disk.rename(moved)
    assert ciphered("catalog", "import", ciphered.record).code == 4
    ran = ciphered("catalog", "import", ciphered.record, "--from", moved)
    assert ran.code == 0, ran.err
    assert "where nothing of this is: all of it is sent there anew" in ran.err
    assert ciphered.all_restored() == EVERYTHING
    refused = ciphered("catalog", "import", ciphered.record, "--from", "s3://bucket-1/x")
    assert (refused.code, "and s3://bucket-1/x is neither" in refused.err) == (2, True)


def test_the_password_that_pyarchiver_has_noted_will_do(ciphered: Move) -> None:
    ciphered.archived()
    assert ciphered("config", "import", ciphered.record).code == 0
    password = Path(f"{ciphered.ini}.password")
    password.write_text("another one\n")
    ran = ciphered("catalog", "import", ciphered.record)
    assert (ran.code, "give that to restore, with --password-file" in ran.err) == (0, True)
    password.write_text(f"{PASSWORD}\n")
    assert ciphered.all_restored() == EVERYTHING


def test_a_record_that_no_section_belongs_to_can_be_restored_from(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.ini.write_text(f"[main]\ndestination = {ciphered.disk}\ncatalog = {ciphered.cli.folder}/c.sqlite3\n")
    ran = ciphered("catalog", "import", ciphered.record, "--json")
    assert ran.code == 0
    assert "no section looks after" in ran.err
    answer = ran.json
    assert (answer["imported"], answer["files"], answer["known"], answer["left"]) == (3, 5, 0, [])
    assert (answer["compared"], answer["missing"], answer["older"]) == (True, ["lost.jpg"], [])
    password = ciphered.cli.folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    assert ciphered.all_restored("--password-file", password) == EVERYTHING


def test_hostile_members_leave_the_others_to_be_had(ciphered: Move) -> None:
    ciphered.archiver.start()
    below = str(ciphered.photos)[1:]
    evil = [a_file("/etc/evil"), a_file(f"{below}/../../../../evil"), a_file(f"{below}/good.jpg", b"good")]
    name = ciphered.archiver.tar_name(SECOND)
    ciphered.archiver.put(name, tar_of(*evil, a_file(f"{below}/late.jpg", b"late")))
    ran = ciphered.imported()
    assert "is passed over: '/etc/evil', " in ran.err
    found = ciphered.all_restored()
    assert (found["good.jpg"], found["late.jpg"]) == ("good", "late")
    assert not [path for path in found if "evil" in path]


@pytest.mark.parametrize("name", ["n" * 300, f"{'n' * 300}/below", f"2019/{'n' * 300}"])
def test_a_name_that_nothing_can_have_here_keeps_no_other_file_from_its_own(ciphered: Move, name: str) -> None:
    ciphered.archiver.start()
    below = str(ciphered.photos)[1:]
    members = [a_file(f"{below}/{one}", one.encode()) for one in ("2019/early.jpg", name, "late.jpg")]
    ciphered.archiver.put(ciphered.archiver.tar_name(SECOND), tar_of(*members, a_link(f"{below}/{name}2", "x")))
    assert ciphered.imported().code == 0
    target = ciphered.cli.folder / "back"
    for _ in "again", "and again":
        ran = ciphered("restore", "--to", target)
        assert (ran.code, "File name too long" in ran.err) == (1, True)
        found = {path.name for path in target.rglob("*") if path.is_file()}
        assert found >= {"early.jpg", "late.jpg", *(path.name for path in ciphered.photos.rglob("*") if path.is_file())}


@pytest.mark.parametrize("break_", [lambda data: data[:-9], lambda data: b"", lambda data: encrypted(b"x" * 99)])
def test_a_damaged_tar_does_not_keep_the_others_out(ciphered: Move, break_: Callable[[bytes], bytes]) -> None:
    ciphered.archived()
    bad = ciphered.archiver.tars()[0]
    bad.write_bytes(break_(bad.read_bytes()))
    ran = ciphered.imported()
    assert ran.code == 1
    assert "took over 2 tars" in ran.out
    assert f"left out: {bad.name}: " in ran.err
    assert ciphered.packed(ciphered("-d", "--json")) >= {"2019/a.jpg"}


def test_what_only_a_missing_tar_has_is_not_said_to_be_in_no_tar(ciphered: Move) -> None:
    ciphered.archived()
    away = ciphered.archiver.tars()[0]
    away.unlink()
    ran = ciphered.imported()
    assert ran.code == 1
    assert f"left out: {away.name}: No such file or directory; " in ran.err
    assert "files that pyArchiver takes for stored are in none of the tars that could be read; " in ran.err


def test_nothing_of_pyarchivers_is_changed_and_nothing_else_is_made(ciphered: Move) -> None:
    ciphered.archived()
    assert ciphered("config", "import", ciphered.record).code == 0
    before = {one: one.read_bytes() for one in [ciphered.record, *ciphered.archiver.tars()]}
    ciphered("catalog", "import", ciphered.record)
    assert {one: one.read_bytes() for one in before} == before
    assert sorted(one.name for one in ciphered.disk.iterdir()) == sorted(
        [".glacier-backup", *(one.name for one in ciphered.archiver.tars())]
    )


def test_prune_proposes_no_tar(ciphered: Move) -> None:
    ciphered.archived()
    ciphered.imported()
    ciphered.ini.write_text(ciphered.ini.read_text() + "keep_last = 1\n")
    ciphered.write("notes.txt", "the newest notes", MTIME + 99)
    assert ciphered("--json").code == 0
    ran = ciphered("prune")
    assert ran.code == 0, ran.err
    assert len(ciphered.archiver.tars()) == 3
    assert ciphered.all_restored()["2019/b.jpg"] == "content of 2019/b.jpg"


def test_hard_links_in_a_tar_are_files_and_the_tar_is_read_once_for_all(ciphered: Move) -> None:
    first = ciphered.photos / "2019/a.jpg"
    for number in range(5):
        (ciphered.photos / f"2020/link-{number}").hardlink_to(first)
    ciphered.archiver.start()
    ciphered.imported()
    everything = {one: (ciphered.photos / one).read_text() for one in ("2019/a.jpg", "2019/b.jpg", "2020/c.jpg")}
    everything |= {f"2020/link-{number}": first.read_text() for number in range(5)}

    found = ciphered.all_restored()

    assert found == {**everything, "notes.txt": (ciphered.photos / "notes.txt").read_text()}
    ran = ciphered("restore", ciphered.photos / "2020", "--to", ciphered.cli.folder / "some", "--json")
    assert ran.code == 0, ran.err
    assert sorted(one.name for one in (ciphered.cli.folder / "some/2020").iterdir()) == [
        "c.jpg",
        *(f"link-{number}" for number in range(5)),
    ]
    assert len(ran.json["items"]) == 1
