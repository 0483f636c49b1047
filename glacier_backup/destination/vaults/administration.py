"""The vaults of one account in one region: listed, made and removed.

Rules are those of the API reference (S3 Glacier developer guide, "List Vaults", "Create Vault" and "Delete Vault").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.aws.access import Access, region_of
from glacier_backup.destination.aws.errors import demand, error_message
from glacier_backup.destination.destination import Check
from glacier_backup.destination.remarks import Waiting
from glacier_backup.destination.vaults.requests import DENIED, INVALID, NOT_FOUND, Marker, Meanings, Page, VaultRequests
from glacier_backup.errors import DestinationError, DestinationUnavailable

if TYPE_CHECKING:
    from mypy_boto3_glacier.client import GlacierClient
    from mypy_boto3_glacier.type_defs import DescribeVaultOutputTypeDef, DescribeVaultResponseTypeDef

OVERHEAD = "what Amazon adds to each archive included"
"""What is to be said beside a vault's size."""

CLOSED = "since 15 December 2025 Amazon makes vaults only for accounts that had some before"

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_LIMIT = "LimitExceededException"
_CLOSED = "NoLongerSupportedException"


def is_name(text: str) -> bool:
    """Whether a vault can be called so ("Create Vault"). ``.`` and ``..`` are none in any URL."""
    return _NAME.fullmatch(text) is not None and text not in (".", "..")


class VaultInfo(NamedTuple):
    """One vault, as of its last inventory."""

    name: str
    created_at: datetime
    archives: int | None
    """None before the first inventory, as are the next two."""
    size: int | None
    """Bytes, with what Amazon adds to each archive: more than its archives have together."""
    inventory_at: datetime | None


class Vaults:
    """Safe to use from several threads; ``check`` is asked while waiting, and what it raises ends it.

    Every method raises DestinationUnavailable when nobody answers or everything is refused, DestinationError when this
    is.
    """

    def __init__(self, account: str, access: Access, waiting: Waiting | None = None) -> None:
        self._account = account
        self._access = access
        self._requests = VaultRequests("vaults", access, 1, waiting)

    def each(self, check: Check) -> Iterator[VaultInfo]:
        """All of them, by name; page by page."""

        def page(marker: Marker, aws: GlacierClient) -> Page[VaultInfo]:
            answer = aws.list_vaults(accountId=self._account, **marker)
            listed = demand(answer.get("VaultList"), "list of vaults")
            return [_info(one) for one in listed], answer.get("Marker")

        for vaults in self._requests.pages(page, check):
            yield from vaults

    def look(self, name: str, check: Check) -> VaultInfo:
        """One of them. Raises DestinationUnavailable where there is none of this name."""

        def describe(aws: GlacierClient) -> VaultInfo:
            return _info(aws.describe_vault(accountId=self._account, vaultName=name))

        return self._requests.ask(describe, check, {NOT_FOUND: lambda error: self._none(name)})

    def create(self, name: str, check: Check) -> None:
        """Make one; where it is there already it stays as it is."""

        def create(aws: GlacierClient) -> None:
            aws.create_vault(accountId=self._account, vaultName=name)

        meanings: Meanings = {
            _CLOSED: lambda error: _refused(name, error, CLOSED),
            DENIED: lambda error: _refused(name, error, f"the credentials lack glacier:CreateVault; or: {CLOSED}"),
            _LIMIT: lambda error: _refused(name, error, "an account has 1,000 vaults in a region at most"),
            INVALID: lambda error: _refused(name, error, "a name has 1 to 255 of A-Z, a-z, 0-9, _, - and ."),
        }
        self._requests.ask(create, check, meanings)

    def delete(self, name: str, check: Check) -> None:
        """Remove one that Amazon knows to be empty; one that isn't there is as good."""

        def delete(aws: GlacierClient) -> None:
            aws.delete_vault(accountId=self._account, vaultName=name)

        try:
            self._requests.ask(delete, check, {INVALID: lambda error: _not_empty(name, error), NOT_FOUND: _gone})
        except _Gone:
            return

    def close(self) -> None:
        """Let go of the connections."""
        self._requests.close()

    def _none(self, name: str) -> DestinationUnavailable:
        return DestinationUnavailable(
            f"vault {name}: there is none of this name in {region_of(self._access)}",
            hint="glacier-backup vault list shows those that there are; --region looks elsewhere",
        )


class _Gone(DestinationError):
    pass


def _gone(error: Exception) -> DestinationError:
    return _Gone(error_message(error))


def _refused(name: str, error: Exception, hint: str) -> DestinationUnavailable:
    return DestinationUnavailable(f"vault {name} can't be made: {error_message(error)}", hint=hint)


def _not_empty(name: str, error: Exception) -> DestinationError:
    return DestinationError(
        f"vault {name} can't be removed: {error_message(error)}",
        hint="Amazon removes a vault when its last inventory, which is taken about once a day, found nothing in it, and"
        f" nothing was stored or deleted since: glacier-backup vault empty {name}, and then try again in a day or two",
    )


def _info(told: DescribeVaultOutputTypeDef | DescribeVaultResponseTypeDef) -> VaultInfo:
    return VaultInfo(
        demand(told.get("VaultName"), "name of a vault"),
        _moment(demand(told.get("CreationDate"), "date")),
        told.get("NumberOfArchives"),
        told.get("SizeInBytes"),
        _moment(told["LastInventoryDate"]) if told.get("LastInventoryDate") else None,
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
