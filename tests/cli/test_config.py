"""``config init``, ``check`` and ``show``."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.config.seal_options import SEAL_OPTIONS
from tests.cli.harness import Cli


def test_init_writes_a_commented_file_that_can_be_filled_in(cli: Cli) -> None:
    ran = cli("config", "init")

    file = Path.home() / ".config/glacier_backup/glacier_backup.conf"
    assert ran.code == 0
    assert str(file) in ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert "#vault_name" in file.read_text()
    refused = cli("config", "check")
    assert refused.code == 2
    assert "vault_name" in refused.err


def test_init_never_overwrites(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = precious\n")

    ran = cli("config", "init", "-c", ini)

    assert ran.code == 2
    assert str(ini) in ran.err
    assert ini.read_text() == "[main]\nvault_name = precious\n"


def test_check_reports_every_problem_at_once_with_its_line(cli: Cli) -> None:
    ini = cli.ini(
        "[main]\nvalt_name = photos\npart_size = 17 MiB\n"
        "[relative/path]\nupload_dirs = yes\n"
        "[/data]\nupload_files = perhaps\n"
        "[/data/]\nupload_files = yes\n"
    )

    ran = cli("config", "check", "-c", ini)

    assert ran.code == 2
    for place in (f"{ini}:2", f"{ini}:3", f"{ini}:4", f"{ini}:7", f"{ini}:8"):
        assert place in ran.err
    assert "vault_name" in ran.err
    assert cli("-c", ini).err == ran.err


def test_check_in_json_tells_the_same(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\nlimit = many\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "check", "-c", ini, "--json")

    assert ran.code == 2
    (problem,) = ran.json["problems"]
    assert (problem["file"], problem["line"], problem["section"], problem["option"]) == (str(ini), 3, "main", "limit")


def test_check_says_when_all_is_well(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\ncatalog_copy = /mnt\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "check", "-c", ini)

    assert (ran.code, ran.out) == (0, f"{ini}: no problem found; 1 section\ndestination main: vault photos\n")
    assert cli("config", "check", "-c", ini, "--json").json == {
        "file": str(ini),
        "destinations": [{"name": "main", "destination": "vault photos"}],
        "seals": [],
        "problems": [],
        "warnings": [],
    }


_OF_SEALS = {option.name for option in SEAL_OPTIONS}

SEVERAL = """\
[main]
destination = cold, nas
ssh_password = hunter2
[destination cold]
destination = s3://my-bucket/backup
[destination nas]
destination = sftp://me@nas:23/~/backup
[{data}]
upload_files = yes
destination = nas, {here}/disk
"""


def test_check_has_a_line_for_each_destination(cli: Cli) -> None:
    ini = cli.ini(SEVERAL)
    ini.chmod(0o600)
    disk = cli.folder / "disk"
    disk.mkdir()

    ran = cli("config", "check", "-c", ini)

    assert (ran.code, ran.err) == (0, "")
    *cloud, local = ran.out.splitlines()[1:]
    assert cloud == ["destination cold: s3://my-bucket/backup", "destination nas: sftp://me@nas:23/~/backup"]
    assert local.startswith(f"destination {disk}: {disk} (on the file system mounted at /")


def test_check_marks_a_backup_disk_and_makes_no_directory_where_none_is_mounted(cli: Cli) -> None:
    ini = cli.ini("[main]\ndestination = {here}/disk\n[{data}]\nupload_files = yes\n")
    disk = cli.folder / "disk"

    unmounted = cli("config", "check", "-c", ini)
    assert not disk.exists()
    disk.mkdir()
    mounted = cli("config", "check", "-c", ini)

    assert (unmounted.code, mounted.code) == (0, 0)
    assert f"{disk} does not exist; mount its disk; if that is mounted: mkdir {disk}" in unmounted.err
    assert mounted.err == ""
    assert (disk / ".glacier-backup").read_text().startswith("Archives of glacier-backup are kept in this directory")


def test_a_disk_that_was_marked_and_is_not_mounted_is_not_written_to_not_even_by_the_first_run(cli: Cli) -> None:
    ini = cli.ini("[main]\ndestination = {here}/disk\n[{data}]\nupload_files = yes\n")
    (cli.data / "file").write_text("x")
    disk = cli.folder / "disk"
    disk.mkdir()
    assert cli("config", "check", "-c", ini).code == 0
    disk.rename(cli.folder / "unplugged")
    disk.mkdir()

    unmounted = cli("-c", ini)

    assert unmounted.code == 4
    assert "is its disk mounted?" in unmounted.err
    assert list(disk.iterdir()) == []
    disk.rmdir()
    (cli.folder / "unplugged").rename(disk)
    assert cli("-c", ini).code == 0


def test_show_has_all_destinations_and_no_secrets(cli: Cli) -> None:
    ini = cli.ini(SEVERAL)

    ran = cli("config", "show", "-c", ini, "--json")
    table = cli("config", "show", "-c", ini).out

    assert ran.json["main"]["destination"] == "cold\nnas"
    cold, nas, _ = ran.json["destinations"]
    assert (cold["name"], cold["destination"], cold["storage_class"]) == (
        "cold",
        "s3://my-bucket/backup",
        "DEEP_ARCHIVE",
    )
    assert (nas["ssh_password"], nas["connections"]) == ("(set)", "4")
    assert "storage_class" not in nas
    assert ran.json["sections"][0]["destination"] == f"nas\n{cli.folder}/disk"
    assert "destination nas" in table
    assert "(set)" in table
    assert "hunter2" not in ran.out + table


def test_show_prints_what_is_in_force_and_where_it_comes_from(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\nlimit = 3\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "show", "-c", ini, "--limit", "5", "--json")

    assert ran.json["main"]["vault_name"] == "photos"
    assert ran.json["main"]["limit"] == "5"
    (vault,) = ran.json["destinations"]
    assert (vault["name"], vault["vault_name"], vault["region"]) == ("main", "photos", "")
    (section,) = ran.json["sections"]
    assert (section["seal"], section["encrypt"]) == ("none", "no")
    assert [{name: value for name, value in section.items() if name not in _OF_SEALS}] == [
        {
            "path": str(cli.data),
            "destination": "main",
            **dict.fromkeys(
                (f"keep_{rule}" for rule in ("last", "within", "daily", "weekly", "monthly", "yearly")), "off"
            ),
            "pack_size": "none",
            "group_files_smaller_than": "none",
            "group_names": "prefix",
            "group_max": "1 GiB",
            "deleted": "keep",
            "max_delete": "10 %",
            "upload_single_dir": "no",
            "upload_tree": "no",
            "upload_dirs": "no",
            "upload_files": "yes",
            "upload_if_changed": "no",
            "compare": "size, mtime",
            "filters": "",
            "incremental": "no",
            "full_every": "180 days | 30 increments | 50 %",
            "exclude": "",
            "exclude_paths": "",
            "exclude_patterns": "",
            "exclude_regex": "",
            "keys": "host",
            "keep_versions": "yes",
            "symlinks": "store",
        }
    ]
    table = cli("config", "show", "-c", ini).out
    assert f"{ini}:3" in table
    assert "default" in table


STREAMER = """\
HETZNER_HOST=u1.your-storagebox.de
HETZNER_USER=u1
HETZNER_PASSWORD='hunter2 # $x'
REMOTE_PATH=/home/photos
S3_BUCKET=my-bucket
S3_PREFIX=box
AWS_REGION=eu-central-1
AWS_ACCESS_KEY_ID=AKIA
SMTP_HOST=unused
"""


@pytest.fixture
def streamer(cli: Cli) -> Path:
    env = cli.folder / ".env"
    env.write_text(STREAMER)
    env.chmod(0o600)
    return env


def test_import_writes_a_file_that_does_what_the_streamer_did(cli: Cli, streamer: Path) -> None:
    target = cli.folder / "new/backup.ini"

    ran = cli("config", "import", streamer, "-c", target)

    assert ran.code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert "HETZNER_PASSWORD" in ran.out
    assert f"left in {streamer}, which every run loads: AWS_ACCESS_KEY_ID, SMTP_HOST" in ran.out
    assert "archive_state.db" in ran.err
    assert "hunter2" not in ran.out + ran.err + target.read_text()
    checked = cli("config", "check", "-c", target)
    assert (checked.code, checked.err) == (0, "")
    assert "1 section\ndestination main: s3://my-bucket/box\n" in checked.out
    (section,) = cli("config", "show", "-c", target, "--json").json["sections"]
    assert (section["ssh_password"], section["upload_tree"], section["keys"]) == ("(set)", "yes", "relative")


def test_import_never_overwrites(cli: Cli, streamer: Path) -> None:
    ini = cli.ini("precious")

    assert cli("config", "import", streamer, "-c", ini).code == 2
    assert ini.read_text() == "precious"


def test_import_tells_all_that_is_missing_and_writes_nothing(cli: Cli, streamer: Path) -> None:
    streamer.write_text("S3_BUCKET=my-bucket\nnonsense\n")

    ran = cli("config", "import", streamer, "-c", cli.folder / "x.ini")

    assert ran.code == 2
    assert [line.split()[1] for line in ran.err.splitlines()[:5]] == [
        f"{streamer}:2:",
        *[f"{streamer}"] * 4,
    ]
    assert not (cli.folder / "x.ini").exists()
    assert cli("config", "import", cli.folder / "nothing").code == 2


def test_import_in_json_tells_the_same(cli: Cli, streamer: Path) -> None:
    target = cli.folder / "x.ini"

    answer = cli("config", "import", streamer, "-c", target, "--json").json

    assert (answer["file"], answer["state_db"]) == (str(target), str(cli.folder / "archive_state.db"))
    assert answer["left"] == ["AWS_ACCESS_KEY_ID", "SMTP_HOST"]
    assert "REMOTE_PATH" in answer["read"]
