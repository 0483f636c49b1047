"""What a dry run says of putting small files together: what it saves, and which size would be the right one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.cli.json_stream import Json
from glacier_backup.model.tree_sizes import TreeSizes
from glacier_backup.plan.saving import Saving, Tariff, saved, suggested
from glacier_backup.units import format_files, format_size

if TYPE_CHECKING:
    from glacier_backup.config.settings import DestinationSettings, Settings
    from glacier_backup.model.plan import BackupPlan
    from glacier_backup.model.prices import Prices


class TreeSaving(NamedTuple):
    """Of one section, at one destination."""

    sizes: TreeSizes
    destination: str
    tariff: Tariff | None
    now: Saving | None
    """What is in force saves; None where nothing is."""
    better: Saving | None
    """What would save more."""


def savings(plan: BackupPlan, settings: Settings) -> list[TreeSaving]:
    """Of each section and destination where there is anything to say. Raises ConfigError for a price table that is of
    no use."""
    sections = [one for one in plan.trees if any(one.sizes)]
    if not sections:
        return []
    from glacier_backup.config.prices import SHIPPED, read_prices

    prices = read_prices(settings.prices or SHIPPED)
    found = [
        _saving(sizes, name, _tariff(settings.destination(name), prices))
        for sizes in sections
        for name in sizes.destinations
    ]
    return [one for one in found if one.now is not None or one.better is not None]


def _saving(sizes: TreeSizes, destination: str, tariff: Tariff | None) -> TreeSaving:
    return TreeSaving(sizes, destination, tariff, saved(sizes, tariff), suggested(sizes, tariff))


def _tariff(one: DestinationSettings, prices: Prices) -> Tariff | None:
    """None where nothing is known of what it charges."""
    if one.kind != "s3" or (one.endpoint_url is not None and prices.shipped):
        return None
    return Tariff(prices, one.storage_class)


def savings_json(found: Iterable[TreeSaving]) -> Json:
    """``summary.grouping`` of ``backup --dryrun --json``; documented in docs/json.md."""
    return [
        {
            "section": one.sizes.section,
            "destination": one.destination,
            "files": sum(sized.files for sized in one.sizes.sizes),
            "now": None if one.now is None else _json(one.now),
            "suggested": None if one.better is None else _json(one.better),
            "currency": None if one.tariff is None else one.tariff.prices.currency,
            "prices_of": None if one.tariff is None else one.tariff.prices.date,
        }
        for one in found
    ]


def _json(saving: Saving) -> dict[str, Json]:
    return {
        "group_files_smaller_than": saving.below,
        "small_files": saving.files,
        "groups": saving.groups,
        "overhead_bytes_saved": saving.overhead,
        "saved_a_month": saving.month,
        "saved_once": saving.once,
    }


def savings_lines(found: Iterable[TreeSaving], *, several: bool) -> Iterator[str]:
    """The same for a person; ``several`` destinations are told by their names."""
    for one in found:
        where = f"{one.sizes.section} to {one.destination}" if several else one.sizes.section
        if one.now is not None:
            yield f"{where}: {_said(one.now, one.tariff)}"
        if one.better is not None:
            with_it = f"group_files_smaller_than = {format_size(one.better.below).replace('.0 ', ' ')}"
            yield f"{where}: with {with_it} there would be about {_said(one.better, one.tariff)}"


def _said(saving: Saving, tariff: Tariff | None) -> str:
    zips = f"{saving.groups:,} {'ZIP' if saving.groups == 1 else 'ZIPs'}"
    text = f"{format_files(saving.files)} smaller than {format_size(saving.below)} in {zips}"
    if tariff is None or saving.objects <= 0:
        return text
    less = [f"{format_size(saving.overhead)} of overhead"] if saving.overhead else []
    if saving.month is None or saving.once is None:
        return f"{text}; what that saves can't be told without a price of {tariff.storage_class}"
    say = tariff.prices.say
    less += [f"{say(saving.month)} a month", f"{say(saving.once)} of requests once"]
    return f"{text}, which saves {', '.join(less)} (prices of {tariff.prices.date})"
