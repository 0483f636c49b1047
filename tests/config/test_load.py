"""Defaults ← file ← environment ← command line."""

from __future__ import annotations

import os

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.errors import ConfigError
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.period import Period
from glacier_backup.units import MIB
from tests.config.conftest import Desk, in_home_of_user_database, told

EVERYTHING = """\
[main]
vault_name = photos
account_id = 123456789012
region = eu-central-1
profile = backup
endpoint_url = http://127.0.0.1:8080
logfile = ${here}/x.log
catalog = ~/x.sqlite3
limit = 3
concurrency = 8
part_size = 32 MiB
bandwidth_limit = 2 MiB
keep_last = 3
keep_within = 6 months
keep_yearly = 10
pack_size = 512 MiB

[/data/]
keep_last = 5
keep_daily = 7
keep_yearly = off
pack_size = 2 MiB
upload_single_dir = no
upload_dirs = yes
upload_files = on
upload_if_changed = 1
exclude =
    .
    "# x"
upload_tree = yes
exclude_paths =
    old/tmp
    /data/x, y
exclude_patterns =
    /build/
    "\\#x "
    !keep
exclude_regex = \\.(bak|~)$
keys = Relative
keep_versions = no
symlinks = follow
compare = HASH, size
  mtime
"""


def test_every_option_arrives(desk: Desk) -> None:
    settings = desk.load(EVERYTHING)
    assert settings.file == desk.file
    assert settings.config_folder == str(desk.here)
    assert settings.default_destinations == ("main",)
    (vault,) = settings.destinations
    assert (vault.name, vault.kind, vault.vault_name, vault.directory) == ("main", "glacier", "photos", "")
    assert vault.account_id == "123456789012"
    assert (vault.region, vault.profile) == ("eu-central-1", "backup")
    assert vault.endpoint_url == "http://127.0.0.1:8080"
    assert settings.logfile == f"{desk.here}/x.log"
    assert settings.catalog == f"{desk.home}/x.sqlite3"
    assert (settings.limit, settings.concurrency) == (3, 8)
    assert (vault.part_size, vault.bandwidth_limit) == (32 * MIB, 2 * MIB)
    (section,) = settings.sections
    assert section.model_dump(exclude={"origin", "origins", "seal"}) == {
        "path": "/data",
        "server": None,
        "destinations": (),
        "upload_single_dir": False,
        "upload_dirs": True,
        "upload_files": True,
        "upload_if_changed": True,
        "compare": "size, mtime, hash",
        "incremental": False,
        "full_every": FullEvery(Period(180, "day"), 30, 50),
        "exclude": (".", "# x"),
        "upload_tree": True,
        "exclude_paths": ("old/tmp", "/data/x, y"),
        "exclude_patterns": ("/build/", "\\#x ", "!keep"),
        "exclude_regex": (r"\.(bak|~)$",),
        "excluded_from": "",
        "keys": "relative",
        "keep_versions": False,
        "symlinks": "follow",
        "keep_last": 5,
        "keep_within": Period(6, "month"),
        "keep_daily": 7,
        "keep_weekly": None,
        "keep_monthly": None,
        "keep_yearly": None,
        "pack_size": 2 * MIB,
        "group_files_smaller_than": None,
        "group_names": "prefix",
        "group_max": 1024 * MIB,
        "deleted": "keep",
        "max_delete": {"share": 0.1, "files": None, "says": "10 %"},
        "filters": (),
        "snapshots": None,
        "layout": "own",
    }
    assert (settings.keep_last, settings.keep_within, settings.keep_yearly) == (3, Period(6, "month"), 10)
    assert settings.pack_size == 512 * MIB
    (warning,) = settings.warnings
    assert "x.conf:40: [/data/] keep_versions: has no effect on files that pack_size sends together" in warning


def test_what_is_not_said_has_its_default(desk: Desk) -> None:
    settings = desk.load("[main]\nvault_name = photos\n[/data]\n")
    assert settings.destinations[0].model_dump(exclude={"origins"}) == {
        "name": "main",
        "kind": "glacier",
        "vault_name": "photos",
        "account_id": "-",
        "region": None,
        "profile": None,
        "endpoint_url": None,
        "bucket": None,
        "storage_class": "DEEP_ARCHIVE",
        "sse": None,
        "kms_key_id": None,
        "tags": (),
        "expected_bucket_owner": None,
        "hot_below": None,
        "server": None,
        "cold": False,
        "directory": "",
        "embedded": False,
        "part_size": None,
        "bandwidth_limit": None,
    }
    assert settings.logfile == str(desk.usual_folder / "glacier_backup.log")
    assert settings.catalog == str(desk.home / ".local/share/glacier_backup/catalog.sqlite3")
    assert (settings.limit, settings.concurrency) == (None, 4)
    assert settings.sections == (SectionSettings(path="/data", origin=f"{desk.file}:3"),)


