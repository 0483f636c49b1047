"""``glacier-backup open``: what was stored, back into files; offline, without a catalog and without an INI file."""

from __future__ import annotations

import argparse

from glacier_backup.cli.arguments import add_keys

EXAMPLE = """\
  glacier-backup open ~/fetched --list                        what is in all archives of a folder; nothing is written
  glacier-backup open a.tar.zst.v001.age --to . --identity k  with all that belongs to it and lies beside it
  glacier-backup open ARCHIVE_docs_*.aes --to /mnt/new        tars of pyArchiver, over one another into one folder
  glacier-backup open tank-T20260101-part-aaaaaa --to .       parts of zfs-to-aws, as one stream for zfs receive
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="volumes, manifests (….recipe.json), parity (….par2), or directories with such files",
    )
    parser.add_argument("--to", metavar="DIR", help="the directory that all goes into; made where its folder exists")
    parser.add_argument("--list", action="store_true", help="show what is inside, checked to its end; write nothing")
    add_keys(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON value on standard output")
    parser.add_argument("--quiet", action="store_true", help="say only what needs a person")


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.opening import list_all, open_all
    from glacier_backup.errors import UsageError

    if bool(arguments.to) == arguments.list:
        raise UsageError(
            "expected either --to DIR or --list" if arguments.list else "where to? expected --to DIR",
            hint="--list shows what is inside, and writes nothing",
        )
    return list_all(arguments) if arguments.list else open_all(arguments)
