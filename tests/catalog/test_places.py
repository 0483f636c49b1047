from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
from glacier_backup.model.place import Place
from tests.catalog.values import LOCAL, an_archive, an_upload, filled, intended, minutes

NUMBER, OTHER_NUMBER = "111122223333", "444455556666"

OWN = Place("glacier", "photos", "eu-central-1", "-")
KNOWN = OWN.with_account(NUMBER)
FOREIGN = OWN.with_account(OTHER_NUMBER)

HOME, WORK = replace(OWN, reached_by="home"), replace(OWN, reached_by="work")
"""Account ``-`` under two profiles."""


def sent_to(catalog: Catalog, place: Place) -> list[str]:
    """The paths of all archives that are listed for a place."""
    return sorted(listed.path for listed in catalog.archives() if listed.destination == str(place))


def test_a_place_is_not_known_before_it_is_registered(catalog: Catalog) -> None:
    assert catalog.place_id(OWN) is None
    assert catalog.place_id(LOCAL) is None


@pytest.mark.parametrize("place", [LOCAL, KNOWN])
def test_a_place_registered_twice_is_one_place(catalog: Catalog, place: Place) -> None:
    first = catalog.register(place, place)

    assert catalog.register(place, place) == first
    assert catalog.place_id(place) == first


@pytest.mark.parametrize(
    "other",
    [
        FOREIGN,
        replace(KNOWN, region="us-east-1"),
        replace(KNOWN, name="music"),
        Place("local", "photos"),
    ],
)
def test_what_was_sent_to_one_place_says_nothing_about_another(catalog: Catalog, other: Place) -> None:
    first = filled(catalog, an_archive(), place=KNOWN)
    second = catalog.register(other, other)

    assert second != first
    assert catalog.last_sent(second, ["/srv/photos"]) == {}
    assert not catalog.holds_archives(second)


def test_a_dash_and_the_accounts_own_number_are_the_same(catalog: Catalog) -> None:
    own = catalog.register(OWN, KNOWN)

    assert catalog.place_id(OWN) == own
    assert catalog.place_id(KNOWN) == own
    assert catalog.register(KNOWN, KNOWN) == own


def test_a_number_that_turns_out_to_be_the_own_one_is_the_dash_from_then_on(catalog: Catalog) -> None:
    known = catalog.register(KNOWN, KNOWN)
    assert catalog.place_id(OWN) is None

    assert catalog.register(OWN, KNOWN) == known
    assert catalog.place_id(OWN) == known


def test_a_dash_is_never_guessed_to_be_a_number(catalog: Catalog) -> None:
    catalog.register(FOREIGN, FOREIGN)

    assert catalog.place_id(OWN) is None


def test_a_dash_that_nobody_could_ask_gets_its_number_later(catalog: Catalog) -> None:
    offline = catalog.register(OWN, OWN)
    catalog.import_uploads(offline, [an_upload("/srv/old")], "record")

    assert catalog.register(OWN, KNOWN) == offline
    assert catalog.place_id(KNOWN) == offline
    assert sent_to(catalog, KNOWN) == ["/srv/old"]


