"""What ``prune`` and ``delete`` have in common: show the plan, let a person confirm it, carry it out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common
from glacier_backup.errors import Interrupted, UsageError

if TYPE_CHECKING:
    # For types alone: `--help` loads this module and shall not pay for the values.
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.event import Event
    from glacier_backup.model.prices import Prices
    from glacier_backup.model.retention import RemovalEvent, RemovalListener, RemovalPlan, RemovalSummary

PlanOf = Callable[["Catalog"], "RemovalPlan"]


class Work(NamedTuple):
    """One command line of the two."""

    settings: Settings
    catalog: str
    """Its path."""
    arguments: argparse.Namespace
    prices: Prices
    plan_of: PlanOf
    """What is to be removed, as the catalog stands."""
    needs_yes: bool
    """Whether nothing is removed without a person's word."""


def add_removal_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of both."""
    add_common(parser)
    add_catalog(parser)
    parser.add_argument(
        "-d", "--dryrun", "--dry-run", action="store_true", help="show what would be deleted, and delete nothing"
    )
    parser.add_argument("--yes", action="store_true", help="don't ask")
    parser.add_argument(
        "--accept-fee", action="store_true", help="go on although archives are deleted before their least term is over"
    )


def run_removal(work: Work) -> int:
    """Plan, show, confirm, carry out; the exit code.

    A person reads the plan for as long as it takes, without the lock: nightly backups go on. So under the lock it is
    made anew, and only carried out if it is still the same.
    """
    from glacier_backup.catalog.catalog import Catalog

    arguments, agreed = work.arguments, None
    asks = not arguments.yes and not arguments.dryrun and _somebody_is_here()
    if work.needs_yes and not (asks or arguments.yes or arguments.dryrun):
        raise UsageError("nobody is here to confirm what is to be deleted", hint="add --yes")
    if arguments.dryrun or asks:
        with Catalog.peek(work.catalog) as catalog:
            plan = work.plan_of(catalog)
            _show_plan(plan, work, asks=asks)
            if arguments.dryrun or not plan.removals:
                return 0
            _check_fee(plan, work)
        _confirm(plan)
        agreed = plan.mark
    return _under_the_lock(work, agreed)


def _somebody_is_here() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _under_the_lock(work: Work, agreed: str | None) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.reading import open_reading
    from glacier_backup.cli.wiring import copy_catalog
    from glacier_backup.interrupt import StopRequest, listening
    from glacier_backup.lock import RunLock
    from glacier_backup.workflow.removing.remove import Remover, carry_out

    with ExitStack() as stack:
        stop = stack.enter_context(listening(StopRequest()))
        tell = stack.enter_context(_listener(work))
        stack.enter_context(RunLock(work.catalog))
        catalog = stack.enter_context(Catalog.open(work.catalog))
        try:
            with stop.at_once():
                plan = work.plan_of(catalog)
        except Interrupted:
            raise Interrupted("interrupted: nothing was deleted") from None
        if agreed not in (None, plan.mark):
            raise UsageError(
                "the catalog has changed since the plan was shown: nothing was deleted", hint="look at the new plan"
            )
        if agreed is None:
            _check_fee(plan, work)
        destination_of = open_reading(work.settings, _only_of_removals(tell), stack)
        summary = carry_out(plan, Remover(catalog, destination_of, tell, stop))
        if work.catalog == work.settings.catalog:
            with suppress(Interrupted):  # then the next run does it
                copy_catalog(work.settings, catalog, _only_of_removals(tell), stop)
    # What was done is done, whether it can be shown or not.
    with suppress(OSError):
        _show_summary(summary, work, shown_already=agreed is not None)
    return summary.exit_code


def _only_of_removals(tell: RemovalListener) -> Callable[[Event], None]:
    """What destinations have to say is told, too."""
    from glacier_backup.model.event import Waiting, Warned

    def listen(event: Event) -> None:
        if isinstance(event, Waiting | Warned):
            tell(event)

    return listen


@contextmanager
def _listener(work: Work) -> Iterator[RemovalListener]:
    from glacier_backup.cli.wiring import Told
    from glacier_backup.report.removals import removal_log

    with ExitStack() as stack:
        listeners: list[RemovalListener] = [_complain]
        if work.settings.logfile is not None:
            try:
                listeners.append(stack.enter_context(removal_log(work.settings.logfile)))
            except OSError as error:
                render.warn(f"the log file {work.settings.logfile} can't be written: {error.strerror}; going on")
        # Destinations tell of waiting from threads of their own.
        yield stack.enter_context(closing(Told(listeners)))


def _complain(event: RemovalEvent) -> None:
    """What needs a person is said at once, under cron too."""
    from glacier_backup.cli.removal_output import archives
    from glacier_backup.model.event import Warned
    from glacier_backup.model.retention import NotRemoved, PlaceFailed
    from glacier_backup.units import local_time

    match event:
        case NotRemoved(removal, error, hint):
            about = f"{removal.path} of {local_time(removal.time)} not deleted: {error}"
            render.warn(about + (f"; {hint}" if hint else ""))
        case PlaceFailed(place, error, hint, left):
            about = f"{place}: {archives(left)} not deleted: {error}"
            render.warn(about + (f"; {hint}" if hint else ""))
        case Warned(message, lasting=False):
            render.warn(message)
        case _:
            pass


def _check_fee(plan: RemovalPlan, work: Work) -> None:
    """Raise UsageError where deleting is charged and nobody has said that it may be."""
    if plan.is_charged and not work.arguments.accept_fee:
        from glacier_backup.cli.removal_output import fee

        later = "--free-only deletes only what costs nothing; " if hasattr(work.arguments, "free_only") else ""
        raise UsageError(
            f"deleting now is charged: {fee(plan, work.prices)}",
            hint=f"nothing was deleted; {later}--accept-fee deletes all the same",
        )


def _confirm(plan: RemovalPlan) -> None:
    """Let a person type it. Raises UsageError for anything else."""
    from glacier_backup.cli.removal_output import archives

    wanted = f"delete {archives(len(plan.removals))}"
    sys.stderr.write(f"type `{wanted}` to do so: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != wanted:
        raise UsageError("not confirmed: nothing was deleted")


def _show_plan(plan: RemovalPlan, work: Work, *, asks: bool) -> None:
    from glacier_backup.cli import removal_output

    if not work.arguments.json:
        removal_output.write_plan(plan, work.prices)
        if not asks:
            render.say("dry run: nothing was deleted")
    elif asks:
        # Standard output is for the one value that tells how it ended.
        render.warn(removal_output.total(plan, work.prices))
    else:
        render.write_json(removal_output.plan_json(plan, work.prices))


def _show_summary(summary: RemovalSummary, work: Work, *, shown_already: bool) -> None:
    from glacier_backup.cli import removal_output

    arguments = work.arguments
    if arguments.json:
        render.write_json(removal_output.summary_json(summary, work.prices))
    elif arguments.verbose or (sys.stdout.isatty() and not arguments.quiet):
        removal_output.write_summary(summary, work.prices, every=not shown_already)
    elif summary.exit_code == 130:
        render.warn(removal_output.counts(summary))
