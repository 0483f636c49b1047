"""``glacier-backup verify``: whether what was sent is still there, and still right."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from glacier_backup.cli.arguments import add_common, add_thawing

if TYPE_CHECKING:
    from glacier_backup.model.finding import Rung

EXAMPLE = """\
  glacier-backup verify                       the catalog, and what destinations list: costs next to nothing
  glacier-backup verify --sample 1%           thaw and read some of it, drawn at random
  glacier-backup verify --full ~/photos       read all of one path
  glacier-backup verify --full --repair       and what is damaged is mended by its parity, where there is any
  glacier-backup verify --status              how much was verified, and when
"""

_RUNGS = (
    ("--catalog", "catalog", "the catalog agrees with itself; nobody is asked"),
    ("--inventory", "inventory", "everything is there with its size, and with its checksum where destinations tell it"),
    ("--full", "full", "read all of it, and check every byte; what is cold is thawed, and paid for"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:

    add_common(parser)
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="only this: a path, a glob, an archive's name or id:NUMBER; default: everything",
    )
    for flag, rung, help_ in _RUNGS:
        parser.add_argument(flag, dest="rungs", action="append_const", const=rung, help=help_)
    parser.add_argument(
        "--sample",
        type=_percent,
        metavar="N%",
        help="read so many per cent of the bytes, drawn at random, and check them",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="mend what is damaged and has parity, and store it in its place; what is cold is thawed, and paid for",
    )
    parser.add_argument("--status", action="store_true", help="show how much was verified, and when; nobody is asked")
    parser.add_argument("--plan", action="store_true", help="show what --sample or --full would cost; ask for nothing")
    add_thawing(parser)
    parser.add_argument("--wait", action="store_true", help="wait until all is thawed, hours or days")
    parser.add_argument(
        "--catalog-file",
        metavar="FILE",
        help="this catalog, in place of the configured one; no INI file is needed then",
    )


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.reading import load_for_reading
    from glacier_backup.cli.verifying import Verifying
    from glacier_backup.lock import RunLock

    rungs = _rungs(arguments)
    arguments.catalog = arguments.catalog_file
    settings, path = load_for_reading(arguments)
    only_looks = arguments.status or arguments.plan or rungs == ("catalog",) or not os.path.exists(path)
    only_looks = only_looks and not arguments.repair
    with (Catalog.peek if only_looks else Catalog.open)(path) as catalog:
        verifying = Verifying(settings, catalog, arguments)
        if arguments.status:
            return verifying.status()
        if arguments.plan:
            return verifying.plan()
        if not arguments.repair:
            return verifying.verify(rungs)
        with RunLock(path):
            return verifying.verify(rungs)


def _rungs(arguments: argparse.Namespace) -> tuple[Rung, ...]:
    """Those that are named, from the lowest; the two that cost nothing where none is."""
    from glacier_backup.errors import UsageError

    named = {*(arguments.rungs or ()), *(["sample"] if arguments.sample is not None else [])}
    if {"sample", "full"} <= named:
        raise UsageError("--sample and --full are two ways to read; expected one of them")
    if arguments.repair and (arguments.plan or arguments.status):
        raise UsageError("--repair mends, and --plan and --status only look; expected one of them")
    if arguments.plan and not {"sample", "full"} & named:
        raise UsageError("--plan shows what reading costs; expected --sample N% or --full with it")
    order: tuple[Rung, ...] = ("catalog", "inventory", "sample", "full")
    return tuple(rung for rung in order if rung in (named or {"catalog", "inventory"}))


def _percent(text: str) -> float:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent <= 100:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a part of all bytes, such as 1%")
    return percent
