"""Quotes and references."""

from __future__ import annotations

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config.ini import parse
from glacier_backup.config.references import Constants, Location, References, fill_in, quote, unquote

ENVIRON = {"NAME": "n", "DOLLAR": "${here}", "QUOTED": "'q'", "LINES": "a\nb", "EMPTY": ""}


def value(options: dict[str, str], option: str = "x", section: str = "s") -> str:
    """What ``option`` of ``section`` stands for; the keys are ``section.option`` or options of section ``s``."""

    def lookup(section: str, option: str) -> tuple[Location, str] | None:
        for key in (f"{section}.{option}", option) if section == "s" else (f"{section}.{option}",):
            if key in options:
                return (section, option), options[key]
        return None

    references = References(Constants("/etc/here", ENVIRON), lookup)
    found = lookup(section, option)
    assert found is not None
    return references.value(section, option, found[1])


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${here}/log", "/etc/here/log"),
        ("${env:NAME}", "n"),
        ("a${env:NAME}b${env:NAME}", "anbn"),
        ("${env:EMPTY}", ""),
        ("${y}", "why"),
        ("${t:z}", "zed"),
        ("${/a:b/c:z}", "zed too"),
        ("$", "$"),
        ("$y", "$y"),
        ("$$", "$$"),
        ("$(y)", "$(y)"),
        ("cost: 5$ {a}", "cost: 5$ {a}"),
        ("%", "%"),
        ("%(y)s %%", "%(y)s %%"),
        ("$${y}", "${y}"),
        ("$$${y}", "$${y}"),
        ("$$$", "$$$"),
        ("}", "}"),
        ("'${y}'", "why"),
        ('"${y}"', "why"),
        ("'$${y}'", "${y}"),
        ("${q}", "no quotes"),
        ("'${q}'", "no quotes"),
        # What is filled in is not looked into again.
        ("${env:DOLLAR}", "${here}"),
        ("${env:QUOTED}", "'q'"),
        ("${env:LINES}", "a\nb"),
        ("${escaped}", "${y}"),
    ],
)
def test_a_reference_is_filled_in(text: str, meaning: str) -> None:
    more = {"y": "why", "t.z": "zed", "/a:b/c.z": "zed too", "q": "'no quotes'", "escaped": "$${y}"}
    assert value({"x": text, **more}) == meaning


def test_a_value_may_refer_to_one_that_refers() -> None:
    assert value({"x": "${y}/c", "y": "${t:z}/b", "t.z": "${w}", "t.w": "a"}) == "a/b/c"


def test_a_value_may_be_referred_to_twice() -> None:
    assert value({"x": "${y}${y}", "y": "${z}", "z": "a"}) == "aa"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "${nope}"}, "found ${nope}, but nope isn't set in this section or [DEFAULT]; expected one that is"),
        ({"x": "${t:nope}"}, "found ${t:nope}, but nope isn't set in [t] or [DEFAULT]; expected one that is"),
        ({"x": "${}"}, "found ${}, but nothing isn't set in this section or [DEFAULT]; expected one that is"),
        ({"x": "${env:GONE}"}, "found ${env:GONE}, but GONE isn't in the environment; expected one that is"),
        (
            {"x": "${env:}"},
            "found ${env:}, but a variable of no name isn't in the environment; expected one that is",
        ),
        ({"x": "a ${y"}, "found '${y' without an end; expected } at its end, or $${ for ${ itself"),
        ({"x": "${x}"}, "found a loop, x → x; expected a value"),
        ({"x": "${y}", "y": "a${z}", "z": "${x}b"}, "found a loop, x → y → z → x; expected a value"),
        ({"x": "${y}", "y": "${y}"}, "found ${y}, which is wrong itself; expected an option with a value"),
        (
            {"x": "${y}", "y": "${z}", "z": "${w}", "w": "${z}"},
            "found ${y}, which is wrong itself; expected an option with a value",
        ),
        ({"x": "${y}", "y": "${nope}"}, "found ${y}, which is wrong itself; expected an option with a value"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        value(options)
    assert str(caught.value) == message


def test_a_loop_is_told_at_each_of_its_options() -> None:
    options = {"x": "${y}", "y": "${x}"}
    for option, chain in (("x", "x → y → x"), ("y", "y → x → y")):
        with pytest.raises(ValueError, match=f"found a loop, {chain}"):
            value(options, option)


def test_references_of_any_length_end_without_a_traceback() -> None:
    chain = {f"s{number}.x": f"${{s{number + 1}:x}}" for number in range(5000)}
    with pytest.raises(ValueError, match="which is wrong itself"):
        value({"x": "${s0:x}", **chain})
    assert value({"x": "${s4990:x}", **chain, "s5000.x": "end"}) == "end"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("'a'", "a"),
        ('"a"', "a"),
        ("''", ""),
        ("'", "'"),
        ("'a", "'a"),
        ("'a\"", "'a\""),
        ("\"'a'\"", "'a'"),
        ("''a''", "'a'"),
        ("it's", "it's"),
        ("' a '", " a "),
        ("a\n'b'\n\"c\"", "a\nb\nc"),
        ("'a\nb'", "'a\nb'"),
    ],
)
def test_one_pair_of_matching_quotes_is_taken_off(text: str, meaning: str) -> None:
    assert unquote(text) == meaning


_ANY_TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=[])).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
) | st.text("${}'\"%\\ =:#;[]\nabc", max_size=20)


@given(_ANY_TEXT)
def test_whatever_is_written_with_quotes_is_read_back(text: str) -> None:
    written = quote(text).replace("\n", "\n    ")
    raw = parse(f"[s]\nbefore = 1\nx = {written}\nafter = 2\n", "x")
    assert raw.problems == ()
    assert value({"x": raw.sections["s"].options["x"].text}) == text
    assert raw.sections["s"].options["after"].text == "2"


@given(st.text(string.printable))
def test_text_without_a_dollar_brace_stands_for_itself(text: str) -> None:
    if "${" not in text:
        assert fill_in(text, lambda reference: "never") == text


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.sampled_from(["1", "${a}", "${b}x${c}", "${d}${d}", "${e}", "$${f}", "${"])
    )
)
def test_filling_in_ends_with_a_value_or_a_problem(options: dict[str, str]) -> None:
    for option in options:
        with contextlib.suppress(ValueError):
            assert "${" not in value(options, option).replace("${f}", "")
