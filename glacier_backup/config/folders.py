"""Where files lie unless something else is said.

XDG Base Directory Specification 0.8: ``XDG_CONFIG_HOME`` and ``XDG_DATA_HOME``, where set, not empty and absolute,
stand for ``~/.config`` and ``~/.local/share``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from glacier_backup.config.values import normal_path
from glacier_backup.errors import ConfigError, Problem

_OURS = "glacier_backup"


class Folders(NamedTuple):
    """The usual places of one user. All paths are absolute; nothing is created, nothing looked at."""

    environ: Mapping[str, str]

    @property
    def home(self) -> str:
        """``HOME``, or without it what the user database says; raises ConfigError when neither knows."""
        home = self.environ.get("HOME", "")
        if not home.startswith("/"):
            home = _home_in_user_database()
        return normal_path(home)

    @property
    def config(self) -> str:
        return os.path.join(self._base("XDG_CONFIG_HOME", ".config"), _OURS)

    @property
    def data(self) -> str:
        return os.path.join(self._base("XDG_DATA_HOME", ".local/share"), _OURS)

    @property
    def config_file(self) -> str:
        """The INI file that is read, and written by ``config init``, when none is named; so it was in
        glacier_backup 1.2."""
        return os.path.join(self.config, "glacier_backup.conf")

    @property
    def logfile(self) -> str:
        return os.path.join(self.config, "glacier_backup.log")

    @property
    def catalog(self) -> str:
        return os.path.join(self.data, "catalog.sqlite3")

    @property
    def local_vault(self) -> str:
        return os.path.join(self.data, "vault")

    def expand(self, text: str) -> str:
        """``text`` with a leading ``~`` or ``~user`` replaced by that home folder, if there is one."""
        if text == "~" or text.startswith("~/"):
            return self.home + text[1:]
        return os.path.expanduser(text) if text.startswith("~") else text

    def _base(self, variable: str, usual: str) -> str:
        base = self.environ.get(variable, "")
        return normal_path(base) if base.startswith("/") else os.path.join(self.home, usual)


def _home_in_user_database() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise ConfigError(
            [Problem("environment", None, None, "HOME", "found nothing; expected your home folder")],
            hint="set HOME, or name the INI file, logfile, catalog and destination by absolute paths",
        ) from None
