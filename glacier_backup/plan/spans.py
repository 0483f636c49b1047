"""What is sent next of a dataset: from which snapshot on, and to which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from glacier_backup.errors import SourceError
from glacier_backup.model.increment import Link
from glacier_backup.model.snapshot import Snapshot, Span
from glacier_backup.model.stored import StoredArchive
from glacier_backup.plan.chain import BROKEN, Wanted, chain_among, encrypted_otherwise, hurt_link, long_enough
from glacier_backup.units import local_time


@dataclass(frozen=True, slots=True)
class Asked:
    """What a section, or a command, asks for."""

    path: str
    to: Snapshot | None
    """The snapshot that is to be sent; None: one that is made for it, and is newer than all there are."""
    base: str = ""
    """The name of the one that it is to begin with; empty: the newest that can be."""
    raw: bool = False
    intermediates: bool = True
    """Whether all snapshots in between travel, too."""
    whole: str = ""
    """Why a baseline is wanted, whatever there is to build on; empty: it isn't."""


class Base(NamedTuple):
    """Something that is both stored and here."""

    snapshot: Snapshot
    chain: tuple[StoredArchive, ...]
    """All archives that it takes to have it, the baseline first."""

    @property
    def archive(self) -> StoredArchive:
        return self.chain[-1]


class Next(NamedTuple):
    """What is sent next."""

    base: Base | None
    """None: it is a baseline."""
    why: str = ""
    """Why it is one though there is something stored."""

    @property
    def link(self) -> Link:
        """Where its archive stands in the chain."""
        if self.base is None:
            return Link(0)
        last = self.base.archive
        return Link((0 if last.link is None else last.link.number) + 1, self.base.chain[0].time, last.time)

    def span(self, to: str, guid: str = "") -> Span:
        """What its stream holds, if it leads to the snapshot of that name; without a guid it is yet to be made."""
        return Span(to, guid, "" if self.base is None else self.base.snapshot.name)


def next_span(
    there: Sequence[Snapshot], stored: Sequence[StoredArchive], asked: Asked, wanted: Wanted, now: datetime
) -> Next:
    """The span to send of a dataset that has the snapshots ``there``, in the order of their creation, of which the
    ``stored`` archives, in the order in which they were sent, are at the destination.

    It begins with the newest snapshot that is there with all it builds on, and here. Raises SourceError where there is
    nothing to send that is newer, for a base that isn't at both ends, and for a clock that was set back.
    """
    own = [one for one in stored if one.span is not None and one.host in (None, wanted.host)]
    _check_clock(own, asked, now)
    if asked.whole or not (own or asked.base):
        return Next(None, asked.whole if own else "")
    if asked.base:
        return Next(_asked_for(asked, there, own))
    newest = next((one for one in _bases(there, own) if asked.to is None or one.snapshot.order < asked.to.order), None)
    _check_newer(asked, there, own, next(_bases(there, own), None))
    if newest is None:
        return Next(None, _why_none(there, own))
    why = _unfit(newest, asked, wanted) or _named_again(newest, asked, there)
    why = why or long_enough(newest.chain, wanted.full_every, now)
    return Next(None, why) if why else Next(newest)


def is_stored(snapshot: Snapshot, stored: Iterable[StoredArchive], host: str) -> bool:
    """Whether that one can be had back from what is stored."""
    own = [one for one in stored if one.host in (None, host)]
    return any(True for _ in _bases([snapshot], own))


def newest_stored(there: Sequence[Snapshot], stored: Iterable[StoredArchive], host: str) -> Snapshot | None:
    """What the next increment can begin with."""
    own = [one for one in stored if one.host in (None, host)]
    return next((base.snapshot for base in _bases(there, own)), None)


def spans_stored(stored: Iterable[StoredArchive]) -> Iterator[Span]:
    """What archives of datasets hold, as far as that is known."""
    return (span for one in stored if (span := one.span) is not None)


def leads_to(span: Span, snapshot: Snapshot) -> bool:
    """Whether it is that snapshot which the stream leads to. Where its guid isn't known the name tells."""
    return span.guid == snapshot.guid if span.guid else span.to == snapshot.name


