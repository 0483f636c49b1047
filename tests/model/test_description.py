"""Descriptions of archives in a vault: always taken by it, and read back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import Label, Role
from glacier_backup.model.description import PrivateLabel, ShortenedLabel, describe, parse_description
from tests.model.labels import LABELS, SEALS, TIME, from_disk, label


def test_a_directory_is_described_like_this() -> None:
    assert describe(label()) == (
        "photos.tar gb1;p=/data/photos;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1a2b3c4d5e6f"
    )


def test_a_group_is_described_like_this() -> None:
    group = label("/data/photos/~pack-0123456789ab", name="photos.pack.tar", kind="group")
    assert describe(group) == (
        "photos.pack.tar gb1;p=/data/photos/~pack-0123456789ab;h=nas;t=20260321T040000.123456Z;k=g;f=tar;r=1a2b3c4d5e6f"
    )
    assert parse_description(describe(group)) == group


def test_a_raw_file_keeps_its_time_and_mode() -> None:
    dump = label("/data/my dump;50%.sql", name="my dump;50%.sql", kind="file", container="raw", mtime_ns=-5, mode=0o640)
    assert describe(dump) == (
        "my dump;50%.sql gb1;p=/data/my%20dump%3B50%25.sql;h=nas;t=20260321T040000.123456Z;k=f;f=raw;r=1a2b3c4d5e6f"
        ";m=-5;o=640"
    )
    assert parse_description(describe(dump)) == dump


def test_a_name_that_is_no_printable_ascii_is_shown_as_far_as_it_goes_and_kept_in_the_token() -> None:
    odd = label("/ä\n", name="ä\n.tar")
    assert describe(odd).startswith("__.tar~")
    assert ";n=%C3%A4%0A.tar" in describe(odd)
    assert parse_description(describe(odd)) == odd


@pytest.mark.parametrize("name", [" leading", "", "x" * 256, "x" * 251 + " .tar", from_disk(b"\xff")])
def test_names_that_a_header_would_change_are_read_back(name: str) -> None:
    text = describe(label(name=name))
    assert not text.startswith(" ")
    assert len(text.rpartition(" ")[0]) <= 255
    assert parse_description(text) == label(name=name)


def test_a_long_path_of_hostile_bytes_is_base64() -> None:
    long = label("/" + "я" * 300)
    assert ";P=" in describe(long).replace(" gb1", "")
    assert parse_description(describe(long)) == long


def test_a_path_that_does_not_fit_is_recognised() -> None:
    long = label("/data/" + "x" * 4000)
    found = parse_description(describe(long))
    assert isinstance(found, ShortenedLabel)
    assert found.beginning.path.startswith("/data/xxx")
    assert long.path.startswith(found.beginning.path)
    assert (found.beginning.host, found.beginning.time) == ("nas", TIME)
    assert found.is_of(long.path)
    assert not found.is_of(long.path + "x")


def test_a_host_that_does_not_fit_leaves_a_description() -> None:
    text = describe(label(host="ä" * 5000, name="ä" * 300, mtime_ns=-(2**63), mode=0o7777))
    assert len(text) <= 1024
    assert parse_description(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "photos.tar",
        "my photos.tar",
        "mt2 eyJmaWxlbmFtZSI6ImZpbGUiLCJtdGltZSI6IjIwMTIxMTE0VDIwMTYxOFoifQ",
        "a gb1",
        "a gb1;",
        "a gb1;p=/a",
        "a gb2;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        " gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "ä gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "a gb1;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "a gb1;p=/%a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "a gb1;p=/a;h=nas;t=2026-03-21;k=d;f=tar;r=1",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=x;f=tar;r=1",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=7z;r=1",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=g;f=raw;r=1",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1;m=late",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1;o=9",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=f;f=raw;r=1;o=7777777777777777777777",
        "a gb1;p=/a;h=nas;t=20260321T040000.123456Z;k=f;f=raw;r=1;o=-7",
        "a gb1;P=*;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
        "a gb1;s=12/a;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1",
    ],
)
def test_a_description_that_is_not_ours_is_none(text: str) -> None:
    assert parse_description(text) is None


def test_fields_that_are_not_known_are_ignored() -> None:
    assert parse_description(describe(label()) + ";zz=1") == label()


@settings(deadline=None)
@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    parse_description(text)
    parse_description(f"a gb1;{text}")


@settings(deadline=None)
@given(LABELS)
def test_every_label_has_a_description_that_a_vault_takes(label: Label) -> None:
    text = describe(label)
    assert len(text) <= 1024
    assert all(" " <= character <= "~" for character in text)
    assert text == text.strip()


@settings(deadline=None)
@given(LABELS)
def test_a_description_says_what_the_label_said(label: Label) -> None:
    found = parse_description(describe(label))
    if isinstance(found, ShortenedLabel):
        assert found.is_of(label.path)
        assert (found.beginning.host, found.beginning.time, found.beginning.mtime_ns, found.beginning.mode) == (
            label.host,
            label.time,
            label.mtime_ns,
            label.mode,
        )
    else:
        assert found == label


@settings(deadline=None)
@given(LABELS, LABELS)
def test_labels_that_differ_have_descriptions_that_differ(one: Label, other: Label) -> None:
    assume(one != other)
    assert describe(one) != describe(other)


@settings(deadline=None)
@given(LABELS, SEALS)
def test_a_description_says_how_it_is_sealed_and_which_of_several_objects_it_is(
    label: Label, seal: tuple[str, int, Role, str]
) -> None:
    sealed = replace(label, suffix=seal[0], volume=seal[1], role=seal[2], seal=seal[3])
    text = describe(sealed)
    assert len(text) <= 1024
    assert text.rpartition(" ")[0].endswith(seal[0])
    found = parse_description(text)
    if isinstance(found, ShortenedLabel):
        assert found.is_of(label.path)
        found = replace(found.beginning, path=label.path, name=label.name, kind=label.kind, host=label.host)
        assert found == replace(sealed, name=found.name)
    else:
        assert found == sealed
    if seal[0]:
        assert text != describe(label)


@given(LABELS, SEALS)
def test_a_hidden_name_leaves_nothing_but_the_alias_and_the_seal(
    label: Label, seal: tuple[str, int, Role, str]
) -> None:
    alias = "abcdefghijklmnopqrstuvwxyz"
    hidden = replace(label, suffix=seal[0], volume=seal[1], role=seal[2], seal=seal[3], alias=alias)
    assert describe(hidden) == describe(replace(_NOTHING, suffix=seal[0], volume=seal[1], role=seal[2], seal=seal[3]))
    assert parse_description(describe(hidden)) == PrivateLabel(alias, *seal)


_NOTHING = label(path="/", name="x", host="h", alias="abcdefghijklmnopqrstuvwxyz")


def test_a_volume_is_described_like_this() -> None:
    volume = label(suffix=".zst.v002.age", volume=2, seal="zstd:3+split:4294967296+age")
    assert describe(volume) == (
        "photos.tar.zst.v002.age gb1;p=/data/photos;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1a2b3c4d5e6f"
        ";e=13;v=2;x=zstd:3+split:4294967296+age"
    )
    assert describe(replace(volume, alias="a" * 26)) == (
        f"{'a' * 26}.zst.v002.age gb1;i={'a' * 26};e=13;v=2;x=zstd:3+split:4294967296+age"
    )


@pytest.mark.parametrize(
    "fields",
    [
        "e=99",
        "e=x",
        "e=9",
        "e=13",
        "e=13;v=1",
        "e=13;v=2;q=p",
        "e=13;v=2;q=z",
        "e=13;v=2;x=a b",
        "e=13;v=2;x=zstd::",
        "v=1",
    ],
)
def test_a_seal_that_contradicts_itself_is_none_of_ours(fields: str) -> None:
    start = "photos.tar.zst.v002.age gb1;p=/data/photos;h=nas;t=20260321T040000.123456Z;k=d;f=tar;r=1a2b3c4d5e6f"
    assert parse_description(f"{start};e=13;v=2") is not None
    assert parse_description(f"{start};{fields}") is None


@pytest.mark.parametrize("alias", ["b" * 26, "a" * 25, "A" * 26, ""])
def test_a_hidden_name_that_is_none_is_not_ours(alias: str) -> None:
    assert parse_description(f"{'a' * 26}.v001 gb1;i={alias};e=5;v=1") is None
    assert parse_description(f"{'a' * 26}.v001 gb1;i={'a' * 26};e=5;v=1") is not None


def test_a_name_that_filters_have_changed_is_described_as_they_made_it() -> None:
    one = replace(label(path="/data/private.jpeg", name="private.jpeg"), told="/data/x/1.jpg")
    text = describe(one)
    assert text.startswith("1.jpg gb1;p=/data/x/1.jpg;")
    assert "private" not in text
