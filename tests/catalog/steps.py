"""The four steps of one archive, one by one; and those of one that is sealed in volumes, with one object.

``python -m tests.catalog.steps CATALOG STEP WHERE`` takes them up to STEP and waits there to be killed: WHERE is
``after`` it, ``inside`` it just before its commit, or ``midway`` in the members of a large archive.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from glacier_backup.units import MIB
from tests.catalog.values import (
    LOCAL,
    a_member,
    a_receipt,
    a_sealed,
    an_archive,
    an_object,
    checksums,
    intended,
    sums_of,
)

STEPS = ("intend", "opened", "completing", "stored")

SEALED_STEPS = ("sealing", "begin_object", "open_object", "object_sent", "object_stored", "set_contents", "finish")

STORED = an_archive(locator="the-id")

SEALED = a_sealed(STORED.label.path)
_OBJECT = an_object(SEALED)


class State(NamedTuple):
    """What a catalog tells of the archive."""

    uploads: list[tuple[str | None, bool]]
    """Of those unfinished: the id of the upload, and whether there are checksums."""
    sent: bool
    members: int
    on_its_way: bool = False
    """One of several objects."""
    stored: int = 0
    """Of several objects, and not all."""


AFTER: dict[str | None, State] = {
    None: State([], False, 0),
    "intend": State([(None, False)], False, 0),
    "opened": State([("upload-id", False)], False, 0),
    "completing": State([("upload-id", True)], False, 1),
    "stored": State([], True, 1),
    "sealing": State([(None, False)], False, 0),
    "begin_object": State([(None, False)], False, 0, True),
    "open_object": State([("upload-id", False)], False, 0, True),
    "object_sent": State([("upload-id", True)], False, 0, True),
    "object_stored": State([(None, False)], False, 0, False, 1),
    "set_contents": State([(None, False)], False, 1, False, 1),
    "finish": State([], True, 1),
}


def up_to(step: str) -> Sequence[str]:
    """Those before it."""
    steps = STEPS if step in STEPS else SEALED_STEPS
    return steps[: steps.index(step)]


def before(step: str) -> str | None:
    """The step before."""
    return up_to(step)[-1] if up_to(step) else None


def take(catalog: Catalog, step: str, members: Iterator[Member] | None = None) -> None:
    """Take one step with the catalog's first archive."""
    contents = [a_member()] if members is None else members
    taking: dict[str, Callable[[], object]] = {
        "intend": lambda: catalog.intend(None, catalog.register(LOCAL, LOCAL), intended(STORED), 16 * MIB),
        "opened": lambda: catalog.opened(1, "upload-id"),
        "completing": lambda: catalog.completing(1, intended(STORED), checksums(STORED), contents),
        "stored": lambda: catalog.stored(1, *STORED.receipts),
        "sealing": lambda: catalog.intend(None, catalog.register(LOCAL, LOCAL), SEALED, 16 * MIB),
        "begin_object": lambda: catalog.begin_object(1, _OBJECT, 32 * MIB),
        "open_object": lambda: catalog.opened(1, "upload-id"),
        "object_sent": lambda: catalog.object_sent(1, sums_of(a_receipt(_OBJECT)), "d4" * 32),
        "object_stored": lambda: catalog.object_stored(1, a_receipt(_OBJECT)),
        "set_contents": lambda: catalog.set_contents(1, SEALED, contents),
        "finish": lambda: catalog.finish(1),
    }
    taking[step]()


def state(catalog: Catalog) -> State:
    place = catalog.place_id(LOCAL)
    if place is None:
        return AFTER[None]
    left = catalog.unfinished(place)
    uploads = [(upload.upload_id, upload.checksums is not None) for upload in left]
    sent = bool(catalog.last_sent(place, [STORED.label.path]))
    assert sent == catalog.holds_archives(place) == (len(list(catalog.archives())) == 1)
    members = len(list(catalog.members(1)))
    objects = sum(len(upload.stored) for upload in left)
    return State(uploads, sent, members, any(upload.object is not None for upload in left), objects)


def _wait_to_be_killed(connection: Connection | None = None) -> None:
    print("now", flush=True)
    time.sleep(600)


def _many() -> Iterator[Member]:
    """More than SQLite keeps in memory, so that the file itself is written to."""
    for number in range(40_000):
        yield a_member(f"photos/{number}" + "x" * 200)
    _wait_to_be_killed()


def _main(path: str, last: str, where: str) -> None:
    with Catalog.open(path) as catalog:
        catalog.register(LOCAL, LOCAL)
        for step in up_to(last):
            take(catalog, step)
        if where == "inside":
            Connection.commit = _wait_to_be_killed  # type: ignore[assignment,method-assign]  # stops at the last moment
        take(catalog, last, _many() if where == "midway" else None)
        _wait_to_be_killed()


if __name__ == "__main__":
    _main(*sys.argv[1:])
