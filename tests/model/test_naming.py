"""Names and keys of archives."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.key_reading import is_beside_archives, label_of_key, private_label_of_key
from glacier_backup.model.naming import (
    MARKER,
    RESTORE_NOTE,
    Layout,
    PrivateLabel,
    archive_name,
    catalog_key,
    group_path,
    has_own_key,
    identity_key,
    is_catalog_copy,
    is_group_path,
    is_object,
    key,
    manifest_key,
    path_on_server,
    section_of,
    stored_name,
    tree_key,
    tree_manifest_key,
    version_key,
)
from glacier_backup.model.suffixes import parse_suffix
from tests.model.labels import LABELS, LIKE_DATASETS, NAMES, TIME, dataset, from_disk, label

STAMP = "20260321T040000.123456Z"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "container", "kind", "name"),
    [
        ("/data/photos", "tar", "directory", "photos.tar"),
        ("/data/my  old photos", "tar", "directory", "my__old_photos.tar"),
        ("/data/my dump.sql", "raw", "file", "my dump.sql"),
        ("/data/my empty", "tar", "file", "my empty.tar"),
        ("/data/old.tar", "tar", "directory", "old.tar.tar"),
        ("/", "tar", "directory", "root.tar"),
        ("zfs:tank", "zfs", "dataset", "tank.zfs"),
        ("zfs:tank/home/my photos", "zfs", "dataset", "my_photos.zfs"),
        ("/data/my photos/~pack-0123456789ab", "tar", "group", "my_photos.pack.tar"),
        ("/~pack-0123456789ab", "tar", "group", "root.pack.tar"),
    ],
)
def test_an_archive_has_the_base_name_of_its_path(path: str, container: Container, kind: Kind, name: str) -> None:
    assert archive_name(path, container, kind) == name


def test_a_member_has_the_base_name_as_it_is() -> None:
    assert [stored_name(path) for path in ("/data/my photos", "/", "zfs:tank", "zfs:tank/a b")] == [
        *("my photos", "root", "tank", "a b")
    ]


@pytest.mark.parametrize("section", ["/data/photos", "/", "sftp://me@nas:23/photos", "sftp://nas:22/"])
def test_a_group_tells_its_section(section: str) -> None:
    path = group_path(section, "0123456789abcdef")
    assert path == f"{section.rstrip('/')}/~pack-0123456789ab"
    assert section_of(path) == section
    assert is_group_path(path)
    assert not is_group_path(f"{path}~")


def test_what_is_called_like_a_group_and_is_none_gets_one_tilde_more() -> None:
    path = "/data/~pack-0123456789ab"
    assert key(label(path, kind="group")) == f"nas{path}/{STAMP}.tar"
    assert key(label(path)) == f"nas{path}~/{STAMP}.tar"
    assert key(label(f"{path}~")) == f"nas{path}~~/{STAMP}.tar"
    assert key(label(f"{path}/below")) == f"nas{path}/below/{STAMP}.tar"
    assert tree_key("nas", path, "/data") == f"nas{path}~"


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


def test_a_dataset_has_a_key_below_its_scheme() -> None:
    assert key(dataset("zfs:tank")) == f"nas/zfs:/tank/{STAMP}.zfs"
    assert key(dataset("zfs:tank/my photos")) == f"nas/zfs:/tank/my photos/{STAMP}.zfs"
    assert key(dataset("zfs:tank/photos", number=3, suffix=".zst.v001.age")) == (
        f"nas/zfs:/tank/photos/{STAMP}.inc3.zfs.zst.v001.age"
    )


def test_what_is_called_like_the_scheme_of_datasets_and_is_none_gets_one_tilde_more() -> None:
    assert key(label("/zfs:/tank")) == f"nas/zfs:~/tank/{STAMP}.tar"
    assert key(label("/zfs:~/tank")) == f"nas/zfs:~~/tank/{STAMP}.tar"
    assert key(label("/data/zfs:/tank")) == f"nas/data/zfs:/tank/{STAMP}.tar"
    assert key(label("sftp://me@box:22/zfs:/tank")) == f"box/zfs:~/tank/{STAMP}.tar"
    assert tree_key("nas", "/zfs:/tank/a", "/zfs:") == "nas/zfs:~/tank/a"
    assert tree_key("nas", "/zfs:", "/") == "nas/zfs:~"
    assert tree_key("nas", "/data/zfs:/a", "/data", "relative") == "zfs:~/a"


@pytest.mark.parametrize("path", ["zfs:", "zfs:/tank", "zfs:tank/", "zfs:tank//a", "zfs:tank/../a", "zfs:.", "zfs:a\0"])
def test_a_dataset_that_could_lead_elsewhere_has_no_key(path: str) -> None:
    with pytest.raises(ValueError, match="no key can be made"):
        key(label(path, kind="dataset", container="zfs", name="x"))


def test_no_dataset_is_taken_for_a_file_nor_a_file_for_one() -> None:
    for one in (label("zfs:tank"), label("/tank", kind="dataset", container="zfs")):
        with pytest.raises(ValueError, match="no key can be made"):
            key(one)


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


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sftp://me@box.example:23/data/photos", f"box.example/data/photos/{STAMP}.tar"),
        ("sftp://box.example/data/p@q:r", f"box.example/data/p@q:r/{STAMP}.tar"),
        ("sftp://me@[fe80::1%eth0]:22/", f"fe80::1%eth0/{STAMP}.tar"),
        ("sftp://me@box:22/sftp://a/b", None),
        ("sftp://me@box:22", None),
        ("sftp:///data", None),
    ],
)
def test_what_lies_on_a_server_has_the_key_of_its_host_and_path_there(path: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="no key can be made"):
            key(label(path))
    else:
        assert key(label(path)) == expected


def test_a_path_on_a_server_is_told_without_the_url() -> None:
    assert path_on_server("sftp://me@[::1]:23/a/b\nc") == "/a/b\nc"
    assert path_on_server("/a/sftp://b/c") == "/a/sftp://b/c"


def test_a_label_with_a_fixed_key_has_that() -> None:
    assert key(label(fixed_key="photos/a.jpg")) == "photos/a.jpg"


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


class TestTrees:
    @pytest.mark.parametrize(
        ("path", "section", "layout", "expected"),
        [
            ("/data/photos/a.jpg", "/data", "host", "nas/data/photos/a.jpg"),
            ("/data/photos/a.jpg", "/data", "relative", "photos/a.jpg"),
            ("/a.jpg", "/", "host", "nas/a.jpg"),
            ("/a.jpg", "/", "relative", "a.jpg"),
            ("sftp://me@box:23/photos/a/b.jpg", "sftp://me@box:23/photos", "host", "box/photos/a/b.jpg"),
            ("sftp://me@box:23/photos/a/b.jpg", "sftp://me@box:23/photos", "relative", "a/b.jpg"),
            ("sftp://me@box:23/a.jpg", "sftp://me@box:23/", "host", "box/a.jpg"),
            ("sftp://me@box:23/a.jpg", "sftp://me@box:23/", "relative", "a.jpg"),
        ],
    )
    def test_a_key_mirrors_the_path(self, path: str, section: str, layout: Layout, expected: str) -> None:
        assert tree_key("nas", path, section, layout) == expected

    @pytest.mark.parametrize(
        ("name", "of_file", "of_link"),
        [
            ("a", "a", "a.rclonelink"),
            ("a~", "a~", "a~.rclonelink"),
            ("a.rclonelink", "a.rclonelink~", "a.rclonelink.rclonelink"),
            ("a.rclonelink~", "a.rclonelink~~", "a.rclonelink~.rclonelink"),
            (".rclonelink", ".rclonelink~", ".rclonelink.rclonelink"),
            ("a.rclonelink.txt", "a.rclonelink.txt", "a.rclonelink.txt.rclonelink"),
            (f"a~{STAMP}", f"a~{STAMP}~", f"a~{STAMP}.rclonelink"),
            (f"a~{STAMP}~", f"a~{STAMP}~~", f"a~{STAMP}~.rclonelink"),
            (f"a~{STAMP}.recipe.json", f"a~{STAMP}.recipe.json~", f"a~{STAMP}.recipe.json.rclonelink"),
            (f"a~{STAMP} (copy)", f"a~{STAMP} (copy)", f"a~{STAMP} (copy).rclonelink"),
            (f"{STAMP}.tar", f"{STAMP}.tar~", f"{STAMP}.tar.rclonelink"),
            (f"{STAMP}.tar.recipe.json", f"{STAMP}.tar.recipe.json~", f"{STAMP}.tar.recipe.json.rclonelink"),
            (f"log {STAMP}.gz", f"log {STAMP}.gz", f"log {STAMP}.gz.rclonelink"),
        ],
    )
    def test_a_name_that_could_be_taken_for_something_else_gets_one_tilde_more(
        self, name: str, of_file: str, of_link: str
    ) -> None:
        assert tree_key("nas", f"/d/{name}", "/d", "relative") == of_file
        assert tree_key("nas", f"/d/{name}", "/d", "relative", "link") == of_link
        assert tree_key("nas", f"/d/{name}/x", "/d", "relative") == f"{of_file}/x"

    @pytest.mark.parametrize("name", ["caf\u00e9", "cafe\u0301", "Cafe", "cafe", from_disk(b"caf\xe9")])
    def test_case_and_unicode_form_stay_as_they_are(self, name: str) -> None:
        assert tree_key("nas", f"/d/{name}", "/d") == f"nas/d/{name}"

    def test_a_version_and_a_manifest_have_the_time_behind_the_key(self) -> None:
        assert version_key("nas/d/a.jpg", TIME) == f"nas/d/a.jpg~{STAMP}"
        assert version_key("a.jpg", TIME) == f"a.jpg~{STAMP}"
        assert tree_manifest_key("nas/d/a.jpg", TIME) == f"nas/d/a.jpg~{STAMP}.recipe.json"
        assert tree_manifest_key("nas/d/a.jpg", TIME) == manifest_key(version_key("nas/d/a.jpg", TIME))

    @pytest.mark.parametrize("kind", ["file", "link"])
    def test_a_long_name_leaves_room_for_what_comes_behind_it(self, kind: Kind) -> None:
        for size in range(190, 256):
            found = tree_key("nas", "/d/" + "n" * size, "/d", kind=kind)
            assert _longest(found) <= 255
            assert found.endswith(".rclonelink") == (kind == "link")
            assert _longest("." + tree_manifest_key(found, TIME) + ".partial") <= 255

    def test_a_path_that_is_too_long_keeps_its_first_and_its_last_component(self) -> None:
        names = tree_key("nas", "/data" + "/directory" * 400 + "/a.jpg", "/data").split("/")
        assert names[:3] == ["nas", "data", "directory"]
        assert names[-2].startswith("~")
        assert names[-1] == "a.jpg"

    @pytest.mark.parametrize(
        "path", ["/d", "/d/", "/e/a", "/data/a", "a", "/d/../a", "/d//a", "/d/.", "sftp://nas/d/a", "/d/nul\0"]
    )
    @pytest.mark.parametrize("layout", ["host", "relative"])
    def test_what_is_not_below_the_section_has_no_key(self, path: str, layout: Layout) -> None:
        with pytest.raises(ValueError, match=r"not below|no key can be made"):
            tree_key("nas", path, "/d", layout)


def _longest(key: str) -> int:
    return max(len(name.encode("utf-8", "surrogateescape")) for name in key.split("/"))


_ENDS = st.sampled_from(["", "~", "~~", f"~{STAMP}", STAMP, ".tar", ".recipe.json", ".rclonelink", "~" + "0f" * 16])
_STARTS = st.sampled_from(["", "a", "b", "n" * 150, "n" * 186, "n" * 200, "n" * 211, "n" * 222, "n" * 240])
_HARD = st.builds(lambda start, ends: (start + "".join(ends))[:255], _STARTS, st.lists(_ENDS, max_size=3)).filter(bool)
_FOLDERS = st.lists(_HARD | NAMES | LIKE_DATASETS, max_size=3).map(lambda names: names * (1 if len(names) < 3 else 9))
TREE_FILES = st.tuples(_FOLDERS, _HARD | NAMES | LIKE_DATASETS, st.sampled_from(["file", "link"]))


@settings(deadline=None, max_examples=200)
@given(st.lists(TREE_FILES, max_size=4), st.sampled_from(["host", "relative"]))
@example([([], "a.rclonelink", "file"), ([], "a", "link")], "host")
@example([([], "a", "file"), ([], f"a~{STAMP}", "file"), ([f"a~{STAMP}.recipe.json"], "b", "file")], "host")
@example([([], STAMP, "file"), (["~" + "0f" * 16], STAMP, "file")], "relative")
def test_no_two_files_of_a_tree_nor_what_lies_beside_them_have_the_same_key(
    found: list[tuple[list[str], str, Kind]], layout: Layout
) -> None:
    files = {("/d/" + "/".join([*folders, name]), kind) for folders, name, kind in found}
    assume(not {path for path, _ in files} & {above for path, _ in files for above in _folders(path)})
    keys = {file: tree_key("nas", file[0], "/d", layout, file[1]) for file in files}
    versions = {version_key(one, TIME) for one in keys.values()}
    manifests = {tree_manifest_key(one, TIME) for one in keys.values()}
    assert len({*keys.values()} | versions | manifests) == 3 * len(files)
    folders_of_files = {above for one in keys.values() for above in _folders(one)}
    assert not folders_of_files & ({*keys.values()} | versions | manifests)
    for one in keys.values():
        assert _longest(one) <= 255
        assert len(tree_manifest_key(one, TIME).encode("utf-8", "surrogateescape")) <= 1024


def _folders(key: str) -> list[str]:
    names = key.split("/")
    return ["/".join(names[:count]) for count in range(1, len(names))]


@settings(deadline=None)
@given(LABELS, TREE_FILES)
def test_no_archive_has_the_key_of_a_file_of_a_tree(archive: Label, file: tuple[list[str], str, Kind]) -> None:
    folders, name, kind = file
    path = "/" + "/".join([*folders, name])
    one = tree_key(archive.host, path, "/", "host", kind)
    beside, other = path.rpartition("/")[0] or "/", path
    if archive.kind == "dataset":
        beside, other = (f"zfs:{one.removeprefix('/zfs:').removeprefix('/') or 'tank'}" for one in (beside, other))
    for label_ in (archive, replace(archive, path=beside), replace(archive, path=other)):
        timed = {key(label_), manifest_key(key(label_))}
        assert not timed & {one, version_key(one, archive.time), tree_manifest_key(one, archive.time)}


SEALED = [".age", ".zst.age", ".zst.v001.age", ".v001.age.par2", ".age.v0001.vol000+100.par2", ".age.recipe.json"]
_SEALED_ENDS = st.sampled_from(["", "~", ".gz", ".age", ".v001", ".aabcde", ".par2", ".recipe.json", f"~{STAMP}"])
_SEALED_NAMES = st.builds(
    lambda start, ends: (start + "".join(ends))[:255], _STARTS, st.lists(_SEALED_ENDS, max_size=3)
)


class TestSealed:
    def test_the_suffix_stands_behind_the_key(self) -> None:
        assert key(label(suffix=".zst.v001.age", volume=1)) == f"nas/data/photos/{STAMP}.tar.zst.v001.age"
        assert key(label(suffix=".age", fixed_key="nas/d/a.jpg")) == "nas/d/a.jpg.age"
        assert key(label(suffix=".age", fixed_key=version_key("nas/d/a.jpg", TIME))) == f"nas/d/a.jpg~{STAMP}.age"

    def test_a_hidden_name_has_nothing_but_its_alias(self) -> None:
        hidden = label(alias="ab" * 13, suffix=".v001.age", fixed_key="nas/d/a.jpg")
        assert key(hidden) == f"ab/{'ab' * 13}.v001.age"
        assert has_own_key(hidden)
        for alias in ("", "ab", "AB" * 13, "../" * 8 + "ab", "a" * 25 + "/"):
            with pytest.raises(ValueError, match="alias"):
                key(label(alias=alias))

    @pytest.mark.parametrize(
        ("name", "sealed", "unsealed"),
        [
            ("a.jpg", "a.jpg", "a.jpg"),
            ("a.gz", "a.gz~", "a.gz"),
            ("a.gz~", "a.gz~~", "a.gz~"),
            ("a.v001", "a.v001~", "a.v001"),
            ("a.v001.age.vol000+100.par2", "a.v001.age.vol000+100.par2~", "a.v001.age.vol000+100.par2"),
            ("a.recipe.json", "a.recipe.json~", "a.recipe.json"),
            ("a.sqlite", "a.sqlite", "a.sqlite"),
            (f"{'x' * 26}.v001.age", f"{'x' * 26}.v001.age~", f"{'x' * 26}.v001.age~"),
            (f"{'x' * 26}.age", f"{'x' * 26}.age~", f"{'x' * 26}.age"),
            (f"{STAMP}.tar.v001.vol0+1.par2", f"{STAMP}.tar.v001.vol0+1.par2~", f"{STAMP}.tar.v001.vol0+1.par2~"),
            ("identity-0123456789abcdef.age", "identity-0123456789abcdef.age~", "identity-0123456789abcdef.age~"),
        ],
    )
    def test_a_name_that_ends_like_a_suffix_gets_one_tilde_more_in_a_sealed_tree(
        self, name: str, sealed: str, unsealed: str
    ) -> None:
        assert tree_key("nas", f"/d/{name}", "/d", "relative", sealed=True) == sealed
        assert tree_key("nas", f"/d/{name}", "/d", "relative") == unsealed
        assert tree_key("nas", f"/d/{name}/x", "/d", "relative", sealed=True) == f"{sealed}/x"

    def test_what_an_object_is_shows_in_its_label(self) -> None:
        assert not is_object(label(suffix=".age"))
        assert is_object(label(volume=1, suffix=".v001"))
        assert is_object(label(role="manifest", suffix=".recipe.json"))

    def test_identities_and_sealed_copies_lie_beside_archives(self) -> None:
        identity = identity_key("nas", "age1abc")
        assert re.fullmatch(r"nas/\.keys/identity-[0-9a-f]{16}\.age", identity)
        copy = catalog_key("nas", TIME, ".age")
        assert copy == f"nas/.catalog/{STAMP}.sqlite3.gz.age"
        assert is_catalog_copy(copy)
        for found in (identity, copy):
            assert is_beside_archives(found)
            assert label_of_key(found, NOW, sealed=True) is None
        assert tree_key("nas", "/.keys/" + identity.rpartition("/")[2], "/") != identity


@settings(deadline=None)
@given(LABELS, st.sampled_from(SEALED))
def test_every_sealed_archive_has_keys_that_file_systems_and_buckets_take(label: Label, suffix: str) -> None:
    found = key(replace(label, suffix=suffix))
    assert found.endswith(suffix)
    assert len(found.encode("utf-8", "surrogateescape")) <= 1024
    assert _longest(found) <= 255
    others = {key(replace(label, suffix=other)).removesuffix(other) for other in SEALED}
    assert others == {found.removesuffix(suffix)}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(_SEALED_NAMES.filter(bool) | NAMES, st.sampled_from(["file", "link"])), max_size=4),
    st.sampled_from(["", *SEALED]),
    st.sampled_from(["", *SEALED]),
)
@example([("a", "file"), ("a.age", "file")], "", ".age")
@example([("a", "file"), ("a.age.recipe.json", "file")], ".age.recipe.json", "")
def test_no_two_files_of_a_sealed_tree_have_the_same_key(found: list[tuple[str, Kind]], one: str, other: str) -> None:
    files = {(f"/d/{name}", kind) for name, kind in found if "/" not in name and name not in (".", "..")}
    bases = {file: tree_key("nas", file[0], "/d", "host", file[1], sealed=True) for file in files}
    keys = [base + suffix for base in bases.values() for suffix in {one, other}]
    keys += [version_key(base, TIME) + suffix for base in bases.values() for suffix in {one, other}]
    assert len(set(keys)) == len(keys)
    for whole in keys:
        assert _longest(whole) <= 255
        told = label_of_key(whole, NOW, sealed=True)
        if told is None:
            assert re.search("~[0-9a-f]{32}|recipe.json", whole)
            continue
        assert (told.path, told.kind) in files
        assert key(told) == whole


@settings(deadline=None)
@given(LABELS, st.sampled_from(SEALED))
def test_a_sealed_key_tells_host_path_time_and_suffix(label: Label, suffix: str) -> None:
    assume(label.path != "/" or label.container == "tar")
    found = key(replace(label, suffix=suffix))
    told = label_of_key(found, NOW)
    if told is None:
        assert "~" in found
        return
    assert (told.host, told.path, told.time, told.suffix) == (label.host, label.path, label.time, suffix)
    assert (told.volume, told.role) == tuple(parse_suffix(suffix) or ())[1:]
    assert key(told) == found


def test_a_hidden_key_tells_its_alias_alone() -> None:
    alias = "ab" * 13
    assert private_label_of_key(f"ab/{alias}.v002.age") == PrivateLabel(alias, ".v002.age", 2, "data")
    assert private_label_of_key(f"ab/{alias}.age.recipe.json.age") == PrivateLabel(
        alias, ".age.recipe.json.age", 0, "manifest"
    )
    for other in (f"ba/{alias}.v002.age", f"ab/{alias}.age", f"ab/{alias}", f"nas/ab/{alias}.v002.age"):
        assert private_label_of_key(other) is None
    assert label_of_key(f"ab/{alias}.v002.age", NOW, sealed=True) is None


class TestBesideArchives:
    def test_a_copy_of_the_catalog_lies_below_its_host(self) -> None:
        assert catalog_key("nas", TIME) == f"nas/.catalog/{STAMP}.sqlite3.gz"
        assert is_catalog_copy(catalog_key("nas", TIME))
        assert is_catalog_copy(catalog_key("n" * 300, TIME))

    @pytest.mark.parametrize("host", ["", ".", "..", "a/b"])
    def test_a_host_that_could_lead_elsewhere_has_none(self, host: str) -> None:
        with pytest.raises(ValueError, match="no key can be made"):
            catalog_key(host, TIME)

    @pytest.mark.parametrize("name", [RESTORE_NOTE, MARKER])
    def test_nothing_that_is_sent_takes_its_place(self, name: str) -> None:
        assert tree_key("nas", f"/d/{name}", "/d", "relative") == f"{name}~"
        assert tree_key("nas", f"/d/{name}/a", "/d", "relative") == f"{name}~/a"
        assert tree_key("nas", f"/d/{name}~", "/d", "relative") == f"{name}~~"
        assert tree_key("nas", f"/d/a/{name}", "/d", "relative") == f"a/{name}"
        assert tree_key("nas", f"/d/{name}", "/d", "relative", "link") == f"{name}.rclonelink"
        assert tree_key(name, "/d/a", "/d").startswith(f"{name}~/")
        assert key(label(host=name)).startswith(f"{name}~/")

    @pytest.mark.parametrize("layout", ["host", "relative"])
    def test_a_file_of_a_tree_that_is_called_like_a_copy_is_told_from_it(self, layout: Layout) -> None:
        path = f"/nas/.catalog/{STAMP}.sqlite3.gz"
        assert not is_catalog_copy(tree_key("x", path, "/", layout))
        assert not is_catalog_copy(tree_key("nas", path.removeprefix("/nas"), "/", layout))


@settings(deadline=None)
@given(LABELS, TREE_FILES, st.sampled_from(["host", "relative"]))
@example(label("/.catalog/x.gz", container="raw"), ([".catalog"], f"{STAMP}.sqlite3.gz", "file"), "host")
@example(label(), ([".catalog"], f"{STAMP}.sqlite3.gz", "file"), "relative")
@example(label(), ([], RESTORE_NOTE, "file"), "relative")
def test_no_key_is_one_of_what_lies_besides_archives(
    archive: Label, file: tuple[list[str], str, Kind], layout: Layout
) -> None:
    folders, name, kind = file
    one = tree_key(archive.host, "/" + "/".join([*folders, name]), "/", layout, kind)
    of_tree = {one, version_key(one, archive.time), tree_manifest_key(one, archive.time)}
    for found in of_tree | {key(archive), manifest_key(key(archive))}:
        assert not is_catalog_copy(found)
        assert found.split("/")[0] not in (RESTORE_NOTE, MARKER)


class TestWhatAKeyTells:
    @pytest.mark.parametrize(
        ("found", "path", "kind", "container"),
        [
            (f"nas/data/photos/{STAMP}.tar", "/data/photos", "directory", "tar"),
            (f"nas/{STAMP}.tar", "/", "directory", "tar"),
            (f"nas/data/~pack-0123456789ab/{STAMP}.tar", "/data/~pack-0123456789ab", "group", "tar"),
            (f"nas/data/~pack-0123456789ab~/{STAMP}.tar", "/data/~pack-0123456789ab", "directory", "tar"),
            (f"nas/data/dump.sql/{STAMP}.sql", "/data/dump.sql", "file", "raw"),
            (f"nas/data/dump/{STAMP}", "/data/dump", "file", "raw"),
            (f"nas/data/old.tar/{STAMP}.tar", "/data/old.tar", "file", "raw"),
            (f"nas/zfs:/tank/{STAMP}.zfs", "zfs:tank", "dataset", "zfs"),
            (f"nas/zfs:/tank/a b/{STAMP}.inc12.zfs", "zfs:tank/a b", "dataset", "zfs"),
            (f"nas/zfs:~/tank/{STAMP}.tar", "/zfs:/tank", "directory", "tar"),
            (f"nas/zfs:~/{STAMP}", "/zfs:", "file", "raw"),
            (f"nas/a/zfs:/tank/{STAMP}.tar", "/a/zfs:/tank", "directory", "tar"),
        ],
    )
    def test_of_an_archive_host_path_time_and_container(
        self, found: str, path: str, kind: Kind, container: Container
    ) -> None:
        told = label_of_key(found, NOW)
        assert told is not None
        assert (told.host, told.path, told.kind, told.container, told.time) == ("nas", path, kind, container, TIME)
        assert key(told) == found
        assert told.fixed_key is None

    @pytest.mark.parametrize(
        ("found", "path", "kind", "time"),
        [
            ("nas/data/a.jpg", "/data/a.jpg", "file", NOW),
            ("nas/data/a.jpg.rclonelink", "/data/a.jpg", "link", NOW),
            (f"nas/data/a.jpg~{STAMP}", "/data/a.jpg", "file", TIME),
            (f"nas/data/a~.rclonelink~{STAMP}", "/data/a~", "link", TIME),
            ("nas/data/a.rclonelink~", "/data/a.rclonelink", "file", NOW),
            ("nas/zfs:~", "/zfs:", "file", NOW),
            ("nas/zfs:~.rclonelink", "/zfs:", "link", NOW),
            (f"nas/zfs:~~/a~{STAMP}", "/zfs:~/a", "file", TIME),
            (f"nas/{STAMP}.tar~/x", f"/{STAMP}.tar/x", "file", NOW),
        ],
    )
    def test_of_a_file_of_a_tree_host_and_path_by_guess(
        self, found: str, path: str, kind: Kind, time: datetime
    ) -> None:
        told = label_of_key(found, NOW)
        assert told is not None
        assert (told.host, told.path, told.kind, told.container, told.time) == ("nas", path, kind, "raw", time)
        assert (told.fixed_key, key(told)) == (found, found)

    @pytest.mark.parametrize(
        "found",
        [
            "",
            "a.jpg",
            "nas/",
            "/a",
            "nas//a",
            "nas/../a",
            f"nas/data/a.sql/{STAMP}.txt",
            f"nas/{STAMP}",
            f"{STAMP}.tar",
            f"nas/data/~pack-0123456789ab/{STAMP}",
            f"nas/data/{'x~' + '0f' * 16}/{STAMP}.tar",
            f"nas/{'x~' + '0f' * 16}.rclonelink",
            f"nas/{'x~' + '0f' * 16}~{STAMP}",
            f"nas/a~{STAMP}.recipe.json",
            "nas/a.rclonelink/b",
            "nas/data/photos/20269999T999999.123456Z.tar",
            f"nas/.catalog/{STAMP}.sqlite3.gz",
            "RESTORE.md/x/y",
            "nas/\0",
            "nas/zfs:/tank/a",
            "nas/zfs:",
            f"nas/zfs:/{STAMP}.zfs",
            f"nas/zfs:/tank/{STAMP}.tar",
            f"nas/zfs:/tank/{STAMP}.zfs.txt",
            f"nas/zfs:/tank/../{STAMP}.zfs",
            f"nas/zfs:~/tank/{STAMP}.zfs",
            f"nas/tank/{STAMP}.inc1.zfs",
        ],
    )
    def test_nothing_of_what_was_cut_or_is_something_else(self, found: str) -> None:
        assert label_of_key(found, NOW) is None

    @settings(deadline=None)
    @given(LABELS)
    def test_what_was_not_cut_is_told_again(self, archive: Label) -> None:
        assume(archive.path != "/" or archive.container == "tar")
        found = key(archive)
        told = label_of_key(found, NOW)
        if told is None:
            assert "~" in found
            return
        assert (told.host, told.path, told.time) == (archive.host, archive.path, archive.time)
        assert (told.kind == "dataset") == (archive.kind == "dataset")
        assert key(told) == found

    @settings(deadline=None)
    @given(TREE_FILES, st.booleans())
    def test_so_is_a_file_of_a_tree(self, file: tuple[list[str], str, Kind], is_version: bool) -> None:
        folders, name, kind = file
        path = "/" + "/".join([*folders, name])
        found = tree_key("nas", path, "/", "host", kind)
        if is_version:
            found = version_key(found, TIME)
        told = label_of_key(found, NOW)
        if told is None:
            assert re.search("~[0-9a-f]{32}", found)
            return
        assert (told.host, told.path, told.kind) == ("nas", path, kind)
        assert told.time == (TIME if is_version else NOW)

    @settings(deadline=None)
    @given(st.text())
    def test_no_key_is_an_error(self, found: str) -> None:
        label_of_key(found, NOW)
        label_of_key(f"nas/{found}", NOW)
