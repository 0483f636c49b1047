"""What the verbs that read are made of: the settings, the catalog, and its places as destinations."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from threading import Lock

from glacier_backup.cli.catalog_file import settings_and_catalog
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.config import places
from glacier_backup.config.settings import DestinationSettings, Settings
from glacier_backup.destination.destination import Destination
from glacier_backup.errors import UsageError
from glacier_backup.model.event import Listener
from glacier_backup.model.place import Place
from glacier_backup.workflow.reading import DestinationOf


def load_for_reading(arguments: argparse.Namespace) -> tuple[Settings, str]:
    """The same as :func:`settings_and_catalog`, with the environment that destinations need."""
    settings, file = settings_and_catalog(arguments)
    set_environment(settings)
    return settings, file


def open_reading(settings: Settings, tell: Listener, stack: ExitStack) -> DestinationOf:
    """From a place of the catalog to its destination: the one that the INI file has for it, else one that is reached
    with the defaults. Each is made once, and closed with ``stack``."""
    configured = [(destination(one, settings.concurrency, tell), one) for one in settings.destinations]
    for one, _ in configured:
        stack.enter_context(closing(one))
    made: dict[Place, Destination] = {}
    turn = Lock()

    def destination_of(place: Place) -> Destination:
        with turn:
            if place not in made:
                made[place] = next((one for one, _ in configured if _is_at(one, place)), None) or stack.enter_context(
                    closing(destination(settings_of(place, settings), settings.concurrency, tell))
                )
            return made[place]

    return destination_of


def _is_at(one: Destination, place: Place) -> bool:
    """Whether that is where the destination of the INI file leads. Account ``-`` may be any, for the catalog has its
    number; and where botocore finds no region, the only one that is known is meant."""
    here = one.place
    return (
        (here.kind, here.name) == (place.kind, place.name)
        and (here.region == place.region or (place.kind == "glacier" and not here.region))
        and here.account in (place.account, "-")
    )


def settings_of(place: Place, settings: Settings) -> DestinationSettings:
    """How a place of the catalog is reached without any word of it in the INI file: credentials, keys and all else as
    they are found. Raises UsageError for one that can't be."""
    name = str(place)
    if place.kind == "glacier":
        return DestinationSettings(
            name=name,
            kind="glacier",
            vault_name=place.name,
            account_id=place.account or "-",
            region=place.region or None,
        )
    if place.kind == "local":
        return DestinationSettings(name=name, kind="local", directory=place.name)
    try:
        where = places.place(f"{place.kind}://{place.name}")
    except ValueError as error:
        raise UsageError(
            f"the catalog has archives at {name}, which can't be reached: {error}",
            hint="describe that destination in an INI file",
        ) from None
    if place.kind == "s3":
        return DestinationSettings(
            name=name,
            kind="s3",
            bucket=where.bucket,
            directory=where.directory,
            endpoint_url=place.region or None,
        )
    login = {"host": where.host, "port": where.port, "user": where.user}
    return DestinationSettings(
        name=name, kind="sftp", server=settings.login.model_copy(update=login), directory=where.directory
    )
