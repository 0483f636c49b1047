"""The four steps of one archive, one by one.

``python -m tests.catalog.steps CATALOG STEP WHERE`` takes them up to STEP and waits there to be killed: WHERE is
``after`` it, ``inside`` it just before its commit, or ``midway`` in the members of a large archive.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from glacier_backup.units import MIB
from tests.catalog.values import LOCAL, a_member, an_archive, checksums, intended

STEPS = ("intend", "opened", "completing", "stored")

STORED = an_archive(locator="the-id")


class State(NamedTuple):
    """What a catalog tells of the archive."""

    uploads: list[tuple[str | None, bool]]
    """Of those unfinished: the id of the upload, and whether there are checksums."""
    sent: bool
    members: int


AFTER: dict[str | None, State] = {
    None: State([], False, 0),
    "intend": State([(None, False)], False, 0),
    "opened": State([("upload-id", False)], False, 0),
    "completing": State([("upload-id", True)], False, 1),
    "stored": State([], True, 1),
}


def before(step: str) -> str | None:
    """The step before."""
    return None if step == STEPS[0] else STEPS[STEPS.index(step) - 1]


def take(catalog: Catalog, step: str, members: Iterator[Member] | None = None) -> None:
    """Take one step with the catalog's first archive."""
    if step == "intend":
        assert catalog.intend(None, catalog.register(LOCAL, LOCAL), intended(STORED), 16 * MIB) == 1
    elif step == "opened":
        catalog.opened(1, "upload-id")
    elif step == "completing":
        catalog.completing(1, intended(STORED), checksums(STORED), members or [a_member()])
    else:
        catalog.stored(1, *STORED.receipts)


def state(catalog: Catalog) -> State:
    place = catalog.place_id(LOCAL)
    if place is None:
        return AFTER[None]
    uploads = [(upload.upload_id, upload.checksums is not None) for upload in catalog.unfinished(place)]
    sent = bool(catalog.last_sent(place, [STORED.label.path]))
    assert sent == catalog.holds_archives(place) == (len(list(catalog.archives())) == 1)
    return State(uploads, sent, len(list(catalog.members(1))))


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
        for step in STEPS[: STEPS.index(last)]:
            take(catalog, step)
        if where == "inside":
            Connection.commit = _wait_to_be_killed  # type: ignore[assignment,method-assign]  # stops at the last moment
        take(catalog, last, _many() if where == "midway" else None)
        _wait_to_be_killed()


if __name__ == "__main__":
    _main(*sys.argv[1:])
