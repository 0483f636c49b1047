"""Volumes opened by their recipe: in the right order and number, with the right key, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.seal.compress import Gzip, Zstd
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.opening import opened
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.seal.sealer import Sealer
from tests.seal.sealing import NONCE, Sealed, chained, password, read_all, unchained
from tests.streams import BytesStream, noise

OPENSSL = OpenSSL(password, iterations=1)
KEYS = Keys(password=password)
OTHERS = Keys(password=lambda: "another")

CONTENT = noise(2600)

TAR = bytes(257) + b"ustar\x0000" + bytes(10_240)


def cut(
    *each: Sealer, before: tuple[Sealer, ...] = (), content: bytes = CONTENT
) -> tuple[list[Sealed], Sequence[Step]]:
    """Three volumes, and their recipe."""
    chain = Chain(before, Split(1000), each)
    return chained(chain, content), chain.steps()


@pytest.mark.parametrize("each", [(), (OPENSSL,)], ids=["plain", "encrypted"])
def test_volumes_that_are_missing_or_swapped_are_found(each: tuple[Sealer, ...]) -> None:
    volumes, steps = cut(*each)
    first, second, third = volumes
    with pytest.raises(DamageFound, match="volume 2 is missing: volume 3 comes next"):
        unchained([first, third], steps, KEYS)
    with pytest.raises(DamageFound, match="volume 2 is missing: volume 1 comes next"):
        unchained([first, first], steps, KEYS)
    with pytest.raises(DamageFound):
        unchained([second, first], steps, KEYS)
    with pytest.raises(DamageFound, match="volume 2 holds 600 bytes, and should hold 1000"):
        unchained([first, third._replace(number=2), second._replace(number=3)], steps, KEYS)
    with pytest.raises(DamageFound, match="no volume"):
        unchained([], steps, KEYS)


def test_a_volume_that_holds_too_much_is_found() -> None:
    volumes, steps = cut()
    with pytest.raises(DamageFound, match="volume 3 holds 1001 bytes"):
        unchained([*volumes[:2], Sealed(bytes(1001), number=3)], steps)


def test_what_was_not_cut_is_one_volume() -> None:
    chain = Chain((Zstd(),))
    made = chained(chain, CONTENT)
    with pytest.raises(DamageFound, match="nothing was cut"):
        unchained([*made, made[0]._replace(number=2)], chain.steps())


def test_reading_may_begin_at_any_volume_that_opens_by_itself_and_stop_behind_any() -> None:
    volumes, steps = cut(OPENSSL)
    assert unchained(volumes[1:], steps, KEYS) == CONTENT[1000:]
    assert unchained(volumes[1:2], steps, KEYS) == CONTENT[1000:2000]
    with opened((one.volume() for one in volumes), steps, KEYS) as stream:
        buffer = bytearray(1500)
        assert stream.readinto(memoryview(buffer)) == 1500
        assert buffer == CONTENT[:1500]


def test_each_volume_is_taken_when_the_one_before_is_used_up() -> None:
    volumes, steps = cut()
    taken = []

    def taking() -> Iterator[Volume]:
        for one in volumes:
            taken.append(one.number)
            yield one.volume()

    with opened(taking(), steps, NO_KEYS) as stream:
        assert taken == []
        for expected in ([1], [1], [1, 2]):
            stream.readinto(memoryview(bytearray(500)))
            assert taken == expected
    assert taken == [1, 2]


def test_an_error_on_the_way_is_not_taken_for_the_end() -> None:
    volumes, steps = cut()

    def failing() -> Iterator[Volume]:
        yield volumes[0].volume()
        raise OSError("the cable is out")

    buffer = memoryview(bytearray(5000))
    with opened(failing(), steps, NO_KEYS) as stream:
        with pytest.raises(OSError, match="cable"):
            stream.readinto(buffer)
        with pytest.raises(SealError, match="failed before"):
            stream.readinto(buffer)


def test_the_mac_of_each_volume_is_checked() -> None:
    volumes, steps = cut(OPENSSL)
    first, second, third = volumes
    with pytest.raises(DamageFound, match="HMAC"):
        unchained([first, second._replace(hmac_sha256=first.hmac_sha256), third], steps, KEYS)
    with pytest.raises(DamageFound, match="HMAC"):
        unchained([first._replace(data=second.data), second._replace(data=first.data), third], steps, KEYS)


def test_the_mac_of_a_whole_that_was_cut_is_checked_at_its_end() -> None:
    volumes, steps = cut(before=(OPENSSL,))
    assert unchained(volumes, steps, KEYS) == CONTENT
    altered = bytearray(volumes[0].data)
    altered[500] ^= 1
    with pytest.raises(DamageFound, match="HMAC"):
        unchained([volumes[0]._replace(data=bytes(altered)), *volumes[1:]], steps, KEYS)
    with pytest.raises(DamageFound, match="HMAC"):
        unchained([*volumes[:-1], volumes[-1]._replace(hmac_sha256="0" * 64)], steps, KEYS)


@pytest.mark.parametrize(
    ("chain", "container"),
    [
        (Chain((Zstd(), OPENSSL)), ()),
        (Chain((Gzip(), OPENSSL)), ()),
        (Chain((Zstd(),), Split(500), (OPENSSL,)), ()),
        (Chain((Gzip(), OPENSSL), Split(500)), ()),
        (Chain((OPENSSL,)), (Step("tar"),)),
        (Chain((), Split(500), (OPENSSL,)), (Step("tar"),)),
        (Chain((Zstd(), OPENSSL)).fitting(None, noise(5000)), (Step("tar"),)),
    ],
    ids=str,
)
def test_another_password_is_told_before_anything_comes_out(chain: Chain, container: tuple[Step, ...]) -> None:
    made = chained(chain, TAR)
    steps = (*container, *chain.steps())
    assert unchained(made, steps, KEYS) == TAR
    with pytest.raises(WrongKey, match="password is wrong"):  # noqa: SIM117
        with opened((one.volume() for one in made), steps, OTHERS):
            pytest.fail("it was opened")


def test_without_a_word_on_what_is_inside_another_password_is_told_at_the_end() -> None:
    made, steps = cut(OPENSSL, content=bytes(900))
    with pytest.raises(WrongKey):
        unchained(made, (Step("raw"), *steps), OTHERS)


def test_a_later_volume_begins_anyhow() -> None:
    made, steps = cut(OPENSSL, content=TAR)
    assert unchained(made[1:], (Step("tar"), *steps), KEYS) == TAR[1000:]


def test_without_a_password_nothing_opens() -> None:
    made, steps = cut(OPENSSL)
    with pytest.raises(KeyNeeded):
        unchained(made, steps)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([Step("rot13")], "no step 'rot13'"),
        ([Step("zstd"), Step("zstd")], "only one step can compress"),
        ([Step("zstd")] * 1000, "only one step can compress"),
        ([Step("split", {"volume_size": 1000})] * 2, "can't be cut again"),
        ([Step("split", {"volume_size": 1000}), Step("zstd", {"level": 3})], "compression comes first"),
        ([Step("age"), Step("openssl")], "only one step can encrypt"),
        ([Step("age"), Step("pyarchiver")], "only one step can encrypt"),
        ([Step("split")], "how large its volumes are"),
        ([Step("split", {"volume_size": 0})], "how large its volumes are"),
        ([Step("split", {"volume_size": True})], "how large its volumes are"),
        ([Step("split", {"volume_size": "1000"})], "how large its volumes are"),
        ([Step("par2", {"redundancy": 5})], "how large its volumes are"),
        ([Step("par2"), Step("split", {"volume_size": 1000})], "parity comes last"),
        ([Step("zstd", {"level": [3]})], "doesn't know how to undo"),  # type: ignore[dict-item]  # as a server has it
    ],
    ids=str,
)
def test_a_recipe_that_no_seal_has_is_refused_before_anything_is_read(steps: list[Step], reason: str) -> None:
    with pytest.raises(SealError, match=reason):
        unchained([Sealed(b"anything")], steps, KEYS)


def test_nothing_but_the_recipe_and_the_keys_is_needed() -> None:
    assert unchained([Sealed(CONTENT)], []) == CONTENT
    assert unchained([Sealed(CONTENT)], [Step("raw")]) == CONTENT
    with Chain().sealed(BytesStream(CONTENT), NONCE) as stream:
        assert read_all(stream) == CONTENT
        assert stream.hmac_sha256 is None
