"""``glacier-backup thaw``: what is being made readable, without bringing it back."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common, add_selection, add_thawing

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.reading_event import ReadingListener
    from glacier_backup.model.restore import RestoreRecord
    from glacier_backup.workflow.restoring.tools import RestoreTools

EXAMPLE = """\
  glacier-backup thaw list --refresh
  glacier-backup thaw request ~/photos --tier standard
  glacier-backup thaw cancel 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:

    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    show = actions.add_parser(
        "list",
        help="show what was asked for",
        description="Show what was asked to be thawed, until when it is readable, and which restores wait for it.",
    )
    show.add_argument("--refresh", action="store_true", help="ask the destinations how it stands now")
    request = actions.add_parser(
        "request",
        help="have something thawed",
        description="Have something thawed now, to restore it later. Exit code 75 while it isn't readable.",
    )
    add_selection(request)
    add_thawing(request)
    cancel = actions.add_parser(
        "cancel",
        help="give a restore up",
        description="Forget a restore that waits, and what of it is half back. What was asked to be thawed is paid all "
        "the same, for nobody can take that back.",
    )
    cancel.add_argument(
        "restore", nargs="?", type=int, metavar="NUMBER", help="of the restore, as list shows it; default: the only one"
    )
    for one in (show, request, cancel):
        add_common(one)
        add_catalog(one)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.reading import load_for_reading

    settings, path = load_for_reading(arguments)
    reads_only = arguments.action == "list" and not arguments.refresh
    with (Catalog.peek if reads_only else Catalog.open)(path) as catalog:
        match arguments.action:
            case "list":
                return _list(settings, catalog, arguments)
            case "request":
                return _request(settings, catalog, arguments)
            case _:
                return _cancel(settings, catalog, arguments)


def _list(settings: Settings, catalog: Catalog, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import render_thaw
    from glacier_backup.cli.selection import prices_of
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.workflow.thaw import forget_old_thaws, refresh_thaws

    if arguments.refresh:
        with ExitStack() as stack:
            stop = stack.enter_context(listening(StopRequest("what was asked for is noted")))
            tools, tell = _tools(settings, catalog, arguments, stack)
            refresh_thaws(tools, tell, stop)
            forget_old_thaws(catalog)
    waiting = render_thaw.Waiting(catalog, prices_of(settings))
    if arguments.json:
        render.write_json(waiting.as_json())
    elif not waiting.write() and not arguments.quiet:
        render.say("nothing is being thawed, and no restore waits")
    return 0


def _request(settings: Settings, catalog: Catalog, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import render_thaw
    from glacier_backup.cli.selection import place_id, prices_of, selection
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.model.restore import Wish
    from glacier_backup.plan.cost import check_affordable, check_offered, costs
    from glacier_backup.workflow.thaw import request_thaws

    prices = prices_of(settings)
    place = None if arguments.from_ is None else place_id(arguments.from_, settings, catalog)
    wanted = selection(catalog, arguments.what, arguments.at, place, with_deleted=arguments.with_deleted)
    plan = wanted.plan(catalog)
    cost = next(one for one in costs(plan.loads, prices, arguments.days) if one.tier == arguments.tier)
    check_offered(cost)
    check_affordable(cost, arguments.max_cost, prices)
    wish = Wish("verify", "", (), tier=arguments.tier, days=arguments.days)
    with ExitStack() as stack:
        stop = stack.enter_context(listening(StopRequest("what was asked for is noted")))
        tools, tell = _tools(settings, catalog, arguments, stack)
        summary = request_thaws(wish, plan.items, tools, tell, stop)
    if arguments.json:
        render.write_json(render_thaw.request_json(summary))
    elif not arguments.quiet:
        render.say(render_thaw.requested(summary))
    return summary.exit_code


def _cancel(settings: Settings, catalog: Catalog, arguments: argparse.Namespace) -> int:
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.workflow.restore import forget_restore

    record = _chosen(catalog, arguments.restore)
    with ExitStack() as stack:
        stack.enter_context(listening(StopRequest("what was asked for is noted")))
        tools, _ = _tools(settings, catalog, arguments, stack)
        forget_restore(record, tools)
    if arguments.json:
        render.write_json({"cancelled": record.id})
    elif not arguments.quiet:
        render.say(
            f"restore {record.id} is forgotten; what it brought back stays, and what was asked to be thawed for it is "
            "paid all the same: a later restore uses it as long as it is readable"
        )
    return 0


def _chosen(catalog: Catalog, number: int | None) -> RestoreRecord:
    """Raises UsageError where there is none of that number, or where the only one isn't the only one."""
    from glacier_backup.errors import UsageError

    waiting = [record for record in catalog.restores() if record.ended_at is None]
    chosen = [record for record in waiting if number in (None, record.id)]
    if len(chosen) == 1:
        return chosen[0]
    if not waiting:
        raise UsageError("no restore waits")
    numbers = ", ".join(str(record.id) for record in waiting)
    said = "which one?" if number is None else f"no restore {number} waits"
    raise UsageError(said, hint=f"those that do: {numbers}; glacier-backup thaw list says more")


def _tools(
    settings: Settings, catalog: Catalog, arguments: argparse.Namespace, stack: ExitStack
) -> tuple[RestoreTools, ReadingListener]:
    from glacier_backup.cli.bringing import restore_tools
    from glacier_backup.cli.telling import listeners
    from glacier_backup.cli.wiring import Told

    tell = stack.enter_context(closing(Told(listeners(arguments))))
    return restore_tools(settings, catalog, tell, stack), tell
