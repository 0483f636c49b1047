"""The local vault: a directory that stock tools can check."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from glacier_backup.destination import multipart
from glacier_backup.destination.directories.marker import MARKER
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, UploadLost
from glacier_backup.model.archive import Checksums, Receipt
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import MIB
from tests.contract import sending
from tests.contract.sending import LABEL, MANIFEST, begin, nothing, resumed
from tests.destination.killing import Killed, killer
from tests.streams import BytesStream, noise

NAME = "20260321T040000.123456Z.tar"


def send(root: Path, data: bytes = b"content") -> Path:
    with closing(Local(str(root), create=True)) as local:
        return root / sending.send(local, BytesStream(data)).locator


def files(root: Path) -> list[str]:
    """All but the marker."""
    return sorted(path.name for path in root.rglob("*") if path.is_file() and path.name != MARKER)


def test_archives_lie_where_their_candidates_lay(tmp_path: Path) -> None:
    assert send(tmp_path / "vault") == tmp_path / "vault/nas/data/photos/20260321T040000.123456Z.tar"


def test_sha256sum_checks_an_archive(tmp_path: Path) -> None:
    archive = send(tmp_path, noise(3 * MIB + 1))

    checked = subprocess.run(
        ["sha256sum", "-c", archive.name + ".sha256"], cwd=archive.parent, capture_output=True, text=True, check=True
    )

    assert checked.stdout == f"{archive.name}: OK\n"


def test_the_manifest_lies_beside_the_archive(tmp_path: Path) -> None:
    archive = send(tmp_path)

    assert archive.with_name(archive.name + ".recipe.json").read_text() == '{"format": "x"}\n'


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    archive = send(tmp_path / "vault")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in archive.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(archive.parent.stat().st_mode) == 0o700


def test_an_archive_is_never_overwritten(tmp_path: Path) -> None:
    archive = send(tmp_path, b"first")

    with pytest.raises(DestinationError, match="File exists"):
        send(tmp_path, b"second")

    assert archive.read_bytes() == b"first"


def test_an_archive_that_appeared_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        upload = begin(local)
        checksums = local.send(upload, BytesStream(b"second"), nothing)
        (tmp_path / upload.id).write_bytes(b"first!")
        with pytest.raises(DestinationError, match="File exists"):
            local.complete(upload, checksums, MANIFEST, nothing)

    assert (tmp_path / upload.id).read_bytes() == b"first!"


def test_a_full_disk_is_freed_at_once_and_nothing_stays_behind(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=True)) as local:
        upload = begin(local)
        with pytest.raises(DestinationError, match="No space left"):
            local.send(upload, BytesStream(noise(12 * MIB)), nothing)
        assert (small_disk / upload.id).with_name(f".{NAME}.partial").stat().st_size == 0
        local.abort(LABEL, upload.id, nothing)

    assert files(small_disk) == []


def test_a_disk_that_was_full_takes_the_upload_when_there_is_room(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=True)) as local:
        (small_disk / "film").write_bytes(bytes(6 * MIB))
        upload = begin(local)
        with pytest.raises(DestinationError, match="No space left"):
            local.send(upload, BytesStream(noise(4 * MIB)), nothing)
        (small_disk / "film").unlink()
        checksums = local.send(resumed(upload), BytesStream(noise(4 * MIB)), nothing)
        local.complete(upload, checksums, MANIFEST, nothing)

    assert (small_disk / upload.id).read_bytes() == noise(4 * MIB)


def test_a_directory_whose_disk_is_not_there_is_not_made_up(tmp_path: Path) -> None:
    missing = Local(str(tmp_path / "usb" / "backup"), create=False)

    with pytest.raises(DestinationUnavailable, match="does not exist") as caught:
        missing.identify(holds_archives=False)

    assert caught.value.hint is not None
    assert "mounted" in caught.value.hint


def test_an_archive_whose_manifest_cannot_be_written_is_not_named(small_disk: Path) -> None:
    with closing(Local(str(small_disk), create=True)) as local:
        upload = begin(local)
        checksums = local.send(upload, BytesStream(noise(3 * MIB)), nothing)
        with pytest.raises(DestinationError, match="No space left"):
            local.complete(upload, checksums, "x" * 6 * MIB, nothing)
        assert not (small_disk / upload.id).exists()
        local.abort(LABEL, upload.id, nothing)

    assert files(small_disk) == []


def test_the_last_level_of_a_directory_is_made(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path / "backup"), create=False)) as local:
        local.identify(holds_archives=False)
        begin(local)

    assert (tmp_path / "backup/nas").is_dir()


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("a file")

    with pytest.raises(DestinationUnavailable, match="not a directory"):
        Local(str(tmp_path / "vault"), create=True).identify(holds_archives=False)


def test_a_path_longer_than_the_file_system_takes_fails_alone(tmp_path: Path) -> None:
    root = str(tmp_path) + ("/" + "y" * 250) * 17

    with closing(Local(root, create=True)) as local, pytest.raises(DestinationError, match="too long"):
        begin(local)


def test_an_upload_has_a_name_that_a_later_process_finds(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        upload = begin(local)

    assert upload.id == f"nas/data/photos/{NAME}"
    assert files(tmp_path) == [f".{NAME}.partial"]


def test_an_upload_that_is_begun_twice_begins_with_nothing(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        local.send(begin(local), BytesStream(noise(2 * MIB)), nothing)
        begin(local)

    assert (tmp_path / f"nas/data/photos/.{NAME}.partial").read_bytes() == b""


def test_a_partial_file_of_another_size_is_not_completed(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        upload = begin(local)
        checksums = local.send(upload, BytesStream(b"content"), nothing)
        with pytest.raises(DestinationError, match="has 7 bytes, and 8 were sent"):
            local.complete(upload, replace(checksums, size=8), MANIFEST, nothing)

    assert files(tmp_path) == [f".{NAME}.partial"]


def test_a_whole_archive_of_another_size_is_told(tmp_path: Path) -> None:
    archive = send(tmp_path)
    archive.write_bytes(b"conten")

    with closing(Local(str(tmp_path), create=True)) as local:
        checksums = Checksums(7, "", b"", "")
        with pytest.raises(DestinationError, match="has 6 bytes, and 7 were sent"):
            local.complete(OpenUpload(LABEL, local.describe(LABEL), MIB, resumed=True), checksums, MANIFEST, nothing)


def test_a_whole_archive_that_is_missing_is_lost(tmp_path: Path) -> None:
    send(tmp_path).unlink()

    with closing(Local(str(tmp_path), create=True)) as local, pytest.raises(UploadLost):
        local.complete(OpenUpload(LABEL, local.describe(LABEL), MIB), Checksums(7, "", b"", ""), MANIFEST, nothing)


def test_completing_again_gives_the_very_same_receipt(tmp_path: Path) -> None:
    with closing(Local(str(tmp_path), create=True)) as local:
        upload = begin(local)
        checksums = local.send(upload, BytesStream(b"content"), nothing)
        first = local.complete(upload, checksums, MANIFEST, nothing)
        time.sleep(0.01)
        assert local.complete(resumed(upload), checksums, "other", nothing) == first

    assert (tmp_path / f"{upload.id}.recipe.json").read_text() == MANIFEST


def test_what_an_upload_holds_after_a_crash_is_not_believed(tmp_path: Path) -> None:
    """Whatever became of blocks that had not reached the disk: each is compared with what is read now."""
    data = noise(4 * MIB + 7)
    with closing(Local(str(tmp_path), create=True)) as local:
        upload = begin(local)
        local.send(upload, BytesStream(data), nothing)
        with (tmp_path / f"nas/data/photos/.{NAME}.partial").open("r+b") as partial:
            partial.write(bytes(5000))
            partial.seek(3 * MIB - 1)
            partial.write(b"\0\0")
            partial.truncate(4 * MIB + 100)
        checksums = local.send(resumed(upload), BytesStream(data), nothing)
        local.complete(upload, checksums, MANIFEST, nothing)

    assert (tmp_path / upload.id).read_bytes() == data


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], None]]:
    at = killer(monkeypatch)
    yield at
    at(None)


def _complete(root: Path, upload: OpenUpload, checksums: Checksums) -> Receipt:
    with closing(Local(str(root), create=True)) as local:
        return local.complete(upload, checksums, MANIFEST, nothing)


def test_completing_can_be_killed_anywhere_and_done_again(tmp_path: Path, kill: Callable[[int | None], None]) -> None:
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            upload = begin(local)
            checksums = local.send(upload, BytesStream(b"content"), nothing)
        kill(nth)
        try:
            _complete(root, upload, checksums)
            break
        except Killed:
            kill(None)
        whole = (root / f"{upload.id}.recipe.json").exists()
        assert not whole or (root / upload.id).read_bytes() == b"content"
        _complete(root, resumed(upload), checksums)
        assert files(root) == [NAME, f"{NAME}.recipe.json", f"{NAME}.sha256"]
        assert (root / upload.id).read_bytes() == b"content"
    assert nth > 10


def test_aborting_can_be_killed_anywhere_and_done_again(tmp_path: Path, kill: Callable[[int | None], None]) -> None:
    """Also in the middle of completing, which is where the most is there to be removed."""
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            upload = begin(local)
            checksums = local.send(upload, BytesStream(b"content"), nothing)
            kill(nth)
            try:
                local.complete(upload, checksums, MANIFEST, nothing)
                break
            except Killed:
                pass
            whole = (root / f"{upload.id}.recipe.json").exists()
            for second in range(2):
                kill(second)
                with pytest.raises(Killed):
                    local.abort(LABEL, upload.id, nothing)
            kill(None)
            local.abort(LABEL, None, nothing)
        assert files(root) == ([NAME, f"{NAME}.recipe.json", f"{NAME}.sha256"] if whole else [])
    assert nth > 10


def test_sending_can_be_killed_anywhere_and_gone_on_with(tmp_path: Path, kill: Callable[[int | None], None]) -> None:
    data = noise(3 * MIB + 1)
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            upload = begin(local)
            kill(nth)
            try:
                local.send(upload, BytesStream(data), nothing)
                break
            except Killed:
                kill(None)
        with closing(Local(str(root), create=True)) as local:
            checksums = local.send(resumed(upload), BytesStream(data), nothing)
            local.complete(upload, checksums, MANIFEST, nothing)
        assert files(root) == [NAME, f"{NAME}.recipe.json", f"{NAME}.sha256"]
        assert (root / upload.id).read_bytes() == data
    assert nth > 5


def test_the_bandwidth_holds_for_a_directory_too(tmp_path: Path) -> None:
    began = time.monotonic()
    with closing(Local(str(tmp_path / "vault"), create=True, bandwidth=4 * MIB)) as local:
        sending.send(local, BytesStream(bytes(2 * MIB)))

    # A busy machine makes it slower, nothing makes it quicker.
    assert time.monotonic() - began >= 0.9 * 0.5


def test_a_stop_ends_the_waiting_for_bandwidth(tmp_path: Path) -> None:
    """The whole would take four minutes."""
    asked = time.monotonic() + 0.3

    def stop(_count: int) -> None:
        if time.monotonic() >= asked:
            raise Interrupted("stop")

    with closing(Local(str(tmp_path), create=True, bandwidth=16 * 1024)) as local:
        upload = begin(local)
        with pytest.raises(Interrupted):
            local.send(upload, BytesStream(bytes(4 * MIB)), stop)


@pytest.mark.parametrize("step", ["begin", "send", "complete"])
@pytest.mark.parametrize("there", ["nothing", "another"])
def test_a_disk_that_goes_away_is_noticed_before_anything_counts_as_stored(
    tmp_path: Path, step: str, there: str
) -> None:
    root = tmp_path / "disk"

    def go_away() -> None:
        root.rename(tmp_path / "gone")
        if there == "another":
            root.mkdir()

    with closing(Local(str(root), create=True)) as local:
        begin(local, replace(LABEL, path="/data/first"))
        if step == "begin":
            go_away()
            with pytest.raises(DestinationUnavailable, match="directory"):
                begin(local)
            return
        upload = begin(local)
        if step == "send":
            go_away()
            with pytest.raises(DestinationUnavailable):
                local.send(upload, BytesStream(b"content"), nothing)
            return
        checksums = local.send(upload, BytesStream(b"content"), nothing)
        go_away()
        with pytest.raises(DestinationUnavailable):
            local.complete(upload, checksums, MANIFEST, nothing)


def test_a_write_that_hangs_for_too_long_ends_in_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for no longer, and other files are opened meanwhile: none of them may get its bytes."""
    monkeypatch.setattr(multipart, "GRACE", 0.1)
    hung, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    pwrite = os.pwrite

    def hanging(file: int, data: memoryview, offset: int) -> int:
        if not hung.is_set():
            hung.set()
            go_on.wait(20)
            return 1000  # what it had written when it hung, as on a disk that is nearly full
        try:
            return pwrite(file, data, offset)
        finally:
            ended.set()

    monkeypatch.setattr(os, "pwrite", hanging)

    def stopped(count: int) -> None:
        if hung.is_set():
            raise Interrupted("stop")

    with closing(Local(str(tmp_path / "vault"), create=True, concurrency=1)) as local:
        upload = begin(local)
        with pytest.raises(Interrupted):
            local.send(upload, BytesStream(noise(3 * MIB)), stopped)
        with (tmp_path / "other").open("wb") as other:
            go_on.set()
            assert ended.wait(20)
            assert os.fstat(other.fileno()).st_size == 0
