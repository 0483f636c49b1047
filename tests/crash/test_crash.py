"""The promises of sending, held against kills. See the package's docstring for how to play other seeds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.crash.__main__ import seeds
from tests.crash.batch import Tally, run_batch
from tests.crash.into import Into

IN_CI: dict[Into, Iterable[int]] = {
    "vault": range(9),
    "local": range(4),
    "sftp": (1,),
    "s3": (2,),
    "two": (1,),
    "sealed-vault": (0, 1),
    "sealed-local": (0, 1),
    "sealed-sftp": (2,),
    "sealed-s3": (0,),
    "packed-vault": (1, 3, 11),
    "packed-local": range(4),
    "packed-s3": (2,),
    "packed-two": (2,),
    "packed-sealed-vault": (1,),
    "packed-sealed-local": (0, 1),
    "grouped-local": (0, 1),
    "grouped-s3": (2,),
}
# Far fewer than there are as a rule: how many moments fall into a run goes with the machine's speed.
LEAST_KILLS: dict[Into, int] = {
    "vault": 24,
    "local": 6,
    "sftp": 1,
    "s3": 1,
    "two": 1,
    "sealed-vault": 4,
    "sealed-local": 3,
    "sealed-sftp": 1,
    "sealed-s3": 1,
    "packed-vault": 3,
    "packed-local": 3,
    "packed-s3": 1,
    "packed-two": 1,
    "packed-sealed-vault": 1,
    "packed-sealed-local": 2,
    "grouped-local": 1,
    "grouped-s3": 1,
}


def play(into: Into, folder: Path, config: pytest.Config) -> tuple[Tally, bool]:
    """Play the seeds asked for, or those of CI; whether it was those."""
    asked: str | None = config.getoption("crash_seeds", default=None)
    played = IN_CI[into] if asked is None else seeds(asked)
    # One job: each more would find out for itself first how long a run takes, and the cores are busy.
    return run_batch(played, folder, into=into, jobs=1, tell=lambda result, tally: None), asked is None


@pytest.mark.parametrize("into", list(IN_CI))
def test_whatever_dies_when_nothing_is_lost_or_sent_twice(
    into: Into, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    tally, in_ci = play(into, tmp_path, pytestconfig)
    assert not tally.failures, "\n".join(result.words for result in tally.failures)
    assert not in_ci or tally.kills >= LEAST_KILLS[into]
