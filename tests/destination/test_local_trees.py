"""Files of whole trees in a directory: each replaces the one before in one step, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from glacier_backup.destination.directories.marker import MARKER
from glacier_backup.destination.layout import archives_beside, is_dated, is_partial, tree_paths_of
from glacier_backup.destination.local import Local
from glacier_backup.errors import DestinationError, UploadLost
from glacier_backup.model.archive import Checksums, Receipt
from glacier_backup.model.naming import tree_key, version_key
from glacier_backup.model.thaw import ThawRequest
from glacier_backup.model.upload import OpenUpload
from tests.contract import sending
from tests.contract.sending import LABEL, MANIFEST, OTHER, begin, nothing, resumed
from tests.destination.killing import Killed, killer
from tests.streams import BytesStream

KEY = "nas/data/photos/1.jpg"
FIXED = replace(LABEL, fixed_key=KEY, mtime_ns=1_600_000_000_123_456_789, mode=0o644)
LATER = replace(FIXED, time=OTHER.time, mtime_ns=1_700_000_000_000_000_001)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with closing(Local(str(tmp_path), create=True)) as made:
        yield made


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], None]]:
    at = killer(monkeypatch)
    yield at
    at(None)


def files(root: Path) -> list[str]:
    """All but the marker."""
    return sorted(path.name for path in root.rglob("*") if path.is_file() and path.name != MARKER)


def sent(local: Local, data: bytes) -> tuple[OpenUpload, Checksums]:
    upload = begin(local, LATER)
    return upload, local.send(upload, BytesStream(data), nothing)


def complete(root: Path, upload: OpenUpload, checksums: Checksums) -> Receipt:
    with closing(Local(str(root), create=True)) as local:
        return local.complete(upload, checksums, MANIFEST, nothing)


def test_a_file_is_alone_and_looks_like_its_source(local: Local, tmp_path: Path) -> None:
    for label, data in ((FIXED, b"first"), (LATER, b"second!")):
        receipt = sending.send(local, BytesStream(data), label)
        file = tmp_path / receipt.locator
        assert file.read_bytes() == data
        assert file.stat().st_mtime_ns == label.mtime_ns
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files(tmp_path) == ["1.jpg"]


def test_rsync_and_others_see_the_time_of_the_source(local: Local, tmp_path: Path) -> None:
    receipt = sending.send(local, BytesStream(b"content"), FIXED)

    shown = subprocess.run(
        ["ls", "-l", "--time-style=+%s.%N", tmp_path / receipt.locator], capture_output=True, text=True, check=True
    )
    assert "1600000000.123456789" in shown.stdout


def test_a_file_is_listed_with_the_time_at_which_it_was_stored(local: Local) -> None:
    receipt = sending.send(local, BytesStream(b"content"), FIXED)

    (stored,) = local.inventory(local.thaw(ThawRequest(None), nothing), nothing)

    assert (stored.locator, stored.stored_at) == (KEY, receipt.stored_at)
    assert stored.stored_at > FIXED.time


def test_replacing_can_be_killed_anywhere_and_done_again(tmp_path: Path, kill: Callable[[int | None], None]) -> None:
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            sending.send(local, BytesStream(b"first"), FIXED)
            upload, checksums = sent(local, b"other")
        kill(nth)
        try:
            complete(root, upload, checksums)
            break
        except Killed:
            kill(None)
        assert (root / KEY).read_bytes() == (b"first" if len(files(root)) == 2 else b"other")
        receipt = complete(root, resumed(upload), checksums)
        assert complete(root, resumed(upload), checksums) == receipt
        assert files(root) == ["1.jpg"]
        assert (root / KEY).read_bytes() == b"other"
    assert nth >= 4


def test_aborting_can_be_killed_anywhere_and_leaves_a_whole_file(
    tmp_path: Path, kill: Callable[[int | None], None]
) -> None:
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            sending.send(local, BytesStream(b"first"), FIXED)
            upload, checksums = sent(local, b"other")
            kill(nth)
            try:
                local.complete(upload, checksums, MANIFEST, nothing)
                break
            except Killed:
                pass
            whole = (root / KEY).read_bytes()
            for second in range(3):
                kill(second)
                with suppress(Killed):
                    local.abort(LATER, upload.id, nothing)
            kill(None)
            local.abort(LATER, None, nothing)
        assert files(root) == ["1.jpg"]
        assert (root / KEY).read_bytes() == whole
    assert nth >= 3


def test_sending_can_be_killed_anywhere_and_gone_on_with(tmp_path: Path, kill: Callable[[int | None], None]) -> None:
    for nth in count():
        root = tmp_path / str(nth)
        with closing(Local(str(root), create=True)) as local:
            sending.send(local, BytesStream(b"first"), FIXED)
            upload = begin(local, LATER)
            kill(nth)
            try:
                local.send(upload, BytesStream(b"other"), nothing)
                break
            except Killed:
                kill(None)
        with closing(Local(str(root), create=True)) as local:
            checksums = local.send(resumed(upload), BytesStream(b"other"), nothing)
            assert (root / KEY).read_bytes() == b"first"
            local.complete(upload, checksums, MANIFEST, nothing)
        assert (root / KEY).read_bytes() == b"other"
        assert (root / KEY).stat().st_mtime_ns == LATER.mtime_ns
    assert nth > 3


@pytest.mark.parametrize("there", [b"first", b"longer than the other", None], ids=["as_long", "longer", "nothing"])
def test_an_upload_that_is_lost_is_not_taken_for_another_file(
    local: Local, tmp_path: Path, there: bytes | None
) -> None:
    upload, checksums = sent(local, b"other")
    local.abort(LATER, upload.id, nothing)
    if there is not None:
        (tmp_path / KEY).write_bytes(there)

    with pytest.raises(UploadLost):
        local.complete(upload, checksums, MANIFEST, nothing)

    assert there is None or (tmp_path / KEY).read_bytes() == there


def test_a_partial_file_of_another_size_replaces_nothing(local: Local, tmp_path: Path) -> None:
    sending.send(local, BytesStream(b"first"), FIXED)
    upload, checksums = sent(local, b"other")

    with pytest.raises(DestinationError, match="has 5 bytes, and 6 were sent"):
        local.complete(upload, replace(checksums, size=6), MANIFEST, nothing)

    assert (tmp_path / KEY).read_bytes() == b"first"


@pytest.mark.parametrize(
    ("taken", "wanted", "said"),
    [("a", "a/x", "there is a file .*/a,"), ("b/x/y", "b", "there is a directory .*/b,")],
    ids=["file_to_directory", "directory_to_file"],
)
def test_a_file_and_a_directory_can_t_have_one_name(
    local: Local, tmp_path: Path, taken: str, wanted: str, said: str
) -> None:
    """A tree's file has become a directory, or the other way round."""
    label = replace(LATER, fixed_key=wanted)
    sending.send(local, BytesStream(b"first"), replace(FIXED, fixed_key=taken))

    with pytest.raises(DestinationError, match=said) as caught:
        begin(local, label)
    assert "rename the one at its source" in str(caught.value.hint)
    local.abort(label, None, nothing)

    assert (tmp_path / taken).read_bytes() == b"first"
    assert files(tmp_path) == [taken[-1]]


