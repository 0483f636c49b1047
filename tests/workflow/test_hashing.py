"""Reading files of whole trees to compare them: what is read, how often, and what comes of it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.errors import Interrupted, SourceError, SourceUnavailable
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Kind
from glacier_backup.model.place import Place
from glacier_backup.model.plan import BackupPlan, Decision
from glacier_backup.model.reason import ServerUnavailable, Touched, Unchanged, Unreadable
from glacier_backup.model.record import LastSent
from glacier_backup.model.tree_digest import Hashing, tree_fingerprint
from glacier_backup.model.upload_reason import Changed, NeverSent
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.plan.changes import Content
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.workflow.sending import hashing
from glacier_backup.workflow.sending.hashing import MOST_LARGE, nothing, read_contents
from glacier_backup.workflow.sending.prepare import Order, prepare
from glacier_backup.workflow.tools import Origin, Target
from tests.fakes import MemoryDestination

SENT = datetime(2026, 3, 21, 4, tzinfo=UTC)
THEN = 1_600_000_000
LATER = THEN + 60


class Watched:
    """A packer that notes what is read through it."""

    def __init__(self, packer: Packer) -> None:
        self.container: Container = packer.container
        self.step = packer.step
        self.estimate = packer.estimate
        self.read: list[str] = []
        self.begun: Callable[[str], None] = lambda path: None
        """Told when a file is open."""
        self._packer = packer

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        self.read.append(os.path.basename(path))
        with self._packer.pack(path, stored_name) as stream:
            self.begun(path)
            yield stream


class Desk:
    """A tree of real files, and what each destination has of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stored: dict[str, dict[str, LastSent]] = {"main": {}}
        self.files = Watched(PACKERS["raw"])
        self.links = Watched(LINKS)
        self.origin = Origin(LocalSource(), {**PACKERS, "raw": self.files}, self.links, GROUPS)

    def write(self, name: str, content: str, mtime: int = THEN) -> Path:
        path = self.folder / name
        path.write_text(content)
        os.utime(path, (mtime, mtime))
        return path

    def put(self, name: str, content: str, to: str = "main", *, hashed: bool = True) -> None:
        """It was sent, with that content."""
        found = os.lstat(self.folder / name)
        kind: Kind = "link" if (self.folder / name).is_symlink() else "file"
        digest = tree_fingerprint(kind, len(content), found.st_mtime_ns).digest
        sha256 = hashlib.sha256(content.encode()).hexdigest() if hashed else None
        self.stored[to][str(self.folder / name)] = LastSent(7, SENT, len(content), digest, sha256=sha256)

    def plan(self, how: Hashing = "other time", check: Callable[[], object] = nothing) -> BackupPlan:
        rules = TreeRules(hashing=how)
        selection = Selection(str(self.folder), compare=True, destinations=tuple(self.stored), tree=rules)
        targets = [Target(name, MemoryDestination(place=Place("local", f"/{name}"))) for name in self.stored]
        last_sent = {name: _among(stored) for name, stored in self.stored.items()}
        return prepare(Order((selection,)), {"": self.origin}, targets, last_sent, check=check)

    def reasons(self, how: Hashing = "other time") -> dict[str, object]:
        return {self.name(one): one.reason for one in self.plan(how).decisions}

    def name(self, decision: Decision) -> str:
        return os.path.relpath(decision.path, self.folder)


def _among(stored: Mapping[str, LastSent]) -> Callable[[Sequence[str]], Mapping[str, LastSent]]:
    return lambda paths: {path: stored[path] for path in paths if path in stored}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "photos").mkdir()
    return Desk(tmp_path / "photos")


def look(mtime: int, size: int = 3) -> str:
    return f"file {size} {mtime * 10**9}"


def test_only_what_may_be_the_same_all_the_same_is_read(desk: Desk) -> None:
    for name in ("same", "touched", "edited", "grown", "unhashed", "new"):
        desk.write(name, "one")
        desk.put(name, "one", hashed=name != "unhashed")
    del desk.stored["main"][str(desk.folder / "new")]
    desk.write("touched", "one", LATER)
    desk.write("edited", "two", LATER)
    desk.write("grown", "three", LATER)
    desk.write("unhashed", "one", LATER)
    assert desk.reasons() == {
        "same": Unchanged(SENT),
        "touched": Touched(SENT, 7, look(LATER)),
        "edited": Changed(SENT),
        "grown": Changed(SENT),
        "unhashed": Changed(SENT),
        "new": NeverSent(),
    }
    assert sorted(desk.files.read) == ["edited", "touched"]


def test_what_is_always_compared_by_content_is_always_read(desk: Desk) -> None:
    for name in ("same", "edited", "touched"):
        desk.write(name, "one")
        desk.put(name, "one")
    desk.write("edited", "two")
    desk.write("touched", "one", LATER)
    by_time = {"same": Unchanged(SENT), "edited": Unchanged(SENT), "touched": Changed(SENT)}
    assert desk.reasons("never") == by_time
    assert desk.files.read == []
    assert desk.reasons("other time") == by_time | {"touched": Touched(SENT, 7, look(LATER))}
    assert desk.reasons("always") == by_time | {"edited": Changed(SENT), "touched": Touched(SENT, 7, look(LATER))}
    assert sorted(desk.files.read) == ["edited", "same", "touched", "touched"]


