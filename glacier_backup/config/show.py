"""The settings in force as rows of text: option, value, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from glacier_backup.config.schema import MAIN_OPTIONS, PATH_OPTIONS, Option
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.units import GIB, KIB, MIB

DEFAULT_ORIGIN = "default"

_SIZES = ("part_size", "bandwidth_limit")


class Row(NamedTuple):
    """One option in force."""

    section: str
    """``main``, or the path of a section."""
    option: str
    value: str
    """As it would be written; empty for none."""
    origin: str
    """``file:line``, ``environment VARIABLE``, ``command line --flag`` or ``default``."""


def rows(settings: Settings) -> Iterator[Row]:
    """Every option of ``[main]`` and of each section, in the order of the option table. They hold no secrets."""
    origins = dict(settings.origins)
    for option in MAIN_OPTIONS:
        value = _destination(settings) if option.name == "destination" else getattr(settings, option.name)
        yield Row("main", option.name, _text(option, value), origins.get(option.name, DEFAULT_ORIGIN))
    for section in settings.sections:
        yield from _section_rows(section)


def _section_rows(section: SectionSettings) -> Iterator[Row]:
    origins = dict(section.origins)
    for option in PATH_OPTIONS:
        value = _text(option, getattr(section, option.name))
        yield Row(section.path, option.name, value, origins.get(option.name, DEFAULT_ORIGIN))


def _destination(settings: Settings) -> str:
    return settings.local_path or settings.destination_kind


def _text(option: Option, value: object) -> str:
    match value:
        case None:
            return option.default or ""
        case bool():
            return "yes" if value else "no"
        case int() if option.name in _SIZES:
            return _size(value)
        case tuple():
            return "\n".join(value)
        case _:
            return str(value)


def _size(value: int) -> str:
    """``value`` bytes, exactly, in the largest unit that has a whole number of them."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if value % unit == 0:
            return f"{value // unit} {name}"
    return str(value)
