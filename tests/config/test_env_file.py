"""The file of variables beside the INI file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config.env_file import Unreadable, read_env_file
from tests.config.conftest import Desk

TEXT = "[main]\nenv_file = ${here}/.env\ndestination = ${env:WHERE}\n[/data]\n"


@pytest.fixture
def env(desk: Desk) -> Path:
    file = desk.here / ".env"
    file.write_text("WHERE=/mnt/disk\nAWS_SECRET_ACCESS_KEY='s3cr3t'\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("KEY=", ""),
        ("  export   KEY = a b  ", "a b"),
        ("KEY=a # comment", "a"),
        ("KEY= # comment", ""),
        ("KEY=a#b", "a#b"),
        ("KEY=#b", "#b"),
        ("KEY=a=b", "a=b"),
        ("KEY=it's", "it's"),
        ("KEY=$HOME\\n", "$HOME\\n"),
        ("KEY='a # $b ${c} \\n \"'  # comment", 'a # $b ${c} \\n "'),
        ('KEY="a # \\"b\\" \\\\ \\$ \\n \\t \\x \'"', 'a # "b" \\ $ \n \t \\x \''),
        ('KEY="\\${a}"', "${a}"),
        ("KEY=''", ""),
        ("KEY=ä\udcff", "ä\udcff"),
        ("KEY=a\r", "a"),
        ("\ufeffKEY=a", "a"),
        ("KEY=a\nKEY=b", "b"),
        ("# comment\n\n \nKEY=a\n#KEY=b", "a"),
    ],
)
def test_a_line_is_read(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes(line.encode("utf-8", "surrogateescape"))
    assert read_env_file(str(file)) == ({"KEY": value}, (), True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("secret", "found a line that isn't shown; expected KEY=value, a comment or nothing"),
        ("=secret", "found a line that isn't shown; expected KEY=value, a comment or nothing"),
        ("1KEY=secret", "found a line that isn't shown; expected KEY=value, a comment or nothing"),
        ("KEY: secret", "found a line that isn't shown; expected KEY=value, a comment or nothing"),
        ("KEY='secret", "found KEY with a quote that doesn't end its value; expected one, and nothing behind it"),
        ("KEY='sec'ret", "found KEY with a quote that doesn't end its value; expected one, and nothing behind it"),
        ('KEY="secret\\"', "found KEY with a quote that doesn't end its value; expected one, and nothing behind it"),
        ("KEY=${secret}", "found ${ in KEY, which is not filled in here; expected '…' around it, or its meaning"),
        ('KEY="a${secret}"', "found ${ in KEY, which is not filled in here; expected '…' around it, or its meaning"),
        ("KEY=a\0b", "found a NUL byte in KEY; expected text"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line_and_without_its_value(
    desk: Desk, env: Path, line: str, message: str
) -> None:
    env.write_text(f"WHERE=/mnt\n{line}\n")
    assert desk.problems(TEXT) == [f".env:2: {message}"]


@given(st.binary(max_size=40))
def test_any_bytes_are_variables_or_problems(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_bytes(content)
    read_env_file(str(file))


def test_it_is_there_for_references_and_for_others(desk: Desk, env: Path) -> None:
    settings = desk.load(TEXT)
    assert settings.env_file == str(env)
    assert settings.destinations[0].directory == "/mnt/disk"
    assert settings.environment == (("WHERE", "/mnt/disk"), ("AWS_SECRET_ACCESS_KEY", "s3cr3t"))
    assert settings.warnings == ()
    assert "s3cr3t" not in repr(settings) + str(settings)


def test_variables_that_are_set_already_win(desk: Desk, env: Path) -> None:
    settings = desk.load(TEXT, environ={"WHERE": "/else"})
    assert settings.destinations[0].directory == "/else"
    assert dict(settings.environment) == {"AWS_SECRET_ACCESS_KEY": "s3cr3t"}


def test_it_may_set_options_and_name_sections_too(desk: Desk, env: Path) -> None:
    env.write_text("GLACIER_BACKUP_LIMIT=3\nGLACIER_BACKUP_LIMTI=3\nWHERE=/mnt\nDATA=/photos\n")
    settings = desk.load(TEXT + "[${env:DATA}]\n")
    assert settings.limit == 3
    assert [section.path for section in settings.sections] == ["/data", "/photos"]
    assert settings.warnings == (
        "environment GLACIER_BACKUP_LIMTI: is no option and has no effect; did you mean GLACIER_BACKUP_LIMIT?",
    )


def test_its_own_name_may_come_from_the_environment_as_it_was(desk: Desk, env: Path) -> None:
    text = TEXT.replace("${here}/.env", "${env:FOLDER}/.env")
    assert desk.load(text, environ={"FOLDER": str(desk.here)}).env_file == str(env)
    (problem,) = desk.problems(text, environ={"WHERE": "/mnt"})
    assert problem.startswith("x.conf:2: [main] env_file: found ${env:FOLDER}, but FOLDER isn't in the environment")


def test_it_may_be_named_outside_of_the_file(desk: Desk, env: Path) -> None:
    text = TEXT.replace("env_file = ${here}/.env\n", "")
    for given_outside in (
        desk.load(text, environ={"GLACIER_BACKUP_ENV_FILE": str(env)}),
        desk.load(text, overrides={"env_file": str(env)}),
        desk.load(paths=["/data"], overrides={"env_file": str(env)}),
    ):
        assert dict(given_outside.environment)["WHERE"] == "/mnt/disk"


def test_it_may_stand_in_default(desk: Desk, env: Path) -> None:
    assert desk.load(TEXT.replace("[main]\n", "[DEFAULT]\n")).destinations[0].directory == "/mnt/disk"


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("gone", "found no file '<here>/gone'; expected a file of KEY=value lines"),
        ("", "found '<here>', which is no regular file; expected a file of KEY=value lines"),
        ("x.conf/y", "found '<here>/x.conf/y', which can't be read: not a directory; expected one that can"),
    ],
)
def test_one_that_cannot_be_read_is_told_where_it_is_named(desk: Desk, named: str, what: str) -> None:
    text = f"[main]\nenv_file = ${{here}}/{named}\ndestination = /mnt\n"
    expected = f"x.conf:2: [main] env_file: {what}".replace("<here>/", "").replace("<here>", str(desk.here))
    assert desk.problems(text) == [expected]


def test_one_that_others_may_read_is_a_warning(desk: Desk, env: Path) -> None:
    env.chmod(0o640)
    assert desk.load(TEXT).warnings == (f"{env}: may hold secrets, and others may read it; chmod 600 {env}",)


def test_a_pipe_is_turned_away_at_once(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="no regular file"):
        read_env_file(str(tmp_path / "pipe"))