def test_each_is_read_once_for_all_destinations_and_each_decides_for_itself(desk: Desk) -> None:
    desk.stored |= {"second": {}, "unhashed": {}, "new": {}}
    desk.write("a", "one")
    for name in ("main", "second"):
        desk.put("a", "one", name)
    desk.put("a", "one", "unhashed", hashed=False)
    desk.write("a", "one", LATER)
    touched = Touched(SENT, 7, look(LATER))
    assert {one.to: one.reason for one in desk.plan().decisions} == {
        "main": touched,
        "second": touched,
        "unhashed": Changed(SENT),
        "new": NeverSent(),
    }
    assert desk.files.read == ["a"]


def test_a_link_is_read_as_such(desk: Desk) -> None:
    for name, target in (("same", "abc"), ("other", "xyz")):
        (desk.folder / name).symlink_to(target)
        os.utime(desk.folder / name, (THEN, THEN), follow_symlinks=False)
        desk.put(name, "abc")
        os.utime(desk.folder / name, (LATER, LATER), follow_symlinks=False)
    digest = f"link 3 {LATER * 10**9}"
    assert desk.reasons() == {"same": Touched(SENT, 7, digest), "other": Changed(SENT)}
    assert (desk.files.read, sorted(desk.links.read)) == ([], ["other", "same"])


def test_what_cannot_be_read_is_said_once_and_sent_where_that_is_decided_without(desk: Desk) -> None:
    desk.stored |= {"second": {}, "new": {}}
    desk.write("a", "one")
    desk.put("a", "one")
    desk.put("a", "one", "second")
    desk.write("a", "one", LATER)
    desk.files.begun = lambda path: _raise(SourceError(f"{path}: Input/output error"))
    plan = desk.plan()
    assert [(one.to, one.reason) for one in plan.decisions] == [
        ("", Unreadable("Input/output error")),
        ("new", NeverSent()),
    ]
    assert plan.troubles == 1
    desk.files.begun = lambda path: _raise(SourceUnavailable(f"{path}: nas: no route", hint="wait"))
    assert next(iter(desk.plan().decisions)).reason == ServerUnavailable("nas: no route", "wait")


def _raise(error: Exception) -> None:
    raise error


def test_what_changes_while_it_is_read_is_sent(desk: Desk) -> None:
    desk.write("a", "one")
    desk.put("a", "one")
    desk.write("a", "one", LATER)

    def edit(path: str) -> None:
        Path(path).write_text("two")

    desk.files.begun = edit
    assert desk.reasons() == {"a": Changed(SENT)}
    desk.write("a", "one", LATER)
    desk.files.begun = lambda path: os.utime(path, (LATER + 60, LATER + 60))
    assert desk.reasons() == {"a": Changed(SENT)}


def test_decisions_keep_their_order_whatever_is_read_first(desk: Desk) -> None:
    for number in range(40):
        desk.write(f"{number:02}", "one")
        if number % 3:
            desk.put(f"{number:02}", "one")
        desk.write(f"{number:02}", "one", LATER)
    desk.files.begun = lambda path: time.sleep(0.01 if path.endswith(("1", "4")) else 0)
    assert [desk.name(one) for one in desk.plan().decisions] == [f"{number:02}" for number in range(40)]
    assert len(desk.files.read) == 26


def test_a_large_file_is_hashed_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "PIECE", 1000)
    for size in (999, 1000, 1001, 2000, 0):
        desk.write(f"{size}", "x" * size)
        desk.put(f"{size}", "x" * size)
        desk.write(f"{size}", "x" * size, LATER)
    assert all(isinstance(reason, Touched) for reason in desk.reasons().values())


def test_few_large_files_of_a_server_are_read_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "LARGE", 2)
    at_once, most, lock = 0, 0, threading.Lock()

    def begun(path: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1

    desk.files.begun = begun
    seen = tree_fingerprint("file", 3, LATER * 10**9)
    paths = [str(desk.write(f"{number}", "one")) for number in range(20)]
    some = [Candidate(path, "file", str(desk.folder), compare=True, origin="nas", seen=seen) for path in paths]
    assert set(read_contents(some, {"nas": desk.origin}).values()) == {Content(hashlib.sha256(b"one").hexdigest())}
    assert 1 < most <= MOST_LARGE


@pytest.fixture
def stuck(desk: Desk) -> Iterator[threading.Event]:
    """Files that can't be read on until this is set."""
    going_on = threading.Event()
    for name in "abc":
        desk.write(name, "one")
        desk.put(name, "one")
        desk.write(name, "one", LATER)

    def begun(path: str) -> None:
        going_on.wait(30)

    desk.files.begun = begun
    yield going_on
    going_on.set()


def test_a_stop_ends_it_though_a_server_keeps_everybody_waiting(desk: Desk, stuck: threading.Event) -> None:
    stop = StopRequest()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        desk.plan(check=stop.check)
    assert time.monotonic() - begun < 5
    timer.join()


def test_what_is_being_read_ends_with_a_stop(desk: Desk) -> None:
    """A file of a terabyte is not read to its end."""
    seen = tree_fingerprint("file", 10**12, LATER * 10**9)
    endless = Candidate("/dev/zero", "file", "/dev", compare=True, seen=seen)
    origin = replace(desk.origin, packers={**PACKERS, "raw": Endless()})
    stop = StopRequest()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    with suppress(Interrupted):
        read_contents([endless], {"": origin}, stop.check)
    timer.join()
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("compare") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Endless:
    """A file without an end."""

    container: Container = "raw"
    step = PACKERS["raw"].step
    estimate = PACKERS["raw"].estimate

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        with open(path, "rb") as file, PACKERS["raw"].pack(__file__, stored_name) as stream:
            yield _Endless(file.readinto, stream)


class _Endless:
    def __init__(self, readinto: Callable[[memoryview], int], stream: PackedStream) -> None:
        self.readinto = readinto
        self.outcome = stream.outcome
        self.members = stream.members
