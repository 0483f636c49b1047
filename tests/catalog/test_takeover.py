from __future__ import annotations

from datetime import datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.record import AsIs, ForeignUpload
from glacier_backup.model.tree_digest import tree_fingerprint
from tests.catalog.values import LOCAL, MORNING, NOT_UTF8, an_archive, an_upload, filled, minutes

_SOURCE = "/home/me/.config/glacier_backup/glacier.photos.sqlite3"


def taken_over(catalog: Catalog, *uploads: ForeignUpload) -> int:
    return catalog.import_uploads(catalog.register(LOCAL, LOCAL), uploads, _SOURCE)


def last_of(catalog: Catalog, path: str = "/srv/photos") -> tuple[str | None, datetime]:
    found = catalog.last_sent(catalog.register(LOCAL, LOCAL), [path])[path]
    return found.digest, found.sent_at


def test_an_upload_taken_over_counts_as_sent_without_a_fingerprint(catalog: Catalog) -> None:
    assert taken_over(catalog, an_upload()) == 1

    last = catalog.last_sent(1, ["/srv/photos"])["/srv/photos"]
    assert (last.digest, last.bytes, last.sent_at) == (None, 0, minutes(0))


def test_an_upload_taken_over_is_listed_with_its_archive_id(catalog: Catalog) -> None:
    taken_over(catalog, an_upload(locator="old-id"))

    (listed,) = catalog.archives()

    assert (listed.path, listed.name, listed.locator) == ("/srv/photos", "photos.tar", "old-id")
    assert (listed.bytes, listed.stored_bytes, listed.sha256_tree) == (0, 0, None)
    assert list(catalog.members(1)) == []


def test_the_last_upload_of_a_path_counts(catalog: Catalog) -> None:
    assert taken_over(catalog, an_upload(locator="first"), an_upload(locator="last", sent_at=minutes(-5))) == 1

    assert [listed.locator for listed in catalog.archives()] == ["last"]


def test_a_second_time_adds_nothing(catalog: Catalog) -> None:
    uploads = [an_upload(f"/srv/{number}", f"id-{number}") for number in range(2_000)]

    assert taken_over(catalog, *uploads) == 2_000
    assert taken_over(catalog, *uploads) == 0
    assert len(list(catalog.archives())) == 2_000


def test_only_what_has_come_since_is_added(catalog: Catalog) -> None:
    taken_over(catalog, an_upload("/srv/a", "a"), an_upload("/srv/b", "b"))

    assert taken_over(catalog, an_upload("/srv/a", "a"), an_upload("/srv/b", "b2", minutes(9))) == 1
    assert last_of(catalog, "/srv/b") == (None, minutes(9))


def test_the_same_upload_at_another_place_is_another(catalog: Catalog) -> None:
    taken_over(catalog, an_upload())
    other = catalog.register(LOCAL.with_account("x"), LOCAL.with_account("x"))

    assert catalog.import_uploads(other, [an_upload()], _SOURCE) == 1


def test_an_upload_older_than_what_is_recorded_never_counts_as_the_newest(catalog: Catalog) -> None:
    filled(catalog, an_archive(sent_at=minutes(0)))

    assert taken_over(catalog, an_upload(sent_at=minutes(-60)), an_upload("/srv/b", sent_at=minutes(-60))) == 2

    assert last_of(catalog) == ("d1" * 32, minutes(0))
    assert last_of(catalog, "/srv/b") == (None, minutes(-60))
    assert len(list(catalog.archives())) == 3


