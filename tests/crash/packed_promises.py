"""What has to hold after a trial whose files are sent together, whatever died when: of each file, wherever it lies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.naming import is_group_path, is_prefix_group_path, section_of, stored_name
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from tests.crash.packed_sources import Look, PackedSources, unpacked
from tests.crash.promises import (
    Outcome,
    nobody_confessed,
    nothing_is_left_open,
    nothing_is_stored_twice,
    parts_are_sent_once,
)
from tests.crash.scenario import CONCURRENCY
from tests.crash.stage import Stage, Stored
from tests.crash.trial import Trial


class PackedOutcome(Outcome):
    """What a trial left behind at one destination, read once."""

    def __init__(self, trial: Trial, stage: Stage) -> None:
        super().__init__(trial, stage)
        assert isinstance(trial.sources, PackedSources)
        self.sources = trial.sources
        self.packed = {one.locator: list(self._contents(one)) for one in self.stored}
        """By locator the files that are in an archive, by their paths, in order."""

    def _contents(self, one: Stored) -> Iterator[tuple[str, Look | str]]:
        """Of what lies there alone only the content is told, or the target."""
        if is_prefix_group_path(one.path):
            yield from ((f"/{name.partition('/')[2]}", look) for name, look in unpacked(one.file))
            return
        if not is_group_path(one.path):
            yield one.path, hashlib.sha256(one.file.read_bytes()).hexdigest()
            return
        section = section_of(one.path)
        for name, look in unpacked(one.file):
            yield section + name.removeprefix(stored_name(section)), look

    @cached_property
    def archives(self) -> list[StoredArchive]:
        """As the catalog has them."""
        return self._of_catalog(ArchiveFilter())

    @cached_property
    def files(self) -> list[StoredArchive]:
        """Every version of every file that the catalog has, in a group or alone."""
        return self._of_catalog(ArchiveFilter(inside=True))

    @cached_property
    def newest(self) -> dict[str, StoredArchive]:
        """Of each file, by its path."""
        return {one.path: one for one in self._of_catalog(ArchiveFilter(inside=True, newest=True))}

    def _of_catalog(self, wanted: ArchiveFilter) -> list[StoredArchive]:
        with Catalog.peek(str(self.trial.catalog)) as catalog:
            here = {number for number, place in catalog.places() if self.stage.holds(str(place))}
            return [one for one in catalog.stored_archives(wanted) if one.place_id in here]


def archives_hold_what_was(outcome: PackedOutcome) -> Iterator[str]:
    """Every file in every stored archive is, with its name and its time, what lay there at some time; once."""
    for locator, files in outcome.packed.items():
        yield from (f"{path} is in {locator} {n} times" for path, n in Counter(p for p, _ in files).items() if n > 1)
        if not files:
            yield f"{locator} is empty"
        for path, found in files:
            known = outcome.sources.versions.get(path, [])
            if found not in known and found not in [look.content for look in known]:
                yield f"{path} in {locator} is nothing that it ever was: {found}"


def what_is_there_now_is_the_newest(outcome: PackedOutcome) -> Iterator[str]:
    """Every file that there is is in the catalog, and its newest version there is what it is now."""
    for path, look in outcome.sources.now().items():
        newest = outcome.newest.get(path)
        if newest is None:
            yield f"{path} is not in the catalog"
        elif newest.digest != look.digest:
            yield f"{path}: its newest version in the catalog is {newest.digest}, and it is {look.digest}"


def what_is_recorded_is_stored(outcome: PackedOutcome) -> Iterator[str]:
    """Every version of a file that the catalog has lies in the archive where it says so, under its number."""
    for one in outcome.files:
        locator = one.volumes[0].locator
        files = outcome.packed.get(locator)
        if files is None:
            yield f"{one.path}: {locator} is in the catalog and not stored"
            continue
        number = 0 if one.file is None else one.file.number
        path, found = files[number] if number < len(files) else ("nothing", "")
        digest = found.digest if isinstance(found, Look) else one.digest
        if (path, digest) != (one.path, one.digest):
            yield f"{one.path}: member {number} of {locator} is {path}, {digest}, and not {one.digest}"


def members_are_recorded(outcome: PackedOutcome) -> Iterator[str]:
    """The catalog has the members of every group, resumed or not, and nothing twice."""
    with Catalog.peek(str(outcome.trial.catalog)) as catalog:
        for one in outcome.archives:
            if one.kind == "group":
                known = len(list(catalog.members(one.id)))
                if known != len(outcome.packed.get(one.volumes[0].locator, ())):
                    yield f"{one.path}: the catalog has {known} members of {one.volumes[0].locator}"
    for locator, count in Counter(volume.locator for one in outcome.archives for volume in one.objects).items():
        if count > 1:
            yield f"{locator} is in the catalog {count} times"


def versions_are_stored_once(outcome: PackedOutcome) -> Iterator[str]:
    """No version of a file is stored twice, but where the destination forgot what was completed; or where it is in a
    group that is sent as a whole."""
    if outcome.stage.by_prefix:
        return
    counts = Counter(
        (path, found if isinstance(found, str) else found.content, "" if isinstance(found, str) else found.mtime_ns)
        for files in outcome.packed.values()
        for path, found in files
    )
    for (path, *_), count in counts.items():
        if count > 1 + outcome.allowed.forgotten:
            yield f"{path} is stored {count} times as it was at one time"


def groups_are_begun_once(outcome: PackedOutcome) -> Iterator[str]:
    """Likewise no group, or object of one, is begun twice, but where an upload came to nothing, or can't be resumed."""
    seal = getattr(outcome.stage, "seal", None)
    spare = 0 if seal is None or seal.repeatable else CONCURRENCY * (outcome.trial.kills + outcome.trial.terms)
    for what, count in sorted(outcome.stage.starts().items()):
        path, _, suffix = what.partition("\0")
        legitimate = 1 + outcome.allowed.restarts[path] + outcome.allowed.forgotten
        if is_group_path(path) and count > legitimate + spare:
            yield f"{path}{suffix}: {count} uploads of it got parts, {legitimate} may"


PROMISES = (
    archives_hold_what_was,
    what_is_there_now_is_the_newest,
    what_is_recorded_is_stored,
    members_are_recorded,
    versions_are_stored_once,
    groups_are_begun_once,
    nothing_is_stored_twice,
    nothing_is_left_open,
    parts_are_sent_once,
    nobody_confessed,
)


def broken(trial: Trial) -> list[str]:
    """All that is broken of what was promised, in words."""
    outcomes = [PackedOutcome(trial, stage) for stage in trial.stage.each]
    return [f"{promise.__name__}: {what}" for one in outcomes for promise in PROMISES for what in promise(one)]
