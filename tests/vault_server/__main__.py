"""`python -m tests.vault_server --root DIR`: serve until killed. The first line of output tells the address."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from .context import DEFAULT_ACCOUNT, DEFAULT_KEY, DEFAULT_REGION, Settings
from .server import VaultHttpServer
from .sigv4 import Credential


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.vault_server", description="a strict Glacier vault server")
    parser.add_argument("--root", type=Path, required=True, help="where vaults are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--region", default=DEFAULT_REGION)
    parser.add_argument("--account", default=DEFAULT_ACCOUNT)
    parser.add_argument("--key", action="append", metavar="ID:SECRET[:TOKEN]", help="an access key; may be repeated")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for a silent client")
    parser.add_argument("--job-delay", type=float, default=0.0, help="seconds until a job is ready")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input does")
    given = parser.parse_args()
    keys = tuple(Credential(*text.split(":", 2)) for text in given.key or ()) or (DEFAULT_KEY,)
    settings = Settings(given.root, given.region, given.account, keys, given.timeout, given.job_delay)
    with VaultHttpServer(settings, given.port) as server:
        print(f"listening on {server.endpoint}", flush=True)
        if given.exit_with_stdin:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        server.serve_forever()


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
