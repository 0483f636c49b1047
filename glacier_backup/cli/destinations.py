"""From the settings of a destination to the destination itself: one function a kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from glacier_backup.config.settings import DestinationSettings, ServerSettings, Settings
from glacier_backup.errors import ConfigError, Problem
from glacier_backup.model.event import Listener, Waiting, Warned
from glacier_backup.model.place import DestinationKind
from glacier_backup.workflow.tools import Classify, as_set

if TYPE_CHECKING:
    from glacier_backup.destination.aws.access import Access
    from glacier_backup.destination.destination import Destination
    from glacier_backup.ssh.server import Server


class _Telling:
    """Tells listeners what one destination has to say."""

    def __init__(self, tell: Listener, name: str) -> None:
        self._tell = tell
        self._name = name

    def waiting(self, cause: str, seconds: float) -> None:
        self._tell(Waiting(cause, seconds, self._name))

    def note(self, text: str) -> None:
        self._tell(Warned(text, lasting=True))


def _glacier(one: DestinationSettings, parallel: int, telling: _Telling) -> Destination:
    from glacier_backup.destination.glacier import Glacier

    if one.vault_name is None:
        raise AssertionError("the configuration names a vault wherever it says glacier")
    return Glacier(one.vault_name, one.account_id, access(one), parallel, one.bandwidth_limit, telling.waiting)


def _s3(one: DestinationSettings, parallel: int, telling: _Telling) -> Destination:
    from glacier_backup.destination.s3 import S3

    if one.bucket is None:
        raise AssertionError("the configuration names a bucket wherever it says s3")
    return S3(
        one.bucket,
        one.directory,
        access(one),
        parallel,
        storage_class=one.storage_class,
        sse=one.sse,
        kms_key_id=one.kms_key_id,
        tags=one.tags,
        expected_bucket_owner=one.expected_bucket_owner,
        bandwidth=one.bandwidth_limit,
        waiting=telling.waiting,
        note=telling.note,
    )


def _sftp(one: DestinationSettings, parallel: int, telling: _Telling) -> Destination:
    from glacier_backup.destination.sftp import Sftp

    if one.server is None:
        raise AssertionError("the configuration names a server wherever it says sftp")
    return Sftp(
        server(one.server),
        one.directory,
        concurrency=parallel,
        bandwidth=one.bandwidth_limit,
        cold=one.cold,
        waiting=telling.waiting,
        note=telling.note,
    )


def _local(one: DestinationSettings, parallel: int, telling: _Telling) -> Destination:
    from glacier_backup.destination.local import Local

    return Local(one.directory, create=one.embedded, concurrency=parallel, bandwidth=one.bandwidth_limit)


DESTINATIONS: dict[DestinationKind, Callable[[DestinationSettings, int, _Telling], Destination]] = {
    "glacier": _glacier,
    "s3": _s3,
    "sftp": _sftp,
    "local": _local,
}
"""What makes a destination of each kind."""


def destination(one: DestinationSettings, parallel: int, tell: Listener) -> Destination:
    """The destination of these settings, with so many parts under way at the same time. Nothing is connected yet."""
    return DESTINATIONS[one.kind](one, parallel, _Telling(tell, one.name))


def mark(one: DestinationSettings, catalog: str) -> None:
    """Mark a directory as the one that archives go to, and note so in the catalog at that path: from now on a bare
    mount point isn't taken for it. Of other kinds, and of the embedded local vault, there is nothing to mark.

    Raises DestinationUnavailable for a directory that isn't there or can't be written, and CatalogError.
    """
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.destination.local import Local

    if one.kind != "local" or one.embedded:
        return
    with closing(Local(one.directory, create=False)) as directory:
        directory.mark()
        with Catalog.open(catalog) as opened:
            opened.mark(directory.place)


def set_environment(settings: Settings) -> None:
    """What the env_file adds is for botocore, which reads the environment itself; what is set already wins.

    Not the passwords that the INI file takes from there: what is in the environment any child process has, too.
    """
    for name, value in settings.environment:
        if value not in settings.secrets:
            os.environ.setdefault(name, value)


def access(one: DestinationSettings) -> Access:
    """How to reach AWS, or what speaks its protocols."""
    from glacier_backup.destination.aws.access import Access

    return Access(one.region, one.profile, one.endpoint_url)


def server(settings: ServerSettings) -> Server:
    """How to reach an SFTP server."""
    from glacier_backup.ssh.server import Server

    return Server(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        key=settings.ssh_key,
        password=None if settings.ssh_password is None else settings.ssh_password.get_secret_value(),
        password_file=settings.ssh_password_file,
        known_hosts=settings.known_hosts,
        host_key=settings.host_key,
        connections=settings.connections,
    )


def classify(one: DestinationSettings, settings: Settings) -> Classify:
    """Which storage class an archive gets there. Raises ConfigError for a price table that is of no use."""
    if one.kind != "s3" or one.hot_below is None:
        return as_set
    from glacier_backup.config.prices import SHIPPED, read_prices
    from glacier_backup.plan.classes import MONTHS, break_even, classifier

    if one.hot_below != "auto":
        return classifier(one.storage_class, one.hot_below, "the size that hot_below says")
    prices = read_prices(settings.prices or SHIPPED)
    try:
        size = break_even(prices, one.storage_class)
    except KeyError as missing:
        cause = f"has no price of {missing}, which hot_below = auto needs; set hot_below to a size"
        raise ConfigError([Problem(settings.prices or SHIPPED, None, None, None, cause)]) from None
    why = f"the size from which {one.storage_class} is cheaper within {MONTHS} months (prices of {prices.date})"
    return classifier(one.storage_class, size, why)