def test_several_that_are_older_find_their_places(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/a"), an_archive("/srv/b"))

    uploads = [an_upload(path, path, minutes(-60)) for path in ("/srv/a", "/srv/b")]

    assert taken_over(catalog, *uploads) == 2
    assert taken_over(catalog, *uploads) == 0


def test_an_upload_newer_than_what_is_recorded_counts_as_the_newest(catalog: Catalog) -> None:
    filled(catalog, an_archive(sent_at=minutes(0)))

    taken_over(catalog, an_upload(sent_at=minutes(60)))

    assert last_of(catalog) == (None, minutes(60))


def test_what_is_sent_after_the_takeover_is_the_newest(catalog: Catalog) -> None:
    taken_over(catalog, an_upload())

    filled(catalog, an_archive())

    assert last_of(catalog) == ("d1" * 32, minutes(0))


def test_names_that_are_not_utf8_are_taken_over(catalog: Catalog) -> None:
    path = f"/srv/{NOT_UTF8}"

    assert taken_over(catalog, an_upload(path)) == 1
    assert taken_over(catalog, an_upload(path)) == 0
    assert [listed.path for listed in catalog.archives()] == [path]


def test_nothing_to_take_over_is_nothing(catalog: Catalog) -> None:
    assert taken_over(catalog) == 0
    assert list(catalog.archives()) == []
    assert not catalog.has_imported(_SOURCE)


def test_a_record_counts_as_taken_over_at_whatever_place(catalog: Catalog) -> None:
    filled(catalog, an_archive())
    assert not catalog.has_imported(_SOURCE)

    taken_over(catalog, an_upload())

    assert catalog.has_imported(_SOURCE)
    assert not catalog.has_imported(f"/srv/{NOT_UTF8}")


def test_a_record_may_have_a_name_that_is_not_utf8(catalog: Catalog) -> None:
    source = f"/srv/{NOT_UTF8}/glacier.photos.sqlite3"

    catalog.import_uploads(catalog.register(LOCAL, LOCAL), [an_upload()], source)

    assert catalog.has_imported(source)


def as_it_is(path: str, size: int = 5, sent_at: datetime = MORNING) -> ForeignUpload:
    """A file that was stored as it was."""
    known = AsIs(tree_fingerprint("file", size, 7 * 10**9), path[1:], "DEEP_ARCHIVE")
    return ForeignUpload(path, path.rpartition("/")[2], f"prefix{path}", sent_at, known)


def test_a_file_stored_as_it_was_has_a_fingerprint_and_sizes(catalog: Catalog) -> None:
    assert taken_over(catalog, as_it_is("/srv/a"), as_it_is("/srv/b", 0)) == 2

    last = catalog.last_sent(1, ["/srv/a", "/srv/b"])
    assert (last["/srv/a"].digest, last["/srv/a"].bytes) == ("file 5 7000000000", 5)
    assert (last["/srv/b"].digest, last["/srv/b"].bytes) == ("file 0 7000000000", 0)
    listed = next(catalog.archives())
    assert (listed.bytes, listed.stored_bytes, listed.locator) == (5, 5, "prefix/srv/a")


def test_a_key_that_was_written_again_since_is_taken_over_again(catalog: Catalog) -> None:
    taken_over(catalog, as_it_is("/srv/a"))

    assert taken_over(catalog, as_it_is("/srv/a")) == 0
    assert taken_over(catalog, as_it_is("/srv/a", 6, minutes(9))) == 1
    assert taken_over(catalog, as_it_is("/srv/a")) == 0
    assert last_of(catalog, "/srv/a") == ("file 6 7000000000", minutes(9))


def test_both_kinds_are_taken_over_together(catalog: Catalog) -> None:
    filled(catalog, an_archive("/srv/c"), an_archive("/srv/d"))
    old = [as_it_is("/srv/c", sent_at=minutes(-60)), an_upload("/srv/d", sent_at=minutes(-60))]

    assert taken_over(catalog, as_it_is("/srv/a"), an_upload("/srv/b"), *old) == 4

    assert last_of(catalog, "/srv/c") == last_of(catalog, "/srv/d") == ("d1" * 32, minutes(0))
    assert last_of(catalog, "/srv/a") == ("file 5 7000000000", minutes(0))
    assert last_of(catalog, "/srv/b") == (None, minutes(0))
    assert filled(catalog, an_archive("/srv/e")) == 1
