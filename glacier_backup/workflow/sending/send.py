"""Sending one candidate: look → decide what it becomes → pack, seal, send and complete, with whatever an earlier run
has left of it, in as many tries as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from glacier_backup.chunks import in_chunks
from glacier_backup.errors import GlacierBackupError, SourceError, SourceShrank, UploadLost, UploadOutgrown
from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.event import UploadAborted, UploadResumed
from glacier_backup.model.increment import Linked
from glacier_backup.model.naming import MANIFEST, is_prefix_group_path, tree_key, version_key
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.snapshot import SpanLinked
from glacier_backup.model.upload import Unfinished
from glacier_backup.model.zfs_to_aws import snapshot_key
from glacier_backup.pack.packer import Packer
from glacier_backup.plan.container import container_for
from glacier_backup.plan.known import AtPlace
from glacier_backup.seal.chain import Chain
from glacier_backup.workflow.sending import intent as intents
from glacier_backup.workflow.sending import single, undoing, volumes
from glacier_backup.workflow.sending.as_read import looked
from glacier_backup.workflow.sending.copied import copied
from glacier_backup.workflow.sending.desk import Sending
from glacier_backup.workflow.sending.holds import hold
from glacier_backup.workflow.sending.increments import of_sending, sized
from glacier_backup.workflow.sending.intent import Intent, Names, in_volumes, intended
from glacier_backup.workflow.sending.sample import compresses, sample
from glacier_backup.workflow.sending.shared_stream import LeftBehind
from glacier_backup.workflow.sending.single import Single
from glacier_backup.workflow.sending.spans import Spans
from glacier_backup.workflow.sending.volumes import Volumes
from glacier_backup.workflow.sending.way import Way
from glacier_backup.workflow.tools import Origin, Tools

ATTEMPTS = 5
"""Uploads begun for one archive in a run: of what outgrows its parts, shrinks, or whose upload expires."""

LOOK_UP = 500
"""Paths looked up in the catalog at a time."""


def send(
    sending: Sending,
    candidate: Candidate,
    storage_class: str | None = None,
    was: str | None = None,
    *,
    whole: str = "",
) -> ArchiveRecord:
    """Send one candidate, on from where an earlier run left it if that can be; it is stored and recorded then. What
    seems to be stored under the name that it had before (``was``) is copied there, if it is that and can be. ``whole``
    says why a directory isn't sent as an increment, whatever there is to build on.

    Of what is read for other destinations too, and can't keep pace with them, the rest is read by itself.

    Raises DestinationError and SealError after removing what was sent of it, but for volumes that the next run can go
    on behind. SourceError, DestinationUnavailable, Interrupted and CatalogError leave it for the next run to go on
    with: it will see whether it can.
    """
    left = sending.left.pop(candidate.path, [])
    way = Way(storage_class, sending.target.part_size)
    if was is not None and not left:
        record = copied(sending, _intent(sending, candidate), way, was)
        if record is not None:
            return record
    for attempt in range(1, ATTEMPTS + 1):
        intent = _intent(sending, candidate, whole=whole, left=left)
        work = _work(sending, intent, way, _resumed(sending, intent, left))
        try:
            return work.send()
        except LeftBehind:
            left = work.left
        except (UploadOutgrown, UploadLost, SourceShrank) as error:
            if isinstance(error, UploadOutgrown):
                way = replace(way, outgrown=True, least_part=2 * work.part_size or way.least_part)
            if attempt == ATTEMPTS or (way.least_part or 0) > sending.destination.limits.largest_part:
                raise
            left = work.left
            _tell_anew(sending, candidate.path, error)
    raise AssertionError("the last attempt returns or raises")


def _work(sending: Sending, intent: Intent, way: Way, left: Unfinished | None) -> Single | Volumes:
    if intent.chain.split is None:
        return Single(sending, intent, way, left)
    return Volumes(sending, intent, way, left)


def _intent(sending: Sending, candidate: Candidate, *, whole: str = "", left: Sequence[Unfinished] = ()) -> Intent:
    tools = sending.tools
    origin = tools.origins[candidate.origin]
    fingerprint = looked(candidate, origin.source)
    container = container_for(candidate.kind, fingerprint.bytes, sending.destination.limits.least)
    linked = _linked(sending, candidate, whole, [one.record.recipe for one in left])
    if linked is None:
        packer, alone = origin.packer(candidate, container), origin.alone(candidate, container)
    else:
        fingerprint = sized(fingerprint, linked)
        packer = alone = _packer_of_link(origin, candidate, linked)
    chain = tools.seal(candidate.section).about(intents.key_of(candidate), candidate.at_data)
    is_sealed, is_private = chain.seals, tools.private(candidate.section)
    if is_sealed:
        beginning = sample(alone, candidate, fingerprint) if compresses(chain) else b""
        # Of what is private even one volume is a volume: nothing is known of its size, as it were.
        size = None if is_private else packer.estimate(fingerprint.bytes, fingerprint.entries)
        chain = chain.fitting(size, beginning)
        chain = in_volumes(chain) if is_private else chain
    base = None if is_private else _base_key(sending, candidate, linked, sealed=is_sealed)
    names = Names(
        tools.host,
        sending.destination.describe,
        lambda time: None if base is None else _fixed_key(sending, candidate, chain, base, time),
        is_private,
    )
    is_hashed = _is_hashed(tools, candidate, chain)
    return intended(candidate, fingerprint, packer, chain, names, is_hashed=is_hashed, linked=linked)


def _linked(sending: Sending, candidate: Candidate, whole: str, begun: Sequence[Recipe]) -> Linked | SpanLinked | None:
    """What of a chain it becomes; None where it is sent as none."""
    if candidate.kind != "dataset":
        return of_sending(sending).next(candidate, whole=whole, begun=begun)
    known = AtPlace(sending.catalog, sending.place_id)
    linked = Spans(sending.tools, known).next(candidate, whole=whole, begun=begun)
    hold(sending, candidate, linked)
    return linked


def _packer_of_link(origin: Origin, candidate: Candidate, linked: Linked | SpanLinked) -> Packer:
    if isinstance(linked, SpanLinked) and origin.snapshotting is not None:
        return origin.snapshotting.packer(candidate, linked)
    if isinstance(linked, Linked) and origin.chaining is not None:
        return origin.chaining.packer(linked, candidate.exclusion)
    raise AssertionError("whoever says what is next of a chain has what packs it")


def _is_hashed(tools: Tools, candidate: Candidate, chain: Chain) -> bool:
    """Whether it is compared by content next time, or what is in it; or else nothing would tell what a command was
    given, and is to be given back."""
    rules = tools.trees.get(candidate.section)
    is_wanted = chain.has_command or (rules is not None and rules.hashing != "never")
    return is_wanted and rules is not None and (candidate.of_tree or candidate.kind == "group")


def _base_key(
    sending: Sending, candidate: Candidate, linked: Linked | SpanLinked | None, *, sealed: bool
) -> str | None:
    """Of what belongs to a whole tree, and of datasets that are laid out as another program has it; without the suffix
    of its seal, and of a version."""
    if isinstance(linked, SpanLinked):
        return _key_of_span(sending, candidate, linked)
    rules, host = sending.tools.trees.get(candidate.section), sending.tools.host
    by_prefix = candidate.contents is not None and candidate.contents.prefix is not None
    if rules is None or not (candidate.of_tree or by_prefix):
        return None
    path = intents.told(candidate) or candidate.path
    # A group that filters have given another name is told from others by nothing.
    kind = "file" if by_prefix and not is_prefix_group_path(path) else candidate.kind
    return tree_key(host, path, candidate.section, rules.keys, kind, sealed=sealed)


def _key_of_span(sending: Sending, candidate: Candidate, linked: SpanLinked) -> str | None:
    try:
        return snapshot_key(sending.tools.rules_of(candidate).layout, candidate.path, linked.span)
    except ValueError as error:
        raise SourceError(f"{candidate.path}: {error}") from error


def _fixed_key(sending: Sending, candidate: Candidate, chain: Chain, key: str, time: datetime) -> str:
    """``key``, or a version of it. What was sent before stays: as a version where the destination keeps them, else
    because the new one gets another key. What is several objects takes nobody's place."""
    rules = sending.tools.trees.get(candidate.section)
    # By any archive, whatever its path was then: with relative keys a section may have moved.
    is_taken = sending.catalog.has_key(sending.place_id, key, chain.suffix)
    if is_taken and rules is not None and chain.split is None:
        # What leaves a group goes into another one, which may fail: the last copy of it isn't to be lost meanwhile. Nor
        # is another file's, whose key this was before filters made it of this one's name.
        is_kept = rules.keep_versions or candidate.kind == "group" or _is_of_another(sending, candidate, key, chain)
        is_replaced = not is_kept or sending.destination.keeps_versions(sending.check)
        return key if is_replaced else version_key(key, time)
    if is_taken or _is_of_another(sending, candidate, key, chain):
        return version_key(key, time)
    return key


