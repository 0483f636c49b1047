"""``glacier-backup delete``: delete archives that are named."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from glacier_backup.cli.removal import Work, add_removal_arguments, run_removal
from glacier_backup.machine import host_name

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.model.retention import RemovalPlan

EXAMPLE = """\
  glacier-backup delete ~/photos/2019 -d                     show what would be deleted
  glacier-backup delete ~/photos/2019 --at "1 year ago"      of its archives the newest up to then
  glacier-backup delete ~/photos/2019 --all-versions --yes   all of them, without asking
  glacier-backup delete nas/home/me/notes/20260321T040000.123456Z.tar
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help="paths, names, locators or id:N of archives; with --yes globs of paths, too",
    )
    versions = parser.add_mutually_exclusive_group()
    versions.add_argument(
        "--at", metavar="TIME", help='of each path the newest archive up to then: 2026-03-01, "1 year ago"'
    )
    versions.add_argument("--all-versions", action="store_true", help="of each path every archive")
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="DESTINATION",
        help="only what is stored there: a name of the INI file, or the place",
    )
    parser.add_argument(
        "--even-last", action="store_true", help="also the last good archive of what is still there on this machine"
    )
    add_removal_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.moments import moment
    from glacier_backup.cli.reading import load_for_reading
    from glacier_backup.cli.selection import place_id, prices_of, words
    from glacier_backup.plan.removal import Present
    from glacier_backup.units import now
    from glacier_backup.workflow.delete import Delete, plan_delete

    settings, catalog = load_for_reading(arguments)
    prices = prices_of(settings)
    present = Present(prices, now())
    at = None if arguments.at is None else present.now if arguments.at == "now" else moment(arguments.at)

    def plan_of(opened: Catalog) -> RemovalPlan:
        order = Delete(
            words(arguments.what),
            host_name(),
            _may_exist,
            present,
            at=at,
            all_versions=arguments.all_versions,
            place_id=None if arguments.from_ is None else place_id(arguments.from_, settings, opened),
            globs=arguments.yes or arguments.dryrun,
            even_last=arguments.even_last,
        )
        return plan_delete(order, opened)

    return run_removal(Work(settings, catalog, arguments, prices, plan_of, needs_yes=True))


def _may_exist(path: str) -> bool:
    """What is on a server, and what is a dataset, can't be looked at without asking for it; nor can what lies where
    this user may not look."""
    from glacier_backup.model.snapshot import is_dataset_path

    if "://" in path or is_dataset_path(path):
        return True
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
