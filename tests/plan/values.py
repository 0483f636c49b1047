"""Values that the tests of this room begin with."""

from __future__ import annotations

from datetime import UTC, datetime

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.contents import Held, contents_of
from glacier_backup.model.naming import archive_name, group_path
from glacier_backup.model.place import Place
from glacier_backup.model.plan import Skip, Upload
from glacier_backup.model.reason import Unchanged
from glacier_backup.model.upload_reason import Gathered, NeverSent

SENT = datetime(2026, 3, 21, 4, 0, 0, 123456, tzinfo=UTC)
PLACE = Place("local", "/vault")
PLACES = {"main": PLACE}


def candidate(path: str = "/data/photos", *, compare: bool = True, section: str = "/data") -> Candidate:
    return Candidate(path, "directory", section, compare)


def fingerprint(digest: str = "now", size: int = 10, newest: int = 0) -> Fingerprint:
    return Fingerprint(digest, size, 1, newest)


def upload(path: str, to: str = "main") -> Upload:
    return Upload(candidate(path), "name.tar", "tar", fingerprint(), NeverSent(), None, to)


def group(section: str, *names: str, to: str = "main", was: str = "") -> Upload:
    """Of files of 10 bytes that were never sent, or called ``was`` below the section."""
    held = [Held(name, False, 10, 1_600_000_000_000_000_000, 0o640, was) for name in names]
    contents = contents_of(held)
    path = group_path(section, contents.digest)
    one = Candidate(path, "group", section, compare=False, contents=contents)
    look = Fingerprint(contents.digest, contents.bytes, len(contents), contents.newest_mtime_ns)
    reason = Gathered.of(bytes([2 if was else 0] * len(names)))
    return Upload(one, archive_name(path, "tar", "group"), "tar", look, reason, None, to)


def skip(path: str, to: str = "main") -> Skip:
    return Skip(path, "name.tar", 10, Unchanged(SENT), to)
