"""An answer as bytes: head and body, whole or cut off."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus

from .body import ClientGone, Reset
from .ids import REQUEST_ID_LENGTH, IdMaker
from .request import FileSlice, Response

_BLOCK = 1 << 20
_REQUEST_IDS = IdMaker(REQUEST_ID_LENGTH)


def pieces(response: Response, closes: bool) -> Iterator[bytes]:
    """What goes over the wire, in order; raises `Reset` where the answer is cut off."""
    start = head(response, closes)
    whole = _whole(start, response)
    return whole if response.cut is None else _until(_cut_position(response.cut, len(start), response.size), whole)


def head(response: Response, closes: bool) -> bytes:
    """Status line and headers. Developer guide "Common Response Headers"."""
    headers = {"x-amzn-RequestId": _REQUEST_IDS.new(), "Date": formatdate(usegmt=True), **response.headers}
    if response.status != 204:
        headers["Content-Length"] = str(response.size)
    if closes:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _whole(start: bytes, response: Response) -> Iterator[bytes]:
    yield start
    if isinstance(response.body, FileSlice):
        yield from _slice(response.body)
    elif response.body:
        yield response.body


def _slice(part: FileSlice) -> Iterator[bytes]:
    left = part.size
    with part.path.open("rb") as file:
        file.seek(part.offset)
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                raise ClientGone
            yield block
            left -= len(block)


def _cut_position(fraction: float, head_size: int, body_size: int) -> int:
    """How many bytes go out: in the middle of the body, or of the head of an answer without one; never all."""
    if body_size:
        return head_size + min(int(fraction * body_size), body_size - 1)
    return max(1, min(int(fraction * head_size), head_size - 1))


def _until(position: int, whole: Iterator[bytes]) -> Iterator[bytes]:
    for piece in whole:
        if len(piece) >= position:
            yield piece[:position]
            raise Reset
        yield piece
        position -= len(piece)
