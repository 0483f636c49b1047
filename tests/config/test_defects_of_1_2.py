"""The ways in which glacier_backup 1.2 gets its configuration wrong, by their numbers in the study of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.config.load import load
from glacier_backup.errors import ConfigError
from tests.config.conftest import Desk, in_home_of_user_database, told

# In the form of its own sample.
OLD = """\
[main]
account_id='-'
vault_name='myvault'
logfile=''

[/data/photos]
upload_dirs=yes
exclude='.'
"""


def test_defect_7_without_home_there_is_still_a_configuration(desk: Desk) -> None:
    catalog = told(lambda: load(desk.write(OLD), overrides={}, environ={}).catalog)
    assert catalog == in_home_of_user_database(".local/share/glacier_backup/catalog.sqlite3")


def test_defect_8_quotes_are_no_part_of_a_value(desk: Desk) -> None:
    settings = desk.load(OLD)
    (vault,) = settings.destinations
    assert (vault.account_id, vault.vault_name, settings.logfile) == ("-", "myvault", None)
    assert settings.sections[0].exclude == (".",)


@pytest.mark.parametrize("name", ["exclude", "exclude_prefix"])
def test_defect_9_exclude_is_read_under_both_of_its_names(desk: Desk, name: str) -> None:
    settings = desk.load(OLD.replace("exclude", name))
    assert settings.sections[0].exclude == (".",)


def test_defect_10_paths_go_to_the_vault_of_the_file(desk: Desk) -> None:
    assert desk.load(OLD, paths=["/x"]).destinations[0].vault_name == "myvault"


def test_defect_10_paths_go_to_the_vault_of_the_command_line(desk: Desk) -> None:
    assert desk.load(OLD, paths=["/x"], overrides={"vault_name": "other"}).destinations[0].vault_name == "other"
    assert desk.load(paths=["/x"], overrides={"vault_name": "other"}).destinations[0].vault_name == "other"


def test_defect_10_vault_and_account_need_no_main_section(desk: Desk) -> None:
    settings = desk.load("[/data]\n", overrides={"vault_name": "other", "account_id": "123456789012"})
    (vault,) = settings.destinations
    assert (vault.vault_name, vault.account_id) == ("other", "123456789012")


def test_defect_11_the_log_file_of_the_command_line_beats_the_file(desk: Desk) -> None:
    assert desk.load(OLD.replace("logfile=''", "logfile=/a"), overrides={"logfile": "/b"}).logfile == "/b"
    assert desk.load(OLD.replace("logfile=''", "logfile=/a"), overrides={"logfile": ""}).logfile is None


def test_defect_11_there_is_a_log_file_though_none_exists_yet(desk: Desk) -> None:
    settings = desk.load(OLD.replace("logfile=''", ""))
    assert settings.logfile == str(desk.usual_folder / "glacier_backup.log")
    assert not Path(settings.logfile).exists()


def test_defect_12_main_is_no_path(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.here)
    (desk.here / "main").mkdir()
    assert [section.path for section in desk.load(OLD).sections] == ["/data/photos"]


def test_defect_13_a_per_cent_sign_is_a_per_cent_sign(desk: Desk) -> None:
    settings = desk.load(OLD.replace("/data/photos", "/data/100%").replace("'.'", "%(x)s"))
    assert (settings.sections[0].path, settings.sections[0].exclude) == ("/data/100%", ("%(x)s",))


def test_defect_13_unknown_options_are_told(desk: Desk) -> None:
    assert desk.problems(OLD + "upload_dir=yes\n") == [
        "x.conf:9: [/data/photos] upload_dir: is no option; did you mean upload_dirs?"
    ]


def test_defect_14_a_missing_file_is_an_error_with_exit_code_2(desk: Desk) -> None:
    with pytest.raises(ConfigError) as caught:
        desk.load()
    assert caught.value.exit_code == 2


def test_its_file_is_found_where_it_was(desk: Desk) -> None:
    desk.write_usual(OLD)
    assert desk.load().destinations[0].vault_name == "myvault"
