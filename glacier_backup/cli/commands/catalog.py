"""``glacier-backup catalog``: the database of what has been sent."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_options, overrides

if TYPE_CHECKING:
    from glacier_backup.model.event import Event

HELP = "Look after the catalog, the database of what has been sent."
EXAMPLE = """\
  glacier-backup catalog import ~/.config/glacier_backup/glacier.photos.sqlite3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    taking = actions.add_parser(
        "import",
        help="take over the record of another system",
        description="Take over what glacier_backup 1.2 has recorded as sent to a vault, so that it isn't sent again.",
        epilog=f"example:\n{EXAMPLE}",
    )
    taking.add_argument("file", metavar="FILE", help="its glacier.VAULT.sqlite3")
    add_common(taking)
    add_options(taking, "vault_name", "account_id")


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import wiring
    from glacier_backup.config.load import load

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    imported = wiring.import_record(settings, os.path.abspath(arguments.file), _warn)
    if arguments.json:
        render.write_json({"file": imported.source, "imported": imported.count})
    elif not arguments.quiet:
        render.say(f"took over the record of {imported.count} archives from {imported.source}")
    return 0


def _warn(event: Event) -> None:
    from glacier_backup.model.event import Warned

    if isinstance(event, Warned):
        render.warn(event.message)
