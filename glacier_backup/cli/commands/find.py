"""``glacier-backup find``: which archives hold something."""

from __future__ import annotations

import argparse
import re
from itertools import chain
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common

if TYPE_CHECKING:
    from glacier_backup.model.stored import Found

EXAMPLE = """\
  glacier-backup find img_0001        whatever has that in its path, letters of either case
  glacier-backup find '*.jpg' --json  whatever is called so, case and all
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "text", metavar="GLOB|TEXT", help="a glob that fits the whole path or the last name, or text that is in it"
    )
    add_catalog(parser)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.looking import Looking
    from glacier_backup.cli.catalog_file import settings_and_catalog
    from glacier_backup.cli.deletions import told_of_found
    from glacier_backup.cli.render_stored import found_json, path_of, write_found

    _, path = settings_and_catalog(arguments)
    with Looking.peek(path) as catalog:
        matches = catalog.find(arguments.text, glob=re.search(r"[*?[]", arguments.text) is not None)
        # The topmost member of an archive is what the archive is of.
        meant = (one for one in matches if one.member is None or path_of(one) != one.archive.path)
        found = told_of_found(catalog, meant)
        places = dict(catalog.places())
        if arguments.json:
            render.write_json(found_json(one, places) for one in found)
        elif (first := next(found, None)) is not None:
            _say_how(first, arguments)
            write_found(chain([first], found), places)
        elif not arguments.quiet:
            render.say(f"nothing that is stored has {arguments.text} in its path")
    return 0


def _say_how(first: Found, arguments: argparse.Namespace) -> None:
    """The first lines: what to do with all this."""
    import shlex

    from glacier_backup.cli.render_stored import member_of, path_of

    if not arguments.quiet:
        render.say(f"the newest of a path:  glacier-backup restore {shlex.quote(path_of(first))} --to DIR")
        member = member_of(first)
        inside = f":{member.path}" if member is not None else ""
        one = shlex.quote(f"id:{first.archive.id}{inside}")
        render.say(f"a certain one:         glacier-backup restore {one} --to DIR")
