"""Packed once for all destinations that are to have it.

Destinations go through the plan side by side, each at its own speed. Where several are to send the same candidate,
whoever comes to packing it first waits until each of the others has come too, or has passed it: skipped it, failed
before, ended. Then they read one stream (:mod:`glacier_backup.workflow.sending.shared_stream`). One that stands still
is not waited for, and one that comes too late packs by itself.

Nobody waits for ever. All begin their candidates in the order of the plan, so a destination that hasn't begun one only
has earlier ones under way. The earliest candidate that anybody waits for is therefore not held up by waiting for a
later one: whoever is to come is either busy with its own destination, and comes in the end or is found standing still,
or reads a stream that has begun, where nobody waits for ever either; and so for the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Fingerprint, Resolved
from glacier_backup.model.event import BytesSent, Event, Listener
from glacier_backup.model.plan import Upload
from glacier_backup.model.recipe import Step
from glacier_backup.on_use import MadeOnUse
from glacier_backup.pack.packer import PackedStream, Packer, leaving_out
from glacier_backup.resolve.source import Selection, Source
from glacier_backup.workflow.sending.shared_stream import GLANCE, Mover, SharedStream
from glacier_backup.workflow.tools import Origin, Tools

PATIENCE = 30.0
"""Seconds that a destination may stand still while others wait for it. Who has little bandwidth still moves: bytes are
told of by 1 MiB at most."""


class Sharing:
    """What the destinations of one run know of each other. Safe to use from several threads."""

    def __init__(self, names: Iterable[str], check: Callable[[], object], patience: float = PATIENCE) -> None:
        """``check`` raises when the run is to end; ``patience`` is in seconds."""
        self.changed = threading.Condition()
        self._check = check
        self._patience = patience
        self._parties = {name: Party(self, name) for name in names}
        self._meetings: dict[tuple[int, Container], _Meeting] = {}

    def party(self, name: str) -> Party:
        """That destination's side of it."""
        return self._parties[name]

    def meet(self, branch: _Branch, packer: Packer, path: str, stored_name: str) -> SharedStream | None:
        """Wait for all that are to come; the stream that they read together, or None for who is alone."""
        with self.changed:
            branch.has_come = True
            meeting = self._meetings.setdefault((branch.position, branch.container), _Meeting())
            meeting.present.append(branch)
            self.changed.notify_all()
            try:
                self._wait_for_others(meeting, branch)
            except BaseException:
                meeting.present.remove(branch)
                raise
            if not meeting.over:
                meeting.over = True
                del self._meetings[branch.position, branch.container]
                if len(meeting.present) > 1:
                    opening = packer.pack(path, stored_name)
                    meeting.stream = SharedStream(opening, meeting.present, self.changed, self._patience, self._check)
                self.changed.notify_all()
            return meeting.stream

    def _wait_for_others(self, meeting: _Meeting, branch: _Branch) -> None:
        with branch.resting():
            while not meeting.over and any(self._may_come(name, branch) for name in branch.others):
                self._check()
                self.changed.wait(GLANCE)

    def _may_come(self, name: str, to: _Branch) -> bool:
        party = self._parties[name]
        branch = party.under_way.get(to.path)
        if branch is not None:
            return not branch.has_come and branch.stood_still <= self._patience
        return party.position <= to.position and not party.stands_still(self._patience)


class _Branch(Mover):
    """One candidate on its way to one destination."""

    def __init__(self, position: int, upload: Upload, others: Collection[str]) -> None:
        super().__init__()
        self.position = position
        """In the plan."""
        self.path = upload.path
        self.container = upload.container
        self.others = others
        """Destinations that are to have the same."""
        self.has_come = False
        """Whether it is packed by now, with others or without."""


class _Meeting:
    """Those who have come to one candidate and wait for the rest."""

    def __init__(self) -> None:
        self.present: list[_Branch] = []
        self.over = False
        self.stream: SharedStream | None = None


