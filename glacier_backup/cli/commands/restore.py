"""``glacier-backup restore``: bring back what was sent."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common, add_keys, add_selection, add_thawing

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.selection import Selection
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.prices import Prices
    from glacier_backup.model.reading_event import RestoreSummary
    from glacier_backup.model.restore import Wish
    from glacier_backup.plan.cost import Loads, TierCost
    from glacier_backup.plan.restore import RestorePlan

OVERWRITE = "replace files that are there, and give directories another name (NAME~TIME); else all is kept, and said"
TO = (
    "the directory that all goes into, made where its folder exists; of datasets of ZFS also POOL/NAME, to receive them"
)
EXAMPLE = """\
  glacier-backup restore --plan                               show what there is to bring back, and what that costs
  glacier-backup restore ~/photos --to /mnt/new               the newest archive of it, in /mnt/new/photos
  glacier-backup restore photos.tar:2019/img_0001.jpg --to .  one file out of it
  glacier-backup restore --at "3 weeks ago" --to /mnt/new     everything as it was then
  glacier-backup restore zfs:tank/photos --to tank/again      a dataset, by zfs receive
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    add_selection(parser)
    parser.add_argument("--to", metavar="DIR", help=TO)
    add_thawing(parser)
    parser.add_argument("--wait", action="store_true", help="wait, hours or days, until all is thawed and back")
    parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)
    parser.add_argument("--plan", action="store_true", help="show the plan and what it costs, and do nothing")
    add_keys(parser)
    add_catalog(parser)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.reading import load_for_reading
    from glacier_backup.cli.selection import place_id, selection
    from glacier_backup.errors import UsageError

    if not arguments.to and not arguments.plan:
        raise UsageError("where to? expected --to DIR", hint="--plan alone shows what there is to bring back")
    settings, path = load_for_reading(arguments)
    # Where there is none, none is made: `catalog rebuild` begins with a copy only where there is none.
    only_looks = arguments.plan or not os.path.exists(path)
    with (Catalog.peek if only_looks else Catalog.open)(path) as catalog:
        place = None if arguments.from_ is None else place_id(arguments.from_, settings, catalog)
        wanted = selection(catalog, arguments.what, arguments.at, place, with_deleted=arguments.with_deleted)
        target = _target(catalog, wanted, arguments)
        if arguments.plan:
            return _show_plan(settings, catalog, wanted, target, arguments)
        return _restore(settings, catalog, wanted, target, arguments)


def _target(catalog: Catalog, wanted: Selection, arguments: argparse.Namespace) -> str | None:
    """The dataset that is received into; None where it is a directory, or none is named."""
    from glacier_backup.cli.receiver import dataset_target
    from glacier_backup.errors import UsageError

    target = dataset_target(arguments.to or "", catalog, wanted.terms)
    if target is not None and arguments.overwrite:
        raise UsageError(
            "a dataset that is there is never overwritten",
            hint="name one with --to that isn't there yet: it is made; or destroy the other yourself before",
        )
    return target


def _planned(catalog: Catalog, wanted: Selection, target: str | None) -> RestorePlan:
    return wanted.plan(catalog) if target is None else wanted.plan_receive(catalog, target)


def _show_plan(
    settings: Settings, catalog: Catalog, wanted: Selection, target: str | None, arguments: argparse.Namespace
) -> int:
    from glacier_backup.cli import render_restore
    from glacier_backup.cli.selection import prices_of

    plan, prices = _planned(catalog, wanted, target), prices_of(settings)
    tiers = _costs(plan.loads, prices, arguments)
    if arguments.json:
        render.write_json(render_restore.plan_json(plan, tiers, prices))
        return 0
    render_restore.write_entries(plan)
    render_restore.write_sums(plan, tiers, arguments.tier, prices)
    render.say("plan: nothing was asked for, nothing was written")
    return 0


def _restore(
    settings: Settings, catalog: Catalog, wanted: Selection, target: str | None, arguments: argparse.Namespace
) -> int:
    from glacier_backup.cli.bringing import make_target

    place = "" if wanted.place_id is None else str(dict(catalog.places())[wanted.place_id])
    wish = _wish(wanted, place, target, arguments)
    earlier = catalog.restore_like(wish)
    plan = None
    if earlier is None or earlier.ended_at is not None:
        plan = _planned(catalog, wanted, target)
        _check(plan, settings, arguments)
        if target is None:
            make_target(wish.target, plan)
    elif earlier.wish.tier != wish.tier:
        _check_rest(catalog, earlier.id, settings, arguments)
    summary = _run(settings, catalog, wish, plan, arguments)
    # What was done is done, whether it can be shown or not.
    with suppress(OSError):
        _show(catalog, summary, wish, arguments)
    # Nothing is all back as long as some of it has no name to come back under.
    return summary.exit_code or int(plan is not None and plan.refused > 0)


