from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.candidate import Candidate
from glacier_backup.model.contents import Contents, Held, contents_of
from glacier_backup.model.plaintext import GroupSums, PlainGroup, group_digest, parse_group_digest
from glacier_backup.model.reason import Touched
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.record import LastSent
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.model.tree_digest import Hashing, tree_fingerprint, untimed_fingerprint
from glacier_backup.model.upload_reason import Changed
from glacier_backup.plan.changes import Content, decide, needs_content
from glacier_backup.plan.changes import Contents as Comparing
from glacier_backup.plan.recognising import is_unknown, judged, same_content
from glacier_backup.plan.s3_backup_zip import members_of_zip

SENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO, HOURS = 1_600_000_000 * 10**9, 3600 * 10**9
SENT_NS = int(SENT.timestamp()) * 10**9
DATA = {"d/a": b"one", "d/b": b"", "d/ü": b"three"}
HASHES = {name: hashlib.sha256(data).hexdigest() for name, data in DATA.items()}


def contents(mtime_ns: int = LONG_AGO, **sizes: int) -> Contents:
    files = [Held(name, False, len(data), mtime_ns) for name, data in DATA.items()]
    return contents_of([one._replace(size=sizes.get(one.name[2:], one.size)) for one in files], prefix="d/", top="")


def said(hashed: bool = True) -> PlainGroup:
    sums = GroupSums()
    for name, data in DATA.items():
        sums.add(name, len(data), HASHES[name] if hashed else None)
    return sums.made()


def last(plain: PlainGroup) -> LastSent:
    return LastSent(7, SENT, 100, group_digest(plain))


@pytest.mark.parametrize(
    ("mtime_ns", "hashing", "verdict"),
    [
        (LONG_AGO, "never", "same"),
        (LONG_AGO, "other time", "same"),
        (LONG_AGO, "always", "read"),
        (SENT_NS - 60 * 10**9, "other time", "read"),  # clocks differ, and storing it took a while
        (SENT_NS - 60 * 10**9, "never", "same"),
        (SENT_NS + HOURS, "other time", "read"),
        (SENT_NS + HOURS, "never", "other"),
    ],
)
def test_a_group_of_the_same_files_is_known_by_their_times_or_has_to_be_read(
    mtime_ns: int, hashing: Hashing, verdict: str
) -> None:
    assert judged(contents(mtime_ns), last(said()), hashing) == verdict


def test_other_files_are_another_group_whatever_their_times_are() -> None:
    assert judged(contents(a=4), last(said()), "other time") == "other"
    assert judged(contents(), last(said()._replace(items=2)), "other time") == "other"
    assert judged(contents(), replace(last(said()), damage="missing"), "other time") == "other"


def test_without_a_hash_of_the_content_a_later_time_is_another_content() -> None:
    assert judged(contents(SENT_NS + HOURS), last(said(hashed=False)), "other time") == "other"


def test_content_is_compared_all_at_once() -> None:
    assert same_content(contents(), last(said()), HASHES)
    assert not same_content(contents(), last(said()), HASHES | {"d/a": "00" * 32})
    assert not same_content(contents(), last(said()), {"d/a": HASHES["d/a"]})


@given(st.builds(PlainGroup, st.integers(0, 10**17), st.just("ab" * 32), st.none() | st.just("cd" * 32)))
def test_what_stands_for_a_fingerprint_is_read_back(plain: PlainGroup) -> None:
    assert parse_group_digest(group_digest(plain)) == plain
    assert is_unknown(last(plain))


@pytest.mark.parametrize("digest", ["ab" * 32, "listed", "listed 1 ab -", "file 1 2", "unlisted"])
def test_another_fingerprint_is_none_of_those(digest: str) -> None:
    assert not is_unknown(LastSent(7, SENT, 100, digest))


# Where the files of a ZIP begin that nobody has read.


def zipped(mtime: tuple[int, int, int, int, int, int] = (2020, 9, 13, 12, 26, 40)) -> bytes:
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", compression=zipfile.ZIP_STORED) as made:
        for name, data in DATA.items():
            made.writestr(zipfile.ZipInfo(name, mtime), data)
    return blob.getvalue()


def archive(size: int, *seal: Step) -> StoredArchive:
    volume = StoredVolume(1, "d/*~.zip", size, None, SENT)
    recipe = Recipe((Step("zip", {"top": "", "depth": 2}), *seal))
    return StoredArchive(7, 1, "/s/d/*~.zip", "*~.zip", SENT, SENT, (volume,), kind="group", recipe=recipe)


def test_where_each_file_begins_in_a_zip_is_worked_out_as_python_makes_them() -> None:
    data = zipped()

    found = members_of_zip(contents(), archive(len(data)))

    with zipfile.ZipFile(io.BytesIO(data)) as read:
        wanted = [(one.filename, one.file_size, one.header_offset) for one in read.infolist()]
    assert found is not None
    assert [(one.path, one.size, one.offset) for one in found] == wanted
    assert {one.mtime_ns for one in found} == {LONG_AGO}


def test_of_a_zip_of_another_size_nothing_is_said() -> None:
    size = len(zipped())

    assert members_of_zip(contents(), archive(size + 1)) is None
    assert members_of_zip(contents(), archive(size + 1, Step("command", {"count": 1}))) is not None


# Files by themselves.

FILE = Candidate("/s/a", "file", "/s", compare=True)
A = HASHES["d/a"]


def found(mtime_ns: int, size: int = 3) -> Candidate:
    return replace(FILE, seen=tree_fingerprint("file", size, mtime_ns))


def stored(sha256: str | None = A) -> LastSent:
    return LastSent(7, SENT, 3, untimed_fingerprint("file", 3, SENT_NS).digest, sha256=sha256)


def test_a_file_of_the_same_size_that_is_older_than_its_object_is_unchanged_and_its_time_is_noted() -> None:
    candidate = found(LONG_AGO)

    assert not needs_content(candidate, stored(), False, "other time")
    decision = decide(candidate, stored(), None, False, 0, contents=Comparing("other time"))
    assert decision.reason == Touched(SENT, 7, f"file 3 {LONG_AGO}", unread=True)


@pytest.mark.parametrize("mtime_ns", [SENT_NS - 60 * 10**9, SENT_NS + HOURS])
def test_a_file_that_may_have_been_touched_after_it_was_read_is_compared_by_content(mtime_ns: int) -> None:
    candidate = found(mtime_ns)

    assert needs_content(candidate, stored(), False, "other time")
    same = decide(candidate, stored(), None, False, 0, contents=Comparing("other time", Content(A)))
    other = decide(candidate, stored(), None, False, 0, contents=Comparing("other time", Content("00" * 32)))
    assert (same.reason, other.reason) == (Touched(SENT, 7, f"file 3 {mtime_ns}"), Changed(SENT))


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (found(LONG_AGO, size=4), Changed(SENT)),
        (found(SENT_NS + HOURS), Changed(SENT)),
        (found(SENT_NS - HOURS), Touched(SENT, 7, f"file 3 {SENT_NS - HOURS}", unread=True)),
    ],
)
def test_without_a_hash_size_and_time_tell(candidate: Candidate, reason: object) -> None:
    assert not needs_content(candidate, stored(None), False, "other time")
    decision = decide(candidate, stored(None), None, False, 0, contents=Comparing("other time"))
    assert decision.reason == reason
