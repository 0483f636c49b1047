"""``list``: what has been sent, from the catalog alone."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.cli.harness import Cli

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
