"""What labels tell of archives of datasets: the snapshots that the stream goes between, and the recipe's first step.

In a few characters, for descriptions in a vault, that is the span as its ``str()`` has it, and behind it ``/raw`` where
the stream is one of ``zfs send --raw``::

    81c2…/offsite-20260321/offsite-20260314
    81c2…/offsite-20260321//raw
"""

from __future__ import annotations

from glacier_backup.model.archive import Label
from glacier_backup.model.increment import parse_link
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.snapshot import SCHEMES, Span, is_dataset_path, parse_span, span_of, stream_step

_RAW = "/raw"
"""Behind the two slashes that a span has."""


def is_dataset(label: Label) -> bool:
    """Whether it is that of a dataset."""
    return label.kind == "dataset"


def span_text(recipe: Recipe | None) -> str:
    """The few characters; empty for what is of no dataset. Raises ValueError as :func:`span_of`."""
    span = span_of(recipe)
    if span is None or recipe is None:
        return ""
    return f"{span}{_RAW}" if recipe.steps[0].parameters.get("raw") is True else str(span)


def span_told(label: Label) -> Span | None:
    """Which snapshots its stream goes between; None where nothing tells, as of what has lost its manifest. Raises
    ValueError for what :func:`span_text` never makes."""
    return parse_span(label.span.removesuffix(_RAW) if _is_raw(label) else label.span) if label.span else None


def _is_raw(label: Label) -> bool:
    return label.span.count("/") > 2 and label.span.endswith(_RAW)


def check_dataset(label: Label) -> None:
    """Raises ValueError for what can't be an archive of a dataset, or is none and says what one says."""
    scheme = label.path.partition(":")[0] if is_dataset_path(label.path) else ""
    if scheme != (label.container if label.container in SCHEMES else "") or bool(scheme) != is_dataset(label):
        raise ValueError(f"{label.path} in a {label.container} is no dataset")
    if not scheme:
        if label.span:
            raise ValueError(f"{label.path} has no snapshots")
        return
    if not label.link:
        raise ValueError("it has no place in a chain of snapshots")
    span = span_told(label)
    if span is not None and bool(parse_link(label.link).number) != bool(span.base):
        raise ValueError("its place in the chain isn't that of its snapshots")


def dataset_step(label: Label) -> Step:
    """How its stream was made, as far as its label tells."""
    link, span = parse_link(label.link), span_told(label)
    if span is None:
        return Step(label.container, link.step.parameters)
    return stream_step(label.container, span, link, raw=_is_raw(label))
