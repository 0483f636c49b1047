"""What lies at many names below a directory of a server, asked long before it is wanted: a long way costs few waits."""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TypeGuard

from glacier_backup.ahead import in_order
from glacier_backup.chunks import in_chunks
from glacier_backup.descent import above
from glacier_backup.ssh.entries import Attributes, Entry
from glacier_backup.ssh.loop import Check
from glacier_backup.ssh.reading import below
from glacier_backup.ssh.remote import Remote, nothing

TOGETHER = 256
"""Names that are asked for over one connection, before the next are."""


def named(
    remote: Remote,
    top: bytes,
    names: Iterable[bytes],
    *,
    follow: bool = False,
    targets: bool = False,
    check: Check = nothing,
) -> Generator[Entry | OSError, None, None]:
    """Each of ``names`` in their order; with what links point to where ``targets`` are asked for.

    Unless ``follow`` is set, no link below ``top`` is followed: what lies behind one isn't there. Raises ServerError.
    """
    threads = 2 * remote.width
    pool = ThreadPoolExecutor(threads, thread_name_prefix="look")
    try:
        jobs = (partial(_looked, remote, top, some, follow, targets, check) for some in in_chunks(names, TOGETHER))
        with closing(in_order(jobs, pool, threads)) as done:
            for found in done:
                yield from found
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _looked(
    remote: Remote, top: bytes, names: Sequence[bytes], follow: bool, targets: bool, check: Check
) -> list[Entry | OSError]:
    folders = [] if follow else list(dict.fromkeys(folder for name in names for folder in above(name)))
    answers = remote.look_all([below(top, name) for name in (*folders, *names)], follow, check)
    ways = dict(zip(folders, answers, strict=False))
    found = [_one(name, answer, ways) for name, answer in zip(names, answers[len(folders) :], strict=True)]
    return _with_targets(remote, top, found, check) if targets else found


def _one(name: bytes, answer: Attributes | OSError, ways: dict[bytes, Attributes | OSError]) -> Entry | OSError:
    for folder in above(name) if ways else ():
        way = ways[folder]
        if not isinstance(way, OSError) and not stat.S_ISDIR(way.mode):
            return FileNotFoundError(f"{folder!r} is no directory any more")
    return answer if isinstance(answer, OSError) else Entry(name, answer)


def _with_targets(remote: Remote, top: bytes, found: Sequence[Entry | OSError], check: Check) -> list[Entry | OSError]:
    """What links point to stays empty where that isn't told."""
    links = [one.name for one in found if _is_link(one)]
    told = dict(zip(links, remote.link_targets([below(top, name) for name in links], check), strict=True))
    return [
        one._replace(target=target) if _is_link(one) and isinstance(target := told[one.name], bytes) else one
        for one in found
    ]


def _is_link(found: Entry | OSError) -> TypeGuard[Entry]:
    return isinstance(found, Entry) and stat.S_ISLNK(found.attributes.mode)
