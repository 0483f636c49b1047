"""Names of members by the thousand: only what can't be meant is left out."""

from __future__ import annotations

import fnmatch
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import names
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.folding import fold, folded_parts
from glacier_backup.units import MIB
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_group,
    a_member,
    an_archive,
    by_prefix,
    checksums,
    intended,
    record,
    under_key,
)

_LETTERS = "aBİ/éÉ\u0301\u0323\u0345\u1fb3ßKÅ\u037e가\udce9\n*?!b-]^%_\\"


def found(catalog: Catalog, text: str, *, glob: bool = False) -> list[str]:
    return [one.member.path for one in catalog.find(text, glob=glob) if one.member is not None]


@settings(max_examples=100)
@given(st.text(st.sampled_from(_LETTERS), max_size=6), st.text(st.sampled_from(_LETTERS), max_size=4))
def test_what_holds_a_text_holds_it_in_the_form_in_which_it_is_looked_for(path: str, text: str) -> None:
    composed = unicodedata.normalize("NFC", text).casefold()
    if composed in path.casefold() or composed in unicodedata.normalize("NFC", path).casefold():
        assert all(part in fold(path) for part in folded_parts([text]))


def test_parts_are_of_one_component_and_the_longest_comes_first() -> None:
    assert folded_parts(["/Été 2019/IMG-", "-1.jpg"]) == (b"ete 2019", b"-1.jpg", b"img-")
    assert folded_parts(["/", ""]) == ()


@settings(max_examples=30)
@given(
    st.lists(st.text(st.sampled_from(_LETTERS), min_size=1, max_size=6), min_size=1, max_size=8),
    st.text(st.sampled_from(_LETTERS), min_size=1, max_size=4),
)
def test_of_members_all_that_match_are_found(paths: list[str], text: str) -> None:
    with pytest.MonkeyPatch.context() as patch, Catalog.peek("/nowhere/at/all") as catalog:
        patch.setattr(names, "TOGETHER", 3)
        catalog._database.configure("PRAGMA query_only = OFF")
        record(catalog, None, catalog.register(LOCAL, LOCAL), an_archive("/srv/zz"), map(a_member, paths))

        by_text, by_glob = found(catalog, text), found(catalog, text, glob=True)

    composed = unicodedata.normalize("NFC", text).casefold()
    folded = [(path, (path.casefold(), unicodedata.normalize("NFC", path).casefold())) for path in paths]
    assert by_text == [path for path, forms in folded if any(composed in form for form in forms)]
    ends = [(path, (path, path.rpartition("/")[2])) for path in paths]
    assert by_glob == [path for path, parts in ends if any(fnmatch.fnmatchcase(part, text) for part in parts)]


def test_files_in_groups_are_found_by_what_spans_their_section_and_their_name(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    members = [a_member(f"photos/{name}") for name in ("2019/a.jpg", "2020/a.jpg", f"2020/{NOT_UTF8}")]
    record(catalog, None, place, a_group(), members)

    def paths(text: str, *, glob: bool = False) -> list[str]:
        return [one.archive.path for one in catalog.find(text, glob=glob)]

    assert paths("srv/photos/2020/A") == paths("/srv/*/2020/a*", glob=True) == ["/srv/photos/2020/a.jpg"]
    assert paths("/srv/photos/*20*/caf?", glob=True) == [f"/srv/photos/2020/{NOT_UTF8}"]
    assert paths("photos/photos") == []


def test_names_go_with_their_archive_and_are_written_anew_with_its_members(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    gone = record(catalog, None, place, an_archive("/srv/yy"), [a_member("yy/old")])
    stored = an_archive("/srv/zz")
    kept = catalog.intend(None, place, intended(stored), 16 * MIB)
    for name in ("old", "new"):
        catalog.completing(kept, intended(stored), checksums(stored), [a_member(f"zz/{name}")])
    catalog.stored(kept, *stored.receipts)
    catalog.forget_archives([gone])

    assert found(catalog, "old") == []
    assert found(catalog, "new") == ["zz/new"]
    assert [(run.archive, run.members) for run in names.runs(catalog._database)] == [(kept, 1)]


def test_a_group_is_found_by_the_names_that_filters_have_made_and_by_those_that_files_have(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    record(catalog, None, place, by_prefix(), [under_key("2019/a.jpg", key="hidden-")])

    assert [one.archive.path for one in catalog.find("2019/a", glob=False)] == ["/srv/photos/2019/a.jpg"]
    assert [one.archive.path for one in catalog.find("hidden-", glob=False)] == ["/srv/photos/2019/a.jpg"]
