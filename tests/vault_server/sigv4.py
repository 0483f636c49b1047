"""AWS Signature Version 4, checked from the wire. Written from the specification, not from any signer.

Source: developer guide "Signing Requests" (with "Calculating Signatures for the Streaming Operations") and "Common
Request Headers"; botocore glacier service-2.json metadata: signatureVersion v4, endpointPrefix glacier.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from .errors import ApiError
from .request import Request

SERVICE = "glacier"
MAX_SKEW_SECONDS = 15 * 60
ALGORITHM = "AWS4-HMAC-SHA256"
_MUST_SIGN = ("host", "x-amz-date")
_MUST_SIGN_IF_SENT = ("x-amz-glacier-version", "x-amz-security-token")


@dataclass(frozen=True)
class Credential:
    """An access key that may sign, with its secret and, where it is temporary, its session token."""

    key_id: str
    secret: str
    token: str | None = None


@dataclass(frozen=True)
class Claim:
    """What an Authorization header says: who signed, for when and where, which headers, and the signature."""

    key_id: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str


def read_claim(request: Request) -> Claim:
    """The request's claim; MissingAuthenticationTokenException without one, IncompleteSignatureException for a part."""
    header = request.header("authorization")
    if not header:
        raise ApiError("MissingAuthenticationTokenException", "the request carries no Authorization header")
    algorithm, _, rest = header.partition(" ")
    fields = dict(item.strip().partition("=")[::2] for item in rest.split(","))
    key_id, _, scope = fields.get("Credential", "").partition("/")
    signed, signature = fields.get("SignedHeaders", ""), fields.get("Signature", "")
    if algorithm != ALGORITHM or not (key_id and scope and signed and signature):
        raise ApiError("IncompleteSignatureException", f"the Authorization header is not a whole {ALGORITHM} one")
    return Claim(key_id, scope, tuple(signed.split(";")), signature)


def check_claim(claim: Claim, request: Request, keys: dict[str, Credential], region: str, now: float) -> Credential:
    """All that can be told without the signature itself: key, token, scope, date, which headers are signed."""
    key = keys.get(claim.key_id)
    if key is None or request.header("x-amz-security-token") != key.token:
        raise ApiError("UnrecognizedClientException", "the access key id or the security token is not known")
    unsigned = [name for name in _MUST_SIGN if name not in claim.signed_headers]
    unsigned += [n for n in _MUST_SIGN_IF_SENT if request.header(n) is not None and n not in claim.signed_headers]
    if unsigned:
        raise _bad(f"these headers have to be signed: {', '.join(unsigned)}")
    if list(claim.signed_headers) != sorted({name.lower() for name in claim.signed_headers}):
        raise _bad("the signed headers have to be in lower case and in order")
    date = request.header("x-amz-date") or ""
    scope = f"{date[:8]}/{region}/{SERVICE}/aws4_request"
    if claim.scope != scope:
        raise _bad(f"the credential's scope should be {scope}, not {claim.scope}")
    if abs(now - _seconds(date)) > MAX_SKEW_SECONDS:
        raise _bad(f"Signature expired or not yet valid: {date} is over 15 minutes off {_stamp(now)}")
    return key


def check_signature(claim: Claim, request: Request, secret: str, payload_sha256: str) -> None:
    """Rebuild the canonical request and the signature; InvalidSignatureException where it is not the one sent."""
    canonical = canonical_request(request, claim.signed_headers, payload_sha256)
    date = request.header("x-amz-date") or ""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, date, claim.scope, digest))
    key = f"AWS4{secret}".encode()
    for step in (*claim.scope.split("/"), text):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(key.hex().encode(), claim.signature.encode()):
        raise _bad("the signature is not the one that this request and the secret key make")


def canonical_request(request: Request, signed_headers: tuple[str, ...], payload_sha256: str) -> str:
    """The canonical request: method, path (encoded once more), query in order, signed headers, payload hash."""
    pairs = [item.partition("=")[::2] for item in request.query.split("&") if item]
    encoded = sorted((_encode(name), _encode(value)) for name, value in pairs)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    headers = "".join(f"{name}:{_header_value(request, name)}\n" for name in signed_headers)
    path = quote(_without_dots(request.path), safe="/-_.~")
    return "\n".join((request.method, path, query, headers, ";".join(signed_headers), payload_sha256))


def _header_value(request: Request, name: str) -> str:
    value = request.header(name)
    if value is None:
        raise _bad(f"the signed header {name} is not in the request")
    wire = value.encode("latin-1")
    try:
        text = wire.decode()
    except UnicodeDecodeError:
        text = value
    return re.sub(r"[ \t]+", " ", text)


def _encode(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _seconds(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise ApiError("IncompleteSignatureException", f"x-amz-date is not like 20120601T000000Z: {date}") from None


def _stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


def _bad(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message)
