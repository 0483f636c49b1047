"""Coming from the Storage Box streamer: its ``.env`` file as an INI file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config import ini
from glacier_backup.config.env_file import EnvFile
from glacier_backup.config.folders import Folders
from glacier_backup.config.inside import Inside, read_file
from glacier_backup.config.places import Where, path_on_server
from glacier_backup.config.streamer import Streamer, read_streamer
from glacier_backup.config.streamer_ini import render
from glacier_backup.config.values import normal_path
from glacier_backup.errors import ConfigError, Problem
from tests.config.conftest import Desk

FILE = "/home/me/streamer/.env"
GIVEN = {
    "HETZNER_HOST": "u1.your-storagebox.de",
    "HETZNER_USER": "u1",
    "HETZNER_PASSWORD": "hunter2",
    "REMOTE_PATH": "/home/photos/",
    "S3_BUCKET": "my-bucket",
    "S3_PREFIX": "box/",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


def read(values: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None, **more: str) -> Streamer:
    return read_streamer(FILE, EnvFile({**GIVEN, **more} if values is None else dict(values)), environ or {})


def written(streamer: Streamer) -> Inside:
    """The INI file, read back with the password in the environment."""
    text = render(streamer, "/home/me/x.ini")
    folders = Folders({"HOME": "/home/me", "HETZNER_PASSWORD": GIVEN["HETZNER_PASSWORD"]})
    return read_file("/home/me/x.ini", ini.parse(text, "/home/me/x.ini"), folders)


def problems(values: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(values)
    return [str(problem).removeprefix(f"{FILE}: ").removeprefix(f"{FILE} ") for problem in caught.value.problems]


def test_all_its_settings_arrive(desk: Desk) -> None:
    env = desk.here / ".env"
    env.write_text("".join(f"{key}={value}\n" for key, value in GIVEN.items()) + "EXCLUDE_PATHS= /tmp/ ,, old\n")
    env.chmod(0o600)
    values = {**GIVEN, "EXCLUDE_PATHS": " /tmp/ ,, old"}
    settings = desk.load(render(read_streamer(str(env), EnvFile(values), {}), desk.file))
    (bucket,), (section,) = settings.destinations, settings.sections
    assert (str(bucket), bucket.region, bucket.storage_class) == ("s3://my-bucket/box", "eu-central-1", "DEEP_ARCHIVE")
    assert section.path == "sftp://u1@u1.your-storagebox.de:23/home/photos"
    assert section.server is not None
    assert section.server.ssh_password is not None
    assert section.server.ssh_password.get_secret_value() == "hunter2"
    assert (section.is_tree, section.upload_if_changed, section.keys) == (True, True, "relative")
    assert (section.keep_versions, section.symlinks, section.exclude_paths) == (False, "follow", ("tmp", "old"))
    assert settings.logfile == str(desk.here / "archive.log")
    assert ("AWS_ACCESS_KEY_ID", "AKIA") in settings.environment
    assert settings.warnings == ()


def test_the_secrets_stay_where_they_are() -> None:
    text = render(read(), "/x.ini")
    assert "hunter2" not in text
    assert "secret" not in text
    assert "hunter2" not in repr(read())


def test_what_was_read_and_what_is_left_is_told() -> None:
    streamer = read(EXCLUDE_DIRS="a", EXCLUDE_PATHS="", SMTP_HOST="x")
    assert streamer.read == (*list(GIVEN)[:7], "EXCLUDE_PATHS")
    assert streamer.left == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "EXCLUDE_DIRS", "SMTP_HOST")


def test_all_that_is_missing_is_told_at_once() -> None:
    found = problems({"HETZNER_HOST": "  ", "AWS_REGION": "eu central"})
    keys = [problem.partition(":")[0] for problem in found]
    assert keys == ["HETZNER_HOST", "HETZNER_USER", "HETZNER_PASSWORD", "REMOTE_PATH", "S3_BUCKET", "AWS_REGION"]
    assert found[4] == "S3_BUCKET: is set neither there nor in the environment; expected the name of the bucket"


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (
            "REMOTE_PATH",
            "photos",
            "found 'photos' (it is seen from where a log-in arrives); expected an absolute path; ",
        ),
        ("REMOTE_PATH", "/~/photos", "found '/~/photos' (it has no absolute path on the server); expected "),
        ("REMOTE_PATH", "/a\nb", "found '/a\\nb' (it has a line break or a NUL byte in it); expected "),
        ("HETZNER_HOST", "sftp://u1.example", "found 'sftp://u1.example' ("),
        ("HETZNER_USER", "u\t1", "found 'u\\t1' ("),
        ("HETZNER_PASSWORD", "hunter\n2", "found a value that isn't shown (it has a line break or a NUL byte in it); "),
        ("S3_BUCKET", "s3://my-bucket", "found 's3://my-bucket'; expected the name of a bucket, and nothing else"),
        ("S3_BUCKET", "My_Bucket", "found 'My_Bucket' (a bucket's name has 3 to 63 of "),
        ("S3_PREFIX", "a//b", "found 'a//b' (a prefix has no component ''); expected names with / between them"),
        ("EXCLUDE_PATHS", "a, ../b", "found 'a, ../b' ('../b' has .. in it); expected paths with commas between them"),
        ("LOG_FILE", "a\rb", "found 'a\\rb' ("),
    ],
)
def test_what_cannot_be_used_is_told_with_its_key(key: str, value: str, why: str) -> None:
    (problem,) = problems({**GIVEN, key: value})
    assert problem.startswith(f"{key}: {why}")


@pytest.mark.parametrize(
    ("more", "excluded"),
    [
        ({"EXCLUDE_DIRS": "a,b"}, ("a", "b")),
        ({"EXCLUDE_DIRS": "a,b", "EXCLUDE_PATHS": "c"}, ("c",)),
        ({"EXCLUDE_DIRS": "a,b", "EXCLUDE_PATHS": ""}, ()),
        ({"EXCLUDE_PATHS": "/, ,//,. ,./a,b//c"}, ("a", "b/c")),
        (
            {"EXCLUDE_PATHS": "/home/photos/a, home/photos, home/photosx"},
            ("/home/photos/a", "/home/photos", "home/photosx"),
        ),
        ({"EXCLUDE_PATHS": "a/b", "REMOTE_PATH": "/"}, ("a/b",)),
    ],
)
def test_what_is_excluded_stays_so(more: dict[str, str], excluded: tuple[str, ...]) -> None:
    streamer = read({**GIVEN, **more})
    assert streamer.excluded == excluded
    (section,) = written(streamer).paths
    assert not excluded or section.options["exclude_paths"].value == excluded


def test_files_are_seen_from_the_folder_of_its_file() -> None:
    assert (read().state_db, read().logfile) == ("/home/me/streamer/archive_state.db", "/home/me/streamer/archive.log")
    streamer = read(STATE_DB="state/x.db", LOG_FILE="/var/log/x")
    assert (streamer.state_db, streamer.logfile) == ("/home/me/streamer/state/x.db", "/var/log/x")


def test_what_only_the_environment_has_is_used_and_told() -> None:
    values = {key: value for key, value in GIVEN.items() if key not in ("S3_PREFIX", "AWS_ACCESS_KEY_ID")}
    streamer = read(values, {"S3_PREFIX": "/box", "AWS_REGION": "us-east-1"})
    assert streamer.destination == "s3://my-bucket/box"
    assert streamer.region == "eu-central-1"
    assert [note.split()[0] for note in streamer.notes] == ["S3_PREFIX", "AWS_REGION", "the", "S3_PREFIX", "there"]


def test_without_a_prefix_and_a_region_there_is_none() -> None:
    values = {key: value for key, value in GIVEN.items() if key not in ("S3_PREFIX", "AWS_REGION")}
    inside = written(read(values))
    assert inside.main["destination"].value == (Where("s3", bucket="my-bucket"),)
    assert "region" not in inside.main


def test_problems_of_the_file_itself_are_told_with_all_others() -> None:
    env = EnvFile(dict(GIVEN), (Problem(FILE, 3, None, None, "found nonsense"),))
    with pytest.raises(ConfigError, match=r"\.env:3: found nonsense"):
        read_streamer(FILE, env, {})


odd = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=12)


@given(odd, odd, st.lists(odd, max_size=3))
def test_whatever_it_says_is_read_back_as_it_was(name: str, log: str, excluded: list[str]) -> None:
    values = {**GIVEN, "REMOTE_PATH": f"/top/{name}", "LOG_FILE": f"/log/{log}", "EXCLUDE_PATHS": ",".join(excluded)}
    try:
        streamer = read(values)
    except ConfigError:
        assert ".." in "".join(excluded) or "~" in name
        return
    inside = written(streamer)
    assert inside.problems == ()
    (section,) = inside.paths
    assert section.name == str(path_on_server(f"sftp://u1@u1.your-storagebox.de:23/top/{name}"))
    found = section.options.get("exclude_paths")
    assert (() if found is None else found.value) == streamer.excluded
    assert inside.main["logfile"].value == normal_path(f"/log/{log}")


@pytest.mark.parametrize("value", ["$5", "a ${b} c", "# x", " lead", "'q'", '"', "%(x)s", "x ; y", "[x]", "~/x", "a=b"])
def test_odd_values_are_quoted_right(value: str) -> None:
    inside = written(read(REMOTE_PATH=f"/top/{value}", LOG_FILE=f"/log/{value}", EXCLUDE_PATHS=f"{value},x"))
    (section,) = inside.paths
    assert section.name == f"sftp://u1@u1.your-storagebox.de:23/top/{value}"
    assert inside.main["logfile"].value == f"/log/{value}"
    excluded = section.options["exclude_paths"].value
    assert excluded == ("./~/x" if value == "~/x" else value.strip(), "x")
    assert inside.problems == ()
