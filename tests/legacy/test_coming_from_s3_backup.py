"""Someone who comes from s3-backup: the whole move, with a real bucket that keeps versions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.lacking import lacking
from tests.legacy.s3_backup import DATA, GROUP, SUB, S3BackupRun, as_version_1
from tests.s3_servers.fixtures import Store

MTIME = 1_600_000_000
SMALL = {f"mail/2024/{number}.eml": f"mail number {number}" for number in range(4)} | {"notes.txt": "a note"}
LARGE = {"film.mp4": "a film " * 20, "2025/ä b.jpg": "a photo " * 20}
THRESHOLD = 40


class Move:
    """A directory that s3-backup has sent, and the bucket that it has filled."""

    def __init__(self, cli: Cli, store: Store) -> None:
        self.cli, self.store = cli, store
        self.ini = cli.folder / "backup.ini"
        self.record = cli.folder / "s3_content.sqlite"
        store.aws.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
        for name, text in (SMALL | LARGE).items():
            self.write(name, text)

    def write(self, name: str, text: str, mtime: int = MTIME) -> None:
        file = self.cli.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (mtime, mtime))

    def s3_backup(self, *filters: tuple[str, ...], cold: bool = False) -> S3BackupRun:
        return S3BackupRun(
            self.cli.data,
            self.store.aws,
            self.store.bucket,
            self.record,
            filters,
            "DEEP_ARCHIVE" if cold else "STANDARD",
        )

    def converted(self, program: S3BackupRun) -> None:
        cron = self.cli.folder / "crontab"
        cron.write_text(f"MAILTO=me\n12 4 * * * {program.command_line()} 2>&1 | logger\n")
        ran = self.cli("config", "import", cron, "-c", self.ini)
        assert ran.code == 0, ran.err

    def imported(self, *words: str | Path) -> Ran:
        ran = self.cli("catalog", "import", *words, "-c", self.ini, "--json")
        assert ran.code == 0, ran.err
        return ran

    def run(self, *words: str) -> Ran:
        return self.cli(*words, "-c", self.ini, "--json")

    def sent(self, ran: Ran) -> set[str]:
        """Below the directory."""
        return {path.removeprefix(f"{self.cli.data}/") for path in ran.sent()}

    def would_send(self) -> dict[str, str]:
        """What a dry run says of all that would be sent, or put away."""
        ran = self.run("-d")
        assert ran.code == 0, ran.err
        return {
            one["path"].removeprefix(f"{self.cli.data}/"): one["reason"]
            for one in ran.json["plan"]
            if one["action"] != "skip"
        }

    def restored(self, *words: str | Path) -> dict[str, str]:
        target = self.cli.folder / f"restored-{len(os.listdir(self.cli.folder))}"
        ran = self.cli("restore", *words, "-c", self.ini, "--to", target)
        assert ran.code == 0, ran.err + ran.out
        assert "only its size" not in ran.err  # of each ZIP, of which there may be thousands: their own CRCs do it
        return {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}

    def known(self) -> set[str]:
        """Files that the catalog can find."""
        found = self.cli("find", "*", "-c", self.ini, "--json").json
        paths = {one["path"].removeprefix(f"{self.cli.data}/") for one in found}
        return {path for path in paths if not path.endswith("*~.zip")}

    def objects(self) -> list[str]:
        """What is in the bucket, without what the program itself puts there."""
        return [key for key in self.store.listed() if ".catalog/" not in key and key != "RESTORE.md"]

    def versions(self) -> int:
        answer = self.store.aws.list_object_versions(Bucket=self.store.bucket)
        return sum(".catalog/" not in one["Key"] and one["Key"] != "RESTORE.md" for one in answer.get("Versions", []))


@pytest.fixture
def move(cli: Cli, s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> Move:
    monkeypatch.setenv("GLACIER_BACKUP_ENDPOINT_URL", s3_store.between.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Move(cli, s3_store)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("by", ["record", "bucket"])
def test_nothing_is_sent_twice_and_everything_is_found(move: Move, by: str, cold: bool) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)), cold=cold)
    assert program() == {"sent": 4, "deleted": 0}
    move.converted(program)

    taken = move.imported(*([move.record] if by == "record" else [])).json

    inside = 0 if cold else len(SMALL)
    assert (taken["files"], taken["groups"], taken["inside"], taken["left_out"]) == (2, 2, inside, 0)
    assert taken["recorded"] == (4 if by == "record" else 0)
    assert move.would_send() == {}
    assert move.sent(move.run()) == set()
    assert move.would_send() == {}
    assert move.imported().json["known"] == 4
    assert move.known() == set(SMALL | LARGE)


@pytest.mark.parametrize("cold", [False, True])
def test_each_file_comes_back_from_its_object_or_its_zip(move: Move, cold: bool) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)), cold=cold)
    program()
    move.converted(program)
    move.imported(move.record)
    move.run()

    if cold:
        for one in move.store.listed():
            move.store.bytes(one)
    everything = move.restored("--wait") if cold else move.restored()

    assert {name.partition("data/")[2]: text for name, text in everything.items()} == SMALL | LARGE
    (one,) = move.restored(move.cli.data / "mail/2024/2.eml").values()
    assert one == SMALL["mail/2024/2.eml"]


def taken_over(move: Move, *filters: tuple[str, ...], record: bool = True, cold: bool = False) -> S3BackupRun:
    """After s3-backup's last run and the first one here."""
    program = move.s3_backup(*filters, cold=cold)
    program()
    move.converted(program)
    move.imported(*([move.record] if record else []))
    return program


