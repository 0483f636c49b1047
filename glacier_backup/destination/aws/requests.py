"""Requests to one AWS service about one place, each repeated as often as it takes, with errors that are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.aws.errors import cause, error_code, translated
from glacier_backup.destination.aws.renewing import Renewing
from glacier_backup.destination.destination import Check
from glacier_backup.destination.remarks import Waiting
from glacier_backup.destination.retrying import Retrier
from glacier_backup.errors import DestinationError

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.client import BaseClient

C = TypeVar("C", bound="BaseClient")
T = TypeVar("T")

Meanings = Mapping[str, Callable[[Exception], DestinationError]]
"""What a refusal means to one request, by its code; any other means what it says."""

Page = tuple[list[T], str | None]
"""One page of a list, and the marker of the next; None or empty on the last."""

Marker = dict[str, str]
"""The argument that asks for another page than the first."""

NOTHING: Meanings = MappingProxyType({})


class Requests(Generic[C]):
    """Safe to use from several threads. The client is made with the first request."""

    def __init__(
        self, where: str, access: Access, most: int, waiting: Waiting | None, connect: Callable[[Session], C]
    ) -> None:
        """``where`` names the place in messages; ``most`` requests are under way at once."""
        self._where = where
        self._aws = Renewing(access, connect)
        tell = None if waiting is None else lambda error, seconds: waiting(f"{where}: {cause(error)}", seconds)
        self._patiently = Retrier(self._aws.judge, most, tell)

    def ask(self, request: Callable[[C], T], check: Check, meanings: Meanings = NOTHING) -> T:
        """What ``request``, which can be repeated, returns. ``check`` is asked while waiting, and may raise."""
        with translated(self._where):
            try:
                return self._patiently(lambda: request(self._aws.client), check)
            except Exception as error:
                if error_code(error) not in meanings:
                    raise
                raise meanings[error_code(error)](error) from error

    def pages(
        self, page: Callable[[Marker, C], Page[T]], check: Check, meanings: Meanings = NOTHING
    ) -> Iterator[list[T]]:
        """What is on each page of a list."""
        at: Marker = {}
        while True:
            items, marker = self.ask(partial(page, at), check, meanings)
            yield items
            if not marker:
                return
            at = {"marker": marker}

    def close(self) -> None:
        """Let go of the connections."""
        self._aws.close()
