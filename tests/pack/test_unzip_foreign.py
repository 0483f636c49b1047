"""ZIPs of other programs."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from glacier_backup.pack.unzip import ZipUnpacker
from glacier_backup.pack.unzip_members import members_of_zip
from glacier_backup.units import MIB
from tests.lacking import lacking
from tests.pack.unpacking import opened, stopped, unpack
from tests.pack.zips import FILES, Made, by_python
from tests.streams import BytesStream, noise

MADE = (
    Made("a/b.txt", b"some text, " * 1000, mode=0o640),
    Made("a/empty", mode=0o600),
    Made("über", noise(70_000), mode=0o755),
    # What looks like the records of a ZIP, and isn't.
    Made("z", b"PK\7\x08" * 1000 + b"PK\3\4PK\1\2PK\5\6" + b"PK\7", mode=0o600),
)


def by_info_zip(folder: Path, *options: str) -> bytes:
    if shutil.which("zip") is None:
        lacking("zip is missing")
    # Links can't be written to a pipe.
    to = "../x.zip" if "-y" in options else "-"
    command = ["zip", "-q", "-r", *options, to, "."]
    found = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return found.stdout or (folder.parent / "x.zip").read_bytes()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_those_of_python_come_back(tmp_path: Path, method: int, streamed: bool) -> None:
    data = by_python(*MADE, method=method, streamed=streamed)
    unpacked = unpack(data, tmp_path / "to", FILES, ZipUnpacker())
    assert contents(tmp_path / "to") == {one.name: one.content for one in MADE}
    assert [(tmp_path / "to" / one.name).stat().st_mode & 0o777 for one in MADE] == [one.mode for one in MADE]
    assert {one.mtime_ns for one in unpacked.members} == {1_582_979_458 * 10**9}
    listed = [*members_of_zip(BytesStream(data), "x")]
    assert [one._replace(sha256=None) for one in listed] == unpacked.members
    assert [one.sha256 for one in listed] == [hashlib.sha256(one.content).digest() for one in MADE]


@pytest.mark.parametrize("options", [("-0",), ("-9",), ("-0", "-y"), ("-6", "-y"), ("-X",), ("-fd",), ("-D",)])
def test_those_of_info_zip_come_back(tmp_path: Path, options: tuple[str, ...]) -> None:
    top = tmp_path / "top"
    for one in MADE:
        (top / one.name).parent.mkdir(parents=True, exist_ok=True)
        (top / one.name).write_bytes(one.content)
        (top / one.name).chmod(one.mode)
        os.utime(top / one.name, (0, 10**9 + 8))
    (top / "link").symlink_to("a/b.txt")
    (top / "a").chmod(0o750)
    data = by_info_zip(top, *options)
    unpacked = unpack(data, tmp_path / "to", FILES, ZipUnpacker())
    assert contents(tmp_path / "to") == contents(top) | ({} if "-y" in options else {"link": MADE[0].content})
    assert (tmp_path / "to/link").is_symlink() is ("-y" in options)
    assert [(tmp_path / "to" / one.name).stat().st_mode & 0o777 for one in MADE] == [one.mode for one in MADE]
    if "-D" not in options:
        assert (tmp_path / "to/a").stat().st_mode & 0o777 == 0o750
    if "-X" not in options:
        assert {(tmp_path / "to" / one.name).stat().st_mtime_ns for one in MADE} == {(10**9 + 8) * 10**9}
    assert [one._replace(sha256=None) for one in members_of_zip(BytesStream(data), "x")] == unpacked.members


def test_what_comes_through_a_pipe_by_info_zip_comes_back(tmp_path: Path) -> None:
    if shutil.which("zip") is None:
        lacking("zip is missing")
    content = noise(300_000) + b"text " * 10_000
    data = subprocess.run(["zip", "-q", "-", "-"], input=content, capture_output=True, check=True).stdout
    unpack(data, tmp_path / "to", FILES, ZipUnpacker())
    assert contents(tmp_path / "to") == {"-": content}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_deflated_file_is_begun_again_after_a_checkpoint(tmp_path: Path, streamed: bool) -> None:
    made = (Made("a", b"first"), Made("b", bytes(40 * MIB)), Made("c", b"last"))
    data = by_python(*made, method=zipfile.ZIP_DEFLATED, streamed=streamed)
    for steps in (0, 2, 3, 5):
        with opened(tmp_path / f"{steps}") as folder:
            line = stopped(ZipUnpacker().unpack(BytesStream(data), folder, FILES), steps, steps + 1)
            position = ZipUnpacker().position(line)
            list(ZipUnpacker().unpack(BytesStream(data[position:]), folder, replace(FILES, resume=line)))
        assert contents(tmp_path / f"{steps}") == {one.name: one.content for one in made}


def test_a_link_that_leads_out_is_made_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    link = Made("link", b"../outside", mode=0o777, is_link=True)
    unpack(by_python(Made("a", b"a"), link), tmp_path / "to", FILES, ZipUnpacker())
    assert os.readlink(tmp_path / "to/link") == "../outside"
    with pytest.raises(DamageFound, match=r"link/x, at byte .*: link would have to be a directory"):
        unpack(by_python(link, Made("link/x", b"x")), tmp_path / "to2", FILES, ZipUnpacker())
    assert os.listdir(tmp_path / "outside") == []


def test_a_link_to_nothing_that_could_have_a_name_comes_back_as_a_file(tmp_path: Path) -> None:
    link = Made("link", b"a\0b", mode=0o777, is_link=True)
    unpacked = unpack(by_python(link), tmp_path / "to", FILES, ZipUnpacker())
    assert stat.S_ISREG((tmp_path / "to/link").lstat().st_mode)
    assert "link: came back as a file" in unpacked.left_out[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_named(tmp_path: Path, method: int) -> None:
    data = by_python(Made("a", b"text"), method=method)
    with pytest.raises(DamageFound, match=f"a method that is not known here, {method}"):
        unpack(data, tmp_path / "to", FILES, ZipUnpacker())


def test_encryption_is_named(tmp_path: Path) -> None:
    if shutil.which("zip") is None:
        lacking("zip is missing")
    (tmp_path / "a").write_text("a")
    data = subprocess.run(
        ["zip", "-q", "-P", "secret", "-", "a"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=True
    ).stdout
    with pytest.raises(DamageFound, match="it is encrypted by another program"):
        unpack(data, tmp_path / "to", FILES, ZipUnpacker())


def test_a_comment_at_the_end_does_no_harm(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a", b"a")
        archive.comment = b"PK\5\6 a comment"
    unpack((tmp_path / "x.zip").read_bytes(), tmp_path / "to", FILES, ZipUnpacker())
    assert contents(tmp_path / "to") == {"a": b"a"}


def test_an_empty_one_has_nothing_in_it(tmp_path: Path) -> None:
    assert unpack(by_python(), tmp_path / "to", FILES, ZipUnpacker()).members == []
