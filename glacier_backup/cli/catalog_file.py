"""Which catalog is meant."""

from __future__ import annotations

import argparse
import os

from glacier_backup.cli.arguments import overrides
from glacier_backup.config.load import load
from glacier_backup.config.outside import absolute
from glacier_backup.config.settings import Settings
from glacier_backup.errors import UsageError


def settings_and_catalog(arguments: argparse.Namespace) -> tuple[Settings, str]:
    """The settings in force, and the catalog to read. Without an INI file the built-in defaults do.

    Raises ConfigError, and UsageError where ``--catalog`` names a file that isn't there.
    """
    named: str | None = getattr(arguments, "catalog", None)
    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    if named is None:
        return settings, settings.catalog
    file = absolute(os.path.expanduser(named))
    if not os.path.exists(file):
        raise UsageError(f"there is no catalog {file}")
    return settings, file
