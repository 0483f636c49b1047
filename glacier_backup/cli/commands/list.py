"""``glacier-backup list``: what has been sent."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common

if TYPE_CHECKING:
    from datetime import datetime

    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.model.archive import Member
    from glacier_backup.model.stored import StoredArchive
    from glacier_backup.plan.chain import Chains
    from glacier_backup.plan.terms import Term

EXAMPLE = """\
  glacier-backup list --since "2 weeks ago"
  glacier-backup list --since 2026-03-01 --json
  glacier-backup list --versions ~/photos         all archives of one path, or of all below it
  glacier-backup list --members photos.tar        what is inside the newest of them
"""

EVERY_PATH = ""

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument("--since", metavar="TIME", help='only what was sent since then: 2026-03-01, "2 weeks ago"')
    parser.add_argument("--incomplete", action="store_true", help="only archives of which something could not be read")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--versions",
        nargs="?",
        const=EVERY_PATH,
        metavar="WHAT",
        help="path by path: all archives of a path or below it, of a name, or that hold a file; or of everything",
    )
    which.add_argument(
        "--members", metavar="ARCHIVE", help="what is inside the newest archive of a path or name, or id:NUMBER"
    )
    add_catalog(parser)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.catalog_file import settings_and_catalog

    since = _since(arguments)
    _, path = settings_and_catalog(arguments)
    if arguments.members is None and arguments.versions is None and not arguments.incomplete:
        _all(path, since, arguments)
        return 0
    from glacier_backup.catalog.catalog import Catalog

    with Catalog.peek(path) as catalog:
        if arguments.members is not None:
            _members(catalog, arguments)
        else:
            _versions(catalog, since, arguments)
    return 0


def _since(arguments: argparse.Namespace) -> datetime | None:
    if arguments.since is None:
        return None
    from glacier_backup.cli.moments import moment

    return moment(arguments.since)


def _all(path: str, since: datetime | None, arguments: argparse.Namespace) -> None:
    from glacier_backup.catalog.looking import Looking

    with Looking.peek(path) as catalog:
        listing = catalog.archives(since)
        if arguments.json:
            render.write_json(render.listed_json(one) for one in listing)
        elif (some := _if_any(listing)) is not None:
            render.write_listing(some)
        elif not arguments.quiet:
            when = "yet" if since is None else f"since {arguments.since}"
            render.say(f"nothing has been sent {when}")


def _versions(catalog: Catalog, since: datetime | None, arguments: argparse.Namespace) -> None:
    from glacier_backup.cli import render_stored
    from glacier_backup.cli.deletions import told

    archives = told(catalog, _archives(catalog, since, arguments))
    places = dict(catalog.places())
    if arguments.json:
        render.write_json(render_stored.archive_json(one, places) for one in archives)
    elif (some := _if_any(archives)) is not None:
        render_stored.write_versions(some, places)
    elif not arguments.quiet:
        render.say("nothing incomplete is stored" if arguments.incomplete else "nothing of that is stored")


def _archives(catalog: Catalog, since: datetime | None, arguments: argparse.Namespace) -> Iterator[StoredArchive]:
    from glacier_backup.cli.selection import selection
    from glacier_backup.model.stored import ArchiveFilter
    from glacier_backup.plan.terms import versions

    terms = selection(catalog, [arguments.versions], None).terms if arguments.versions else ()
    # What could not be read isn't in a group at all: that is something to be said of the group.
    wanted = ArchiveFilter(since=since, incomplete=arguments.incomplete, inside=not arguments.incomplete)
    return versions(catalog, terms[0], wanted) if terms else catalog.stored_archives(wanted)


def _members(catalog: Catalog, arguments: argparse.Namespace) -> None:
    from glacier_backup.cli import render_stored
    from glacier_backup.cli.selection import selection
    from glacier_backup.errors import UsageError

    (term,) = selection(catalog, [arguments.members], None).terms
    (archive, members), *more = islice(_with_members(catalog, term), 2)
    if more:
        raise UsageError(f"{arguments.members} is more than one archive", hint="name one, as id:NUMBER")
    if arguments.json:
        render.write_json(render_stored.member_json(one) for one in members)
    elif (some := _if_any(members)) is not None:
        render_stored.write_members(some)
    elif not arguments.quiet:
        render.say(f"nothing is known of what is inside id:{archive}")


def _with_members(catalog: Catalog, term: Term) -> Iterator[tuple[int, Iterator[Member]]]:
    """The newest archives that ``term`` means, groups as such, each with what it says of what is inside."""
    from glacier_backup.plan.chain import Chains
    from glacier_backup.plan.newest import Newest
    from glacier_backup.plan.terms import Archives, choices

    chains = Chains(catalog)
    newest = Newest(dict(catalog.places()), chains.is_sound)
    if isinstance(term, Archives):
        for archive, _ in newest.of_each(catalog.stored_archives(term.wanted)):
            own = iter((archive.file.member,)) if archive.file is not None else _there(catalog, archive, chains)
            yield archive.id, own
    else:
        for chosen in choices(catalog, newest, term, None):
            yield chosen.archive, _there_below(catalog, [one.archive for one in (*chosen.under, chosen)], chosen.member)


def _there(catalog: Catalog, archive: StoredArchive, chains: Chains) -> Iterator[Member]:
    """What comes back with an archive: of an increment with all that it builds on, as far as that is known."""
    links = chains.of(archive) or (archive,)
    if not all(one.has_members for one in links):
        return catalog.members(archive.id)
    return _there_below(catalog, [one.id for one in links], None)


def _there_below(catalog: Catalog, ids: Sequence[int], member: str | None) -> Iterator[Member]:
    """What lies at and below the member of archives that are laid over each other."""
    from glacier_backup.plan.inside import is_at
    from glacier_backup.plan.layers import Layer, effective

    if len(ids) == 1:
        one = ids[0]
        return catalog.members(one) if member is None else (found for _, found in catalog.members_at(one, member))
    there = (found.member for found in effective([Layer(catalog.members(one), catalog.vanished(one)) for one in ids]))
    return there if member is None else (found for found in there if is_at(found.path, member))


def _if_any(values: Iterable[T]) -> Iterator[T] | None:
    """``values``, or None where there are none; the first of them is looked at."""
    rest = iter(values)
    for first in rest:
        return chain([first], rest)
    return None
