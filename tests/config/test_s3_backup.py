from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.s3_backup import is_s3_backups, read_s3_backup
from glacier_backup.config.s3_backup_ini import became, render
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.errors import ConfigError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crontab"


def read(file: Path, text: str) -> Settings:
    """What the program makes of the INI file that it writes itself."""
    file.write_text(text)
    assert is_s3_backups(str(file))
    target = file.with_name("backup.ini")
    target.write_text(render(read_s3_backup(str(file), {"HOME": "/home/me"}), str(target)))
    return load(str(target), environ={"HOME": str(file.parent)})


def only(settings: Settings) -> SectionSettings:
    (section,) = settings.sections
    return section


def test_a_cron_line_becomes_a_section_that_does_the_same(file: Path) -> None:
    line = (
        "MAILTO=me\n# s3-backup of old\n5 4 * * 0 /opt/s3-backup -v --profile work --group-files-smaller-than '1 MiB' "
    )

    settings = read(file, line + "~/Photos my-bucket >> /var/log/x.log 2>&1\n")

    (destination,) = settings.destinations
    section = only(settings)
    assert (destination.bucket, destination.profile, destination.storage_class) == ("my-bucket", "work", "STANDARD")
    assert (section.path, section.keys, section.symlinks) == ("/home/me/Photos", "relative", "follow")
    assert (section.compare, section.group_files_smaller_than) == ("size, mtime, hash", 1 << 20)
    assert (section.group_names, section.group_max, section.deleted) == ("root", None, "expire")
    assert "5 4 * * 0  glacier-backup -c" in file.with_name("backup.ini").read_text()


def test_filters_come_in_their_order_and_do_what_they_did(file: Path) -> None:
    line = r"""s3-backup --key-sub '^\.ssh/.*' '' --key-sub "it's" 'a b' --group-files-smaller-than 1k \
        --data-xform 'gpg --encrypt -r me --set-filename "$KEY" -' --filename-xform 'echo -n "${KEY}.gpg"' \
        --data-xform 'zstd -c' --key-sub '(.*)' '\1.x' /srv/data bucket-1 --storage-class DEEP_ARCHIVE"""

    section = only(read(file, line))

    assert [one.kind for one in section.filters] == ["key_sub", "key_sub", "group", "data", "name", "data", "key_sub"]
    assert [(one.pattern, one.replacement) for one in section.filters if one.kind == "key_sub"] == [
        (r"^\.ssh/.*", ""),
        ("it's", "a b"),
        ("(.*)", r"\1.x"),
    ]
    assert [one.command for one in section.filters if one.command] == [
        ("/bin/bash", "-c", 'gpg --encrypt -r me --set-filename "$KEY" -'),
        ("/bin/bash", "-c", 'echo -n "${KEY}.gpg"'),
        ("zstd", "-c"),
    ]
    assert section.seal.undo_data == (("gpg", "--batch", "--decrypt"), ("zstd", "-dc"))
    assert section.group_files_smaller_than is None


def test_a_script_may_change_the_folder_first_and_have_shortened_flags(file: Path) -> None:
    settings = read(file, "#!/bin/sh\ncd /srv/backup && exec nice s3-backup --no-trust --cache cache.db data b-1\n")

    assert (only(settings).path, only(settings).compare) == ("/srv/backup/data", "hash")
    assert "catalog import -c" in file.with_name("backup.ini").read_text()


def test_what_becomes_of_each_part_is_told_without_what_commands_hold(file: Path) -> None:
    file.write_text("s3-backup --group-files-smaller-than 0 --data-xform 'openssl enc -k hunter2' /srv/data b-1")

    told = dict(became(read_s3_backup(str(file), {"HOME": "/"})))

    assert told["/srv/data"] == "the section [/srv/data]"
    assert told["--data-xform"] == "filters: data …"
    assert "hunter2" not in str(told)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s3-backup /srv/data", "the following arguments are required: bucket"),
        ("s3-backup /srv/data b-1 --fast", "unrecognized arguments: --fast"),
        ("s3-backup $DIR b-1", "found '$DIR' for PATH, of which a shell makes something else"),
        ("s3-backup /srv/data a/b", "found 'a/b'; expected the name of a bucket"),
        ("s3-backup --group-files-smaller-than 1m /srv/data b-1", "found '1m'; expected a size"),
        ("s3-backup --data-xform x --group-files-smaller-than 1M /a b-1", "files are grouped behind --data-xform"),
        ("s3-backup --group-files-smaller-than 1 --group-files-smaller-than 2 /a b-1", "files are grouped twice"),
    ],
)
def test_what_can_not_be_carried_over_is_said_with_its_line(file: Path, line: str, said: str) -> None:
    file.write_text(f"\n{line}\n")

    with pytest.raises(ConfigError, match=re.escape(said)) as raised:
        read_s3_backup(str(file), {"HOME": "/"})

    assert [problem.line for problem in raised.value.problems] == [2]


def test_a_file_without_such_a_line_is_refused(file: Path) -> None:
    file.write_text("# s3-backup was here\nrsync /a /b\ns3-backups 'no end\n")

    with pytest.raises(UsageError, match="has no command line of s3-backup"):
        read_s3_backup(str(file), os.environ)
    file.write_text("HETZNER_HOST=x\n")
    assert not is_s3_backups(str(file))
    assert not is_s3_backups(str(file.parent / "nothing"))


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("s3-backup --dry-run /srv/data b-1", "give -d to glacier-backup"),
        ("s3-backup --group-files-smaller-than 0 /srv/data b-1", "groups nothing"),
        ("s3-backup data b-1", "PATH is data, seen from /home/me"),
        ("s3-backup /a b-1\ns3-backup /c b-2", "the one in line 1 was taken"),
        ("s3-backup /a b-1", "s3:ListBucketVersions"),
        ("s3-backup /a b-1", "there is no /home/me/s3_content.sqlite"),
    ],
)
def test_what_a_person_should_know_is_noted(file: Path, line: str, note: str) -> None:
    file.write_text(line)

    assert any(note in one for one in read_s3_backup(str(file), {"HOME": "/home/me"}).notes)
