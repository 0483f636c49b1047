"""A stream through the steps of a seal, cut into volumes, and back."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.recipe import Recipe, Step, compact, parse_compact, parse_recipe
from glacier_backup.seal.age import Age
from glacier_backup.seal.chain import NO_SEAL, Chain, Parity, Split
from glacier_backup.seal.compress import Gzip, Skipped, Zstd
from glacier_backup.seal.order import COMPRESSION, ENCRYPTION, Order, ordered
from tests.lacking import lacking
from tests.seal.sealing import (
    NONCE,
    Bench,
    EndlessStream,
    FailingStream,
    Sealed,
    bench,
    chained,
    read_all,
    sealed,
    unchained,
)
from tests.streams import BytesStream, noise

MIB = 1024 * 1024

AGE = Age(("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",))


def legal() -> Iterator[Order]:
    """All orders that there are."""
    for compression in ((), *((one,) for one in COMPRESSION)):
        for encryption in ((), *((one,) for one in ENCRYPTION)):
            for cut in ((), ("split",)):
                for names in {(*compression, *cut, *encryption), (*compression, *encryption, *cut)}:
                    yield ordered(names)
                    yield ordered((*names, "par2"))


LEGAL = sorted(set(legal()), key=lambda order: order.names)

QUICK = [order for order in LEGAL if "gpg" not in order.names]
"""A gpg begins for each volume."""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def chain(order: Order, tools: Bench, size: int = 1000) -> Chain:
    return Chain(
        tuple(tools.sealers[name] for name in order.before),
        Split(size) if order.split else None,
        tuple(tools.sealers[name] for name in order.each),
        Parity() if order.parity else None,
    )


def ids(order: Order) -> str:
    return "-".join(order.names) or "nothing"


CONTENT = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda size, seed: noise(size, seed), st.integers(0, 5000), st.integers(0, 9)),
    st.builds(lambda size: bytes(size), st.integers(0, 50_000)),
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(QUICK), CONTENT, st.sampled_from([1000, 1024, 4999]))
def test_what_goes_through_any_chain_comes_back(tools: Bench, order: Order, content: bytes, size: int) -> None:
    through_and_back(chain(order, tools, size), content, tools)


@pytest.mark.parametrize("order", [one for one in LEGAL if one in QUICK or not one.parity], ids=ids)
def test_what_goes_through_each_chain_comes_back(tools: Bench, order: Order) -> None:
    if "gpg" in order.names and shutil.which("gpg") is None:
        lacking("gpg isn't installed")
    through_and_back(chain(order, tools, 4000), noise(5000) + bytes(2000), tools)


@pytest.mark.parametrize("order", QUICK, ids=ids)
def test_recipes_in_descriptions_open_too(tools: Bench, order: Order) -> None:
    made = chain(order, tools, 4000)
    steps = parse_compact(compact(Recipe((Step("raw"), *made.steps()))))
    assert unchained(chained(made, noise(5000)), steps, tools.keys) == noise(5000)


def through_and_back(chain: Chain, content: bytes, tools: Bench) -> None:
    made = chained(chain, content)
    recipe = parse_recipe(Recipe((Step("raw"), *chain.steps())).to_json())
    assert unchained(made, recipe.steps, tools.keys) == content
    assert [one.number for one in made] == list(range(1, len(made) + 1))
    most = chain.most(len(content) if chain.split is None else chain.split.volume_size)
    assert all(len(one.data) <= most for one in made)


@pytest.mark.parametrize(
    ("names", "suffix", "volumes"),
    [
        ("", "", ["", ""]),
        ("zstd", ".zst", [".zst", ".zst"]),
        ("zstd openssl", ".zst.enc", [".zst.enc", ".zst.enc"]),
        ("zstd split age par2", ".zst.age", [".zst.v001.age", ".zst.v002.age"]),
        ("gzip gpg split", ".gz.gpg", [".gz.gpg.v001", ".gz.gpg.v002"]),
        ("split", "", [".v001", ".v002"]),
    ],
)
def test_names_tell_the_steps(tools: Bench, names: str, suffix: str, volumes: list[str]) -> None:
    made = chain(ordered(names.split()), tools)
    assert (made.suffix, [made.volume_suffix(number) for number in (1, 2)]) == (suffix, volumes)


def test_volumes_are_called_by_number_or_as_by_split() -> None:
    assert [Split(1).suffix(number) for number in (1, 99, 1000, 12_345)] == [".v001", ".v099", ".v1000", ".v12345"]
    lettered = [Split(1, letters=True).suffix(number) for number in (1, 2, 26, 27, 703, 26**6, 26**6 + 1)]
    assert lettered == [".aaaaaa", ".aaaaab", ".aaaaaz", ".aaaaba", ".aaabba", ".zzzzzz", ".baaaaaa"]


def test_volumes_are_called_as_by_zfs_to_aws_whatever_sealed_them(tools: Bench) -> None:
    made = chain(ordered(["openssl", "split", "par2"]), tools)
    made = made._replace(split=Split(MIB, parts=True))

    assert (made.suffix, made.volume_suffix(1), made.volume_suffix(27)) == (".enc", "-part-aaaaaa", "-part-aaaaba")
    assert compact(Recipe((Step("zfs"), *made.steps()))).split("+")[1] == f"split:{MIB}:parts"
    assert parse_compact(f"split:{MIB}:parts") == (Step("split", {"volume_size": MIB, "parts": True}),)


def test_the_recipe_has_the_steps_in_their_order() -> None:
    made = Chain((Zstd(5),), Split(MIB, letters=True), (AGE,), Parity(10, files=1, memory=3000))
    assert made.steps() == (
        Step("zstd", {"level": 5}),
        Step("split", {"volume_size": MIB, "letters": True}),
        AGE.step(),
        Step("par2", {"redundancy": 10, "files": 1}),
    )
    assert NO_SEAL.steps() == ()


def test_a_later_run_goes_on_where_what_is_cut_is_the_same_each_time(tools: Bench) -> None:
    by_name = {ids(order): chain(order, tools) for order in LEGAL}
    assert not by_name["age-split"].goes_on
    assert not by_name["zstd-gpg-split-par2"].goes_on
    assert by_name["zstd-split-age"].goes_on
    assert by_name["openssl-split"].goes_on
    assert [name for name in by_name if by_name[name].repeatable] == [
        name for name in by_name if "age" not in name and "gpg" not in name
    ]


def test_what_is_surely_one_volume_is_not_cut() -> None:
    made = Chain((Zstd(),), Split(10 * MIB), (AGE,))
    text = b"text that shrinks " * 100
    assert made.fitting(int(7.1 * MIB), text) == Chain((Zstd(), AGE))
    assert made.fitting(int(7.3 * MIB), text) == made
    assert made.fitting(None, text) == made
    assert made._replace(parity=Parity()).fitting(1, text) == made._replace(parity=Parity())


@pytest.mark.parametrize("sealer", [Zstd(), Gzip()])
def test_what_does_not_shrink_is_left_as_it_is_and_the_recipe_says_so(sealer: Zstd | Gzip) -> None:
    name = sealer.step().name
    made = Chain((sealer,), Split(10 * MIB), (AGE,)).fitting(None, noise(100_000))
    assert made == Chain((Skipped(name),), Split(10 * MIB), (AGE,))
    assert made.steps()[0] == Step(name, {"skipped": True})
    assert made.suffix == ".age"
    content = noise(100_000)
    plain = Chain((sealer,), Split(60_000)).fitting(None, content)
    volumes = chained(plain, content)
    assert [one.data for one in volumes] == [content[:60_000], content[60_000:]]
    assert unchained(volumes, plain.steps()) == content


# Slices


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 2001, 10_000])
def test_there_is_no_empty_volume_but_of_nothing(size: int) -> None:
    content = noise(size)
    volumes = [one.data for one in chained(Chain(split=Split(1000)), content)]
    assert b"".join(volumes) == content
    assert [len(one) for one in volumes] == ([1000] * (size // 1000) + [size % 1000] * bool(size % 1000) or [0])


def test_a_slice_is_known_by_its_digest_whether_it_is_sealed_or_passed_by() -> None:
    content = noise(5 * MIB // 2)
    expected = [hashlib.sha256(content[at : at + MIB]).hexdigest() for at in range(0, len(content), MIB)]
    made = Chain(split=Split(MIB), each=(AGE,))
    found = []
    with made.slices(BytesStream(content), NONCE) as slices:
        for one in slices:
            if one.number == 2:
                with one.sealed() as stream:
                    read_all(stream)
                found.append(one.slice_sha256)
            else:
                found.append(one.pass_by())
    assert found == expected


def test_a_later_run_seals_the_same_behind_those_that_are_passed_by(tools: Bench) -> None:
    content = noise(50_000)
    for names in (["zstd", "split", "openssl"], ["openssl", "split"]):
        made = chain(ordered(names), tools, 9000)
        first = chained(made, content)
        with made.slices(BytesStream(content), NONCE) as slices:
            for one in slices:
                if one.number < 3:
                    one.pass_by()
                    continue
                with one.sealed() as stream:
                    assert Sealed(read_all(stream), stream.hmac_sha256, one.number) == first[one.number - 1]


def test_no_two_volumes_are_encrypted_alike(tools: Bench) -> None:
    volumes = chained(chain(ordered(["split", "openssl"]), tools), bytes(5000))
    assert len({one.data[8:16] for one in volumes}) == len(volumes)
    assert len({one.hmac_sha256 for one in volumes}) == len(volumes)


def test_of_a_whole_that_was_encrypted_before_it_was_cut_the_last_volume_has_the_mac(tools: Bench) -> None:
    content = noise(5000)
    volumes = chained(chain(ordered(["openssl", "split"]), tools), content)
    whole = sealed(tools.sealers["openssl"], content)
    assert b"".join(one.data for one in volumes) == whole.data
    assert [one.hmac_sha256 for one in volumes] == [None] * 5 + [whole.hmac_sha256]


def test_the_next_slice_is_not_taken_before_the_end_of_the_first() -> None:
    with Chain(split=Split(1000)).slices(BytesStream(noise(3000)), NONCE) as slices:
        with next(slices).sealed() as stream:
            stream.readinto(memoryview(bytearray(999)))
        with pytest.raises(ValueError, match="slice 1 wasn't read to its end"):
            next(slices)


def test_what_is_not_cut_has_no_slices() -> None:
    with pytest.raises(ValueError, match="nothing cuts"), Chain().slices(BytesStream(b""), NONCE):
        pass


def test_what_reading_raises_comes_through_all_steps(tools: Bench) -> None:
    error = OSError("the cable is out")
    for order in QUICK:
        made = chain(order, tools, MIB)
        if made.split is None:
            with pytest.raises(OSError, match="cable"), made.sealed(FailingStream(noise(100), error), NONCE) as stream:
                read_all(stream)
        else:
            with (
                pytest.raises(OSError, match="cable"),
                made.slices(FailingStream(noise(100), error), NONCE) as slices,
                next(slices).sealed() as stream,
            ):
                read_all(stream)


def test_every_thread_ends_wherever_one_leaves(tools: Bench) -> None:
    before = set(threading.enumerate())
    made = chain(ordered(["zstd", "split", "openssl"]), tools, 3 * MIB)
    with (
        made.slices(EndlessStream(noise(MIB + 1)), NONCE) as slices,
        next(slices).sealed() as stream,
    ):
        stream.readinto(memoryview(bytearray(100)))
    assert set(threading.enumerate()) <= before


def test_volumes_in_order_have_names_in_order() -> None:
    for split in (Split(1), Split(1, letters=True)):
        names = [split.suffix(number) for number in range(1, 999)]
        assert all(first < second for first, second in pairwise(names))
