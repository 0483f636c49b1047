"""The seeds to play."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-seeds", metavar="N-M", help="seeds of the crash harness, say 1000-1999")
