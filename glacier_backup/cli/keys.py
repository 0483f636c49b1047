"""What there is to open sealed archives with: from the command line, the configuration, or who sits at the terminal."""

from __future__ import annotations

import argparse
import glob
import os
import sys
from collections.abc import Callable

from glacier_backup.cli.sealing import seal_of_catalog
from glacier_backup.config.outside import absolute
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.seal_values import command
from glacier_backup.config.secrets import Once, Secrets, secret_in_file
from glacier_backup.config.settings import Settings
from glacier_backup.errors import KeyNeeded, UsageError
from glacier_backup.seal.keys import Keys, Secret

_IDENTITIES = "identity*.age"
"""Beside the catalog: the key that was made for a password (:mod:`glacier_backup.cli.identity`), and copies of others
that came back from destinations, ``identity-….age``."""

PASSWORD_VARIABLE = "GLACIER_BACKUP_PASSWORD"  # noqa: S105  # its name alone

KeysOf = Callable[[str], Keys]


def keys_of(settings: Settings | None, arguments: argparse.Namespace) -> KeysOf:
    """From the path of an archive to what opens it; see :class:`KeyRing`."""
    return KeyRing(settings, arguments).of_path


class KeyRing:
    """What one command can open archives with.

    ``--identity``, ``--password-file`` and ``--undo`` count for all; else what the innermost section says that a path
    lies in, and where there is none ``[main]``, which the environment's password is part of. Where nothing says where a
    password is, whoever sits at the terminal is asked, once. No secret is read, nobody asked, before it is needed.
    """

    def __init__(self, settings: Settings | None, arguments: argparse.Namespace) -> None:
        """``settings`` are None where there is no configuration. Raises UsageError for an identity file that isn't
        there."""
        self._settings = settings
        self._named = tuple(map(_existing, getattr(arguments, "identity", None) or ()))
        file = getattr(arguments, "password_file", None)
        self._given = None if file is None else secret_in_file(absolute(os.path.expanduser(file)))
        self._undo = tuple(map(_command, getattr(arguments, "undo", None) or ()))
        self._typed = _typed()
        self._secrets = Secrets()
        self._of_environment = _from_environment()
        self._folders = _folders(settings, getattr(arguments, "catalog", None))

    def of_path(self, path: str) -> Keys:
        """What opens archives of that path."""
        return self._keys(SealSettings() if self._settings is None else self._settings.seal_of(path))

    def of_catalog(self) -> Keys:
        """What opens copies of the catalog."""
        seal = None if self._settings is None else seal_of_catalog(self._settings) or self._settings.seal
        return self._keys(seal or SealSettings())

    def _keys(self, seal: SealSettings) -> Keys:
        files = (*(self._named or seal.identity_file), *_identities(self._folders))
        password = self._given or self._secrets.of(seal) or self._of_environment or self._typed
        return Keys(files, password, seal.gnupg_home, self._undo or seal.undo_data)


def _existing(file: str) -> str:
    path = absolute(os.path.expanduser(file))
    if not os.path.exists(path):
        raise UsageError(f"there is no identity file {path}")
    return path


def _command(text: str) -> tuple[str, ...]:
    try:
        return command(text)
    except ValueError as error:
        why = f" ({error})" if str(error) else ""
        raise UsageError(f"--undo names no command{why}; expected a program and its arguments") from None


def _from_environment() -> Secret | None:
    """Where there is no configuration that it is part of."""
    password = os.environ.get(PASSWORD_VARIABLE)
    return None if not password else Once(lambda: password)


def _typed() -> Secret | None:
    """None where nobody can be asked."""
    return _TYPED if sys.stdin is not None and sys.stdin.isatty() else None


def _ask() -> str:
    import getpass

    try:
        password = getpass.getpass("Password of the archives: ")
    except EOFError:
        password = ""
    if not password:
        raise KeyNeeded("no password was typed")
    return password


_TYPED = Once(_ask)
"""One command has several rings, and asks but once."""


def _folders(settings: Settings | None, catalog: str | None) -> tuple[str, ...]:
    """Of the catalog, and of the one that is read in its place."""
    catalogs = [] if settings is None else [settings.catalog]
    catalogs += [] if catalog is None else [absolute(os.path.expanduser(catalog))]
    return tuple(dict.fromkeys(os.path.dirname(os.path.realpath(one)) for one in catalogs))


def _identities(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Looked for each time: copies may have come back meanwhile."""
    found = (glob.glob(os.path.join(glob.escape(folder), _IDENTITIES)) for folder in folders)
    return tuple(file for files in found for file in sorted(files))
