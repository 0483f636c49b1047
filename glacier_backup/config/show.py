"""The settings in force as rows of text: option, value, and where it comes from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from glacier_backup.config.datasets import IN_RULES, value_of
from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.filter_values import shown
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.layout import MAIN, home_of, title_of
from glacier_backup.config.option import Option
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.place_settings import MAIN_DESTINATION, DestinationSettings
from glacier_backup.config.schema import DESTINATION_OPTIONS, RUN_OPTIONS, options_of
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.model.filters import MostDeleted
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.period import Period
from glacier_backup.units import GIB, KIB, MIB

DEFAULT_ORIGIN = "default"
SECRET = "(set)"  # noqa: S105  # it stands for one

_SIZES = (
    "part_size",
    "bandwidth_limit",
    "hot_below",
    "volume_size",
    "pack_size",
    "group_files_smaller_than",
    "group_max",
)


class Row(NamedTuple):
    """One option in force."""

    section: str
    """``main``, ``destination NAME``, or the path of a section."""
    option: str
    value: str
    """As it would be written; empty for none."""
    origin: str
    """``file:line``, ``environment VARIABLE``, ``command line --flag`` or ``default``."""


def rows(settings: Settings) -> Iterator[Row]:
    """The options of ``[main]``, of each destination (those that its kind has) and of each section, in the order of the
    option table. Secrets are ``(set)``."""
    for one in settings.destinations:
        if one.name == MAIN_DESTINATION:
            yield from destination_rows(one)
    if settings.default_destinations != (MAIN_DESTINATION,):
        origin = dict(settings.origins).get("destination", DEFAULT_ORIGIN)
        yield Row(MAIN, "destination", "\n".join(settings.default_destinations), origin)
    origins = dict(settings.origins)
    for option in RUN_OPTIONS:
        yield _row(MAIN, option, getattr(settings, option.name), origins)
    yield from (_seal_row(MAIN, option, settings.seal) for option in SEAL_OPTIONS)
    for option in (*KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS):
        yield _row(MAIN, option, getattr(settings, option.name), origins)
    for one in settings.destinations:
        if one.name != MAIN_DESTINATION:
            yield from destination_rows(one)
    for section in settings.sections:
        yield from _section_rows(section, settings.default_destinations)


def destination_rows(one: DestinationSettings) -> Iterator[Row]:
    """The options of one destination."""
    title = MAIN if one.name == MAIN_DESTINATION else title_of(one.name)
    for option in DESTINATION_OPTIONS:
        if option.suits(one.kind):
            yield _row(title, option, _value(one, option), dict(one.origins))


def _value(one: DestinationSettings, option: Option) -> object:
    if option.name == "destination":
        return "glacier" if one.kind == "glacier" else str(one)
    return getattr(one if option.name in DestinationSettings.model_fields else one.server, option.name)


def _section_rows(section: SectionSettings, default: tuple[str, ...]) -> Iterator[Row]:
    origins = dict(section.origins)
    for option in options_of(home_of(section.path)):
        if option in SEAL_OPTIONS:
            yield _seal_row(section.path, option, section.seal)
            continue
        if option.name == "destination":
            value: object = section.destinations or default
        elif option.name == "filters":
            value = tuple(map(str, section.filters))
        elif section.snapshots is not None and option.name in IN_RULES:
            value = value_of(section.snapshots, option.name)
        else:
            value = getattr(section if option.name in SectionSettings.model_fields else section.server, option.name)
        yield _row(section.path, option, value, origins)


def _seal_row(section: str, option: Option, seal: SealSettings) -> Row:
    value: object = getattr(seal, option.name)
    match option.name:
        case "seal":
            value = ", ".join(seal.seal) or "none"
        case "password_command" if seal.password_command is not None:
            value = shlex.join(seal.password_command)
        case "redundancy":
            value = str(value)
        case "undo_data":
            value = tuple(map(shown, seal.undo_data))
    return _row(section, option, value, dict(seal.origins))


def _row(section: str, option: Option, value: object, origins: Mapping[str, str]) -> Row:
    return Row(section, option.name, _text(option, value), origins.get(option.name, DEFAULT_ORIGIN))


def _text(option: Option, value: object) -> str:
    match value:
        case None:
            return "none" if option.name == "group_max" else option.default or ""
        case bool():
            return "yes" if value else "no"
        case int() if option.name in _SIZES:
            return _size(value)
        case Period() | FullEvery() | MostDeleted():
            return str(value)
        case tuple():
            return "\n".join(one if isinstance(one, str) else "=".join(one) for one in value)
        case _:
            return SECRET if option.is_secret else str(value)


def _size(value: int) -> str:
    """``value`` bytes, exactly, in the largest unit that has a whole number of them."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if value % unit == 0:
            return f"{value // unit} {name}"
    return str(value)
