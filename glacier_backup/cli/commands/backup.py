"""``glacier-backup backup``, which is also ``glacier-backup`` with no verb."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_options, overrides
from glacier_backup.cli.dates import add_dates, with_dates
from glacier_backup.cli.loading import loading

if TYPE_CHECKING:
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.event import Event, Listener, Summary

EXAMPLE = """\
  glacier-backup -d                       show what would be sent, and why
  glacier-backup                          send it
  glacier-backup -p ~/dump.sql --limit 1  send one path in place of the configured ones
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "-d", "--dryrun", "--dry-run", action="store_true", help="show every candidate and why; send and write nothing"
    )
    parser.add_argument(
        "-p",
        "--path",
        nargs="*",
        action="extend",
        metavar="PATH",
        help="paths in place of the configured sections, each as itself, sent again when changed",
    )
    add_options(parser)
    parser.add_argument("--force", action="store_true", help="send what is already sent and unchanged, too")
    add_dates(parser)


def run(arguments: argparse.Namespace) -> int:
    with loading():
        from glacier_backup.config.load import load
        from glacier_backup.units import now

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, paths=arguments.path or ())
    today = now().astimezone().strftime("%Y%m%d")
    settings = with_dates(settings, arguments.from_date, arguments.to_date, today)
    for warning in settings.warnings:
        render.warn(warning)
    return _preview(settings, arguments) if arguments.dryrun else _run(settings, arguments)


def _preview(settings: Settings, arguments: argparse.Namespace) -> int:
    with loading():
        from glacier_backup.cli import wiring
        from glacier_backup.cli.savings import savings, savings_json, savings_lines

    plan = wiring.plan_backup(settings, force=arguments.force)
    saved = savings(plan, settings)
    if arguments.json:
        render.write_json(render.plan_json(plan, savings_json(saved)))
    else:
        render.write_plan(plan, savings_lines(saved, several=len(plan.places) > 1))
    return 1 if plan.troubles else 0


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    with loading():
        from glacier_backup.cli import wiring
        from glacier_backup.interrupt import StopRequest, listening

    with listening(StopRequest()) as stop, _listeners(settings, arguments) as listeners:
        summary = wiring.run_backup(settings, force=arguments.force, listeners=listeners, stop=stop)
    # What was done is done, whether it can be shown or not.
    with suppress(OSError):
        _show(settings, summary, arguments)
    return summary.exit_code


@contextmanager
def _listeners(settings: Settings, arguments: argparse.Namespace) -> Iterator[list[Listener]]:
    from glacier_backup.report.log import log_file

    with ExitStack() as stack:
        seen = sys.stderr.isatty() and not arguments.quiet
        several = len(settings.destinations) > 1
        listeners: list[Listener] = [partial(_complain, several=several)]
        if seen or arguments.verbose:
            listeners.append(partial(_comment, several=several))
        if settings.logfile is not None:
            try:
                listeners.append(stack.enter_context(log_file(settings.logfile, several=several)))
            except OSError as error:
                render.warn(f"the log file {settings.logfile} can't be written: {error.strerror}; going on without it")
        if seen:
            from glacier_backup.report.progress import progress_bars

            listeners.append(stack.enter_context(progress_bars(render.error_console())))
        yield listeners


def _complain(event: Event, *, several: bool) -> None:
    """What needs a person is said at once, under cron too."""
    from glacier_backup.model.event import ArchiveFailed, Imported, Warned

    match event:
        case Warned(message, lasting=False):
            render.warn(message)
        case ArchiveFailed(upload, error, hint, _):
            render.warn(f"{_about(upload.path, upload.to, several)}: {error}" + (f"; {hint}" if hint else ""))
        case Imported(source, count):
            render.warn(f"took over the record of {count} archives from {source}")
        case _:
            pass


def _comment(event: Event, *, several: bool) -> None:
    """What a person who is looking should know of earlier runs; cron's need not."""
    from glacier_backup.model.event import ArchiveFound, UploadAborted, UploadResumed, Warned
    from glacier_backup.units import local_time

    match event:
        case UploadAborted(path, why, to):
            render.warn(f"{_about(path, to, several)}: an unfinished upload was ended: {why}")
        case UploadResumed(path, begun, to):
            render.warn(f"{_about(path, to, several)}: going on with what was begun {local_time(begun)}")
        case ArchiveFound(path, locator, to):
            render.warn(f"{_about(path, to, several)}: an earlier run had stored it; recorded now: {locator}")
        case Warned(message, lasting=True):
            render.warn(message)
        case _:
            pass


def _about(path: str, to: str, several: bool) -> str:
    return f"{path} (to {to})" if several else path


def _show(settings: Settings, summary: Summary, arguments: argparse.Namespace) -> None:
    from glacier_backup.model.reason import AlreadySent, Unchanged

    if arguments.json:
        render.write_json(render.summary_json(summary))
    elif arguments.verbose or (sys.stdout.isatty() and not arguments.quiet):
        render.write_summary(summary, every_skip=arguments.verbose or bool(arguments.path))
    elif arguments.path and not arguments.quiet:
        for result in summary.results:
            if result.outcome == "skipped":
                skip = result.decision
                about = _about(skip.path, skip.to, bool(skip.to) and len(summary.plan.places) > 1)
                cure = "; --force sends it anyway" if isinstance(skip.reason, AlreadySent | Unchanged) else ""
                render.say(f"{about}: {skip.reason}{cure}")
    places = summary.plan.places
    for destination in settings.destinations:
        if destination.embedded and destination.name in places:
            what = "nothing" if len(places) == 1 else f"nothing that went to {destination.name}"
            note = f"{what} has left this machine: archives are in the local vault {destination.directory}"
            (render.warn if arguments.json else render.say)(note)
