"""Sessions for the AWS destinations, and the one place where botocore's errors become ours."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glacier_backup.destination.retrying import Verdict
from glacier_backup.errors import DestinationError, DestinationUnavailable

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import ClientError

CONNECT_TIMEOUT = 20.0
READ_TIMEOUT = 120.0
"""Seconds. A part's answer comes after the server has hashed it, so reading waits longer."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach AWS. Credentials come only from botocore's own chain."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


def session(access: Access) -> Session:
    """A boto3 session; raises DestinationUnavailable for a profile that isn't there."""
    import boto3

    with translated("AWS"):
        return boto3.session.Session(profile_name=access.profile, region_name=access.region)


def region_of(access: Access) -> str | None:
    """The region in force: the option's, else what botocore finds in environment and profile.

    botocore is only loaded when the option doesn't say it: a run that has nothing to send starts quicker.
    """
    return access.region or session(access).region_name


def way_in(access: Access) -> str:
    """A digest that changes when the account behind the credentials may have changed; it gives nothing away.

    From option and environment alone: what an idle run must notice without asking a server or loading botocore.
    """
    names = ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]
    if "AWS_SESSION_TOKEN" not in os.environ:
        # The ids of temporary keys change every hour, and say nothing.
        names.append("AWS_ACCESS_KEY_ID")
    parts = (access.profile, access.endpoint_url, *map(os.environ.get, names))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def client_config(connections: int) -> Config:
    """Timeouts and pool size of every client; no retries, which are :mod:`glacier_backup.destination.retrying`'s."""
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )


_TRANSIENT_STATUSES = {408, 500, 502, 503, 504}
_TRANSIENT_CODES = {"RequestTimeout", "RequestTimeoutException", "ServiceUnavailableException", "InternalFailure"}
_THROTTLED_CODES = {"ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown", "TooManyRequestsException"}


class WrongChecksum(DestinationError):
    """The server says that it has other bytes than were sent: they have to be sent again."""


def verdict(error: Exception) -> Verdict:
    """Whether the same request may do better later.

    Throttling is documented as status 400 for the vault API, a time-out as 408 (API reference, "Error responses").
    """
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NoConnection

    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in _THROTTLED_CODES or status == 429:
            return Verdict.THROTTLED
        return Verdict.TRANSIENT if status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES else Verdict.FINAL
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Verdict.FINAL
    broken = (HTTPClientError, NoConnection, IncompleteReadError, WrongChecksum)
    return Verdict.TRANSIENT if isinstance(error, broken) else Verdict.FINAL


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what botocore raises inside into a DestinationError that names ``where``, the cause and the cure."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _from_answer(where, error) from error
    except BotoCoreError as error:
        raise _from_client(where, error) from error


# Error codes (API reference of S3 Glacier, "Error responses"; IAM, "Common errors") that no other archive would
# escape, with the cure.
_REFUSALS = {
    "AccessDeniedException": "the credentials lack the permission; see the least policy in docs/vault.md",
    "ExpiredTokenException": "get new temporary credentials and run again",
    "IncompleteSignature": None,
    "InvalidClientTokenId": "the access key is not known to AWS: check profile and AWS_ACCESS_KEY_ID",
    "InvalidSignatureException": "the secret key doesn't fit the access key, or this machine's clock is wrong",
    "MissingAuthenticationTokenException": "no credentials were sent: set a profile or AWS_ACCESS_KEY_ID",
    "NoLongerSupportedException": "AWS takes no new vault customers since 15 December 2025",
    "OptInRequired": "the account isn't subscribed to the service in this region",
    "RequestExpired": "this machine's clock is wrong: set it by NTP",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it by NTP",
    "UnrecognizedClientException": "the access key is not known to AWS: check profile and AWS_ACCESS_KEY_ID",
}


def _from_answer(where: str, error: ClientError) -> DestinationError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "") or str(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    text = f"{where}: {message} ({code})"
    if code not in _REFUSALS and status not in (401, 403):
        return DestinationError(text)
    hint = _REFUSALS.get(code)
    if code == "InvalidSignatureException" and ("expired" in message.lower() or "not yet current" in message):
        hint = "this machine's clock is wrong: set it by NTP"
    return DestinationUnavailable(text, hint=hint)


def _from_client(where: str, error: Exception) -> DestinationError:
    hints = {
        "NoCredentialsError": "set profile in the INI file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "PartialCredentialsError": "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "CredentialRetrievalError": "the provider of credentials failed; run `aws sts get-caller-identity`",
        "ProfileNotFound": "check profile against ~/.aws/config",
        "NoRegionError": "set region in the INI file, or AWS_DEFAULT_REGION",
        "EndpointConnectionError": "check the network, region and endpoint_url",
        "SSLError": "the server's certificate was not accepted; check the clock and the CA bundle",
    }
    if type(error).__name__ == "ParamValidationError":
        return DestinationError(f"{where}: {error}")
    return DestinationUnavailable(f"{where}: {error}", hint=hints.get(type(error).__name__))
