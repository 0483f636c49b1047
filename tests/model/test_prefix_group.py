"""Groups that go by a prefix: what they are called, and what names, keys, descriptions and manifests tell of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.catalog.frames import Frame, frame_of
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, as_told
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.description import describe, parse_description
from glacier_backup.model.key_reading import label_of_key
from glacier_backup.model.manifest import manifest, one_object, parse_manifest
from glacier_backup.model.naming import (
    Layout,
    archive_name,
    is_group_path,
    is_prefix_group_path,
    key,
    prefix_group_path,
    section_of,
    tree_key,
    tree_top,
    version_key,
)
from glacier_backup.model.prefix_group import below, in_section, is_prefix_group, zip_step
from glacier_backup.model.recipe import Recipe, Step
from tests.model.labels import NAMES, TIME, label

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SECTIONS = ["/data/photos", "/", "sftp://me@nas:23/photos", "sftp://nas:22/"]
SEEN = Fingerprint("0f" * 32, 1234, 3, 1_600_000_000_123_456_789)
SENT = Checksums(2048, "ab" * 32, b"", "cd" * 32)


def group(section: str, prefix: str, layout: Layout = "host", number: int = 1) -> tuple[Label, Recipe]:
    path = prefix_group_path(section, prefix, number)
    top = tree_top("nas", section, layout)
    recipe = Recipe((Step("zip", {"top": top, "depth": prefix.count("/") + 1}),))
    found = label(
        path,
        name=archive_name(path, "zip", "group"),
        kind="group",
        container="zip",
        recipe_id=recipe.id,
        fixed_key=tree_key("nas", path, section, layout, "group"),
        below=below(recipe),
    )
    return found, recipe


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("prefix", ["", "2020/", "2020/IMG_0", "a/b/c/"])
def test_it_tells_its_section(section: str, prefix: str) -> None:
    path = prefix_group_path(section, prefix)
    assert path == f"{section.rstrip('/')}/{prefix}*~.zip"
    assert section_of(path, prefix.count("/") + 1) == section
    assert (is_prefix_group_path(path), is_group_path(path)) == (True, False)
    assert archive_name(path, "zip", "group") == path.rpartition("/")[2]


def test_several_of_one_prefix_are_told_apart_by_number() -> None:
    assert [prefix_group_path("/data", "a", number) for number in (1, 2, 10)] == [
        *("/data/a*~.zip", "/data/a*~2.zip", "/data/a*~10.zip")
    ]


@pytest.mark.parametrize("name", ["*~.zip", "a*~.zip", "a*~2.zip", "a*~.zip~"])
def test_what_is_called_so_and_is_none_gets_one_tilde_more(name: str) -> None:
    assert tree_key("nas", f"/data/{name}", "/data") == f"nas/data/{name}~"
    assert tree_key("nas", f"/data/{name}/x", "/data") == f"nas/data/{name}~/x"
    assert key(label(f"/data/{name}")).startswith(f"nas/data/{name}~/")
    if not name.endswith("~"):
        assert tree_key("nas", f"/data/{name}", "/data", kind="group") == f"nas/data/{name}"
    told = label_of_key(f"nas/data/{name}~", NOW)
    assert told is not None
    assert (told.path, told.kind, told.container) == (f"/data/{name}", "file", "raw")


@pytest.mark.parametrize(
    ("found", "path", "suffix", "time"),
    [
        ("nas/data/*~.zip", "/data/*~.zip", "", NOW),
        ("nas/*~.zip", "/*~.zip", "", NOW),
        ("nas/data/20/IMG*~2.zip", "/data/20/IMG*~2.zip", "", NOW),
        ("nas/data/*~.zip~20260321T040000.123456Z", "/data/*~.zip", "", TIME),
        ("nas/data/*~.zip~20260321T040000.123456Z.zst.age", "/data/*~.zip", ".zst.age", TIME),
        ("nas/data/*~.zip~20260321T040000.123456Z.v001.age", "/data/*~.zip", ".v001.age", TIME),
        ("nas/data/x.rclonelink~/a*~.zip", "/data/x.rclonelink/a*~.zip", "", NOW),
    ],
)
def test_a_key_tells_what_it_is(found: str, path: str, suffix: str, time: datetime) -> None:
    told = label_of_key(found, NOW)
    assert told is not None
    assert (told.host, told.path, told.suffix, told.time) == ("nas", path, suffix, time)
    assert (told.name, key(told), is_prefix_group(told)) == (path.rpartition("/")[2], found, True)


def test_in_a_sealed_tree_the_seal_is_told_from_the_name() -> None:
    sealed, plain = (label_of_key("nas/data/*~.zip.age", NOW, sealed=sealed) for sealed in (True, False))
    assert sealed is not None
    assert (sealed.path, sealed.kind, sealed.suffix, sealed.fixed_key) == (
        *("/data/*~.zip", "group", ".age", "nas/data/*~.zip"),
    )
    assert plain is not None
    assert (plain.path, plain.kind, plain.suffix) == ("/data/*~.zip.age", "file", "")


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("layout", ["host", "relative"])
def test_its_recipe_is_told_in_a_few_characters(section: str, layout: Layout) -> None:
    found, recipe = group(section, "2020/IMG", layout)
    assert found.below == ("2" if layout == "host" else "2r")
    assert zip_step(found) == recipe.steps[0]
    assert in_section(replace(found, below=""), section, bare=layout == "relative") == found


@pytest.mark.parametrize("section", ["/data/photos", "/"])
def test_without_them_its_files_are_found_as_if_the_section_were_the_root(section: str) -> None:
    found, recipe = group(section, "2020/IMG")
    (step,) = [zip_step(replace(found, below=""))]
    one, other = (frame_of(found.path, Recipe((made,)).to_json()) for made in (step, recipe.steps[0]))
    assert (one.base, other.base) == ("/", section)
    member = f"{tree_top('nas', section, 'host')}/2020/IMG_01"
    assert one.path_of(member) == other.path_of(member) == f"{section.rstrip('/')}/2020/IMG_01"


def test_a_file_whose_name_was_made_another_one_is_found_by_its_own() -> None:
    frame = Frame("/data", "nas/data")
    assert frame.path_of("nas/data/k/b1", "a") == "/data/a"
    assert (frame.name_of("nas/data/x/y"), frame.name_of("nas/data/k/b1", "a")) == ("x/y", "a")
    for hostile in ("../a", "a//b", "a/", "/a", "."):
        assert frame.path_of("nas/data/b1", hostile) is None


@pytest.mark.parametrize("told", ["0", "10000", "x", "2rr", "3"])
def test_what_leads_nowhere_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="/data/"):
        zip_step(replace(group("/data", "")[0], below=told))


def test_it_is_described_like_this() -> None:
    found, _ = group("/data/photos", "2020/IMG", "relative")
    assert describe(found) == (
        "IMG*~.zip gb1;p=/data/photos/2020/IMG*~.zip;h=nas;t=20260321T040000.123456Z;k=group;f=zip;"
        f"r={found.recipe_id};d=2r".replace("k=group", "k=g")
    )
    assert parse_description(describe(found)) == replace(found, fixed_key=None)


@pytest.mark.parametrize(
    "fields", ["k=g;f=raw", "k=d;f=zip", "k=f;f=zip", "k=g;f=tar;d=1", "k=g;f=zip;d=0", "k=g;f=zip;d=1x"]
)
def test_a_description_that_no_group_has_is_none_of_ours(fields: str) -> None:
    assert parse_description(f"x gb1;p=/a/x;h=nas;t=20260321T040000.123456Z;r=0f;{fields}") is None


def test_filters_may_have_made_another_name_of_its_own() -> None:
    found, recipe = group("/data/photos", "2020/IMG")
    told = as_told(replace(found, told="/data/photos/0f0f"))
    assert (told.path, told.name, told.below) == ("/data/photos/0f0f", "0f0f", "1")
    assert zip_step(told).parameters["top"] == recipe.steps[0].parameters["top"]
    record = ArchiveRecord(replace(found, told="/data/photos/0f0f"), key(found), recipe, SEEN)
    read = parse_manifest(manifest(record, one_object(record, SENT)))
    assert (read.label.path, read.label.below, read.recipe.steps) == (told.path, "1", (zip_step(told),))


@pytest.mark.parametrize("layout", ["host", "relative"])
def test_its_manifest_is_read_as_it_was_written(layout: Layout) -> None:
    found, recipe = group("/data/photos", "2020/IMG", layout)
    record = ArchiveRecord(found, key(found), recipe, SEEN)
    told = parse_manifest(manifest(record, one_object(record, SENT)))
    assert (told.label, told.recipe, told.fingerprint) == (found, recipe, SEEN)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "directory"}, "no group of files"),
        ({"path": "/*~.zip"}, "doesn't lie 2 directories below"),
        ({"host": ".."}, "no key can be made"),
    ],
)
def test_a_manifest_that_no_group_has_is_refused(changes: dict[str, object], says: str) -> None:
    found, recipe = group("/data/photos", "2020/IMG")
    record = ArchiveRecord(found, key(found), recipe, SEEN)
    facts = json.loads(manifest(record, one_object(record, SENT))) | changes
    with pytest.raises(ValueError, match=says):
        parse_manifest(json.dumps(facts))


@settings(deadline=None)
@given(st.lists(NAMES, max_size=4), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_any_that_was_not_cut_is_told_again(names: list[str], above: int, number: int, is_version: bool) -> None:
    *folders, start = names or [""]
    section = "/" + "/".join(folders[:above])
    path = prefix_group_path(section, "/".join([*folders[above:], start]), number)
    found = tree_key("nas", path, section, kind="group")
    found = version_key(found, TIME) if is_version else found
    told = label_of_key(found, NOW)
    if told is None:
        assert re.search("~[0-9a-f]{32}", found)
        return
    assert (told.path, told.kind, told.container) == (path, "group", "zip")
    assert told.time == (TIME if is_version else NOW)


@pytest.mark.parametrize("depth", [10**30, 5_000, 0, -1, True, 1.5, "2"])
def test_a_depth_that_can_be_none_counts_as_none(depth: int) -> None:
    recipe = Recipe((Step("tar", {"depth": depth}),))

    assert frame_of("/srv/photos/~pack-0123456789abcdef", recipe.to_json()).base == "/srv/photos"
