"""What is wrong is told at once, with file, line, section and option, what was found and what is expected."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.schema import MAIN_OPTIONS, PATH_OPTIONS
from glacier_backup.errors import ConfigError
from tests.config.conftest import Desk

MAIN = "[main]\nvault_name = v\n"
YES_OR_NO = "expected yes or no (or true, false, on, off, 1, 0)"
A_SECTION = (
    "expected [main], [destination NAME], an absolute path (~ and ${here} may stand in it), sftp://… "
    "or zfs:pool/dataset"
)
KINDS = "glacier, local, /a/directory, file:///a/directory, s3://bucket/prefix or sftp://user@host:port/directory"
A_LIST = f"expected {KINDS}, or the name of a section [destination NAME]; of several one a line"
NEITHER = "x.conf: [main]: names neither vault_name nor destination; expected one of them"
MAIN_NAMES = ", ".join(option.name for option in MAIN_OPTIONS)
PATH_NAMES = ", ".join(option.name for option in PATH_OPTIONS)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        # No destination.
        ("", [NEITHER]),
        ("# nothing yet\n", [NEITHER]),
        ("[main]\n[/data]\n", [NEITHER]),
        ("[/data]\n", [NEITHER]),
        (
            "[main]\ndestination = glacier\n",
            ["x.conf:2: [main] destination: found glacier without vault_name; expected both, or vault_name alone"],
        ),
        # Values.
        (
            MAIN + "[/data]\nupload_dirs = maybe\n",
            [f"x.conf:4: [/data] upload_dirs: found 'maybe'; {YES_OR_NO}"],
        ),
        (MAIN + "[/data]\nupload_dirs =\n", [f"x.conf:4: [/data] upload_dirs: found nothing; {YES_OR_NO}"]),
        (
            MAIN + "[/data]\nupload_dirs = yes  ; all of them\n",
            [
                "x.conf:4: [/data] upload_dirs: found 'yes  ; all of them' (a comment needs a line of its own); "
                f"{YES_OR_NO}"
            ],
        ),
        (
            MAIN + "[/data]\nupload_dirs = yes\n  upload_files = yes\n",
            [
                "x.conf:4: [/data] upload_dirs: found 'yes\\nupload_files = yes' "
                f"(an indented line continues the one above it); {YES_OR_NO}"
            ],
        ),
        (
            "[main]\nvault_name = my vault\n",
            [
                "x.conf:2: [main] vault_name: found 'my vault'; "
                "expected a vault name: 1 to 255 of the characters A-Z a-z 0-9 _ . -"
            ],
        ),
        (
            "[main]\nvault_name =\n",
            [
                "x.conf:2: [main] vault_name: found nothing; "
                "expected a vault name: 1 to 255 of the characters A-Z a-z 0-9 _ . -"
            ],
        ),
        (
            MAIN + "account_id = 1234\n",
            ["x.conf:3: [main] account_id: found '1234'; expected - (your own account) or 12 digits"],
        ),
        (
            MAIN + "part_size = 16 MB\n",
            [
                "x.conf:3: [main] part_size: found '16 MB' (it is 16,000,000 bytes); "
                "expected a power of two from 1 MiB to 4 GiB such as 64 MiB, or automatic"
            ],
        ),
        (MAIN + "limit = 0\n", ["x.conf:3: [main] limit: found '0'; expected a whole number from 1, or none"]),
        (
            MAIN + "concurrency = 65\n",
            ["x.conf:3: [main] concurrency: found '65'; expected a whole number from 1 to 64"],
        ),
        (
            MAIN + "catalog = catalog.sqlite3\n",
            [
                "x.conf:3: [main] catalog: found 'catalog.sqlite3'; "
                "expected an absolute path (~ and ${here} may stand in it)"
            ],
        ),
        (
            MAIN + "logfile = x.log\n",
            [
                "x.conf:3: [main] logfile: found 'x.log'; "
                "expected an absolute path (~ and ${here} may stand in it), or nothing for no log"
            ],
        ),
        (
            "[main]\ndestination = backup\n",
            ["x.conf:2: [main] destination: found 'backup', and there is no [destination backup]; " + A_LIST],
        ),
        (
            "[main]\ndestination = ftp://host/dir\n",
            [f"x.conf:2: [main] destination: found 'ftp://host/dir' (ftp:// is none of the kinds there are); {A_LIST}"],
        ),
        (
            MAIN + "endpoint_url = localhost:8080\n",
            ["x.conf:3: [main] endpoint_url: found 'localhost:8080'; expected an http:// or https:// URL"],
        ),
        # Options.
        (
            MAIN + "[/data]\nupload_dir = yes\n",
            ["x.conf:4: [/data] upload_dir: is no option; did you mean upload_dirs?"],
        ),
        (
            "[main]\nvault = v\n",
            ["x.conf:2: [main] vault: is no option; did you mean vault_name?"],
        ),
        (MAIN + "zzz = 1\n", [f"x.conf:3: [main] zzz: is no option; expected one of {MAIN_NAMES}"]),
        (MAIN + "[/data]\nzzz = 1\n", [f"x.conf:4: [/data] zzz: is no option; expected one of {PATH_NAMES}"]),
        (
            MAIN + "[/data]\nregoin = 1\n",
            ["x.conf:4: [/data] regoin: is no option; did you mean region? It belongs in [main] or [destination NAME]"],
        ),
        (
            MAIN + "upload_dirs = yes\n",
            ["x.conf:3: [main] upload_dirs: belongs in a section that is named by a path, not in [main]"],
        ),
        (
            MAIN + "[/data]\nlimit = 1\n",
            ["x.conf:4: [/data] limit: belongs in [main], not in a section that is named by a path"],
        ),
        (
            MAIN + "[/data]\nupload_dirs = yes\nUpload_Dirs = no\n",
            ["x.conf:5: [/data] upload_dirs: is already set in line 4"],
        ),
        (
            MAIN + "[/data]\nexclude = a\nexclude_prefix = b\n",
            ["x.conf:5: [/data] exclude_prefix: is another name of exclude, already set in line 4"],
        ),
        # Sections.
        ("[mian]\nvault_name = v\n", ["x.conf:1: [mian]: found [mian]; did you mean [main]?"]),
        ("[Main]\nvault_name = v\n", ["x.conf:1: [Main]: found [Main]; did you mean [main]?"]),
        ("[main ]\nvault_name = v\n", ["x.conf:1: [main ]: found [main ]; did you mean [main]?"]),
        (MAIN + "[data]\n", [f"x.conf:3: [data]: found [data]; {A_SECTION}"]),
        (MAIN + "[./data]\n", [f"x.conf:3: [./data]: found [./data]; {A_SECTION}"]),
        (MAIN + "[ /data]\n", [f"x.conf:3: [ /data]: found [ /data]; {A_SECTION}"]),
        (MAIN + "[~nobody-here/x]\n", [f"x.conf:3: [~nobody-here/x]: found [~nobody-here/x]; {A_SECTION}"]),
        (
            MAIN + "[${env:REL}/x]\n",
            [f"x.conf:3: [${{env:REL}}/x]: found [${{env:REL}}/x], which stands for 'rel/x'; {A_SECTION}"],
        ),
        (MAIN + "[/data]\n[/data]\n", ["x.conf:4: [/data]: is the same section as in line 3"]),
        (
            MAIN + "[/data]\n[/b]\n[/data]\n[/data]\n",
            [
                "x.conf:5: [/data]: is the same section as in line 3",
                "x.conf:6: [/data]: is the same section as in line 3",
            ],
        ),
        (MAIN + "[/data]\n[/data/]\n", ["x.conf:4: [/data/]: is the same section as [/data] in line 3"]),
        (MAIN + "[/here]\n[${env:HERE}]\n", ["x.conf:4: [${env:HERE}]: is the same section as [/here] in line 3"]),
        (MAIN + MAIN, ["x.conf:3: [main]: is the same section as in line 1"]),
        (
            MAIN + "[DEFAULT]\n[DEFAULT]\n",
            ["x.conf:4: [DEFAULT]: is the same section as in line 3"],
        ),
        # References.
        (
            MAIN + "logfile = /log/${name}\n",
            [
                "x.conf:3: [main] logfile: found ${name}, but name isn't set in this section or [DEFAULT]; "
                "expected one that is"
            ],
        ),
        (
            MAIN + "[/data]\nexclude = ${vault_name}\n",
            [
                "x.conf:4: [/data] exclude: found ${vault_name}, "
                "but vault_name isn't set in this section or [DEFAULT]; expected one that is"
            ],
        ),
        (
            MAIN + "[/data]\nexclude = ${/gone:exclude}\n",
            [
                "x.conf:4: [/data] exclude: found ${/gone:exclude}, but exclude isn't set in [/gone] or [DEFAULT]; "
                "expected one that is"
            ],
        ),
        (
            MAIN + "catalog = ${gone:catalog}\n",
            [
                "x.conf:3: [main] catalog: found ${gone:catalog}, but catalog isn't set in [gone] or [DEFAULT]; "
                "expected one that is"
            ],
        ),
        (
            MAIN + "catalog = ${env:GONE}\n",
            ["x.conf:3: [main] catalog: found ${env:GONE}, but GONE isn't in the environment; expected one that is"],
        ),
        (
            MAIN + "[${env:GONE}]\n",
            ["x.conf:3: [${env:GONE}]: found ${env:GONE}, but GONE isn't in the environment; expected one that is"],
        ),
        (
            MAIN + "[${main:vault_name}]\n",
            [
                "x.conf:3: [${main:vault_name}]: found ${main:vault_name}, which means nothing here; "
                "expected ${here} or ${env:NAME}"
            ],
        ),
        (
            MAIN + "catalog = ${logfile}\nlogfile = ${catalog}\n",
            [
                "x.conf:3: [main] catalog: found a loop, catalog → logfile → catalog; expected a value",
                "x.conf:4: [main] logfile: found a loop, logfile → catalog → logfile; expected a value",
            ],
        ),
        (
            MAIN + "catalog = ${here\n",
            ["x.conf:3: [main] catalog: found '${here' without an end; expected } at its end, or $${ for ${ itself"],
        ),
        # [DEFAULT]: told once, where it stands, however many sections inherit it, and also when none does.
        (
            "[DEFAULT]\nupload_dirs = maybe\n" + MAIN + "[/a]\n[/b]\n",
            [f"x.conf:2: [DEFAULT] upload_dirs: found 'maybe'; {YES_OR_NO}"],
        ),
        (
            "[DEFAULT]\nupload_dirs = maybe\n" + MAIN,
            [f"x.conf:2: [DEFAULT] upload_dirs: found 'maybe'; {YES_OR_NO}"],
        ),
        (
            "[DEFAULT]\nexclude = ${env:GONE}\n" + MAIN + "[/a]\n[/b]\n",
            ["x.conf:2: [DEFAULT] exclude: found ${env:GONE}, but GONE isn't in the environment; expected one that is"],
        ),
        (
            "[DEFAULT]\nlimt = 3\n" + MAIN,
            ["x.conf:2: [DEFAULT] limt: is no option; did you mean limit?"],
        ),
        # Form.
        (
            "vault_name = v\n[/data]\n",
            ["x.conf:1: found 'vault_name = v' above the first section; expected [main] before it"],
        ),
        (
            "[main]\nvault_name v\n",
            ["x.conf:2: found 'vault_name v'; expected [section], option = value, or a comment"],
        ),
    ],
)
def test_bad_input_gets(desk: Desk, text: str, problems: list[str]) -> None:
    assert desk.problems(text, environ={"REL": "rel", "HERE": "/here/"}) == problems


def test_all_problems_are_told_at_once_in_the_order_of_the_file_and_then_from_outside(desk: Desk) -> None:
    text = """\
