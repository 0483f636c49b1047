"""Values that the tests of this room begin with."""

from __future__ import annotations

from datetime import UTC, datetime

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import NeverSent, Unchanged

SENT = datetime(2026, 3, 21, 4, 0, 0, 123456, tzinfo=UTC)
PLACE = Place("local", "/vault")
PLACES = {"main": PLACE}


def candidate(path: str = "/data/photos", *, compare: bool = True, section: str = "/data") -> Candidate:
    return Candidate(path, "directory", section, compare)


def fingerprint(digest: str = "now", size: int = 10, newest: int = 0) -> Fingerprint:
    return Fingerprint(digest, size, 1, newest)


def upload(path: str, to: str = "main") -> Upload:
    return Upload(candidate(path), "name.tar", "tar", fingerprint(), NeverSent(), None, to)


def skip(path: str, to: str = "main") -> Skip:
    return Skip(path, "name.tar", 10, Unchanged(SENT), to)
