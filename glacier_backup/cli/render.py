"""Plans, summaries and listings as tables for people and as JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from glacier_backup.display import shown
from glacier_backup.units import format_size, local_time, rfc3339

if TYPE_CHECKING:
    # For types alone: `--help` loads this module and shall not pay for the values.
    from rich.console import Console

    from glacier_backup.model.event import Result, Summary
    from glacier_backup.model.plan import BackupPlan, Decision
    from glacier_backup.model.record import Listed

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None

UNBROKEN = 100_000
"""Columns of a table: every row is one line, whatever reads it."""


def error_console() -> Console:
    """Where progress is drawn."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def write_json(value: Json) -> None:
    """One JSON value on standard output. Bytes of paths that are not UTF-8 are lone surrogates (``\\udcXX``)."""
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on standard output, one line a row; ``right`` names the columns of numbers.

    Nothing is folded to the width of the terminal: an archive id that is folded in a column can't be copied.
    """
    from rich.console import Console
    from rich.table import Table

    out = Console(width=UNBROKEN, markup=False, highlight=False, emoji=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(shown, row))
    with out.capture() as drawn:
        out.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())


def say(text: str) -> None:
    """One line for a person, on standard output."""
    sys.stdout.write(shown(text) + "\n")


def warn(text: str) -> None:
    """One line that needs a person, on standard error."""
    sys.stderr.write(f"glacier-backup: {shown(text)}\n")


def plan_json(plan: BackupPlan) -> Json:
    """The shape of ``backup --dryrun --json``; documented in docs/json.md."""
    summary = {
        "planned": len(plan.uploads),
        "sent": 0,
        "failed": 0,
        "skipped": len(plan.skips),
        "bytes": plan.bytes,
        "importable": plan.importable,
    }
    return {"destination": str(plan.place), "plan": [_decision_json(one) for one in plan.decisions], "summary": summary}


def summary_json(summary: Summary) -> Json:
    """The shape of ``backup --json``; documented in docs/json.md."""
    counts = {
        "planned": len(summary.sent) + len(summary.failed),
        "sent": len(summary.sent),
        "failed": len(summary.failed),
        "skipped": len(summary.skipped),
        "bytes": summary.bytes,
    }
    return {
        "destination": str(summary.plan.place),
        "plan": [_decision_json(result.decision) | _result_json(result) for result in summary.results],
        "summary": counts,
        "warnings": list(summary.warnings),
    }


def _decision_json(decision: Decision) -> dict[str, Json]:
    return {
        "path": decision.path,
        "name": decision.name,
        "bytes": decision.bytes,
        "action": decision.action,
        "reason": str(decision.reason),
    }


def _result_json(result: Result) -> dict[str, Json]:
    return {"result": result.outcome, "locator": result.locator, "error": result.error}


def listed_json(listed: Listed) -> Json:
    """The shape of one element of ``list --json``; documented in docs/json.md."""
    foreign = listed.sha256_tree is None
    return {
        "path": listed.path,
        "name": listed.name,
        "bytes": None if foreign else listed.bytes,
        "stored_bytes": None if foreign else listed.stored_bytes,
        "destination": listed.destination,
        "locator": listed.locator,
        "sha256_tree": listed.sha256_tree,
        "sent_at": rfc3339(listed.sent_at),
        "incomplete": listed.problems > 0,
        "changed_while_read": listed.changed_while_read,
    }


def write_plan(plan: BackupPlan) -> None:
    """The plan as a table, and what it adds up to."""
    if plan.decisions:
        rows = (_plan_row(decision) for decision in plan.decisions)
        write_table(("", "size", "path", "archive", "why"), rows, right=("size",))
    say(f"{len(plan.uploads)} to send ({format_size(plan.bytes)}) to {plan.place}, {len(plan.skips)} to skip")
    if plan.importable:
        say(f"a run would first take over the record of {plan.importable} archives sent by glacier_backup 1.2")
    say("dry run: nothing was sent, nothing was written")


def _plan_row(decision: Decision) -> tuple[str, ...]:
    sends = decision.action == "upload"
    return (
        "send" if sends else "skip",
        format_size(decision.bytes) if sends or decision.bytes else "",
        decision.path,
        decision.name if sends else "",
        str(decision.reason),
    )


def write_summary(summary: Summary, *, every_skip: bool) -> None:
    """What was sent and where, what failed and why, and what that adds up to."""
    rows = [_result_row(result) for result in summary.results if every_skip or result.outcome != "skipped"]
    if rows:
        write_table(("", "size", "path", "archive", "where, or why not"), rows, right=("size",))
    skips = Counter(str(type(result.decision.reason).__name__) for result in summary.skipped)
    say(
        f"{len(summary.sent)} sent ({format_size(summary.bytes)}) to {summary.plan.place}, "
        f"{len(summary.failed)} failed, {skips.total()} skipped"
    )


def _result_row(result: Result) -> tuple[str, ...]:
    decision = result.decision
    if result.locator is not None:
        return ("sent", format_size(decision.bytes), decision.path, decision.name, result.locator)
    why = result.error if result.error is not None else str(decision.reason)
    return (result.outcome, "", decision.path, decision.name, why)


def write_listing(listing: Iterable[Listed]) -> None:
    """The archives in the catalog as a table."""
    rows = (
        (
            local_time(one.sent_at),
            "" if one.sha256_tree is None else format_size(one.stored_bytes),
            "incomplete" if one.problems else "changed while read" if one.changed_while_read else "",
            one.path,
            one.name,
            one.destination,
            one.locator,
        )
        for one in listing
    )
    write_table(("sent", "size", "", "path", "archive", "destination", "locator"), rows, right=("size",))