[DEFAULT]
uplod_dirs = yes
[main]
part_size = 3
hello
account_id = 12
[data]
[/a]
upload_files = perhaps
limit = 3
[/a/]
"""
    problems = desk.problems(
        text, overrides={"limit": "many"}, environ={"GLACIER_BACKUP_CONCURRENCY": "all"}, paths=[""]
    )
    assert [problem.split(": ")[0] for problem in problems] == [
        "x.conf:2",
        "x.conf:4",
        "x.conf:5",
        "x.conf:6",
        "x.conf:7",
        "x.conf:9",
        "x.conf:10",
        "x.conf:11",
        "environment GLACIER_BACKUP_CONCURRENCY",
        "command line --limit",
        "command line --path",
    ]


def test_neither_vault_nor_destination_is_told_beside_other_problems(desk: Desk) -> None:
    assert desk.problems("[main]\nlimit = 0\n[/data]\nupload_dir = yes\n[data]\n") == [
        "x.conf:2: [main] limit: found '0'; expected a whole number from 1, or none",
        "x.conf:4: [/data] upload_dir: is no option; did you mean upload_dirs?",
        f"x.conf:5: [data]: found [data]; {A_SECTION}",
        NEITHER,
    ]


@pytest.mark.parametrize(
    "text", ["[main]\nvault = v\n", "[main]\nvault_name =\n", "[mian]\nvault_name = v\n", "[main]\nvault_name v\n"]
)
def test_neither_is_not_told_where_another_problem_is_the_cause(desk: Desk, text: str) -> None:
    assert NEITHER not in desk.problems(text)


@pytest.mark.parametrize(
    ("overrides", "environ", "problem"),
    [
        ({"limit": "0"}, {}, "command line --limit: found '0'; expected a whole number from 1, or none"),
        (
            {"vault_name": ""},
            {},
            "command line --vault: found nothing; expected a vault name: 1 to 255 of the characters A-Z a-z 0-9 _ . -",
        ),
        (
            {"account_id": "me"},
            {},
            "command line --account: found 'me'; expected - (your own account) or 12 digits",
        ),
        (
            {"part_size": "1"},
            {},
            "command line part_size: found '1' (it is 1 byte); "
            "expected a power of two from 1 MiB to 4 GiB such as 64 MiB, or automatic",
        ),
        ({"exclude": "x"}, {}, "command line exclude: is no option of [main]"),
        ({"vault": "x"}, {}, "command line vault: is no option of [main]"),
        (
            {},
            {"GLACIER_BACKUP_CATALOG": "x"},
            "environment GLACIER_BACKUP_CATALOG: found 'x'; expected an absolute path (~ and ${here} may stand in it)",
        ),
        (
            {"destination": "glacier"},
            {},
            "command line destination: found glacier without vault_name; expected both, or vault_name alone",
        ),
    ],
)
def test_what_comes_from_outside_is_told_with_its_flag_or_variable(
    desk: Desk, overrides: dict[str, str], environ: dict[str, str], problem: str
) -> None:
    text = "[main]\ndestination = local\n[/data]\n"
    assert desk.problems(text, overrides=overrides, environ=environ) == [problem]


def test_an_empty_name_of_the_file_is_told() -> None:
    with pytest.raises(ConfigError, match=r"^command line --config: found nothing; expected an INI file$"):
        load("", overrides={}, environ={"HOME": "/h"})


def test_a_file_without_permission_is_told(desk: Desk) -> None:
    file = desk.write(MAIN)
    os.chmod(file, 0)
    script = f"""
