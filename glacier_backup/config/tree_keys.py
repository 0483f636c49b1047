"""Whole trees whose files could have the same key at one destination: then one would take the other's place.

What all keys of a tree begin with is the destination's prefix and, unless they are ``relative``, the host and the
section's path (:func:`glacier_backup.model.naming.tree_key`). Two trees can have the same key when all that one begins
with is the beginning of the other. Trees of one machine whose keys begin with the host share no file, so they have no
key in common either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from glacier_backup.config.given import Spot
from glacier_backup.config.places import is_server_url, path_on_server
from glacier_backup.config.settings import DestinationSettings, SectionSettings
from glacier_backup.errors import Problem
from glacier_backup.machine import host_name


class Tree(NamedTuple):
    """A section with a whole tree, and one of the destinations that it is sent to."""

    section: SectionSettings
    spot: Spot
    destination: DestinationSettings

    @property
    def start(self) -> tuple[str, ...]:
        """The components that all its keys begin with, the store as the first."""
        one = self.destination
        server = one.server
        at = "" if server is None else f"{server.user}@{server.host}:{server.port}"
        store = "\0".join((one.kind, one.endpoint_url or "", one.bucket or "", at))
        top = "/" if one.directory.startswith("/") else "~"
        return (store, top, *_components(one.directory), *([] if self.section.keys == "relative" else self._path))

    @property
    def _path(self) -> tuple[str, ...]:
        if not is_server_url(self.section.path):
            return (host_name(), *_components(self.section.path))
        where = path_on_server(self.section.path)
        return (where.host, *_components(where.directory))

    def shares_no_key_with(self, other: Tree) -> bool:
        """Whether that is sure although one's keys begin like the other's."""
        one, two = self.section, other.section
        by_host = one.keys == two.keys == "host" and self.destination.directory == other.destination.directory
        return by_host and _machine(one) == _machine(two)


def clashing(trees: Iterable[Tree]) -> Iterator[Problem]:
    """A problem for each tree that can have a key of another one, which stands before it if the file says so."""
    above: list[tuple[tuple[str, ...], Tree]] = []
    with_keys = ((tree.start, tree) for tree in trees if tree.destination.kind != "glacier")
    for start, tree in sorted(with_keys, key=lambda one: one[0]):
        while above and start[: len(above[-1][0])] != above[-1][0]:
            above.pop()
        other = next((other for _, other in above if not tree.shares_no_key_with(other)), None)
        if other is not None:
            yield _problem(*sorted((other, tree), key=lambda one: one.spot.line or 0))
        above.append((start, tree))


def _problem(first: Tree, second: Tree) -> Problem:
    at, also = first.destination, second.destination
    to = str(at) if at.name == also.name else f"{at} and {also}"
    if first.section.path == second.section.path:
        what = f"its files can have the same keys at {to}, for one of them lies in the other"
    else:
        what = f"its files can have the same keys at {to} as those of [{first.section.path}] (line {first.spot.line})"
    example = f"destination = {str(also).rstrip('/')}/NAME"
    return second.spot.problem(
        f"{what}; give one of them a prefix of its own: a section [destination NAME] with {example} or the like, and "
        "destination = NAME below the path"
    )


def _machine(section: SectionSettings) -> tuple[str | None, str, int] | None:
    """Who looks at which machine: other users may see other files under the same paths."""
    where = path_on_server(section.path) if is_server_url(section.path) else None
    return None if where is None else (where.user, where.host, where.port)


def _components(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name not in ("", "."))
