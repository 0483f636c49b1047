from __future__ import annotations

import random
from datetime import timedelta

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.paging import PAGE, VARIABLES
from glacier_backup.model.archive import ReadProblem
from tests.catalog.values import LOCAL, MORNING, NOT_UTF8, an_archive, an_upload, filled, minutes


def test_the_last_archive_of_a_path_is_found(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(digest="01" * 32), an_archive(digest="02" * 32, sent_at=minutes(5)))

    last = catalog.last_sent(place, ["/srv/photos", "/srv/music"])

    assert list(last) == ["/srv/photos"]
    assert last["/srv/photos"].digest == "02" * 32
    assert last["/srv/photos"].sent_at == minutes(5)
    assert last["/srv/photos"].bytes == 5_000


def test_the_newest_is_what_was_recorded_last_whatever_the_clock_says(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(sent_at=minutes(60)), an_archive(sent_at=minutes(0), digest="02" * 32))

    assert catalog.last_sent(place, ["/srv/photos"])["/srv/photos"].digest == "02" * 32


def test_the_last_archive_tells_whether_it_is_whole(catalog: Catalog) -> None:
    problems = [ReadProblem("/srv/torn/a", "Permission denied"), ReadProblem("/srv/torn/b", "Input/output error")]
    place = filled(catalog, an_archive("/srv/whole"), an_archive("/srv/torn", problems=problems, changed=True))

    last = catalog.last_sent(place, ["/srv/whole", "/srv/torn"])

    assert (last["/srv/whole"].problems, last["/srv/whole"].changed_while_read) == (0, False)
    assert (last["/srv/torn"].problems, last["/srv/torn"].changed_while_read) == (2, True)


def test_archives_of_another_place_are_not_found(catalog: Catalog) -> None:
    place = filled(catalog, an_archive())

    assert catalog.last_sent(place + 1, ["/srv/photos"]) == {}


def test_more_paths_than_one_statement_takes_are_looked_up(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    paths = [f"/srv/{number}" for number in range(3 * VARIABLES + 1)]
    catalog.import_uploads(place, [an_upload(path) for path in paths[::2]], "record")

    assert sorted(catalog.last_sent(place, paths)) == sorted(paths[::2])


def test_clean_names_and_others_are_looked_up_together(catalog: Catalog) -> None:
    clean, other = "/srv/café", f"/srv/{NOT_UTF8}"
    place = filled(catalog, an_archive(clean, digest="01" * 32), an_archive(other, digest="02" * 32))

    last = catalog.last_sent(place, [clean, other])

    assert {path: found.digest for path, found in last.items()} == {clean: "01" * 32, other: "02" * 32}


def test_no_paths_are_no_question(catalog: Catalog) -> None:
    assert catalog.last_sent(filled(catalog, an_archive()), []) == {}


def test_archives_are_listed_the_newest_last(catalog: Catalog) -> None:
    filled(catalog, *(an_archive(f"/srv/{number}", sent_at=minutes(number)) for number in (3, 1, 2)))

    assert [listed.path for listed in catalog.archives()] == ["/srv/1", "/srv/2", "/srv/3"]


def test_archives_of_the_same_moment_are_listed_in_the_order_of_recording(catalog: Catalog) -> None:
    paths = [f"/srv/{number}" for number in range(5)]
    random.Random(1).shuffle(paths)
    filled(catalog, *map(an_archive, paths))

    assert [listed.path for listed in catalog.archives()] == paths


def test_only_archives_since_a_moment_are_listed(catalog: Catalog) -> None:
    filled(catalog, *(an_archive(f"/srv/{number}", sent_at=minutes(number)) for number in range(4)))

    since = [listed.path for listed in catalog.archives(since=minutes(2))]

    assert since == ["/srv/2", "/srv/3"]
    assert list(catalog.archives(since=minutes(3) + timedelta(microseconds=1))) == []


def test_more_archives_than_a_page_are_listed_once_each(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    uploads = [an_upload(f"/srv/{number}", sent_at=minutes(number // 700)) for number in range(2 * PAGE + 10)]
    catalog.import_uploads(place, uploads, "record")

    assert [listed.path for listed in catalog.archives()] == [upload.path for upload in uploads]


def test_what_is_recorded_during_a_listing_does_not_disturb_it(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/1"), an_archive("/srv/2"))

    listing = catalog.archives()
    first = next(listing)
    filled(catalog, an_archive("/srv/0", sent_at=minutes(-1)))

    assert [first.path, *(listed.path for listed in listing)] == ["/srv/1", "/srv/2"]


def test_a_listed_archive_tells_all_that_is_shown(catalog: Catalog) -> None:
    filled(catalog, an_archive(changed=True))

    (listed,) = catalog.archives()

    assert listed.path == "/srv/photos"
    assert listed.name == "photos.tar"
    assert (listed.bytes, listed.stored_bytes) == (5_000, 10_240)
    assert (listed.destination, listed.locator) == ("/mnt/vault", "archive-id")
    assert listed.sha256_tree == "e2" * 32
    assert listed.sent_at == MORNING
    assert (listed.problems, listed.changed_while_read) == (0, True)


def test_a_place_that_holds_archives_is_told_from_one_that_does_not(catalog: Catalog) -> None:
    place = filled(catalog, an_archive())

    assert catalog.holds_archives(place)
    assert not catalog.holds_archives(place + 1)
