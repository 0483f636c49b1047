"""In which order the steps of a seal may come."""

from __future__ import annotations

from itertools import permutations

import pytest

from glacier_backup.seal.order import COMPRESSION, ENCRYPTION, NAMES, Order, ordered


@pytest.mark.parametrize(
    ("names", "order"),
    [
        ("", Order()),
        ("zstd", Order(("zstd",))),
        ("age", Order(("age",))),
        ("split age", Order((), True, ("age",))),
        ("age split", Order(("age",), True)),
        ("zstd split age par2", Order(("zstd",), True, ("age",), True)),
        ("gzip openssl split par2", Order(("gzip", "openssl"), True, (), True)),
        ("zstd age par2", Order(("zstd",), True, ("age",), True)),
        ("gpg par2", Order((), True, ("gpg",), True)),
        ("par2", Order((), True, (), True)),
    ],
)
def test_each_step_has_its_place(names: str, order: Order) -> None:
    assert ordered(names.split()) == order


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("rot13", "no step 'rot13': there are zstd, gzip, age"),
        ("pyarchiver", "no step 'pyarchiver'"),
        ("age zstd", "'zstd' can't follow 'age': compression comes first, for what is encrypted doesn't shrink"),
        ("split gzip", "'gzip' can't follow 'split': compression comes first, for the whole shrinks more"),
        ("age split zstd", "'zstd' can't follow 'split'"),
        ("zstd gzip", "'gzip' can't follow 'zstd': only one step can compress"),
        ("zstd zstd", "'zstd' can't follow 'zstd': only one"),
        ("age split gpg", "'gpg' can't follow 'age': only one step can encrypt"),
        ("split age split", "what is cut can't be cut again"),
        ("par2 split", "'split' can't follow 'par2': parity comes last, for it mends what is stored"),
        ("split par2 age", "'age' can't follow 'par2'"),
        ("par2 zstd", "'zstd' can't follow 'par2': parity comes last"),
        ("split par2 par2", "one step of parity is enough"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(names: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ordered(names.split())


def test_what_is_allowed_is_compression_then_encryption_and_cutting_then_parity() -> None:
    allowed = set()
    for length in range(5):
        for names in permutations(NAMES, length):
            try:
                allowed.add(ordered(names).names)
            except ValueError:
                continue
    before = [(), *((one,) for one in COMPRESSION)]
    encryption = [(), *((one,) for one in ENCRYPTION)]
    expected = {(*first, *second) for first in before for second in encryption}
    cut = {(*first, "split", *second) for first in before for second in encryption}
    cut |= {(*one, "split") for one in expected}
    assert allowed == expected | cut | {(*one, "par2") for one in cut}
