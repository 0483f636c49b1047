"""Someone who comes from the Storage Box streamer: the whole move, with a real server and a real bucket."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from pathlib import Path

import pytest

from glacier_backup.cli.legacy import with_verb
from glacier_backup.cli.parser import build
from tests.catalog.streamer_record import write_record
from tests.cli.harness import REPOSITORY, Cli
from tests.s3_servers.between import Answer, of
from tests.s3_servers.fixtures import Store
from tests.ssh_server.sshd import Sshd

MTIME = 1_600_000_000
FILES = ("2024/a.jpg", "2024/b c.jpg", "2025/ä.jpg", "notes.txt")
LEFT_BEHIND = ("tmp/cache/x", "tmp/y")


class Move:
    """A server's directory that the streamer has sent, its ``.env`` file and its record."""

    def __init__(self, cli: Cli, store: Store, sshd: Sshd) -> None:
        self.cli = cli
        self.store = store
        self.env = cli.folder / "streamer/.env"
        self.ini = cli.folder / "backup.ini"
        self.record = cli.folder / "streamer/archive_state.db"
        self.env.parent.mkdir()
        self._sshd = sshd
        for name in (*FILES, *LEFT_BEHIND):
            self.write(name, f"content of {name}")

    def write(self, name: str, text: str, mtime: int = MTIME) -> None:
        file = self.cli.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (mtime, mtime))

    def streamed(self, start: str = "box/") -> None:
        """As if the streamer had sent all files but those that it left out."""
        rows = []
        for name in FILES:
            data = (self.cli.data / name).read_bytes()
            self.store.aws.put_object(
                Bucket=self.store.bucket, Key=start + name, Body=data, StorageClass="DEEP_ARCHIVE"
            )
            rows.append((f"{self.cli.data}/{name}", len(data), MTIME, 1_700_000_000))
        write_record(self.record, rows)

    def write_env(self) -> None:
        self.env.write_text(
            f"HETZNER_HOST=127.0.0.1\nHETZNER_USER={getpass.getuser()}\nHETZNER_PASSWORD=hunter2\n"
            f"REMOTE_PATH={self.cli.data}\nS3_BUCKET={self.store.bucket}\nS3_PREFIX=box\nAWS_REGION=us-east-1\n"
            "AWS_ACCESS_KEY_ID=AKIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=secret\nEXCLUDE_PATHS=/tmp/\n"
        )
        self.env.chmod(0o600)

    def converted(self) -> None:
        """The INI file, changed as little as the tests' server needs: it has another port, and lets in by a key."""
        self.write_env()
        assert self.cli("config", "import", self.env, "-c", self.ini).code == 0
        text = self.ini.read_text().replace("@127.0.0.1:23/", f"@127.0.0.1:{self._sshd.port}/")
        login = f"ssh_key = {self._sshd.key}\nhost_key = {self._sshd.host_key}\n"
        self.ini.write_text(text.replace("ssh_password = ${env:HETZNER_PASSWORD}\n", login))

    def below(self, paths: set[str]) -> set[str]:
        """As seen from the directory."""
        return {path.partition(f"{self.cli.data}/")[2] for path in paths}


