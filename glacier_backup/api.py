"""The library: what ``import glacier_backup`` offers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from glacier_backup.cli.wiring import plan_backup, run_backup
from glacier_backup.config.load import load as load_config
from glacier_backup.config.settings import Settings

__all__ = ["load", "plan_backup", "run_backup"]


def load(
    config: str | os.PathLike[str] | None = None,
    *,
    paths: Sequence[str | os.PathLike[str]] = (),
    options: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read an INI file; None means the default one.

    ``paths`` take the place of the configured sections, each as itself; ``options`` (name → text, as in
    ``[main]``) beat the environment, which beats the file. Raises ConfigError with every problem found.
    """
    file = None if config is None else os.fspath(config)
    return load_config(file, overrides=options, environ=environ, paths=[os.fspath(path) for path in paths])
