"""How the verb ``vault`` reaches Amazon: by the INI file where it says so, or by the command line alone."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_options, overrides
from glacier_backup.errors import UsageError

if TYPE_CHECKING:
    from glacier_backup.config.settings import DestinationSettings, Settings
    from glacier_backup.destination.destination import Destination
    from glacier_backup.destination.vaults.administration import Vaults
    from glacier_backup.model.event import Event

_WAYS = (("--region", "REGION", "the vault's region"), ("--profile", "NAME", "a profile of ~/.aws"))


def add_way(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how to get there; each wins over the INI file, of which none is needed."""
    add_common(parser)
    add_options(parser, "account_id")
    for flag, metavar, help_ in _WAYS:
        parser.add_argument(flag, metavar=metavar, help=help_)
    parser.add_argument("--endpoint-url", metavar="URL", help="of a service that isn't Amazon's")


def settings_for(arguments: argparse.Namespace, name: str | None) -> tuple[Settings, DestinationSettings]:
    """What is in force, and the vault called ``name``: as the INI file has it, else as its ``[main]`` would reach it.
    None is the only one of the INI file.

    Raises ConfigError, and UsageError for what can't be a vault's name, or where none is named.
    """
    from glacier_backup.cli.destinations import set_environment
    from glacier_backup.config.load import load
    from glacier_backup.destination.vaults.administration import is_name

    given = overrides(arguments)
    settings = load(arguments.config, overrides=given, environ=os.environ, needs_sections=False)
    vaults = [one for one in settings.destinations if one.kind == "glacier"]
    if name is None:
        if len(vaults) != 1:
            raise UsageError(f"the configuration names {len(vaults) or 'no'} vaults", hint="say which one is meant")
        found = vaults[0]
    elif not is_name(name):
        raise UsageError(
            f"{name!r} is no name for a vault", hint="expected 1 to 255 of A-Z, a-z, 0-9, _, - and ., but not . or .."
        )
    elif (called := _called(name, vaults, arguments.region)) is not None:
        found = called
    else:
        more = {**given, "vault_name": name}
        settings = load(arguments.config, overrides=more, environ=os.environ, needs_sections=False)
        found = next(one for one in settings.destinations if one.vault_name == name)
    set_environment(settings)
    way = {option: getattr(arguments, option) for option in ("region", "profile", "endpoint_url")}
    return settings, found.model_copy(update={option: value for option, value in way.items() if value})


def _called(name: str, vaults: Sequence[DestinationSettings], region: str | None) -> DestinationSettings | None:
    """The vault of that name; of several, as copies in two regions may be called, the one that ``region`` tells. Raises
    UsageError where nothing tells: the other one may be emptied for it."""
    same = [one for one in vaults if one.vault_name == name]
    if region is not None and len(same) > 1:
        same = [one for one in same if one.region == region]
    if len({(one.region, one.account_id, one.profile, one.endpoint_url) for one in same}) > 1:
        raise UsageError(
            f"the configuration names {len(same)} vaults called {name}",
            hint="say with --region which one is meant, or with --config an INI file that names only that one",
        )
    return same[0] if same else None


@contextmanager
def vaults(arguments: argparse.Namespace, name: str | None = None) -> Iterator[Vaults]:
    """All vaults there, looked for where ``name`` would be; without it, where one of the INI file is."""
    from glacier_backup.cli.destinations import access
    from glacier_backup.destination.vaults.administration import Vaults

    _, one = settings_for(arguments, name or _any(arguments))
    with closing(Vaults(one.account_id, access(one), waiting)) as made:
        yield made


def _any(arguments: argparse.Namespace) -> str:
    """The name of a vault of the INI file; without one any will do, for it isn't asked about."""
    from glacier_backup.config.load import load

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    return next((one.vault_name for one in settings.destinations if one.vault_name), "any")


@contextmanager
def vault(arguments: argparse.Namespace, name: str | None) -> Iterator[tuple[Settings, str, Destination]]:
    """One vault as a destination, with its name and the settings in force."""
    from glacier_backup.cli.destinations import destination
    from glacier_backup.workflow.vault import AT_ONCE

    settings, one = settings_for(arguments, name)
    with closing(destination(one, AT_ONCE, tell)) as made:
        yield settings, one.vault_name or "", made


def tell(event: Event) -> None:
    """What a destination has to say."""
    from glacier_backup.model.event import Waiting, Warned

    match event:
        case Warned(message):
            render.warn(message)
        case Waiting(cause, seconds):
            waiting(cause, seconds)
        case _:
            pass


def waiting(cause: str, seconds: float) -> None:
    """Why nothing moves, for a person who is looking; what is over soon isn't worth a line."""
    import sys

    if seconds >= 1 and sys.stderr.isatty():
        render.warn(f"{cause}; trying again in {seconds:.0f} s")


def nothing() -> None:
    """The check of what can be broken off anywhere."""


def say_again(name: str) -> int:
    """Say that the inventory isn't there yet; the exit code."""
    render.warn(
        f"the inventory of vault {name} is being made ready, which takes Amazon some hours, most often 3 to 5; "
        "run this again then"
    )
    return os.EX_TEMPFAIL