def test_loading_writes_nothing(desk: Desk) -> None:
    desk.load(EVERYTHING)
    assert sorted(path.name for path in desk.here.iterdir()) == ["x.conf"]
    assert list(desk.home.iterdir()) == []


def test_settings_are_frozen(desk: Desk) -> None:
    settings = desk.load(EVERYTHING)
    with pytest.raises(ValueError, match="frozen"):
        settings.limit = 5
    with pytest.raises(ValueError, match="frozen"):
        settings.sections[0].upload_dirs = False
    assert hash(settings) == hash(desk.load(EVERYTHING))


def in_force(settings: Settings, field: str) -> object:
    return getattr(settings if field in Settings.model_fields else settings.destinations[0], field)


@pytest.mark.parametrize(
    ("option", "field", "texts", "values"),
    [
        ("vault_name", "vault_name", ["a", "b", "c"], ["a", "b", "c"]),
        ("limit", "limit", ["1", "2", "3"], [1, 2, 3]),
        ("limit", "limit", ["1", "2", "none"], [1, 2, None]),
        ("logfile", "logfile", ["/a", "/b", "/c"], ["/a", "/b", "/c"]),
        ("logfile", "logfile", ["/a", "", "/c"], ["/a", None, "/c"]),
        ("logfile", "logfile", ["/a", "/b", ""], ["/a", "/b", None]),
        ("account_id", "account_id", ["1" * 12, "2" * 12, "-"], ["1" * 12, "2" * 12, "-"]),
        ("region", "region", ["a", "b", "c"], ["a", "b", "c"]),
        ("catalog", "catalog", ["/a", "/b", "/c"], ["/a", "/b", "/c"]),
        ("destination", "directory", ["/a", "/b", "file:///c"], ["/a", "/b", "/c"]),
    ],
)
def test_the_command_line_beats_the_environment_beats_the_file(
    desk: Desk, option: str, field: str, texts: list[str], values: list[object]
) -> None:
    file, variable, flag = texts
    text = f"[main]\nvault_name = v\n[/data]\n[DEFAULT]\n{option} = {file}\n"
    if option == "vault_name":
        text = text.replace("vault_name = v\n", "")
    environ = {f"GLACIER_BACKUP_{option.upper()}": variable}
    assert in_force(desk.load(text), field) == values[0]
    assert in_force(desk.load(text, environ=environ), field) == values[1]
    assert in_force(desk.load(text, environ=environ, overrides={option: flag}), field) == values[2]


def test_an_empty_variable_counts_as_not_set(desk: Desk) -> None:
    environ = {"GLACIER_BACKUP_VAULT_NAME": "", "GLACIER_BACKUP_LIMIT": "", "GLACIER_BACKUP_CONFIG": ""}
    assert desk.load(EVERYTHING, environ=environ).limit == 3


def test_references_see_the_file_and_not_the_command_line(desk: Desk) -> None:
    text = "[main]\nvault_name = a\nlogfile = /log/${vault_name}\n[/data]\n"
    settings = desk.load(text, overrides={"vault_name": "b"})
    assert (settings.destinations[0].vault_name, settings.logfile) == ("b", "/log/a")


def test_values_from_outside_are_taken_as_they_are(desk: Desk) -> None:
    settings = desk.load(EVERYTHING, overrides={"profile": "'${here}'"}, environ={"GLACIER_BACKUP_LOGFILE": "/a/${x}"})
    assert (settings.destinations[0].profile, settings.logfile) == ("'${here}'", "/a/${x}")


def test_a_relative_path_on_the_command_line_is_meant_from_the_current_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.home)
    settings = desk.load(EVERYTHING, overrides={"logfile": "x.log", "catalog": "../c"})
    assert settings.logfile == f"{desk.home}/x.log"
    assert settings.catalog == os.path.normpath(f"{desk.home}/../c")
    assert desk.load(EVERYTHING, overrides={"logfile": "~/x.log"}).logfile == f"{desk.home}/x.log"


# Which file.


