"""Passwords from wherever they are."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from pydantic import SecretStr

from glacier_backup.config import secrets
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.secrets import Once, Secrets, secret_of
from glacier_backup.errors import KeyNeeded


def fetched(**options: object) -> str:
    secret = secret_of(SealSettings.model_validate(options))
    assert secret is not None
    return secret()


def refused(**options: object) -> KeyNeeded:
    with pytest.raises(KeyNeeded) as caught:
        fetched(**options)
    return caught.value


def password_file(folder: Path, data: bytes = b"hunter2\n", mode: int = 0o600) -> str:
    file = folder / "password"
    file.write_bytes(data)
    file.chmod(mode)
    return str(file)


def command(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def test_nothing_is_said_of_a_password() -> None:
    assert secret_of(SealSettings()) is None


def test_it_stands_in_the_settings() -> None:
    assert fetched(password=SecretStr("hunter2")) == "hunter2"


@pytest.mark.parametrize(
    ("data", "password"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\nother\n", "hunter2"),
        (b" hunter2 \n", " hunter2 "),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"\xff\n", "\udcff"),
    ],
)
def test_it_is_the_first_line_of_a_file(tmp_path: Path, data: bytes, password: str) -> None:
    assert fetched(password_file=password_file(tmp_path, data)) == password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o444])
def test_a_file_that_others_may_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = password_file(tmp_path, mode=mode)
    error = refused(password_file=path)
    assert str(error) == f"others may read the password file {path}"
    assert error.hint == f"chmod 600 {path}"


def test_a_pipe_is_as_good_as_a_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"hunter2\n")
    os.close(writer)
    try:
        assert fetched(password_file=f"/dev/fd/{reader}") == "hunter2"
    finally:
        os.close(reader)


@pytest.mark.parametrize(("data", "what"), [(b"", "an empty line"), (b"\nx", "an empty line"), (b"a\0b", "a NUL byte")])
def test_a_first_line_that_is_no_password_is_told(tmp_path: Path, data: bytes, what: str) -> None:
    assert what in str(refused(password_file=password_file(tmp_path, data)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert str(refused(password_file=f"{tmp_path}/no")) == (
        f"the password file {tmp_path}/no can't be read: No such file or directory"
    )
    assert "Is a directory" in str(refused(password_file=str(tmp_path)))


def test_a_program_prints_it() -> None:
    assert fetched(password_command=command("print('hunter2'); print('more')")) == "hunter2"


def test_a_program_sees_no_variable_of_ours_and_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "hunter2")
    monkeypatch.setenv("OTHER", "seen")
    script = "import os, sys; print(os.environ.get('GLACIER_BACKUP_PASSWORD'), os.environ['OTHER'], sys.stdin.read())"
    assert fetched(password_command=command(script)) == "None seen "


def test_what_a_program_complains_of_is_told_but_not_what_it_printed() -> None:
    error = refused(password_command=command("import sys; print('hunter2'); sys.exit('no such\\nentry')"))
    assert str(error) == f"password_command ({sys.executable}) failed with status 1: no such entry"
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.5)
    script = "import time; print('hunter2', flush=True); time.sleep(60)"
    error = refused(password_command=command(script))
    assert "has printed no password in" in str(error)
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_a_program_that_is_not_there_is_told() -> None:
    assert str(refused(password_command=("/no/such",))) == (
        "password_command (/no/such) can't be started: No such file or directory"
    )


def test_systemd_hands_it_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "backup").write_text("hunter2\n")
    assert fetched(password_credential="backup") == "hunter2"
    assert "LoadCredential=other:" in (refused(password_credential="other").hint or "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert str(refused(password_credential="backup")) == ("there is no credential backup: systemd hands over none here")


def test_a_keyring_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class KeyringError(Exception):
        """The library's own."""

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise KeyringError("it is locked")
        return {("a/b", "me"): "hunter2"}.get((service, user))

    library = ModuleType("keyring")
    library.__dict__.update(get_password=get_password, errors=SimpleNamespace(KeyringError=KeyringError))
    monkeypatch.setitem(sys.modules, "keyring", library)
    assert fetched(password_keyring="a/b/me") == "hunter2"
    assert str(refused(password_keyring="a/b/you")) == "the keyring has no a/b/you"
    assert str(refused(password_keyring="locked/me")) == "the keyring can't be read: it is locked"


def test_what_to_install_for_a_keyring_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # which is how to say that it isn't there
    error = refused(password_keyring="a/me")
    assert error.hint == "pip install keyring"


def test_a_source_that_several_seals_name_is_asked_once(tmp_path: Path) -> None:
    script = f"open({str(tmp_path / 'asked')!r}, 'a').write('.'); print('hunter2')"
    seals = [SealSettings(password_command=command(script), zstd_level=level) for level in (1, 2)]
    found = Secrets()
    assert [secret() for seal in seals if (secret := found.of(seal)) is not None] == ["hunter2", "hunter2"]
    assert (tmp_path / "asked").read_text() == "."
    assert found.of(SealSettings()) is None


def test_it_is_fetched_once_and_shown_by_nothing() -> None:
    asked = []

    def ask() -> str:
        asked.append(1)
        return "hunter2"

    secret = Once(ask)
    assert (secret(), secret(), len(asked)) == ("hunter2", "hunter2", 1)
    assert "hunter2" not in repr(secret)
