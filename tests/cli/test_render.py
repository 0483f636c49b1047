"""Tables and JSON: written while they are read, and looking as if they had been made in one piece."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from glacier_backup.cli.render import (
    Json,
    plan_json,
    summary_json,
    write_json,
    write_plan,
    write_summary,
    write_table,
)
from glacier_backup.display import shown
from glacier_backup.model.event import Counts, Result, Summary
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Upload
from glacier_backup.model.upload_reason import Gathered
from glacier_backup.plan.backup import limited, planned
from glacier_backup.spool import TOGETHER
from glacier_backup.units import local_time
from tests.plan.values import PLACE, PLACES, SENT, group, skip, upload

CELLS = st.text(max_size=12) | st.sampled_from(
    ["", "日本語", "e\u0301", "👩‍👩‍👧", "a  ", "[bold]x[/]", ":smile:", "\udcff"]
)

SIZES = st.sampled_from(["", "7 B", "1.5 GiB", "999 MiB"])


def drawn(capsys: pytest.CaptureFixture[str], write: Callable[[], None]) -> str:
    capsys.readouterr()
    write()
    return capsys.readouterr().out


def by_rich(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], terminal: bool) -> str:
    """The table as rich draws it in one piece."""
    out = Console(
        file=io.StringIO(), width=100_000, markup=False, highlight=False, emoji=False, force_terminal=terminal
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(shown, row))
    with out.capture() as capture:
        out.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, SIZES, CELLS), min_size=1, max_size=5))
def test_a_table_looks_as_rich_draws_it(capsys: pytest.CaptureFixture[str], rows: list[tuple[str, ...]]) -> None:
    columns = ("", "size", "name")

    table = drawn(capsys, lambda: write_table(columns, iter(rows), right=("size",)))

    assert table == by_rich(columns, rows, ("size",), terminal=False)


def test_on_a_terminal_the_header_is_bold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    columns, rows = ("", "size", "name"), [("send", "10 B", "/a"), ("skip", "", "/bbbbbb")]

    table = drawn(capsys, lambda: write_table(columns, rows, right=("size",)))

    assert table == by_rich(columns, rows, ("size",), terminal=True)
    assert "\x1b[1m" in table


def test_no_row_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, lambda: write_table(("a", "b"), ())) == ""


def test_a_row_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("x" * 150_000, "1"), ("y", "2")]

    lines = drawn(capsys, lambda: write_table(("a", "b"), rows)).splitlines()

    assert lines == [f"a{' ' * 150_001}b", f"{'x' * 150_000}  1", f"y{' ' * 150_001}2"]


PLAIN: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=PLAIN, items=st.lists(PLAIN, max_size=4))
def test_an_iterator_is_written_as_the_list_that_it_is(
    capsys: pytest.CaptureFixture[str], value: Json, items: list[Json]
) -> None:
    def both(whole: Json, streamed: Json) -> bool:
        return drawn(capsys, lambda: write_json(streamed)) == json.dumps(whole, indent=2) + "\n"

    assert both(value, value)
    assert both(items, iter(items))
    assert both(
        {"a": value, "b": items, "c": [], "d": value}, {"a": value, "b": iter(items), "c": iter(()), "d": value}
    )
    assert both([{"a": items, "b": {"c": items}}, value], iter([{"a": iter(items), "b": {"c": iter(items)}}, value]))


def test_a_summary_can_be_shown_as_often_as_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(PLACES, [upload("/a"), skip("/b")])
    results = (Result(upload("/a"), "the id"), Result(skip("/b")))
    summary = Summary(plan, results, sent=1, failed=0, skipped=1, bytes=10)

    first = drawn(capsys, lambda: write_summary(summary, every_skip=False))

    assert first == drawn(capsys, lambda: write_summary(summary, every_skip=False))
    assert first.splitlines()[1:] == [
        "sent  10 B  /a    name.tar  the id",
        "1 sent (10 B) to /vault, 0 failed, 1 skipped",
    ]
    assert len(drawn(capsys, lambda: write_summary(summary, every_skip=True)).splitlines()) == 4


def several() -> BackupPlan:
    chosen = replace(upload("/a", "vault"), storage_class="STANDARD", class_reason="STANDARD, for it is small")
    places = {"nas": Place("local", "/nas"), "vault": PLACE}
    return planned(places, [upload("/a", "nas"), chosen, skip("/b", "nas"), skip("/c", "")])


def test_with_several_destinations_each_row_names_its_own_and_each_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drawn(capsys, lambda: write_plan(several())).splitlines() == [
        "      to     size  path  archive   why",
        "send  nas    10 B  /a    name.tar  not sent yet",
        "send  vault  10 B  /a    name.tar  not sent yet; STANDARD, for it is small",
        f"skip  nas    10 B  /b              unchanged since {local_time(SENT)}",
        f"skip         10 B  /c              unchanged since {local_time(SENT)}",
        "1 to send (10 B) to nas, /nas, 1 to skip",
        "1 to send (10 B) to vault, /vault, 0 to skip",
        "2 to send in all, 2 to skip",
        "dry run: nothing was sent, nothing was written",
    ]


def test_a_summary_of_several_destinations_counts_each(capsys: pytest.CaptureFixture[str]) -> None:
    plan = several()
    uploads = [decision for decision in plan.decisions if isinstance(decision, Upload)]
    results = (Result(uploads[0], "the id"), Result(uploads[1], error="refused"))
    counts = {"nas": Counts(1, 0, 1, 10), "vault": Counts(0, 1, 0, 0)}
    summary = Summary(plan, results, sent=1, failed=1, skipped=2, bytes=10, counts=counts)

    assert drawn(capsys, lambda: write_summary(summary, every_skip=False)).splitlines() == [
        "        to     size  path  archive   where, or why not",
        "sent    nas    10 B  /a    name.tar  the id",
        "failed  vault        /a    name.tar  refused",
        "1 sent (10 B) to nas, /nas, 0 failed, 1 skipped",
        "0 sent (0 B) to vault, /vault, 1 failed, 0 skipped",
        "1 sent in all, 1 failed, 2 skipped",
    ]


def test_json_names_destinations_and_why_a_class_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(drawn(capsys, lambda: write_json(plan_json(several()))))

    assert shown["destinations"] == {"nas": "/nas", "vault": "/vault"}
    assert shown["destination"] is None
    assert [one["destination"] for one in shown["plan"]] == ["nas", "vault", "nas", None]
    assert [one["class_reason"] for one in shown["plan"]] == [None, "STANDARD, for it is small", None, None]
    assert shown["summary"]["destinations"]["nas"] == {
        "planned": 1,
        "sent": 0,
        "failed": 0,
        "skipped": 1,
        "expired": 0,
        "bytes": 10,
        "files": 0,
    }


def test_json_of_one_destination_names_it_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(PLACES, [upload("/a")])
    summary = Summary(plan, (Result(upload("/a"), "id"),), 1, 0, 0, 10, counts={"main": Counts(1, 0, 0, 10)})

    for value in (plan_json(plan), summary_json(summary)):
        shown = json.loads(drawn(capsys, partial(write_json, value)))
        assert (shown["destination"], shown["destinations"]) == ("/vault", {"main": "/vault"})
        assert shown["plan"][0]["destination"] == "main"
        assert shown["summary"]["destinations"]["main"]["planned"] == 1


PACKED = (group("/srv/photos", "2020/a.jpg", "b\n.jpg"), group("/srv/photos", "c.jpg", was="d.jpg"))


def test_a_plan_shows_the_files_of_a_pack_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    plan = limited(planned(PLACES, [skip("/srv/photos/0.jpg"), *PACKED, group("/srv/photos", "e")]), 2)
    paths = [one.path for one in plan.decisions]

    assert drawn(capsys, lambda: write_plan(plan)).splitlines() == [
        f"{'':4}  size  {'path':30}  {'archive':15}  why",
        f"skip  10 B  {paths[0]:47}  unchanged since {local_time(SENT)}",
        f"send  20 B  {paths[1]}  photos.pack.tar  2 files, not sent yet",
        f"      10 B  {'  /srv/photos/2020/a.jpg':47}  not sent yet",
        f"      10 B  {'  /srv/photos/b' + chr(92) + 'n.jpg':47}  not sent yet",
        f"send  10 B  {paths[2]}  photos.pack.tar  1 file, renamed",
        f"      10 B  {'  /srv/photos/c.jpg':47}  renamed, was /srv/photos/d.jpg",
        f"skip  10 B  {paths[3]:47}  left for a later run: limit = 2",
        "2 to send (30 B; 3 files in groups) to /vault, 2 to skip",
        "dry run: nothing was sent, nothing was written",
    ]


def test_a_plan_shows_no_file_of_what_is_skipped_and_none_that_has_not_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent = group("/srv", "a", "b", "c")
    sent = replace(sent, reason=replace(Gathered.of(bytes([0, 5, 5])), left=1))
    left = replace(group("/srv", "d", "e"), reason=replace(Gathered.of(bytes([5, 5])), left=2))
    later = group("/srv", "f")
    plan = planned(PLACES, [sent, left, later])
    lines = drawn(capsys, lambda: write_plan(limited(plan, 2))).splitlines()

    assert [line.split(None, 3)[3] for line in lines[1:5]] == [
        f"{sent.path}  srv.pack.tar  3 files: 1 not sent yet, 2 unchanged; 1 no longer in it",
        "not sent yet",
        f"{left.path}  srv.pack.tar  2 files, unchanged; 2 no longer in it",
        f"{later.path}                left for a later run: limit = 2",
    ]
    assert lines[5] == "2 to send (50 B; 5 files in groups) to /vault, 1 to skip"


def test_with_several_destinations_files_of_a_pack_need_no_name_of_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    places = {"nas": Place("local", "/nas"), "vault": PLACE}
    lines = drawn(capsys, lambda: write_plan(planned(places, [group("/srv", "a", to="nas")]))).splitlines()

    assert [line.split() for line in lines[1:3]] == [
        ["send", "nas", "10", "B", group("/srv", "a").path, "srv.pack.tar", "1", "file,", "not", "sent", "yet"],
        ["10", "B", "/srv/a", "not", "sent", "yet"],
    ]
    assert lines[3] == "1 to send (10 B; 1 file in groups) to nas, /nas, 0 to skip"


def test_json_has_the_files_of_a_pack(capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(PLACES, [skip("/srv/0"), *PACKED])
    results = (Result(skip("/srv/0")), Result(PACKED[0], "x", files=1), Result(PACKED[1], "y", files=1))
    summary = Summary(plan, results, 2, 0, 1, 30, files=2, counts={"main": Counts(2, 0, 1, 30, 2)})

    for value, files in ((plan_json(plan), 3), (summary_json(summary), 2)):
        shown = json.loads(drawn(capsys, partial(write_json, value)))
        assert [one["files"] for one in shown["plan"]] == [
            None,
            [
                {"path": "/srv/photos/2020/a.jpg", "bytes": 10, "reason": "not sent yet", "key": None},
                {"path": "/srv/photos/b\n.jpg", "bytes": 10, "reason": "not sent yet", "key": None},
            ],
            [{"path": "/srv/photos/c.jpg", "bytes": 10, "reason": "renamed, was /srv/photos/d.jpg", "key": None}],
        ]
        assert shown["summary"]["files"] == shown["summary"]["destinations"]["main"]["files"] == files


def test_a_summary_says_how_many_files_went_in_packs(capsys: pytest.CaptureFixture[str]) -> None:
    results = [Result(PACKED[0], "key", files=1)]
    summary = Summary(planned(PLACES, PACKED[:1]), results, 1, 0, 0, 20, files=1)

    assert drawn(capsys, lambda: write_summary(summary, every_skip=False)).splitlines()[1:] == [
        f"sent  20 B  {PACKED[0].path}  photos.pack.tar, 1 file  key",
        "1 sent (20 B; 1 file in groups) to /vault, 0 failed, 0 skipped",
    ]


def test_a_plan_of_nothing_is_said_without_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, lambda: write_plan(planned(PLACES, ()))).splitlines() == [
        "0 to send (0 B) to /vault, 0 to skip",
        "dry run: nothing was sent, nothing was written",
    ]


SHOWN = r"""
import re, sys
from glacier_backup.cli.render import plan_json, write_json, write_plan
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import ExcludedBy
from glacier_backup.plan.backup import planned
from tests.plan.values import PLACES
plan = planned(PLACES, (Skip(f"/data/{number:0200}", "name", 0, ExcludedBy("x")) for number in range(int(sys.argv[2]))))
write_json(plan_json(plan)) if sys.argv[1] == "json" else write_plan(plan)
print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""


@pytest.mark.parametrize("form", ["json", "table"])
def test_showing_a_plan_takes_no_more_memory_for_a_longer_one(form: str) -> None:
    def peak(count: int) -> int:
        command = [sys.executable, "-c", SHOWN, form, str(count)]
        return int(subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr)

    assert peak(60_000) - peak(6 * TOGETHER) < 8 * 1024
