"""What becomes of a group, by what is said of its files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.model.stored import GroupedFile, StoredArchive
from glacier_backup.plan.retention import Verdict
from glacier_backup.plan.together import Together

TIME = datetime(2026, 3, 1, tzinfo=UTC)


def stored(path: str, kind: Literal["file", "group"], size: int, file: GroupedFile | None = None) -> StoredArchive:
    return StoredArchive(7, 1, path, "photos.pack.tar", TIME, TIME, (), kind=kind, source_bytes=size, file=file)


GROUP = stored("/photos/~pack-0123456789ab", "group", 3_000)


def file(number: int, size: int = 1_000) -> StoredArchive:
    member = Member(f"photos/{number}", "file", size, 0, 0o644, number * 2_048, None)
    return stored(f"/photos/{number}", "file", size, GroupedFile(number, member))


def together(*verdicts: Verdict) -> Together:
    found = Together()
    for one in verdicts:
        found.add(one)
    return found


@given(kept=st.lists(st.booleans(), min_size=1, max_size=20), unasked=st.integers(0, 3))
def test_it_goes_only_if_nothing_keeps_any_file_and_all_were_asked_about(kept: list[bool], unasked: int) -> None:
    said = together(*(Verdict(file(number), one, "why") for number, one in enumerate(kept)))
    verdict, history = said.of(GROUP, unasked)
    assert verdict.archive is GROUP
    assert verdict.kept == (any(kept) or unasked > 0)
    assert said.may_go(7) == (not any(kept))
    assert history == (1_000 * kept.count(False) if verdict.kept else 0)
    assert [*said] == [7]


def test_it_says_why_it_goes() -> None:
    one, other = Verdict(file(0), False, "not kept by keep_last 1"), Verdict(file(1), False, "not kept by keep_last 2")
    assert together(one).of(GROUP).verdict.why == "its file: not kept by keep_last 1"
    assert together(one, one).of(GROUP).verdict.why == "its 2 files: not kept by keep_last 1"
    for several in ((one, other), (one, other, one)):
        assert together(*several).of(GROUP).verdict.why == f"its {len(several)} files: kept by no rule"


def test_it_says_why_it_stays() -> None:
    goes, stays = Verdict(file(0), False, "no rule"), Verdict(file(1), True, "the newest")
    why = together(goes, stays).of(GROUP, 2).verdict.why
    assert why == "1 of its 4 files kept, such as /photos/1 (the newest); 1.0 KiB in it are only history"
    why = together(goes).of(GROUP, 2).verdict.why
    assert why == "2 of its 3 files were not asked about; 1.0 KiB in it are only history"


def test_what_holds_for_all_of_it_is_said_of_it() -> None:
    theirs = Verdict(file(0), True, "sent by other: to be pruned there", elsewhere=True)
    verdict, _ = together(theirs, theirs).of(GROUP)
    assert (verdict.why, verdict.elsewhere, verdict.unruled) == (theirs.why, True, False)
    ruleless = Verdict(file(0), True, "no section names it", unruled=True)
    verdict, _ = together(ruleless).of(GROUP)
    assert (verdict.why, verdict.elsewhere, verdict.unruled) == (ruleless.why, False, True)
    assert together(ruleless, Verdict(file(1), False, "x")).of(GROUP).verdict.unruled


def test_tars_of_pyarchiver_stay_whatever_the_rules_say() -> None:
    said = together(Verdict(file(0), False, "no rule"))
    verdict, history = said.of(replace(GROUP, origin="pyArchiver"))
    assert (verdict.kept, history) == (True, 0)
    assert "glacier-backup delete" in verdict.why
