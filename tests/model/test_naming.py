"""Names and keys of archives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.naming import archive_name, key, manifest_key, stored_name
from tests.model.labels import LABELS, from_disk, label

STAMP = "20260321T040000.123456Z"


@pytest.mark.parametrize(
    ("path", "container", "kind", "name"),
    [
        ("/data/photos", "tar", "directory", "photos.tar"),
        ("/data/my  old photos", "tar", "directory", "my__old_photos.tar"),
        ("/data/my dump.sql", "raw", "file", "my dump.sql"),
        ("/data/my empty", "tar", "file", "my empty.tar"),
        ("/data/old.tar", "tar", "directory", "old.tar.tar"),
        ("/", "tar", "directory", "root.tar"),
    ],
)
def test_an_archive_has_the_base_name_of_its_path(path: str, container: Container, kind: Kind, name: str) -> None:
    assert archive_name(path, container, kind) == name


def test_a_member_has_the_base_name_as_it_is() -> None:
    assert [stored_name(path) for path in ("/data/my photos", "/")] == ["my photos", "root"]


@pytest.mark.parametrize(
    ("path", "container", "expected"),
    [
        ("/data/photos", "tar", f"nas/data/photos/{STAMP}.tar"),
        ("/", "tar", f"nas/{STAMP}.tar"),
        ("/data/dump.sql", "raw", f"nas/data/dump.sql/{STAMP}.sql"),
        ("/data/dump.tar.gz", "raw", f"nas/data/dump.tar.gz/{STAMP}.gz"),
        ("/data/dump", "raw", f"nas/data/dump/{STAMP}"),
        ("/data/.bashrc", "raw", f"nas/data/.bashrc/{STAMP}"),
        ("/data/a.much-too-odd", "raw", f"nas/data/a.much-too-odd/{STAMP}"),
        ("/data/a.s\nl", "raw", f"nas/data/a.s\nl/{STAMP}"),
        ("/data/a.", "raw", f"nas/data/a./{STAMP}"),
    ],
)
def test_a_key_is_host_path_and_time(path: str, container: str, expected: str) -> None:
    assert key(label(path, container=container)) == expected


def test_a_manifest_lies_beside_its_archive() -> None:
    assert manifest_key(key(label())) == f"nas/data/photos/{STAMP}.tar.recipe.json"


@pytest.mark.parametrize("path", ["", "relative", "/data/", "/data//photos", "/data/../etc", "/./data", "/nul\0"])
def test_a_path_that_could_lead_elsewhere_has_no_key(path: str) -> None:
    with pytest.raises(ValueError, match="no key can be made"):
        key(label(path))


@pytest.mark.parametrize("host", ["", ".", "..", "a/b"])
def test_a_host_that_could_lead_elsewhere_has_no_key(host: str) -> None:
    with pytest.raises(ValueError, match="no key can be made"):
        key(label(host=host))


def test_a_component_that_is_too_long_is_cut_between_characters_and_marked() -> None:
    name = key(label("/data/" + "ä" * 200)).split("/")[2]
    assert name.startswith("ä" * 111 + "~")
    assert len(name.encode()) == 2 * 111 + 33


def test_a_path_that_is_too_long_keeps_its_first_components() -> None:
    path = "/data" + "/directory" * 400
    names = key(label(path)).split("/")
    assert names[:3] == ["nas", "data", "directory"]
    assert names[-1] == f"{STAMP}.tar"
    assert names[-2].startswith("~")
    assert key(label(path)) != key(label(path + "/more"))


def test_a_path_that_looks_shortened_is_told_from_one_that_is() -> None:
    long = key(label("/data/" + "x" * 300))
    assert key(label("/data/" + long.split("/")[2])) != long


def test_names_of_any_bytes_stay_as_they_are() -> None:
    odd = from_disk(b"/\xff\xfe/new\nline/-dash/ blank /~")
    assert key(label(odd)) == f"nas{odd}/{STAMP}.tar"


@settings(deadline=None)
@given(LABELS)
def test_every_path_has_a_key_that_file_systems_and_buckets_take(label: Label) -> None:
    found = key(label)
    assert len(manifest_key(found).encode("utf-8", "surrogateescape")) <= 1024
    for name in found.split("/"):
        assert name not in ("", ".", "..")
        assert len(name.encode("utf-8", "surrogateescape")) <= 255


@settings(deadline=None)
@given(LABELS, LABELS)
def test_no_two_paths_have_the_same_key(one: Label, other: Label) -> None:
    assume(one.path != other.path)
    assert key(one) != key(replace(other, host=one.host, time=one.time, container=one.container))
