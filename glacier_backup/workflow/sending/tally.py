"""What a run's results add up to, gathered one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.errors import GlacierBackupError
from glacier_backup.model.contents import Contents
from glacier_backup.model.event import Counts, Result
from glacier_backup.model.plan import Decision, Skip, Upload
from glacier_backup.model.reason import LimitReached
from glacier_backup.spool import Spool


class Done(NamedTuple):
    """One decision, dealt with."""

    result: Result
    incomplete: bool = False
    """Whether something inside could not be read."""
    fatal: GlacierBackupError | None = None
    """What no other candidate can do better with: it ends the lane, or the run."""
    out_of_reach: bool = False
    """Whether the server that it lies on can't be used."""


def light(done: Done) -> Done:
    """Without the list of files that a group has: that is in the plan, and many results may wait in memory."""
    result = done.result
    if result.decision.contents is None:
        return done
    return done._replace(result=replace(result, decision=_with(result.decision, None)))


def _with(decision: Decision, contents: Contents | None) -> Decision:
    if isinstance(decision, Upload):
        return replace(decision, candidate=replace(decision.candidate, contents=contents))
    return replace(decision, contents=contents)


class Tally:
    """Results in the order of their decisions, however many, and their counts by destination."""

    def __init__(self) -> None:
        self._results = _Results()
        self._counts: dict[str, Counter[str]] = {}
        self._bytes: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        self.imperfect = False
        """Whether anything failed, is incomplete, or was skipped for a reason that needs attention."""
        self.all_stored = True
        """Whether nothing failed, and nothing is left for a later run."""
        self.out_of_reach = 0
        """How many lie on servers that can't be used."""

    @property
    def results(self) -> Collection[Result]:
        """As they were added: those about groups :func:`light`."""
        return self._results

    def add(self, done: Done) -> None:
        """Behind the last one."""
        self._results.places.append(done.result)
        self._count(done)

    def keep_place(self) -> int:
        """Go on without the next one, whose place is kept until :meth:`fill`."""
        self._results.places.append(None)
        return len(self._results) - 1

    def fill(self, place: int, done: Done) -> None:
        self._results.late[place] = done.result
        self._count(done)

    def counts(self) -> Mapping[str, Counts]:
        """By destination; those that concern none under the empty name."""
        return {
            name: Counts(
                counts["sent"],
                counts["failed"],
                counts["skipped"],
                self._bytes[name],
                self._files[name],
                counts["expired"],
            )
            for name, counts in self._counts.items()
        }

    def _count(self, done: Done) -> None:
        result, decision = done.result, done.result.decision
        self._counts.setdefault(decision.to, Counter())[result.outcome] += 1
        self._bytes[decision.to] += decision.bytes if result.outcome == "sent" else 0
        self._files[decision.to] += result.files
        self.out_of_reach += done.out_of_reach
        troubled = isinstance(decision, Skip) and decision.reason.needs_attention
        left = isinstance(decision, Skip) and isinstance(decision.reason, LimitReached)
        self.all_stored &= not left and result.outcome != "failed"
        self.imperfect |= done.incomplete or troubled or result.outcome == "failed"


class _Results(Collection[Result]):
    """Results in order, though some came late."""

    def __init__(self) -> None:
        self.places: Spool[Result | None] = Spool()
        self.late: dict[int, Result] = {}
        """By their places, which hold None."""

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Result]:
        for place, result in enumerate(self.places):
            yield self.late[place] if result is None else result

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)


class Merged(Collection[Result]):
    """The results of all lanes in the order of the plan, whole, worked out whenever they are read."""

    def __init__(
        self,
        decisions: Collection[Decision],
        lane: Callable[[Decision], str],
        results: Mapping[str, Collection[Result]],
    ) -> None:
        """``lane`` says whose results have that of a decision."""
        self._decisions = decisions
        self._lane = lane
        self._results = results

    def __len__(self) -> int:
        return sum(map(len, self._results.values()))

    def __iter__(self) -> Iterator[Result]:
        results = {name: iter(found) for name, found in self._results.items()}
        for decision in self._decisions:
            result, contents = next(results[self._lane(decision)]), decision.contents
            yield result if contents is None else replace(result, decision=_with(result.decision, contents))

    def __contains__(self, value: object) -> bool:
        return any(value == one for one in self)
