"""A folder that every run writes into, such as the spool, changes nothing that it lies in."""

from __future__ import annotations

import os
from pathlib import Path

from glacier_backup.resolve.fingerprint import fingerprint_directory
from glacier_backup.resolve.local_lister import LocalLister
from glacier_backup.resolve.own import own_names


def test_what_happens_in_it_changes_nothing_around_it(tmp_path: Path) -> None:
    spool = tmp_path / "state" / "spool"
    spool.mkdir(parents=True)
    own = own_names([str(spool)])
    before = fingerprint_directory(str(tmp_path), own)
    (spool / "volume").write_bytes(b"x" * 100)
    os.utime(spool, (1, 1))
    assert fingerprint_directory(str(tmp_path), own) == before
    (tmp_path / "state" / "spool-2").mkdir()
    assert fingerprint_directory(str(tmp_path), own) != before


def test_it_is_no_part_of_a_whole_tree(tmp_path: Path) -> None:
    for name in ("spool", "spool.lock", "other"):
        (tmp_path / name).mkdir()
    with LocalLister(str(tmp_path), own_names([str(tmp_path / "spool")]), []) as lister:
        assert {entry.name for entry in lister.entries()} == {b"spool.lock", b"other"}