def test_only_what_has_changed_since_is_sent(move: Move) -> None:
    taken_over(move, (GROUP, str(THRESHOLD)), cold=True)
    assert move.sent(move.run()) == set()
    stored = move.versions()

    os.utime(move.cli.data / "film.mp4")  # the same content
    move.write("2025/ä b.jpg", "another photo")
    move.write("mail/2024/9.eml", "an old mail, moved here", MTIME - 1000)

    assert move.sent(move.run()) == {"mail/2024/*~.zip", "*~.zip"}
    assert move.would_send() == {}
    assert move.versions() == stored + 2


def test_what_was_edited_before_the_first_run_is_sent_and_nothing_else(move: Move) -> None:
    taken_over(move, (GROUP, str(THRESHOLD)), cold=True)
    move.write("film.mp4", "a FILM " * 20, MTIME + 10**9)
    move.write("notes.txt", "a NOTE", MTIME + 10**9)
    os.utime(move.cli.data / "mail/2024/1.eml")

    assert move.sent(move.run()) == {"film.mp4", "*~.zip"}
    assert move.would_send() == {}


def test_what_was_deleted_stays_deleted_and_what_is_deleted_next_is_hidden(move: Move) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)))
    program()
    (move.cli.data / "film.mp4").unlink()
    assert program()["deleted"] == 1
    move.converted(program)
    assert move.imported(move.record).json["deleted"] == 1
    assert move.would_send() == {}

    (move.cli.data / "2025/ä b.jpg").unlink()

    assert move.would_send() == {"2025/ä b.jpg": "deleted at the source"}
    assert move.run().code == 0
    assert move.objects() == ["*~.zip", "mail/2024/*~.zip"]
    assert {name.partition("data/")[2] for name in move.restored()} == set(SMALL)


def test_older_versions_become_history(move: Move) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)))
    program()
    for text in ("an older film ", "the last film "):
        move.write("film.mp4", text * 20)
        program()
    move.converted(program)

    assert move.imported(move.record).json["older"] == 2
    versions = move.cli("list", "--versions", move.cli.data / "film.mp4", "-c", move.ini, "--json").json

    assert len(versions) == 3
    for version, text in zip(versions, ("a film ", "an older film ", "the last film "), strict=True):
        (one,) = move.restored(f"id:{version['id']}").values()
        assert one == text * 20


def test_what_was_transformed_is_known_by_its_plaintext_and_comes_back(move: Move) -> None:
    secret = move.cli.folder / "passphrase"
    secret.write_text("correct horse")
    gpg = f"gpg --batch --homedir {move.cli.folder} --pinentry-mode loopback --passphrase-file {secret}"
    if shutil.which("gpg") is None:
        lacking("there is no gpg")
    commands = (DATA, f"{gpg} --s2k-count 1024 --symmetric"), (SUB, "^(.*)$", r"\1.gpg")
    taken_over(move, (SUB, r"^mail/", "post/"), (GROUP, str(THRESHOLD)), *commands)
    move.ini.write_text(move.ini.read_text().replace("gpg --batch --decrypt", f"{gpg} --decrypt"))

    assert move.objects() == ["*~.zip.gpg", "2025/ä b.jpg.gpg", "film.mp4.gpg", "post/2024/*~.zip.gpg"]
    assert move.would_send() == {}
    assert move.sent(move.run()) == set()
    everything = move.restored()

    assert {name.partition("data/")[2]: text for name, text in everything.items()} == SMALL | LARGE
    move.write("film.mp4", "a new film " * 20, MTIME + 10**9)
    assert move.sent(move.run()) == {"film.mp4"}
    assert move.objects() == ["*~.zip.gpg", "2025/ä b.jpg.gpg", "film.mp4.gpg", "post/2024/*~.zip.gpg"]


