"""Recipients, to whom age encrypts, and identities, with which it decrypts (C2SP, "age"; age(1))."""

from __future__ import annotations

import binascii
import functools
import os
import re
import stat
import threading
from collections.abc import Collection
from typing import NamedTuple, cast

from glacier_backup.errors import DamageFound, GlacierBackupError, KeyNeeded, SealError, WrongKey
from glacier_backup.seal.age_password import opened_with_password
from glacier_backup.seal.in_memory import InMemory
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.seal.peek import Peeked

PLAIN = b"age-encryption.org/"
ARMORED = b"-----BEGIN AGE ENCRYPTED FILE-----"

_PLUGIN = re.compile(r"age1[a-z0-9.+_-]+1[a-z0-9]+")
"""The data of bech32 has no ``1``, so the last one ends what is in front: a plugin's name, where there is one."""
_TAGGED = ("age1tag1", "age1tagpq1")

_LARGEST = 1024 * 1024
"""Bytes of an identity file; one with a thousand identities has less."""

_FORMS = "recipients are age1… (age-keygen shows it as the public key), ssh-ed25519 … and ssh-rsa …"
_UNLOCK = "make a copy without a password for age (ssh-keygen -p -f COPY), keep it safe, and name that"


def recipient(text: str) -> object:
    """What pyrage encrypts to. Raises SealError for what is no recipient, or one whose plugin isn't there."""
    if "SECRET-KEY" in text.upper() or "AGE-PLUGIN" in text.upper() or "PRIVATE KEY" in text.upper():
        raise SealError(
            "a recipient is a secret key: it opens archives, and is no use for sealing them",
            hint="put its public key there: age-keygen -y FILE shows it",
        )
    import pyrage  # type: ignore[import-untyped]  # it has no types, here and below

    try:
        return _parsed(plain(text))
    except pyrage.RecipientError as error:
        raise SealError(f"{text}: age knows no such recipient: {words_of(error)}", hint=_FORMS) from None
    except pyrage.EncryptError as error:  # of a plugin
        raise SealError(f"{text}: {words_of(error)}", hint="install the plugin, where the PATH leads to") from None


def plain(text: str) -> str:
    """A recipient without blanks around it and, of an ssh key, without its comment."""
    words = text.split()
    return " ".join(words[:2]) if words and words[0].startswith("ssh-") else " ".join(words)


def _parsed(text: str) -> object:
    import pyrage

    if text.startswith(_TAGGED):
        kind = pyrage.tagpq if text.startswith("age1tagpq1") else pyrage.tag
        return cast(object, kind.Recipient.from_str(text))
    if _PLUGIN.fullmatch(text):
        parsed = pyrage.plugin.Recipient.from_str(text)
        # Looked for anew each time: where it lies may change.
        return cast(object, pyrage.plugin.RecipientPluginV1(parsed.plugin(), [parsed], [], _Callbacks(None)))
    return _without_plugin(text)


@functools.lru_cache(maxsize=64)
def _without_plugin(text: str) -> object:
    import pyrage

    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    return cast(object, kind.Recipient.from_str(text))


class Identities(NamedTuple):
    """What there is to decrypt with."""

    identities: list[object]
    problems: list[GlacierBackupError]
    """Of files that couldn't be used."""


def identities(keys: Keys) -> Identities:
    """Those of all files, as pyrage takes them."""
    found = Identities([], [])
    for path in keys.identity_files:
        try:
            found.identities.extend(_of_file(path, keys.password))
        except SealError as error:
            found.problems.append(error)
    return found


def unfit(keys: Keys, recipients: Collection[str]) -> GlacierBackupError | None:
    """Why nothing that was encrypted to ``recipients`` opens with ``keys``, without a look at it; None where it may:
    of ssh keys and plugins that isn't known."""
    import pyrage

    found = identities(keys)
    for one in found.identities:
        if not isinstance(one, pyrage.x25519.Identity) or str(one.to_public()) in recipients:
            return None
    if found.problems:
        return found.problems[0]
    return WrongKey(
        "no identity that was given belongs to a recipient of this archive",
        hint="identity_file, or --identity FILE, has to name the key of a recipient that it was encrypted to",
    )


def _of_file(path: str, password: Secret | None) -> list[object]:
    try:
        data = _read(path)
    except FileNotFoundError:
        raise KeyNeeded(
            f"{path}: the identity file isn't there", hint="it may be on a medium that isn't here"
        ) from None
    except OSError as error:
        raise SealError(f"{path}: the identity file can't be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise SealError(f"{path}: this is no identity file: it is too large")
    if data.startswith((PLAIN, ARMORED)):
        data = _decrypted(path, data, password)
    if b"PRIVATE KEY-----" in data:
        return [_of_ssh(path, data, password)]
    return _of_lines(path, data, password)


def _read(path: str) -> bytes:
    """A file anew each time; what comes through a pipe, such as ``<(pass show key)``, can be read but once."""
    found = os.stat(path)
    if not stat.S_ISFIFO(found.st_mode):
        return _first_bytes(path)
    with _ONE_AT_A_TIME:
        return _piped(path, found.st_dev, found.st_ino)


@functools.lru_cache(maxsize=16)
def _piped(path: str, device: int, inode: int) -> bytes:
    return _first_bytes(path)


def _first_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LARGEST + 1)


