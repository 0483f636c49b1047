"""Text → values of the options that say how archives are sealed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config import seal_values
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.seal_values import Redundancy
from glacier_backup.seal.openssl import CIPHERS, DIGESTS, MOST_ITERATIONS
from glacier_backup.seal.order import NAMES
from glacier_backup.units import GIB, MIB, TIB

BY_NAME = {option.name: option for option in SEAL_OPTIONS}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("none", ()),
        ("age", ("age",)),
        ("zstd, split, age, par2", ("zstd", "split", "age", "par2")),
        ("zstd, age, split, par2", ("zstd", "age", "split", "par2")),
        ("GZIP age", ("gzip", "age")),
        ("zstd\nage\n\nsplit", ("zstd", "age", "split")),
        ("age, par2", ("split", "age", "par2")),
        ("par2", ("split", "par2")),
        ("zstd, openssl, par2", ("zstd", "split", "openssl", "par2")),
        ("split", ("split",)),
    ],
)
def test_steps_are_words_in_their_order_and_parity_brings_volumes(text: str, steps: tuple[str, ...]) -> None:
    assert BY_NAME["seal"].read(text) == steps


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("age, zstd", "'zstd' can't follow 'age': "),
        ("split, zstd", "'zstd' can't follow 'split': "),
        ("zstd, gzip", "'gzip' can't follow 'zstd': "),
        ("age, openssl", "'openssl' can't follow 'age': "),
        ("age, age", "'age' can't follow 'age': "),
        ("split, age, split", "'split' can't follow 'split': "),
        ("par2, age", "'age' can't follow 'par2': "),
        ("agee", "'agee' is no step; did you mean age?"),
        ("none, age", "'none' is no step"),
        ("rot13", "'rot13' is no step"),
    ],
)
def test_an_order_that_makes_no_sense_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="expected the steps in their order") as caught:
        BY_NAME["seal"].read(text)
    assert why in str(caught.value)


def test_every_order_is_either_taken_as_it_is_or_refused() -> None:
    taken = set()
    for length in range(1, 5):
        for words in itertools.permutations(NAMES, length):
            try:
                steps = seal_values.steps(", ".join(words))
            except ValueError:
                continue
            assert tuple(step for step in steps if step in words) == words
            assert {*steps} - {*words} <= {"split"}
            taken.add(steps)
    encrypted, cut = 3, 1 + 3 * 2  # by each way there is, and what of these is cut, in front or behind
    assert len(taken) == 3 * (1 + encrypted + cut + cut) - 1  # parity or not, compressed in two ways or not


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 %", Redundancy(5)),
        ("10%", Redundancy(10)),
        ("100", Redundancy(100)),
        ("-r5 -n1 -m3000", Redundancy(5, None, 1, 3000)),
        ("-r 7", Redundancy(7)),
        ("-n1 -b2000", Redundancy(5, 2000, 1)),
    ],
)
def test_redundancy_is_per_cent_or_flags_of_par2(text: str, value: Redundancy) -> None:
    assert BY_NAME["redundancy"].read(text) == value


@pytest.mark.parametrize("text", ["", "0", "0 %", "101 %", "5.5 %", "-r5 -r6", "-r0", "-q", "-r5-n1", "-n32", "five"])
def test_redundancy_is_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="expected per cent"):
        BY_NAME["redundancy"].read(text)


@given(
    st.builds(
        Redundancy,
        st.integers(1, 100),
        st.none() | st.integers(1, 32768),
        st.none() | st.integers(1, 31),
        st.none() | st.integers(1, 999_999),
    )
)
def test_redundancy_is_written_as_it_is_read(value: Redundancy) -> None:
    assert seal_values.redundancy(str(value)) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("volume_size", "1 MiB", MIB),
        ("volume_size", "4 TiB", 4 * TIB),
        ("volume_size", "4 GiB", 4 * GIB),
        ("volume_size", "1500 kB", 1_500_000),
        ("volume_names", "AAAAAA", "aaaaaa"),
        ("zstd_level", "22", 22),
        ("gzip_level", "1", 1),
        ("openssl_iterations", "600,000", 600_000),
        ("openssl_cipher", "AES-128-CBC", "aes-128-cbc"),
        ("password_command", "pass show 'my backup'", ("pass", "show", "my backup")),
        ("password_credential", "backup-password", "backup-password"),
        ("password_keyring", "a/b/me", "a/b/me"),
        ("recipients", "ssh-ed25519 AAAA me@here\n\nage1x", ("ssh-ed25519 AAAA me@here", "age1x")),
        ("identity_file", "/a//b\n/c", ("/a/b", "/c")),
    ],
)
def test_values(name: str, text: str, value: object) -> None:
    assert BY_NAME[name].read(text) == value


@pytest.mark.parametrize(
    ("name", "text", "special"),
    [
        ("volume_size", "1 MB", "(it is 1,000,000 bytes)"),
        ("volume_size", "5 TiB", ""),
        ("volume_size", "much", ""),
        ("zstd_level", "23", ""),
        ("zstd_level", "0", ""),
        ("gzip_level", "10", ""),
        ("openssl_iterations", "1000", "(a password is then guessed in no time)"),
        ("openssl_iterations", "10000001", ""),
        ("openssl_cipher", "des", ""),
        ("openssl_digest", "md5", ""),
        ("password_command", "pass 'show", "(a quote in it has no end)"),
        ("password_command", "''", ""),
        ("password_credential", "../x", ""),
        ("password_credential", "..", ""),
        ("password_keyring", "service", ""),
        ("password_keyring", "/me", ""),
        ("identity_file", "relative", ""),
        ("volume_names", "1", ""),
    ],
)
def test_what_is_none(name: str, text: str, special: str) -> None:
    with pytest.raises(ValueError, match=r"^found .*; expected ") as caught:
        BY_NAME[name].read(text)
    assert special in str(caught.value)


def test_what_openssl_may_be_told_is_what_the_step_knows() -> None:
    assert {*seal_values.CIPHERS} == {*CIPHERS}
    assert {*seal_values.DIGESTS} == {*DIGESTS}
    assert seal_values.MOST_ITERATIONS == MOST_ITERATIONS
