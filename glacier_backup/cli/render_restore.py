"""What a restore would bring back and what it costs, and how far one is, as tables for people and as JSON for
scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from glacier_backup.cli.render import Json, say
from glacier_backup.cli.table import write_table
from glacier_backup.model.place import Place
from glacier_backup.model.prices import Prices
from glacier_backup.model.reading_event import RestoreSummary
from glacier_backup.model.restore import ItemRecord, RestoreItem
from glacier_backup.model.thaw import Tier
from glacier_backup.plan.cost import Load, Loads, TierCost
from glacier_backup.plan.restore import Entry, RestorePlan
from glacier_backup.units import format_size, local_time, rfc3339


def write_entries(plan: RestorePlan) -> None:
    """What comes back, whence and whither."""
    rows = (
        (
            "" if entry.choice.bytes is None else format_size(entry.choice.bytes),
            entry.choice.called,
            local_time(entry.choice.time),
            f"id:{entry.choice.archive}",
            str(plan.places[entry.choice.place_id]),
            entry.to,
            entry.choice.remark,
        )
        for entry in plan.entries
    )
    write_table(("size", "path", "sent", "id", "from", "to", ""), rows, right=("size",))


def write_sums(plan: RestorePlan, tiers: Sequence[TierCost], tier: Tier, prices: Prices) -> None:
    """What it adds up to, and what each tier costs; the one that was asked for is marked."""
    hot, count = plan.loads.hot, len(plan.entries)
    say(f"{count} to bring back, {format_size(plan.bytes)}{_out_of_packs(plan)}")
    if hot.volumes:
        say(f"readable at once: {_volumes(hot)}, {format_size(hot.read)} to fetch")
    if plan.unsized:
        say(f"{plan.unsized} more volumes, of which nobody knows how large they are, are in no sum")
    write_costs(plan.loads, tiers, tier, prices)
    for note in plan.notes:
        say(note)


def _out_of_packs(plan: RestorePlan) -> str:
    if not plan.grouped:
        return ""
    packs = "a pack" if plan.groups == 1 else f"{plan.groups} packs"
    if plan.grouped == len(plan.entries):
        return f", out of {packs}"
    return f", {plan.grouped} of them out of {packs}"


def write_costs(loads: Loads, tiers: Sequence[TierCost], tier: Tier, prices: Prices) -> None:
    """What each tier costs, where anything does."""
    if loads.cold.volumes:
        write_table(("", "tier", "volumes", "thawed", "requests", "readable after", "cost"), _rows(tiers, tier, prices))
    elif any(one.total or one.unknown for one in tiers):
        say(f"cost: {_cost(tiers[0], prices)}")
    if any(shelf.price_class for shelf in loads.by_shelf):
        say(f"prices in {prices.currency}, {prices.region}, of {prices.date}; transfer to the internet is included")


def _rows(tiers: Iterable[TierCost], tier: Tier, prices: Prices) -> Iterator[tuple[str, ...]]:
    for one in tiers:
        mark = "→" if one.tier == tier else ""
        if one.not_offered_by:
            where = ", ".join(map(str, one.not_offered_by))
            yield (mark, one.tier, "", "", "", "", f"not offered for {where}")
        else:
            counts = (str(one.volumes), format_size(one.bytes), str(one.requests))
            yield (mark, one.tier, *counts, str(one.hours or ""), _cost(one, prices))


def _cost(one: TierCost, prices: Prices) -> str:
    unknown = f"no price known of {', '.join(one.unknown)}" if one.unknown else ""
    if not unknown:
        return prices.say(one.total)
    return f"{prices.say(one.total)} and more: {unknown}" if one.total else unknown


def _volumes(load: Load) -> str:
    return "1 volume" if load.volumes == 1 else f"{load.volumes} volumes"


def plan_json(plan: RestorePlan, tiers: Sequence[TierCost], prices: Prices) -> dict[str, Json]:
    """The shape of ``restore --plan --json``; documented in docs/json.md."""
    return {
        "plan": (_entry_json(entry, plan.places) for entry in plan.entries),
        "tiers": [_tier_json(one) for one in tiers],
        "prices": {"date": prices.date, "currency": prices.currency, "region": prices.region},
        "summary": {
            "items": len(plan.entries),
            "in_packs": plan.grouped,
            "packs": plan.groups,
            "bytes": plan.bytes,
            "hot": _load_json(plan.loads.hot),
            "cold": _load_json(plan.loads.cold),
            "unsized": plan.unsized,
            "refused": plan.refused,
        },
        "notes": list(plan.notes),
    }


def _entry_json(entry: Entry, places: Mapping[int, Place]) -> Json:
    choice = entry.choice
    return {
        "archive": choice.archive,
        "path": choice.path if choice.stream is None else choice.stream.dataset,
        "snapshot": None if choice.stream is None else choice.stream.span.to,
        "host": choice.host,
        "time": rfc3339(choice.time),
        "destination": str(places[choice.place_id]),
        "bytes": choice.bytes,
        "member": choice.member,
        "to": entry.to,
        "remark": choice.remark or None,
    }


def _load_json(load: Load) -> Json:
    return {"volumes": load.volumes, "fetched": load.read, "thawed": load.thawed, "requests": load.requests}


def _tier_json(one: TierCost) -> Json:
    return {
        "tier": one.tier,
        "offered": not one.not_offered_by,
        "hours": [one.hours.least, one.hours.most] if one.hours else None,
        "cost": {
            "retrieval": _amount(one.retrieval),
            "requests": _amount(one.asking),
            "copy": _amount(one.copy),
            "transfer": _amount(one.transfer),
            "total": _amount(one.total),
        },
        "unknown": list(one.unknown),
    }


def _amount(amount: float) -> float:
    return round(float(amount), 6)


def summary_json(summary: RestoreSummary, items: Iterable[ItemRecord], target: str) -> dict[str, Json]:
    """The shape of ``restore --json``; documented in docs/json.md."""
    return {
        "restore": summary.restore,
        "target": target,
        "items": (
            {
                "archive": one.item.archive,
                "member": one.item.member,
                "to": one.item.to,
                "files": _files(one.item) or None,
                "state": one.state,
                "cause": one.cause,
            }
            for one in items
        ),
        "summary": {
            "counts": {state: count for state, count in summary.counts.items() if count},
            "fetched": summary.fetched,
            "expected": None if summary.expected is None else rfc3339(summary.expected),
            "exit_code": summary.exit_code,
        },
    }


def write_progress(summary: RestoreSummary, items: Iterable[ItemRecord], target: str) -> None:
    """How far it is. What comes out of a pack is one item, however many files that are: so these are told, too."""
    files: Counter[str] = Counter()
    for one in items:
        files[one.state] += _files(one.item)
    words = {"restored": "received"} if summary.purpose == "receive" else {}
    each = ((words.get(state, state), files[state], count) for state, count in summary.counts.items() if count)
    counts = ", ".join(f"{count} {word}{_of_files(of_files)}" for word, of_files, count in each)
    say(f"{target}: {counts or 'nothing to do'}; {format_size(summary.fetched)} fetched by this run")


def _files(item: RestoreItem) -> int:
    """Of a pack, that an item is made of; 0 for all else."""
    return sum(last - first + 1 for first, last in item.numbers)


def _of_files(count: int) -> str:
    return f" (with {count} file{'' if count == 1 else 's'} out of packs)" if count else ""


def still_thawing(summary: RestoreSummary) -> str:
    """The one line that a person is told while there is something to wait for."""
    count = summary.count("requested", "thawing", "planned")
    when = f", expected {local_time(summary.expected)}" if summary.expected is not None else ""
    return f"still thawing: {count} of {sum(summary.counts.values())}{when}; run the same command again then"
