"""Which path counts once, and whose options hold for it, when sections overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import NoUploadOption


class Section(Protocol):
    """What is needed here of a section of the configuration."""

    @property
    def path(self) -> str: ...

    @property
    def compare(self) -> bool: ...


S = TypeVar("S", bound=Section)


def select(sections: Sequence[S], resolve: Callable[[S], Iterable[Resolved]]) -> Iterator[Resolved]:
    """What ``sections`` select together, in their order and, within one, in the order of ``resolve``.

    A path that two sections reach comes once, where it is first reached, with the options of its own section. What
    one section passes over doesn't count when the path has a section of its own. Sections are resolved one after the
    other as the result is read; memory goes with their number only.

    A section reaches itself and its direct children, so only paths of sections can be reached twice.
    """
    own = {section.path: section.compare for section in reversed(sections)}
    reached: set[str] = set()
    waiting: list[PassedOver] = []
    for section in sections:
        for found in resolve(section):
            if found.path not in own:
                yield found
            elif found.path in reached or (isinstance(found, PassedOver) and found.section != found.path):
                continue
            elif isinstance(found, PassedOver) and _may_be_reached_by_another(found, own):
                waiting.append(found)
            else:
                reached.add(found.path)
                yield _with_own_options(found, own)
    yield from (found for found in waiting if found.path not in reached)


def _may_be_reached_by_another(found: PassedOver, own: dict[str, bool]) -> bool:
    """A section with no upload option selects nothing, but the one above it may select it: wait for that."""
    return isinstance(found.reason, NoUploadOption) and (found.path.rpartition("/")[0] or "/") in own


def _with_own_options(found: Resolved, own: dict[str, bool]) -> Resolved:
    if isinstance(found, Candidate):
        return replace(found, section=found.path, compare=own[found.path])
    return found
