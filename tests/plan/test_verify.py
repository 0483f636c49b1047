from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glacier_backup.model.archive import Member
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.verify import (
    Known,
    compare,
    cured,
    damaged_at,
    known_volumes,
    may_be_missing,
    members_at,
    missing,
    newest,
)
from tests.plan import stored

NOW = datetime(2026, 3, 21, tzinfo=UTC)
KNOWN = Known(1, 1, "nas/a.tar", 100, "a" * 64, "b" * 64, "crc=", NOW, "/data/a", NOW)
STORED = Stored("nas/a.tar", 100, NOW)
VAULT = Place("glacier", "photos", "eu-central-1", "1")
BUCKET = Place("s3", "bucket")
DISK = Place("local", "/mnt")


def kinds(known: Known, stored: Stored, place: Place) -> list[str]:
    return [finding.kind for finding in compare(known, stored, place).findings]


def test_another_size_says_all() -> None:
    (finding,) = compare(KNOWN, replace(STORED, size=99, tree_hash="c" * 64), VAULT).findings

    assert (finding.kind, finding.is_damage, finding.archive) == ("other_size", True, 1)
    assert "99 bytes" in finding.what


def test_what_to_do_depends_on_whether_a_run_sends_it_again() -> None:
    lost = missing(KNOWN, BUCKET)

    last, older = cured(lost, is_last=True), cured(lost, is_last=False)

    assert (last.sent_again, older.sent_again) == (True, False)
    assert "the next run sends it again" in (last.cure or "")
    assert "glacier-backup delete id:1" in (older.cure or "")
    for one in (last, older):
        assert "list --versions /data/a" in (one.cure or "")


def test_of_a_group_it_is_about_the_files_in_it() -> None:
    group = stored.Shelves().add_group("/srv/photos", 0, stored.member("a"))
    lost = cured(missing(next(known_volumes(group)), BUCKET), is_last=True, archive=group)

    assert lost.sent_again
    assert "list --members id:1;" in (lost.cure or "")
    assert "list --versions /srv/photos;" in (lost.cure or "")
    assert "sends those of them again" in (lost.cure or "")


@pytest.mark.parametrize("field", ["tree_hash", "sha256", "crc64nvme"])
def test_each_checksum_that_both_have_is_compared(field: str) -> None:
    other: dict[str, Any] = {field: "other"}
    unknown: dict[str, Any] = {field: None}

    assert kinds(KNOWN, replace(STORED, **other), BUCKET) == ["other_checksum"]
    assert kinds(KNOWN._replace(**unknown), replace(STORED, **other), BUCKET) == []


def test_what_is_not_known_is_not_compared() -> None:
    unknown = KNOWN._replace(size=None, tree_hash=None, sha256=None, crc64nvme=None)

    assert compare(unknown, replace(STORED, tree_hash="c" * 64), VAULT) == ((), False)


@pytest.mark.parametrize(
    ("place", "field", "proven"),
    [
        (VAULT, "tree_hash", True),
        (BUCKET, "crc64nvme", True),
        (BUCKET, "sha256", True),
        (BUCKET, "tree_hash", False),
        (DISK, "sha256", False),
    ],
    ids=str,
)
def test_only_a_checksum_that_the_destination_made_itself_proves(place: Place, field: str, proven: bool) -> None:
    same = replace(STORED, **{field: getattr(KNOWN, field)})

    assert compare(KNOWN, same, place).proven is proven
    assert not compare(KNOWN, STORED, place).proven


def test_a_manifest_that_is_no_manifest_is_told_and_no_damage() -> None:
    (finding,) = compare(KNOWN, replace(STORED, manifest="{}"), DISK).findings

    assert (finding.kind, finding.is_damage) == ("manifest", False)


def test_of_several_under_one_key_the_last_one_sent_is_there() -> None:
    assert newest([KNOWN._replace(archive=-5), KNOWN._replace(archive=3), KNOWN]).archive == 3


def test_what_was_stored_within_the_lag_may_be_missing() -> None:
    lag = timedelta(days=3)

    assert may_be_missing(KNOWN, lag, NOW + timedelta(days=2))
    assert not may_be_missing(KNOWN, lag, NOW + timedelta(days=4))
    assert not may_be_missing(KNOWN, timedelta(), NOW)


def test_where_damage_begins_is_read_from_what_was_said() -> None:
    said = (
        "x isn't what was sent: the MiB from byte 3,145,728 on has another SHA-256 than was recorded, 3 times in a row"
    )

    assert damaged_at(said) == 3 * 2**20
    assert damaged_at("its tree hash is another") is None


def member(path: str, offset: int) -> Member:
    return Member(path, "file", 10, 0, 0o644, offset, None)


@pytest.mark.parametrize(
    ("start", "end", "hit"),
    [(0, 1, "a"), (0, 512, "a"), (511, 1025, "a b c"), (512, 1024, "b"), (2000, 3000, "c"), (0, 9999, "a b c")],
)
def test_members_that_share_bytes_with_a_range_are_hit(start: int, end: int, hit: str) -> None:
    members = [member("a", 0), member("b", 512), member("c", 1024)]

    assert " ".join(members_at(members, start, end)) == hit