def test_the_usual_file_is_read_when_none_is_named(desk: Desk) -> None:
    usual = desk.write_usual("[main]\nvault_name = usual\n[/data]\n")
    settings = desk.load()
    assert (settings.file, settings.destinations[0].vault_name, settings.config_folder) == (
        usual,
        "usual",
        str(desk.usual_folder),
    )


def test_a_named_file_beats_the_variable_which_beats_the_usual_one(desk: Desk) -> None:
    desk.write_usual("[main]\nvault_name = usual\n[/data]\n")
    (desk.home / "v.conf").write_text("[main]\nvault_name = variable\n[/data]\n")
    environ = {"GLACIER_BACKUP_CONFIG": "~/v.conf"}
    assert desk.load(environ=environ).destinations[0].vault_name == "variable"
    assert desk.load("[main]\nvault_name = named\n[/data]\n", environ=environ).destinations[0].vault_name == "named"


def test_a_relative_name_of_a_file_is_meant_from_the_current_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("[main]\ndestination = ${here}/out\n[${here}]\n")
    monkeypatch.chdir(desk.home)
    settings = load("../here/x.conf", overrides={}, environ={"HOME": str(desk.home)})
    assert (settings.file, settings.destinations[0].directory) == (desk.file, f"{desk.here}/out")
    assert settings.sections[0].path == str(desk.here)


def test_here_is_where_the_name_of_the_file_is_and_not_where_a_link_leads(desk: Desk) -> None:
    desk.write("[main]\ndestination = ${here}/out\n[/data]\n")
    link = desk.home / "link.conf"
    link.symlink_to(desk.file)
    assert load(str(link), overrides={}, environ={"HOME": "/h"}).destinations[0].directory == f"{desk.home}/out"


def test_without_any_file_paths_go_to_the_embedded_local_vault(desk: Desk) -> None:
    settings = desk.load(paths=["/data"])
    assert settings.file is None
    assert settings.config_folder == str(desk.usual_folder)
    (vault,) = settings.destinations
    assert (vault.name, vault.kind, vault.embedded) == ("main", "local", True)
    assert vault.directory == f"{desk.home}/.local/share/glacier_backup/vault"
    assert [section.path for section in settings.sections] == ["/data"]


@pytest.mark.parametrize("how", ["command line", "environment"])
def test_without_any_file_paths_go_to_the_vault_that_is_named(desk: Desk, how: str) -> None:
    overrides = {"vault_name": "photos"} if how == "command line" else {}
    environ = {"GLACIER_BACKUP_VAULT_NAME": "photos"} if how == "environment" else {}
    settings = desk.load(paths=["/data"], overrides=overrides, environ=environ)
    (vault,) = settings.destinations
    assert (vault.kind, vault.vault_name, vault.embedded) == ("glacier", "photos", False)


def test_without_any_file_and_paths_the_cure_is_told(desk: Desk) -> None:
    with pytest.raises(ConfigError) as caught:
        desk.load(overrides={"vault_name": "photos"})
    assert str(caught.value) == f"{desk.usual_file}: found no such file; expected an INI file"
    assert caught.value.hint == "write one with: glacier-backup config init"


def test_what_needs_no_sections_makes_do_without_a_file(desk: Desk) -> None:
    assert desk.load(needs_sections=False).sections == ()
    assert desk.load(needs_sections=False, overrides={"vault_name": "photos"}).destinations[0].vault_name == "photos"