def _check(plan: RestorePlan, settings: Settings, arguments: argparse.Namespace) -> None:
    """Refuse what can't be had or costs too much, before anything is paid. Who is looking is told what it costs."""
    from glacier_backup.cli import render_restore
    from glacier_backup.cli.selection import prices_of
    from glacier_backup.plan.cost import check_affordable

    prices = prices_of(settings)
    tiers = _costs(plan.loads, prices, arguments)
    check_affordable(next(one for one in tiers if one.tier == arguments.tier), arguments.max_cost, prices)
    if not arguments.json and _is_watched(arguments):
        render_restore.write_sums(plan, tiers, arguments.tier, prices)
    else:
        for note in plan.notes:
            render.warn(note)


def _check_rest(catalog: Catalog, restore: int, settings: Settings, arguments: argparse.Namespace) -> None:
    """The same of what is left of a restore that is under way, when it is to go on in another tier."""
    from glacier_backup.cli.selection import prices_of
    from glacier_backup.model.restore import ENDED
    from glacier_backup.plan.cost import check_affordable
    from glacier_backup.plan.sums import loads_of

    prices = prices_of(settings)
    left = (one.item for one in catalog.items(restore) if one.state not in ENDED)
    tiers = _costs(loads_of(catalog, left), prices, arguments)
    check_affordable(next(one for one in tiers if one.tier == arguments.tier), arguments.max_cost, prices)


def _costs(loads: Loads, prices: Prices, arguments: argparse.Namespace) -> tuple[TierCost, ...]:
    """For each tier; raises UsageError where the one that is asked for isn't offered."""
    from glacier_backup.plan.cost import check_offered, costs

    tiers = costs(loads, prices, arguments.days)
    check_offered(next(one for one in tiers if one.tier == arguments.tier))
    return tiers


def _wish(wanted: Selection, place: str, target: str | None, arguments: argparse.Namespace) -> Wish:
    from glacier_backup.model.restore import Wish

    return Wish(
        "restore" if target is None else "receive",
        target or os.path.abspath(os.path.expanduser(arguments.to)),
        wanted.texts,
        wanted.at_text,
        arguments.tier,
        arguments.days,
        arguments.overwrite,
        place,
    )


def _run(
    settings: Settings, catalog: Catalog, wish: Wish, plan: RestorePlan | None, arguments: argparse.Namespace
) -> RestoreSummary:
    from glacier_backup.cli.bringing import restore_tools
    from glacier_backup.cli.keys import keys_of
    from glacier_backup.cli.telling import listeners_with_bars
    from glacier_backup.cli.wiring import Told
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.workflow.restore import run_restore

    with ExitStack() as stack:
        stop = stack.enter_context(listening(StopRequest("what has come back is kept")))
        told = stack.enter_context(listeners_with_bars(arguments))
        tell = stack.enter_context(closing(Told(told)))
        tools = restore_tools(settings, catalog, tell, stack, keys_of(settings, arguments))
        items = () if plan is None else plan.items
        return run_restore(wish, items, tools, tell, stop, wait=arguments.wait)


def _show(catalog: Catalog, summary: RestoreSummary, wish: Wish, arguments: argparse.Namespace) -> None:
    from glacier_backup.cli import render_restore

    if arguments.json:
        items = catalog.items(summary.restore)
        render.write_json(render_restore.summary_json(summary, items, wish.target))
        return
    # What isn't right may have been named days ago, by the run that found it.
    if _is_watched(arguments) or summary.exit_code in (1, 5):
        render_restore.write_progress(summary, catalog.items(summary.restore), wish.target)
    if summary.exit_code == 75 and not arguments.quiet:
        render.say(render_restore.still_thawing(summary))


def _is_watched(arguments: argparse.Namespace) -> bool:
    return bool(arguments.verbose or (sys.stdout.isatty() and not arguments.quiet))
