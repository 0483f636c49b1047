"""``glacier-backup prune``: delete what no ``keep_`` rule keeps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from glacier_backup.cli.removal import Work, add_removal_arguments, run_removal
from glacier_backup.machine import host_name

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.retention import RemovalPlan
    from glacier_backup.plan.retention import Policies

EXAMPLE = """\
  glacier-backup prune -d                       show what would be deleted, and why
  glacier-backup prune --free-only              delete it, as far as it costs nothing
  glacier-backup prune ~/photos -d --verbose    show what is kept, too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="WHAT", help="only paths, with all below them, or globs of paths")
    add_removal_arguments(parser)
    parser.add_argument(
        "--free-only", action="store_true", help="leave for later what would be charged, as its least term isn't over"
    )


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.reading import load_for_reading
    from glacier_backup.cli.selection import prices_of, words
    from glacier_backup.plan.removal import Present
    from glacier_backup.units import now
    from glacier_backup.workflow.prune import Prune, plan_prune

    settings, catalog = load_for_reading(arguments)
    prices = prices_of(settings)
    order = Prune(
        policies(settings),
        host_name(),
        Present(prices, now()),
        words(arguments.what),
        free_only=arguments.free_only,
        with_retained=arguments.verbose,
    )

    def plan_of(opened: Catalog) -> RemovalPlan:
        return plan_prune(order, opened)

    return run_removal(Work(settings, catalog, arguments, prices, plan_of, needs_yes=False))


def policies(settings: Settings) -> Policies:
    """How long the archives of each section are kept."""
    from glacier_backup.config.keep_options import KEEP_OPTIONS
    from glacier_backup.model.retention import Policy
    from glacier_backup.plan.retention import Policies

    return Policies(
        {
            section.path: Policy(**{option.name: getattr(section, option.name) for option in KEEP_OPTIONS})
            for section in settings.sections
        }
    )
