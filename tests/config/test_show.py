"""The settings in force, and where each comes from."""

from __future__ import annotations

import pytest

from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.schema import DATASET_OPTIONS, DESTINATION_OPTIONS, PATH_OPTIONS, RUN_OPTIONS, SERVER_OPTIONS
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.show import Row, rows
from glacier_backup.model.place import DestinationKind
from tests.config.conftest import Desk

_RULES = ("last", "within", "daily", "weekly", "monthly", "yearly")


def test_every_option_has_a_row_in_the_order_of_the_table(desk: Desk) -> None:
    found = list(rows(desk.load("[main]\nvault_name = v\n[/a]\n[sftp://h/b]\n[zfs:tank/c]\n")))
    assert [(row.section, row.option) for row in found] == [
        *(("main", option.name) for option in DESTINATION_OPTIONS if option.suits("glacier")),
        *(("main", option.name) for option in (*RUN_OPTIONS, *SEAL_OPTIONS)),
        *(("main", option.name) for option in (*KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS)),
        *(("/a", option.name) for option in PATH_OPTIONS),
        *(("sftp://h:22/b", option.name) for option in SERVER_OPTIONS),
        *(("zfs:tank/c", option.name) for option in DATASET_OPTIONS),
    ]


@pytest.mark.parametrize(("kind", "place"), [("s3", "s3://my-bucket"), ("sftp", "sftp://h:22/d"), ("local", "/mnt")])
def test_a_destination_has_rows_for_the_options_of_its_kind(desk: Desk, kind: DestinationKind, place: str) -> None:
    text = f"[main]\ndestination = x, local\n[destination x]\ndestination = {place}\n[/a]\n"
    found = list(rows(desk.load(text)))
    named = [row for row in found if row.section == "destination x"]
    assert [row.option for row in named] == [option.name for option in DESTINATION_OPTIONS if option.suits(kind)]
    assert named[0] == Row("destination x", "destination", place, f"{desk.file}:4")
    assert found[0] == Row("main", "destination", "x\nlocal", f"{desk.file}:2")


def test_a_password_is_set_and_never_shown(desk: Desk) -> None:
    text = "[main]\ndestination = sftp://h/d\nssh_password = hunter2\n[sftp://h/b]\nssh_password = hunter3\n"
    settings = desk.load(text)
    shown = [row for row in rows(settings) if row.option == "ssh_password"]
    assert [(row.section, row.value) for row in shown] == [("main", "(set)"), ("sftp://h:22/b", "(set)")]
    for told in (repr(settings), str(settings), repr(list(rows(settings))), settings.model_dump_json()):
        assert "hunter" not in told


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
keep_within = 1 year
keep_last = 3
[/a]
exclude_prefix = a
    b
keep_last = off
"""
    settings = desk.load(text, overrides={"limit": "5"}, environ={"GLACIER_BACKUP_CONCURRENCY": "8"})
    seals = {option.name for option in SEAL_OPTIONS}
    found = {
        (row.section, row.option): (row.value, row.origin.replace(desk.file, "x"))
        for row in rows(settings)
        if row.option not in seals
    }
    assert found == {
        ("main", "destination"): ("/mnt", "x:4"),
        ("main", "logfile"): ("", "x:8"),
        ("main", "catalog_copy"): ("yes", "default"),
        ("main", "catalog"): (f"{desk.home}/.local/share/glacier_backup/catalog.sqlite3", "default"),
        ("main", "limit"): ("5", "command line --limit"),
        ("main", "concurrency"): ("8", "environment GLACIER_BACKUP_CONCURRENCY"),
        ("main", "spool_dir"): ("", "default"),
        ("main", "prices"): ("", "default"),
        ("main", "env_file"): ("", "default"),
        ("main", "part_size"): ("2 GiB", "x:6"),
        ("main", "bandwidth_limit"): ("1536 KiB", "x:7"),
        **dict.fromkeys([(part, f"keep_{rule}") for part in ("main", "/a") for rule in _RULES], ("off", "default")),
        ("main", "keep_within"): ("1 year", "x:9"),
        ("/a", "keep_within"): ("1 year", "x:9"),
        ("main", "keep_last"): ("3", "x:10"),
        ("/a", "keep_last"): ("off", "x:14"),
        ("main", "pack_size"): ("none", "default"),
        ("main", "group_files_smaller_than"): ("none", "default"),
        ("main", "group_names"): ("prefix", "default"),
        ("main", "group_max"): ("1 GiB", "default"),
        ("main", "deleted"): ("keep", "default"),
        ("main", "max_delete"): ("10 %", "default"),
        ("/a", "pack_size"): ("none", "default"),
        ("/a", "group_files_smaller_than"): ("none", "default"),
        ("/a", "group_names"): ("prefix", "default"),
        ("/a", "group_max"): ("1 GiB", "default"),
        ("/a", "deleted"): ("keep", "default"),
        ("/a", "max_delete"): ("10 %", "default"),
        ("/a", "destination"): ("main", "default"),
        ("/a", "upload_single_dir"): ("no", "default"),
        ("/a", "upload_dirs"): ("no", "default"),
        ("/a", "upload_files"): ("no", "default"),
        ("/a", "upload_if_changed"): ("yes", "x:2"),
        ("/a", "compare"): ("size, mtime", "default"),
        ("/a", "filters"): ("", "default"),
        ("/a", "incremental"): ("no", "default"),
        ("/a", "full_every"): ("180 days | 30 increments | 50 %", "default"),
        ("/a", "exclude"): ("a\nb", "x:12"),
        ("/a", "upload_tree"): ("no", "default"),
        ("/a", "exclude_paths"): ("", "default"),
        ("/a", "exclude_patterns"): ("", "default"),
        ("/a", "exclude_regex"): ("", "default"),
        ("/a", "keys"): ("host", "default"),
        ("/a", "keep_versions"): ("yes", "default"),
        ("/a", "symlinks"): ("store", "default"),
    }


def test_a_vault_on_the_command_line_is_shown_as_what_decides_the_destination(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = /mnt\n[/a]\n", overrides={"vault_name": "v"})
    shown = {row.option: row for row in rows(settings) if row.section == "main"}
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
