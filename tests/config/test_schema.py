"""The option table."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel

from glacier_backup.config.datasets import value_of
from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.folders import Folders
from glacier_backup.config.given import read_option
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.login_options import LOGIN_OPTIONS
from glacier_backup.config.option import Option
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.schema import (
    BY_NAME,
    BY_SPELLING,
    DATASET_OPTIONS,
    DESTINATION_OPTIONS,
    MAIN_OPTIONS,
    OPTIONS,
    PATH_OPTIONS,
    RUN_OPTIONS,
    SERVER_OPTIONS,
)
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.settings import DestinationSettings, SectionSettings, ServerSettings, Settings
from glacier_backup.config.snapshot_options import SNAPSHOT_OPTIONS
from glacier_backup.model.snapshot import SnapshotRules

_SEALS = (
    "seal encrypt recipients recipients_file identity_file password password_file password_command "
    "password_credential password_keyring gnupg_home undo_data zstd_level gzip_level openssl_cipher openssl_digest "
    "openssl_iterations volume_size volume_names redundancy private_names"
)
_KEPT = "keep_last keep_within keep_daily keep_weekly keep_monthly keep_yearly"
_OF_PATHS = (
    f"{_SEALS} {_KEPT} pack_size "
    "group_files_smaller_than group_names group_max deleted max_delete "
    "upload_single_dir upload_tree upload_dirs upload_files upload_if_changed compare filters incremental full_every "
    "exclude exclude_patterns exclude_regex exclude_paths keys keep_versions symlinks"
)

every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


def test_no_two_options_share_a_spelling_or_flag() -> None:
    assert len(BY_SPELLING) == sum(1 + len(option.aliases) for option in OPTIONS)
    flags = [flag for option in OPTIONS for flag in option.flags]
    assert len(flags) == len(set(flags))


@every_option
def test_an_option_is_written_in_small_letters(option: Option) -> None:
    # configparser makes small letters of every name, and argparse a name of every long flag.
    assert option.name.isidentifier()
    assert option.name == option.name.lower()


@every_option
def test_the_default_can_be_read(option: Option) -> None:
    if option.default is not None:
        option.read(option.default)
    else:
        assert option.default_says


@every_option
def test_the_example_can_be_read_and_says_something(option: Option) -> None:
    example = read_option(option, option.example.replace("${here}", "/h"), Folders({"HOME": "/h"}))
    assert example != (None if option.default is None else option.read(option.default))


@every_option
def test_the_help_is_a_line(option: Option) -> None:
    assert option.help.endswith(".")
    assert "\n" not in option.help
    assert len(option.help) < 80


@every_option
def test_only_the_option_that_may_be_empty_takes_nothing(option: Option) -> None:
    if option.may_be_empty:
        assert not option.read("")
    else:
        with pytest.raises(ValueError, match=r"^found nothing; expected "):
            option.read("")


@every_option
def test_settings_have_a_field_for_the_option_with_the_same_default(option: Option) -> None:
    if option.name == "destination":
        return  # fields of its own: kind, bucket, directory and so on
    if option.name == "encrypt":
        assert not SealSettings().encrypt  # what the steps say
        return
    if option in SNAPSHOT_OPTIONS:
        default = None if option.default is None else option.read(option.default)
        assert value_of(SnapshotRules(), option.name) == default
        return
    owners: list[type[BaseModel] | None] = [
        Settings if option in RUN_OPTIONS else None,
        DestinationSettings if option in DESTINATION_OPTIONS and option not in SERVER_OPTIONS else None,
        ServerSettings if option in SERVER_OPTIONS and option in LOGIN_OPTIONS else None,
        SectionSettings if option in PATH_OPTIONS and option not in SEAL_OPTIONS else None,
        SealSettings if option in SEAL_OPTIONS else None,
    ]
    (owner,) = filter(None, owners)
    if option.default is not None:
        assert owner.model_fields[option.name].default == option.read(option.default)
    else:
        assert option.name in owner.model_fields


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (RUN_OPTIONS, "logfile catalog catalog_copy limit concurrency spool_dir prices env_file"),
        (PATH_OPTIONS, f"destination {_OF_PATHS}"),
        (
            SERVER_OPTIONS,
            f"destination ssh_key ssh_password ssh_password_file known_hosts host_key connections {_OF_PATHS}",
        ),
        (
            DATASET_OPTIONS,
            f"destination {_SEALS.replace('undo_data ', '')} {_KEPT} full_every "
            "snapshot tag intermediates raw recursive properties keep_snapshots layout",
        ),
    ],
)
def test_an_option_has_one_home_or_several(options: tuple[Option, ...], names: str) -> None:
    assert " ".join(option.name for option in options) == names


def test_main_may_hold_all_but_what_only_a_path_has() -> None:
    handed_on = (*KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS)
    assert (*DESTINATION_OPTIONS, *RUN_OPTIONS, *SEAL_OPTIONS, *handed_on) == MAIN_OPTIONS


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.is_secret], ids=lambda option: option.name)
def test_a_secret_is_shown_by_no_message(option: Option) -> None:
    for text in ("", "hunter2\n  next = line"):
        with pytest.raises(ValueError, match=r"^found (nothing|a value)") as caught:
            option.read(text)
        assert "hunter2" not in str(caught.value)


def test_the_usual_places_are_those_that_the_table_names() -> None:
    folders = Folders({"HOME": "/h"})
    assert BY_NAME["logfile"].default_says == f"`{folders.logfile.replace('/h', '~')}`"
    assert BY_NAME["catalog"].default_says == f"`{folders.catalog.replace('/h', '~')}`"
    assert folders.local_vault.replace("/h", "~") in BY_NAME["destination"].details


def test_flags_are_those_of_glacier_backup_1_2_and_three_limits() -> None:
    assert {option.name: option.flags for option in OPTIONS if option.flags} == {
        "vault_name": ("-v", "--vault"),
        "account_id": ("-a", "--account"),
        "logfile": ("-l", "--logfile"),
        "limit": ("--limit",),
        "bandwidth_limit": ("--bandwidth-limit",),
        "max_delete": ("--max-delete",),
    }


def test_each_main_option_has_a_variable_and_no_other_has() -> None:
    assert BY_NAME["part_size"].variable == "GLACIER_BACKUP_PART_SIZE"
    assert all(option.variable for option in MAIN_OPTIONS)
    assert not any(option.variable for option in PATH_OPTIONS if option not in MAIN_OPTIONS)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("upload_dirs", "maybe", "found 'maybe'; expected yes or no (or true, false, on, off, 1, 0)"),
        (
            "upload_dirs",
            "yes # every night",
            "found 'yes # every night' (a comment needs a line of its own); "
            "expected yes or no (or true, false, on, off, 1, 0)",
        ),
        (
            "upload_dirs",
            "yes\nupload_files = yes",
            "found 'yes\\nupload_files = yes' (an indented line continues the one above it); "
            "expected yes or no (or true, false, on, off, 1, 0)",
        ),
        (
            "part_size",
            "16 MB",
            "found '16 MB' (it is 16,000,000 bytes); "
            "expected a power of two from 1 MiB to 4 GiB such as 64 MiB, or automatic",
        ),
        ("concurrency", "x" * 100, f"found '{'x' * 60}'…; expected a whole number from 1 to 64"),
    ],
)
def test_a_message_says_what_was_found_and_what_is_expected(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        BY_NAME[name].read(text)
    assert str(caught.value) == message


def test_the_table_loads_nothing_heavy() -> None:
    script = "import sys; old = {*sys.modules}; import glacier_backup.config.schema; print(*{*sys.modules} - old)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pydantic", "boto3", "rich", "configparser", "dataclasses", "inspect", "difflib", "urllib", "hashlib"}
    assert not heavy.intersection(loaded)
