"""Copies of the catalog that are sealed, as those are that lie with encrypted archives: how they are opened."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.catalog.replacing import beside
from glacier_backup.cli.identity import STAND_IN
from glacier_backup.cli.keys import KeyRing
from glacier_backup.cli.sealing import Sealing
from glacier_backup.config.settings import Settings
from glacier_backup.errors import CatalogError, ConfigError, SealError, UsageError
from glacier_backup.model.suffixes import OF_STEPS
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.opening import opened
from glacier_backup.seal.order import ENCRYPTION
from glacier_backup.units import MIB
from glacier_backup.workflow.rebuilding.first_copy import Opening

_ENDS = tuple(OF_STEPS[name] for name in ENCRYPTION)

_BEGINNINGS = {b"age-encryption.org/v1\n": ".age", b"-----BEGIN AGE ENCRYPTED FILE-----": ".age", b"Salted__": ".enc"}
"""As age(1) and openssl-enc(1) write them. gpg has nothing of the kind: its files are known by their names."""


def opening_of(settings: Settings, arguments: argparse.Namespace) -> Opening:
    """What opens copies: the keys of ``[main]``, or of the first section that encrypts, as they were sealed."""
    return Opening(KeyRing(settings, arguments).of_catalog, _seal(settings))


def seal_for(file: str, settings: Settings) -> Chain:
    """What a copy that is to be written to ``file`` is sealed with: nothing, unless its name ends like it. Raises
    UsageError where nothing seals so."""
    suffix = os.path.splitext(file)[1]
    if suffix not in _ENDS:
        return NO_SEAL
    seal = Sealing(settings, create=False).of_catalog
    if seal.suffix != suffix:
        how = f"copies are sealed as {seal.suffix}" if seal.suffix else "nothing encrypts"
        raise UsageError(f"{file} is to end in {suffix}, and by the configuration {how}")
    if any(STAND_IN in str(step.parameters.get("recipients")) for step in seal.steps()):
        raise UsageError(f"{file}: the key that the password protects isn't made yet", hint="the first run makes it")
    return seal


def suffix_of(file: str) -> str:
    """Of its seal; empty where it has none, as far as its name and its beginning tell. Raises OSError."""
    with open(file, "rb") as copy:
        start = copy.read(64)
    found = next((suffix for begins, suffix in _BEGINNINGS.items() if start.startswith(begins)), "")
    return found or (".gpg" if file.endswith(".gpg") else "")


@contextmanager
def unsealed(file: str, catalog: str, opening: Opening) -> Iterator[str]:
    """The path of what is in the copy ``file``: it itself, or an opened one in the folder of the catalog, which is gone
    at the end. Raises SealError, DamageFound, and CatalogError for what can't be read or written."""
    try:
        suffix = suffix_of(file)
    except OSError as error:
        raise CatalogError(f"{file}: {error.strerror}") from error
    if not suffix:
        yield file
        return
    with beside(catalog, ".opened") as made:
        try:
            with open(file, "rb", buffering=0) as sealed, open(made, "wb") as plain:
                volume = Volume(_File(sealed.fileno()))
                with opened(iter([volume]), opening.steps(f".sqlite3.gz{suffix}"), opening.keys()) as stream:
                    buffer = memoryview(bytearray(4 * MIB))
                    while count := stream.readinto(buffer):
                        plain.write(buffer[:count])
        except OSError as error:
            raise CatalogError(f"{error.filename or file}: {error.strerror}") from error
        yield made


class _File:
    """The bytes of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        while filled < len(buffer) and (count := os.readv(self._descriptor, [buffer[filled:]])):
            filled += count
        return filled


def _seal(settings: Settings) -> Chain:
    """Only its parameters matter: whether it can seal doesn't."""
    try:
        return Sealing(settings, create=False).of_catalog
    except (ConfigError, SealError):
        return NO_SEAL