def test_a_directory_that_appeared_meanwhile_is_told(local: Local, tmp_path: Path) -> None:
    upload, checksums = sent(local, b"content")
    (tmp_path / KEY).mkdir()

    with pytest.raises(DestinationError, match="there is a directory"):
        local.complete(upload, checksums, MANIFEST, nothing)


def test_a_file_of_a_tree_doesn_t_take_the_place_of_the_marker(local: Local, tmp_path: Path) -> None:
    sending.send(local, BytesStream(b"content"), FIXED)
    text = (tmp_path / MARKER).read_text()

    with pytest.raises(DestinationError, match="marks") as caught:
        begin(local, replace(FIXED, fixed_key=MARKER))

    assert "keys = host" in str(caught.value.hint)
    assert (tmp_path / MARKER).read_text() == text


def test_removing_a_file_leaves_those_that_look_as_if_they_lay_beside_it(local: Local, tmp_path: Path) -> None:
    for suffix in ("", ".sha256", ".recipe.json"):
        sending.send(local, BytesStream(b"content"), replace(FIXED, fixed_key=f"{KEY}{suffix}"))

    local.delete(KEY, nothing)

    assert files(tmp_path) == ["1.jpg.recipe.json", "1.jpg.sha256"]


@pytest.mark.parametrize("name", ["a", "x" * 255, "~0123456789abcdef", ".a.partial", os.fsdecode(b"\xff")])
def test_what_is_on_its_way_has_a_name_that_nothing_of_a_tree_can_have(name: str) -> None:
    partial = tree_paths_of(f"/vault/{name}", LABEL.time).partial.rpartition("/")[2]

    assert is_partial(partial)
    assert len(os.fsencode(partial)) <= 255
    assert partial not in (name, version_key(name, LABEL.time))
    for path in (f"/tree/{partial}", f"/tree/{partial}/x", f"/tree/.{LABEL.time:%Y%m%dT%H%M%S.%fZ}.tar.partial"):
        assert not any(is_partial(one) for one in tree_key("nas", path, "/tree", "relative").split("/"))


def test_files_of_a_tree_are_told_from_archives_and_what_lies_beside_them() -> None:
    stamp = "20260321T040000.123456Z"
    assert [is_dated(f"a/{name}") for name in (stamp, f"{stamp}.tar", f"{stamp}.tar.zst", f"{stamp}~", "a.tar")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert archives_beside(f"a/b\n~{stamp}.recipe.json") == ("a/b\n", f"a/b\n~{stamp}")
    assert archives_beside(f"a~{stamp}.recipe.json/b") == ()
    assert archives_beside(f"a/{stamp}.recipe.json") == (f"a/{stamp}",)
