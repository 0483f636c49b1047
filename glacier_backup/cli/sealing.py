"""From the settings of seals to what seals: with :mod:`keys` beside it, which opens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

from glacier_backup.cli.identity import identity_of, public_key
from glacier_backup.config.recipients import complaint, in_file
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.secrets import Secrets
from glacier_backup.config.section_paths import innermost
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.errors import ConfigError, KeyNeeded, Problem, SealError
from glacier_backup.model.zfs_to_aws import LAYOUT
from glacier_backup.seal.chain import NO_SEAL, Chain, Parity, Split
from glacier_backup.seal.command import Commands
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.seal.order import ordered
from glacier_backup.seal.sealer import Sealer

SPOOL = "spool"
"""The folder beside the catalog for what can't do without a disk."""


class Sealing:
    """The seals of one configuration, each made once.

    With ``create`` the key that a password protects is made where there is none; the caller holds the lock, and is
    about to send. Methods raise ConfigError for a seal that can't be made.
    """

    def __init__(self, settings: Settings, *, create: bool) -> None:
        self._settings = settings
        self._create = create
        self.secrets = Secrets()
        self._made: dict[SealSettings, Chain] = {}
        self._turn = Lock()
        self._seals = {one.path: one.seal for one in settings.in_force}
        self._in_parts = {one.path for one in settings.in_force if one.layout == LAYOUT}
        self._commands = {one.path: Commands(found) for one in settings.of_file if (found := _data_commands(one))}

    def make_all(self) -> None:
        """So that whatever can't be made is told before anything is sent."""
        for seal in self._seals.values():
            self.chain(seal)

    def of_section(self, path: str) -> Chain:
        """How archives of the section of that path are sealed; of one that there isn't any more, as what lies there
        would be now."""
        chain, commands = self.chain(self._seal(path)), self._commands_of(path)
        if path in self._in_parts and chain.split is not None:
            chain = chain._replace(split=replace(chain.split, parts=True))
        return chain if commands is None else chain.behind(commands)

    def _commands_of(self, path: str) -> Commands | None:
        """Those that bytes of what lies at ``path`` go through: those of the section that it lies in, however it is
        sent."""
        if not self._commands or path in self._commands:
            return self._commands.get(path)
        if any(one.path == path for one in self._settings.of_file):
            return None
        around = innermost(path, self._settings.of_file)
        return None if around is None else self._commands.get(around.path)

    def is_private(self, path: str) -> bool:
        """Whether names in the section of that path are hidden."""
        return self._seal(path).private_names

    def _seal(self, path: str) -> SealSettings:
        return self._seals[path] if path in self._seals else self._settings.seal_of(path)

    @property
    def of_catalog(self) -> Chain:
        """How copies of the catalog are: encrypted where anything is, for all names stand in it."""
        seal = seal_of_catalog(self._settings)
        return NO_SEAL if seal is None else self.chain(seal)

    @property
    def temporary_dir(self) -> str:
        return spool_beside(self._settings.catalog)

    def chain(self, seal: SealSettings) -> Chain:
        """What seals so."""
        known = seal.model_copy(update={"origins": (), "private_names": False})
        with self._turn:
            if known not in self._made:
                try:
                    make = _Make(seal, self._settings.catalog, self.secrets, self._create)
                    self._made[known] = make.chain()
                except SealError as error:
                    raise as_config_error(seal, error) from error
            return self._made[known]


def _data_commands(section: SectionSettings) -> tuple[tuple[str, ...], ...]:
    return tuple(one.command for one in section.filters if one.kind == "data")


def spool_beside(catalog: str) -> str:
    """The folder for what can't do without a disk, where the user has named none."""
    return os.path.join(os.path.dirname(os.path.realpath(catalog)), SPOOL)


def seal_of_catalog(settings: Settings) -> SealSettings | None:
    """That of ``[main]``, if it encrypts, else of the first section that does, whatever paths are sent now; no more of
    it than the encryption."""
    seals = (settings.seal, *(section.seal for section in settings.of_file))
    found = next((one for one in seals if one.encrypt and (one.has_recipients or one.has_password)), None)
    return None if found is None else found.model_copy(update={"seal": (found.encryption,)})


def distinct(settings: Settings) -> Iterator[SealSettings]:
    """Every seal that something is encrypted with, once; where they differ in volumes or the like, the first."""
    seen = set[object]()
    for seal in (settings.seal, *(section.seal for section in settings.in_force)):
        key = encryption_key(seal)
        if seal.encrypt and (seal.has_recipients or seal.has_password) and key not in seen:
            seen.add(key)
            yield seal


