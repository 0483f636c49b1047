"""Plans, summaries and listings as tables for people and as JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from glacier_backup.cli.table import write_table as write_table
from glacier_backup.display import shown
from glacier_backup.units import format_size, local_time, rfc3339

if TYPE_CHECKING:
    # For types alone: `--help` loads this module and shall not pay for the values.
    from rich.console import Console

    from glacier_backup.model.event import Counts, Result, Summary
    from glacier_backup.model.plan import BackupPlan, Decision, Share
    from glacier_backup.model.record import Listed

Json = Mapping[str, "Json"] | Sequence["Json"] | Iterator["Json"] | str | int | float | bool | None

_ENCODER = json.JSONEncoder(indent=2)


def error_console() -> Console:
    """Where progress is drawn."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def write_json(value: Json) -> None:
    """One JSON value on standard output. An iterator, or those that an object has as its values, are written as lists
    while they are read.

    Bytes of paths that are not UTF-8 are lone surrogates (``\\udcXX``).
    """
    sys.stdout.writelines(_object(value) if isinstance(value, dict) else _value(value, "\n"))
    sys.stdout.write("\n")


def _object(value: Mapping[str, Json]) -> Iterator[str]:
    between = "{"
    for key, item in value.items():
        yield f"{between}\n  {json.dumps(key)}: "
        yield from _value(item, "\n  ")
        between = ","
    yield "\n}" if value else "{}"


def _value(value: Json, margin: str) -> Iterator[str]:
    """What ``json.dump`` writes with an indent of 2, where ``margin`` is a line's end and the next one's beginning."""
    if not isinstance(value, Iterator):
        yield _ENCODER.encode(value).replace("\n", margin)
        return
    between, inner = "[", f"{margin}  "
    for item in value:
        yield between + inner + _ENCODER.encode(item).replace("\n", inner)
        between = ","
    yield "[]" if between == "[" else f"{margin}]"


def say(text: str) -> None:
    """One line for a person, on standard output."""
    sys.stdout.write(shown(text) + "\n")


def warn(text: str) -> None:
    """One line that needs a person, on standard error."""
    sys.stderr.write(f"glacier-backup: {shown(text)}\n")


def plan_json(plan: BackupPlan) -> Json:
    """The shape of ``backup --dryrun --json``; documented in docs/json.md."""
    return {
        **_destinations_json(plan),
        "plan": (_decision_json(decision) for decision in plan.decisions),
        "summary": {
            "planned": plan.uploads,
            "sent": 0,
            "failed": 0,
            "skipped": plan.skips,
            "bytes": plan.bytes,
            "importable": plan.importable,
            "unfinished": plan.unfinished,
            "destinations": {name: _share_json(plan.share(name)) for name in plan.places},
        },
    }


def summary_json(summary: Summary) -> Json:
    """The shape of ``backup --json``; documented in docs/json.md."""
    return {
        **_destinations_json(summary.plan),
        "plan": (_decision_json(result.decision) | _result_json(result) for result in summary.results),
        "summary": {
            "planned": summary.sent + summary.failed,
            "sent": summary.sent,
            "failed": summary.failed,
            "skipped": summary.skipped,
            "bytes": summary.bytes,
            "destinations": {name: _count_json(summary.count(name)) for name in summary.plan.places},
        },
        "warnings": iter(summary.warnings),
    }


def _destinations_json(plan: BackupPlan) -> dict[str, Json]:
    places: dict[str, Json] = {name: str(place) for name, place in plan.places.items()}
    # The only one under its old name, too.
    return {"destination": next(iter(places.values())) if len(places) == 1 else None, "destinations": places}


def _share_json(share: Share) -> dict[str, Json]:
    return {"planned": share.uploads, "sent": 0, "failed": 0, "skipped": share.skips, "bytes": share.bytes}


def _count_json(count: Counts) -> dict[str, Json]:
    return {
        "planned": count.sent + count.failed,
        "sent": count.sent,
        "failed": count.failed,
        "skipped": count.skipped,
        "bytes": count.bytes,
    }


def _decision_json(decision: Decision) -> dict[str, Json]:
    return {
        "path": decision.path,
        "name": decision.name,
        "bytes": decision.bytes,
        "action": decision.action,
        "reason": str(decision.reason),
        "destination": decision.to or None,
        "storage_class": decision.storage_class if decision.action == "upload" else None,
        "class_reason": decision.class_reason if decision.action == "upload" else None,
    }


def _result_json(result: Result) -> dict[str, Json]:
    return {"result": result.outcome, "locator": result.locator, "error": result.error}


