"""``glacier-backup list``: what has been sent."""

from __future__ import annotations

import argparse
import os

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common

HELP = "Show what has been sent, oldest first, from the catalog alone."
EXAMPLE = """\
  glacier-backup list --since "2 weeks ago"
  glacier-backup list --since 2026-03-01 --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument("--since", metavar="TIME", help='only what was sent since then: 2026-03-01, "2 weeks ago"')


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.moments import moment
    from glacier_backup.config.load import load

    since = None if arguments.since is None else moment(arguments.since)
    settings = load(arguments.config, environ=os.environ, needs_sections=False)
    with Catalog.peek(settings.catalog) as catalog:
        listing = list(catalog.archives(since))
    if arguments.json:
        render.write_json([render.listed_json(one) for one in listing])
    elif listing:
        render.write_listing(listing)
    elif not arguments.quiet:
        render.say("nothing has been sent yet" if since is None else f"nothing has been sent since {arguments.since}")
    return 0
