"""Text → value, kind by kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config import values
from glacier_backup.model.period import Period
from glacier_backup.units import GIB, MIB


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.boolean, "yes", True),
        (values.boolean, "TRUE", True),
        (values.boolean, "On", True),
        (values.boolean, "1", True),
        (values.boolean, "no", False),
        (values.boolean, "False", False),
        (values.boolean, "off", False),
        (values.boolean, "0", False),
        (values.account, "-", "-"),
        (values.account, "012345678901", "012345678901"),
        (values.vault, "a", "a"),
        (values.vault, "My.vault_2-b", "My.vault_2-b"),
        (values.vault, "v" * 255, "v" * 255),
        (values.region, "eu-central-1", "eu-central-1"),
        (values.endpoint, "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (values.endpoint, "https://example.org/glacier", "https://example.org/glacier"),
        (values.absolute_path, "/a//b/./c/", "/a/b/c"),
        (values.absolute_path_or_off, "", None),
        (values.absolute_path_or_off, "/a", "/a"),
        (values.limit, "none", None),
        (values.limit, "1", 1),
        (values.limit, "007", 7),
        (values.concurrency, "1", 1),
        (values.concurrency, "64", 64),
        (values.kept, "off", None),
        (values.kept, "1", 1),
        (values.kept, "9999", 9999),
        (values.period, "off", None),
        (values.period, "6 months", Period(6, "month")),
        (values.period, " 1  Year", Period(1, "year")),
        (values.period, "36 hours", Period(36, "hour")),
        (values.part_size, "automatic", None),
        (values.part_size, "1 MiB", MIB),
        (values.part_size, "1048576", MIB),
        (values.part_size, "4GiB", 4 * GIB),
        (values.bandwidth_limit, "none", None),
        (values.bandwidth_limit, "2 MiB", 2 * MIB),
        (values.bandwidth_limit, "2 MiB/s", 2 * MIB),
        (values.bandwidth_limit, "2MB /s", 2_000_000),
        (values.bandwidth_limit, "16384", 16_384),
        (values.bandwidth_limit, "1 TiB/s", 2**40),
        (values.prefixes, "", ()),
        (values.prefixes, ".", (".",)),
        (values.prefixes, "\n.\n\nThumbs.db", (".", "Thumbs.db")),
        (values.prefixes, " x ", (" x ",)),
    ],
)
def test_what_is_right_is_read(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "special"),
    [
        (values.boolean, "maybe", ""),
        (values.boolean, "2", ""),
        (values.account, "12345678901", ""),
        (values.account, "1234-5678-9012", ""),
        (values.account, "१२३४५६७८९०१२", ""),
        (values.vault, "my vault", ""),
        (values.vault, "vault/x", ""),
        (values.vault, "vault\n", ""),
        (values.vault, "Tresor-ä", ""),
        (values.vault, "v" * 256, "it has 256 characters"),
        (values.region, "eu central", ""),
        (values.endpoint, "127.0.0.1:8080", ""),
        (values.endpoint, "http://", ""),
        (values.endpoint, "https://me:hunter2@example.org/", "a URL is no place for a user or a password"),
        (values.endpoint, "https://me@example.org", "a URL is no place for a user or a password"),
        (values.endpoint, "ftp://example.org", ""),
        (values.absolute_path, "a/b", ""),
        (values.absolute_path, "/a\0b", ""),
        (values.limit, "0", ""),
        (values.limit, "-1", ""),
        (values.limit, "1.5", ""),
        (values.limit, "1_000", ""),
        (values.limit, "٣", ""),
        (values.limit, "9" * 5000, ""),
        (values.concurrency, "0", ""),
        (values.concurrency, "65", ""),
        (values.part_size, "16 MB", "it is 16,000,000 bytes"),
        (values.part_size, "512 KiB", "it is 524,288 bytes"),
        (values.part_size, "3 MiB", "it is 3,145,728 bytes"),
        (values.part_size, "8 GiB", "it is 8,589,934,592 bytes"),
        (values.kept, "0", ""),
        (values.kept, "10000", ""),
        (values.kept, "none", ""),
        (values.period, "0 days", ""),
        (values.period, "months", ""),
        (values.period, "6", ""),
        (values.period, "6 fortnights", ""),
        (values.period, "-1 month", ""),
        (values.period, "10000 days", ""),
        (values.part_size, "0", "it is 0 bytes"),
        (values.part_size, "9" * 100, ""),
        (values.part_size, "9" * 5000, ""),
        (values.part_size, "big", ""),
        (values.bandwidth_limit, "0", "it is 0 bytes"),
        (values.bandwidth_limit, "1/s", "it is 1 byte"),
        (values.bandwidth_limit, "16 kB", "it is 16,000 bytes"),
        (values.bandwidth_limit, "2 TiB", ""),
        (values.bandwidth_limit, "16 Mbit/s", ""),
        (values.bandwidth_limit, "2 MiB/min", ""),
        (values.bandwidth_limit, "/s", ""),
    ],
)
def test_what_is_wrong_is_turned_away(parse: Callable[[str], object], text: str, special: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(text)
    assert str(caught.value) == special


@given(st.integers(min_value=0, max_value=2**34))
def test_a_part_size_is_a_power_of_two_between_one_mib_and_four_gib(size: int) -> None:
    assert values.is_part_size(size) == (size in [MIB << shift for shift in range(13)])


@pytest.mark.parametrize(
    ("path", "tidy"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a///", "/a"),
        ("//a//b", "/a/b"),
        ("/a/./b/.", "/a/b"),
        ("/a/x/../b", "/a/b"),
        ("/../a", "/a"),
        ("/.hidden/.x", "/.hidden/.x"),
        ("/a/..b", "/a/..b"),
        ("/a b ", "/a b "),
        ("/\udcff/", "/\udcff"),
    ],
)
def test_a_path_has_one_spelling(path: str, tidy: str) -> None:
    assert values.normal_path(path) == tidy


@given(st.text("/.ab", max_size=12).map(lambda text: "/" + text))
def test_the_one_spelling_is_absolute_tidy_and_stays(path: str) -> None:
    tidy = values.normal_path(path)
    assert values.normal_path(tidy) == tidy
    assert tidy == "/" or not tidy.endswith("/")
    assert tidy.startswith("/")
    assert not {"", ".", ".."} & set(tidy.split("/")[1:]) or tidy == "/"
