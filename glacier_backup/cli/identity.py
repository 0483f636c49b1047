"""The key of age that a password protects: made once, and kept beside the catalog, encrypted with that password.

``identity.age`` is what ``age -p`` makes of an identity file, so ``age -d -i identity.age`` asks for the password and
opens an archive; ``identity.age.pub`` beside it is its public key, which is all that sealing takes.
"""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from typing import Protocol, cast

from glacier_backup.config.recipients import EXAMPLE
from glacier_backup.errors import KeyNeeded, SealError
from glacier_backup.flushing import sync_folder
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.workflow.identity import IDENTITY, PUBLIC

FETCHED = "identity-*.age"
"""What came back from destinations, beside it (:mod:`glacier_backup.workflow.rebuilding.first_copy`)."""

_ENCRYPTED = "-----BEGIN AGE ENCRYPTED FILE-----"
"""How those that were made here begin."""

STAND_IN = EXAMPLE
"""A public key for plans that are only shown, before there is another."""


def identity_of(catalog: str) -> str:
    """Where the identity file of a catalog lies, if there is one."""
    return os.path.join(os.path.dirname(os.path.realpath(catalog)), IDENTITY)


def public_key(catalog: str, password: Secret, *, create: bool) -> str:
    """The public key that belongs to the catalog at this path.

    With ``create`` the pair is made where there is none; the caller holds the lock. Else :data:`STAND_IN` stands for it
    then. What came back from a destination, and opens with the password, is taken rather than a new one.

    Raises KeyNeeded where the password can't be had and is needed, WrongKey where it isn't that of the file, SealError
    where files can't be read or written, or the one that opens archives is gone.
    """
    file = identity_of(catalog)
    public = os.path.join(os.path.dirname(file), PUBLIC)
    try:
        if os.path.exists(public):
            _insist(file)
            with open(public, encoding="ascii") as text:
                return text.readline().strip()
        if not create:
            return STAND_IN
        found = _found_in(file, password) if os.path.exists(file) else _adopted(file, password) or _made(file, password)
        _write(public, found + "\n")
    except OSError as error:
        raise SealError(f"{error.filename}: the key for archives can't be kept: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SealError(f"{public}: this is no public key", hint="remove it: it is made anew") from None
    return found


def _insist(file: str) -> None:
    """A key that nobody has any more must not be sealed with."""
    if not os.path.exists(file):
        raise SealError(
            f"{file} is gone: the key that opens archives, encrypted with the password",
            hint="put it back: a copy lies with the archives, HOST/.keys/identity-….age. Or remove "
            f"{file}.pub: a new key is made then, and the old archives stay closed without the old one",
        )


def _adopted(file: str, password: Secret) -> str | None:
    """The public key of the newest that is there under another name. One that no password protects isn't it: whoever
    put it where archives lie would open all that is sealed for it."""
    folder = os.path.dirname(file)
    others = glob.glob(os.path.join(glob.escape(folder), FETCHED))
    for other in sorted(others, key=os.path.getmtime, reverse=True):
        with suppress(SealError):  # a key of somebody else, or none at all
            with open(other, encoding="ascii", errors="replace") as opened:
                text = opened.read()
            if text.startswith(_ENCRYPTED):
                found = _found_in(other, password)
                _write(file, text)
                return found
    return None


def _made(file: str, password: Secret) -> str:
    from glacier_backup.seal.age import new_identity

    secret = password()
    if not secret:
        raise KeyNeeded("the password is empty")
    public, text = new_identity(secret)
    _write(file, text)
    return public


class _Identity(Protocol):
    """What pyrage makes of a line of an identity file."""

    def to_public(self) -> object: ...


def _found_in(file: str, password: Secret) -> str:
    from glacier_backup.seal.age_keys import identities

    found = identities(Keys((file,), password))
    if not found.identities:
        raise found.problems[0]
    return str(cast(_Identity, found.identities[0]).to_public())


def _write(path: str, text: str) -> None:
    """A file that only its owner can read, whole or not at all."""
    made = f"{path}.new"
    with suppress(FileNotFoundError):
        os.remove(made)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    os.rename(made, path)
    sync_folder(os.path.dirname(path))
