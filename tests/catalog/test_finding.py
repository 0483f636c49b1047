from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import loaded, paging
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from tests.catalog.values import LOCAL, NOT_UTF8, a_member, an_archive, an_upload, filled, minutes, record


@pytest.fixture(autouse=True, params=[2, paging.PAGE])
def _pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE", request.param)
    monkeypatch.setattr(loaded, "TOGETHER", request.param)


def found(catalog: Catalog, text: str, *, glob: bool = False) -> list[tuple[int, str | None]]:
    """Ids of archives, with the paths of members."""
    return [(one.archive.id, one.member and one.member.path) for one in catalog.find(text, glob=glob)]


def test_all_versions_of_what_holds_a_member_are_found_the_newest_first(catalog: Catalog) -> None:
    place, other = catalog.register(LOCAL, LOCAL), catalog.register(Place("s3", "bucket"), Place("s3", "bucket"))
    for path, where in (("/srv/b", place), ("/srv/a", place), ("/srv/b", other), ("/srv/b", place)):
        members = [a_member(f"{path[5:]}/{name}") for name in ("x/one.jpg", "two.txt", "three.jpg")]
        record(catalog, None, where, an_archive(path), members)

    jpegs = [(2, "a/x/one.jpg"), (2, "a/three.jpg")]
    for version in (4, 3, 1):
        jpegs += [(version, "b/x/one.jpg"), (version, "b/three.jpg")]
    assert found(catalog, ".JPG") == jpegs
    assert found(catalog, "*.jpg", glob=True) == jpegs
    assert found(catalog, "one.???", glob=True) == [one for one in jpegs if "one" in str(one[1])]
    assert found(catalog, "*.JPG", glob=True) == []
    assert found(catalog, "b/t*", glob=True) == [
        (version, f"b/t{name}") for version in (4, 3, 1) for name in ("wo.txt", "hree.jpg")
    ]


def test_archives_are_found_by_path_and_by_name_and_come_before_their_members(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/photos 2019"), an_archive("/srv/music"))

    assert found(catalog, "PHOTOS") == [(2, "photos/a.jpg"), (1, None), (1, "photos/a.jpg")]
    assert found(catalog, "music.tar") == [(2, None)]
    assert found(catalog, "/srv/*", glob=True) == [(2, None), (1, None)]
    assert found(catalog, "music", glob=True) == [(2, None)]
    assert found(catalog, "*.tar", glob=True) == [(2, None), (1, None)]
    assert found(catalog, "nothing") == found(catalog, "nothing", glob=True) == []


def test_wildcards_are_letters_of_a_text(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/100%_a*[b]"), an_archive("/srv/100xya"))

    assert found(catalog, "100%_a*[B]") == [(1, None)]
    assert found(catalog, "0%") == [(1, None)]
    assert found(catalog, "*100%_a[*][[]b]", glob=True) == [(1, None)]


def test_letters_beyond_ascii_are_found_in_either_case_and_however_they_are_composed(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/Ünï"), an_archive("/srv/U\u0308ni\u0308"), an_archive("/srv/Uni"))

    assert found(catalog, "üNÏ") == found(catalog, "u\u0308nI\u0308") == [(2, None), (1, None)]
    assert found(catalog, "Üni") == []
    assert found(catalog, "/srv/Ün?", glob=True) == [(1, None)]


def test_names_that_are_not_utf8_are_found(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    record(catalog, None, place, an_archive(f"/srv/{NOT_UTF8}"), [a_member(f"x/{NOT_UTF8}.jpg")])

    assert found(catalog, "CAF") == found(catalog, NOT_UTF8) == [(1, None), (1, f"x/{NOT_UTF8}.jpg")]
    assert found(catalog, "caf?", glob=True) == [(1, None)]
    assert found(catalog, "caf?.jpg", glob=True) == [(1, f"x/{NOT_UTF8}.jpg")]


def test_what_is_not_stored_is_not_found(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    catalog.intend(None, place, an_archive(), 2**24)

    assert found(catalog, "photos") == []


def test_what_is_forgotten_while_it_is_looked_for_is_left_out(catalog: Catalog) -> None:
    filled(catalog, *(an_archive(f"/srv/{number}", sent_at=minutes(number)) for number in range(7)))

    looking = catalog.find("/srv/", glob=False)
    first = next(looking).archive.id
    catalog.forget_archives([5])

    assert first == 1
    assert [one.archive.id for one in looking][-2:] == [6, 7]


_TEXTS = st.text(st.sampled_from("aB/éÉ\u0301\udce9[*?!b-]^%_\\"), min_size=1, max_size=6)


@settings(max_examples=40)
@given(st.lists(_TEXTS, max_size=8, unique=True), _TEXTS)
def test_a_glob_finds_what_matches_as_a_whole_or_at_its_end(names: list[str], glob: str) -> None:
    with Catalog.peek("/nowhere/at/all") as catalog:
        catalog._database.configure("PRAGMA query_only = OFF")
        place = catalog.register(LOCAL, LOCAL)
        catalog.import_uploads(place, [an_upload(f"/{name}") for name in names], "record")

        told = sorted(one.archive.path for one in catalog.find(glob, glob=True))
        contained = {one.archive.path for one in catalog.find(glob, glob=False)}

    def is_meant(text: str) -> bool:
        return any(fnmatch.fnmatchcase(part, glob) for part in (text, text.rpartition("/")[2]))

    known = {f"/{name}": f"/{name}".rpartition("/")[2] + ".tar" for name in names}
    assert told == sorted(path for path, name in known.items() if is_meant(path) or is_meant(name))
    assert contained >= {path for path, name in known.items() if glob in path or glob in name}
