from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.secrets import secret_of
from glacier_backup.config.settings import Settings
from glacier_backup.config.zfs_to_aws import is_zfs_to_aws, read_zfs_to_aws
from glacier_backup.config.zfs_to_aws_ini import became, password_files, render
from glacier_backup.config.zfs_to_aws_json import is_passwords, read_passwords
from glacier_backup.errors import ConfigError, UsageError

WORDS = "--pool tank --dataset photos --aws_bucket my-bucket --aws_cli aws --config /c.json"
PASSWORD = 'p"a,} ss\\word'


class Desk:
    """A crontab and a JSON file in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cron, self.json, self.ini = folder / "crontab", folder / "c.json", folder / "backup.ini"
        self.write(photos=PASSWORD)

    def write(self, **passwords: str) -> None:
        self.json.write_text(json.dumps({name: {"pass": one} for name, one in passwords.items()}))
        self.json.chmod(0o600)

    def line(self, *changed: tuple[str, str]) -> str:
        words = f"./backup.py {WORDS}".replace("/c.json", str(self.json))
        for old, new in changed:
            words = words.replace(old, new)
        return words

    def load(self, *lines: str) -> Settings:
        """What the program makes of the INI file that it writes itself."""
        self.cron.write_text("".join(f"{line}\n" for line in lines))
        assert is_zfs_to_aws(str(self.cron))
        given = read_zfs_to_aws(str(self.cron), {"HOME": str(self.folder)})
        for path, password in password_files(given, str(self.ini)).items():
            Path(path).write_text(f"{password}\n")
            Path(path).chmod(0o600)
        self.ini.write_text(render(given, str(self.ini)))
        assert {what for _, what in became(given, str(self.ini))}
        return load(str(self.ini), environ={"HOME": str(self.folder)})

    def notes(self, line: str) -> str:
        self.cron.write_text(line)
        return "\n".join(read_zfs_to_aws(str(self.cron), {"HOME": str(self.folder)}).notes)

    def problems(self, *lines: str) -> list[str]:
        self.cron.write_text("".join(f"{line}\n" for line in lines))
        with pytest.raises(ConfigError) as raised:
            read_zfs_to_aws(str(self.cron), {"HOME": str(self.folder)})
        assert PASSWORD not in str(raised.value)
        return [str(one) for one in raised.value.problems]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_cron_line_becomes_a_section_that_does_the_same(desk: Desk) -> None:
    settings = desk.load(f"MAILTO=me\n0 15 * * 3 {desk.line()} --tag weekly > /tmp/log 2>&1")

    (section,), (destination,) = settings.sections, settings.destinations
    assert (destination.bucket, destination.directory, destination.storage_class) == ("my-bucket", "", "DEEP_ARCHIVE")
    assert (section.path, section.layout) == ("zfs:tank/photos", "zfs-to-aws")
    assert section.snapshots is not None
    assert (section.snapshots.taking, section.snapshots.tag, section.snapshots.intermediates) == (
        *("create", "weekly", True),
    )
    assert (section.seal.seal, section.seal.volume_size) == (("openssl", "split", "par2"), 4 << 30)
    secret = secret_of(section.seal)
    assert secret is not None
    assert secret() == PASSWORD
    assert str(section.full_every) == "none"
    text = desk.ini.read_text()
    assert "#     0 15 * * 3  glacier-backup -c" in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "cd /srv && {} | logger",
        "/bin/bash -lc '{}'",
        'nice -n 10 bash -l -c "cd /srv; {}"',
        "python3 /opt/zfs-to-aws/{}",
    ],
)
def test_a_command_line_is_found_wherever_it_stands(desk: Desk, around: str) -> None:
    (section,) = desk.load(around.format(desk.line().removeprefix("./"))).sections

    assert section.path == "zfs:tank/photos"


def test_several_lines_are_several_sections_of_one_file(desk: Desk) -> None:
    desk.write(**{"photos": "one", "my docs": "two", "my_docs": "three"})
    lines = [desk.line(("photos", f"'{name}'")) for name in ("my docs", "my_docs")]

    settings = desk.load(
        desk.line(("my-bucket", "my-bucket/a/b")), *(one.replace("my-bucket", "my-bucket/a/b") for one in lines)
    )

    found = {section.path: secret_of(section.seal) for section in settings.sections}
    assert {path: secret and secret() for path, secret in found.items()} == {
        **{"zfs:tank/photos": "one", "zfs:tank/my docs": "two", "zfs:tank/my_docs": "three"},
    }
    assert settings.destinations[0].directory == "a/b"


def test_the_config_is_seen_from_where_the_command_runs(desk: Desk) -> None:
    line = f"cd {desk.folder} && {desk.line((str(desk.json), 'c.json'))}"

    assert desk.load(line).sections
    assert f"--config is c.json, seen from {desk.folder}" in desk.notes(line)


def test_what_is_said_to_a_person(desk: Desk) -> None:
    desk.json.chmod(0o644)

    said = desk.notes(desk.line(("--aws_cli aws", "--aws_cli /opt/aws.sh")) + " --from_date 20260101")

    assert "/opt/aws.sh may have credentials, a region or a profile of its own" in said
    assert "--from_date 20260101 is left out" in said
    assert "others may read" in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--pool tank", ""), "the following arguments are required: --pool"),
        (("tank", "tank/"), "--pool and --dataset: found 'zfs:tank//photos' (there is "),
        (("photos", "music"), "has no password of music"),
        (("my-bucket", "my_bucket"), "found 'my_bucket' for --aws_bucket"),
        (("my-bucket", "my-bucket/x/"), "with that slash there would be an empty name in all keys"),
        (("my-bucket", "$BUCKET"), "of which a shell makes something else"),
        (("--aws_cli", "--tag a@b --aws_cli"), "found 'a@b' for --tag"),
    ],
)
def test_what_can_t_be_used_is_told_with_its_line(desk: Desk, changed: tuple[str, str], says: str) -> None:
    (problem,) = desk.problems("# a comment", desk.line(changed))

    assert says in problem
    assert f"{desk.cron}:2" in problem


def test_lines_that_no_one_ini_file_can_do_are_told(desk: Desk) -> None:
    desk.write(photos="one", music="two")
    other = desk.line(("my-bucket", "other-bucket"), ("photos", "music"))
    nested = desk.line(("tank", "tank/old"))
    tagged = desk.line() + " --tag x"

    bucket, clash, tag = desk.problems(desk.line(), other, nested, tagged)

    assert "found --aws_bucket other-bucket, and line 1 has my-bucket" in bucket
    assert "zfs:tank/photos and zfs:tank/old/photos are both called photos in the bucket" in clash
    assert "has tag x here and offsite before" in tag


def test_a_file_without_such_a_line_is_none(desk: Desk) -> None:
    desk.cron.write_text("# ./backup.py --aws_bucket x\n")

    assert not is_zfs_to_aws(str(desk.cron))
    with pytest.raises(UsageError, match="has no command line of zfs-to-aws"):
        read_zfs_to_aws(str(desk.cron), {})


# The JSON file.


def test_a_comma_behind_the_last_entry_does_no_harm(desk: Desk) -> None:
    desk.json.write_text('{\n "a": {"pass": "x, }",},\n "b": {\n"pass": "y"\n},\n}\n')

    assert is_passwords(str(desk.json))
    assert read_passwords(str(desk.json)) == {"a": "x, }", "b": "y"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": {"pass": "topsecret"} "b"}', "is no JSON: line 1, column 29"),
        ('["topsecret"]', "found no object"),
        ('{"a": {"pass": 5}}', "'a' has no \"pass\", or none that is a text"),
        ('{"a": {"pass": ""}}', "'a' has no \"pass\", or none that is a text"),
        ('{"a": {"pass": "topsecret\\n"}}', "the password of 'a' isn't one line of at most 1,023 bytes"),
        ('{"a": {"pass": "topsecret\\ud800"}}', "the password of 'a' is no text that UTF-8 has"),
        ("[" * 100_000, "is no JSON"),
        ('{"a": "\xff', "is no JSON"),
    ],
)
def test_what_is_wrong_in_it_is_told_without_a_password(desk: Desk, text: str, says: str) -> None:
    desk.json.write_bytes(text.encode("latin-1"))

    with pytest.raises(ValueError, match=r".") as raised:
        read_passwords(str(desk.json))

    assert says in str(raised.value)
    assert "topsecret" not in repr(raised.value)


def test_zfs_to_aws_defect_5_a_password_is_in_no_file_that_others_may_read(desk: Desk) -> None:
    (section,) = desk.load(desk.line()).sections

    assert section.seal.password is None
    assert section.seal.password_file is not None
    assert os.stat(section.seal.password_file).st_mode & 0o777 == 0o600
    given = read_zfs_to_aws(str(desk.cron), {"HOME": str(desk.folder)})
    assert PASSWORD not in repr(given)
