"""Files of trees and their later versions, as a place lists them: the first one is older than all others.

It has no time in its key, and what a disk says of when it came there is wrong after the disk was copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from glacier_backup.model.suffixes import split_suffix
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.told_by_key import Key, split_version

T = TypeVar("T")

_MOMENT = timedelta(microseconds=1)


def before_versions(
    listed: Iterable[T],
    stored_of: Callable[[T], Stored],
    put: Callable[[T, Stored], T],
    key_of: Callable[[str], Key | None],
) -> Iterator[T]:
    """The same, in another order, where each file that has versions counts as stored before the first of them.

    ``listed`` comes in the order of the locators' bytes: what lies between a file and its versions begins with its
    name, without the suffix of a seal, so that a short stack is enough.
    """
    waiting: list[tuple[str, T]] = []
    for one in listed:
        key = key_of(stored_of(one).locator)
        if key is None:
            yield one
            continue
        while waiting and not key.key.startswith(split_suffix(waiting[-1][0])[0]):
            yield waiting.pop()[1]
        name, time = split_version(key.key)
        firsts = (name, name + split_suffix(key.key)[1])
        for at, (held, value) in enumerate(waiting):
            stored = stored_of(value)
            if time is not None and held in firsts and stored.stored_at >= time:
                waiting[at] = (held, put(value, replace(stored, stored_at=time - _MOMENT)))
        if time is None:
            waiting.append((key.key, one))
        else:
            yield one
    yield from (value for _, value in waiting)