def test_places_that_turn_out_to_be_one_become_one_with_all_their_archives(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/first"), place=KNOWN)
    filled(catalog, an_archive("/srv/second", sent_at=minutes(1)), place=OWN)
    other = filled(catalog, an_archive("/srv/third", sent_at=minutes(2)), place=FOREIGN)

    merged = catalog.register(OWN, KNOWN)

    assert sent_to(catalog, KNOWN) == ["/srv/first", "/srv/second"]
    assert catalog.place_id(OWN) == catalog.place_id(KNOWN) == merged
    assert sent_to(catalog, FOREIGN) == ["/srv/third"]
    assert merged != other


def test_what_is_unfinished_at_merged_places_is_unfinished_at_the_one(catalog: Catalog) -> None:
    paths = ["/srv/first", "/srv/second", "/srv/third"]
    for path, place in zip(paths, (OWN, KNOWN, OWN), strict=True):
        catalog.intend(None, catalog.register(place, place), intended(an_archive(path)), 2**24)

    merged = catalog.register(OWN, KNOWN)

    assert [upload.record.label.path for upload in catalog.unfinished(merged)] == paths


def test_of_merged_places_the_archive_recorded_last_is_the_newest(catalog: Catalog) -> None:
    filled(catalog, an_archive(digest="01" * 32), place=OWN)
    filled(catalog, an_archive(digest="02" * 32, sent_at=minutes(-9)), place=KNOWN)

    merged = catalog.register(OWN, KNOWN)

    assert catalog.last_sent(merged, ["/srv/photos"])["/srv/photos"].digest == "02" * 32


def test_an_offline_look_up_keeps_the_number_that_is_known(catalog: Catalog) -> None:
    own = catalog.register(OWN, KNOWN)

    assert catalog.register(OWN, OWN) == own
    assert catalog.place_id(KNOWN) == own


def test_a_dash_that_stands_for_another_account_than_before_is_refused(catalog: Catalog) -> None:
    filled(catalog, an_archive(), place=KNOWN)
    catalog.register(OWN, KNOWN)

    with pytest.raises(CatalogError) as caught:
        catalog.register(OWN, FOREIGN)

    assert NUMBER in str(caught.value)
    assert OTHER_NUMBER in str(caught.value)
    assert f"set account_id = {NUMBER} or account_id = {OTHER_NUMBER}" in str(caught.value.hint)
    assert catalog.place_id(OWN) == catalog.place_id(KNOWN)
    assert catalog.place_id(FOREIGN) is None


def test_a_dash_that_is_reached_otherwise_has_to_be_identified_first(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)

    assert catalog.place_id(HOME) == own
    assert catalog.place_id(WORK) is None
    assert catalog.place_id(OWN) is None
    assert catalog.place_id(KNOWN) == own


def test_a_dash_that_was_registered_without_telling_how_it_is_reached_is_identified_once(catalog: Catalog) -> None:
    own = catalog.register(OWN, KNOWN)
    assert catalog.place_id(HOME) is None

    assert catalog.register(HOME, KNOWN) == own
    assert catalog.place_id(HOME) == own


def test_new_credentials_of_the_same_account_keep_the_place(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)

    assert catalog.register(WORK, KNOWN) == own
    assert catalog.place_id(WORK) == own
    assert catalog.place_id(HOME) is None


def test_a_dash_moves_to_the_account_of_other_credentials(catalog: Catalog) -> None:
    first = filled(catalog, an_archive("/srv/first"), place=KNOWN)
    catalog.register(HOME, KNOWN)

    second = catalog.register(WORK, FOREIGN)

    assert catalog.place_id(WORK) == catalog.place_id(FOREIGN) == second != first
    assert catalog.place_id(HOME) is None
    assert catalog.place_id(KNOWN) == first
    assert (catalog.holds_archives(first), catalog.holds_archives(second)) == (True, False)


def test_a_dash_moves_back_with_the_credentials_of_before(catalog: Catalog) -> None:
    first = catalog.register(HOME, KNOWN)
    second = catalog.register(WORK, FOREIGN)

    assert catalog.register(HOME, KNOWN) == first
    assert catalog.place_id(HOME) == first
    assert catalog.place_id(WORK) is None
    assert catalog.place_id(FOREIGN) == second


def test_the_same_credentials_that_stand_for_another_account_are_refused(catalog: Catalog) -> None:
    catalog.register(HOME, KNOWN)

    with pytest.raises(CatalogError, match=f"now stands for {OTHER_NUMBER}, but stood for {NUMBER}"):
        catalog.register(HOME, FOREIGN)


def test_an_account_named_by_its_number_leaves_alone_how_the_dash_is_reached(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)

    assert catalog.register(replace(KNOWN, reached_by="work"), KNOWN) == own
    assert catalog.place_id(HOME) == own


def test_other_credentials_that_nobody_asked_are_not_taken_for_the_account_of_before(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)

    offline = catalog.register(WORK, WORK)

    assert offline != own
    assert catalog.place_id(HOME) == own
    assert catalog.place_id(WORK) == offline


def test_what_was_taken_over_with_other_credentials_is_not_mixed_into_the_known_account(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)
    offline = catalog.register(WORK, WORK)
    catalog.import_uploads(offline, [an_upload("/srv/old")], "record")

    assert catalog.register(HOME, KNOWN) == own
    assert catalog.register(HOME, HOME) == own
    assert not catalog.holds_archives(own)

    assert catalog.register(WORK, FOREIGN) == offline
    assert sent_to(catalog, FOREIGN) == ["/srv/old"]
    assert catalog.place_id(WORK) == offline
    assert catalog.place_id(HOME) is None


def test_what_was_taken_over_with_new_credentials_of_the_same_account_joins_it(catalog: Catalog) -> None:
    own = catalog.register(HOME, KNOWN)
    catalog.import_uploads(catalog.register(WORK, WORK), [an_upload("/srv/old")], "record")

    assert catalog.register(WORK, KNOWN) == own
    assert catalog.place_id(WORK) == own
    assert sent_to(catalog, KNOWN) == ["/srv/old"]


@pytest.mark.parametrize("known_before", [False, True])
def test_a_dash_that_nobody_could_ask_gets_its_number_though_credentials_changed(
    catalog: Catalog, known_before: bool
) -> None:
    catalog.import_uploads(catalog.register(HOME, HOME), [an_upload("/srv/old")], "record")
    if known_before:
        catalog.register(KNOWN, KNOWN)

    assert catalog.register(WORK, KNOWN) == catalog.place_id(WORK) == catalog.place_id(KNOWN)
    assert sent_to(catalog, KNOWN) == ["/srv/old"]


def test_places_are_equal_however_they_are_reached() -> None:
    assert HOME == WORK == OWN
    assert HOME.with_account(NUMBER) == KNOWN
    assert str(HOME) == str(OWN)


def test_the_other_account_can_be_named_by_its_number(catalog: Catalog) -> None:
    own = catalog.register(OWN, KNOWN)

    assert catalog.register(FOREIGN, FOREIGN) != own


def test_a_dash_may_stand_for_different_accounts_in_different_vaults(catalog: Catalog) -> None:
    music = replace(OWN, name="music")
    photos_id = catalog.register(OWN, KNOWN)

    assert catalog.register(music, music.with_account(OTHER_NUMBER)) != photos_id


def test_a_region_that_is_not_known_is_that_of_the_only_vault_of_the_name(catalog: Catalog) -> None:
    own = catalog.register(OWN, KNOWN)
    catalog.register(replace(OWN, name="music"), replace(KNOWN, name="music"))

    assert catalog.place_id(replace(OWN, region="")) == own
    assert catalog.place_id(replace(KNOWN, region="")) == own
    assert catalog.place_id(replace(FOREIGN, region="")) is None


def test_a_region_that_is_not_known_is_not_guessed_among_several(catalog: Catalog) -> None:
    catalog.register(OWN, KNOWN)
    catalog.register(replace(OWN, region="us-east-1"), replace(KNOWN, region="us-east-1"))

    assert catalog.place_id(replace(OWN, region="")) is None


def test_a_directory_may_have_a_name_that_is_not_utf8(catalog: Catalog) -> None:
    place = Place("local", "/mnt/caf\udce9")
    place_id = filled(catalog, an_archive(), place=place)

    assert catalog.place_id(place) == place_id
    assert sent_to(catalog, place) == ["/srv/photos"]
