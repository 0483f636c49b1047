"""Where below the target each thing goes, so that nothing leaves it and no two have the same name.

A word that is a path brings back what is at and below it under its own base name. Without words, or where two of them
would bring back something of the same name, everything has its full path below the target; where the catalog has things
of several hosts or servers, with the host in front.

Two archives may be of paths of which one lies inside the other: a directory was archived with all that is below it,
and something in it by itself too. Then what lies inside has ``~`` behind the name of that directory. Of several things
that would have the same name, as archives of one path, all but the first have ``~`` and a time behind it. Where there
are names that begin so already, it is ``~~``, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from glacier_backup.model.naming import path_on_server
from glacier_backup.plan.choice import Choice
from glacier_backup.plan.gathering import Gathered
from glacier_backup.units import stamp

UNKNOWN_HOST = "unknown host"

MOST_NAMES = 1_000
"""Topmost names of one word that are compared with those of the others."""

Spot = tuple[str, str]
"""Host, where there are several, and path."""


def is_safe(path: str) -> bool:
    """Whether an absolute path has only components that are names: what comes out of a catalog isn't trusted."""
    start, *names = path.split("/")
    return not start and bool(names) and all(name not in ("", ".", "..") and "\0" not in name for name in names)


def cut_of(folder: str | None) -> str | None:
    """The path on its server, or here, of the folder that isn't made again; None where there is none."""
    if folder is None:
        return None
    return path_on_server(folder + "/").rstrip("/") if "://" in folder else folder.rstrip("/")


class Names:
    """The topmost names that words bring back under their base names."""

    def __init__(self, cuts: Sequence[str | None]) -> None:
        self._cuts = cuts
        self._names: list[set[str]] = [set() for _ in cuts]
        self.hosts: set[str] = set()

    def add(self, term: int, choice: Choice) -> None:
        if choice.host is not None:
            self.hosts.add(choice.host)
        names = self._names[term]
        cut = self._cuts[term]
        if cut is not None and len(names) <= MOST_NAMES:
            names.add(choice.path.removeprefix(f"{cut}/").partition("/")[0])

    def can_be_short(self) -> bool:
        """Whether no two words have one name in common, and all have a base name at all."""
        if len(self.hosts) > 1 or None in self._cuts:
            return False
        one_only = len(self._names) == 1
        few = all(len(names) <= MOST_NAMES for names in self._names)
        return one_only or (few and len(set().union(*self._names)) == sum(map(len, self._names)))


class Landing:
    """Says where each goes, once it has seen them all, in order."""

    def __init__(self, cuts: Sequence[str | None], *, short: bool, hosts: bool) -> None:
        self._cuts = cuts
        self._short = short
        self._hosts = hosts
        self._special: set[Spot] = set()
        self._mark = "~"

    def see(self, gathered: Iterable[Gathered]) -> bool:
        """Find what would get the name of something else, or lie inside of it. Whether nothing was chosen by two words
        under different names."""
        above: list[tuple[bytes, Spot]] = []
        last: Gathered | None = None
        for found in gathered:
            spot, path = self._spot(found.choice), _bytes(found.choice.path)
            if last is not None and self._spot(last.choice) == spot:
                if self._short and last.term != found.term:
                    return False
                if not is_same(last.choice, found.choice):
                    self._special.add(spot)
            last = found
            # What follows "/a" before "/a0" begins with "/a", so what is below it is among that.
            while above and path >= above[-1][0] + b"0":
                above.pop()
            self._special.update(top for name, top in above if top[0] == spot[0] and path.startswith(name + b"/"))
            above.append((path, spot))
        return True

    def avoid(self, gathered: Iterable[Gathered]) -> None:
        """Choose a mark that no real name has."""
        if self._special:
            for found in gathered:
                for spot in self._at_and_above(found.choice):
                    self._mark = max(self._mark, self._tail(spot), key=len)

    def names(self, gathered: Iterable[Gathered]) -> Iterator[tuple[Choice, str]]:
        """Each, once, with its path relative to the target."""
        before: list[tuple[int, Choice]] = []
        for term, choice in gathered:
            if not before or self._spot(before[0][1]) != self._spot(choice):
                before = []
            elif any(is_same(one, choice) for _, one in before):
                continue
            yield choice, self._name(term, choice, len(before))
            before.append((term, choice))

    def _name(self, term: int, choice: Choice, nth: int) -> str:
        *above, own = self._at_and_above(choice)
        names = [_base(spot) + (self._mark if spot in self._special else "") for spot in above]
        later = f"{self._mark}{stamp(choice.time)}" + (f"-{nth}" if nth > 1 else "") if nth else ""
        names.append(_base(own) + later)
        cut = self._cuts[term] if self._short else None
        return "/".join([own[0], *names] if self._hosts else names[(cut or "").count("/") :])

    def _spot(self, choice: Choice) -> Spot:
        if not self._hosts:
            return ("", choice.path)
        host = choice.host or ""
        return (host if is_safe(f"/{host}") else UNKNOWN_HOST, choice.path)

    def _at_and_above(self, choice: Choice) -> Iterator[Spot]:
        host, path = self._spot(choice)
        end = path.find("/", 1)
        while end != -1:
            yield (host, path[:end])
            end = path.find("/", end + 1)
        yield (host, path)

    def _tail(self, spot: Spot) -> str:
        """One tilde more than what follows the name of something special in this one."""
        host, path = spot
        at = path.find("~", path.rfind("/"))
        while at != -1:
            if (host, path[:at]) in self._special:
                rest = path[at:]
                return "~" * (len(rest) - len(rest.lstrip("~")) + 1)
            at = path.find("~", at + 1)
        return ""


def is_same(one: Choice, other: Choice) -> bool:
    """Whether both bring back the same."""
    return (one.archive, one.member) == (other.archive, other.member)


def _base(spot: Spot) -> str:
    return spot[1].rpartition("/")[2]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
