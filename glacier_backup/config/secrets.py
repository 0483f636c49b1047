"""Passwords, fetched when they are needed: from a file, a program, systemd or a keyring.

No message holds one, nor what a program printed on its standard output.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from importlib import import_module
from threading import Lock
from typing import Protocol, cast

from glacier_backup.config.option import VARIABLE_PREFIX
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.seal_values import PASSWORDS
from glacier_backup.errors import KeyNeeded
from glacier_backup.seal.keys import Secret

COMMAND_SECONDS = 60.0
"""How long a program may take that prints one."""

_LONGEST = 64 * 1024
_TOLD = 300


def secret_of(seal: SealSettings) -> Secret | None:
    """The password of a seal; None where nothing says where it is. Fetched once, at its first use; raises KeyNeeded
    then where it can't be."""
    if seal.password is not None:
        return seal.password.get_secret_value
    if seal.password_file is not None:
        return secret_in_file(seal.password_file)
    if seal.password_command is not None:
        words = seal.password_command
        return Once(lambda: from_command(words))
    if seal.password_credential is not None:
        name = seal.password_credential
        return Once(lambda: from_credential(name, os.environ))
    if seal.password_keyring is not None:
        service, _, user = seal.password_keyring.rpartition("/")
        return Once(lambda: from_keyring(service, user))
    return None


class Secrets:
    """The passwords of several seals: what one source gives is fetched once for all that name it."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Secret | None] = {}

    def of(self, seal: SealSettings) -> Secret | None:
        """As :func:`secret_of`."""
        source = tuple(getattr(seal, name) for name in PASSWORDS)
        if source not in self._known:
            self._known[source] = secret_of(seal)
        return self._known[source]


def secret_in_file(path: str) -> Secret:
    """The first line of that file."""
    return Once(lambda: from_file(path))


class Once:
    """A secret that is fetched at its first use, and then kept. ``repr`` doesn't show it."""

    def __init__(self, fetch: Callable[[], str]) -> None:
        self._fetch = fetch
        self._lock = Lock()
        self._value: str | None = None

    def __call__(self) -> str:
        with self._lock:
            if self._value is None:
                self._value = self._fetch()
            return self._value


def from_file(path: str) -> str:
    """The first line of the file at ``path``. Raises KeyNeeded where it can't be read, is empty, or others may read
    it."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRGRP | stat.S_IROTH) and stat.S_ISREG(mode):
                raise KeyNeeded(f"others may read the password file {path}", hint=f"chmod 600 {path}")
            return _first_line(file.readline(_LONGEST), f"the password file {path}")
    except OSError as error:
        raise KeyNeeded(f"the password file {path} can't be read: {error.strerror}") from error


def from_command(words: tuple[str, ...]) -> str:
    """The first line that the program prints. Raises KeyNeeded with what it complains of, where it fails."""
    about = f"password_command ({words[0]})"
    try:
        ran = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            env=without_ours(os.environ),
            check=False,
        )
    except subprocess.TimeoutExpired:
        # From None: the exception holds what was printed so far.
        raise KeyNeeded(f"{about} has printed no password in {COMMAND_SECONDS:.0f} seconds") from None
    except OSError as error:
        raise KeyNeeded(f"{about} can't be started: {error.strerror}") from error
    if ran.returncode != 0:
        complaint = " ".join(ran.stderr[:_LONGEST].decode(errors="replace").split())[:_TOLD]
        raise KeyNeeded(f"{about} failed with status {ran.returncode}" + (f": {complaint}" if complaint else ""))
    return _first_line(ran.stdout.partition(b"\n")[0], about)


def from_credential(name: str, environ: Mapping[str, str]) -> str:
    """The first line of a credential (systemd.exec(5), "Credentials"). Raises KeyNeeded."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise KeyNeeded(
            f"there is no credential {name}: systemd hands over none here",
            hint=f"it does in a unit that has LoadCredential={name}:/a/file",
        )
    path = os.path.join(folder, name)
    try:
        with open(path, "rb") as file:
            return _first_line(file.readline(_LONGEST), f"the credential {name}")
    except OSError as error:
        raise KeyNeeded(
            f"the credential {name} can't be read: {error.strerror}",
            hint=f"the unit says which there are: LoadCredential={name}:/a/file",
        ) from error


def from_keyring(service: str, user: str) -> str:
    """An entry of the keyring. Raises KeyNeeded, where the library is missing too."""
    try:
        # An extra of ours, which may be missing.
        keyring = cast(_Keyring, import_module("keyring"))
    except ImportError:
        raise KeyNeeded(
            "password_keyring takes the library keyring, which isn't installed",
            hint="pip install keyring",
        ) from None
    try:
        found = keyring.get_password(service, user)
    except RuntimeError as error:  # NoKeyringError is one
        raise KeyNeeded(f"there is no keyring here: {error}") from None
    except keyring.errors.KeyringError as error:
        raise KeyNeeded(f"the keyring can't be read: {error}") from None
    if not found:
        raise KeyNeeded(f"the keyring has no {service}/{user}", hint=f"put it there: keyring set {service} {user}")
    return found


class _Errors(Protocol):
    KeyringError: type[Exception]


class _Keyring(Protocol):
    """What we use of the library."""

    errors: _Errors

    def get_password(self, service: str, user: str) -> str | None: ...


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without variables of this program, which may be secrets: for programs that it starts."""
    return {name: value for name, value in environ.items() if not name.startswith(VARIABLE_PREFIX)}


def _first_line(line: bytes, about: str) -> str:
    text = line.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")
    if not text:
        raise KeyNeeded(f"{about} begins with an empty line; expected the password there")
    if "\0" in text:
        raise KeyNeeded(f"{about} has a NUL byte in its first line; expected a password there")
    return text
