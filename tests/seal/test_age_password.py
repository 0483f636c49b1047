"""What age has encrypted with a password: the stock program's opens, and no changed byte gets through."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.age import AgeOpener
from glacier_backup.seal.keys import Keys
from tests.seal.sealing import Sealed, unsealed
from tests.seal.stock_age import PASSWORD, at_terminal, crafted
from tests.streams import noise

DATA = noise(200_000)
STEP = Step("age")
KEYS = Keys(password=lambda: PASSWORD)


def opened(data: bytes, keys: Keys = KEYS) -> bytes:
    return unsealed(STEP, Sealed(data), keys)


def test_what_the_stock_program_sealed_with_a_password_opens_with_it(tmp_path: Path) -> None:
    plain, made = tmp_path / "plain", tmp_path / "made"
    plain.write_bytes(DATA)
    at_terminal(["-p", "-o", str(made), str(plain)], 2)
    assert opened(made.read_bytes()) == DATA


def test_the_stock_program_opens_what_these_tests_make(tmp_path: Path) -> None:
    made, back = tmp_path / "made", tmp_path / "back"
    made.write_bytes(crafted(DATA))
    at_terminal(["-d", "-o", str(back), str(made)], 1)
    assert back.read_bytes() == DATA


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
def test_streams_of_any_size_open(size: int) -> None:
    assert opened(crafted(noise(size))) == noise(size)


def test_armored_streams_are_for_the_stock_program() -> None:
    lines = b64encode(crafted(b"a little"))
    armored = b"-----BEGIN AGE ENCRYPTED FILE-----\n%b\n-----END AGE ENCRYPTED FILE-----\n" % b"\n".join(
        lines[at : at + 64] for at in range(0, len(lines), 64)
    )
    with pytest.raises(SealError, match="written as text") as caught:
        opened(armored)
    assert "age -d FILE" in str(caught.value.hint)


def test_another_password_or_none_does_not_open_it() -> None:
    with pytest.raises(KeyNeeded, match="with a password, and none was given"):
        opened(crafted(DATA), Keys())
    with pytest.raises(WrongKey, match="the password doesn't open it"):
        opened(crafted(DATA), Keys(password=lambda: "wrong"))


def test_it_is_damaged_wherever_it_was_changed() -> None:
    made = crafted(DATA)
    header = made.index(b"\n--- ")
    for at in (header + 10, header + 60, header + 100, 65_536, len(made) - 1):
        changed = bytearray(made)
        changed[at] ^= 1
        with pytest.raises(DamageFound):
            opened(bytes(changed))


def test_it_is_damaged_wherever_it_was_cut_off_or_goes_on() -> None:
    made = crafted(noise(131_072))
    for end in (0, 5, 60, 140, 150, 170, 65_536, len(made) - 65_552, len(made) - 1):
        with pytest.raises(DamageFound):
            opened(made[:end])
    with pytest.raises(DamageFound):
        opened(made + b"more")


def test_a_password_that_would_take_all_memory_is_refused() -> None:
    made = crafted(b"")
    greedy = made.replace(b" 2\n", b" 30\n", 1)
    with pytest.raises(SealError, match="memory") as caught:
        opened(greedy)
    assert "age -d FILE" in str(caught.value.hint)


def test_a_header_without_an_end_is_no_reason_to_fill_the_memory() -> None:
    class Hostile:
        read = 0

        def readinto(self, buffer: memoryview) -> int:
            buffer[:] = (b"age-encryption.org/v1\n" + b"-> x\n\n" * (len(buffer) // 6 + 1))[: len(buffer)]
            self.read += len(buffer)
            return len(buffer)

    hostile = Hostile()
    with pytest.raises(DamageFound), AgeOpener().open(hostile, STEP, KEYS):
        pass
    assert hostile.read <= 2_000_000
