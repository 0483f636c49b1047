"""What a plan puts away at its end: what is stored of whole trees and is no part of their newest state any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.chunks import in_chunks
from glacier_backup.errors import SourceUnavailable
from glacier_backup.model.plan import Decision, Upload
from glacier_backup.model.record import Current, CurrentGroup
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.expiry import Standing, expiries
from glacier_backup.plan.filters import halves
from glacier_backup.plan.placed import Placed
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.sending.owners import Owners
from glacier_backup.workflow.tools import Origin

AT_A_TIME = 1000
"""Paths that the source is asked about together."""


class StoredAt(NamedTuple):
    """What the catalog knows of one destination."""

    current: Callable[[str], Iterator[Current]]
    """See :meth:`glacier_backup.catalog.catalog.Catalog.current`."""
    groups: Callable[[str], Iterator[CurrentGroup]]
    bases: Callable[[Collection[int]], Mapping[int, str]]
    """Of groups, by their ids, what their files lay below."""


def stored_at(catalog: Catalog, place_id: int, host: str) -> StoredAt:
    """What there is at that place, of what ``host`` has sent: others may send there, too, and look after the same
    paths on other machines."""

    def bases(ids: Collection[int]) -> Mapping[int, str]:
        return {one.id: one.base for one in catalog.stored_archives(ArchiveFilter(ids=tuple(ids)))}

    current = partial(catalog.current, place_id, host=host)
    return StoredAt(current, partial(catalog.current_groups, place_id, host=host), bases)


class Expiring:
    """Looks at what is decided, and adds what is to be put away when that is done."""

    def __init__(
        self,
        selections: Sequence[Selection],
        origins: Mapping[str, Origin],
        stored: Mapping[str, StoredAt],
        check: Callable[[], object],
    ) -> None:
        """``stored`` is by destination; those that have nothing aren't there. Of ``selections`` whole trees count that
        are named by their sections, where anything may be to be put away."""
        self._origins = origins
        self._stored = stored
        self._check = check
        trees = [one for one in selections if one.is_tree]
        self._owners = Owners([one.path for one in trees], [one.path for one in selections if not one.is_tree])
        self._trees = [(one, one.tree, Placed(one.path)) for one in trees if one.tree is not None and self._counts(one)]
        self._placed = {one.path: placed for one, _, placed in self._trees}

    def added(self, decisions: Iterable[Decision]) -> Iterator[Decision]:
        """``decisions``, and behind them expiries, and what there is to say of them."""
        if not self._trees:
            yield from decisions
            return
        for decision in decisions:
            self._note(decision)
            yield decision
        for tree, rules, placed in self._trees:
            for name in tree.destinations:
                if name in self._stored:
                    yield from expiries(placed, self._standing(name, tree, rules))

    def _counts(self, tree: Selection) -> bool:
        if tree.tree is None or not any(name in self._stored for name in tree.destinations):
            return False
        return tree.tree.expire_deleted or tree.tree.prefixing is not None or self._has_groups(tree)

    def _has_groups(self, tree: Selection) -> bool:
        """Whether its files were put together once, and aren't any more."""
        there = (self._stored[name] for name in tree.destinations if name in self._stored)
        return any(next(one.groups(tree.path), None) is not None for one in there)

    def _note(self, decision: Decision) -> None:
        section = decision.candidate.section if isinstance(decision, Upload) else self._owners.tree_of(decision.path)
        placed = self._placed.get(section)
        if placed is not None:
            placed.note(decision)

    def _standing(self, name: str, tree: Selection, rules: TreeRules) -> Standing:
        stored, path = self._stored[name], tree.path
        return Standing(
            name,
            partial(stored.current, path),
            partial(stored.groups, path),
            stored.bases,
            partial(self._owners.owns, path),
            partial(self._gone, tree),
            rules.max_delete if rules.expire_deleted else None,
            halves(rules.filters).rename,
        )

    def _gone(self, tree: Selection, paths: Iterable[str]) -> Iterator[bool]:
        source = self._origins[tree.origin].source
        for some in in_chunks(paths, AT_A_TIME):
            self._check()
            try:
                yield from source.gone(tree.path, some)
            except SourceUnavailable:
                yield from [False] * len(some)
