"""What this machine is called, wherever its name becomes part of a key, a description or a record."""

from __future__ import annotations

import socket


def host_name() -> str:
    """Never empty, for it is a component of keys."""
    return socket.gethostname() or "localhost"
