"""Which path counts once, and whose options hold for it, when sections overlap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from glacier_backup.exclusion import Exclusion
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import NoUploadOption


class Section(Protocol):
    """What is needed here of a section of the configuration."""

    @property
    def path(self) -> str: ...

    @property
    def compare(self) -> bool: ...

    @property
    def exclusion(self) -> Exclusion:
        """What is left out of it."""
        ...

    @property
    def is_tree(self) -> bool:
        """Whether it reaches all that is below it, and what :func:`select` need not know of other sections."""
        ...


S = TypeVar("S", bound=Section)


def select(sections: Sequence[S], resolve: Callable[[S], Iterable[Resolved]]) -> Iterator[Resolved]:
    """What ``sections`` select together, in their order and, within one, in the order of ``resolve``.

    A path that two sections reach comes once, where it is first reached, with the options of its own section. What
    one section passes over doesn't count when the path has a section of its own. Sections are resolved one after the
    other as the result is read; memory goes with their number only.

    A section reaches itself and its direct children, so only paths of sections can be reached twice. A whole tree
    reaches more, and passes by what is another section's of itself: what it has for a candidate is its own. A directory
    that is looked after as a tree is no archive of the section above it. A file of a tree stays one, though a section
    that names it has found it.
    """
    own = {section.path: section for section in reversed(sections)}
    reached: set[str] = set()
    waiting: list[PassedOver] = []
    for section in sections:
        for found in _each_once(resolve(section)):
            if found.path not in own or _is_the_trees(found, section):
                yield found
            elif _is_told_already(found, reached) or not _counts(found, section, own[found.path]):
                continue
            elif isinstance(found, PassedOver) and _may_be_reached_by_another(found, own):
                waiting.append(found)
            else:
                if not _selects_nothing(found):
                    reached.add(found.path)
                yield _with_own_options(found, own[found.path])
    yield from (found for found in waiting if found.path not in reached)


def _each_once(found: Iterable[Resolved]) -> Iterator[Resolved]:
    """Without candidates that come twice in a row: some listings repeat a name when something changes meanwhile."""
    last = None
    for one in found:
        if isinstance(one, PassedOver) or one.path != last:
            yield one
        last = one.path if isinstance(one, Candidate) else None


def _is_told_already(found: Resolved, reached: Collection[str]) -> bool:
    """What a section can't read is news, though the one above it may send that."""
    return found.path in reached and not (isinstance(found, PassedOver) and found.reason.needs_attention)


def _is_the_trees(found: Resolved, section: Section) -> bool:
    """Such as a link that leads to a directory with a section: what lies there is that one's, but the link isn't."""
    return section.is_tree and isinstance(found, Candidate) and found.path != section.path


def _counts(found: Resolved, section: Section, own: Section) -> bool:
    """Whether the section that found this has a say about a path that has a section of its own.

    A tree has where it can't be read: there may be more below than what the other section looks after.
    """
    if found.section == found.path or section.path == own.path:
        return True
    if isinstance(found, PassedOver):
        return section.is_tree and found.reason.needs_attention
    return not (own.is_tree and found.kind == "directory")


def _may_be_reached_by_another(found: PassedOver, own: Mapping[str, Section]) -> bool:
    """A section with no upload option selects nothing, but the one above it may select it: wait for that. What a tree
    can't read the path's own section may tell, or send."""
    if found.section != found.path:
        return True
    return _selects_nothing(found) and (found.path.rpartition("/")[0] or "/") in own


def _selects_nothing(found: Resolved) -> bool:
    return isinstance(found, PassedOver) and isinstance(found.reason, NoUploadOption)


def _with_own_options(found: Resolved, own: Section) -> Resolved:
    if isinstance(found, Candidate) and not found.of_tree:
        exclusion = own.exclusion if found.kind == "directory" else found.exclusion
        return replace(found, section=found.path, compare=own.compare, exclusion=exclusion)
    return found
