"""Files in packs: they are named, listed, found and brought back by their paths, as those that are sent alone are."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.catalog.inside import changed
from tests.cli.harness import Cli

PACKS = """
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile =
[{data}/photos]
upload_tree = yes
pack_size = 1 MiB
"""
A, B, C, LARGE = "2019/a.jpg", "2019/b.jpg", "2020/c.jpg", "2020/large.mov"


@pytest.fixture(name="ini")
def _ini(cli: Cli) -> Path:
    """One pack of three small files and a link, with a large file beside it."""
    for name in (A, B, C):
        write(cli, name, f"content of {name}")
    (photos(cli) / "2020/link").symlink_to("c.jpg")
    write(cli, LARGE, "x" * 2**21)
    ini = cli.ini(PACKS)
    assert cli("-c", ini).code == 0
    return ini


def photos(cli: Cli) -> Path:
    return cli.data / "photos"


def write(cli: Cli, name: str, text: str) -> None:
    (photos(cli) / name).parent.mkdir(parents=True, exist_ok=True)
    (photos(cli) / name).write_text(text)


def tree(folder: Path) -> dict[str, str]:
    """What is in it; of what is large only how large."""
    return {
        str(one.relative_to(folder)): one.read_text()[:100]
        for one in sorted(folder.rglob("*"))
        if one.is_file() and not one.is_symlink()
    }


def brought(cli: Cli, ini: Path, *words: str | Path) -> dict[str, str]:
    target = cli.folder / f"out-{time.monotonic_ns()}"
    ran = cli("restore", *words, "--to", target, "-c", ini)
    assert ran.code == 0, ran.err
    return tree(target)


def test_a_file_a_directory_and_a_glob_come_back_under_their_names(cli: Cli, ini: Path) -> None:
    top = photos(cli)

    assert brought(cli, ini, top / A) == {"a.jpg": f"content of {A}"}
    assert brought(cli, ini, top / "2019") == {A: f"content of {A}", B: f"content of {B}"}
    assert [*brought(cli, ini, f"{top}/20*/[bc].jpg")] == [B, C]
    assert [*brought(cli, ini, top)] == [f"photos/{name}" for name in (A, B, C, LARGE)]
    assert [*brought(cli, ini)] == [f"{top}/{name}"[1:] for name in (A, B, C, LARGE)]
    assert [*brought(cli, ini, top / A, top / C)] == ["a.jpg", "c.jpg"]


def test_a_pack_is_the_files_that_are_in_it(cli: Cli, ini: Path) -> None:
    pack = next(one for one in cli("list", "-c", ini, "--json").json if one["name"] == "photos.pack.tar")

    for word in (f"id:{pack['id']}", pack["path"], pack["locator"], "photos.pack.tar"):
        assert [*brought(cli, ini, word)] == [f"photos/{name}" for name in (A, B, C)], word
    assert brought(cli, ini, f"id:{pack['id']}:{A}") == {"a.jpg": f"content of {A}"}
    assert [*brought(cli, ini, f"photos.pack.tar:{A[:4]}")] == [A, B]


def test_the_newest_comes_back_or_what_was_the_newest_then(cli: Cli, ini: Path) -> None:
    first = datetime.now(UTC).isoformat()
    write(cli, A, "changed since then")
    write(cli, "2021/new.jpg", "new")
    (photos(cli) / B).unlink()
    assert cli("-c", ini).code == 0
    top = photos(cli)

    assert brought(cli, ini, top / A) == {"a.jpg": "changed since then"}
    assert brought(cli, ini, top / A, "--at", first) == {"a.jpg": f"content of {A}"}
    assert [*brought(cli, ini, top)] == [f"photos/{name}" for name in (A, B, C, LARGE, "2021/new.jpg")]
    assert f"photos/{B}" not in brought(cli, ini, top, "--at", "now"), "it isn't there any more"
    assert "photos/2021/new.jpg" not in brought(cli, ini, top, "--at", first)
    gone = cli("restore", top / B, "--at", "now", "--plan", "-c", ini)
    assert (gone.code, "leave --at now away" in gone.err) == (2, True)
    early = cli("restore", top / "2021/new.jpg", "--at", first, "--plan", "-c", ini)
    assert (early.code, "the first one is of" in early.err) == (2, True)


def test_the_plan_names_every_file_and_counts_the_packs(cli: Cli, ini: Path) -> None:
    top = photos(cli)

    plan = cli("restore", top, "--plan", "--json", "-c", ini).json

    files = {one["path"]: one for one in plan["plan"]}
    assert [*files] == [f"{top}/{name}" for name in (A, B, C, LARGE, "2020/link")]
    assert (files[f"{top}/{A}"]["member"], files[f"{top}/{A}"]["to"]) == (f"photos/{A}", f"photos/{A}")
    assert files[f"{top}/{A}"]["bytes"] == len(f"content of {A}")
    assert files[f"{top}/{LARGE}"]["member"] is None
    assert (plan["summary"]["items"], plan["summary"]["in_packs"], plan["summary"]["packs"]) == (5, 4, 1)
    assert plan["summary"]["hot"]["volumes"] == 2
    out = cli("restore", top / A, "--plan", "-c", ini).out
    assert "1 to bring back, 21 B, out of a pack" in out


def test_what_is_done_is_told_in_files_too(cli: Cli, ini: Path) -> None:
    done = cli("restore", photos(cli), "--to", cli.folder / "out", "--json", "-c", ini).json
    again = cli("restore", photos(cli), "--to", cli.folder / "out2", "--verbose", "-c", ini)

    assert sorted((one["to"], one["files"]) for one in done["items"]) == [(".", 4), (f"photos/{LARGE}", None)]
    assert "2 restored (with 4 files out of packs)" in again.out


def test_every_version_of_a_file_is_listed(cli: Cli, ini: Path) -> None:
    write(cli, A, "changed")
    cli("-c", ini)
    (photos(cli) / A).write_text("x" * 2**21)
    cli("-c", ini)

    found = cli("list", "--versions", photos(cli) / A, "-c", ini, "--json").json

    assert [one["bytes"] for one in found] == [21, 7, 2**21]
    assert [one["member"] for one in found] == [f"photos/{A}", f"photos/{A}", None]
    assert [one["stored_bytes"] for one in found] == [None, None, 2**21]
    assert len({one["id"] for one in found}) == 3
    everything = cli("list", "--versions", "-c", ini, "--json").json
    assert {one["path"] for one in everything} == {f"{photos(cli)}/{name}" for name in (A, B, C, LARGE, "2020/link")}
    assert cli("list", "--versions", photos(cli) / A, "-c", ini).out.count("in a pack") == 2


def test_what_is_in_a_pack_is_listed(cli: Cli, ini: Path) -> None:
    pack = next(one for one in cli("list", "-c", ini, "--json").json if one["name"] == "photos.pack.tar")

    def members(word: str | Path) -> list[str]:
        return [one["path"] for one in cli("list", "--members", word, "-c", ini, "--json").json]

    for word in (f"id:{pack['id']}", pack["path"], "photos.pack.tar"):
        assert members(word) == [f"photos/{name}" for name in (A, B, C, "2020/link")]
    assert members(photos(cli) / B) == [f"photos/{B}"]
    assert "more than one archive" in cli("list", "--members", photos(cli), "-c", ini).err


def test_find_names_files_and_how_to_bring_each_version_back(cli: Cli, ini: Path) -> None:
    write(cli, A, "changed")
    cli("-c", ini)

    found = cli("find", "A.JPG", "-c", ini, "--json").json
    lines = cli("find", "*a.jpg", "-c", ini).out.splitlines()

    assert [one["path"] for one in found] == [f"{photos(cli)}/{A}"] * 2
    assert [one["member"]["bytes"] for one in found] == [7, 21], "the newest first"
    assert lines[0].endswith(f"glacier-backup restore {photos(cli)}/{A} --to DIR")
    assert brought(cli, ini, lines[1].split("restore ")[1].split()[0]) == {"a.jpg": "changed"}
    assert brought(cli, ini, f"id:{found[1]['archive']['id']}:photos/{A}") == {"a.jpg": f"content of {A}"}


def test_what_was_mistyped_is_near_something(cli: Cli, ini: Path) -> None:
    ran = cli("restore", photos(cli) / "2019/aa.jpg", "--plan", "-c", ini)

    assert ran.code == 2
    assert f"{photos(cli)}/{A}" in ran.err


def test_what_could_not_be_read_is_said_of_its_pack(cli: Cli, ini: Path) -> None:
    changed(str(cli.folder / "catalog.sqlite3"), "UPDATE archives SET problems = 1 WHERE kind = ?", "group")

    for words in ((), ("--versions", photos(cli))):
        (pack,) = cli("list", "--incomplete", *words, "-c", ini, "--json").json
        assert (pack["name"], pack["incomplete"], pack["member"]) == ("photos.pack.tar", True, None)
    assert not any(one["incomplete"] for one in cli("list", "--versions", "-c", ini, "--json").json)


def test_thawing_and_verifying_take_the_pack_that_holds_a_file(cli: Cli, ini: Path) -> None:
    write(cli, "2021/new.jpg", "new")
    cli("-c", ini)

    assert cli("thaw", "request", photos(cli) / A, "-c", ini, "--json").json["counts"] == {"ready": 1}
    assert cli("verify", photos(cli) / A, "--plan", "--full", "-c", ini, "--json").json["items"] == 1
    assert cli("verify", photos(cli) / "2019", photos(cli), "--plan", "--full", "-c", ini, "--json").json["items"] == 3
    read = cli("verify", photos(cli) / A, "--full", "-c", ini, "--json")
    assert (read.code, read.json["read"]["counts"]) == (0, {"verified": 1})
    (status,) = cli("verify", "--status", photos(cli) / "2019", "-c", ini, "--json").json
    assert (status["volumes"], status["never"]) == (1, 0)


def test_a_damaged_pack_is_found_and_an_older_version_comes_back(cli: Cli, ini: Path) -> None:
    write(cli, A, "changed")
    write(cli, "2021/new.jpg", "new")
    cli("-c", ini)
    pack = cli("list", "-c", ini, "--json").json[-1]
    stored = cli.folder / "vault" / pack["locator"]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes()[:-512] + b"\1" * 512)

    (finding,) = cli("verify", photos(cli) / A, "--full", "-c", ini, "--json").json["findings"]

    assert (finding["archive"], finding["path"]) == (pack["id"], pack["path"])
    assert f"list --members id:{pack['id']};" in finding["cure"]
    (entry,) = cli("restore", photos(cli) / A, "--plan", "--json", "-c", ini).json["plan"]
    assert "is damaged" in entry["remark"]
    assert brought(cli, ini, photos(cli) / A) == {"a.jpg": f"content of {A}"}


def test_two_versions_of_one_path_come_back_beside_each_other(cli: Cli, ini: Path) -> None:
    write(cli, A, "changed")
    cli("-c", ini)
    first, second = (one for one in cli("list", "-c", ini, "--json").json if one["name"] == "photos.pack.tar")

    back = brought(cli, ini, f"id:{first['id']}", f"id:{second['id']}")

    top = f"{photos(cli)}/{A}"[1:]
    assert back[top] == f"content of {A}"
    assert [text for name, text in back.items() if name.startswith(f"{top}~")] == ["changed"]
    assert len(back) == 4


def test_a_file_that_has_become_a_directory_is_both(cli: Cli, ini: Path) -> None:
    (photos(cli) / A).unlink()
    write(cli, f"{A}/inside", "it is a directory now")
    assert cli("-c", ini).code == 0

    back = brought(cli, ini, photos(cli) / "2019")

    assert back == {A: f"content of {A}", f"{A}~/inside": "it is a directory now", B: f"content of {B}"}


def test_what_comes_back_goes_among_what_is_there(cli: Cli, ini: Path) -> None:
    target = cli.folder / "out"
    (target / "photos/2019").mkdir(parents=True)
    (target / "photos" / A).write_text("mine")
    (target / "photos/2019/other").write_text("mine, too")

    kept = cli("restore", photos(cli), "--to", target, "-c", ini, "--json")
    again = cli("restore", photos(cli), "--to", target, "-c", ini, "--overwrite")

    assert kept.code == 1
    assert "is there already" in next(one["cause"] for one in kept.json["items"] if one["files"])
    assert again.code == 0
    assert tree(target)[f"photos/{A}"] == f"content of {A}"
    assert tree(target)["photos/2019/other"] == "mine, too"


def test_where_the_disk_is_mounted_elsewhere_files_are_known_as_its_copy_of_the_catalog_knows_them(
    cli: Cli, ini: Path
) -> None:
    write(cli, A, "newer content of a")
    assert cli("-c", ini).code == 0
    (cli.folder / "catalog.sqlite3").unlink()
    (cli.folder / "vault").rename(cli.folder / "mounted elsewhere")
    elsewhere = cli.ini(PACKS.replace("{here}/vault", '"{here}/mounted elsewhere"'), "elsewhere.ini")

    ran = cli("catalog", "rebuild", "-c", elsewhere)

    assert ran.code == 0, ran.err
    expected = {"2020/c.jpg": f"content of {C}", "2020/large.mov": "x" * 100}
    assert brought(cli, elsewhere, photos(cli) / "2020") == expected
    assert brought(cli, elsewhere, photos(cli) / A) == {"a.jpg": "newer content of a"}
    assert cli("-d", "--json", "-c", elsewhere).json["summary"]["planned"] == 0
    assert cli("catalog", "check", "-c", elsewhere).code == 0
