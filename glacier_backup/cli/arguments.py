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
    return {"logfile": "FILE", "limit": "N"}.get(flag, flag.upper())


def _help(option: Option) -> str:
    default = option.default_says.replace("`", "") or option.default
    return f"{option.help} (default: {default})".replace("%", "%%")
