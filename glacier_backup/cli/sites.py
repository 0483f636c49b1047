"""Places that are looked at as a whole, with what the configuration knows of what may be there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from glacier_backup.machine import host_name
from glacier_backup.model.place import Place
from glacier_backup.plan.told_by_key import Around, Key, KeyOf

if TYPE_CHECKING:
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.naming import ShortenedLabel


def key_of(place: Place) -> KeyOf:
    """What makes names of the locators of a place."""
    if place.kind == "glacier":
        return _no_key
    return _key_in_bucket(place) if place.kind == "s3" else _key_as_it_is


def _no_key(locator: str) -> Key | None:
    return None


def _key_as_it_is(locator: str) -> Key | None:
    return Key(locator, locator)


def _key_in_bucket(place: Place) -> KeyOf:
    from glacier_backup.destination.buckets.keys import At, decoded, start_of

    start = start_of(place.name.partition("/")[2])

    def key(locator: str) -> Key | None:
        whole = At.parsed(locator).key
        return Key(whole, decoded(whole.removeprefix(start)))

    return key


def around(settings: Settings) -> Around:
    """What the INI file tells, where a place says too little: which files there are those of whole trees."""
    trees = [section for section in settings.sections if section.is_tree]
    relative = [section.path for section in trees if section.keys == "relative"]
    host = host_name()
    servers = {section.server.host for section in trees if section.server is not None}
    paths = tuple(section.path for section in settings.sections)
    return Around(
        hosts=frozenset({host, *servers}),
        sections=paths,
        trees=tuple(section.path for section in trees),
        sealed=tuple(section.path for section in trees if section.seal.seal),
        relative=relative[0] if len(relative) == 1 else None,
        host=host,
        whole_path=_on_this_disk,
    )


def _on_this_disk(short: ShortenedLabel) -> str | None:
    """The path that a description was too short for, if it is still there: the deepest folder of its beginning is
    looked through."""
    folder, _, start = short.beginning.path.rpartition("/")
    try:
        names = [entry.name for entry in os.scandir(folder or "/") if entry.name.startswith(start)]
    except (OSError, ValueError):
        return None
    return next((path for path in (f"{folder}/{name}" for name in names) if short.is_of(path)), None)