def encryption_key(seal: SealSettings) -> tuple[object, ...]:
    """What decides how it encrypts, and what opens it. There may be a password in it."""
    passwords = (seal.password, seal.password_file, seal.password_command, seal.password_credential)
    return (
        seal.encryption,
        seal.recipients,
        seal.recipients_file,
        seal.identity_file,
        *passwords,
        seal.password_keyring,
        seal.gnupg_home,
    )


class _Make(NamedTuple):
    """Makes what seals as one seal says."""

    seal: SealSettings
    catalog: str
    secrets: Secrets
    create: bool

    def chain(self) -> Chain:
        """The steps, ready to seal. Raises SealError, and ConfigError for what is wrong in a ``recipients_file``."""
        if not self.seal.seal:
            return NO_SEAL
        order = ordered(self.seal.seal)
        return Chain(
            tuple(map(self._sealer, order.before)),
            Split(self.seal.volume_size, self.seal.volume_names == "aaaaaa") if order.split else None,
            tuple(map(self._sealer, order.each)),
            Parity(*self.seal.redundancy) if order.parity else None,
        )

    def _sealer(self, step: str) -> Sealer:
        match step:
            case "zstd":
                from glacier_backup.seal.compress import Zstd

                return Zstd(self.seal.zstd_level)
            case "gzip":
                from glacier_backup.seal.compress import Gzip

                return Gzip(self.seal.gzip_level)
            case "age":
                from glacier_backup.seal.age import Age

                return Age(recipients_of(self.seal) or (self._generated(),))
            case "gpg":
                return self._gpg()
            case "openssl":
                from glacier_backup.seal.openssl import OpenSSL

                seal = self.seal
                return OpenSSL(self._password(), seal.openssl_iterations, seal.openssl_digest, seal.openssl_cipher)
            case _:
                raise AssertionError(f"{step} is a step that a sealer was asked for")

    def _gpg(self) -> Sealer:
        from glacier_backup.seal.gpg import Gpg

        recipients = recipients_of(self.seal)
        password = None if recipients else self._password()
        return Gpg(recipients, password, self.seal.gnupg_home)

    def _generated(self) -> str:
        """The public key of the pair that the password protects."""
        return public_key(self.catalog, self._password(), create=self.create)

    def _password(self) -> Secret:
        found = self.secrets.of(self.seal)
        if found is None:
            raise KeyNeeded(
                f"{self.seal.encryption} has neither a key nor a password to encrypt with",
                hint="set recipients or password_file",
            )
        return found


def recipients_of(seal: SealSettings) -> tuple[str, ...]:
    """Those of both options. Raises ConfigError for a file that can't be read, or has something else in it."""
    return (*seal.recipients, *(() if seal.recipients_file is None else _in_file(seal.recipients_file, seal)))


def _in_file(path: str, seal: SealSettings) -> tuple[str, ...]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = in_file(file.read())
    except OSError as error:
        problem = Problem(origin(seal, "recipients_file"), None, None, None, f"{path} can't be read: {error.strerror}")
        raise ConfigError([problem]) from error
    problems = [Problem(path, number, None, None, wrong) for number, one in lines if (wrong := _wrong(one, seal))]
    if not lines:
        problems = [Problem(path, None, None, None, "found no public key in it; expected one a line")]
    if problems:
        raise ConfigError(problems)
    return tuple(one for _, one in lines)


def _wrong(recipient: str, seal: SealSettings) -> str:
    return complaint(recipient, seal.encryption or "")


def keys_here(seal: SealSettings, catalog: str, secrets: Secrets) -> Keys:
    """What this machine has to open with what is sealed now, nobody asked."""
    files = seal.identity_file if seal.has_recipients else (*seal.identity_file, identity_of(catalog))
    return Keys(tuple(filter(os.path.exists, files)), secrets.of(seal), seal.gnupg_home)


def origin(seal: SealSettings, *options: str) -> str:
    """Where the first of these options that is given stands."""
    origins = dict(seal.origins)
    return next((origins[option] for option in options if option in origins), "the configuration")


def as_config_error(seal: SealSettings, error: SealError) -> ConfigError:
    """The same, as what is wrong with what the configuration says of the seal: nothing is sent then."""
    return ConfigError([Problem(origin(seal, "seal", "encrypt"), None, None, None, str(error))], hint=error.hint)
