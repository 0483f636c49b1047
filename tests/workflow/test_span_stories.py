"""Random stories of a dataset: whatever happens to its snapshots, what was sent last brings back what it was then."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import DestinationUnavailable, GlacierBackupError, SourceError
from glacier_backup.model.archive import Label
from glacier_backup.model.full_every import parse_full_every
from glacier_backup.model.snapshot import SnapshotRules
from glacier_backup.units import now
from glacier_backup.workflow.sending import intent, spans
from tests.memory_snapshots import MemorySnapshots
from tests.workflow.test_spans import PATH, Tank

STEPS = 25


class Story:
    """One of them."""

    def __init__(self, tank: Tank, seed: int) -> None:
        self.tank = tank
        self.chance = random.Random(seed)
        self.number = 0
        tank.source = MemorySnapshots([PATH], SnapshotRules(keep=self.chance.choice([None, 1, 3])))
        tank.source.can_tell = self.chance.random() < 0.7
        tank.every = parse_full_every(self.chance.choice(["none", "3 increments", "9 days"]))

    def step(self) -> None:
        happens = [self.write, self.by_hand, self.destroy, self.roll_back, self.break_off, self.send, self.send]
        self.chance.choice(happens)()

    def write(self) -> None:
        self.number += 1
        self.tank.dataset.content = f"state {self.number}"

    def by_hand(self) -> None:
        self.number += 1
        self.tank.source.snapshot(PATH, self.chance.choice(["by-hand-", "offsite-2019"]) + f"{self.number:04}")

    def destroy(self) -> None:
        """As somebody may who asks for it with force."""
        if self.tank.dataset.snapshots:
            name = self.chance.choice(self.tank.dataset.snapshots).name
            self.tank.dataset.holds.pop(name, None)
            self.tank.source.destroy(PATH, name)

    def roll_back(self) -> None:
        if self.tank.dataset.snapshots:
            self.tank.source.rollback(PATH, self.chance.choice(self.tank.dataset.snapshots[-3:]).name)

    def break_off(self) -> None:
        where = self.chance.choice(["on_begin", "on_send", "on_complete", "after_complete"])
        error: type[GlacierBackupError] = DestinationUnavailable
        if where == "on_send":
            error = self.chance.choice([DestinationUnavailable, SourceError])

        def fail(label: Label) -> None:
            raise error("unplugged")

        setattr(self.tank.destination, where, fail)
        with suppress(DestinationUnavailable):
            self.tank.run()
        setattr(self.tank.destination, where, lambda label: None)

    def send(self) -> None:
        """Twice: the first may go on with what was begun before."""
        for _ in range(2):
            summary = self.tank.run(force=self.chance.random() < 0.1)
            assert summary.failed == 0
            assert summary.exit_code == 0
        last = self.tank.stored()[-1]
        assert self.tank.restored(last) == self.tank.dataset.content
        # What an earlier run could only just not record is tidied up after by the next that sends.
        self.write()
        self.tank.run()
        assert self.tank.held() == [self.tank.spans()[-1][1]]


@pytest.fixture
def tank(tmp_path: Path) -> Iterator[Tank]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        yield Tank(catalog)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_sent_last_brings_back_what_the_dataset_was(
    tank: Tank, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = timedelta()

    def later() -> datetime:
        nonlocal passed
        passed += timedelta(hours=1)
        return now() + passed

    monkeypatch.setattr(spans, "now", later)
    monkeypatch.setattr(intent, "now", later)
    story = Story(tank, seed)
    story.write()
    for _ in range(STEPS):
        story.step()
    for archive in tank.stored():
        tank.restored(archive)
