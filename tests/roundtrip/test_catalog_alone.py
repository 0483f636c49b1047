"""A catalog file, copied to another machine, is enough to have everything back: with no INI file, and nothing else but
what lets somebody in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.roundtrip.forest import grow
from tests.roundtrip.journey import Journey, until_done
from tests.roundtrip.trees import look
from tests.streams import noise

SECTIONS = """
[{data}/many]
upload_dirs = yes
upload_files = yes
[{data}/tree]
upload_tree = yes
"""


@pytest.fixture
def sent(journey: Journey) -> Journey:
    journey.sections(SECTIONS)
    for name in ("many", "tree/2019"):
        (journey.data / name).mkdir(parents=True)
    grow(journey.data / "many/photos", 3)
    (journey.data / "many/dump.sql").write_bytes(noise(2_500_000))
    (journey.data / "tree/2019/a.jpg").write_bytes(noise(70_000))
    journey.back_up()
    return journey


@pytest.fixture
def home(sent: Journey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of somebody else, who has the catalog's file and may read the place. What sent it is gone."""
    home = tmp_path / "another home"
    home.mkdir()
    shutil.copy(sent.catalog, home / "found.sqlite3")
    sent.lose_catalog()
    sent.ini.unlink()
    sent.data.rename(tmp_path / "what it was")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    sent.kind.prepare(home, monkeypatch)
    return home


def test_everything_comes_back(sent: Journey, home: Path, tmp_path: Path) -> None:
    ran = until_done(sent.cli, sent.kind, "restore", "--to", "back", "--catalog", "found.sqlite3")

    assert (ran.code, ran.err) == (0, "")
    back, was = home / "back" / str(sent.data)[1:], tmp_path / "what it was"
    assert look(back / "many/photos") == look(was / "many/photos")
    assert (back / "many/dump.sql").read_bytes() == (was / "many/dump.sql").read_bytes()
    assert (back / "tree/2019/a.jpg").read_bytes() == (was / "tree/2019/a.jpg").read_bytes()


def test_it_tells_what_there_is_and_what_is_still_there(sent: Journey, home: Path) -> None:
    sent.kind.place.thaw_now()  # a vault has an inventory a day after the first upload
    found = sent.cli("find", "dump.sql", "--catalog", "found.sqlite3", "--json")
    listed = sent.cli("list", "--versions", "--catalog", "found.sqlite3", "--json")
    verified = until_done(sent.cli, sent.kind, "verify", "--inventory", "--catalog-file", "found.sqlite3", "--json")

    assert [one["path"] for one in found.json] == [str(sent.data / "many/dump.sql")]
    assert [Path(one["path"]).name for one in listed.json] == ["dump.sql", "photos", "a.jpg"]
    assert verified.code == 0, verified
    assert verified.json["findings"] == []
