"""What a request and an answer are, apart from sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .body import Body
from .errors import ApiError, missing
from .fault_plan import Fault


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire.

    `path` and `query` are still percent-encoded; `headers` are in wire order, names lower-cased, values without the
    blanks around them. `fault` is what it meets, if anything.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: Body
    fault: Fault | None = None

    def header(self, name: str) -> str | None:
        """A header's value (several are joined by commas), or None where it is missing."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None

    def need(self, name: str) -> str:
        """A header's value; MissingParameterValueException where it is missing or empty."""
        value = self.header(name)
        if not value:
            raise missing(name)
        return value

    def parameters(self) -> dict[str, str]:
        """The query's parameters, decoded; of several with one name the last."""
        pairs = (item.partition("=") for item in self.query.split("&") if item)
        return {unquote(name): unquote(value) for name, _, value in pairs}


@dataclass(frozen=True)
class FileSlice:
    """`size` bytes of a file from `offset`: an answer's body that is not held in memory."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Response:
    """An answer: status, headers beyond the common ones, a body, an error's code.

    `cut` is for an injected fault: the connection is reset that far (0 to 1) into the answer.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""
    code: str | None = None
    cut: float | None = None

    @property
    def size(self) -> int:
        """The body's length in bytes."""
        return self.body.size if isinstance(self.body, FileSlice) else len(self.body)


def json_response(document: Any, status: int = 200, code: str | None = None) -> Response:
    """An answer with a JSON body."""
    body = json.dumps(document).encode()
    return Response(status, {"Content-Type": "application/json"}, body, code)


def error_response(error: ApiError) -> Response:
    """The answer that tells of a refusal."""
    return json_response(error.document(), error.status, error.code)
