"""A directory is only written to when it is the one that it was, and when there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.destination.directories import marker
from glacier_backup.destination.directories.marker import MARKER
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, MANIFEST, begin, nothing, resumed, send
from tests.streams import BytesStream, noise


def a_place(root: Path) -> Path:
    """A directory that an archive was sent to."""
    with closing(Local(str(root), create=True)) as local:
        send(local, BytesStream(b"content"))
    return root


def identify(root: Path) -> None:
    with closing(Local(str(root), create=True)) as local:
        local.identify(holds_archives=True)


def refused(root: Path, match: str) -> None:
    with pytest.raises(DestinationUnavailable, match=match) as caught:
        identify(root)
    assert caught.value.hint is not None
    assert "is its disk mounted?" in caught.value.hint
    assert "glacier-backup config check" in caught.value.hint


def test_the_first_archive_marks_the_directory(tmp_path: Path) -> None:
    root = a_place(tmp_path / "vault")

    text = (root / MARKER).read_text()
    assert text.startswith("Archives of glacier-backup are kept in this directory: leave this file here.")
    assert len(text.split()[-1]) == 36
    identify(root)
    with closing(Local(str(root), create=True)) as local:
        begin(local, replace(LABEL, time=LABEL.time + timedelta(seconds=1)))
    assert (root / MARKER).read_text() == text


def test_a_mount_point_without_its_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for name in ("empty", "missing"):
        refused(tmp_path / name, "something was stored in .* and nothing is there")
    assert not (tmp_path / "missing").exists()


def test_another_disk_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"x")

    refused(tmp_path, "other files are there, without .glacier-backup")


def test_a_marker_that_vanished_with_all_archives_is_noticed_whatever_else_is_there(tmp_path: Path) -> None:
    root = a_place(tmp_path / "vault")
    (root / MARKER).unlink()
    (root / "nas").rename(tmp_path / "nas")
    (root / "film").write_bytes(b"x")

    refused(root, "other files are there")


def test_a_disk_that_was_replaced_is_taken_once_it_is_marked(tmp_path: Path) -> None:
    refused(tmp_path / "new", "nothing is there")
    (tmp_path / "new").mkdir()

    with closing(Local(str(tmp_path / "new"), create=False)) as local:
        assert (local.mark(), local.mark()) == (True, False)

    identify(tmp_path / "new")


def test_a_place_older_than_the_marker_is_known_by_its_archives_and_gets_one(tmp_path: Path) -> None:
    root = a_place(tmp_path / "vault")
    (root / MARKER).unlink()

    with closing(Local(str(root), create=True)) as local:
        local.identify(holds_archives=True)
        assert not (root / MARKER).exists(), "identify stores nothing"
        begin(local, replace(LABEL, path="/data/other"))

    assert (root / MARKER).exists()


def test_a_place_older_than_the_marker_is_known_by_an_upload_that_was_begun(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        begin(local)
    (tmp_path / MARKER).unlink()

    identify(tmp_path)


def test_a_place_whose_archives_were_all_removed_is_still_known(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        local.delete(send(local, BytesStream(b"content")).locator, nothing)

    identify(tmp_path)


def test_looking_for_archives_ends_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marker, "MOST_LOOKED_AT", 3)
    for number in range(5):
        (tmp_path / str(number)).mkdir()

    assert not marker.holds_archives(str(tmp_path))


def test_marking_makes_no_directory_for_its_disk_may_not_be_mounted(tmp_path: Path) -> None:
    for root in (tmp_path / "usb" / "backup", tmp_path / "usb"):
        with (
            closing(Local(str(root), create=False)) as local,
            pytest.raises(DestinationUnavailable, match="does not exist"),
        ):
            local.mark()

    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_can_t_be_written_can_t_be_marked(tmp_path: Path) -> None:
    root = tmp_path / "vault"
    root.mkdir(mode=0o500)
    script = f"""
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationUnavailable
try:
    Local({str(root)!r}, create=True).mark()
except DestinationUnavailable as error:
    print(error)
"""
    drop = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if os.geteuid() == 0 else []
    said = subprocess.run([*command, sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said == f"no permission to write in {root}\n"


def asked(local: Local, number: int, estimate: int) -> OpenUpload:
    label = replace(LABEL, path=f"/data/{number}")
    return OpenUpload(label, local.begin(UploadRequest(label, MIB, estimate), nothing), MIB)


def everything(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*")}


def test_an_archive_that_doesn_t_fit_is_refused_before_anything_is_written(small_disk: Path) -> None:
    (small_disk / "film").write_bytes(bytes(3 * MIB))

    with closing(Local(str(small_disk), create=False)) as local:
        with pytest.raises(DestinationError, match=r"has 5.0 MiB free, and the archive takes 6.0 MiB") as caught:
            asked(local, 1, 6 * MIB)
        assert everything(small_disk) == {"film"}
        asked(local, 1, 4 * MIB)

    assert caught.value.hint == f"make room in {small_disk}, or have it sent to another destination"
    assert not isinstance(caught.value, DestinationUnavailable)


def test_archives_under_way_at_once_count_together(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=False)) as local:
        first = asked(local, 1, 5 * MIB)
        local.send(first, BytesStream(noise(2 * MIB)), nothing)
        with pytest.raises(DestinationError, match=r"6.0 MiB free, of which archives under way need 3.0 MiB"):
            asked(local, 2, 4 * MIB)
        third = asked(local, 3, 2 * MIB)
        local.abort(first.label, first.id, nothing)
        asked(local, 2, 4 * MIB)
        local.abort(third.label, None, nothing)


def test_what_is_stored_is_counted_once(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=False)) as local:
        first = asked(local, 1, 4 * MIB)
        checksums = local.send(first, BytesStream(noise(2 * MIB)), nothing)
        local.complete(first, checksums, MANIFEST, nothing)

        asked(local, 2, 5 * MIB)


def test_what_could_not_be_sent_keeps_no_room(small_disk: Path) -> None:
    def fail() -> None:
        raise DestinationError("gone")

    with closing(Local(str(small_disk), create=False)) as local:
        first = asked(local, 1, 6 * MIB)
        with pytest.raises(DestinationError, match="gone"):
            local.send(first, BytesStream(b"x", at_end=fail), nothing)

        asked(local, 2, 6 * MIB)


def test_an_archive_begun_anew_takes_the_place_of_its_own_beginning(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=False)) as local:
        local.send(asked(local, 1, 5 * MIB), BytesStream(noise(5 * MIB)), nothing)
    with closing(Local(str(small_disk), create=False)) as local:
        upload = asked(local, 1, 6 * MIB)

        local.send(resumed(upload), BytesStream(noise(6 * MIB)), nothing)


def test_a_file_system_that_doesn_t_tell_its_size_is_tried(tmp_path: Path) -> None:
    """As /proc does, which has no blocks at all: here by a value that a network mount may give."""
    told = os.statvfs("/proc")
    assert told.f_blocks == 0

    with closing(Local(str(tmp_path), create=False)) as local:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "statvfs", lambda path: told)
            asked(local, 1, 2**60)
        with pytest.raises(DestinationError, match="free"):
            asked(local, 2, 2**60)
