"""What the rungs of ``verify`` are made of: settings and catalog in, findings and an exit code out."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli import render, render_verify
from glacier_backup.cli.keys import keys_of
from glacier_backup.cli.looking import complain, watching
from glacier_backup.cli.reading import open_reading
from glacier_backup.cli.sites import around, key_of
from glacier_backup.config.settings import Settings
from glacier_backup.errors import UsageError
from glacier_backup.interrupt import StopRequest, listening
from glacier_backup.model.finding import Finding, PlaceReport, Rung, VerifyReport
from glacier_backup.model.place import Place
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.scope import holding
from glacier_backup.plan.terms import Archives, Term
from glacier_backup.plan.verified import verified
from glacier_backup.spool import Spool
from glacier_backup.units import now
from glacier_backup.workflow.restoring.tools import POLL
from glacier_backup.workflow.verify import exit_code, verify_catalog, verify_places
from glacier_backup.workflow.verifying.site import Site
from glacier_backup.workflow.verifying.verify_bytes import (
    BytesPlan,
    findings,
    now_mended,
    plan_bytes,
    plan_repairs,
    repair_wish_of,
    under_way,
    wish_of,
)
from glacier_backup.workflow.verifying.verify_inventory import Look

if TYPE_CHECKING:
    from glacier_backup.model.reading_event import RestoreSummary
    from glacier_backup.model.restore import Wish

DAMAGED, INTERRUPTED = 5, 130
"""Exit codes (DESIGN, section 4)."""

GLANCE = 0.2
"""Seconds between two looks whether a stop was asked for."""


class Verifying:
    """One command."""

    def __init__(self, settings: Settings, catalog: Catalog, arguments: argparse.Namespace) -> None:
        """Raises UsageError for words that mean nothing that is stored."""
        self._settings = settings
        self._catalog = catalog
        self._arguments = arguments
        self._keys = keys_of(settings, arguments)
        terms = _terms(catalog, arguments.what)
        self._words = tuple(term.text for term in terms)
        self._wanted = tuple(filter_ for term in terms for filter_ in _filters(catalog, term))
        self._percent: float | None = arguments.sample

    def status(self) -> int:
        """How much was verified, and when."""
        places = dict(self._catalog.places())
        archives = (
            one for filter_ in self._wanted or (ArchiveFilter(),) for one in self._catalog.stored_archives(filter_)
        )
        found = {str(places[id_]): one for id_, one in verified(archives, now()).items()}
        render_verify.show_status(found, as_json=self._arguments.json)
        return 0

    def plan(self) -> int:
        """What reading would cost."""
        self._show_cost(self._planned())
        return 0

    def verify(self, rungs: Sequence[Rung]) -> int:
        """Carry out these rungs, the lowest first, and mend what can be if that is asked for."""
        found: Spool[Finding] = Spool()
        places: tuple[PlaceReport, ...] = ()
        summaries: list[RestoreSummary] = []
        with listening(StopRequest("what was found right is noted")) as stop:
            if "catalog" in rungs:
                verify_catalog(self._catalog, found.append)
            if "inventory" in rungs:
                places = self._look(found, stop)
            if "sample" in rungs or "full" in rungs:
                summaries.append(self._read(stop))
                for finding in findings(self._catalog, summaries[0].restore):
                    found.append(finding)
            if self._arguments.repair and not _ended(summaries):
                found = self._repair(found, summaries, stop)
        report = VerifyReport(places, found, _worst(exit_code(places, found), summaries))
        render_verify.show(report, summaries[0] if summaries else None, rungs, self._arguments)
        return report.exit_code

    def _repair(self, found: Spool[Finding], summaries: list[RestoreSummary], stop: StopRequest) -> Spool[Finding]:
        """What was found, after all was mended that can be."""
        wish = repair_wish_of(self._words, self._arguments.tier, self._arguments.days)
        plan = None
        if under_way(self._catalog, wish) is None:
            plan = plan_repairs(self._catalog, self._wanted)
            if not plan.items:
                return found
            self._refuse_too_dear(plan)
        summary = self._carry_out(wish, plan, stop)
        result: Spool[Finding] = Spool()
        known: set[tuple[int | None, str | None]] = set()
        for one in found:
            result.append(now_mended(self._catalog, one))
            known.add((one.archive, one.locator))
        for one in findings(self._catalog, summary.restore):
            if (one.archive, one.locator) not in known:
                result.append(one)
        # That something is damaged the findings say, as far as it still is.
        summaries[:] = [replace(one, exit_code=0) if one.exit_code == DAMAGED else one for one in (*summaries, summary)]
        return result

    def _look(self, found: Spool[Finding], stop: StopRequest) -> tuple[PlaceReport, ...]:
        with ExitStack() as stack:
            tell = stack.enter_context(watching(self._arguments))
            destination_of = open_reading(self._settings, complain, stack)
            known = around(self._settings)

            def site(place_id: int, place: Place) -> Site:
                return Site(place_id, place, destination_of(place), key_of(place), known)

            pause = partial(_pause, stop) if self._arguments.wait else None
            look = Look(self._catalog, found.append, tell, stop.check, self._wanted)
            return tuple(verify_places(look, site, pause))

    def _read(self, stop: StopRequest) -> RestoreSummary:
        wish = self._wish()
        plan = None
        if under_way(self._catalog, wish) is None:
            plan = self._planned()
            self._refuse_too_dear(plan)
        return self._carry_out(wish, plan, stop)

    def _carry_out(self, wish: Wish, plan: BytesPlan | None, stop: StopRequest) -> RestoreSummary:
        from glacier_backup.cli.bringing import restore_tools
        from glacier_backup.cli.telling import listeners_with_bars
        from glacier_backup.cli.wiring import Told
        from glacier_backup.workflow.restore import verify_items

        with ExitStack() as stack:
            told = stack.enter_context(listeners_with_bars(self._arguments))
            tell = stack.enter_context(closing(Told(told)))
            tools = restore_tools(self._settings, self._catalog, tell, stack, self._keys)
            items = () if plan is None else plan.items
            return verify_items(wish, items, tools, tell, stop, wait=self._arguments.wait)

    def _wish(self) -> Wish:
        return wish_of(self._words, self._percent, self._arguments.tier, self._arguments.days)

    def _planned(self) -> BytesPlan:
        plan = plan_bytes(self._catalog, self._wanted, self._percent, secrets.token_hex(8))
        if not plan.items:
            raise UsageError("nothing is stored yet, as far as this catalog knows", hint="so there is nothing to read")
        return plan

    def _refuse_too_dear(self, plan: BytesPlan) -> None:
        """Raises UsageError before anything is asked for. What it costs is shown before it is, unless a limit says
        that somebody has thought of that."""
        from glacier_backup.cli.selection import prices_of
        from glacier_backup.plan.cost import check_affordable, check_offered, costs

        prices = prices_of(self._settings)
        tiers = costs(plan.loads, prices, self._arguments.days)
        chosen = next(one for one in tiers if one.tier == self._arguments.tier)
        check_offered(chosen)
        check_affordable(chosen, self._arguments.max_cost, prices)
        unasked_for = bool(chosen.total or chosen.unknown) and self._arguments.max_cost is None
        if unasked_for and self._arguments.json:
            render.warn(f"reading this costs {prices.say(chosen.total)}, as far as prices are known")
        elif unasked_for or self._is_watched():
            self._show_cost(plan)

    def _show_cost(self, plan: BytesPlan) -> None:
        from glacier_backup.cli.selection import prices_of

        render_verify.show_cost(plan, prices_of(self._settings), self._arguments)

    def _is_watched(self) -> bool:
        return bool(self._arguments.verbose or (sys.stdout.isatty() and not self._arguments.quiet))


def _pause(stop: StopRequest) -> None:
    """Until it is worth another look."""
    until = time.monotonic() + POLL["standard"]
    while time.monotonic() < until:
        stop.check()
        time.sleep(GLANCE)


def _terms(catalog: Catalog, words: Sequence[str]) -> list[Term]:
    from glacier_backup.cli.selection import selection

    return list(selection(catalog, words, None).terms)


def _filters(catalog: Catalog, term: Term) -> Sequence[ArchiveFilter]:
    """The archives of all times; of what is inside one, the archive."""
    if isinstance(term, Archives):
        return holding(catalog, term.wanted)
    return [wanted for wanted, _ in term.of]


def _ended(summaries: Sequence[RestoreSummary]) -> bool:
    """Whether somebody wants it to stop, or it can't go on."""
    return any(one.exit_code == INTERRUPTED for one in summaries)


def _worst(code: int, summaries: Sequence[RestoreSummary]) -> int:
    """Damage before all else, then what ends the command, then what asks to be run again."""
    codes = [code, *(one.exit_code for one in summaries)]
    return next((one for one in (INTERRUPTED, DAMAGED, 2, 4, 75, 3, 1) if one in codes), 0)
