"""What can't be read, changes or breaks while tar is at work, with the real tar."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import ReadProblem
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.pack.tar import TarPacker
from glacier_backup.pack.tar_messages import MOST_PROBLEMS
from tests.pack.conftest import InFrontOfTar
from tests.pack.packing import Packed, packed, read_all
from tests.permissions import with_mode
from tests.streams import noise


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    (top / "readable").write_text("content")
    return top


def changed_meanwhile(tree: Path, change: Callable[[], object]) -> Packed:
    """What is packed when ``change`` happens while tar reads ``tree/middle``, which no pipe can hold in full."""
    (tree / "middle").write_bytes(noise(8_000_000))
    with TarPacker().pack(str(tree), "tree") as stream:
        buffer = memoryview(bytearray(10_240))
        stream.readinto(buffer)
        change()
        data = bytes(buffer) + read_all(stream)
        return Packed(data, stream.outcome(), list(stream.members()))


def names(result: Packed) -> list[str]:
    """As listed, which must be as stored."""
    listed = [member.path for member in result.members]
    assert listed == result.tarfile().getnames()
    return listed


def test_a_file_that_cannot_be_read_is_left_out_and_named(unprivileged: TarPacker, tree: Path) -> None:
    for name in ("secret", 'quoted "\n\udcff'):
        (tree / name).write_text("hidden")
        (tree / name).chmod(0)
    result = packed(unprivileged, tree, "other name")
    assert names(result) == ["other name", "other name/readable"]
    assert result.outcome.problems == (
        ReadProblem(f'{tree}/quoted "\n\udcff', "Permission denied"),
        ReadProblem(f"{tree}/secret", "Permission denied"),
    )
    assert not result.outcome.changed


def test_a_directory_that_cannot_be_read_is_left_out_and_named(unprivileged: TarPacker, tree: Path) -> None:
    (tree / "closed").mkdir()
    (tree / "closed" / "file").touch()
    with with_mode(tree / "closed"):
        result = packed(unprivileged, tree, "tree")
    assert names(result) == ["tree", "tree/readable"]
    assert result.outcome.problems == (ReadProblem(f"{tree}/closed", "Permission denied"),)


def test_of_a_directory_that_cannot_be_entered_every_entry_is_named(unprivileged: TarPacker, tree: Path) -> None:
    (tree / "listed").mkdir()
    (tree / "listed" / "file").touch()
    with with_mode(tree / "listed", 0o444):
        result = packed(unprivileged, tree, "tree")
    assert names(result) == ["tree", "tree/listed", "tree/readable"]
    assert result.outcome.problems == (ReadProblem(f"{tree}/listed/file", "Permission denied"),)


def test_a_link_to_a_file_that_cannot_be_read_is_no_problem(unprivileged: TarPacker, tree: Path) -> None:
    (tree / "secret").write_text("hidden")
    (tree / "secret").chmod(0)
    link = tree / "link"
    link.symlink_to("secret")
    result = packed(unprivileged, tree, "tree")
    assert names(result) == ["tree", "tree/link", "tree/readable"]


def test_problems_beyond_the_first_thousand_are_counted(unprivileged: TarPacker, memory: Path) -> None:
    for number in range(MOST_PROBLEMS + 1234):
        (memory / f"secret{number}").write_text("x")
        (memory / f"secret{number}").chmod(0)
    problems = packed(unprivileged, memory, "tree").outcome.problems
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == ReadProblem(str(memory), "1,234 more below it could not be read")


@pytest.mark.parametrize("mode", [0o000, 0o100])
def test_a_candidate_of_which_nothing_can_be_read_is_an_error(unprivileged: TarPacker, tree: Path, mode: int) -> None:
    with with_mode(tree, mode), pytest.raises(SourceError, match=rf"{tree}: .*Permission denied"):
        packed(unprivileged, tree, "tree")


def test_a_file_alone_that_cannot_be_read_is_an_error(unprivileged: TarPacker, tree: Path) -> None:
    (tree / "readable").chmod(0)
    with pytest.raises(SourceError, match=r"readable: nothing of it could be read: .*Permission denied"):
        packed(unprivileged, tree / "readable", "readable")


def test_a_file_that_vanishes_is_left_out(tree: Path) -> None:
    result = changed_meanwhile(tree, (tree / "readable").unlink)
    assert names(result) == ["tree", "tree/middle"]
    assert result.outcome.changed
    assert result.outcome.problems == ()


def test_a_directory_that_vanishes_is_left_out(tree: Path) -> None:
    (tree / "z").mkdir()
    result = changed_meanwhile(tree, (tree / "z").rmdir)
    assert names(result) == ["tree", "tree/middle", "tree/readable"]
    assert result.outcome.changed
    assert result.outcome.problems == ()


def test_a_file_that_shrinks_is_padded_and_called_changed(tree: Path) -> None:
    result = changed_meanwhile(tree, lambda: os.truncate(tree / "middle", 5_000_000))
    assert names(result) == ["tree", "tree/middle", "tree/readable"]
    assert [member.size for member in result.members] == [0, 8_000_000, 7]
    assert result.outcome.changed
    assert result.outcome.problems == ()


def test_a_file_that_appears_is_called_a_change(tree: Path) -> None:
    assert changed_meanwhile(tree, (tree / "new").touch).outcome.changed


def test_a_tree_that_is_moved_away_is_called_changed(tree: Path) -> None:
    (tree / "z").mkdir()
    (tree / "z" / "file").touch()
    result = changed_meanwhile(tree, lambda: (tree / "z").rename(tree.parent / "moved"))
    assert result.outcome.changed
    assert result.outcome.problems == ()


def test_a_tree_that_holds_still_is_not_called_changed(tree: Path) -> None:
    assert not changed_meanwhile(tree, lambda: None).outcome.changed


def test_files_that_differ_in_words_of_a_later_tar_are_a_change(tree: Path, in_front_of_tar: InFrontOfTar) -> None:
    in_front_of_tar("""tar "$@"; echo 'tar: "./readable": is not what it was' >&2; exit 1""")
    assert packed(TarPacker(), tree, "tree").outcome == PackOutcome((), changed=True)


def test_a_tar_that_is_killed_is_an_error(tree: Path) -> None:
    with pytest.raises(SourceError, match="tar was ended by signal 9"):
        changed_meanwhile(tree, lambda: os.kill(_the_tar(), signal.SIGKILL))


def test_a_tar_that_fails_without_naming_a_file_is_an_error_in_its_own_words(
    tree: Path, in_front_of_tar: InFrontOfTar
) -> None:
    in_front_of_tar('[ "$1" = --version ] || set -- --no-such-option "$@"')
    with pytest.raises(SourceError, match="could not pack it: unrecognized option '--no-such-option'"):
        packed(TarPacker(), tree, "tree")


def test_a_tar_that_gives_up_after_a_problem_is_an_error(tree: Path, in_front_of_tar: InFrontOfTar) -> None:
    in_front_of_tar(
        '[ "$1" = --version ] || {\n'
        """echo 'tar: "./a": Warning: Cannot open: Permission denied' >&2\n"""
        "echo 'tar: memory exhausted' >&2\n"
        "echo 'tar: Error is not recoverable: exiting now' >&2\n"
        "exit 2; }"
    )
    with pytest.raises(SourceError, match="tree: tar could not pack it: memory exhausted"):
        packed(TarPacker(), tree, "tree")


def test_a_list_of_members_that_does_not_fit_on_the_disk_is_an_error(tree: Path, in_front_of_tar: InFrontOfTar) -> None:
    for number in range(200):
        (tree / str(number)).touch()
    in_front_of_tar("trap '' XFSZ; ulimit -f 16")
    with pytest.raises(SourceError, match="list of members is damaged") as caught:
        packed(TarPacker(), tree, "tree")
    assert "TMPDIR" in str(caught.value.hint)


def _the_tar() -> int:
    """The one child of this thread that is a tar; other tests may have left a server running."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (tar,) = (child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "tar")
    return int(tar)