@pytest.mark.parametrize("paths", [[], ["/data"]])
def test_a_file_that_is_named_must_be_there(desk: Desk, paths: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(str(desk.here / "gone.conf"), overrides={}, environ={"HOME": str(desk.home)}, paths=paths)
    assert str(caught.value) == f"{desk.here}/gone.conf: found no such file; expected an INI file"


def test_a_variable_that_names_a_file_that_is_gone_is_no_reason_to_do_without(desk: Desk) -> None:
    assert desk.problems(environ={"GLACIER_BACKUP_CONFIG": "/gone.conf"}, paths=["/data"]) == [
        "/gone.conf: found no such file; expected an INI file"
    ]


def test_a_usual_file_that_is_a_link_to_nothing_is_no_reason_to_do_without(desk: Desk) -> None:
    desk.usual_folder.mkdir(parents=True)
    desk.usual_file.symlink_to("gone")
    assert desk.problems(paths=["/data"]) == [f"{desk.usual_file}: found no such file; expected an INI file"]


def test_a_usual_folder_that_cannot_be_looked_into_is_no_reason_to_do_without(desk: Desk) -> None:
    (desk.home / ".config").symlink_to(".config")
    assert desk.problems(paths=["/data"]) == [
        f"{desk.usual_file}: can't be read: too many levels of symbolic links",
    ]


def test_the_record_of_1_2_may_lie_beside_the_file_or_in_the_usual_folder(desk: Desk) -> None:
    assert desk.load(EVERYTHING).record_folders == (str(desk.here), str(desk.usual_folder))
    desk.write_usual(EVERYTHING)
    assert desk.load().record_folders == (str(desk.usual_folder),)


# Where to.


@pytest.mark.parametrize(
    ("main", "overrides", "environ", "where"),
    [
        ("vault_name = v", {}, {}, "v"),
        ("vault_name = v\ndestination = glacier", {}, {}, "v"),
        ("vault_name = v\ndestination = /mnt", {}, {}, "/mnt"),
        ("destination = /mnt", {"vault_name": "o"}, {}, "o"),
        ("destination = local", {"vault_name": "o"}, {}, "o"),
        ("vault_name = v\ndestination = /mnt", {"vault_name": "o"}, {}, "o"),
        ("destination = glacier", {"vault_name": "o"}, {}, "o"),
        ("destination = glacier", {}, {"vault_name": "e"}, "e"),
        ("vault_name = v", {}, {"vault_name": "e"}, "e"),
        ("vault_name = v", {"vault_name": "o"}, {"destination": "/mnt", "vault_name": "e"}, "o"),
        ("destination = /mnt", {}, {"vault_name": "e"}, "/mnt"),
        ("vault_name = v", {"destination": "/mnt"}, {}, "/mnt"),
        ("vault_name = v", {}, {"destination": "/mnt"}, "/mnt"),
        ("", {"vault_name": "o"}, {}, "o"),
        ("", {}, {"vault_name": "e"}, "e"),
        ("", {}, {"destination": "/mnt"}, "/mnt"),
        ("", {"destination": "/mnt"}, {}, "/mnt"),
    ],
)
def test_a_vault_on_the_command_line_is_always_meant_and_else_the_destination_says(
    desk: Desk, main: str, overrides: dict[str, str], environ: dict[str, str], where: str
) -> None:
    variables = {f"GLACIER_BACKUP_{name.upper()}": text for name, text in environ.items()}
    settings = desk.load(f"[main]\n{main}\n[/data]\n", overrides=overrides, environ=variables)
    (one,) = settings.destinations
    assert settings.default_destinations == (one.name,) == ("main",)
    if where.startswith("/"):
        assert (one.kind, one.directory, one.embedded) == ("local", where, False)
    else:
        assert (one.kind, one.vault_name, one.directory) == ("glacier", where, "")


def test_local_is_the_embedded_local_vault_below_the_data_folder(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = local\n[/data]\n", environ={"XDG_DATA_HOME": "/d"})
    (vault,) = settings.destinations
    assert (vault.directory, vault.embedded) == ("/d/glacier_backup/vault", True)
    assert settings.catalog == "/d/glacier_backup/catalog.sqlite3"


def test_home_need_not_be_set(desk: Desk) -> None:
    catalog = told(lambda: load(desk.write(EVERYTHING), overrides={}, environ={}).catalog)
    assert catalog == in_home_of_user_database("x.sqlite3")


# Sections.


def sections(desk: Desk, text: str, **environ: str) -> list[str]:
    loaded = desk.load(f"[main]\nvault_name = v\n{text}", environ=environ)
    return [section.path for section in loaded.sections]


def test_sections_keep_the_order_of_the_file(desk: Desk) -> None:
    assert sections(desk, "[/c]\n[/a]\n[/b]\n") == ["/c", "/a", "/b"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/data/", "/data"),
        ("/", "/"),
        ("/data//x/./y/..", "/data/x"),
        ("~", "<home>"),
        ("~/", "<home>"),
        ("~/a b", "<home>/a b"),
        ("${here}", "<here>"),
        ("${here}/../x", "<root>/x"),
        ("${env:DATA}/x", "/data/x"),
        ("/x/${env:NAME}", "/x/n"),
        ("/x/$${here}", "/x/${here}"),
        ("/x/$HOME/%d/~", "/x/$HOME/%d/~"),
        ("/x/'quoted'", "/x/'quoted'"),
        ("/x/ blank ", "/x/ blank "),
        ("/x/[1]", "/x/[1]"),
    ],
)
def test_a_section_is_named_by_a_path(desk: Desk, name: str, path: str) -> None:
    expected = path.replace("<home>", str(desk.home)).replace("<root>", str(desk.here.parent))
    expected = expected.replace("<here>", str(desk.here))
    assert sections(desk, f"[{name}]\n", DATA="/data/", NAME="n") == [expected]


def test_a_path_that_is_not_utf_8_arrives_byte_for_byte(desk: Desk) -> None:
    settings = desk.load(b"[main]\nvault_name = v\nlogfile = /log/\xff\n[/m/bj\xf6rk]\nexclude = \xfe\n")
    (section,) = settings.sections
    assert os.fsencode(section.path) == b"/m/bj\xf6rk"
    assert os.fsencode(section.exclude[0]) == b"\xfe"
    assert os.fsencode(settings.logfile or "") == b"/log/\xff"


def test_default_gives_defaults_to_all_sections(desk: Desk) -> None:
    text = """\
[DEFAULT]
upload_if_changed = yes
exclude = .
region = eu-central-1
[main]
vault_name = v
[/a]
upload_dirs = yes
[/b]
upload_if_changed = no
exclude =
"""
    settings = desk.load(text)
    a, b = settings.sections
    assert settings.destinations[0].region == "eu-central-1"
    assert (a.upload_if_changed, a.upload_dirs, a.exclude) == (True, True, (".",))
    assert (b.upload_if_changed, b.upload_dirs, b.exclude) == (False, False, ())


def test_a_reference_in_default_means_the_section_that_inherits_it(desk: Desk) -> None:
    text = """\
[DEFAULT]
upload_files = ${upload_dirs}
upload_dirs = no
[main]
vault_name = v
[/a]
upload_dirs = yes
[/b]
"""
    a, b = desk.load(text).sections
    assert (a.upload_files, b.upload_files) == (True, False)


def test_references_lead_to_other_sections_in_any_spelling(desk: Desk) -> None:
    text = """\
[main]
vault_name = v
logfile = /log/${Vault_Name}
[/a]
exclude = .git
    'b c'
[/b]
exclude = ${/a/:exclude}
    ${main:vault_name}
[~/c]
exclude_prefix = x
[/d]
exclude = ${~/c:exclude_prefix}${~/c/:exclude}
"""
    settings = desk.load(text)
    assert settings.logfile == "/log/v"
    assert [section.exclude for section in settings.sections] == [
        (".git", "b c"),
        (".git", "b c", "v"),
        ("x",),
        ("xx",),
    ]


def test_an_alias_with_the_same_value_beside_the_name_is_no_contradiction(desk: Desk) -> None:
    text = "[main]\nvault_name = v\n[/a]\nupload_files = yes\nexclude = .\nexclude_prefix = .\n"
    assert desk.load(text).sections[0].exclude == (".",)


def test_names_of_options_may_have_capitals(desk: Desk) -> None:
    assert desk.load("[main]\nVault_Name: v\n[/a]\nUPLOAD_DIRS: Yes\n").sections[0].upload_dirs


# Paths.


def test_paths_take_the_place_of_the_sections_and_the_rest_applies(desk: Desk) -> None:
    settings = desk.load(EVERYTHING, paths=["/data", "/else"])
    assert settings.destinations[0].vault_name == "photos"
    data, other = settings.sections
    assert (data.path, data.upload_single_dir, data.upload_dirs, data.upload_files) == ("/data", True, False, False)
    assert data.exclude == (".", "# x")
    assert (other.path, other.upload_single_dir, other.upload_if_changed) == ("/else", True, True)


def test_relative_paths_are_meant_from_the_current_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.here)
    settings = desk.load(paths=["x", "./x/", ".", "../y", "~"])
    assert [section.path for section in settings.sections] == [
        f"{desk.here}/x",
        str(desk.here),
        f"{desk.here.parent}/y",
        f"{desk.here}/~",
    ]


def test_an_empty_path_is_never_the_current_folder(desk: Desk) -> None:
    assert desk.problems(paths=["/data", ""]) == ["command line --path: found nothing; expected a path"]


def test_a_current_folder_that_is_gone_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = desk.home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert desk.problems(paths=["x"]) == [
        "command line: found 'x' below a current folder that is gone; expected an absolute path"
    ]
    assert desk.load(paths=["/x"]).sections[0].path == "/x"
