"""What is to be deleted, and what was, as tables for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.cli import render
from glacier_backup.cli.render import Json
from glacier_backup.model.prices import Prices
from glacier_backup.model.retention import (
    NotRemoved,
    Removal,
    RemovalPlan,
    RemovalShare,
    RemovalSummary,
    Removed,
    Retained,
)
from glacier_backup.units import format_size, local_time, rfc3339


def write_plan(plan: RemovalPlan, prices: Prices) -> None:
    """Every archive that is to go, and why; those that stay where they were asked for; and what it adds up to."""
    _write_removals(plan, prices)
    if plan.retained:
        rows = (("keep", local_time(one.time), one.path, *_at(one, plan), one.why) for one in plan.retained)
        render.write_table(("", "of", "path", *_where(plan), "why"), rows)
    render.say(total(plan, prices))
    for line in _remarks(plan):
        render.say(line)


def total(plan: RemovalPlan, prices: Prices) -> str:
    """What it adds up to, in a line."""
    stay = f"{plan.kept} stay{'s' if plan.kept == 1 else ''}"
    charged = f"; {fee(plan, prices)}" if plan.is_charged else ""
    return f"{archives(len(plan.removals))} to delete ({format_size(plan.bytes)}), {stay}{charged}"


def _write_removals(plan: RemovalPlan, prices: Prices) -> None:
    columns = ("", "of", "frees", "charge", "path", *_where(plan), "why")
    rows = (
        ("delete", local_time(one.time), _size(one), _charge(one, prices), one.path, *_at(one, plan), one.why)
        for one in plan.removals
    )
    render.write_table(columns, rows, right=("frees", "charge"))


def _where(plan: RemovalPlan) -> tuple[str, ...]:
    return ("at",) if len(plan.places) > 1 else ()


def _at(one: Removal | Retained, plan: RemovalPlan) -> tuple[str, ...]:
    return (str(plan.places[one.place_id]),) if len(plan.places) > 1 else ()


def _size(one: Removal) -> str:
    return "?" if one.bytes is None else format_size(one.bytes)


def _charge(one: Removal, prices: Prices) -> str:
    if one.charge.until is None:
        return ""
    amount = "?" if one.charge.amount is None else prices.say(one.charge.amount)
    return f"{amount} until {local_time(one.charge.until)[:10]}"


def archives(count: int) -> str:
    """``1 archive``."""
    return f"{count} archive{'' if count == 1 else 's'}"


def fee(plan: RemovalPlan, prices: Prices) -> str:
    """What is charged for deleting before the least term is over, and until when."""
    unknown = f"{archives(plan.unpriced)} for which no price is known"
    amount = prices.say(plan.charge) if plan.charge else ""
    what = " and ".join(filter(None, (amount, unknown if plan.unpriced else "")))
    until = "" if plan.charged_until is None else f", nothing from {local_time(plan.charged_until)[:10]} on"
    return f"{what} for the rest of the least terms (prices of {prices.date}){until}"


def _remarks(plan: RemovalPlan) -> Iterator[str]:
    if plan.deferred:
        yield f"{plan.deferred} of those that stay would be charged now, and go when that is over"
    if plan.mixed:
        packs = "1 pack that stays holds" if plan.mixed == 1 else f"{plan.mixed} packs that stay hold"
        yield f"{packs} {format_size(plan.history)} that no rule keeps: a pack goes when none of its files is kept"
    if plan.unruled:
        yield f"{plan.unruled} of those that stay belong to no section with a keep_ rule"
    if plan.elsewhere:
        yield f"{plan.elsewhere} of those that stay were sent by other machines"
    for share in plan.shares.values():
        yield from _of_versions(share)


def _of_versions(share: RemovalShare) -> Iterator[str]:
    """A bucket may keep what is deleted."""
    if share.place.kind != "s3":
        return
    if share.versions:
        yield f"{share.place}: {share.versions} of them name their version, and are gone for good then"
    if share.count > share.versions:
        yield (
            f"{share.place}: if it keeps versions, what is deleted stays as an older version, and is paid for, until "
            "the bucket's own rule removes it"
        )


def counts(summary: RemovalSummary) -> str:
    """What was done, in a line."""
    done = f"{archives(summary.removed)} deleted ({format_size(summary.bytes)}), {summary.failed} not"
    left = len(summary.plan.removals) - summary.removed - summary.failed
    return f"interrupted: {done}, {left} left; run it again" if summary.exit_code == 130 else done


def write_summary(summary: RemovalSummary, prices: Prices, *, every: bool) -> None:
    """What was done; with ``every`` each archive."""
    if every:
        rows = (
            (
                "deleted" if isinstance(one, Removed) else "failed",
                local_time(one.removal.time),
                _size(one.removal),
                one.removal.path,
                *_at(one.removal, summary.plan),
                one.removal.why if isinstance(one, Removed) else one.error,
            )
            for one in summary.results
        )
        columns = ("", "of", "frees", "path", *_where(summary.plan), "why, or why not")
        render.write_table(columns, rows, right=("frees",))
    render.say(counts(summary))
    if every:
        for line in _remarks(summary.plan):
            render.say(line)


def plan_json(plan: RemovalPlan, prices: Prices) -> Json:
    """The shape of ``prune`` and ``delete --dryrun --json``; documented in docs/json.md."""
    return {
        "plan": (_removal_json(one, plan) for one in plan.removals),
        "kept": (_retained_json(one, plan) for one in plan.retained),
        "summary": _summary_json(plan, prices, removed=0, failed=0, freed=0),
    }


def summary_json(summary: RemovalSummary, prices: Prices) -> Json:
    """The shape of ``prune`` and ``delete --json``; documented in docs/json.md."""
    return {
        "plan": (_result_json(one, summary.plan) for one in summary.results),
        "kept": (_retained_json(one, summary.plan) for one in summary.plan.retained),
        "summary": _summary_json(
            summary.plan, prices, removed=summary.removed, failed=summary.failed, freed=summary.bytes
        ),
    }


def _removal_json(one: Removal, plan: RemovalPlan) -> dict[str, Json]:
    until = one.charge.until
    return {
        "path": one.path,
        "name": one.name,
        "time": rfc3339(one.time),
        "destination": str(plan.places[one.place_id]),
        "locators": list(one.locators),
        "bytes": one.bytes,
        "reason": one.why,
        "charge": one.charge.amount,
        "charged_until": None if until is None else rfc3339(until),
    }


def _result_json(one: Removed | NotRemoved, plan: RemovalPlan) -> dict[str, Json]:
    error = one.error if isinstance(one, NotRemoved) else None
    return {**_removal_json(one.removal, plan), "result": "failed" if error else "deleted", "error": error}


def _retained_json(one: Retained, plan: RemovalPlan) -> dict[str, Json]:
    return {
        "path": one.path,
        "name": one.name,
        "time": rfc3339(one.time),
        "destination": str(plan.places[one.place_id]),
        "bytes": one.bytes,
        "reason": one.why,
    }


def _summary_json(plan: RemovalPlan, prices: Prices, *, removed: int, failed: int, freed: int) -> dict[str, Json]:
    until = plan.charged_until
    return {
        "planned": len(plan.removals),
        "deleted": removed,
        "failed": failed,
        "kept": plan.kept,
        "packs_with_history": plan.mixed,
        "history_bytes": plan.history,
        "planned_bytes": plan.bytes,
        "bytes": freed,
        "charge": round(plan.charge, 6),
        "unpriced": plan.unpriced,
        "charged_until": None if until is None else rfc3339(until),
        "currency": prices.currency,
        "prices_of": prices.date,
    }
