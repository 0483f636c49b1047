"""``config import`` of what pyArchiver was told to do, from the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.config.pyarchiver_files import LOCAL, SERVER, ini, write_archive


@pytest.fixture
def source(cli: Cli) -> Path:
    return write_archive(cli.folder / "photos.archive", ini(SERVER))


def test_what_is_written_and_what_became_of_each_key_is_said(cli: Cli, source: Path) -> None:
    target = cli.folder / "new/photos.conf"

    ran = cli("config", "import", source, "-c", target)

    assert ran.code == 0
    files = [target, Path(f"{target}.ssh_password"), Path(f"{target}.password")]
    assert [line for line in ran.out.splitlines() if line.startswith("wrote")] == [f"wrote {file}" for file in files]
    assert "[Archive] directory: the section [/srv/photos]" in ran.out
    assert "secret" not in ran.out + ran.err
    assert "glacier-backup catalog import takes it over" in ran.err
    assert sorted(target.parent.iterdir()) == sorted(files)
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3
    assert (target.parent / "photos.conf.password").read_text() == "tar secret\n"


def test_json_says_the_same(cli: Cli, source: Path) -> None:
    target = cli.folder / "photos.conf"

    answer = cli("config", "import", source, "-c", target, "--json").json

    assert answer["file"] == str(target)
    assert answer["password_files"] == [f"{target}.ssh_password", f"{target}.password"]
    assert answer["became"]["[Repository] type"] == "destination = sftp://me@nas.example:2222/backup"
    assert answer["notes"]
    assert "secret" not in str(answer)


@pytest.mark.parametrize("there", ["photos.conf", "photos.conf.password", "photos.conf.ssh_password"])
def test_what_is_there_stays_and_nothing_else_is_written(cli: Cli, source: Path, there: str) -> None:
    (cli.folder / there).write_text("mine")
    before = sorted(os.listdir(cli.folder))

    ran = cli("config", "import", source, "-c", cli.folder / "photos.conf")

    assert ran.code == 2
    assert f"{there} exists and is left as it is" in ran.err
    assert sorted(os.listdir(cli.folder)) == before
    assert (cli.folder / there).read_text() == "mine"


def test_what_can_not_be_used_is_told_and_nothing_is_written(cli: Cli) -> None:
    (cli.folder / "photos.ini").write_text(ini(LOCAL, Archive_directory="photos", Repository_type="ftp"))

    ran = cli("config", "import", cli.folder / "photos.ini", "-c", cli.folder / "photos.conf")

    assert ran.code == 2
    assert "photos.ini:7: [Archive] directory" in ran.err
    assert "photos.ini:17: [Repository] type" in ran.err
    assert not (cli.folder / "photos.conf").exists()


def test_what_was_written_is_checked_as_good(cli: Cli) -> None:
    (cli.folder / "disk").mkdir()
    cli.data.mkdir(exist_ok=True)
    text = ini(
        LOCAL,
        Archive_directory=str(cli.data),
        Archive_exclude=r"\.bak$|^tmp/",
        Local_dir=str(cli.folder / "disk"),
        Tar_ciphered="yes",
        Tar_password="%5 of it",
    )
    (cli.folder / "photos.ini").write_text(text)
    assert cli("config", "import", cli.folder / "photos.ini", "-c", cli.folder / "photos.conf").code == 0
    for name in ("a", "a.bak", "tmp/b", "c/tmp/d.bak", "c/d"):
        (cli.data / name).parent.mkdir(parents=True, exist_ok=True)
        (cli.data / name).write_text(name)

    checked = cli("config", "check", "-c", cli.folder / "photos.conf")
    assert (checked.code, checked.err) == (0, "")
    plan = cli("-c", cli.folder / "photos.conf", "--json").json["plan"]
    (pack,) = [one for one in plan if one["action"] == "upload"]
    assert {one["path"] for one in pack["files"]} == {str(cli.data / name) for name in ("a", "c/d")}
