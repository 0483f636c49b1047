"""``list``: what has been sent, from the catalog alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.snapshot import Span, stream_step
from tests.catalog.values import LOCAL as PLACE
from tests.catalog.values import an_archive, minutes, record
from tests.cli.harness import Cli
from tests.model.labels import dataset

LOCAL = (
    "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n[{data}]\nupload_files = yes\n"
)


def sent(cli: Cli, *names: str) -> None:
    for name in names:
        (cli.data / name).write_text(f"content of {name}")
        assert cli("-c", cli.ini(LOCAL)).code == 0


def test_it_shows_what_has_been_sent_oldest_first(cli: Cli) -> None:
    sent(cli, "b", "a")

    listing = cli("list", "-c", cli.ini(LOCAL), "--json").json

    assert [one["path"] for one in listing] == [str(cli.data / "b"), str(cli.data / "a")]
    first = listing[0]
    assert (first["name"], first["bytes"], first["stored_bytes"]) == ("b", 12, 12)
    assert first["destination"] == str(cli.folder / "vault")
    assert (cli.folder / "vault" / first["locator"]).read_text() == "content of b"
    assert len(first["sha256_tree"]) == 64
    assert datetime.fromisoformat(first["sent_at"]).tzinfo == UTC
    assert first["sent_at"].endswith("Z")


def test_since_leaves_out_what_is_older(cli: Cli) -> None:
    sent(cli, "a")
    middle = datetime.now(UTC).isoformat()
    sent(cli, "b")
    ini = cli.ini(LOCAL)

    listing = cli("list", "-c", ini, "--since", middle, "--json").json

    assert [one["name"] for one in listing] == ["b"]
    assert len(cli("list", "-c", ini, "--since", "2 weeks ago", "--json").json) == 2


def test_for_people_it_is_a_table(cli: Cli) -> None:
    sent(cli, "a")

    out = cli("list", "-c", cli.ini(LOCAL)).out

    assert str(cli.data / "a") in out
    assert "locator" in out


def test_before_the_first_run_nothing_has_been_sent(cli: Cli) -> None:
    assert cli("list", "-c", cli.ini(LOCAL)).out == "nothing has been sent yet\n"
    assert cli("list", "-c", cli.ini(LOCAL), "--json").json == []
    assert not (cli.folder / "catalog.sqlite3").exists()


def test_without_any_configuration_it_shows_the_usual_catalog(cli: Cli) -> None:
    (cli.data / "file").write_text("x")
    cli("-p", cli.data / "file")

    assert [one["name"] for one in cli("list", "--json").json] == ["file"]


def test_a_catalog_that_is_none_is_an_error(cli: Cli) -> None:
    (cli.folder / "catalog.sqlite3").write_text("no database at all, but rather long " * 100)

    ran = cli("list", "-c", cli.ini(LOCAL))

    assert ran.code == 2
    assert "catalog.sqlite3" in ran.err


def test_what_is_inside_an_archive_is_shown(cli: Cli) -> None:
    (cli.data / "photos/2019").mkdir(parents=True)
    (cli.data / "photos/2019/one.jpg").write_text("a photo")
    (cli.data / "photos/first").symlink_to("2019/one.jpg")
    ini = cli.ini(LOCAL.replace("upload_files", "upload_dirs"))
    cli("-c", ini)

    members = cli("list", "-c", ini, "--members", "photos.tar", "--json").json

    assert [one["path"] for one in members] == ["photos", "photos/2019", "photos/2019/one.jpg", "photos/first"]
    assert (members[2]["type"], members[2]["bytes"]) == ("file", 7)
    assert members[3]["target"] == "2019/one.jpg"
    some = cli("list", "-c", ini, "--members", str(cli.data / "photos/2019"), "--json").json
    assert some == members[1:3]
    out = cli("list", "-c", ini, "--members", "id:1").out
    assert "photos/first -> 2019/one.jpg" in out
    assert "-rw-r--r--" in out


def test_of_a_single_file_that_is_what_is_inside(cli: Cli) -> None:
    sent(cli, "a", "b")
    ini = cli.ini(LOCAL)

    (member,) = cli("list", "-c", ini, "--members", cli.data / "a", "--json").json
    assert (member["path"], member["bytes"]) == ("a", 12)
    ran = cli("list", "-c", ini, "--members", cli.data)
    assert (ran.code, "more than one archive" in ran.err) == (2, True)


def test_versions_are_shown_path_by_path(cli: Cli) -> None:
    sent(cli, "b", "a")
    ini = cli.ini(LOCAL + "upload_if_changed = yes\n")
    (cli.data / "b").write_text("changed since")
    cli("-c", ini)

    def paths(*words: str) -> list[str]:
        return [one["path"] for one in cli("list", "-c", ini, "--versions", *words, "--json").json]

    a, b = str(cli.data / "a"), str(cli.data / "b")
    assert paths() == [a, b, b]
    assert paths(str(cli.data)) == [a, b, b]
    assert paths(b) == [b, b]
    assert paths("id:1") == [b]
    since = cli("list", "-c", ini, "--versions", "--json").json[2]["time"]
    assert paths(b, "--since", since) == [b]
    assert cli("list", "-c", ini, "--versions").out.count("id:") == 3


def test_the_versions_of_a_file_are_the_archives_that_hold_it(cli: Cli) -> None:
    (cli.data / "photos").mkdir()
    ini = cli.ini(LOCAL.replace("upload_files", "upload_if_changed = yes\nupload_dirs"))
    for name in ("one.jpg", "two.jpg"):
        (cli.data / "photos" / name).write_text("a photo")
        cli("-c", ini)

    def holding(name: str) -> list[int]:
        path = str(cli.data / "photos" / name)
        return [one["id"] for one in cli("list", "-c", ini, "--versions", path, "--json").json]

    assert holding("one.jpg") == [1, 2]
    assert holding("two.jpg") == [2]


def test_only_what_is_incomplete_can_be_shown(cli: Cli) -> None:
    sent(cli, "a")
    ini = cli.ini(LOCAL)

    assert cli("list", "-c", ini, "--incomplete").out == "nothing incomplete is stored\n"
    assert cli("list", "-c", ini, "--incomplete", "--json").json == []


def test_a_catalog_alone_is_enough(cli: Cli) -> None:
    sent(cli, "a")

    (listed,) = cli("list", "--catalog", cli.folder / "catalog.sqlite3", "--json").json

    assert (listed["id"], listed["name"]) == (1, "a")


def test_streams_of_a_dataset_are_shown_with_their_snapshots(cli: Cli) -> None:
    ini = cli.ini(LOCAL)
    with Catalog.open(str(cli.folder / "catalog.sqlite3")) as catalog:
        for number, link in enumerate((Link(0), Link(1, minutes(0), minutes(0)))):
            span = Span(f"offsite-{number}", f"{number:016x}", f"offsite-{number - 1}" if link.number else "")
            made = an_archive("zfs:tank/photos", locator=f"key {number}", sent_at=minutes(number))
            label = replace(dataset("zfs:tank/photos"), time=minutes(number), link=str(link), span=str(span))
            recipe = Recipe((stream_step("zfs", span, link),))
            record(catalog, None, catalog.register(PLACE, PLACE), replace(made, label=label, recipe=recipe))

    for word in ("zfs:tank/photos", "zfs:tank", "photos.zfs", "zfs:*"):
        lines = cli("list", "-c", ini, "--versions", word).out.splitlines()[1:]
        assert ["@offsite-1 since @offsite-0" in line for line in lines] == [False, True], word
        assert all("@offsite-0 " in line for line in lines)
    assert "@offsite-1 since @offsite-0" in cli("find", "-c", ini, "PHOTOS").out
    assert [one["path"] for one in cli("list", "-c", ini, "--json").json] == ["zfs:tank/photos"] * 2
    assert [one["path"] for one in cli("find", "-c", ini, "photos", "--json").json] == ["zfs:tank/photos"] * 2
    cli("catalog", "export", "-c", ini, "--manifests", cli.folder / "manifests")
    assert sorted(one.name for one in (cli.folder / "manifests/nas/zfs:/tank/photos").iterdir()) == [
        "20260321T040000.000000Z.zfs.json",
        "20260321T040100.000000Z.inc1.zfs.json",
    ]
