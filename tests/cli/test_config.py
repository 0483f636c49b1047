"""``config init``, ``check`` and ``show``."""

from __future__ import annotations

from pathlib import Path

from tests.cli.harness import Cli


def test_init_writes_a_commented_file_that_can_be_filled_in(cli: Cli) -> None:
    ran = cli("config", "init")

    file = Path.home() / ".config/glacier_backup/glacier_backup.conf"
    assert ran.code == 0
    assert str(file) in ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert "#vault_name" in file.read_text()
    refused = cli("config", "check")
    assert refused.code == 2
    assert "vault_name" in refused.err


def test_init_never_overwrites(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = precious\n")

    ran = cli("config", "init", "-c", ini)

    assert ran.code == 2
    assert str(ini) in ran.err
    assert ini.read_text() == "[main]\nvault_name = precious\n"


def test_check_reports_every_problem_at_once_with_its_line(cli: Cli) -> None:
    ini = cli.ini(
        "[main]\nvalt_name = photos\npart_size = 17 MiB\n"
        "[relative/path]\nupload_dirs = yes\n"
        "[/data]\nupload_files = perhaps\n"
        "[/data/]\nupload_files = yes\n"
    )

    ran = cli("config", "check", "-c", ini)

    assert ran.code == 2
    for place in (f"{ini}:2", f"{ini}:3", f"{ini}:4", f"{ini}:7", f"{ini}:8"):
        assert place in ran.err
    assert "vault_name" in ran.err
    assert cli("-c", ini).err == ran.err


def test_check_in_json_tells_the_same(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\nlimit = many\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "check", "-c", ini, "--json")

    assert ran.code == 2
    (problem,) = ran.json["problems"]
    assert (problem["file"], problem["line"], problem["section"], problem["option"]) == (str(ini), 3, "main", "limit")


def test_check_says_when_all_is_well(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "check", "-c", ini)

    assert (ran.code, ran.out) == (0, f"{ini}: no problem found; 1 section to vault photos\n")
    assert cli("config", "check", "-c", ini, "--json").json == {"file": str(ini), "problems": [], "warnings": []}


def test_show_prints_what_is_in_force_and_where_it_comes_from(cli: Cli) -> None:
    ini = cli.ini("[main]\nvault_name = photos\nlimit = 3\n[{data}]\nupload_files = yes\n")

    ran = cli("config", "show", "-c", ini, "--limit", "5", "--json")

    assert ran.json["main"]["vault_name"] == "photos"
    assert ran.json["main"]["limit"] == "5"
    assert ran.json["sections"] == [
        {
            "path": str(cli.data),
            "upload_single_dir": "no",
            "upload_dirs": "no",
            "upload_files": "yes",
            "upload_if_changed": "no",
            "exclude": "",
        }
    ]
    table = cli("config", "show", "-c", ini).out
    assert f"{ini}:3" in table
    assert "default" in table