class Party:
    """One destination among others that send the same."""

    def __init__(self, sharing: Sharing, name: str) -> None:
        self._sharing = sharing
        self.name = name
        self.position = 0
        """The first place of the plan that it hasn't come to."""
        self.under_way: dict[str, _Branch] = {}

    def tools(self, tools: Tools) -> Tools:
        """The same, with packers that meet the others."""
        return replace(tools, origins={name: self._origin(origin) for name, origin in tools.origins.items()})

    def listener(self, tell: Listener) -> Listener:
        """Passes events on, and sees how it comes forward."""

        def heard(event: Event) -> None:
            if isinstance(event, BytesSent) and (branch := self.under_way.get(event.path)) is not None:
                with self._sharing.changed:
                    branch.came_forward(event.bytes)
            tell(event)

        return heard

    def begin(self, position: int, upload: Upload, others: Collection[str]) -> None:
        """It is about to send a candidate; so may ``others``. In the order of the plan."""
        with self._sharing.changed:
            self.under_way[upload.path] = _Branch(position, upload, others)

    def end(self, path: str) -> None:
        """It is done with a candidate, whatever came of it."""
        with self._sharing.changed:
            del self.under_way[path]
            self._sharing.changed.notify_all()

    def pass_by(self, position: int) -> None:
        """All that it is to send at that place of the plan is begun, or will never be."""
        with self._sharing.changed:
            self.position = position + 1
            self._sharing.changed.notify_all()

    def stands_still(self, patience: float) -> bool:
        """Whether nothing that it has under way moves."""
        branches = self.under_way.values()
        return bool(branches) and all(branch.stood_still > patience for branch in branches)

    @contextmanager
    def pack(self, packer: Packer, path: str, stored_name: str) -> Iterator[PackedStream]:
        """The stream of ``packer``, shared with those who are to send it too; a second time by itself."""
        branch = self.under_way.get(path)
        shared = None
        if branch is not None and not branch.has_come:
            if branch.others and branch.container == packer.container:
                shared = self._sharing.meet(branch, packer, path, stored_name)
            else:
                self._go_alone(branch)
        if branch is None or shared is None:
            with packer.pack(path, stored_name) as stream:
                yield stream
        else:
            with shared.read_by(branch) as stream:
                yield stream

    @contextmanager
    def resting(self, path: str) -> Iterator[None]:
        """A block in which it waits for the source."""
        branch = self.under_way.get(path)
        with (branch or Mover()).resting():
            yield

    def _go_alone(self, branch: _Branch) -> None:
        with self._sharing.changed:
            branch.has_come = True
            self._sharing.changed.notify_all()

    def _origin(self, origin: Origin) -> Origin:
        packers = MadeOnUse({one: partial(self._meeting, origin, one) for one in origin.packers})
        unshared = MadeOnUse({one: partial(self._resting, origin, one) for one in origin.packers})
        return replace(origin, source=_WatchedSource(self, origin.source), packers=packers, unshared=unshared)

    def _meeting(self, origin: Origin, container: Container) -> Packer:
        return _MeetingPacker(self, origin.packers[container])

    def _resting(self, origin: Origin, container: Container) -> Packer:
        return _RestingPacker(self, origin.packers[container])


class _MeetingPacker:
    """A packer whose streams are shared."""

    def __init__(self, party: Party, packer: Packer) -> None:
        self.container = packer.container
        self._party = party
        self._packer = packer

    def leaving_out(self, exclusion: Exclusion) -> Packer:
        return _MeetingPacker(self._party, leaving_out(self._packer, exclusion))

    def pack(self, path: str, stored_name: str) -> AbstractContextManager[PackedStream]:
        return self._party.pack(self._packer, path, stored_name)

    def step(self) -> Step:
        return self._packer.step()

    def estimate(self, content: int, entries: int) -> int:
        return self._packer.estimate(content, entries)


class _RestingPacker:
    """A packer whose streams are read by one alone, without its being held to stand still meanwhile."""

    def __init__(self, party: Party, packer: Packer) -> None:
        self.container = packer.container
        self._party = party
        self._packer = packer

    def leaving_out(self, exclusion: Exclusion) -> Packer:
        return _RestingPacker(self._party, leaving_out(self._packer, exclusion))

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        with self._party.resting(path), self._packer.pack(path, stored_name) as stream:
            yield stream

    def step(self) -> Step:
        return self._packer.step()

    def estimate(self, content: int, entries: int) -> int:
        return self._packer.estimate(content, entries)


class _WatchedSource:
    """A source that takes its time without anybody's being held to stand still."""

    def __init__(self, party: Party, source: Source) -> None:
        self._party = party
        self._source = source

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        return self._source.resolve(selection)

    def look(self, candidate: Candidate) -> Fingerprint:
        with self._party.resting(candidate.path):
            return self._source.look(candidate)

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return self._source.gone(section, paths)
