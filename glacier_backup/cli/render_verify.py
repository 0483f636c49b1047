"""What a verification has brought to light, for people and as JSON for scripts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from glacier_backup.cli.render import Json, say, warn, write_json
from glacier_backup.cli.render_restore import still_thawing, write_costs
from glacier_backup.cli.table import write_table
from glacier_backup.model.finding import Finding, PlaceReport, Rung, VerifyReport
from glacier_backup.model.prices import Prices
from glacier_backup.model.reading_event import RestoreSummary
from glacier_backup.plan.cost import TierCost, costs
from glacier_backup.plan.verified import Verified
from glacier_backup.units import format_size, local_time, rfc3339
from glacier_backup.workflow.verifying.verify_bytes import BytesPlan

_SHOWN = 20
"""Findings of one kind that are named."""

_HEADS = {
    "catalog": "the catalog is damaged",
    "missing": "missing",
    "other_size": "of another size",
    "other_checksum": "of another checksum",
    "damaged": "damaged",
    "manifest": "with a manifest that isn't its own",
    "unsure": "not verified",
    "unknown": "in no catalog",
    "duplicate": "there twice",
    "stored_after_all": "stored after all",
    "given_up": "not stored after all",
    "in_doubt": "in doubt",
    "mended": "mended",
}

_GOOD_NEWS = ("stored_after_all",)
"""What needs nobody."""


def show(
    report: VerifyReport, summary: RestoreSummary | None, rungs: Sequence[Rung], arguments: argparse.Namespace
) -> None:
    """What needs a person goes to standard error, under cron too; all else is said to whoever is looking."""
    watched = bool(arguments.verbose or (sys.stdout.isatty() and not arguments.quiet))
    _warn_of(report.findings, None if arguments.verbose else _SHOWN, watched=watched)
    for place in report.places:
        if place.error is not None:
            warn(f"{place.place}: {place.error}")
    if arguments.json:
        write_json(_json(report, summary, rungs))
        return
    if watched:
        for place in report.places:
            if place.error is None and not place.waiting:
                say(_line(place))
        if summary is not None:
            counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count)
            say(f"{counts or 'nothing to read'}; {format_size(summary.fetched)} read by this run")
        if "catalog" in rungs and not any(one.kind == "catalog" for one in report.findings):
            say("the catalog agrees with itself")
    if arguments.quiet:
        return
    for place in report.places:
        if place.waiting:
            say(f"{place.place}: the inventory is being made, which takes about four hours; run again later")
    if summary is not None and summary.exit_code == 75:
        say(still_thawing(summary))


def show_cost(plan: BytesPlan, prices: Prices, arguments: argparse.Namespace) -> None:
    """What reading costs, in each tier."""
    tiers = costs(plan.loads, prices, arguments.days)
    if arguments.json:
        if arguments.plan:
            write_json(_plan_json(plan, tiers, prices))
        return
    how = "in full" if arguments.sample is None else "in part"
    say(f"{len(plan.items):,} archives are read {how}: {format_size(plan.bytes)}")
    if plan.unsized:
        say(f"{plan.unsized} volumes more, of which nobody knows how large they are, are in no sum")
    write_costs(plan.loads, tiers, arguments.tier, prices)


def show_status(places: Mapping[str, Verified], *, as_json: bool) -> None:
    """How much was verified, and when, by place."""
    if as_json:
        write_json([_status_json(place, one) for place, one in places.items()])
        return
    columns = ("place", "volumes", "size", "30 days", "90 days", "a year", "never", "oldest", "latest", "damaged")
    right = ("volumes", "size", "30 days", "90 days", "a year", "never", "damaged")
    write_table(columns, (_status_row(place, one) for place, one in places.items()), right=right)


def _status_row(place: str, one: Verified) -> tuple[str, ...]:
    shares = [f"{100 * part / one.bytes:.0f} %" if one.bytes else "" for part in (*one.within, one.never_bytes)]
    times = ["" if time is None else local_time(time) for time in (one.oldest, one.latest)]
    return (place, f"{one.volumes:,}", format_size(one.bytes), *shares, *times, f"{one.damaged:,}")


def _status_json(place: str, one: Verified) -> Json:
    return {
        "place": place,
        "volumes": one.volumes,
        "bytes": one.bytes,
        "damaged": one.damaged,
        "verified_bytes": dict(zip(("30_days", "90_days", "365_days"), one.within, strict=True)),
        "never": one.never,
        "never_bytes": one.never_bytes,
        "oldest": None if one.oldest is None else rfc3339(one.oldest),
        "latest": None if one.latest is None else rfc3339(one.latest),
    }


def _line(place: PlaceReport) -> str:
    parts = [f"{place.right:,} of {place.volumes:,} volumes are right ({format_size(place.bytes)})"]
    parts.append(f"{place.proven:,} by their checksum" if place.proven else "by size alone")
    for count, what in (
        (place.recent, "too recent for its inventory"),
        (place.replaced, "replaced by newer ones under the same key"),
        (place.unknown, "in no catalog"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    if place.foreign:
        parts.append(f"{place.foreign:,} objects ({format_size(place.foreign_bytes)}) are nothing of ours")
    return f"{place.place}: " + ", ".join(parts)


def _warn_of(findings: Iterable[Finding], most: int | None, *, watched: bool) -> None:
    counts: dict[str, int] = {}
    again = 0
    for one in findings:
        again += one.sent_again
        if one.kind in _GOOD_NEWS and not watched:
            continue
        counts[one.kind] = counts.get(one.kind, 0) + 1
        if most is None or counts[one.kind] <= most:
            _warn(one)
    for kind, count in counts.items():
        if most is not None and count > most:
            warn(f"{count - most:,} more {_HEADS[kind]} (--verbose names all)")
    if again:
        warn(f"{again:,} of these the next run sends again, as far as they are still configured and still there")


def _warn(one: Finding) -> None:
    about = one.path or one.locator or one.place
    when = f" of {local_time(one.time)}" if one.time is not None else ""
    where = f" at {one.place}" if one.place else ""
    warn(
        f"{_HEADS[one.kind]}: {about}{when}{where}: {one.what}"
        if one.kind != "catalog"
        else f"{_HEADS['catalog']}: {one.what}"
    )
    for member in one.members:
        warn(f"  hit: {member}")
    if one.cure:
        warn(f"  {one.cure}")


def _plan_json(plan: BytesPlan, tiers: Sequence[TierCost], prices: Prices) -> dict[str, Json]:
    return {
        "items": len(plan.items),
        "bytes": plan.bytes,
        "unsized": plan.unsized,
        "tiers": [
            {
                "tier": one.tier,
                "offered": not one.not_offered_by,
                "hours": [one.hours.least, one.hours.most] if one.hours else None,
                "total": f"{one.total:.6f}",
                "unknown": list(one.unknown),
            }
            for one in tiers
        ],
        "prices": {"date": prices.date, "currency": prices.currency, "region": prices.region},
    }


def _json(report: VerifyReport, summary: RestoreSummary | None, rungs: Sequence[Rung]) -> dict[str, Json]:
    return {
        "rungs": list(rungs),
        "places": [_place_json(place) for place in report.places],
        "findings": _findings_json(report.findings),
        "read": None
        if summary is None
        else {
            "counts": {state: count for state, count in summary.counts.items() if count},
            "fetched": summary.fetched,
            "expected": None if summary.expected is None else rfc3339(summary.expected),
        },
        "exit_code": report.exit_code,
    }


def _findings_json(findings: Iterable[Finding]) -> Iterator[Json]:
    for one in findings:
        yield {
            "kind": one.kind,
            "damage": one.is_damage,
            "what": one.what,
            "place": one.place or None,
            "path": one.path,
            "locator": one.locator,
            "archive": one.archive,
            "time": None if one.time is None else rfc3339(one.time),
            "cure": one.cure,
            "members": list(one.members),
            "sent_again": one.sent_again,
        }


def _place_json(place: PlaceReport) -> Json:
    return {
        "place": place.place,
        "waiting": place.waiting,
        "error": place.error,
        "volumes": place.volumes,
        "bytes": place.bytes,
        "right": place.right,
        "proven": place.proven,
        "recent": place.recent,
        "replaced": place.replaced,
        "unknown": place.unknown,
        "foreign": place.foreign,
        "foreign_bytes": place.foreign_bytes,
    }
