"""The flat command line of old."""

from __future__ import annotations

import pytest

from glacier_backup.cli.legacy import with_verb


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["backup"]),
        (["-d"], ["backup", "-d"]),
        (["-c", "x", "-l", "y", "-v", "z", "-a", "-"], ["backup", "-c", "x", "-l", "y", "-v", "z", "-a", "-"]),
        (["-p", "list", "x"], ["backup", "-p", "list", "x"]),
        (["--json"], ["backup", "--json"]),
        (["list"], ["list"]),
        (["config", "check"], ["config", "check"]),
        (["backup", "-d"], ["backup", "-d"]),
        (["--version"], ["--version"]),
        (["--help"], ["--help"]),
        (["-h"], ["-h"]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_an_empty_line_or_one_that_begins_with_an_option_means_backup(argv: list[str], words: list[str]) -> None:
    assert with_verb(argv) == words
