"""Names in a bucket for what a vault holds."""

from __future__ import annotations

import csv
import io
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.description import describe
from glacier_backup.model.foreign import is_safe
from glacier_backup.model.naming import key
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.override import LONGEST_NAME, Missing, missing_in_bucket, override_csv, override_rows
from tests.model.labels import from_disk, label

OLD, NEW = datetime(2012, 11, 14, 20, 16, 18, 221000, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC)


def stored(archive_id: str, description: str | None, at: datetime = OLD, size: int = 10) -> Stored:
    return Stored(archive_id, size, at, description)


def mt2(name: str) -> str:
    payload = json.dumps({"filename": name, "mtime": "20121114T201618Z"}, ensure_ascii=False).encode()
    return f"mt2 {urlsafe_b64encode(payload).decode().rstrip('=')}"


def test_each_is_named_by_what_its_description_says() -> None:
    found = override_rows(
        [
            stored("id-1", mt2("photos/cat.jpg")),
            stored("id-2", describe(label())),
            stored("id-3", "music.tar"),
            stored("id-4", mt2("../../etc/passwd")),
            stored("id-5", None),
            stored("id-6", ""),
            stored("id-7", describe(label("/" + "x" * 3000))),
            stored("id-8", describe(label(from_disk(b"/\xff")))),
            stored("id-9", "/etc/shadow"),
        ]
    )
    assert dict(found) == {
        "id-1": "photos/cat.jpg",
        "id-2": key(label()),
        "id-3": "music.tar",
        **{f"id-{number}": f"id-{number}" for number in range(4, 10)},
    }


def test_the_oldest_of_one_name_has_it_and_the_others_their_date_and_number() -> None:
    found = [stored("c", "photos", NEW), stored("a", "photos", OLD), stored("b", "photos", NEW), stored("d", "music")]
    expected = {
        "a": "photos",
        "b": "photos-2013-01-01T00:00:00.000000Z-2",
        "c": "photos-2013-01-01T00:00:00.000000Z-3",
        "d": "music",
    }
    assert dict(override_rows(found)) == expected
    assert dict(override_rows(reversed(found))) == expected


def test_what_is_called_like_one_of_several_is_told_from_it() -> None:
    found = [
        stored("a", "photos"),
        stored("b", "photos", NEW),
        stored("c", "photos-2013-01-01T00:00:00.000000Z-2"),
    ]
    assert len({name for _, name in override_rows(found)}) == 3


def test_the_file_is_one_that_csv_readers_understand() -> None:
    lines = list(override_csv([stored("id-1", 'a, "b"; ä.txt'), stored("-id", "plain")]))
    assert lines[0] == "GlacierArchiveID,FileName\r\n"
    assert all(line.endswith("\r\n") for line in lines)
    rows = list(csv.reader(io.StringIO("".join(lines), newline="")))
    assert rows == [["GlacierArchiveID", "FileName"], ["id-1", 'a, "b"; ä.txt'], ["-id", "plain"]]


def test_what_a_bucket_lacks_or_has_in_another_size() -> None:
    found = [stored("a", "one"), stored("b", "two"), stored("c", "three", size=7), stored("d", "one", NEW)]
    listing = [("two", 11), ("three", 7), ("else", 1), ("one", 10), (from_disk(b"\xff"), 3)]
    assert list(missing_in_bucket(found, listing)) == [
        Missing("d", "one-2013-01-01T00:00:00.000000Z-2", 10, None),
        Missing("b", "two", 10, 11),
    ]


def test_nothing_is_missing_when_all_has_arrived() -> None:
    found = [stored(f"id-{number}", f"file {number % 50}", size=number) for number in range(200)]
    sizes = {one.locator: one.size for one in found}
    listing = [(name, sizes[archive_id]) for archive_id, name in override_rows(found)]
    assert not list(missing_in_bucket(found, listing))
    assert len(list(missing_in_bucket(found, listing[1:]))) == 1
    assert len(list(missing_in_bucket(found, []))) == 200


NAMES = st.sampled_from(
    ["a", "a/b", "a-2012-11-14T20:16:18.221000Z-2", "a-2012-11-14T20:16:18.221000Z", "/x"]
) | st.text(max_size=20)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=12))
def test_every_archive_has_a_name_of_its_own_that_leads_nowhere_else(given: list[tuple[str, int]]) -> None:
    found = [stored(f"id-{n}", name, OLD + timedelta(days=day)) for n, (name, day) in enumerate(given)]
    rows = list(override_rows(found))
    assert sorted(archive_id for archive_id, _ in rows) == sorted(one.locator for one in found)
    names = [name for _, name in rows]
    assert len(set(names)) == len(names)
    assert all(is_safe(name) and len(name.encode()) <= LONGEST_NAME + 40 for name in names)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=8))
def test_what_is_stored_later_changes_no_name(given: list[tuple[str, int]]) -> None:
    found = [stored(f"id-{n}", name, OLD + timedelta(days=day)) for n, (name, day) in enumerate(given)]
    later = [stored(f"later-{n}", name, NEW + timedelta(days=n)) for n, (name, _) in enumerate(given)]
    before, after = dict(override_rows(found)), dict(override_rows(found + later))
    assert before == {archive_id: after[archive_id] for archive_id in before}
