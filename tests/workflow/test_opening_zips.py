"""Opening ZIPs that were fetched by other means: groups of ours, and anybody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound
from tests.pack.zips import Made, by_python, zipped
from tests.seal.sealing import chained
from tests.workflow.seals import chain
from tests.workflow.test_opening import Desk

MADE = (Made("nas/srv/a", b"a"), Made("nas/srv/b/c", b"c" * 1000), Made("nas/srv/l", b"a", 0, 0o777, is_link=True))
DATA = zipped(*MADE).data
NAME, OLDER = "IMG_0*~.zip", "*~2~20260321T040000.123456Z"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def files(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        for path in top.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize("name", ["holiday.zip", "whatever"])
def test_one_that_is_not_sealed_is_told_by_how_it_begins(tmp_path: Path, desk: Desk, name: str) -> None:
    (tmp_path / name).write_bytes(DATA)
    result = desk.one(tmp_path / name)
    assert (result.state, result.to) == ("opened", str(desk.to / "nas"))
    assert files(desk.to) == {one.name: one.content for one in MADE}


def test_groups_of_one_tree_each_get_a_folder(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "fetched").mkdir()
    for name in (NAME, "*~2.zip~20260321T040000.123456Z"):
        (tmp_path / "fetched" / name).write_bytes(DATA)
    (tmp_path / "fetched" / "holiday.zip").write_bytes(DATA)
    assert [one.to for one in desk.open(tmp_path / "fetched")] == [str(desk.to / OLDER), str(desk.to / "IMG_0*~")]
    assert files(desk.to) == {f"{folder}/{one.name}": one.content for one in MADE for folder in (OLDER, "IMG_0*~")}


def test_one_with_several_things_in_it_gets_a_folder_of_its_name(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "two.zip").write_bytes(by_python(Made("a", b"a"), Made("b", b"b")))
    assert desk.one(tmp_path / "two.zip").to == str(desk.to / "two")
    assert files(desk.to) == {"two/a": b"a", "two/b": b"b"}


def test_a_sealed_group_is_told_by_its_name(tmp_path: Path, desk: Desk) -> None:
    sealing, keys = chain("zstd age", tmp_path)
    (tmp_path / f"{NAME}.zst.age").write_bytes(chained(sealing, DATA)[0].data)
    desk.one(tmp_path / f"{NAME}.zst.age", keys=keys)
    assert files(desk.to / "IMG_0*~") == {one.name: one.content for one in MADE}


def test_a_sealed_file_that_happens_to_be_a_zip_stays_one(tmp_path: Path, desk: Desk) -> None:
    sealing, keys = chain("zstd age", tmp_path)
    (tmp_path / "holiday.zip.zst.age").write_bytes(chained(sealing, DATA)[0].data)
    assert desk.one(tmp_path / "holiday.zip.zst.age", keys=keys).to == str(desk.to / "holiday.zip")
    assert files(desk.to) == {"holiday.zip": DATA}


def test_what_is_inside_is_listed(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / NAME).write_bytes(DATA)
    (result,) = desk.list(tmp_path / NAME)
    assert [(one.path, one.type, one.target) for one in result.members] == [
        ("nas/srv/a", "file", None),
        ("nas/srv/b/c", "file", None),
        ("nas/srv/l", "symlink", "a"),
    ]


def test_one_that_is_damaged_is_called_that(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / NAME).write_bytes(DATA.replace(b"ccc", b"cCc", 1))
    assert isinstance(desk.refused(tmp_path / NAME), DamageFound)
