"""What has become new, changed or gone in a directory since the last archive of a chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from glacier_backup.model.archive import Member, ReadProblem
from glacier_backup.model.increment import Delta, Seen
from glacier_backup.plan.layers import key_of
from glacier_backup.spool import Spool

MOST_TOLD = 100
"""Places that can't be looked into, of which each is told by itself."""

_Pair = tuple[bytes, Member | None, Seen | None]
"""The key below the directory, what was there and what is."""


def delta(then: Iterable[Member], now: Iterable[Seen], top: str, path: str) -> Delta:
    """What an increment is to hold, of a directory that is stored as ``top`` and lies at ``path``.

    ``then`` and ``now`` come in the order of :mod:`~glacier_backup.plan.layers`, and are gone through once; memory goes
    with neither. Raises what they raise.
    """
    found = _Finding(path)
    for key, member, seen in _side_by_side(then, now, top):
        found.add(key, member, seen)
    return found.delta()


def _side_by_side(then: Iterable[Member], now: Iterable[Seen], top: str) -> Iterator[_Pair]:
    members = ((key_of(member.path)[len(key_of(top)) + 1 :], member) for member in then)
    entries = ((seen.name.replace(b"/", b"\0"), seen) for seen in now)
    member, seen = next(members, None), next(entries, None)
    while seen is not None:
        if member is not None and member[0] < seen[0]:
            yield member[0], member[1], None
            member = next(members, None)
        elif member is None or seen[0] < member[0]:
            yield seen[0], None, seen[1]
            seen = next(entries, None)
        else:
            yield seen[0], member[1], seen[1]
            member, seen = next(members, None), next(entries, None)
    while member is not None:
        yield member[0], member[1], None
        member = next(members, None)


class _Finding:
    """What was found so far."""

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")
        self._names: Spool[bytes] = Spool()
        self._deleted: Spool[bytes] = Spool()
        self._above: list[tuple[bytes, bytes | None]] = []
        """The directories that the present entry lies in: what keys in them begin with, and their names as long as they
        are stored only for the sake of what is in them."""
        self._gone: bytes | None = None
        """What the keys begin with that lie in what was deleted last."""
        self._hidden: bytes | None = None
        """Likewise in what nobody can look into."""
        self._new = self._changed = self._bytes = 0
        self._unreadable: list[ReadProblem] = []
        self._more = 0

    def add(self, key: bytes, member: Member | None, seen: Seen | None) -> None:
        while self._above and not key.startswith(self._above[-1][0]):
            self._above.pop()
        if seen is None:
            if not (_is_in(key, self._gone) or _is_in(key, self._hidden)):
                self._delete(key)
            return
        if seen.unreadable:
            self._hide(key, seen)
        if not (seen.unreadable and seen.type == "other"):
            self._add_there(key, member, seen)

    def _delete(self, key: bytes) -> None:
        self._gone = key + b"\0"
        self._store_above()
        self._deleted.append(key.replace(b"\0", b"/"))

    def _hide(self, key: bytes, seen: Seen) -> None:
        """Whatever was there is kept."""
        self._hidden = key + b"\0" if key else b""
        if len(self._unreadable) < MOST_TOLD:
            path = f"{self._path}/{seen.name.decode('utf-8', 'surrogateescape')}".rstrip("/") or "/"
            self._unreadable.append(ReadProblem(path, seen.unreadable))
        else:
            self._more += 1

    def _add_there(self, key: bytes, member: Member | None, seen: Seen) -> None:
        was_other = member is not None and _kind(member.type) != seen.type
        if was_other:
            self._delete(key)
        is_new = member is None or was_other
        is_stored = is_new or not key or (member is not None and _differs(member, seen))
        if is_stored:
            self._store_above()
            self._names.append(seen.name)
            self._bytes += seen.size
        self._new += is_new
        self._changed += member is not None and not is_new and _is_told(member, seen)
        if seen.type == "directory":
            self._above.append((key + b"\0" if key else b"", None if is_stored else seen.name))

    def _store_above(self) -> None:
        """The directories that lead to what is stored or gone, so that their times and permissions are right in the
        end."""
        for number, (start, name) in enumerate(self._above):
            if name is not None:
                self._names.append(name)
                self._above[number] = (start, None)

    def delta(self) -> Delta:
        unreadable = [*self._unreadable]
        if self._more:
            unreadable.append(ReadProblem(self._path or "/", f"{self._more:,} more below it could not be looked into"))
        return Delta(self._names, self._deleted, self._new, self._changed, self._bytes, tuple(unreadable))


def _is_in(key: bytes, start: bytes | None) -> bool:
    return start is not None and key.startswith(start)


def _kind(type_: str) -> str:
    return "file" if type_ == "hardlink" else type_


def _differs(member: Member, seen: Seen) -> bool:
    """Of a hard link the archive has no size, but the time of what it leads to, which is the same file."""
    if member.mtime_ns != seen.mtime_ns or member.mode != seen.mode:
        return True
    if member.type == "file":
        return member.size != seen.size
    return member.type == "symlink" and member.target != seen.target


def _is_told(member: Member, seen: Seen) -> bool:
    """Of a directory a new time says only that something in it has come or gone."""
    return member.mode != seen.mode or (seen.type != "directory" and _differs(member, seen))
