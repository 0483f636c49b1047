"""AWS clients whose credentials are got anew when they have expired before their work was done.

What botocore renews by itself (roles of a machine, assumed ones, single sign-on) it renews before the time that the
provider gave. That leaves credentials that expire earlier than was said, and those that something else renews: a cron
job that rewrites ``~/.aws/credentials``, keys that are rotated. A new session reads all of that again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from glacier_backup.destination.aws.access import Access, session
from glacier_backup.destination.aws.errors import error_code, verdict
from glacier_backup.destination.retrying import Verdict

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.client import BaseClient

C = TypeVar("C", bound="BaseClient")

EXPIRED_CODES = {
    "400",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "UnrecognizedClientException",
}
"""Refusals (API references, "Error responses"; IAM, "Common errors") that other credentials may escape: the token's
time is over, or the key is not known any more. An answer to HEAD has no body to name a code in: an expired token's is
its status alone."""

_KEY_ID = re.compile(r"Credential=([^/]+)/")


class Signer(NamedTuple):
    """Which credentials a request was signed with, as far as the request itself says."""

    key_id: str | None
    token: str | None


class Renewing(Generic[C]):
    """One client for all threads, made on first use and again when other credentials are needed."""

    def __init__(self, access: Access, make: Callable[[Session], C]) -> None:
        self._access = access
        self._make = make
        self._lock = threading.Lock()
        self._client: C | None = None
        self._last = threading.local()
        """What this thread sent last: the client, and its Signer."""

    @property
    def client(self) -> C:
        """The client to make the next request with."""
        if (client := self._client) is not None:
            return client
        with self._lock:
            return self._client or self._made(session(self._access))

    def judge(self, error: Exception) -> Verdict:
        """Like :func:`verdict`, for the thread's last request: worth another try, too, where it was refused for its
        credentials and there are others now. Raises what keeps new ones from being got."""
        if error_code(error) not in EXPIRED_CODES:
            return verdict(error)
        try:
            return Verdict.TRANSIENT if self._renew() else Verdict.FINAL
        except Exception as failure:
            if verdict(failure) is Verdict.FINAL:
                raise
            return Verdict.TRANSIENT

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()

    def _renew(self) -> bool:
        """Whether there are other credentials now than this thread's last request was signed with."""
        client, signer = getattr(self._last, "sent", (None, None))
        with self._lock:
            if client is not self._client:
                return True  # another thread, refused for the same credentials, was quicker
            fresh = session(self._access)
            credentials = fresh.get_credentials()
            if credentials is None:
                return False
            frozen = credentials.get_frozen_credentials()
            if Signer(frozen.access_key, frozen.token) == signer:
                return False
            # The old one isn't closed: others may be in the middle of a request.
            self._made(fresh)
            return True

    def _made(self, fresh: Session) -> C:
        client = self._make(fresh)
        client.meta.events.register("before-send", partial(self._note, client))
        self._client = client
        return client

    def _note(self, client: C, request: AWSPreparedRequest, **_: object) -> None:
        found = _KEY_ID.search(_text(request.headers["Authorization"]))
        token = request.headers.get("X-Amz-Security-Token")
        self._last.sent = client, Signer(found[1] if found else None, None if token is None else _text(token))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