def test_what_is_sent_says_of_itself_what_s3_backup_would_say(move: Move) -> None:
    filters = (GROUP, str(THRESHOLD)), (DATA, "gzip -nc"), (DATA, "cat"), (SUB, "^(.*)$", r"\1.gz")
    program = move.s3_backup(*filters)
    move.converted(program)

    assert move.cli("-c", move.ini).code == 0

    for item in program.items():
        found = move.store.aws.head_object(Bucket=move.store.bucket, Key=item.key)["Metadata"]
        assert item.metadata().items() <= found.items()
    assert len(program.items()) == len(move.objects())


def test_an_encrypted_object_says_nothing_of_what_is_in_it(move: Move) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)))
    move.converted(program)
    password = move.cli.folder / "password"
    password.write_text("correct horse")
    password.chmod(0o600)
    move.ini.write_text(move.ini.read_text().replace("[main]", f"[main]\nseal = openssl\npassword_file = {password}"))

    assert move.cli("-c", move.ini).code == 0

    for key in move.objects():
        told = move.store.aws.head_object(Bucket=move.store.bucket, Key=key)["Metadata"]
        assert told.keys() == {"description", "tree-hash", "size"}


def test_a_catalog_that_was_made_anew_knows_the_content_of_files_from_their_objects(move: Move) -> None:
    move.converted(move.s3_backup())
    move.run()
    move.imported()  # nothing in the bucket is s3-backup's
    for path in move.cli.folder.rglob("catalog.sqlite3*"):
        path.unlink()

    assert move.cli("catalog", "rebuild", "-c", move.ini).code == 0
    os.utime(move.cli.data / "film.mp4")

    assert move.would_send() == {}


def test_a_bucket_is_taken_over_bit_by_bit_and_by_whatever_record_there_is(move: Move) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)))
    program()
    move.converted(program)
    as_version_1(move.record)

    first = move.imported(move.record).json
    move.write("another.mp4", "a film " * 30)
    move.store.aws.put_object(Bucket=move.store.bucket, Key="folder/", Body=b"")
    move.store.aws.put_object(Bucket=move.store.bucket, Key="another.mp4", Body=b"a film " * 30)
    second = move.imported().json

    assert (first["files"], first["groups"], first["recorded"]) == (2, 2, 4)
    assert (second["files"], second["known"], second["left_out"]) == (1, 4, 1)
    assert second["examples"] == ["folder/: no file can be called so"]
    assert "another.mp4" not in move.would_send()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[main]\ndestination = s3://b-1\n[/a]\nupload_tree = yes\n", "and there is none"),
        (
            "[DEFAULT]\nkeys = relative\nupload_tree = yes\n[destination x]\ndestination = s3://b-2\n"
            "[main]\ndestination = s3://b-1\n[/a]\n[/b]\ndestination = x\n",
            "there are [/a] and [/b]",
        ),
        ("[main]\ndestination = /mnt\n[/a]\nupload_tree = yes\nkeys = relative\n", "[/a] goes to /mnt"),
    ],
)
def test_a_bucket_that_belongs_to_no_section_or_several_is_refused(move: Move, text: str, said: str) -> None:
    move.ini.write_text(text)

    ran = move.cli("catalog", "import", "-c", move.ini)

    assert ran.code == 2
    assert said in ran.err


def test_s3_backup_defect_13_the_record_of_another_bucket_says_nothing_of_this_one(move: Move) -> None:
    program = move.s3_backup((GROUP, str(THRESHOLD)))
    program()
    move.store.aws.create_bucket(Bucket=f"{move.store.bucket}-other")
    program.bucket = f"{move.store.bucket}-other"
    move.converted(program)

    ran = move.cli("catalog", "import", move.record, "-c", move.ini)

    assert "took over 0 files and 0 ZIPs" in ran.out
    assert f"nothing that {move.record} knows is in the bucket: is it the record of another one?" in ran.err
    assert len(move.would_send()) == 4
