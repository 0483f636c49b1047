"""The program, as a user runs it again and again: what it sends, and all the way back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.cli.harness import Cli, Ran
from tests.roundtrip.kinds import Kind

THAWING = 75
"""The exit code that says: run the same command again later."""

MOST_RUNS = 5
"""Of one command until it has to be done; each time all that was asked for is thawed."""


@dataclass
class Journey:
    """One INI file, one destination, one catalog."""

    cli: Cli
    kind: Kind
    ini: Path = field(init=False)
    catalog: Path = field(init=False)

    def __post_init__(self) -> None:
        self.catalog = self.cli.folder / "catalog.sqlite3"
        self.sections("")

    @property
    def data(self) -> Path:
        """The folder for what is sent."""
        return self.cli.data

    def sections(self, text: str, main: str = "") -> None:
        """Write the INI file; ``{data}`` in its sections is the folder for what is sent."""
        head = f"[main]\n{self.kind.main}catalog = {self.catalog}\nlogfile =\n{main}"
        self.ini = self.cli.ini(f"{head}\n{text}")

    def __call__(self, *argv: str | Path) -> Ran:
        """One run with this INI file."""
        return self.cli(*argv, "-c", self.ini)

    def back_up(self) -> Ran:
        """Raises AssertionError where anything at all went wrong."""
        ran = self("backup", "--json")
        assert ran.code == 0, ran
        return ran

    def until_done(self, *argv: str | Path) -> Ran:
        """Run it again as long as it says so, as cron does."""
        return until_done(self.cli, self.kind, *argv, "-c", self.ini)

    def restore(self, to: Path, *words: str | Path) -> Ran:
        return self.until_done("restore", *words, "--to", to, "--json")

    def lose_catalog(self) -> None:
        """With all that SQLite and the program keep beside it."""
        for name in os.listdir(self.catalog.parent):
            if name.startswith(self.catalog.name):
                (self.catalog.parent / name).unlink()

    def rebuild(self, *words: str | Path) -> Ran:
        # A vault that was never listed has no inventory in its first day.
        self.kind.place.thaw_now()
        return self.until_done("catalog", "rebuild", *words, "--json")


def until_done(cli: Cli, kind: Kind, *argv: str | Path) -> Ran:
    """Run it as long as something is being thawed; in between time passes. Its complaints are those of all runs."""
    said = ""
    for _ in range(MOST_RUNS):
        ran = cli(*argv)
        said += ran.err
        if ran.code != THAWING:
            return replace(ran, err=said)
        kind.place.thaw_now()
    raise AssertionError(f"still thawing after {MOST_RUNS} runs: {ran}")
