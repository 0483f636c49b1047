"""What has to hold after a trial, whatever died when. Each promise is a function that yields what breaks it."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from tests.crash.scenario import CONCURRENCY
from tests.crash.sources import Sources, Version, extracted
from tests.crash.stage import Stage, Stored
from tests.crash.trial import Trial


@dataclass(frozen=True)
class Recorded:
    """One archive as ``glacier-backup list --json`` shows it."""

    path: str
    locator: str
    stored_bytes: int


class Outcome:
    """What a trial left behind at one destination, read once."""

    def __init__(self, trial: Trial, stage: Stage) -> None:
        self.trial = trial
        self.stage = stage
        self.allowed = stage.allowed()
        self.versions = trial.sources.versions if isinstance(trial.sources, Sources) else {}
        self.stored = stage.stored()

    @cached_property
    def recorded(self) -> list[Recorded]:
        """Oldest first."""
        self.trial.run("list", "--json")
        rows = json.loads((self.trial.folder / "runs" / f"{self.trial.runs:02d}.out").read_text())
        return [Recorded(row["path"], row["locator"], row["stored_bytes"]) for row in rows if self._is_here(row)]

    def _is_here(self, row: dict[str, str]) -> bool:
        return self.stage.holds(row["destination"])

    @cached_property
    def version_of(self) -> dict[str, int]:
        """By locator, which version of its candidate a stored archive is, byte for byte; those that are one."""
        found = {}
        for one in self.stored:
            digest = _sha256(one)
            for number, version in enumerate(self.versions.get(one.path, ())):
                if version.sha256 == digest:
                    found[one.locator] = number
        return found

    def version(self, one: Stored) -> Version:
        return self.versions[one.path][self.version_of[one.locator]]


def archives_are_their_sources(outcome: Outcome) -> Iterator[str]:
    """Every stored archive is, bit for bit, what a candidate was at some time, and opens to it with stock tools."""
    for one in outcome.stored:
        if one.locator not in outcome.version_of:
            yield f"{one.path}: the archive {one.file} is nothing that it ever was"
        elif extracted(one.file, outcome.version(one)) != outcome.version(one).entries:
            yield f"{one.path}: the archive {one.file} opens to something else"


def the_newest_is_what_is_there_now(outcome: Outcome) -> Iterator[str]:
    """Every candidate is in the catalog, its newest archive is stored and is what the candidate is now."""
    newest = {one.path: one.locator for one in outcome.recorded}
    for path, versions in outcome.versions.items():
        if path not in newest:
            yield f"{path} is not in the catalog"
        elif outcome.version_of.get(newest[path]) != len(versions) - 1:
            yield f"{path}: its newest archive in the catalog is version {outcome.version_of.get(newest[path])}"
    yield from (f"{path} is in the catalog and no candidate" for path in newest.keys() - outcome.versions.keys())


def nothing_is_recorded_twice(outcome: Outcome) -> Iterator[str]:
    """Each version of a candidate is in the catalog once at most, and what is in the catalog is stored."""
    stored = {one.locator: one for one in outcome.stored}
    for locator, count in Counter(one.locator for one in outcome.recorded).items():
        if count > 1 or locator not in stored:
            yield f"{locator} is in the catalog {count} times, and in the vault {int(locator in stored)} times"
    rows = Counter((one.path, outcome.version_of.get(one.locator)) for one in outcome.recorded)
    yield from (f"{path} version {number} is in the catalog {n} times" for (path, number), n in rows.items() if n > 1)
    for one in outcome.recorded:
        if one.locator in stored and _size(stored[one.locator]) != one.stored_bytes:
            yield f"{one.path}: the catalog says {one.stored_bytes} bytes"


def nothing_is_stored_twice(outcome: Outcome) -> Iterator[str]:
    """What is stored is in the catalog: nothing was sent and then forgotten, and sent again.

    Only where the vault forgot a completion may an archive be there that the catalog doesn't list. Then it has a
    doubt of that candidate for each, and a run has warned of it.
    """
    recorded = {one.locator for one in outcome.recorded}
    unknown = Counter(one.path for one in outcome.stored if one.locator not in recorded)
    with closing(_database(outcome)) as database:
        rows = database.execute("SELECT path FROM archives JOIN uploads ON archive = id WHERE doubtful")
        doubts = Counter(_text(path) for (path,) in rows)
    for path, count in unknown.items():
        if count > min(outcome.allowed.forgotten, doubts[path]):
            yield f"{path}: {count} archives are stored that are not in the catalog, with {doubts[path]} doubts"
        elif not any(path in line and "twice" in line for line in outcome.trial.complaints.splitlines()):
            yield f"{path}: nobody was warned that it may be stored twice"


def nothing_is_left_open(outcome: Outcome) -> Iterator[str]:
    """At the destination no open upload and no partial file, in the catalog none unfinished, in TMPDIR nothing."""
    yield from outcome.stage.rest()
    temporary = (outcome.trial.folder / "tmp").iterdir()
    yield from (f"{file} is left over" for file in temporary if not _is_probe(file))
    with Catalog.peek(str(outcome.trial.catalog)) as catalog, closing(_database(outcome)) as database:
        for (place,) in database.execute("SELECT id FROM destinations"):
            for left in catalog.unfinished(place):
                yield f"{left.record.label.path} is unfinished in the catalog"


def parts_are_sent_once(outcome: Outcome) -> Iterator[str]:
    """No part is sent twice beyond those in flight at a kill.

    The tight bound: a part comes a second time only if the program was stopped while the part was on its way, for one
    whose answer came is stored, and one that was stored before the next run asked is listed then. So in all there are
    at most ``concurrency`` repeats for each stop that hit, and none at all where every next run began only after the
    server had dealt with all that the dead one had sent (``settled``). Repeats after an answer that a fault spoiled
    don't count: there the program can't know.
    """
    repeats = list(outcome.stage.repeats())
    bound = CONCURRENCY * outcome.trial.unsettled
    if len(repeats) > bound:
        yield f"{len(repeats)} parts were sent again, {bound} may be: " + "; ".join(repeats)


def uploads_are_begun_once(outcome: Outcome) -> Iterator[str]:
    """A version of a candidate, or each object of one, is sent by one upload, which is resumed: another one only gets a
    part where the first has expired, or where its completion was forgotten.

    What is never the same when it is sealed again can't be resumed: of that there may be as many more as were on their
    way when a run was stopped, and no more: what was stored is not sent again.
    """
    seal = getattr(outcome.stage, "seal", None)
    spare = 0 if seal is None or seal.repeatable else CONCURRENCY * (outcome.trial.kills + outcome.trial.terms)
    for what, count in sorted(outcome.stage.starts().items()):
        path, _, suffix = what.partition("\0")
        legitimate = len(outcome.versions.get(path, ())) + outcome.allowed.restarts[path] + outcome.allowed.forgotten
        spare -= max(0, count - legitimate)
        if count > legitimate and spare < 0:
            yield f"{path}{suffix}: {count} uploads of it got parts, {legitimate} may"


def members_are_recorded(outcome: Outcome) -> Iterator[str]:
    """The catalog has the members of every archive, resumed or not."""
    stored = {one.locator: one for one in outcome.stored if one.locator in outcome.version_of}
    with Catalog.peek(str(outcome.trial.catalog)) as catalog, closing(_database(outcome)) as database:
        ids: dict[str, list[int]] = defaultdict(list)
        for archive, locator in database.execute("SELECT archive, locator FROM volumes"):
            ids[_text(locator)].append(archive)
        for locator, one in stored.items():
            for archive in ids[locator]:
                if sorted(member.path for member in catalog.members(archive)) != sorted(outcome.version(one).entries):
                    yield f"{one.path}: the catalog has other members of {locator} than are in it"


def nobody_confessed(outcome: Outcome) -> Iterator[str]:
    """No run met with a defect of its own.

    A traceback alone is none: a signal that arrives while Python collects garbage is shown with one and ignored, and
    the program obeys it at its next safe point.
    """
    for confession in ("a defect of glacier-backup", ": unexpected ", "Exception in thread", "a listener failed"):
        if confession in outcome.trial.complaints:
            yield f"a run said: {confession}; see runs/*.err"


PROMISES: tuple[Callable[[Outcome], Iterator[str]], ...] = (
    archives_are_their_sources,
    the_newest_is_what_is_there_now,
    nothing_is_recorded_twice,
    nothing_is_stored_twice,
    nothing_is_left_open,
    parts_are_sent_once,
    uploads_are_begun_once,
    members_are_recorded,
    nobody_confessed,
)


def broken(trial: Trial) -> list[str]:
    """All that is broken of what was promised, in words."""
    outcomes = [Outcome(trial, stage) for stage in trial.stage.each]
    return [f"{promise.__name__}: {what}" for one in outcomes for promise in PROMISES for what in promise(one)]


def _is_probe(file: Path) -> bool:
    """Whether Python itself left it: ``tempfile`` tries a folder out with a file that it removes at once, and
    ``ctypes.util.find_library``, which asyncssh calls, asks the compiler, whose files are called ``cc`` and so on."""
    if re.fullmatch(r"cc\w{6}(\.\w+)?", file.name):
        return True
    return len(file.name) == 8 and b"blat".startswith(file.read_bytes())


def _size(one: Stored) -> int:
    return one.file.stat().st_size if one.size is None else one.size


def _sha256(one: Stored) -> str:
    with one.file.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _database(outcome: Outcome) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{outcome.trial.catalog}?mode=ro", uri=True)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
