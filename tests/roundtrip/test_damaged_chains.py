"""An archive in the middle of a chain of increments is damaged: what still can be had comes back, nothing is said that
isn't so, and the next run makes good what can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.roundtrip.changing_folder import Edit, Folder
from tests.roundtrip.journey import Journey


@pytest.fixture
def folder(at_hand: Journey, tmp_path: Path) -> Folder:
    """A full archive and two increments, of which the first one is known to be damaged."""
    folder = Folder(at_hand)
    for edits in (
        [Edit("write", "a"), Edit("write", "d/x"), Edit("write", "z")],
        [Edit("write", "b"), Edit("write", "z")],
        [Edit("write", "c"), Edit("write", "a"), Edit("delete", "d")],
    ):
        folder.edit(edits)
        folder.back_up()
    (stored,) = tmp_path.rglob("*.inc1.tar")
    stored.chmod(0o600)
    content = bytearray(stored.read_bytes())
    content[content.index(b"home/b") + 600] ^= 1
    stored.write_bytes(content)
    return folder


def test_the_next_run_sends_all_of_it(folder: Folder, tmp_path: Path) -> None:
    found = folder.journey("verify", "--full", "--json")
    assert found.code == 5
    (finding,) = found.json["findings"]
    assert finding["sent_again"]
    assert "the next run sends it again" in finding["cure"]
    assert "in full: increment 1 of" in folder.journey("-d").out

    folder.back_up()

    assert "damaged at the destination" in folder.ever[-1].reason
    folder.check(tmp_path / "out", folder.ever[-1])
    assert folder.back_up().json["summary"]["sent"] == 0


def test_what_is_missing_is_made_good_likewise(folder: Folder, tmp_path: Path) -> None:
    (stored,) = tmp_path.rglob("*.inc1.tar")
    stored.unlink()
    assert folder.journey("verify").code == 5

    folder.back_up()

    folder.check(tmp_path / "out", folder.ever[-1])


def test_what_does_not_need_it_comes_back_as_it_was_last(folder: Folder, tmp_path: Path) -> None:
    assert folder.journey("verify", "--full").code == 5

    for name in ("a", "c"):
        ran = folder.journey.restore(tmp_path / "out", folder.top / name)
        assert ran.code == 0, ran
        assert (tmp_path / "out" / name).read_bytes() == (folder.top / name).read_bytes()


def test_what_is_only_in_it_is_not_said_to_be_deleted(folder: Folder, tmp_path: Path) -> None:
    assert folder.journey("verify", "--full").code == 5

    ran = folder.journey.restore(tmp_path / "out", folder.top / "b")

    assert ran.code == 5
    assert "was not there any more" not in ran.err