def listed_json(listed: Listed) -> Json:
    """The shape of one element of ``list --json``; documented in docs/json.md."""
    # What is several objects has no tree hash of the whole, and a size.
    foreign = listed.sha256_tree is None and not listed.stored_bytes
    return {
        "id": listed.id,
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
        "damage": listed.damage,
    }


def write_plan(plan: BackupPlan) -> None:
    """The plan as a table, and what it adds up to."""
    several = len(plan.places) > 1
    columns: tuple[str, ...] = ("", "size", "path", "archive", "why")
    rows: Iterator[tuple[str, ...]] = map(_plan_row, plan.decisions)
    if several:
        columns = ("", "to", *columns[1:])
        rows = (_addressed(decision, _plan_row(decision)) for decision in plan.decisions)
    write_table(columns, rows, right=("size",))
    if several:
        for name, place in plan.places.items():
            share = plan.share(name)
            say(f"{share.uploads} to send ({format_size(share.bytes)}) to {name}, {place}, {share.skips} to skip")
        say(f"{plan.uploads} to send in all, {plan.skips} to skip")
    else:
        say(f"{plan.uploads} to send ({format_size(plan.bytes)}) to {_only(plan)}, {plan.skips} to skip")
    if plan.importable:
        say(f"a run would first take over the record of {plan.importable} archives sent by glacier_backup 1.2")
    if plan.unfinished:
        say(f"unfinished uploads of an earlier run: {plan.unfinished}; a run would go on with them or remove them")
    say("dry run: nothing was sent, nothing was written")


def _plan_row(decision: Decision) -> tuple[str, ...]:
    sends = decision.action == "upload"
    return (
        "send" if sends else "skip",
        format_size(decision.bytes) if sends or decision.bytes else "",
        decision.path,
        decision.name if sends else "",
        _why(decision),
    )


def _why(decision: Decision) -> str:
    if decision.action == "upload" and decision.class_reason is not None:
        return f"{decision.reason}; {decision.class_reason}"
    return str(decision.reason)


def _addressed(decision: Decision, row: tuple[str, ...]) -> tuple[str, ...]:
    """``row`` with the destination of ``decision`` behind its first column."""
    return (row[0], decision.to, *row[1:])


def _only(plan: BackupPlan) -> str:
    return ", ".join(map(str, plan.places.values()))


def write_summary(summary: Summary, *, every_skip: bool) -> None:
    """What was sent and where, what failed and why, and what that adds up to."""
    plan, several = summary.plan, len(summary.plan.places) > 1
    columns: tuple[str, ...] = ("", "size", "path", "archive", "where, or why not")
    shown_results = (result for result in summary.results if every_skip or result.outcome != "skipped")
    rows: Iterator[tuple[str, ...]] = map(_result_row, shown_results)
    if several:
        columns = ("", "to", *columns[1:])
        rows = (_addressed(result.decision, _result_row(result)) for result in shown_results)
    write_table(columns, rows, right=("size",))
    if not several:
        say(_counts(summary.sent, summary.bytes, _only(plan), summary.failed, summary.skipped))
        return
    for name, place in plan.places.items():
        count = summary.count(name)
        say(_counts(count.sent, count.bytes, f"{name}, {place}", count.failed, count.skipped))
    say(f"{summary.sent} sent in all, {summary.failed} failed, {summary.skipped} skipped")


def _counts(sent: int, size: int, to: str, failed: int, skipped: int) -> str:
    return f"{sent} sent ({format_size(size)}) to {to}, {failed} failed, {skipped} skipped"


def _result_row(result: Result) -> tuple[str, ...]:
    decision = result.decision
    if result.locator is not None:
        return ("sent", format_size(decision.bytes), decision.path, decision.name, result.locator)
    why = result.error if result.error is not None else str(decision.reason)
    return (result.outcome, "", decision.path, decision.name, why)


def remark_on(damaged: bool, problems: int, changed_while_read: bool) -> str:
    """The worst that is known of an archive, in a word for a table."""
    if damaged:
        return "damaged"
    return "incomplete" if problems else "changed while read" if changed_while_read else ""


def write_listing(listing: Iterable[Listed]) -> None:
    """The archives in the catalog as a table."""
    rows = (
        (
            local_time(one.sent_at),
            format_size(one.stored_bytes) if one.stored_bytes or one.sha256_tree is not None else "",
            remark_on(one.damage is not None, one.problems, one.changed_while_read),
            one.path,
            one.name,
            f"id:{one.id}",
            one.destination,
            one.locator,
        )
        for one in listing
    )
    write_table(("sent", "size", "", "path", "archive", "id", "destination", "locator"), rows, right=("size",))
