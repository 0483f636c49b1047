"""The tree of verbs; each command adds its own arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from glacier_backup import __version__
from glacier_backup.errors import UsageError

VERBS = {
    "backup": "Send what the INI file, or -p, selects and what isn't sent yet.",
    "restore": (
        "Bring back what was sent. While something is being thawed it ends with 75: run the same command again then."
    ),
    "thaw": "Show what is being thawed, have something thawed to restore it later, or give a restore up.",
    "list": "Show what has been sent, oldest first, from the catalog alone.",
    "find": "Find which archives hold something, in all versions, from the catalog alone.",
    "verify": "Find out whether what was sent is still there, and still right: exit code 5 is damage.",
    "prune": "Delete archives that no keep_ rule of the INI file keeps.",
    "delete": "Delete archives, named by path or locator.",
    "open": "Open files that were fetched by whatever means: check, mend, join, decrypt, decompress and unpack them.",
    "config": "Write, check or show the INI file.",
    "catalog": "Look after the catalog, the database of what has been sent.",
    "vault": "List, make, read and empty the vaults of an account; no INI file is needed.",
}
"""What each is for; said here, so that ``--help`` need load none of them."""

EPILOG = """\
Without a verb, the options are those of backup: `glacier-backup -d` is `glacier-backup backup -d`.

exit codes:
  0    all done
  1    some candidates failed, are missing or incomplete; the others were sent
  2    bad usage, configuration or catalog
  3    another run holds the lock
  4    nothing could be done: a destination or source server refuses or can't be reached
  5    what was read back, or verified, is damaged
  75   something is still being thawed: run the same command again later
  130  interrupted
"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are ours, and which takes no abbreviated options."""

    def __init__(self, *args: object, **options: object) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **options)  # type: ignore[arg-type]  # passed on as they came

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix("unrecognized arguments: ").split()
        if unknown and unknown[0] in VERBS:
            raise UsageError(message, hint=f"the verb comes first: glacier-backup {unknown[0]} …")
        raise UsageError(message, hint=f"see {self.prog} --help")


def command(verb: str) -> ModuleType:
    """The module of a verb."""
    return import_module(f"glacier_backup.cli.commands.{verb}")


def build(argv: Sequence[str]) -> Parser:
    """The parser for ``argv``. Only the verb that stands there gets its arguments: the others need not be loaded."""
    parser = Parser(
        prog="glacier-backup",
        description="Put what you can't afford to lose into cold storage, from one INI file.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"glacier-backup {__version__}")
    verbs = parser.add_subparsers(
        title="verbs", dest="verb", metavar="VERB", required=True, parser_class=Parser, prog=parser.prog
    )
    for verb, purpose in VERBS.items():
        sub = verbs.add_parser(verb, help=purpose, description=purpose)
        if argv and argv[0] == verb:
            module = command(verb)
            sub.epilog = f"example:\n{module.EXAMPLE}"
            module.add_arguments(sub)
    return parser
