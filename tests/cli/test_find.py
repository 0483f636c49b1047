"""``find``: which archives hold something, from the catalog alone."""

from __future__ import annotations

from tests.cli.harness import Cli

LOCAL = (
    "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
    "[{data}]\nupload_dirs = yes\nupload_files = yes\nupload_if_changed = yes\n"
)


def photos(cli: Cli) -> None:
    (cli.data / "photos").mkdir()
    for name in ("img_0001.jpg", "IMG_0002.JPG"):
        (cli.data / "photos" / name).write_text("a photo")
    assert cli("-c", cli.ini(LOCAL)).code == 0


def test_text_is_found_in_letters_of_either_case(cli: Cli) -> None:
    photos(cli)

    found = cli("find", "img_000", "-c", cli.ini(LOCAL), "--json").json

    assert [one["path"] for one in found] == [
        str(cli.data / "photos/IMG_0002.JPG"),
        str(cli.data / "photos/img_0001.jpg"),
    ]
    assert found[1]["member"]["bytes"] == 7
    assert found[1]["archive"]["name"] == "photos.tar"


def test_a_glob_fits_case_and_all(cli: Cli) -> None:
    photos(cli)

    found = cli("find", "*.jpg", "-c", cli.ini(LOCAL), "--json").json

    assert [one["member"]["path"] for one in found] == ["photos/img_0001.jpg"]


def test_all_versions_are_found_the_newest_first_and_how_to_bring_them_back_is_said(cli: Cli) -> None:
    photos(cli)
    (cli.data / "photos/img_0001.jpg").write_text("another photo")
    cli("-c", cli.ini(LOCAL))

    lines = cli("find", "img_0001", "-c", cli.ini(LOCAL)).out.splitlines()

    path = cli.data / "photos/img_0001.jpg"
    assert lines[0].endswith(f"glacier-backup restore {path} --to DIR")
    assert lines[1].endswith("glacier-backup restore id:2:photos/img_0001.jpg --to DIR")
    assert [line.split()[2:4] for line in lines[3:]] == [["13", "B"], ["7", "B"]]
    for words in ([str(path)], ["id:2:photos/img_0001.jpg"]):
        assert cli("restore", *words, "--plan", "-c", cli.ini(LOCAL)).code == 0


def test_what_an_archive_is_of_is_found_once(cli: Cli) -> None:
    photos(cli)
    (cli.data / "photograph").write_text("x")
    cli("-c", cli.ini(LOCAL))

    found = cli("find", "*/photo[sg]*", "-c", cli.ini(LOCAL), "--json").json

    assert [(one["path"], one["member"]) for one in found if one["member"] is None] == [
        (str(cli.data / "photograph"), None),
        (str(cli.data / "photos"), None),
    ]
    assert [one["path"] for one in found].count(str(cli.data / "photograph")) == 1


def test_what_is_nowhere_is_said_to_be(cli: Cli) -> None:
    photos(cli)

    assert cli("find", "nope", "-c", cli.ini(LOCAL)).out == "nothing that is stored has nope in its path\n"
    assert cli("find", "nope", "-c", cli.ini(LOCAL), "--json").json == []


def test_a_catalog_alone_is_enough(cli: Cli) -> None:
    photos(cli)

    ran = cli("find", "*.jpg", "--catalog", cli.folder / "catalog.sqlite3", "--json")

    assert len(ran.json) == 1
