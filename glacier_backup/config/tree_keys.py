"""Whole trees whose files could have the same key at one destination: then one would take the other's place. So could
archives of datasets that are called as zfs-to-aws does.

What all keys of a tree begin with is the destination's prefix and, unless they are ``relative``, the host and the
section's path (:func:`glacier_backup.model.naming.tree_key`). Two trees can have the same key when all that one begins
with is the beginning of the other. Trees of one machine whose keys begin with the host share no file, so they have no
key in common either. Those of such a dataset begin with its last name
(:func:`glacier_backup.model.zfs_to_aws.snapshot_key`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from glacier_backup.config.given import Spot
from glacier_backup.config.place_settings import DestinationSettings
from glacier_backup.config.places import is_server_url, path_on_server
from glacier_backup.config.settings import SectionSettings
from glacier_backup.errors import Problem
from glacier_backup.machine import host_name
from glacier_backup.model.zfs_to_aws import LAYOUT, name_in_keys


def owns_keys(section: SectionSettings) -> bool:
    """Whether it has keys that another section could have, too."""
    return section.is_tree or section.layout == LAYOUT


class Owner(NamedTuple):
    """A section that :func:`owns_keys`, and one of the destinations that it is sent to."""

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
    def _is_dataset(self) -> bool:
        return not self.section.is_tree

    @property
    def _path(self) -> tuple[str, ...]:
        if self._is_dataset:
            return (name_in_keys(self.section.path),)
        if not is_server_url(self.section.path):
            return (host_name(), *_components(self.section.path))
        where = path_on_server(self.section.path)
        return (where.host, *_components(where.directory))

    def shares_no_key_with(self, other: Owner) -> bool:
        """Whether that is sure although one's keys begin like the other's."""
        one, two = self.section, other.section
        if self._is_dataset or other._is_dataset:
            return "relative" not in (one.keys, two.keys) and self.start != other.start
        by_host = one.keys == two.keys == "host" and self.destination.directory == other.destination.directory
        return by_host and _machine(one) == _machine(two)


def clashing(owners: Iterable[Owner]) -> Iterator[Problem]:
    """A problem for each section that can have a key of another one, which stands before it if the file says so."""
    above: list[tuple[tuple[str, ...], Owner]] = []
    with_keys = ((one.start, one) for one in owners if one.destination.kind != "glacier")
    for start, owner in sorted(with_keys, key=lambda one: one[0]):
        while above and start[: len(above[-1][0])] != above[-1][0]:
            above.pop()
        other = next((other for _, other in above if not owner.shares_no_key_with(other)), None)
        if other is not None:
            yield _problem(*sorted((other, owner), key=lambda one: one.spot.line or 0))
        above.append((start, owner))


def _problem(first: Owner, second: Owner) -> Problem:
    kind = "files" if second.section.is_tree else "archives"
    at, also = first.destination, second.destination
    to = str(at) if at.name == also.name else f"{at} and {also}"
    if first.section.path == second.section.path:
        what = f"its {kind} can have the same keys at {to}, for one of them lies in the other"
    else:
        what = f"its {kind} can have the same keys at {to} as those of [{first.section.path}] (line {first.spot.line})"
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
