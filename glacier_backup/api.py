"""The library: what ``import glacier_backup`` offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glacier_backup.cli import wiring
from glacier_backup.config.load import load as load_config
from glacier_backup.config.settings import Settings
from glacier_backup.model.event import Listener, Summary
from glacier_backup.model.plan import BackupPlan


def load(
    config: str | None = None,
    *,
    paths: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read an INI file; None means the default one.

    ``paths`` take the place of the configured sections, each as itself; ``options`` (name → text, as in
    ``[main]``) beat the environment, which beats the file. Raises ConfigError with every problem found.
    """
    return load_config(config, overrides=options, environ=environ, paths=paths)


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
) -> Summary:
    """Carry out ``plan``, or plan anew; every archive is recorded as soon as it is stored.

    Each listener is called with every event (:mod:`glacier_backup.model.event`), some of them from other threads.
    A candidate that fails is in the summary, not raised. Raises LockHeld, CatalogError, and
    DestinationUnavailable when nothing could be tried.
    """
    return wiring.run(settings, plan, force=force, listeners=listeners)