def _bases(there: Sequence[Snapshot], own: Sequence[StoredArchive]) -> Iterator[Base]:
    """Of those that are here and can be had back, the newest snapshot first, and of one the archive sent last."""
    leading: dict[str, list[tuple[int, StoredArchive]]] = {}
    for number, archive in enumerate(own):
        for span in spans_stored((archive,)):
            leading.setdefault(span.guid or f"@{span.to}", []).append((number, archive))
    for snapshot in reversed(there):
        found = (*leading.get(snapshot.guid, ()), *leading.get(f"@{snapshot.name}", ()))
        for _, archive in sorted(found, key=itemgetter(0), reverse=True):
            chain = chain_among(archive, own)
            if chain is not None and not hurt_link(chain):
                yield Base(snapshot, chain)


def _check_clock(own: Sequence[StoredArchive], asked: Asked, now: datetime) -> None:
    latest = max((one.time for one in own), default=None)
    if latest is not None and now <= latest:
        raise SourceError(
            f"{asked.path}: the clock says {local_time(now)}, and something was sent at {local_time(latest)}: chains "
            "of snapshots go by time",
            hint="set the clock",
        )


def _check_newer(asked: Asked, there: Sequence[Snapshot], own: Sequence[StoredArchive], first: Base | None) -> None:
    """What is stored already isn't sent again as if it were news, and nothing that is older than that."""
    to = asked.to
    if to is None or first is None or first.snapshot.order < to.order:
        return
    gone = [span.to for span in spans_stored(own) if not any(leads_to(span, one) for one in there)]
    newest = first.snapshot.name if first.snapshot.order > to.order else gone[-1] if gone else to.name
    what = "is stored already" if newest == to.name else f"is older than {newest}, which is stored already"
    raise SourceError(
        f"{asked.path}: the snapshot {to.name} {what}: there is nothing newer to send",
        hint="take a new one (snapshot = create does), or send it as a baseline with --force",
    )


def _asked_for(asked: Asked, there: Sequence[Snapshot], own: Sequence[StoredArchive]) -> Base:
    """The base of the name that is asked for."""
    snapshot = next((one for one in there if one.name == asked.base), None)
    if snapshot is None:
        raise SourceError(f"{asked.path}: has no snapshot {asked.base}, which the increment is to begin with")
    if asked.to is not None and snapshot.order >= asked.to.order:
        raise SourceError(f"{asked.path}: the snapshot {asked.base} isn't older than {asked.to.name}")
    bases = list(_bases(there, own))
    found = next((one for one in bases if one.snapshot == snapshot), None)
    if found is None:
        stored = ", ".join(dict.fromkeys(one.snapshot.name for one in bases)) or "none"
        raise SourceError(
            f"{asked.path}: the snapshot {asked.base} isn't stored, so the chain would have a gap; of those that are "
            f"here there are: {stored}"
        )
    if why := _otherwise_raw(found, asked) or _named_again(found, asked, there):
        raise SourceError(f"{asked.path}: {why}", hint="send it as a baseline with --force")
    return found


def _why_none(there: Sequence[Snapshot], own: Sequence[StoredArchive]) -> str:
    here = [one for one in own for span in spans_stored((one,)) if any(leads_to(span, other) for other in there)]
    if not here:
        return "no snapshot that is stored is here any more"
    chain = chain_among(here[-1], own)
    return BROKEN if chain is None else hurt_link(chain) or "no snapshot that is stored is older"


def _named_again(base: Base, asked: Asked, there: Sequence[Snapshot]) -> str:
    """That something which would travel has the name that another snapshot of the chain had: nothing can be received
    that has two of one name. Empty where it doesn't."""
    sent = {span.to: span for span in spans_stored(base.chain)}
    again = (one.name for one in there if one.name in sent and not leads_to(sent[one.name], one))
    name = next((name for name in again if name in _travelling(base, asked, there)), None)
    return "" if name is None else f"another snapshot was called {name} when it was sent"


def _travelling(base: Base, asked: Asked, there: Sequence[Snapshot]) -> set[str]:
    """Names of the snapshots that the stream brings."""
    newer = [one for one in there if one.order > base.snapshot.order and (not asked.to or one.order <= asked.to.order)]
    return {one.name for one in newer if asked.intermediates or (asked.to is not None and one.guid == asked.to.guid)}


def _unfit(base: Base, asked: Asked, wanted: Wanted) -> str:
    return _otherwise_raw(base, asked) or encrypted_otherwise(base.archive, wanted)


def _otherwise_raw(base: Base, asked: Asked) -> str:
    recipe = base.archive.recipe
    if recipe is None or bool(recipe.steps[0].parameters.get("raw")) == asked.raw:
        return ""
    return "it is sent raw now" if asked.raw else "it isn't sent raw any more"
