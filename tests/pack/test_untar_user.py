"""What an ordinary user, or a file system that can't do everything, gets of a tar, and what is said about the rest."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.errors import TargetError
from glacier_backup.pack.left_out import MOST_LINES
from glacier_backup.pack.tar import TarPacker
from tests.pack.packing import packed
from tests.pack.unpacking import made_by_hand, unpack
from tests.roundtrip.trees import look
from tests.streams import noise

_NOBODY = 65534
_SCRIPT = """
import os, sys
from pathlib import Path
from tests.pack.unpacking import unpack
# Not before: whoever one becomes may not be able to read the checkout.
os.setgroups([])
os.setresgid(*3 * [int(sys.argv[1])])
os.setresuid(*3 * [int(sys.argv[1])])
for line in unpack(Path(sys.argv[2]).read_bytes(), Path(sys.argv[3])).left_out:
    print(line)
"""


def as_nobody(data: bytes, folder: Path) -> list[str]:
    """Unpack as a user who isn't root, into ``folder``; what was left out."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    folder.mkdir()
    os.chown(folder, _NOBODY, _NOBODY)
    archive = folder.parent / "archive.tar"
    archive.write_bytes(data)
    # nobody may not come in the usual way
    descriptors = [os.open(path, os.O_RDONLY) for path in (archive, folder)]
    paths = [f"/proc/self/fd/{number}" for number in descriptors]
    command = [sys.executable, "-c", _SCRIPT, str(_NOBODY), *paths]
    done = subprocess.run(command, pass_fds=descriptors, stdout=subprocess.PIPE, check=True, text=True)
    for number in descriptors:
        os.close(number)
    return done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "folder").mkdir(parents=True)
    for name in ("folder/file", "program", "marked"):
        (top / name).write_text(name)
    (top / "link").symlink_to("nowhere")
    return top


def test_an_ordinary_user_gets_all_but_owners_and_what_goes_with_them(tree: Path, tmp_path: Path) -> None:
    os.setxattr(tree / "marked", "user.plain", b"1")
    os.setxattr(tree / "marked", "security.odd", b"1")
    os.setxattr(tree / "folder", "trusted.odd", b"1")
    (tree / "program").chmod(0o6755)
    (tree / "marked").chmod(0o444)
    left_out = as_nobody(packed(TarPacker(), tree, "tree").data, tmp_path / "to")
    assert sorted(left_out) == [
        "1 came back without the extended attribute security.odd: only root can set it",
        "1 came back without the extended attribute trusted.odd: only root can set it",
        "6 belong to whoever restored them: only root can give them to their owners",
        "tree/program: not set-user-ID or set-group-ID, for its owner isn't who it was",
    ]
    found = look(tmp_path / "to/tree")
    assert {entry.uid for entry in found.values()} == {_NOBODY}
    assert found["program"].mode == 0o755
    assert found["marked"].attributes == (("user.plain", b"1"),)
    assert {name: (one.mtime_ns, one.content, one.target) for name, one in found.items()} == {
        name: (one.mtime_ns, one.content, one.target) for name, one in look(tree).items()
    }


def test_an_owner_gets_the_set_user_id_bit_of_an_own_program_back(tree: Path, tmp_path: Path) -> None:
    (tree / "program").chmod(0o6755)
    for path in [*tree.rglob("*"), tree]:
        os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    (tree / "program").chmod(0o6755)
    assert as_nobody(packed(TarPacker(), tree, "tree").data, tmp_path / "to") == []
    assert look(tmp_path / "to/tree") == look(tree)


def test_many_directories_below_one_another_that_nobody_may_enter_come_back(tmp_path: Path) -> None:
    deep = (tmp_path / "tree").joinpath(*["d"] * 150)
    deep.mkdir(parents=True)
    (deep / "file").touch()
    for path in [deep / "file", deep, *deep.parents][:150]:
        path.chmod(0o400)
    as_nobody(packed(TarPacker(), tmp_path / "tree", "tree").data, tmp_path / "to")
    assert [(name, one.mode, one.mtime_ns) for name, one in look(tmp_path / "to/tree").items()] == [
        (name, one.mode, one.mtime_ns) for name, one in look(tmp_path / "tree").items()
    ]


def test_a_full_disk_is_an_error_of_the_target(small_disk: Path) -> None:
    for size in (900, 12_000_000):
        members = [(f"file{number}", tarfile.REGTYPE, noise(size)) for number in range(12_000_000 // size)]
        with pytest.raises(TargetError, match=r"file\d+: No space left on device"):
            unpack(made_by_hand(*members), small_disk / "to")


def test_only_so_much_is_said(tmp_path: Path) -> None:
    data = made_by_hand(*((f"device{number}", tarfile.CHRTYPE, "") for number in range(MOST_LINES + 50)))
    left_out = unpack(data, tmp_path / "to").left_out
    assert len(left_out) == MOST_LINES + 1
    assert left_out[-1] == "50 more could not be given back as they were"


def _refusing(number: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_hard_links_become_copies_where_there_can_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As on FAT, or with more links than ext4 has; neither is at hand here."""
    monkeypatch.setattr(os, "link", _refusing(number))
    data = made_by_hand(("file", tarfile.REGTYPE, noise(3000)), ("other", tarfile.LNKTYPE, "file"))
    unpacked = unpack(data, tmp_path / "to")
    assert (tmp_path / "to/other").read_bytes() == noise(3000)
    assert unpacked.left_out == ("1 hard links came back as copies: the file system can't link them",)


@pytest.mark.parametrize("call", ["symlink", "mkfifo"])
def test_what_a_file_system_does_not_have_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(os, call, _refusing(errno.EPERM))
    kind = tarfile.SYMTYPE if call == "symlink" else tarfile.FIFOTYPE
    unpacked = unpack(made_by_hand(("it", kind, "x"), ("file", tarfile.REGTYPE, b"")), tmp_path / "to")
    assert os.listdir(tmp_path / "to") == ["file"]
    assert unpacked.left_out[0].startswith("it: left out, for this file system has no ")
