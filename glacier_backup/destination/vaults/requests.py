"""Requests about one vault, each repeated as often as it takes, with errors that are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glacier_backup.destination.aws.access import Access, client_config
from glacier_backup.destination.aws.requests import Marker, Meanings, Page, Requests
from glacier_backup.destination.multipart import PartBody
from glacier_backup.destination.remarks import Waiting

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_glacier.client import GlacierClient

__all__ = ["DENIED", "INVALID", "NOT_FOUND", "Marker", "Meanings", "Page", "VaultRequests", "Waiting"]

NOT_FOUND = "ResourceNotFoundException"
DENIED = "AccessDeniedException"
INVALID = "InvalidParameterValueException"


class VaultRequests(Requests["GlacierClient"]):
    """Safe to use from several threads. The client is made with the first request."""

    def __init__(self, where: str, access: Access, most: int, waiting: Waiting | None) -> None:
        """``where`` names the vault in messages; ``most`` requests are under way at once."""

        def connect(session: Session) -> GlacierClient:
            client = session.client("glacier", endpoint_url=access.endpoint_url, config=client_config(most))
            client.meta.events.register_first("before-call.glacier.UploadMultipartPart", _hash_once)
            return client

        super().__init__(where, access, most, waiting, connect)


def _hash_once(params: dict[str, Any], **_: object) -> None:
    """Give the signer the payload hash that the part already has; botocore would read the part twice more."""
    if isinstance(params["body"], PartBody):
        params["headers"]["x-amz-content-sha256"] = params["body"].sha256
