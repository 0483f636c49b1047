"""glacier-backup: what you can't afford to lose, in the cheapest durable storage there is.

As a library: :func:`load` the INI file, :func:`plan_backup`, :func:`run_backup` with listeners of your own. Nothing
here configures logging, prints, or ends the process.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "2.0.0"

if TYPE_CHECKING:
    from glacier_backup.api import load as load
    from glacier_backup.api import plan_backup as plan_backup
    from glacier_backup.api import run_backup as run_backup

__all__ = ["__version__", "load", "plan_backup", "run_backup"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    # Loaded on first use: `glacier-backup --version` needs none of it.
    if name in __all__:
        return getattr(import_module("glacier_backup.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
