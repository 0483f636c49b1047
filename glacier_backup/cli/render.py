"""Plans, summaries and listings as tables for people and as JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from glacier_backup.cli.json_stream import Json as Json
from glacier_backup.cli.json_stream import write_json as write_json
from glacier_backup.cli.table import write_table as write_table
from glacier_backup.display import shown
from glacier_backup.units import format_amount, format_files, format_size, local_time, rfc3339

if TYPE_CHECKING:
    # For types alone: `--help` loads this module and shall not pay for the values.
    from rich.console import Console

    from glacier_backup.model.event import Counts, Result, Summary
    from glacier_backup.model.plan import BackupPlan, Decision, Share
    from glacier_backup.model.record import Listed


def error_console() -> Console:
    """Where progress is drawn."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def say(text: str) -> None:
    """One line for a person, on standard output."""
    sys.stdout.write(shown(text) + "\n")


def warn(text: str) -> None:
    """One line that needs a person, on standard error."""
    sys.stderr.write(f"glacier-backup: {shown(text)}\n")


def plan_json(plan: BackupPlan, grouping: Json = ()) -> Json:
    """The shape of ``backup --dryrun --json``; documented in docs/json.md. ``grouping`` is what it saves."""
    return {
        **_destinations_json(plan),
        "plan": (_decision_json(decision) for decision in plan.decisions),
        "summary": {
            "planned": plan.uploads,
            "sent": 0,
            "failed": 0,
            "skipped": plan.skips,
            "expired": plan.expiries,
            "bytes": plan.bytes,
            "files": plan.files,
            "importable": plan.importable,
            "unfinished": plan.unfinished,
            "destinations": {name: _share_json(plan.share(name)) for name in plan.places},
            "grouping": grouping,
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
            "expired": summary.expired,
            "bytes": summary.bytes,
            "files": summary.files,
            "destinations": {name: _count_json(summary.count(name)) for name in summary.plan.places},
        },
        "warnings": iter(summary.warnings),
    }


def _destinations_json(plan: BackupPlan) -> dict[str, Json]:
    places: dict[str, Json] = {name: str(place) for name, place in plan.places.items()}
    # The only one under its old name, too.
    return {"destination": next(iter(places.values())) if len(places) == 1 else None, "destinations": places}


def _share_json(share: Share) -> dict[str, Json]:
    counts = {
        "planned": share.uploads,
        "sent": 0,
        "failed": 0,
        "skipped": share.skips,
        "expired": share.expiries,
    }
    return {**counts, "bytes": share.bytes, "files": share.files}


def _count_json(count: Counts) -> dict[str, Json]:
    return {
        "planned": count.sent + count.failed,
        "sent": count.sent,
        "failed": count.failed,
        "skipped": count.skipped,
        "expired": count.expired,
        "bytes": count.bytes,
        "files": count.files,
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
        "key": _key(decision) or None,
        "files": None if decision.contents is None else _files_json(decision),
    }


def _files_json(decision: Decision) -> Iterator[Json]:
    from glacier_backup.plan.grouping import files_of

    for file in files_of(decision):
        yield {"path": file.path, "bytes": file.size, "reason": file.reason, "key": file.key or None}


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


def write_plan(plan: BackupPlan, remarks: Iterable[str] = ()) -> None:
    """The plan as a table, what it adds up to, and what else there is to say of it."""
    several = len(plan.places) > 1
    columns: tuple[str, ...] = ("", "size", "path", "archive", "why")
    if several:
        columns = ("", "to", *columns[1:])
    write_table(columns, _plan_rows(plan.decisions, several=several), right=("size",))
    if several:
        for name, place in plan.places.items():
            share = plan.share(name)
            amount = format_amount(share.bytes, share.files)
            left = _left(share.skips, share.expiries)
            say(f"{share.uploads} to send ({amount}) to {name}, {place}, {left}")
        say(f"{plan.uploads} to send in all, {_left(plan.skips, plan.expiries)}")
    else:
        amount, left = format_amount(plan.bytes, plan.files), _left(plan.skips, plan.expiries)
        say(f"{plan.uploads} to send ({amount}) to {_only(plan)}, {left}")
    if plan.importable:
        say(f"a run would first take over the record of {plan.importable} archives sent by glacier_backup 1.2")
    if plan.unfinished:
        say(f"unfinished uploads of an earlier run: {plan.unfinished}; a run would go on with them or remove them")
    for remark in remarks:
        say(remark)
    say("dry run: nothing was sent, nothing was written")


def _left(skips: int, expiries: int) -> str:
    """What is to be done with all that isn't sent."""
    return f"{skips} to skip" + (f", {expiries} to put away" if expiries else "")


def _plan_rows(decisions: Iterable[Decision], *, several: bool) -> Iterator[tuple[str, ...]]:
    """One for each decision, and below that of a group that is sent one for each file that it is sent for."""
    from glacier_backup.plan.grouping import files_of

    for decision in decisions:
        row = _plan_row(decision)
        yield _addressed(decision, row) if several else row
        for file in files_of(decision) if decision.action == "upload" else ():
            if file.unchanged:
                # There may be a hundred thousand around the one that has changed; the row above has counted them.
                continue
            row = ("", format_size(file.size), f"  {file.path}", file.key, file.reason)
            yield ("", *row) if several else row


_VERBS = {"upload": "send", "skip": "skip", "expire": "put away"}


def _plan_row(decision: Decision) -> tuple[str, ...]:
    sends = decision.action == "upload"
    return (
        _VERBS[decision.action],
        format_size(decision.bytes) if sends or decision.bytes else "",
        decision.path,
        (_key(decision) or decision.name) if sends else "",
        _why(decision),
    )


def _key(decision: Decision) -> str:
    """What filters have made of its name; empty where they haven't."""
    return decision.candidate.key if decision.action == "upload" else ""


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
        say(_counts(summary, _only(plan)))
        return
    for name, place in plan.places.items():
        say(_counts(summary.count(name), f"{name}, {place}"))
    away = _put_away(summary)
    say(f"{summary.sent} sent in all, {summary.failed} failed, {summary.skipped} skipped{away}")


def _counts(count: Counts | Summary, to: str) -> str:
    amount = format_amount(count.bytes, count.files)
    return f"{count.sent} sent ({amount}) to {to}, {count.failed} failed, {count.skipped} skipped{_put_away(count)}"


def _put_away(count: Counts | Summary) -> str:
    return f", {count.expired} put away" if count.expired else ""


def _result_row(result: Result) -> tuple[str, ...]:
    decision = result.decision
    if result.locator is not None:
        name = f"{decision.name}, {format_files(result.files)}" if result.files else decision.name
        return ("sent", format_size(decision.bytes), decision.path, name, result.locator)
    why = result.error if result.error is not None else str(decision.reason)
    outcome = "put away" if result.outcome == "expired" else result.outcome
    return (outcome, "", decision.path, decision.name, why)


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
