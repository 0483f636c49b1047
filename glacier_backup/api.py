"""The library: what ``import glacier_backup`` offers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from glacier_backup.cli import wiring
from glacier_backup.config.load import load as load_config
from glacier_backup.config.settings import Settings
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Listener, Summary
from glacier_backup.model.plan import BackupPlan


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


def plan_backup(settings: Settings, *, force: bool = False) -> BackupPlan:
    """What a run would do now and why; sends no request and writes nothing.

    Raises CatalogError when there is a catalog that can't be read.
    """
    return wiring.preview(settings, force=force)


def run_backup(
    settings: Settings,
    plan: BackupPlan | None = None,
    *,
    force: bool = False,
    listeners: Sequence[Listener] = (),
    stop: StopRequest | None = None,
) -> Summary:
    """Carry out ``plan``, or plan anew; every archive is recorded as soon as it is stored.

    Each listener is called with every event (:mod:`glacier_backup.model.event`), some of them from other threads; one
    that raises is told nothing more. ``stop.set()``, from any thread, ends the run cleanly.
    A candidate that fails is in the summary, not raised. Raises LockHeld, CatalogError, and
    DestinationUnavailable when nothing could be tried; ValueError for a plan made for another destination.
    """
    return wiring.run(settings, plan, force=force, listeners=listeners, stop=stop)
