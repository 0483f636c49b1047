"""Trying the keys before anything depends on them: by the first run that seals with them, and by ``config check``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.cli.identity import identity_of
from glacier_backup.cli.sealing import Sealing, as_config_error, distinct, keys_here, recipients_of
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.seal_values import PASSWORDS
from glacier_backup.config.settings import Settings
from glacier_backup.errors import KeyNeeded, SealError, WrongKey
from glacier_backup.model.event import Listener, Warned
from glacier_backup.seal.keys import Keys

MARKS = "key-checks"
"""The file beside the catalog that says which keys were tried, and told of: a line of hex for each."""


class Check(NamedTuple):
    """What trying the keys of one seal has shown."""

    seal: SealSettings
    who: str
    """Who can open what it seals."""
    found: str
    """What the try has shown, and what to take care of."""
    wrong: SealError | None = None
    """Why what is here to open with doesn't open it."""

    @property
    def steps(self) -> str:
        return ", ".join(self.seal.seal)


def checks(settings: Settings, sealing: Sealing) -> Iterator[Check]:
    """Of every seal that encrypts; those that differ in nothing but volumes and the like are tried once.

    Raises ConfigError for one that can't even seal.
    """
    for seal in distinct(settings):
        yield _check(seal, settings, sealing)


def check_first(settings: Settings, sealing: Sealing, tell: Listener) -> None:
    """Try what has never been tried, before anything is sent, and tell of it once; what doesn't fit is told each time.

    Raises ConfigError for what can't even seal.
    """
    marks = _Marks(settings.catalog)
    for seal in distinct(settings):
        mark = _mark(seal, settings.catalog)
        if mark in marks:
            continue
        check = _check(seal, settings, sealing)
        if check.wrong is not None:
            tell(Warned(str(check.wrong) + (f"; {check.wrong.hint}" if check.wrong.hint else "")))
            continue
        tell(Warned(f"archives are encrypted, and can be opened by {check.who}. {check.found}"))
        marks.add(mark)


def _check(seal: SealSettings, settings: Settings, sealing: Sealing) -> Check:
    from glacier_backup.seal.probe import probe
    from glacier_backup.seal.registry import opener

    chain, who = sealing.chain(seal), _who(seal, settings)
    keys = keys_here(seal, settings.catalog, sealing.secrets)
    unsaid = _no_password(keys)
    if is_generated(seal) and not os.path.exists(identity_of(settings.catalog)):
        return Check(seal, who, "The key that the password protects is made by the first run", unsaid)
    try:
        sealers = [one for one in (*chain.before, *chain.each) if one.step().name == seal.encryption]
        probed = probe(sealers, {name: opener(name) for name in filter(None, [seal.encryption])}, keys)
    except WrongKey as error:
        return Check(seal, who, "What is here to open archives with doesn't open what is sealed now", error)
    except SealError as error:
        raise as_config_error(seal, error) from error
    return Check(seal, who, probed.message, unsaid)


def _no_password(keys: Keys) -> KeyNeeded | None:
    """Why it can't be had, where it is said where it is."""
    try:
        if keys.password is not None:
            keys.password()
    except KeyNeeded as error:
        return error
    return None


def is_generated(seal: SealSettings) -> bool:
    """Whether it is for a key that we make, which a password protects."""
    return seal.encryption == "age" and not seal.has_recipients


def _who(seal: SealSettings, settings: Settings) -> str:
    if seal.encryption in ("age", "gpg") and seal.has_recipients:
        named = recipients_of(seal)
        return f"whoever has the private key of {' or of '.join(map(_shortened, named))}"
    knows = f"whoever knows the password ({_source(seal)})"
    if not is_generated(seal):
        return knows
    file = identity_of(settings.catalog)
    vaults = any(one.kind == "glacier" for one in settings.destinations)
    where = "keep a copy elsewhere, for a vault has no place for it" if vaults else "a copy goes with the archives"
    return f"{knows} and has {file}: {where}"


def _shortened(recipient: str) -> str:
    if not recipient.startswith("ssh-"):
        return recipient
    kind, _, rest = recipient.partition(" ")
    key, _, comment = rest.strip().partition(" ")
    return f"{kind} …{key[-8:]}" + (f" ({comment.strip()})" if comment.strip() else "")


def _source(seal: SealSettings) -> str:
    """Where it comes from; not itself."""
    name = next(name for name in PASSWORDS if getattr(seal, name) is not None)
    match name:
        case "password_file" | "password_credential" | "password_keyring":
            return f"{name} = {getattr(seal, name)}"
        case _:
            return name


def marks_of(catalog: str) -> str:
    """Where the marks of that catalog are."""
    return os.path.join(os.path.dirname(os.path.realpath(catalog)), MARKS)


class _Marks:
    """The marks of one catalog's folder."""

    def __init__(self, catalog: str) -> None:
        self._path = marks_of(catalog)

    def __contains__(self, mark: str) -> bool:
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                return mark in file.read().split()
        except OSError:
            return False

    def add(self, mark: str) -> None:
        """Where it can't be written, the keys are tried again next time."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{mark}\n")
        except OSError:
            return


def _mark(seal: SealSettings, catalog: str) -> str:
    """Changes with what the seal is opened by, as far as it can be seen without looking at a secret."""
    files = [*seal.identity_file, *filter(None, (seal.password_file, seal.recipients_file)), identity_of(catalog)]
    facts = [
        seal.encryption,
        seal.recipients,
        seal.password is not None,
        seal.password_command,
        seal.password_credential,
        seal.password_keyring,
        seal.gnupg_home,
        [(file, *_stamp(file)) for file in files],
    ]
    return hashlib.sha256(json.dumps(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _stamp(file: str) -> tuple[int, ...]:
    try:
        status = os.stat(file)
    except OSError:
        return ()
    return (status.st_size, status.st_mtime_ns)
