"""Parity as an adversary would write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.seal import par2
from glacier_backup.seal.chain import Parity
from tests.seal.par2_crafting import resize_inside
from tests.streams import noise


@pytest.mark.parametrize("size", [0, 1 << 40, (1 << 60) + 4])
def test_parity_that_lies_about_the_size_is_refused_and_takes_no_room(tmp_path: Path, size: int) -> None:
    file = tmp_path / "volume"
    file.write_bytes(noise(100_000))
    parity = par2.create(str(file), Parity(20), lambda: None)
    resize_inside(parity, size)
    file.write_bytes(noise(100_000)[:-1])
    with pytest.raises(DamageFound):
        par2.mend(str(file), parity, lambda: None)
    assert sum(one.stat().st_blocks * 512 for one in tmp_path.rglob("*")) < 1_000_000
