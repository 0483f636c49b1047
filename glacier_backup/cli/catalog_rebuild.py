"""``glacier-backup catalog rebuild``: a lost catalog, made anew from what destinations tell."""

from __future__ import annotations

import argparse
import os
from itertools import islice
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_keys, overrides

if TYPE_CHECKING:
    from glacier_backup.cli.rebuilding import Outcome
    from glacier_backup.model.rebuilding import RebuiltPlace, Refused

HELP = "make a lost catalog anew, from what destinations tell of their archives"
DESCRIPTION = (
    "Record what destinations have and the catalog doesn't know: first from the newest copy of a catalog that lies "
    "there or where catalog_copy says, if there is no catalog, then from names, descriptions and the manifests beside "
    "archives. Nothing is thawed but what alone tells hidden names, where there is a key to it; that, and a vault's "
    "inventory, takes hours, and until it is there this exits with 75, to be run again."
)
EXAMPLE = """\
  glacier-backup catalog rebuild
  glacier-backup catalog rebuild --from s3://my-backups/nas
"""

_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--from",
        dest="sources",
        nargs="+",
        action="extend",
        metavar="DESTINATION",
        help="names of the INI file, URLs or directories (default: every destination of the INI file)",
    )
    parser.add_argument(
        "--host", dest="hosts", nargs="+", action="extend", metavar="HOST", help="only what these machines have sent"
    )
    parser.add_argument(
        "--no-copy", action="store_true", help="do without copies of the catalog, and read all there is"
    )
    add_keys(parser)
    parser.add_argument(
        "--journal", metavar="FILE", help="a journal of mt-aws-glacier: names archives that have no description"
    )


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.looking import complain, watching
    from glacier_backup.cli.rebuilding import Rebuilding, rebuild, sources_of
    from glacier_backup.cli.sealed_catalogs import opening_of
    from glacier_backup.cli.sealed_manifests import SealedManifests
    from glacier_backup.config.load import load
    from glacier_backup.interrupt import StopRequest, listening

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    sources = sources_of(arguments.sources or (), settings, arguments.config, os.environ).destinations
    copied_to = () if arguments.sources else settings.copied_to
    hosts = frozenset(arguments.hosts or ())
    order = Rebuilding(
        settings,
        sources,
        copied_to,
        hosts,
        arguments.journal,
        use_copy=not arguments.no_copy,
        opening=opening_of(settings, arguments),
        opener=SealedManifests(settings, arguments),
    )
    with listening(StopRequest("what was found is recorded")) as stop, watching(arguments) as look:
        outcome = rebuild(order, complain, look, stop)
    _show(outcome, settings.catalog, arguments)
    return outcome.exit_code


def _show(outcome: Outcome, catalog: str, arguments: argparse.Namespace) -> None:
    for place in outcome.places:
        if place.error is not None:
            render.warn(f"{place.place}: {place.error}" + (f"; {place.hint}" if place.hint else ""))
    _warn_of(outcome, None if arguments.verbose else _SHOWN)
    if arguments.json:
        render.write_json(_json(outcome, catalog))
        return
    if arguments.quiet:
        return
    if outcome.copy is not None:
        render.say(f"{catalog} begins as the copy {outcome.copy}")
    for place in outcome.places:
        if place.waiting:
            render.say(f"{place.place}: the inventory is being made, which takes about four hours; run again later")
        elif place.error is None:
            render.say(_line(place))


def _line(place: RebuiltPlace) -> str:
    from glacier_backup.units import format_size

    parts = [f"{place.added:,} archives recorded", f"{place.known:,} were known already"]
    if place.of_other_hosts:
        parts.append(f"{place.of_other_hosts:,} are of other hosts")
    if place.thawing:
        parts.append(f"{place.thawing:,} hidden names are in manifests that are being thawed: run again later")
    if place.refused:
        parts.append(f"{place.refused:,} are left out")
    if place.foreign:
        parts.append(f"{place.foreign:,} objects ({format_size(place.foreign_bytes)}) are nothing of ours")
    if place.journaled_only:
        parts.append(f"{place.journaled_only:,} of the journal are not there")
    return f"{place.place}: " + ", ".join(parts)


def _warn_of(outcome: Outcome, most: int | None) -> None:
    for one in islice(outcome.refused, most):
        render.warn(f"left out: {one.locator}: {one.why}")
    if most is not None and len(outcome.refused) > most:
        render.warn(f"left out: {len(outcome.refused) - most:,} more (--verbose names all)")


def _json(outcome: Outcome, catalog: str) -> render.Json:
    return {
        "catalog": catalog,
        "copy": outcome.copy,
        "places": [_place_json(place) for place in outcome.places],
        "left_out": (_refused_json(one) for one in outcome.refused),
    }


def _place_json(place: RebuiltPlace) -> render.Json:
    return {
        "place": place.place,
        "waiting": place.waiting,
        "error": place.error,
        "thawing": place.thawing,
        "listed": place.listed,
        "added": place.added,
        "known": place.known,
        "of_other_hosts": place.of_other_hosts,
        "left_out": place.refused,
        "foreign": place.foreign,
        "foreign_bytes": place.foreign_bytes,
        "journaled_only": place.journaled_only,
    }


def _refused_json(one: Refused) -> render.Json:
    return {"locator": one.locator, "why": one.why}
