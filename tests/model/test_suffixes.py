"""What sealing adds behind names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.recipe import Step
from glacier_backup.model.suffixes import (
    Suffix,
    ends_like_one,
    is_sealed_manifest,
    parse_suffix,
    split_suffix,
    steps_of_suffix,
    suffix_of_steps,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", Suffix()),
        (".zst.age", Suffix(".zst.age")),
        (".v001", Suffix("", 1)),
        (".zst.v012.age", Suffix(".zst.age", 12)),
        (".zst.age.v1000", Suffix(".zst.age", 1000)),
        (".aaaaaa.enc", Suffix(".enc", 1)),
        ("-part-aaaaaa", Suffix(".enc", 1)),
        ("-part-aaaaab.vol000+100.par2", Suffix(".enc", 2, "parity")),
        (".aaaabc", Suffix("", 29)),
        (".v001.age.par2", Suffix(".age", 1, "parity")),
        (".v001.gpg.vol000+100.par2", Suffix(".gpg", 1, "parity")),
        (".zst.age.recipe.json", Suffix(".zst.age", 0, "manifest")),
        (".recipe.json", Suffix("", 0, "manifest")),
        (".gz.age.recipe.json.age", Suffix(".gz.age", 0, "manifest")),
    ],
)
def test_a_suffix_tells_the_seal_the_volume_and_what_it_is(text: str, told: Suffix) -> None:
    assert parse_suffix(text) == told
    assert split_suffix(f"a.txt{text}") == ("a.txt", text)


@pytest.mark.parametrize(
    "text",
    [".txt", "age", ".v000", ".v01", ".v001.v002", ".par2", ".age.par2", ".vol0+1.par2", ".baaaaa", ".recipe.json.zst",
     ".recipe.json.age.age", ".age" * 7, ".v001.vol" + "9" * 30 + "+1.par2", ".v001.recipe.json", "/.age"],
)  # fmt: skip
def test_what_no_seal_adds_is_none(text: str) -> None:
    assert parse_suffix(text) is None


def test_steps_and_suffixes_tell_of_each_other() -> None:
    steps = (Step("zstd", {"skipped": True}), Step("gzip"), Step("split"), Step("openssl"), Step("par2"))
    assert suffix_of_steps(steps) == ".gz.enc"
    assert [step.name for step in steps_of_suffix(".gz.enc")] == ["gzip", "openssl"]
    assert steps_of_suffix(".enc")[0].parameters["iterations"] == 250_000
    assert steps_of_suffix("") == ()


def test_a_sealed_manifest_is_told_from_one_that_can_be_read() -> None:
    assert is_sealed_manifest(".zst.age.recipe.json.age")
    assert not any(map(is_sealed_manifest, (".zst.age.recipe.json", ".age", "x.recipe.json.age")))


SUFFIXES = st.sampled_from(
    [".zst", ".age", ".v001", ".aaaaaa", ".par2", ".recipe.json", ".vol0+1.par2", ".enc", "-part-aaaaaa"]
)


@given(st.text("ab.~", min_size=1, max_size=5), st.lists(SUFFIXES, max_size=4).map("".join))
def test_what_was_put_behind_a_name_that_ends_like_no_suffix_is_taken_off_again(name: str, suffix: str) -> None:
    if parse_suffix(suffix) is not None and not ends_like_one(name):
        assert split_suffix(name + suffix) == (name, suffix)


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    name, suffix = split_suffix(text)
    assert name + suffix == text
    parse_suffix(text)
