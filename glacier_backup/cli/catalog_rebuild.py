"""``glacier-backup catalog rebuild``: a lost catalog, made anew from what destinations tell."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_keys, overrides

if TYPE_CHECKING:
    from glacier_backup.cli.rebuilding import Outcome
    from glacier_backup.model.rebuilding import PacksRead, RebuiltPlace, Refused, UnreadPack

HELP = "make a lost catalog anew, from what destinations tell of their archives"
DESCRIPTION = (
    "Record what destinations have and the catalog doesn't know: first from the newest copy of a catalog that lies "
    "there or where catalog_copy says, if there is no catalog, then from names, descriptions and the manifests beside "
    "archives. What is in packs of small files is learnt by reading each once, where that costs nothing and needs no "
    "thaw. Nothing is thawed but what alone tells hidden names, where there is a key to it; that, and a vault's "
    "inventory, takes hours, and until it is there this exits with 75, to be run again."
)
EXAMPLE = """\
  glacier-backup catalog rebuild
  glacier-backup catalog rebuild --from s3://my-backups/nas
"""

_SHOWN = 5

T = TypeVar("T")


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
    parser.add_argument(
        "--read-packs",
        action="store_true",
        help="read packs where that costs money or hours, too: in a bucket, on a cold server, in a vault once thawed",
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
    from glacier_backup.workflow.rebuilding.packs import PackOrder

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    sources = sources_of(arguments.sources or (), settings, arguments.config, os.environ).destinations
    copied_to = () if arguments.sources else settings.copied_to
    hosts = frozenset(arguments.hosts or ())
    opener = SealedManifests(settings, arguments)
    compared = {section.path for section in settings.sections if "hash" in section.compare}
    packs = PackOrder(keys=opener.keys_of, hashed=compared.__contains__, pays=arguments.read_packs)
    order = Rebuilding(
        settings,
        sources,
        copied_to,
        hosts,
        arguments.journal,
        use_copy=not arguments.no_copy,
        opening=opening_of(settings, arguments),
        opener=opener,
        packs=packs,
    )
    with listening(StopRequest("what was found is recorded")) as stop, watching(arguments) as look:
        outcome = rebuild(order, complain, look, stop)
    _show(outcome, settings.catalog, arguments)
    return outcome.exit_code


def _show(outcome: Outcome, catalog: str, arguments: argparse.Namespace) -> None:
    for place in outcome.places:
        if place.error is not None:
            render.warn(f"{place.place}: {place.error}" + (f"; {place.hint}" if place.hint else ""))
    most = None if arguments.verbose else _SHOWN
    _warn_of("left out", outcome.refused, _refused_line, most)
    _warn_of("not read", outcome.unread, _unread_line, most)
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
        for line in _lines_about_packs(place):
            render.say(line)


def _line(place: RebuiltPlace) -> str:
    from glacier_backup.units import format_size

    parts = [f"{place.added:,} archives recorded", f"{place.known:,} were known already"]
    if place.of_other_hosts:
        parts.append(f"{place.of_other_hosts:,} are of other hosts")
    if place.packs.read:
        parts.append(f"{place.packs.read:,} packs read, with {place.packs.files:,} files")
    if place.thawing:
        parts.append(f"{place.thawing:,} hidden names are in manifests that are being thawed: run again later")
    if place.refused:
        parts.append(f"{place.refused:,} are left out")
    if place.foreign:
        parts.append(f"{place.foreign:,} objects ({format_size(place.foreign_bytes)}) are nothing of ours")
    if place.journaled_only:
        parts.append(f"{place.journaled_only:,} of the journal are not there")
    return f"{place.place}: " + ", ".join(parts)


def _lines_about_packs(place: RebuiltPlace) -> Iterator[str]:
    """What is known of those that were left alone, and what can be done."""
    from glacier_backup.units import format_size

    packs = place.packs
    if packs.dear:
        yield (
            f"{place.place}: nobody knows what is in {packs.dear:,} packs ({format_size(packs.dear_bytes)}), and "
            "reading them costs money there. --read-packs does: then their files are known by their names, can be "
            "brought back one by one, and aren't sent again"
        )
    if packs.cold:
        named = " ".join(map(shlex.quote, packs.cold_words[:_SHOWN]))
        more = " …" if len(packs.cold_words) > _SHOWN else ""
        yield (
            f"{place.place}: nobody knows what is in {packs.cold:,} packs ({format_size(packs.cold_bytes)}), which are "
            f"cold. Either have them thawed (glacier-backup thaw request {named}{more}), and then read by catalog "
            "rebuild --read-packs; or restore brings them back whole; or let the next run send their files again"
        )


def _warn_of(what: str, those: Collection[T], line: Callable[[T], str], most: int | None) -> None:
    for one in islice(those, most):
        render.warn(f"{what}: {line(one)}")
    if most is not None and len(those) > most:
        render.warn(f"{what}: {len(those) - most:,} more (--verbose names all)")


def _refused_line(one: Refused) -> str:
    return f"{one.locator}: {one.why}"


def _unread_line(one: UnreadPack) -> str:
    return f"{one.path} (id:{one.archive}): {one.why}; {one.cure}"


def _json(outcome: Outcome, catalog: str) -> render.Json:
    return {
        "catalog": catalog,
        "copy": outcome.copy,
        "places": [_place_json(place) for place in outcome.places],
        "left_out": (_refused_json(one) for one in outcome.refused),
        "unread_packs": (_unread_json(one) for one in outcome.unread),
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
        "packs": _packs_json(place.packs),
    }


def _packs_json(packs: PacksRead) -> render.Json:
    return {
        "read": packs.read,
        "files": packs.files,
        "failed": packs.failed,
        "dear": packs.dear,
        "dear_bytes": packs.dear_bytes,
        "cold": packs.cold,
        "cold_bytes": packs.cold_bytes,
    }


def _refused_json(one: Refused) -> render.Json:
    return {"locator": one.locator, "why": one.why}


def _unread_json(one: UnreadPack) -> render.Json:
    return {
        "id": one.archive,
        "path": one.path,
        "locator": one.locator,
        "error": one.why,
        "hint": one.cure,
        "thawing": one.thawing,
    }
