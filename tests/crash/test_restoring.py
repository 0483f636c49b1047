"""Restores that are killed at random moments: everything comes back, and is paid for once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.crash.__main__ import seeds
from tests.crash.restoring import From, depot, play

IN_CI: dict[From, Iterable[int]] = {
    "vault": range(7),
    "local": range(7),
    "sealed by openssl": range(3),
    "sealed by age": range(3),
    "packs": range(6),
    "packs in a vault": range(4),
    "sealed packs": range(3),
}
LEAST_KILLS = {
    "vault": 11,
    "local": 11,
    "sealed by openssl": 2,
    "sealed by age": 2,
    "packs": 6,
    "packs in a vault": 4,
    "sealed packs": 2,
}


@pytest.mark.parametrize("of", list(IN_CI))
def test_a_restore_that_is_killed_again_and_again_ends_with_everything_back(
    of: From, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    asked: str | None = pytestconfig.getoption("crash_seeds", default=None)
    with depot(tmp_path / "depot", of) as at:
        trials = [play(seed, at) for seed in (IN_CI[of] if asked is None else seeds(asked))]
    told = [f"seed {trial.seed} of {of}, {trial.codes}: {what}" for trial in trials for what in trial.broken]
    assert not told, "\n".join(told)
    assert asked is not None or sum(trial.kills for trial in trials) >= LEAST_KILLS[of]
