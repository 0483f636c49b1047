"""Recipes in a few characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.recipe import Recipe, Step, compact, parse_compact

AGE = Step("age", {"recipients": "age1abc age1def"})
SPLIT = Step("split", {"volume_size": 2**32})


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((), ""),
        ((Step("zstd", {"level": 3}), SPLIT, AGE), "zstd:3+split:4294967296+age"),
        ((Step("zstd", {"skipped": True}), AGE), "zstd:skipped+age"),
        ((Step("gzip", {"level": 9}), Step("gpg", {"symmetric": True})), "gzip:9+gpg:symmetric"),
        ((Step("openssl", {"cipher": "aes-256-cbc", "digest": "sha512", "iterations": 250_000}),), "openssl"),
        (
            (Step("openssl", {"cipher": "aes-128-cbc", "digest": "sha512", "iterations": 1_000}),),
            "openssl:cipher.aes-128-cbc:iterations.1000",
        ),
        ((Step("split", {"volume_size": 5, "letters": True}),), "split:5:letters"),
        ((Step("split", {"volume_size": 5, "parts": True}),), "split:5:parts"),
        (
            (SPLIT, Step("par2", {"redundancy": 5, "blocks": 3000, "files": 1, "memory": 3000})),
            "split:4294967296+par2:5:blocks.3000:files.1:memory.3000",
        ),
    ],
)
def test_the_steps_of_a_seal_in_a_few_characters(steps: tuple[Step, ...], text: str) -> None:
    assert compact(Recipe((Step("tar", {"format": "pax"}), *steps))) == text
    told = parse_compact(text)
    assert told == tuple(
        Step(step.name, {k: v for k, v in step.parameters.items() if k != "recipients"}) for step in steps
    )


@pytest.mark.parametrize(
    "text",
    [
        "+",
        "zstd+",
        "tar",
        "raw+age",
        "3",
        "zstd:",
        "zstd:a.",
        "zstd:.1",
        "age:a b",
        "age;x",
        "a" * 201,
        "zstd:9" * 60,
        "ä",
    ],
)
def test_what_no_recipe_makes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (step|parameter|value)|more steps"):
        parse_compact(text)


NAMES = st.text("abcdefghij_-0123456789.:+", min_size=1, max_size=9)
PARAMETERS = st.dictionaries(NAMES, st.text(max_size=9) | st.booleans() | st.integers(), max_size=4)


@given(st.lists(st.builds(Step, st.sampled_from(["zstd", "age", "openssl", "split", "par2"]), PARAMETERS), max_size=3))
def test_whatever_the_parameters_it_stays_in_its_characters_and_is_read(steps: list[Step]) -> None:
    text = compact(Recipe((Step("raw"), *steps)))

    assert re.fullmatch("[A-Za-z0-9.:+-]*", text)
    if len(text) <= 200:
        told = parse_compact(text)
        assert [step.name for step in told] == [step.name for step in steps]
        assert compact(Recipe(told)) == text


@given(st.text() | st.text("zstdage:+.3-", max_size=20))
def test_no_text_is_another_error(text: str) -> None:
    try:
        parse_compact(text)
    except ValueError:
        return
