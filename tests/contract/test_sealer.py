"""What every sealer and opener promise (:mod:`glacier_backup.seal.sealer`), tried on each in the registry."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Recipe, Step, parse_recipe
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.registry import OPENERS
from glacier_backup.seal.sealer import Sealer
from tests.lacking import lacking
from tests.seal.sealing import (
    NONCE,
    Bench,
    EndlessStream,
    FailingStream,
    Sealed,
    bench,
    read_all,
    sealed,
    unsealed,
)
from tests.streams import BytesStream, noise

MIB = 1024 * 1024

NAMES = ("age", "gpg", "gzip", "openssl", "zstd")

ENCRYPTS = ("age", "gpg", "openssl")

SIZES = [0, 1, 65_535, 65_536, 65_537, MIB - 1, MIB, MIB + 1, 3 * MIB]

CONTENT = noise(200_000) + bytes(100_000)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "gpg" and shutil.which("gpg") is None:
        lacking("gpg isn't installed")
    return str(request.param)


@pytest.fixture
def sealer(name: str, tools: Bench) -> Sealer:
    return tools.sealers[name]


@pytest.fixture
def step(sealer: Sealer) -> Step:
    """As it comes back from where recipes are kept."""
    return parse_recipe(Recipe((sealer.step(),)).to_json()).steps[0]


@pytest.fixture
def keys(tools: Bench) -> Keys:
    return tools.keys


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_each_is_registered_under_the_name_of_its_step(tools: Bench) -> None:
    assert {name: one.step().name for name, one in tools.sealers.items()} == {name: name for name in NAMES}
    # The user's own commands have tests of their own, and the last is read only.
    assert set(OPENERS) == {*NAMES, "command", "pyarchiver"}


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens(sealer: Sealer, step: Step, keys: Keys, size: int) -> None:
    content = noise(size)
    made = sealed(sealer, content)
    assert unsealed(step, made, keys) == content
    assert len(made.data) <= sealer.most(size)


@pytest.mark.parametrize("buffer", [1000, 65_536, 10**7])
def test_the_bytes_do_not_depend_on_the_buffer(sealer: Sealer, step: Step, keys: Keys, buffer: int) -> None:
    content = noise(MIB + 1)
    with sealer.seal(BytesStream(content), NONCE) as stream:
        made = Sealed(read_all(stream, buffer), stream.hmac_sha256)
    with OPENERS[step.name].open(BytesStream(made.data), step, keys, made.hmac_sha256) as stream:
        assert read_all(stream, buffer) == content


def test_only_the_end_comes_short(sealer: Sealer, step: Step, keys: Keys) -> None:
    content = noise(3 * 65_536)
    made = sealed(sealer, content)
    buffer = memoryview(bytearray(65_536))
    with sealer.seal(BytesStream(content), NONCE) as stream:
        counts = [stream.readinto(buffer) for _ in range(6)]
        assert counts[:3] == [65_536] * 3
        assert 0 < counts[3] < 65_536
        assert counts[4:] == [0, 0]
    with OPENERS[step.name].open(BytesStream(made.data), step, keys, made.hmac_sha256) as opened:
        assert [opened.readinto(buffer) for _ in range(5)] == [65_536, 65_536, 65_536, 0, 0]


def test_the_same_bytes_and_nonce_repeat_where_it_says_so(sealer: Sealer, name: str) -> None:
    first, second = sealed(sealer, CONTENT), sealed(sealer, CONTENT)
    other = sealed(sealer, CONTENT, bytes(32))
    assert (first == second) == sealer.repeatable
    assert (first == other) == (name not in ENCRYPTS)


def test_nothing_shows_that_was_encrypted(name: str, sealer: Sealer) -> None:
    if name in ENCRYPTS:
        made = sealed(sealer, b"a secret in clear words " * 10_000).data
        assert b"secret" not in made
        assert len(set(made)) == 256


def test_a_stream_that_was_cut_short_is_damaged(sealer: Sealer, step: Step, keys: Keys) -> None:
    made = sealed(sealer, CONTENT)
    for left in (0, 1, 15, 16, 40, len(made.data) // 2, len(made.data) - 16, len(made.data) - 1):
        with pytest.raises((DamageFound, WrongKey)) as caught:
            unsealed(step, Sealed(made.data[:left], made.hmac_sha256), keys)
        if left % 16:  # whole cells of openssl's might be those of another password
            assert caught.type is DamageFound, left


def test_a_stream_that_goes_on_is_damaged(sealer: Sealer, step: Step, keys: Keys) -> None:
    made = sealed(sealer, CONTENT)
    for more in (b"\0", bytes(100), noise(100), noise(70_000)):
        with pytest.raises((DamageFound, WrongKey)):
            unsealed(step, Sealed(made.data + more, made.hmac_sha256), keys)


def test_a_byte_that_was_altered_is_found(name: str, sealer: Sealer, step: Step, keys: Keys) -> None:
    made = sealed(sealer, CONTENT)
    every = len(made.data) // (6 if name == "gpg" else 60)
    for at in [*range(0, len(made.data), every), len(made.data) - 1]:
        altered = bytearray(made.data)
        altered[at] ^= 0x10
        try:
            content = unsealed(step, Sealed(bytes(altered), made.hmac_sha256), keys)
        except (DamageFound, WrongKey, SealError):
            continue
        assert content == CONTENT, f"byte {at}"  # some in gzip's header mean nothing


def test_two_pieces_that_were_swapped_are_found(sealer: Sealer, step: Step, keys: Keys) -> None:
    made = sealed(sealer, CONTENT)
    piece = 65_536 + 16  # age's
    data = made.data[:piece] + made.data[2 * piece : 3 * piece] + made.data[piece : 2 * piece] + made.data[3 * piece :]
    with pytest.raises((DamageFound, WrongKey)):
        unsealed(step, Sealed(data, made.hmac_sha256), keys)


def test_what_reading_raises_comes_through(sealer: Sealer, step: Step, keys: Keys) -> None:
    error = OSError(5, "the cable is out")
    for size in (0, 10, 3 * MIB):
        with (
            pytest.raises(OSError, match="cable") as caught,
            sealer.seal(FailingStream(noise(size), error), NONCE) as one,
        ):
            read_all(one)
        assert caught.value is error
    made = sealed(sealer, CONTENT)
    with pytest.raises(OSError, match="cable") as caught:  # noqa: SIM117
        with OPENERS[step.name].open(FailingStream(made.data, error), step, keys, made.hmac_sha256) as other:
            read_all(other)
    assert caught.value is error


def test_an_error_is_not_followed_by_an_end(sealer: Sealer) -> None:
    buffer = memoryview(bytearray(MIB))
    with sealer.seal(FailingStream(noise(100), OSError("the cable is out")), NONCE) as stream:
        for _ in range(3):
            with pytest.raises(OSError, match="cable"):
                stream.readinto(buffer)


def test_reading_may_stop_anywhere(sealer: Sealer, step: Step, keys: Keys) -> None:
    endless = EndlessStream(noise(5 * MIB))
    with sealer.seal(endless, NONCE) as stream:
        stream.readinto(memoryview(bytearray(100)))
    assert endless.taken < 64 * MIB
    made = sealed(sealer, noise(6 * MIB))
    with OPENERS[step.name].open(BytesStream(made.data), step, keys, made.hmac_sha256) as opened:
        opened.readinto(memoryview(bytearray(100)))


def test_nothing_need_be_read_at_all(sealer: Sealer) -> None:
    started = time.monotonic()
    with sealer.seal(EndlessStream(bytes(MIB)), NONCE):
        pass
    assert time.monotonic() - started < 5


def test_without_a_key_it_does_not_open(name: str, sealer: Sealer, step: Step) -> None:
    if name in ENCRYPTS:
        with pytest.raises(KeyNeeded):
            unsealed(step, sealed(sealer, CONTENT), NO_KEYS)


def test_a_parameter_that_no_step_of_ours_has_is_refused(name: str, sealer: Sealer, step: Step, keys: Keys) -> None:
    if name not in ("age", "gpg"):  # which say themselves how they are to be opened
        made = sealed(sealer, b"x")
        with pytest.raises(SealError, match="doesn't know how to undo"):
            unsealed(Step(name, {**step.parameters, "surprise": 1}), made, keys)


def test_two_threads_may_seal_at_once(sealer: Sealer, step: Step, keys: Keys) -> None:
    made: dict[int, Sealed] = {}
    threads = [threading.Thread(target=lambda n=n: made.update({n: sealed(sealer, noise(MIB, n))})) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [unsealed(step, made[n], keys) for n in range(3)] == [noise(MIB, n) for n in range(3)]
