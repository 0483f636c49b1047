"""How a fault is done to a request, around the operation that would have answered it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from .body import Allowance, Reset
from .checksums import TREE
from .errors import error_document
from .fault_plan import Fault
from .request import Request, Response, json_response
from .routes import Call
from .uploads import UploadStore

# Documented: 408 and 500 (botocore RequestTimeoutException, ServiceUnavailableException), 503 and ThrottlingException
# (AWS common errors). 429 is what the same throttling is elsewhere.
_CODES = {
    400: "ThrottlingException",
    408: "RequestTimeoutException",
    429: "TooManyRequestsException",
    500: "ServiceUnavailableException",
    503: "ServiceUnavailableException",
}
_PAGES = {502: "Bad Gateway", 504: "Gateway Time-out"}
_BREATHS_PER_SECOND = 20


def inject(
    fault: Fault, request: Request, call: Call, uploads: UploadStore, carry_out: Callable[[], Response]
) -> Response:
    """The answer to `request` under that fault; raises `Reset` where there is none. See `fault_plan`."""
    match fault.kind:
        case "status" | "throttle":
            return refusal(400 if fault.kind == "throttle" else fault.status)
        case "reset_body":
            request.body.allow = reset_at(middle(fault.fraction, request.body.left))
        case "slow_body":
            request.body.allow = slowly(fault.bytes_per_second)
        case "reset_before_answer" | "stall":
            request.body.drain()
            raise Reset(fault.seconds if fault.kind == "stall" else 0.0)
        case "expire_upload":
            uploads.expire_open(call.vault, call.item)
    response = carry_out()
    match fault.kind:
        case "lost_answer":
            raise Reset
        case "reset_answer":
            return replace(response, cut=fault.fraction)
        case "wrong_checksum":
            return replace(response, headers=_with_wrong_checksum(response.headers))
    return response


def refusal(status: int) -> Response:
    """An answer of that status as the service gives it, or (502, 504) a balancer in front of it."""
    if status in _PAGES:
        page = f"<html>\r\n<head><title>{status} {_PAGES[status]}</title></head>\r\n</html>\r\n"
        return Response(status, {"Content-Type": "text/html"}, page.encode(), str(status))
    code = _CODES[status]
    return json_response(error_document(code, "an injected fault", status), status, code)


def middle(fraction: float, size: int) -> int:
    """How many of `size` bytes go through: at least one, where that leaves another."""
    return min(max(1, int(fraction * size)), size - 1)


def reset_at(position: int) -> Allowance:
    """Reset the connection once that many bytes of the body were taken."""

    def allow(taken: int) -> int:
        if taken >= position:
            raise Reset
        return position - taken

    return allow


def slowly(bytes_per_second: float) -> Allowance:
    """Take the body at that pace, about 20 times a second."""
    begun = time.monotonic()

    def allow(taken: int) -> int:
        time.sleep(max(0.0, begun + taken / bytes_per_second - time.monotonic()))
        return max(1, int(bytes_per_second / _BREATHS_PER_SECOND))

    return allow


def _with_wrong_checksum(headers: dict[str, str]) -> dict[str, str]:
    right = headers.get(TREE)
    return headers | ({TREE: f"{int(right[0], 16) ^ 1:x}{right[1:]}"} if right else {})
