"""The settings in force, and where each comes from."""

from __future__ import annotations

from glacier_backup.config.schema import MAIN_OPTIONS, PATH_OPTIONS
from glacier_backup.config.show import Row, rows
from tests.config.conftest import Desk


def test_every_option_has_a_row_in_the_order_of_the_table(desk: Desk) -> None:
    found = list(rows(desk.load("[main]\nvault_name = v\n[/a]\n[/b]\n")))
    assert [(row.section, row.option) for row in found] == [
        *(("main", option.name) for option in MAIN_OPTIONS),
        *(("/a", option.name) for option in PATH_OPTIONS),
        *(("/b", option.name) for option in PATH_OPTIONS),
    ]


def test_each_value_says_where_it_comes_from(desk: Desk) -> None:
    text = """\
[DEFAULT]
upload_if_changed = yes
[main]
destination = /mnt
concurrency = 8
part_size = 2 GiB
bandwidth_limit = 1.5 MiB/s
logfile =
[/a]
exclude_prefix = a
    b
"""
    settings = desk.load(text, overrides={"limit": "5"}, environ={"GLACIER_BACKUP_REGION": "eu-west-1"})
    found = {(row.section, row.option): (row.value, row.origin.replace(desk.file, "x")) for row in rows(settings)}
    assert found == {
        ("main", "vault_name"): ("", "default"),
        ("main", "destination"): ("/mnt", "x:4"),
        ("main", "account_id"): ("-", "default"),
        ("main", "region"): ("eu-west-1", "environment GLACIER_BACKUP_REGION"),
        ("main", "profile"): ("", "default"),
        ("main", "endpoint_url"): ("", "default"),
        ("main", "logfile"): ("", "x:8"),
        ("main", "catalog"): (f"{desk.home}/.local/share/glacier_backup/catalog.sqlite3", "default"),
        ("main", "limit"): ("5", "command line --limit"),
        ("main", "concurrency"): ("8", "x:5"),
        ("main", "part_size"): ("2 GiB", "x:6"),
        ("main", "bandwidth_limit"): ("1536 KiB", "x:7"),
        ("/a", "upload_single_dir"): ("no", "default"),
        ("/a", "upload_dirs"): ("no", "default"),
        ("/a", "upload_files"): ("no", "default"),
        ("/a", "upload_if_changed"): ("yes", "x:2"),
        ("/a", "exclude"): ("a\nb", "x:10"),
    }


def test_a_vault_on_the_command_line_is_shown_as_what_decides_the_destination(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = /mnt\n[/a]\n", overrides={"vault_name": "v"})
    shown = {row.option: row for row in rows(settings)}
    assert shown["destination"] == Row("main", "destination", "glacier", "command line --vault")
    assert shown["vault_name"] == Row("main", "vault_name", "v", "command line --vault")


def test_paths_come_from_the_command_line(desk: Desk) -> None:
    settings = desk.load("[main]\nvault_name = v\n[/a]\nupload_dirs = yes\nexclude = .\n", paths=["/a"])
    shown = {row.option: (row.value, row.origin) for row in rows(settings) if row.section == "/a"}
    assert shown["upload_dirs"] == ("no", "command line")
    assert shown["upload_single_dir"] == ("yes", "command line")
    assert shown["exclude"] == (".", f"{desk.file}:5")


def test_part_sizes_are_shown_in_the_unit_that_fits(desk: Desk) -> None:
    for text in ("1 MiB", "512 MiB", "1 GiB", "4 GiB", "automatic"):
        settings = desk.load(f"[main]\nvault_name = v\npart_size = {text}\n[/a]\n")
        assert {row.option: row.value for row in rows(settings)}["part_size"] == text
