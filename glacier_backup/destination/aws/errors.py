"""The one place where botocore's errors become ours, and where it is said what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from glacier_backup.destination.retrying import Verdict
from glacier_backup.errors import DestinationError, DestinationUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

T = TypeVar("T")

_TRANSIENT_STATUSES = {408, 500, 502, 503, 504}
_TRANSIENT_CODES = {
    "IncompleteBody",
    "InternalFailure",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailableException",
}
_THROTTLED_CODES = {"ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown", "TooManyRequestsException"}

_OWN_MACHINES_ROLES = {"iam-role", "container-role"}
"""botocore's names of the providers that ask a service on the machine itself, which may be busy or just starting."""


class WrongChecksum(DestinationUnavailable):
    """The server says that it has other bytes than were sent: they have to be sent again."""


class StrangeAnswer(DestinationUnavailable):
    """An answer without what it should say, as of a proxy or a log-in page in between."""


def error_code(error: Exception) -> str:
    """The code of a refusal (API reference, "Error responses"); empty for anything else."""
    from botocore.exceptions import ClientError

    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def error_message(error: Exception) -> str:
    """What the service says of a refusal; what any other error says of itself."""
    from botocore.exceptions import ClientError

    said = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else ""
    return said or str(error)


def demand(value: T | None, what: str) -> T:
    """``value``, which an answer has to have. Raises StrangeAnswer, which is worth another try."""
    if value is None:
        raise StrangeAnswer(f"the answer has no {what}: is it the service that answers?")
    return value


def verdict(error: Exception) -> Verdict:
    """Whether the same request may do better later.

    Throttling is documented as status 400 for the vault API, a time-out as 408 (API reference, "Error responses").
    """
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        CredentialRetrievalError,
        EndpointConnectionError,
        HTTPClientError,
        IncompleteReadError,
        ProxyConnectionError,
    )
    from botocore.exceptions import ConnectionError as NoConnection

    if isinstance(error, ClientError):
        code = error_code(error)
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in _THROTTLED_CODES or status == 429:
            return Verdict.THROTTLED
        return Verdict.TRANSIENT if status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES else Verdict.FINAL
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Verdict.FINAL
    if isinstance(error, CredentialRetrievalError):
        return Verdict.TRANSIENT if error.kwargs.get("provider") in _OWN_MACHINES_ROLES else Verdict.FINAL
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ProxyConnectionError):
        return Verdict.OUTAGE
    broken = (HTTPClientError, NoConnection, IncompleteReadError, WrongChecksum, StrangeAnswer)
    return Verdict.TRANSIENT if isinstance(error, broken) else Verdict.FINAL


def cause(error: Exception) -> str:
    """Why a request failed, in a few words: ``ThrottlingException``, ``Connection reset by peer``."""
    if code := error_code(error):
        return f"{code} {error_message(error)}" if code.isdigit() else code
    said = {
        "ConnectTimeoutError": "no connection within the time for it",
        "ReadTimeoutError": "no answer within the time for it",
        "ProxyConnectionError": "no connection to the proxy",
    }.get(type(error).__name__)
    return said or _system_message(error) or str(error)


def _system_message(error: BaseException) -> str | None:
    """What the operating system said, where an error of its lies at the bottom of this one."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return None


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what botocore raises inside into a DestinationError that names ``where``, the cause and the cure.

    Only for requests: nothing else may run inside.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _from_answer(where, error) from error
    except BotoCoreError as error:
        raise _from_client(where, error) from error
    except RuntimeError as error:
        # All that botocore has for a provider that hands out credentials whose time is over already.
        if "credentials" not in str(error):
            raise
        raise DestinationUnavailable(f"{where}: {error}", hint=_RENEW) from error


_RENEW = "get new temporary credentials and run again"

_UNKNOWN_KEY = "the access key is not known to AWS: check profile and AWS_ACCESS_KEY_ID"
_UNFIT_KEY = "the secret key doesn't fit the access key, or this machine's clock is wrong"

# Error codes (API references of S3 Glacier and of S3, "Error responses"; IAM, "Common errors") that no other archive
# would escape, with the cure. A missing permission is AccessDenied to S3, AccessDeniedException to a vault.
_REFUSALS = {
    "AccessDenied": "the credentials lack the permission; see the least policies in docs/s3.md",
    "AccessDeniedException": "the credentials lack the permission; see the least policy in docs/vault.md",
    "AccountProblem": "something is wrong with the AWS account: see its console",
    "AllAccessDisabled": "AWS has closed the bucket: see the account's console",
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "IncompleteSignature": None,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignatureException": _UNFIT_KEY,
    "InvalidToken": _RENEW,
    "MissingAuthenticationTokenException": "no credentials were sent: set a profile or AWS_ACCESS_KEY_ID",
    "NoLongerSupportedException": "AWS takes no new vault customers since 15 December 2025",
    "NotSignedUp": "the account isn't subscribed to S3",
    "OptInRequired": "the account isn't subscribed to the service in this region",
    "RequestExpired": "this machine's clock is wrong: set it by NTP",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it by NTP",
    "SignatureDoesNotMatch": _UNFIT_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
}


def _from_answer(where: str, error: ClientError) -> DestinationError:
    code = error_code(error)
    message = error_message(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    text = f"{where}: {message} ({code})"
    if verdict(error) is not Verdict.FINAL:
        # It never did better. Nothing is known to be wrong with what was asked: the next run goes on with it.
        return DestinationUnavailable(text, hint="the service is busy or in trouble: run again later")
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
