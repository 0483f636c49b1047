"""``catalog import`` of what zfs-to-aws has stored; here in a directory, where whatever lies in buckets may lie too."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.harness import REPOSITORY, Cli, Ran

SECTION = """
[zfs:tank/{name}]
layout = zfs-to-aws
seal = openssl, split, par2
volume_size = 1 MiB
password_file = {{here}}/password
"""
FULL = 1 << 20
BASELINE, SECOND = "photos/baseline-20260101", "photos/incrementals/F20260101-T20260108"


class Place:
    """A directory as zfs-to-aws would have filled it, and an INI file."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.top = cli, cli.folder / "bucket"
        (cli.folder / "password").write_text("secret\n")
        (cli.folder / "password").chmod(0o600)
        self.top.mkdir()
        self.ini = self.sections("photos")

    def sections(self, *names: str, more: str = "") -> Path:
        sections = "".join(SECTION.format(name=name) for name in names)
        return self.cli.ini(f"[main]\ndestination = {{here}}/bucket\ncatalog = {{here}}/c.sqlite3\n{sections}{more}")

    def folder(self, name: str, *sizes: int, begins: str = "") -> None:
        folder = self.top / name
        folder.mkdir(parents=True)
        stem = f"{name.partition('/')[0]}-{begins or folder.name.replace('baseline-', 'T')}-part-aaaaa"
        for letter, size in zip("abc", sizes, strict=False):
            for behind, own in (("", size), (".par2", 40), (".vol0+1.par2", 80)):
                (folder / f"{stem}{letter}{behind}").write_bytes(bytes(own))

    def __call__(self, *words: str | Path) -> Ran:
        return self.cli("catalog", "import", *words, "-c", self.ini)


@pytest.fixture
def place(cli: Cli) -> Place:
    return Place(cli)


def test_what_was_taken_over_is_told(place: Place) -> None:
    place.folder(BASELINE, FULL, 1024)
    place.folder(SECOND, 1024)
    place.folder("music/baseline-20260101", 1024)

    ran, again = place(), place("--json")

    assert ran.code == 0
    assert f"took over 1 baselines and 1 increments, 1.0 MiB, from {place.top}" in ran.out
    assert f"no section looks after what {place.top} has of music" in ran.err
    (told,) = again.json["places"]
    assert (told["known"], told["baselines"], told["strangers"]) == (2, 0, ["music"])


def test_an_empty_place_is_told(place: Place) -> None:
    assert "has no folder of these datasets: is it the right bucket, and prefix?" in place().err


def test_a_folder_in_doubt_is_told_with_what_can_be_done(place: Place) -> None:
    place.folder(BASELINE, FULL)

    ran = place()
    silent = place("--leave-out", BASELINE)
    taken = place("--accept", f"s3://bucket/{BASELINE}/", "--accept", SECOND)

    assert ran.code == 1
    assert f"left out: {BASELINE}/: the last part, aaaaaa, is a full one" in ran.err
    assert f"--accept {BASELINE}/ takes it over all the same" in ran.err
    assert "the next run goes on from the newest snapshot" in ran.err
    assert (silent.code, silent.err) == (0, "")
    assert f"{BASELINE}/ was taken over though it isn't known to be whole" in taken.out
    assert f"{SECOND}/ was named, and no such folder is in doubt" in taken.err


def test_what_is_no_folder_is_refused(place: Place) -> None:
    ran = place("--accept", "photos")

    assert ran.code == 2
    assert "photos is no folder of zfs-to-aws" in ran.err


@pytest.mark.parametrize(("typed", "count"), [("y\n", 1), ("\n", 0)])
def test_somebody_at_the_terminal_is_asked(place: Place, typed: str, count: int) -> None:
    place.folder(BASELINE, FULL)

    said = at_a_terminal(typed, "catalog", "import", "-c", place.ini)

    assert "take it over all the same? [y/N]" in said
    assert f"took over {count} baselines" in said
    assert ("left out" in said) == (count == 0)


