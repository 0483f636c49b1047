"""Small files that another process may be reading: they appear whole or not at all."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under another name beside it, then rename: a reader sees the old or the new, never a part."""
    draft = path.with_name(f".{path.name}.{threading.get_ident()}")
    draft.write_bytes(content)
    os.replace(draft, path)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """`write_bytes` of a JSON document."""
    write_bytes(path, json.dumps(document, indent=1).encode())


def append_line(path: Path, document: dict[str, Any]) -> None:
    """Add a line of JSON to a file in one write, so that a killed process leaves it whole or not there."""
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(document).encode() + b"\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The documents that `append_line` put into a file; none where there is no such file."""
    try:
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except FileNotFoundError:
        return []


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON document in a file, or None where there is no such file."""
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return document
