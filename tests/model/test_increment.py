"""Where an archive stands in a chain, in all that outlives the catalog."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.archive import Label
from glacier_backup.model.description import describe, parse_description
from glacier_backup.model.increment import Link, deleted_list, link_of, parse_link, rules_of, split_mark
from glacier_backup.model.key_reading import label_of_key
from glacier_backup.model.naming import key
from glacier_backup.model.recipe import Recipe, Step, parse_recipe
from glacier_backup.plan.rebuild import recipe_told
from glacier_backup.units import stamp

THEN = datetime(2026, 3, 21, 4, 0, 0, 123_456, tzinfo=UTC)
TIMES = st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # that is what it takes
RULES = st.sampled_from(["", "0123abcd"])
NUMBERS = st.integers(1, 99_999)
LINKS = st.one_of(
    RULES.map(lambda rules: Link(0, rules=rules)),
    st.tuples(NUMBERS, TIMES, TIMES, RULES).map(Link._make),
    st.tuples(NUMBERS, st.none(), st.none(), RULES).map(Link._make),
)


def label(link: Link, **more: str) -> Label:
    recipe = Recipe((link.step,))
    own = {"name": "photos.tar", "path": "/srv/photos", "host": "nas", **more}
    return Label(**own, kind="directory", container="tar", time=THEN, recipe_id=recipe.id, link=str(link))  # type: ignore[arg-type]


@given(LINKS)
def test_a_recipe_says_it(link: Link) -> None:
    assert link_of(parse_recipe(Recipe((link.step, Step("age"))).to_json())) == link
    assert parse_link(str(link)) == link


@given(LINKS)
def test_a_description_says_it(link: Link) -> None:
    text = describe(label(link))
    assert parse_description(text) == label(link)
    told = parse_description(text)
    assert isinstance(told, Label)
    assert link_of(recipe_told(told)) == link


@given(LINKS)
def test_a_key_says_the_number(link: Link) -> None:
    own = key(label(link))
    assert own == f"nas/srv/photos/{stamp(THEN)}{f'.inc{link.number}' if link.number else ''}.tar"
    told = label_of_key(own, THEN)
    assert told is not None
    assert (told.path, told.kind, told.link) == ("/srv/photos", "directory", str(link.number) if link.number else "")
    recipe = recipe_told(told)
    assert recipe is not None
    assert (link_of(recipe) or Link(0)).number == link.number


@pytest.mark.parametrize("suffix", [".zst.age", ".zst.v001.age", ".age.v002.vol000+100.par2", ".age.recipe.json"])
def test_a_sealed_one_has_it_too(suffix: str) -> None:
    told = label_of_key(f"nas/srv/photos/{stamp(THEN)}.inc12.tar{suffix}", THEN)
    assert told is not None
    assert (told.link, told.suffix, told.container) == ("12", suffix, "tar")


def test_a_directory_that_is_called_so_is_no_increment() -> None:
    path = "/srv/a.inc3"
    full = label(Link(0), path=path)
    told = label_of_key(key(full), THEN)
    assert told is not None
    assert (told.path, told.link) == (path, "")
    told = label_of_key(key(label(Link(2), path=path)), THEN)
    assert told is not None
    assert (told.path, told.link) == (path, "2")
    assert split_mark(".inc3") == ("", ".inc3")
    assert split_mark(".inc0.tar") == ("", ".inc0.tar")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-1",
        "1-2",
        f"0-{stamp(THEN)}-{stamp(THEN)}",
        f"1-{stamp(THEN)}",
        "100000",
        "0-0123ABCD",
        "1-9-9-01234567",
    ],
)
def test_what_is_no_place_in_a_chain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"place in a chain|time data"):
        parse_link(text)


@pytest.mark.parametrize(
    "said",
    [
        {"increment": True},
        {"increment": "1"},
        {"increment": -1},
        {"increment": 100_000},
        {"increment": 1, "full": stamp(THEN)},
        {"increment": 0, "full": stamp(THEN), "previous": stamp(THEN)},
        {"increment": 1, "full": 5, "previous": stamp(THEN)},
        {"increment": 1, "full": "soon", "previous": stamp(THEN)},
        {"increment": 0, "rules": "../.."},
    ],
)
def test_a_recipe_that_says_something_else_is_refused(said: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match=r"place in a chain|time data|rules"):
        link_of(Recipe((Step("tar", said),)))


def test_other_recipes_say_nothing_of_it() -> None:
    assert link_of(None) is None
    assert link_of(Recipe(())) is None
    assert link_of(Recipe((Step("tar", {"top": ""}),))) is None
    assert link_of(Recipe((Step("zip", {"increment": 1}),))) is None


def test_the_list_is_never_one_of_the_directorys_own_files() -> None:
    for top in ("photos", ".glacier-backup-deleted", "root"):
        listed = deleted_list(top)
        assert listed != top
        assert not listed.startswith(f"{top}/")


def test_rules_are_told_apart() -> None:
    some = [NOTHING, Exclusion(("a",)), Exclusion(("a", "b")), Exclusion((), ("a",)), Exclusion(("a",), below="x/")]
    assert len({rules_of(one) for one in some}) == len(some)
    assert rules_of(NOTHING) == ""