from glacier_backup.config.load import load
try:
    load({file!r}, overrides={{}}, environ={{"HOME": "/h"}})
except Exception as error:
    print(type(error).__name__, error.exit_code, error, error.hint)
"""
    command = [sys.executable, "-c", script]
    if os.getuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", *command]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    expected = f"can't be read: permission denied; expected a file that user {os.getuid()} may read"
    assert said == f"ConfigError 2 {file}: {expected} None"


# What stops nothing.


@pytest.mark.parametrize(
    ("section", "warnings"),
    [
        ("upload_dirs = yes\nexclude = .\n/data/x\n", []),
        ("upload_single_dir = no\nexclude = .\n", []),
        ("upload_single_dir = yes\nexclude =\n", []),
        (
            "upload_single_dir = yes\nexclude = .\n",
            [
                "x.conf:5: [~/d] exclude: has no effect with upload_single_dir: it chooses among what upload_dirs and "
                "upload_files find, and leaves nothing out of a directory that is sent as one archive; "
                "exclude_patterns does"
            ],
        ),
        ("upload_single_dir = yes\nexclude_patterns = *.tmp\nexclude_regex = x\n", []),
        (
            "upload_dirs = yes\nexclude_regex =\n  a*\n  ^b\n",
            ["x.conf:5: [~/d] exclude_regex: 'a*' is found in every path: everything is left out"],
        ),
        (
            "upload_dirs = yes\nexclude = a/b\n  /data/x\n  c\n  *.tmp\n",
            [
                "x.conf:5: [~/d] exclude: 'a/b' begins no name, for it has a / in it; "
                "to leave out a full path begin with /",
                "x.conf:5: [~/d] exclude: '*.tmp' is compared as it stands: * and ? have no special meaning",
            ],
        ),
    ],
)
def test_what_hardly_anybody_means_is_a_warning(desk: Desk, section: str, warnings: list[str]) -> None:
    text = f"{MAIN}[~/d]\n{section}".replace("\n/", "\n  /")
    found = desk.load(text).warnings
    assert [warning.replace(f"{desk.here}/", "") for warning in found] == warnings


def test_an_exclude_that_is_inherited_is_nobodys_mistake(desk: Desk) -> None:
    text = f"[DEFAULT]\nexclude = .\n{MAIN}[/a]\nupload_single_dir = yes\n"
    assert desk.load(text).warnings == ()


def test_a_file_that_names_nothing_to_back_up_is_a_warning_unless_paths_are_given(desk: Desk) -> None:
    warning = f"{desk.file}: has no section that names something to back up; expected one such as [/home/me]"
    assert desk.load(MAIN).warnings == (warning,)
    assert desk.load(MAIN, paths=["/data"]).warnings == ()
    assert desk.load(MAIN, needs_sections=False).warnings == ()


def test_a_variable_that_looks_like_ours_and_is_none_is_a_warning(desk: Desk) -> None:
    environ = {"GLACIER_BACKUP_VAULT": "x", "GLACIER_BACKUP_EXCLUDE": "y", "GLACIER": "z"}
    assert desk.load(MAIN + "[/data]\n", environ=environ).warnings == (
        "environment GLACIER_BACKUP_EXCLUDE: is no option and has no effect",
        "environment GLACIER_BACKUP_VAULT: is no option and has no effect; did you mean GLACIER_BACKUP_VAULT_NAME?",
    )


def test_a_vault_in_the_environment_that_the_file_outvotes_is_a_warning(desk: Desk) -> None:
    text = "[main]\ndestination = /mnt\n[/data]\n"
    (warning,) = desk.load(text, environ={"GLACIER_BACKUP_VAULT_NAME": "v"}).warnings
    assert warning == (
        f"environment GLACIER_BACKUP_VAULT_NAME: has no effect, for {desk.file}:2 sets another destination"
    )