def at_a_terminal(typed: str, *words: str | Path) -> str:
    """What is on the screen at the end."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "glacier_backup", *map(str, words)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = _all_of(lambda: os.read(ours, 65536))
        process.wait()
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def _all_of(read: Callable[[], bytes]) -> bytes:
    seen = b""
    try:
        while data := read():
            seen += data
    except OSError:  # what a terminal says at its end
        pass
    return seen


def test_passwords_of_the_json_file_are_compared(place: Place) -> None:
    place.folder(BASELINE, 1024)
    place.ini = place.sections("photos", "music", "mail")
    file = place.cli.folder / "config.json"
    file.write_text(json.dumps({"photos": {"pass": "secret"}, "music": {"pass": "hush"}}))

    said = place(file).err

    assert "the password of [zfs:tank/music] isn't the one that" in said
    assert f"{file} has no password of mail, which is that of [zfs:tank/mail]" in said
    assert "[zfs:tank/photos]" not in said
    assert "hush" not in said


def test_a_password_that_can_t_be_had_is_told(place: Place) -> None:
    place.folder(BASELINE, 1024)
    (place.cli.folder / "password").unlink()
    file = place.cli.folder / "config.json"
    file.write_text(json.dumps({"photos": {"pass": "secret"}}))

    ran = place(file)

    assert "[zfs:tank/photos]: the password file" in ran.err
    assert "took over 1 baselines" in ran.out


def test_a_json_file_that_is_none_is_told(place: Place) -> None:
    file = place.cli.folder / "config.json"
    file.write_text('{"photos": {"pass": 5}}')

    ran = place(file)

    assert ran.code == 2
    assert "'photos' has no \"pass\"" in ran.err


def test_without_such_a_section_it_is_said_how_to_get_one(place: Place) -> None:
    file = place.cli.folder / "config.json"
    file.write_text('{"photos": {"pass": "x"}}')
    place.ini = place.sections()

    ran = place(file)

    assert ran.code == 2
    assert "glacier-backup config import FILE writes them" in ran.err


def test_where_both_kinds_may_be_meant_that_is_asked(place: Place) -> None:
    place.ini = place.sections("photos", more="[{data}]\nupload_tree = yes\nkeys = relative\ndestination = {here}/x\n")

    ran = place()

    assert ran.code == 2
    assert "[zfs:tank/photos] may be a dataset of zfs-to-aws" in ran.err


def test_config_import_says_that_the_json_file_is_not_enough(place: Place) -> None:
    file = place.cli.folder / "config.json"
    file.write_text('{"photos": {"pass": "secret"}}')

    ran = place.cli("config", "import", file, "-c", place.cli.folder / "new.ini")

    assert ran.code == 2
    assert "says of no dataset in which pool it is" in ran.err


def test_config_import_tells_what_became_of_everything(place: Place) -> None:
    cron, file, target = (place.cli.folder / name for name in ("cron", "c.json", "new.ini"))
    file.write_text('{"photos": {"pass": "hush"}}')
    file.chmod(0o600)
    cron.write_text(f"./b.py --pool tank --dataset photos --aws_bucket buck --aws_cli /x/aws.sh --config {file}\n")

    told = place.cli("config", "import", cron, "-c", target, "--json").json
    again = place.cli("config", "import", cron, "-c", target)
    said = place.cli("config", "import", cron, "-c", f"{target}2")

    assert told["password_files"] == [f"{target}.photos.password"]
    assert Path(f"{target}.photos.password").read_text() == "hush\n"
    assert {"given": "--aws_bucket", "became": "destination = s3://buck"} in told["became"]
    assert again.code == 2
    assert "/x/aws.sh may have credentials" in said.err
    assert "--pool and --dataset of photos: the section [zfs:tank/photos]" in said.out
    assert "hush" not in said.out + said.err + str(told)
