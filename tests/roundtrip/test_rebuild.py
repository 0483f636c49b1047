"""The catalog is lost, and made anew from what the place tells: all that was there is there again."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.model.stored import StoredArchive
from tests.contract.places import PLACES
from tests.roundtrip.stays import Stay

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def known_by_all(archive: StoredArchive) -> StoredArchive:
    """Without what only the catalog ever knows: ids, leaves, members, and how things looked where no manifest is."""
    volumes = tuple(
        replace(one, has_leaves=False, verified_at=None, stored_at=LONG_AGO, sha256=None, crc64nvme=None)
        for one in archive.volumes
    )
    return replace(
        archive,
        id=0,
        volumes=volumes,
        has_members=False,
        sent_at=LONG_AGO,
        digest=None,
        source_bytes=None,
        mtime_ns=None,
        mode=None,
    )


def compared(archives: list[StoredArchive]) -> list[StoredArchive]:
    return sorted(map(known_by_all, archives), key=lambda one: (one.path, one.time))


def test_archives_are_known_again(stay: Stay) -> None:
    stay.write("photos/2019/a.jpg", b"a" * 3_000_000)
    stay.write("dump.sql", b"select")
    stay.write("ä ö/\udcff.txt".encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), b"odd")
    assert stay.send_children().exit_code == 0
    stay.write("dump.sql", b"select more", 1_600_000_100)
    assert stay.send_children().sent == 1
    before = stay.known()
    stay.lose_catalog()

    done = stay.rebuild()

    assert (done.added, done.refused, done.foreign) == (4, 0, 0)
    assert compared(stay.known()) == compared(before)
    assert stay.rebuild().added == 0


def test_a_place_that_is_right_has_nothing_against_it(stay: Stay) -> None:
    stay.write("photos/a.jpg", b"a" * 3_000_000)
    stay.write("dump.sql", b"select")
    stay.send_children()

    report = stay.verify()

    assert stay.findings == []
    assert (report.volumes, report.right + report.recent, report.unknown, report.foreign) == (2, 2, 0, 0)
    if stay.proves:
        assert report.proven == 2
        assert all(volume.verified_at for archive in stay.known() for volume in archive.volumes)
    else:
        assert report.proven == 0
        assert not any(volume.verified_at for archive in stay.known() for volume in archive.volumes)


def test_trees_are_known_again_and_not_sent_again(stay: Stay) -> None:
    for number in range(5):
        stay.write(f"2019/{number}.jpg", bytes([number]) * (number + 1), 1_600_000_000 + number)
    (stay.folder / "link").symlink_to("2019")
    assert stay.send_tree().exit_code == 0
    stay.write("2019/3.jpg", b"changed", 1_600_000_100)
    assert stay.send_tree().sent == 1
    before = stay.known()
    stay.lose_catalog()

    done = stay.rebuild()

    assert (done.added, done.refused, done.foreign) == (7, 0, 0)
    assert [(one.path, one.kind, one.volumes[0].locator, one.size) for one in stay.known()] == [
        (one.path, one.kind, one.volumes[0].locator, one.size) for one in before
    ]
    assert stay.send_tree().sent == 0


def contents(folder: Path) -> dict[str, bytes | str]:
    """Of all files and links below."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_everything_comes_back_with_nothing_but_the_place(stay: Stay, tmp_path: Path) -> None:
    stay.write("photos/2019/a.jpg", b"a" * 3_000_000)
    stay.write("photos/2020/b.jpg", b"b")
    stay.write("dump.sql", b"select")
    (stay.folder / "photos" / "link").symlink_to("2019/a.jpg")
    stay.send_children()
    stay.lose_catalog()
    stay.rebuild()

    stay.restore(tmp_path / "target")

    (found,) = (tmp_path / "target").rglob("dump.sql")
    assert contents(found.parent) == contents(stay.folder)


def test_a_tree_comes_back_with_nothing_but_the_place(stay: Stay, tmp_path: Path) -> None:
    stay.write("2019/a.jpg", b"a")
    stay.write("2019/b.jpg", b"b" * 2_000_000)
    stay.send_tree()
    stay.write("2019/a.jpg", b"newer", 1_600_000_100)
    stay.send_tree()
    stay.lose_catalog()
    stay.rebuild()

    stay.restore(tmp_path / "target")

    (found,) = (tmp_path / "target").rglob("2019")
    assert contents(found) == contents(stay.folder / "2019")


@pytest.fixture
def old_vault(request: pytest.FixtureRequest, tmp_path: Path) -> Stay:
    """A vault that another system has filled."""
    return Stay(PLACES["glacier"](request), tmp_path / "data", str(tmp_path / "catalog" / "catalog.sqlite3"))


def mt(marker: str, name: str, mtime: str = "20121114T201618Z") -> str:
    """What mt-aws-glacier writes: base64url of UTF-8, without padding; version 1 encodes it twice."""
    payload = json.dumps({"mtime": mtime, "filename": name}, ensure_ascii=False, separators=(",", ":")).encode()
    if marker == "mt1":
        payload = payload.decode("latin-1").encode()
    return f"{marker} {base64.urlsafe_b64encode(payload).decode().rstrip('=')}"


def test_a_vault_of_mt_aws_glacier_is_taken_in_and_restored(old_vault: Stay, tmp_path: Path) -> None:
    put = old_vault.place.put
    put(mt("mt2", "2012/Я и ты.jpg"), b"two")
    put(mt("mt1", "2011/Я.jpg"), b"one")
    put(mt("mt2", "../../etc/passwd"), b"evil")
    unnamed = put("", b"nameless")

    done = old_vault.rebuild()

    assert (done.added, done.foreign, done.refused) == (4, 0, 0)
    by_path = {one.path: one for one in old_vault.known()}
    assert {"/2012/Я и ты.jpg", "/2011/Я.jpg", f"/.unnamed/{unnamed}"} < set(by_path)
    assert {one.origin for one in by_path.values()} == {"mt-aws-glacier", "unknown"}
    old_vault.restore(tmp_path / "target")
    (photo,) = (tmp_path / "target").rglob("Я и ты.jpg")
    assert photo.read_bytes() == b"two"
    assert photo.stat().st_mtime == datetime(2012, 11, 14, 20, 16, 18, tzinfo=UTC).timestamp()
    assert [path.read_bytes() for path in (tmp_path / "target").rglob("Я.jpg")] == [b"one"]
    assert old_vault.verify().proven == 4
    assert old_vault.findings == []
