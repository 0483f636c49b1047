"""Command-line arguments that several verbs share, made from the option table."""

from __future__ import annotations

import argparse

from glacier_backup.config.option import Option
from glacier_backup.config.schema import OPTIONS


def add_common(parser: argparse.ArgumentParser) -> None:
    """The arguments of every verb."""
    parser.add_argument(
        "-c", "--config", metavar="FILE", help="INI file (default: ~/.config/glacier_backup/glacier_backup.conf)"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON value on standard output")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="say only what needs a person")
    loudness.add_argument("--verbose", action="store_true", help="say everything, also when nobody is watching")


def add_catalog(parser: argparse.ArgumentParser) -> None:
    """The argument that lets a verb do without an INI file."""
    parser.add_argument(
        "--catalog", metavar="FILE", help="this catalog, in place of the configured one; no INI file is needed then"
    )


def add_keys(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what opens sealed archives; see :mod:`glacier_backup.cli.keys`."""
    parser.add_argument(
        "--identity",
        metavar="FILE",
        action="append",
        help="a file with private keys of age or ssh, in place of the configured ones; may be given again",
    )
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        help="a file whose first line is the password, in place of the configured one",
    )
    parser.add_argument(
        "--undo",
        metavar="COMMAND",
        action="append",
        help="what undoes a filter data, in place of undo_data; given again for each of them, in the same order",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is wanted back."""
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="a path, a glob, an archive's name or id:NUMBER, or NAME:MEMBER for what is inside; default: everything",
    )
    parser.add_argument(
        "--at",
        metavar="TIME",
        help='as of then: 2026-03-01, "3 weeks ago"; now: the newest, but only of what still exists here',
    )
    parser.add_argument(
        "--with-deleted",
        action="store_true",
        help="also what was deleted at its source by then, as deleted = expire takes note of",
    )
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="DESTINATION",
        help="only what is stored there: a name of the INI file, or the place; default: what is at hand soonest",
    )


def add_thawing(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how what is cold is thawed."""
    parser.add_argument(
        "--tier",
        choices=("bulk", "standard", "expedited"),
        default="bulk",
        help="how soon, and how dear: within two days, within hours, within minutes (default: bulk)",
    )
    parser.add_argument(
        "--days", type=_days, default=7, metavar="N", help="how long a thawed copy in a bucket is kept (default: 7)"
    )
    parser.add_argument(
        "--max-cost", type=_amount, metavar="X", help="do nothing where it costs more, by the price table"
    )


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """The options of the INI file that may stand on the command line too: all of them, or those of these names."""
    for option in _with_flags():
        if names and option.name not in names:
            continue
        parser.add_argument(*option.flags, dest=option.name, metavar=_metavar(option), help=_help(option))


def overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """What the command line says, by option name, as text."""
    given = {option.name: getattr(arguments, option.name, None) for option in _with_flags()}
    return {name: text for name, text in given.items() if text is not None}


def _with_flags() -> list[Option]:
    return [option for option in OPTIONS if option.flags]


def _metavar(option: Option) -> str:
    flag = option.flags[-1].lstrip("-")
    return {"logfile": "FILE", "limit": "N", "max-delete": "SHARE"}.get(flag, flag.upper())


def _help(option: Option) -> str:
    default = option.default_says.replace("`", "") or option.default
    return f"{option.help} (default: {default})".replace("%", "%%")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 365):
        raise argparse.ArgumentTypeError(f"found {text!r}; expected days, from 1 to 365")
    return int(text)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e12:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected an amount such as 12.50")
    return amount
