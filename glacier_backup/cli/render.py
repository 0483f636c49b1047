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
    from rich.table import Table

    from glacier_backup.model.event import Result, Summary
    from glacier_backup.model.plan import BackupPlan, Decision
    from glacier_backup.model.record import Listed

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None

UNBROKEN = 10_000
"""Columns of an output that is no terminal: every row is one line, whatever reads it."""


def console(*, stderr: bool = False) -> Console:
    """Where people read: coloured and folded on a terminal, plain lines elsewhere."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() else UNBROKEN,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not stream.isatty(),
    )


def write_json(value: Json) -> None:
    """One JSON value on standard output. Bytes of paths that are not UTF-8 are lone surrogates (``\\udcXX``)."""
    json.dump(value, sys.stdout, indent=2)
    sys.stdout.write("\n")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table on standard output; ``right`` names the columns of numbers."""
    out = console()
    table = _table(out.is_terminal)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as plain:
        out.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in plain.get().splitlines())


def _table(is_terminal: bool) -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD if is_terminal else None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))


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
    locator = None if result.record is None else result.record.receipts[0].locator
    return {"result": result.outcome, "locator": locator, "error": result.error}


def listed_json(listed: Listed) -> Json:
    """The shape of one element of ``list --json``; documented in docs/json.md."""
    return {
        "path": listed.path,
        "name": listed.name,
        "bytes": listed.bytes,
        "stored_bytes": listed.stored_bytes,
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
    if result.record is not None:
        return ("sent", format_size(decision.bytes), decision.path, decision.name, result.record.receipts[0].locator)
    why = result.error if result.error is not None else str(decision.reason)
    return (result.outcome, "", decision.path, decision.name, why)


def write_listing(listing: Iterable[Listed]) -> None:
    """The archives in the catalog as a table."""
    rows = (
        (
            local_time(one.sent_at),
            format_size(one.stored_bytes or one.bytes) + (" incomplete" if one.problems else ""),
            one.path,
            one.name,
            one.destination,
            one.locator,
        )
        for one in listing
    )
    write_table(("sent", "size", "path", "archive", "destination", "locator"), rows, right=("size",))
