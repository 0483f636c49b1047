"""The tree of verbs; each command adds its own arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from glacier_backup import __version__
from glacier_backup.errors import UsageError

VERBS = ("backup", "restore", "thaw", "list", "find", "verify", "prune", "delete", "open", "config", "catalog", "vault")

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
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS:
        module = command(verb)
        sub = verbs.add_parser(verb, help=module.HELP, description=module.HELP, epilog=f"example:\n{module.EXAMPLE}")
        if argv and argv[0] == verb:
            module.add_arguments(sub)
    return parser
