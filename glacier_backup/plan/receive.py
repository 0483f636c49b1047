"""Datasets that are brought back as datasets: what is received, in which order, and as what."""

from __future__ import annotations

import pickle
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby, islice

from glacier_backup.errors import UsageError
from glacier_backup.model.snapshot import dataset_of, is_dataset_path
from glacier_backup.ordering import Ordering
from glacier_backup.plan.choice import Choice, Stream
from glacier_backup.plan.globs import is_magic
from glacier_backup.plan.known import Known
from glacier_backup.plan.restore import NAMED, Entry, RestorePlan, summed
from glacier_backup.plan.terms import Archives, Term
from glacier_backup.spool import Spool

_NUMBER = 8
"""Bytes of a number that things are put in order by."""

_END = b"\0\0"
"""Behind the last component of a name."""

_Streams = Iterable[tuple[Stream, Choice]]


def only_datasets(known: Known, terms: Sequence[Term]) -> bool:
    """Whether words, of which there is one at least, mean datasets and nothing else."""
    return bool(terms) and all(isinstance(one, Archives) and _is_of_datasets(known, one) for one in terms)


def _is_of_datasets(known: Known, term: Archives) -> bool:
    if is_dataset_path(term.text):
        return True
    return all(one.kind == "dataset" for one in known.stored_archives(term.wanted))


def plan_receive(known: Known, plan: RestorePlan, terms: Sequence[Term], target: str) -> RestorePlan:
    """``plan``, but for where things go: into the dataset ``target`` (``zfs:pool/name``), and what lies below the one
    that was asked for below that. A dataset comes behind all that it lies in, and its streams as they build on each
    other.

    A dataset of several is left out where what one of its streams builds on is missing, or known to be damaged beyond
    repair, and so is what lies in it. Raises UsageError for what is no dataset, where all would be left out, and where
    one dataset could become several things. What is damaged is tried all the same where it is named by its number:
    nothing of it becomes a snapshot that isn't right.
    """
    if plan.refused:
        raise UsageError("; ".join(plan.notes))
    ordered, lost = Spool(_in_order(plan.entries)), dict[str, UsageError]()
    datasets = Spool(_checked(ordered, lost, tries=all(one.exactly for one in terms)))
    if len(lost) == len(datasets):
        raise next(iter(lost.values()))
    top = _top(terms, datasets)
    entries = Spool(
        Entry(choice, snapshot_of(stream, top, target)) for stream, choice in ordered if stream.dataset not in lost
    )
    if not lost:
        return replace(plan, entries=entries)
    return summed(known, entries, plan.places, len(lost), (*plan.notes, _left_out(lost)))


def _left_out(lost: Collection[str]) -> str:
    more = " …" if len(lost) > NAMED else ""
    which = "it can't" if len(lost) == 1 else "they can't"
    return f"{len(lost)} left out, for {which} be received: {', '.join(islice(lost, NAMED))}{more}"


def snapshot_of(stream: Stream, top: str, target: str) -> str:
    """What a stream becomes: ``zfs:pool/name/below@snapshot``. ``top`` is what the target stands for; empty: what all
    pools lie in."""
    below = stream.dataset[len(top) :] if top else f"/{dataset_of(stream.dataset)[1]}"
    return f"{target}{below}@{stream.span.to}"


def _in_order(entries: Iterable[Entry]) -> Iterator[tuple[Stream, Choice]]:
    """By the components of their datasets, then as they build on each other. There may be any number of them."""
    ordering = Ordering()
    for choice, _ in entries:
        stream = choice.stream
        if stream is None:
            raise UsageError(
                f"{choice.path} isn't known to be a stream of a dataset, and only those can be received",
                hint="--to DIR, which begins with /, ./ or ~, brings it back as a file",
            )
        # Names hold no NUL: what does is refused before.
        names = stream.dataset.encode("utf-8", "surrogateescape").replace(b"/", b"\0") + _END
        found = pickle.dumps((stream, choice), pickle.HIGHEST_PROTOCOL)
        ordering.add(names + stream.number.to_bytes(_NUMBER, "big") + found)
    for piece in ordering:
        yield pickle.loads(piece[piece.index(_END) + len(_END) + _NUMBER :])  # noqa: S301  # our own


def _checked(streams: _Streams, lost: dict[str, UsageError], *, tries: bool) -> Iterator[str]:
    """The datasets, each once; those that can't be received get into ``lost``, with the reason. ``tries``: what is
    damaged can be, too."""
    for dataset, own in groupby(streams, key=lambda one: one[0].dataset):
        before = -1
        for stream, choice in own:
            if stream.trouble and (stream.is_gap or not tries):
                lost.setdefault(dataset, _in_trouble(stream, choice))
            elif stream.number == before:
                raise UsageError(
                    f"there are several chains of {dataset}, and one dataset can't become all of them",
                    hint=f"name the archive that is wanted: id:{choice.archive}, say",
                )
            before = stream.number
        above = next((one for one in _above(dataset) if one in lost), None)
        if above is not None:
            lost.setdefault(dataset, UsageError(f"{dataset} can't be received: it lies in {above}, which can't be"))
        yield dataset


def _in_trouble(stream: Stream, choice: Choice) -> UsageError:
    return UsageError(
        f"{stream.dataset} can't be received as it was at {stream.span.to}: {stream.trouble}",
        hint=f"glacier-backup list --versions {stream.dataset} shows what there is, id:{choice.archive} tries all "
        "the same what is damaged, and --to DIR brings back what is left, as files",
    )


def _above(dataset: str) -> Iterator[str]:
    while "/" in dataset:
        dataset = dataset.rpartition("/")[0]
        yield dataset


def _top(terms: Sequence[Term], datasets: Iterable[str]) -> str:
    """The dataset that the target stands for: that of the only word, else the lowest that all of them lie in."""
    if len(terms) == 1 and is_dataset_path(terms[0].text) and not is_magic(terms[0].text):
        return terms[0].text
    return reduce(lambda one, other: posixpath.commonpath([one, other]), datasets)
