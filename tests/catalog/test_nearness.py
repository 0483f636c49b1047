from __future__ import annotations

from dataclasses import replace

import pytest

from glacier_backup.catalog import nearness
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from tests.catalog.values import LOCAL, NOT_UTF8, a_rebuilt, an_archive, an_upload, filled


def test_directories_above_a_path_are_told_the_nearest_first(catalog: Catalog) -> None:
    filled(catalog, *map(an_archive, ["/srv", "/srv/photos", "/srv/photos/2019", "/srv/pho", "/"]))
    filled(catalog, an_archive("/srv"), place=Place("s3", "bucket"))

    assert catalog.holds_path_above("/srv/photos/2019/a.jpg") == ["/srv/photos/2019", "/srv/photos", "/srv", "/"]
    assert catalog.holds_path_above("/srv/photos") == ["/srv", "/"]
    assert catalog.holds_path_above("/") == []


def test_files_hold_no_paths_and_what_another_system_sent_may(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    catalog.import_uploads(place, [an_upload("/srv/old")], "record")
    found = a_rebuilt("/srv/file")
    catalog.add_rebuilt(place, [replace(found, label=replace(found.label, kind="file", container="raw"))])

    assert catalog.holds_path_above("/srv/old/a/b") == ["/srv/old"]
    assert catalog.holds_path_above("/srv/file/a") == []


def test_directories_of_servers_and_names_that_are_not_utf8_hold_paths(catalog: Catalog) -> None:
    filled(catalog, *map(an_archive, ["sftp://me@nas:22/", f"sftp://me@nas:22/{NOT_UTF8}"]))

    above = [f"sftp://me@nas:22/{NOT_UTF8}", "sftp://me@nas:22/"]
    assert catalog.holds_path_above(f"sftp://me@nas:22/{NOT_UTF8}/x") == above


@pytest.mark.parametrize("looked_at", [3, 1_000])
def test_the_path_that_was_meant_is_named(catalog: Catalog, monkeypatch: pytest.MonkeyPatch, looked_at: int) -> None:
    monkeypatch.setattr(nearness, "_LOOKED_AT", looked_at)
    paths = ["/srv/photos", "/srv/music", "/home/me/documents", "/etc", "/mnt/disk/Videos"]
    filled(catalog, *map(an_archive, paths), an_archive("/srv/photos"))

    assert catalog.known_paths_like("/srv/phtos")[0] == "/srv/photos"
    assert catalog.known_paths_like("/other/place/of/my/videos") == ["/mnt/disk/Videos"]
    assert catalog.known_paths_like("documents/") == ["/home/me/documents"]
    assert len(catalog.known_paths_like("/srv/m", limit=1)) <= 1


def test_where_nothing_is_alike_nothing_is_named(catalog: Catalog) -> None:
    assert catalog.known_paths_like("/srv/photos") == []
    filled(catalog, an_archive("/etc"))
    assert catalog.known_paths_like("/a/long/path/of/something/else") == []
    assert catalog.known_paths_like("") == []


def test_many_versions_of_one_path_hide_no_other(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearness, "_LOOKED_AT", 4)
    filled(catalog, *[an_archive("/srv/music")] * 9, an_archive("/srv/photos"), an_archive("/srv/Photos"))

    assert catalog.known_paths_like("/srv/fotos")[:2] == ["/srv/photos", "/srv/Photos"]
