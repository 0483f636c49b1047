"""Whether there is anything to open an archive with: to be said before anything is paid for.

Of age's own keys it is known whose they are. That any other key, or a password, is the right one shows only when the
archive is opened.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Callable, Collection
from dataclasses import replace

from glacier_backup.errors import GlacierBackupError, KeyNeeded
from glacier_backup.model.naming import identity_key
from glacier_backup.model.recipe import Step
from glacier_backup.model.stored import StoredArchive
from glacier_backup.seal.age_keys import ARMORED, PLAIN, unfit
from glacier_backup.seal.command import no_way_back
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.workflow.identity import IDENTITY, PUBLIC

_PASSWORD = "set password_file in the INI file, or GLACIER_BACKUP_PASSWORD, or answer when asked"  # noqa: S105  # none
_IDENTITY = "set identity_file in the INI file, or give --identity FILE"

_COPY = re.compile(r"identity-[0-9a-f]{16}\.age")


class Openable:
    """Looks at the keys there are, and has a password asked for where one is needed."""

    def __init__(self, keys: Callable[[str], Keys]) -> None:
        self._keys = keys
        self._judged: dict[tuple[Keys, tuple[str, ...]], GlacierBackupError | None] = {}

    def missing_key(self, archive: StoredArchive) -> GlacierBackupError | None:
        """What is said where nobody has given what opens ``archive``; None where something was, as far as is known."""
        for step in () if archive.recipe is None else archive.recipe.seal:
            if (missing := self._missing(step, archive)) is not None:
                return missing
        return None

    def _missing(self, step: Step, archive: StoredArchive) -> GlacierBackupError | None:
        keys = self._keys(archive.path)
        match step.name:
            case "age":
                return self._no_identity(keys, tuple(str(step.parameters.get("recipients", "")).split()))
            case "command":
                return no_way_back(step, keys)
            case "openssl" | "pyarchiver":
                return self._no_password(keys.password)
            case "gpg" if step.parameters.get("symmetric") is True:
                return self._no_password(keys.password)
            case _:
                return None

    def _no_identity(self, keys: Keys, recipients: tuple[str, ...]) -> GlacierBackupError | None:
        """Without ``recipients`` nothing is known of them, and it may be a password that opens it."""
        files = [file for file in keys.identity_files if _may_fit(file, recipients)]
        there = [file for file in files if os.path.exists(file)]
        if files and not there:
            return KeyNeeded(f"the identity file {files[0]} isn't there", hint=_IDENTITY)
        if there:
            no_password = self._no_password(keys.password) if all(map(_is_encrypted, there)) else None
            return no_password or self._unfit(replace(keys, identity_files=tuple(there)), recipients)
        if keys.password is not None and not recipients:
            return None
        return KeyNeeded("it is encrypted with age, and no identity to open it with was given", hint=_IDENTITY)

    def _unfit(self, keys: Keys, recipients: tuple[str, ...]) -> GlacierBackupError | None:
        if not recipients or any(not one.startswith("age1") for one in recipients):
            return None
        if (keys, recipients) not in self._judged:
            self._judged[keys, recipients] = unfit(keys, recipients)
        return self._judged[keys, recipients]

    def _no_password(self, password: Secret | None) -> KeyNeeded | None:
        if password is None:
            return KeyNeeded("it is encrypted with a password, and none was given", hint=_PASSWORD)
        try:
            password()
        except KeyNeeded as error:
            return error
        return None


def _may_fit(file: str, recipients: Collection[str]) -> bool:
    """Whether it may be the key of one of these; of those that were made for a password it is known whose they are."""
    folder, name = os.path.split(file)
    if not recipients:
        return True
    if name == IDENTITY:
        try:
            with open(os.path.join(folder, PUBLIC), encoding="ascii", errors="replace") as public:
                return public.readline().strip() in recipients
        except OSError:
            return True
    of_these = {posixpath.basename(identity_key("any", one)) for one in recipients}
    return name in of_these or _COPY.fullmatch(name) is None


def _is_encrypted(file: str) -> bool:
    """Of what can be read more than once."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            return False
        with open(file, "rb") as text:
            return text.read(len(ARMORED)).startswith((PLAIN, ARMORED))
    except OSError:
        return False