def _is_of_another(sending: Sending, candidate: Candidate, key: str, chain: Chain) -> bool:
    """Whether an object of another archive bears a name that one of this one's would have: ``a`` sealed by age, and a
    file ``a.age``; or a volume of an earlier try, which couldn't be removed, and will be some day."""
    suffixes = [chain.suffix] if chain.split is None else [chain.volume_suffix(1), chain.suffix + MANIFEST]
    return any(sending.catalog.key_of_another(sending.place_id, key, suffix, candidate.path) for suffix in suffixes)


def _resumed(sending: Sending, intent: Intent, left: Sequence[Unfinished]) -> Unfinished | None:
    """The newest of ``left`` that still is what is intended; all others are ended."""
    resumed: Unfinished | None = None
    for one in reversed(left):
        why = "a newer one goes on" if resumed else _why_not(sending, intent, one)
        if why is None:
            resumed = one
            _tell_resumed(sending, one)
        else:
            undoing.drop(sending, one, why)
    return resumed


def _why_not(sending: Sending, intent: Intent, left: Unfinished) -> str | None:
    why = intents.why_not(left.record, intent.record)
    if why is not None:
        return why
    if _was_deleted(sending, intent.candidate, left):
        return "it was deleted meanwhile"
    return (
        single.why_not(sending, intent, left) if intent.chain.split is None else volumes.why_not(sending, intent, left)
    )


def _was_deleted(sending: Sending, candidate: Candidate, left: Unfinished) -> bool:
    """Whether any file of it was noted to be deleted since that was begun: it would count as what was there before."""
    above = candidate.section.rstrip("/") + "/"
    paths = [candidate.path] if candidate.contents is None else (above + held.name for held in candidate.contents)
    return any(
        last >= left.archive
        for some in in_chunks(paths, LOOK_UP)
        for last, _ in sending.catalog.deleted_at(sending.place_id, some).values()
    )


def _tell_resumed(sending: Sending, one: Unfinished) -> None:
    if one.upload_id is not None and not one.stored and one.object is None:
        sending.catalog.opened(one.archive, one.upload_id)
    if one.upload_id is not None or one.stored:
        sending.tell(UploadResumed(one.record.label.path, one.begun, sending.target.name))


def _tell_anew(sending: Sending, path: str, error: GlacierBackupError) -> None:
    sending.tell(UploadAborted(path, str(error), sending.target.name))
    if error.hint:
        sending.warn(path, f"{error}; {error.hint}")
