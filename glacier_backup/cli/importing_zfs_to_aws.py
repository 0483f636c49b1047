"""Taking over buckets that zfs-to-aws has filled: which sections and places it is about, and what is asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hmac import compare_digest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.cli.sites import key_of
from glacier_backup.config.secrets import Secrets
from glacier_backup.config.settings import DestinationSettings, SectionSettings, Settings
from glacier_backup.config.zfs_to_aws_json import read_passwords
from glacier_backup.errors import KeyNeeded, UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.machine import host_name
from glacier_backup.model.event import Listener, Warned
from glacier_backup.model.zfs_to_aws import LAYOUT, name_in_keys
from glacier_backup.plan.zfs_to_aws import Dataset
from glacier_backup.workflow.takeover_zfs_to_aws import Answer, Left, TakenOver, Tools, take_over_streams

_FOLDER = re.compile(r"(?:.*/)?([^/]+/(?:baseline-[0-9]{8}|incrementals/F[0-9]{8}-T[0-9]{8}))/*", re.DOTALL)


@dataclass(slots=True)
class Answers:
    """What is to become of folders that aren't known to be whole, by their names in the bucket."""

    accepted: Sequence[str] = ()
    left_out: Sequence[str] = ()
    asks: bool = True
    """Whether somebody who is at the terminal is asked."""
    asked_for: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.accepted, self.left_out = map(_folders, (self.accepted, self.left_out))

    def __call__(self, folder: str) -> Answer:
        self.asked_for.add(folder)
        return "take" if folder in self.accepted else "leave" if folder in self.left_out else "none"

    def unused(self) -> list[str]:
        """Folders that were named, and that nobody has asked about."""
        return [one for one in (*self.accepted, *self.left_out) if one not in self.asked_for]


def _folders(named: Sequence[str]) -> list[str]:
    return [_folder(one) for one in named]


def _folder(named: str) -> str:
    """As it is called below the bucket and its prefix. Raises UsageError for what is none."""
    match = _FOLDER.fullmatch(named)
    if match is None:
        raise UsageError(
            f"{named} is no folder of zfs-to-aws",
            hint="they are called photos/baseline-20260101 and photos/incrementals/F20260101-T20260108",
        )
    return f"{match[1]}/"


@dataclass(slots=True)
class Place:
    """What has become of one place."""

    name: str
    """The URL of a bucket, and the like."""
    taken: TakenOver


def sections_of(settings: Settings) -> list[SectionSettings]:
    """Those whose datasets lie as zfs-to-aws has stored them."""
    return [one for one in settings.sections if one.layout == LAYOUT]


def import_streams(
    settings: Settings, file: str | None, answers: Answers, tell: Listener, stop: StopRequest
) -> list[Place]:
    """Take over what zfs-to-aws has stored of all datasets with that layout, place by place. ``file`` is its JSON file,
    whose passwords are compared with those that the sections have.

    Where somebody is at the terminal they are asked about each folder that may be taken over all the same.

    Raises CatalogError, LockHeld, DestinationError, Interrupted, and UsageError where there is no such section.
    """
    sections = sections_of(settings)
    if not sections:
        raise UsageError(
            "what zfs-to-aws has stored is taken over as sections [zfs:POOL/DATASET] with layout = zfs-to-aws, and "
            "there is none",
            hint="glacier-backup config import FILE writes them from its command lines",
        )
    if file is not None:
        _compare_passwords(file, sections, tell)
    set_environment(settings)
    places: list[Place] = []
    for where, datasets in _places(settings, sections):
        taken = _import_place(settings, where, datasets, answers, tell, stop)
        if answers.asks and _somebody_is_here() and (more := _asked(taken.left)):
            answers.accepted = [*answers.accepted, *more]
            taken = _both(taken, _import_place(settings, where, datasets, answers, tell, stop))
        places.append(Place(str(where), taken))
    return places


def _places(
    settings: Settings, sections: Sequence[SectionSettings]
) -> Iterator[tuple[DestinationSettings, Mapping[str, Dataset]]]:
    found: dict[str, dict[str, Dataset]] = {}
    for section in sections:
        for name in section.destinations or settings.default_destinations:
            found.setdefault(name, {})[name_in_keys(section.path)] = _dataset(section)
    return ((settings.destination(name), datasets) for name, datasets in found.items())


def _dataset(section: SectionSettings) -> Dataset:
    tag = section.snapshots.tag if section.snapshots is not None else ""
    return Dataset(section.path, tag, section.seal.volume_size)


def _import_place(
    settings: Settings,
    where: DestinationSettings,
    datasets: Mapping[str, Dataset],
    answer: Callable[[str], Answer],
    tell: Listener,
    stop: StopRequest,
) -> TakenOver:
    with (
        RunLock(settings.catalog),
        Catalog.open(settings.catalog) as catalog,
        closing(destination(where, settings.concurrency, tell)) as place,
    ):
        place_id = catalog.register(place.place, place.identify(holds_archives=False))
        tools = Tools(catalog, place_id, place, key_of(place.place), host_name(), stop.check, answer)
        return take_over_streams(datasets, tools)


def _somebody_is_here() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _asked(left: Sequence[Left]) -> list[str]:
    """Folders that are to be taken over all the same. Nobody waits for the answers: the catalog isn't locked then."""
    accepted = []
    for one in left:
        if not one.may_be_taken or one.is_said:
            continue
        sys.stderr.write(f"{one.folder}: {'; '.join(one.why)}\ntake it over all the same? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            accepted.append(one.folder)
    return accepted


def _both(first: TakenOver, again: TakenOver) -> TakenOver:
    """What both have done, and what is left by the second."""
    again.known = first.known
    again.baselines += first.baselines
    again.increments += first.increments
    again.bytes += first.bytes
    again.accepted = [*first.accepted, *again.accepted]
    return again


def _compare_passwords(file: str, sections: Sequence[SectionSettings], tell: Listener) -> None:
    """Whether its passwords are those that the sections have: nothing in the bucket shows that before a restore."""
    try:
        passwords, secrets = read_passwords(file), Secrets()
    except ValueError as error:
        raise UsageError(str(error)) from None
    for section in sections:
        theirs, name = passwords.get(name_in_keys(section.path)), name_in_keys(section.path)
        if theirs is None:
            tell(Warned(f"{file} has no password of {name}, which is that of [{section.path}]"))
            continue
        try:
            secret = secrets.of(section.seal)
            is_same = secret is not None and compare_digest(_bytes(secret()), _bytes(theirs))
        except KeyNeeded as error:
            tell(Warned(f"[{section.path}]: {error}"))
            continue
        if not is_same:
            tell(
                Warned(
                    f"the password of [{section.path}] isn't the one that {file} has: what is stored opens with that "
                    "one alone"
                )
            )


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogateescape")