@pytest.fixture
def move(cli: Cli, s3_store: Store, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Move:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", s3_store.between.endpoint)
    made = Move(cli, s3_store, sshd)
    made.write_env()
    for line in made.env.read_text().splitlines():
        # Set, and taken away again: so what the program loads from the file is gone after the test.
        monkeypatch.setenv(line.partition("=")[0], "")
        monkeypatch.delenv(line.partition("=")[0])
    return made


def test_the_record_is_taken_over_with_the_keys_that_are_there(move: Move) -> None:
    move.streamed()
    move.converted()

    ran = move.cli("catalog", "import", move.record, "-c", move.ini)

    assert (ran.code, ran.err) == (0, "")
    assert "took over the record of 4 files" in ran.out
    listing = {one["path"]: one["locator"] for one in move.cli("list", "-c", move.ini, "--json").json}
    assert move.below(set(listing)) == set(FILES)
    assert set(listing.values()) == {f"box/{name}" for name in FILES}
    again = move.cli("catalog", "import", move.record, "-c", move.ini)
    assert "took over the record of 0 files" in again.out
    assert "4 were known already" in again.out


def test_what_is_missing_is_counted_and_the_first_are_named(move: Move) -> None:
    move.streamed()
    rows = [(f"gone/{number}", 5, MTIME, 1_700_000_000) for number in range(7)]
    move.record.unlink()
    write_record(move.record, [*rows, ("notes.txt", 1, MTIME, 1_700_000_000)])
    move.converted()

    ran = move.cli("catalog", "import", move.record, "-c", move.ini)

    assert ran.code == 0
    assert "7 of the record have no object in the bucket" in ran.err
    assert "gone/4" in ran.err
    assert "gone/5" not in ran.err
    assert "1 of the record have an object of another size" in ran.err
    assert "gone/6" in move.cli("catalog", "import", move.record, "-c", move.ini, "--verbose").err
    answer = move.cli("catalog", "import", move.record, "-c", move.ini, "--json").json
    assert (answer["imported"], answer["stored"], answer["unrecorded"], answer["listed"]) == (0, 0, 3, True)
    assert [one["path"] for one in answer["missing"]] == [f"gone/{number}" for number in range(7)]
    assert answer["other_size"] == [{"path": "notes.txt", "bytes": 1}]


def test_without_the_right_to_list_it_is_believed(move: Move) -> None:
    move.streamed()
    move.converted()
    move.store.between.rules.append(of("ListObjectsV2", Answer(403, "AccessDenied")))

    answer = move.cli("catalog", "import", move.record, "-c", move.ini, "--json").json

    assert (answer["imported"], answer["listed"], answer["unrecorded"]) == (4, False, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[main]\ndestination = s3://b-1/x\n[/a]\nupload_tree = yes\n", "and there is none"),
        (
            "[main]\ndestination = s3://b-1/x\n[sftp://u@h/a]\nupload_tree = yes\n[sftp://u@h/b]\nupload_tree = yes\n",
            "there are [sftp://u@h:22/a] and [sftp://u@h:22/b]",
        ),
        ("[main]\ndestination = /mnt\n[sftp://u@h/a]\nupload_tree = yes\n", "[sftp://u@h:22/a] goes to /mnt"),
    ],
)
def test_a_record_that_belongs_to_no_section_or_several_is_refused(move: Move, text: str, said: str) -> None:
    move.streamed()

    ran = move.cli("catalog", "import", move.record, "-c", move.cli.ini(text))

    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("start", ["box/", "box{data}/", "box/{data}/"])
def test_after_the_move_only_what_is_new_is_sent_and_then_nothing(move: Move, start: str) -> None:
    """The whole move: ``.env``, config import, dry run, catalog import, run, second run."""
    start = start.replace("{data}", str(move.cli.data))
    move.streamed(start)
    move.converted()
    assert move.below(set(move.cli("-d", "-c", move.ini, "--json").actions())) >= set(FILES)
    move.cli("catalog", "import", move.record, "-c", move.ini)
    move.write("2026/new.jpg", "new")
    move.write("notes.txt", "older and of the same size"[: len("content of notes.txt")], MTIME - 7)
    os.utime(move.cli.data / "2024/a.jpg", ns=(0, MTIME * 10**9 + 123_456_789))  # SFTP shows whole seconds

    ran = move.cli("-c", move.ini, "--json")

    assert ran.code == 0, ran.err
    assert move.below(ran.sent()) == {"2026/new.jpg", "notes.txt"}
    assert move.store.bytes("box/2026/new.jpg") == b"new"
    assert move.store.bytes("box/notes.txt") == (move.cli.data / "notes.txt").read_bytes()
    second = move.cli("-c", move.ini, "--json")
    assert (second.code, second.sent()) == (0, set())
    assert not [key for key in move.store.listed() if "tmp" in key.removeprefix(start)]


def test_nothing_of_the_streamer_is_changed(move: Move) -> None:
    move.streamed()
    before = {file: file.read_bytes() for file in (move.env, move.record)}
    move.converted()
    move.cli("catalog", "import", move.record, "-c", move.ini)

    assert {file: file.read_bytes() for file in (move.env, move.record)} == before
    assert sorted(one.name for one in Path(move.env.parent).iterdir()) == [".env", "archive_state.db"]


def test_the_page_about_the_move_has_commands_that_parse() -> None:
    page = (REPOSITORY / "docs/from-storage-box.md").read_text()
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = commands.splitlines()
    assert len(lines) == 5
    for line in lines:
        program, *words = shlex.split(line)
        if program == "glacier-backup":
            assert build(with_verb(words)).parse_args(with_verb(words)).config == "~/streamer/backup.ini"


def test_the_ini_file_says_the_same_commands(move: Move) -> None:
    move.converted()
    said = [line[6:] for line in move.ini.read_text().splitlines() if line.startswith("#     ")]
    assert [line.split()[0] for line in said] == ["ssh-keyscan", "ssh-keygen", "cat", *["glacier-backup"] * 2, "17"]
    assert said[4] == f"glacier-backup catalog import {move.record} -c {move.ini}"