def _decrypted(path: str, data: bytes, password: Secret | None) -> bytes:
    if password is None:
        raise KeyNeeded(
            f"{path}: the identity file is encrypted with a password, and none was given",
            hint="set password_file in the INI file, or GLACIER_BACKUP_PASSWORD, or answer when asked",
        )
    secret = password()
    with _ONE_AT_A_TIME:
        found = _with_password(data, secret)
    match found:
        case bytes():
            return found
        case WrongKey():
            raise WrongKey(f"{path}: the password doesn't open the identity file")
        case error:
            raise SealError(
                f"{path}: the identity file can't be decrypted: {error}",
                hint="where the age program can, keep what it makes in a safe place, and name that: "
                "age -d FILE > OPENED",
            )


_ONE_AT_A_TIME = threading.Lock()
"""Each takes about a second and 256 MiB, or up to a GiB; and what one thread has found out the next needn't."""


@functools.lru_cache(maxsize=64)
def _with_password(data: bytes, password: str) -> bytes | GlacierBackupError:
    """By ourselves: such a file may come from a server, and pyrage lets it take all memory.

    Why it doesn't open is remembered, too: beside a catalog there may be the keys of other machines, and they are tried
    for each archive.
    """
    stream = Peeked(InMemory(unarmored(data) if data.startswith(ARMORED) else data))
    content = bytearray(_LARGEST)
    try:
        return bytes(content[: opened_with_password(stream, password).readinto(memoryview(content))])
    except (DamageFound, SealError) as error:
        return error.with_traceback(None)


def unarmored(text: bytes) -> bytes:
    """What was written as text (C2SP, "age", ASCII armor), or as much of it as there is; nothing where it isn't."""
    lines = text.split(b"\n-----END", 1)[0].split(b"\n")[1:]
    encoded = b"".join(lines).replace(b"\r", b"")
    try:
        return binascii.a2b_base64(encoded[: len(encoded) // 4 * 4])
    except binascii.Error:
        return b""


def _of_ssh(path: str, data: bytes, password: Secret | None) -> object:
    import pyrage

    try:
        return cast(object, pyrage.ssh.Identity.from_buffer(data))
    except pyrage.IdentityError as error:
        if "decrypted first" not in (words := words_of(error)):
            raise SealError(f"{path}: age can't use this ssh key: {words}", hint=_FORMS) from None
    if password is None:
        raise KeyNeeded(f"{path}: the ssh key is protected by a password, and none was given", hint=_UNLOCK)
    return cast(object, pyrage.ssh.Identity.from_buffer(_unprotected(path, data, password())))


def _unprotected(path: str, data: bytes, password: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_ssh_private_key,
    )

    try:
        key = load_ssh_private_key(data, password.encode())
    except UnsupportedAlgorithm:  # it takes the package bcrypt, which few have
        raise SealError(f"{path}: the ssh key is protected by a password", hint=_UNLOCK) from None
    except ValueError:
        raise WrongKey(f"{path}: the password doesn't open the ssh key", hint=_UNLOCK) from None
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _of_lines(path: str, data: bytes, password: Secret | None) -> list[object]:
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    found = [
        _of_line(f"{path}:{number}", line, password)
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#")
    ]
    if not found:
        raise SealError(f"{path}: there is no identity in this file", hint="age-keygen makes one")
    return found


def _of_line(where: str, line: str, password: Secret | None) -> object:
    """What is in the line isn't shown, for it may be a secret with a slip of the pen."""
    import pyrage

    try:
        if line.upper().startswith("AGE-PLUGIN-"):
            parsed = pyrage.plugin.Identity.from_str(line)
            return cast(object, pyrage.plugin.IdentityPluginV1(parsed.plugin(), [parsed], _Callbacks(password)))
        return cast(object, pyrage.x25519.Identity.from_str(line))
    except pyrage.IdentityError:
        raise SealError(
            f"{where}: this is no identity that age knows",
            hint="an identity file has lines with AGE-SECRET-KEY-1…, or it is an ssh private key",
        ) from None
    except pyrage.DecryptError as error:
        raise SealError(f"{where}: {words_of(error)}", hint="install the plugin, where the PATH leads to") from None


class _Callbacks:
    """What a plugin may ask of the user. An exception here would end the process."""

    def __init__(self, password: Secret | None) -> None:
        self._password = password

    def display_message(self, message: str) -> None:
        """What it says is on its own screen, or its key blinks."""

    def confirm(self, message: str, yes_string: str, no_string: str | None) -> bool | None:
        return None

    def request_public_string(self, description: str) -> str | None:
        return None

    def request_passphrase(self, description: str) -> str | None:
        """As the PIN of a hardware key."""
        try:
            return None if self._password is None else self._password()
        except GlacierBackupError:
            return None


def words_of(error: Exception) -> str:
    """What pyrage says, without the marks around what it inserts."""
    return " ".join(str(error).replace("\u2068", "").replace("\u2069", "").split())
