"""Several destinations, and what each of them has from where."""

from __future__ import annotations

import os

import pytest

from glacier_backup.config.settings import DestinationSettings, ServerSettings, Settings
from tests.config.conftest import Desk

SEVERAL = """\
[DEFAULT]
profile = backup
[main]
destination = cold, nas
vault_name = photos
region = eu-central-1
storage_class = GLACIER
ssh_key = ~/.ssh/main
bandwidth_limit = 2 MiB
[destination cold]
destination = s3://my-bucket/backup/
region = eu-west-1
bandwidth_limit = none
[destination nas]
destination = sftp://Me@NAS:23/~/backup
ssh_password_file = /etc/password
cold = yes
[destination old]
destination = glacier
account_id = 123456789012
[destination older]
vault_name = letters
[/data]
[/letters]
destination =
    old
    /mnt/disk/letters
    older, cold
"""


def named(settings: Settings) -> list[tuple[str, str]]:
    return [(one.name, str(one)) for one in settings.destinations]


def without_folder(desk: Desk, texts: tuple[str, ...]) -> list[str]:
    return [text.replace(f"{desk.here}/", "") for text in texts]


def test_the_default_ones_come_first_and_each_is_there_once(desk: Desk) -> None:
    settings = desk.load(SEVERAL)
    assert settings.default_destinations == ("cold", "nas")
    assert named(settings) == [
        ("cold", "s3://my-bucket/backup"),
        ("nas", "sftp://Me@nas:23/~/backup"),
        ("old", "vault photos"),
        ("/mnt/disk/letters", "/mnt/disk/letters"),
        ("older", "vault letters"),
    ]
    assert [section.destinations for section in settings.sections] == [
        (),
        ("old", "/mnt/disk/letters", "older", "cold"),
    ]
    assert settings.warnings == ()


def test_a_destination_has_from_main_what_it_does_not_set(desk: Desk) -> None:
    cold, nas, old, disk, older = desk.load(SEVERAL).destinations
    assert (cold.bucket, cold.directory, cold.storage_class) == ("my-bucket", "backup", "GLACIER")
    assert (cold.region, cold.profile, cold.bandwidth_limit, cold.vault_name) == ("eu-west-1", "backup", None, None)
    assert (nas.directory, nas.cold, nas.bandwidth_limit, nas.region) == ("backup", True, 2 << 20, None)
    assert nas.server == ServerSettings(
        host="nas", port=23, user="Me", ssh_key=f"{desk.home}/.ssh/main", ssh_password_file="/etc/password"
    )
    assert (old.vault_name, old.account_id, old.region) == ("photos", "123456789012", "eu-central-1")
    assert (older.vault_name, older.account_id, older.kind) == ("letters", "-", "glacier")
    assert (disk.kind, disk.directory, disk.bandwidth_limit) == ("local", "/mnt/disk/letters", 2 << 20)


def test_each_option_says_where_it_comes_from(desk: Desk) -> None:
    origins = {one.name: dict(one.origins) for one in desk.load(SEVERAL).destinations}
    lines = {name: {option: origin.split(":")[-1] for option, origin in of.items()} for name, of in origins.items()}
    assert lines["cold"] == {
        "destination": "11",
        "region": "12",
        "profile": "2",
        "storage_class": "7",
        "bandwidth_limit": "13",
    }
    assert lines["/mnt/disk/letters"] == {"destination": "25", "bandwidth_limit": "9"}
    assert lines["older"]["destination"] == lines["older"]["vault_name"] == "22"


@pytest.mark.parametrize(
    ("main", "names"),
    [
        ("vault_name = photos", ["main"]),
        ("destination = /mnt", ["main"]),
        ("destination = nas", ["nas"]),
        ("destination = /mnt, nas", ["/mnt, nas"]),
        ("destination = nas, /mnt", ["nas", "/mnt"]),
        ("destination = local, s3://a-bucket", None),
        ("vault_name = v\ndestination = glacier, local, nas", ["glacier", "local", "nas"]),
    ],
)
def test_what_main_describes_alone_is_called_main_and_else_each_has_the_name_in_the_list(
    desk: Desk, main: str, names: list[str] | None
) -> None:
    text = f"[main]\n{main}\n[destination nas]\ndestination = sftp://nas\n[/data]\n"
    if names is None:
        (problem,) = desk.problems(text)
        assert "(a URL has a line of its own)" in problem
    elif names == ["/mnt, nas"]:
        (problem,) = desk.problems(text)
        assert "/mnt, nas is one destination, commas and all; expected one a line" in problem
    else:
        assert list(desk.load(text).default_destinations) == names


def test_one_that_main_describes_is_the_same_in_a_section(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = /mnt\n[/data]\ndestination = local, /mnt/\n")
    assert settings.sections[0].destinations == ("local", "main")
    assert [one.name for one in settings.destinations] == ["main", "local"]


def test_main_need_name_none_where_each_section_does(desk: Desk) -> None:
    text = "[/a]\ndestination = /x\n[/b]\ndestination = /y, z\n[/c]\ndestination = /y\n"
    settings = desk.load(text)
    assert settings.default_destinations == ("/x", "/y, z", "/y")
    neither = "x.conf: [main]: names neither vault_name nor destination; expected one of them"
    assert desk.problems(text + "[/d]\n") == [neither]
    assert desk.problems(text, paths=["/d"]) == [neither]
    assert desk.load(text, paths=["/b"]).sections[0].destinations == ("/y, z",)
    on_server = "[sftp://h/a]\ndestination = /x\n"
    assert desk.load(on_server, paths=["sftp://H/a/"]).sections[0].destinations == ("/x",)


def test_paths_go_only_where_they_are_sent(desk: Desk) -> None:
    assert [one.name for one in desk.load(SEVERAL, paths=["/else"]).destinations] == ["cold", "nas"]
    settings = desk.load(SEVERAL, paths=["/letters"])
    assert settings.sections[0].destinations == ("old", "/mnt/disk/letters", "older", "cold")
    assert len(settings.destinations) == 5


# From outside.


def test_a_vault_on_the_command_line_is_meant_for_every_section(desk: Desk) -> None:
    settings = desk.load(SEVERAL, overrides={"vault_name": "other"})
    assert named(settings) == [("main", "vault other")]
    assert settings.destinations[0].region == "eu-central-1"
    assert [section.destinations for section in settings.sections] == [(), ()]
    assert settings.warnings == ()


def test_a_vault_on_the_command_line_is_reached_as_its_section_says(desk: Desk) -> None:
    text = SEVERAL + "[destination far]\nvault_name = attic\nregion = ap-south-1\n"
    settings = desk.load(text, overrides={"vault_name": "attic", "account_id": "2" * 12})
    (far,) = settings.destinations
    assert (far.name, far.vault_name, far.region, far.account_id) == ("far", "attic", "ap-south-1", "2" * 12)


def test_the_command_line_beats_sections_and_the_environment_only_main(desk: Desk) -> None:
    limits = [one.bandwidth_limit for one in desk.load(SEVERAL, overrides={"bandwidth_limit": "1 MiB"}).destinations]
    assert limits == [1 << 20] * 5
    environ = {"GLACIER_BACKUP_BANDWIDTH_LIMIT": "1 MiB"}
    assert [one.bandwidth_limit for one in desk.load(SEVERAL, environ=environ).destinations] == [None, *[1 << 20] * 4]


@pytest.mark.parametrize("text", ["older, nas", "older\nnas"])
def test_a_list_may_come_from_outside(desk: Desk, text: str) -> None:
    settings = desk.load(SEVERAL, environ={"GLACIER_BACKUP_DESTINATION": text})
    assert settings.default_destinations == ("older", "nas")
    assert settings.sections[1].destinations == ("old", "/mnt/disk/letters", "older", "cold")
    settings = desk.load(SEVERAL, overrides={"destination": text})
    assert settings.default_destinations == ("older", "nas")
    assert [section.destinations for section in settings.sections] == [(), ()]
    assert [one.name for one in settings.destinations] == ["older", "nas"]


def test_a_home_folder_is_understood_in_each_item(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = ~/a\n  local, ~/b\n[/data]\n")
    assert settings.default_destinations == (f"{desk.home}/a", "local", f"{desk.home}/b")


# Of a bucket.


@pytest.mark.parametrize(
    ("main", "own", "in_force"),
    [
        ("", "", (None, None)),
        ("", "kms_key_id = k", ("aws:kms", "k")),
        ("kms_key_id = k", "", ("aws:kms", "k")),
        ("kms_key_id = k", "sse = aws:kms:dsse", ("aws:kms:dsse", "k")),
        ("kms_key_id = k", "sse = AES256", ("AES256", None)),
        ("sse = AES256", "kms_key_id = k", ("aws:kms", "k")),
        ("sse = aws:kms:dsse", "kms_key_id = k", ("aws:kms:dsse", "k")),
    ],
)
def test_a_key_means_encryption_with_it(desk: Desk, main: str, own: str, in_force: tuple[str | None, ...]) -> None:
    text = f"[main]\ndestination = b\n{main}\n[destination b]\ndestination = s3://bucket\n{own}\n[/data]\n"
    (bucket,) = desk.load(text).destinations
    assert (bucket.sse, bucket.kms_key_id) == in_force


def test_every_option_of_a_bucket_arrives(desk: Desk) -> None:
    text = """\
[main]
destination = s3://bucket
storage_class = STANDARD_IA
hot_below = 1 MiB
sse = aws:kms
kms_key_id = alias/x
tags = a=b
    c=d
expected_bucket_owner = 123456789012
endpoint_url = http://127.0.0.1:9000
[/data]
"""
    (bucket,) = desk.load(text).destinations
    assert bucket.model_dump(include={"storage_class", "hot_below", "sse", "kms_key_id", "tags"}) == {
        "storage_class": "STANDARD_IA",
        "hot_below": 1 << 20,
        "sse": "aws:kms",
        "kms_key_id": "alias/x",
        "tags": (("a", "b"), ("c", "d")),
    }
    assert (bucket.expected_bucket_owner, bucket.endpoint_url) == ("123456789012", "http://127.0.0.1:9000")


# Servers.


def test_every_option_of_a_server_arrives(desk: Desk) -> None:
    text = f"""\
[main]
destination = sftp://h
ssh_key = ~/key
ssh_password = {"'$${pass'"}
known_hosts = ${{here}}/hosts
host_key = SHA256:{"a" * 43}
connections = 9
cold = yes
[/data]
"""
    (one,) = desk.load(text).destinations
    assert one.server is not None
    assert (one.server.ssh_key, one.server.known_hosts) == (f"{desk.home}/key", f"{desk.here}/hosts")
    assert (one.server.host_key, one.server.connections) == (f"SHA256:{'a' * 43}", 9)
    assert one.server.ssh_password is not None
    assert one.server.ssh_password.get_secret_value() == "${pass"
    assert (one.cold, one.directory) == (True, ".")


def test_a_section_on_a_server_logs_in_as_it_says_and_else_as_main_says(desk: Desk) -> None:
    text = """\
[DEFAULT]
upload_files = yes
connections = 2
[main]
destination = /mnt
ssh_key = /main/key
ssh_password_file = /main/password
[sftp://Me@Host:23/photos/]
ssh_password = ${env:PASSWORD}
exclude = .
[sftp://host//music/./x]
destination =
    /mnt
    local
"""
    photos, music = desk.load(text, environ={"PASSWORD": "hunter2"}).sections
    assert (photos.path, photos.upload_files, photos.exclude) == ("sftp://Me@host:23/photos", True, (".",))
    assert photos.server is not None
    assert photos.server.ssh_password is not None
    assert photos.server.ssh_password.get_secret_value() == "hunter2"
    assert photos.server.model_dump(exclude={"ssh_password"}) == {
        "host": "host",
        "port": 23,
        "user": "Me",
        "ssh_key": "/main/key",
        "ssh_password_file": None,
        "known_hosts": None,
        "host_key": None,
        "connections": 2,
    }
    assert (music.path, music.upload_files) == ("sftp://host:22/music/x", True)
    assert music.server == ServerSettings(
        host="host", ssh_key="/main/key", ssh_password_file="/main/password", connections=2
    )


def test_paths_may_be_on_a_server(desk: Desk) -> None:
    text = "[main]\ndestination = /mnt\nssh_key = /k\n[sftp://host/photos]\nssh_key = /own\nexclude = x\n"
    photos, other = desk.load(text, paths=["sftp://HOST:22/photos/", "sftp://me@host/other"]).sections
    assert (photos.path, photos.exclude, photos.upload_single_dir) == ("sftp://host:22/photos", ("x",), True)
    assert photos.server == ServerSettings(host="host", ssh_key="/own")
    assert other.path == "sftp://me@host:22/other"
    assert other.server == ServerSettings(host="host", user="me", ssh_key="/k")


def test_a_reference_may_lead_to_a_destination_or_a_server(desk: Desk) -> None:
    text = """\
[main]
destination = ${destination nas:destination}/main
[destination  nas]
destination = sftp://h:23/d
ssh_key = ${destination nas:ssh_password_file}.key
ssh_password_file = /p
[sftp://h/photos]
destination = nas
exclude = x
[/data]
exclude = ${sftp://h:22/photos/:exclude}
"""
    settings = desk.load(text)
    assert named(settings) == [("main", "sftp://h:23/d/main"), ("nas", "sftp://h:23/d")]
    assert settings.destination("nas").server == ServerSettings(
        host="h", port=23, ssh_key="/p.key", ssh_password_file="/p"
    )
    assert settings.sections[1].exclude == ("x",)


def test_a_password_of_any_bytes_arrives(desk: Desk) -> None:
    settings = desk.load(b"[main]\ndestination = sftp://h\nssh_password = ' \xff%'\n[/data]\n")
    server = settings.destinations[0].server
    assert server is not None
    assert server.ssh_password is not None
    assert server.ssh_password.get_secret_value() == " \udcff%"


# What is wrong.

KINDS = "glacier, local, /a/directory, file:///a/directory, s3://bucket/prefix or sftp://user@host:port/directory"
A_NAME = "expected [destination NAME], and for NAME some of the characters A-Z a-z 0-9 _ . -"
NO_VAULT = "found glacier without vault_name; expected both, or vault_name alone"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "destination = nsa\n[destination nas]\ndestination = /mnt",
            ["x.conf:2: [main] destination: found 'nsa', and there is no [destination nsa]; did you mean nas?"],
        ),
        (
            "destination = Glacier",
            [
                "x.conf:2: [main] destination: found 'Glacier', and there is no [destination Glacier]; "
                "did you mean glacier?"
            ],
        ),
        (
            "vault_name = v\n[/data]\ndestination = glacier, nas",
            [
                "x.conf:4: [/data] destination: found 'nas', and there is no [destination nas]; "
                f"expected {KINDS}, or the name of a section [destination NAME]; of several one a line"
            ],
        ),
        ("destination = /mnt\n[/data]\ndestination = glacier", [f"x.conf:4: [/data] destination: {NO_VAULT}"]),
        (
            "destination = /mnt\n[destination v]\ndestination = glacier",
            [f"x.conf:4: [destination v] destination: {NO_VAULT}"],
        ),
        (
            "destination = /mnt\n[destination nas]\nregion = x",
            ["x.conf:3: [destination nas]: names neither vault_name nor destination; expected one of them"],
        ),
        (
            "destination = nas\n[destination nas]\ndestination = other",
            [f"x.conf:4: [destination nas] destination: found 'other'; expected exactly one of {KINDS}"],
        ),
        (
            "destination = nas\n[destination nas]\ndestination = /a\n  /b",
            [
                "x.conf:4: [destination nas] destination: found '/a\\n/b' "
                f"(an indented line continues the one above it); expected exactly one of {KINDS}"
            ],
        ),
        (
            "destination = nas\n[destination nas]\ndestination = sftp://me:hunter2@nas/x",
            [
                "x.conf:4: [destination nas] destination: found 'sftp://me:…@nas/x' (a URL is no place for a password: "
                f"put it into a file, and name that in ssh_password_file); expected exactly one of {KINDS}"
            ],
        ),
        ("destination = /a\n[destination]", [f"x.conf:3: [destination]: found [destination]; {A_NAME}"]),
        ("destination = /a\n[destination a b]", [f"x.conf:3: [destination a b]: found [destination a b]; {A_NAME}"]),
        ("destination = /a\n[Destination: a]", [f"x.conf:3: [Destination: a]: found [Destination: a]; {A_NAME}"]),
        ("destination = /a\n[destinatoin a]", [f"x.conf:3: [destinatoin a]: found [destinatoin a]; {A_NAME}"]),
        (
            "destination = /a\n[destination Main]",
            [
                "x.conf:3: [destination Main]: found [destination Main], and Main has a meaning of its own; "
                "expected another name"
            ],
        ),
        (
            "destination = a\n[destination a]\ndestination = /a\n[destination  a]\ndestination = /b",
            ["x.conf:5: [destination  a]: is the same section as [destination a] in line 3"],
        ),
        (
            "destination = a\n[destination a]\ndestination = /a\nlimit = 3",
            ["x.conf:5: [destination a] limit: belongs in [main], not in [destination NAME]"],
        ),
        (
            "destination = a\n[destination a]\ndestination = /a\nupload_dirs = yes",
            [
                "x.conf:5: [destination a] upload_dirs: belongs in a section that is named by a path, "
                "not in [destination NAME]"
            ],
        ),
        (
            "destination = /a\n[/data]\nstorage_class = GLACIER",
            [
                "x.conf:4: [/data] storage_class: belongs in [main] or [destination NAME], "
                "not in a section that is named by a path"
            ],
        ),
        (
            "destination = /a\n[/data]\nssh_key = /k",
            [
                "x.conf:4: [/data] ssh_key: belongs in [main], [destination NAME] or a section that is named by "
                "sftp://user@host:port/path, not in a section that is named by a path"
            ],
        ),
        (
            "destination = /a\n[sftp://h/x]\ncold = yes",
            [
                "x.conf:4: [sftp://h/x] cold: belongs in [main] or [destination NAME], "
                "not in a section that is named by sftp://user@host:port/path"
            ],
        ),
        (
            "destination = /a\n[sftp://me:hunter2@h/x]\nupload_dirs = maybe",
            [
                "x.conf:3: [sftp://me:…@h/x]: found [sftp://me:…@h/x] (a URL is no place for a password: put it into a "
                "file, and name that in ssh_password_file); expected sftp://user@host:port/path"
            ],
        ),
        (
            "destination = /a\n[sftp://h]",
            [
                "x.conf:3: [sftp://h]: found [sftp://h] (it has no absolute path on the server); "
                "expected sftp://user@host:port/path"
            ],
        ),
        (
            "destination = /a\n[s3://bucket/x]",
            [
                "x.conf:3: [s3://bucket/x]: found [s3://bucket/x]; expected [main], [destination NAME], "
                "an absolute path (~ and ${here} may stand in it), sftp://… or zfs:pool/dataset"
            ],
        ),
        (
            "destination = /a\n[sftp://h/x]\n[sftp://H:22/x/]",
            ["x.conf:4: [sftp://H:22/x/]: is the same section as [sftp://h/x] in line 3"],
        ),
        (
            "destination = s3://bucket\nsse = AES256\nkms_key_id = k",
            [
                "x.conf:4: [main] kms_key_id: has no place beside sse = AES256; "
                "expected aws:kms or aws:kms:dsse there, or no key"
            ],
        ),
        (
            "destination = /a\n[sftp://h/x]\nssh_password = hunter2\nssh_password_file = /p",
            ["x.conf:5: [sftp://h/x] ssh_password_file: found ssh_password too; expected one of them"],
        ),
        (
            "destination = a, b\n[destination a]\ndestination = /mnt\n[destination b]\ndestination = /mnt/",
            ["x.conf:2: [main] destination: found a and b, which are one place; expected each place once"],
        ),
        (
            "vault_name = v\n[/data]\ndestination = a\n    glacier\n[destination a]\ndestination = glacier",
            ["x.conf:4: [/data] destination: found a and main, which are one place; expected each place once"],
        ),
    ],
)
def test_bad_input_gets(desk: Desk, text: str, problems: list[str]) -> None:
    assert desk.problems(f"[main]\n{text}\n") == problems


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("s3://bucket/x", "found 's3://bucket/x'; expected a path, or sftp://user@host:port/path"),
        (
            "sftp://me:hunter2@h/x",
            "found 'sftp://me:…@h/x' (a URL is no place for a password: put it into a file, and name that in "
            "ssh_password_file); expected sftp://user@host:port/path",
        ),
    ],
)
def test_a_path_that_is_no_path_is_told(desk: Desk, path: str, problem: str) -> None:
    assert desk.problems(paths=[path]) == [f"command line --path: {problem}"]


def test_problems_with_lists_stand_in_the_order_of_the_file(desk: Desk) -> None:
    text = "[/a]\ndestination = x\nupload_dirs = maybe\n[main]\ndestination = y\nlimit = z\n"
    assert [problem.split(": ")[0] for problem in desk.problems(text)] == [f"x.conf:{line}" for line in (2, 3, 5, 6)]


@pytest.mark.parametrize(
    "text",
    [
        "[main]\nssh_password hunter2\n",
        "ssh_password = hunter2\n[main]\n",
        "[main]\nssh_password = hunter2\n    upload_dirs = yes\n",
        "[main]\nssh_password = hunter2${\n",
        "[main]\nssh_password = ${hunter2\n",
        "[main]\nssh_password = x${hunter2}y\n",
        "[main]\nssh_password =\n    hunter2\n    hunter2\n",
        "[main]\ndestination = sftp://me:hunter2@h\n",
        "[main]\ndestination = sftp://me:x/hunter2@h\n",
        "[main]\ndestination = /a\n    sftp://me:hunter2 hunter2@h\n",
        "[main]\nendpoint_url = ftp://me:hunter2@h\n",
        "[main]\nendpoint_url = https://me:hunter2@h\n",
        "[sftp://me:hunter2@h/x]\nzzz = 1\n",
        "[sftp://me:hunter2@h/x]\n[sftp://me:hunter2@h/x]\n",
        "[sftp://${env:USER}:hunter2@h/x]\n",
        "sftp://me:hunter2@h/x\n",
    ],
)
def test_no_message_shows_a_password(desk: Desk, text: str) -> None:
    problems = desk.problems(text, environ={"USER": "me", "GLACIER_BACKUP_DESTINATION": "sftp://me:hunter2@"})
    assert "hunter2" not in "".join(problems)


# What stops nothing.


def test_a_destination_that_is_named_nowhere_is_a_warning(desk: Desk) -> None:
    text = "[main]\ndestination = /a\n[destination x]\ndestination = /b\n[/data]\n"
    warning = "x.conf:3: [destination x]: is named nowhere, so nothing is sent there"
    assert without_folder(desk, desk.load(text).warnings) == [warning]
    assert desk.load(text, environ={"GLACIER_BACKUP_DESTINATION": "x"}).warnings == ()


def test_an_option_that_means_nothing_to_its_kind_is_a_warning_unless_inherited(desk: Desk) -> None:
    text = """\
[main]
destination = nas, disk
storage_class = GLACIER
vault_name = v
[destination nas]
destination = sftp://h
storage_class = GLACIER
[destination disk]
destination = /mnt
vault_name = v
[/data]
"""
    assert without_folder(desk, desk.load(text).warnings) == [
        "x.conf:7: [destination nas] storage_class: has no effect: a server has no such thing",
        "x.conf:10: [destination disk] vault_name: has no effect: a directory has no such thing",
    ]


def test_a_class_that_amazon_does_not_have_is_a_warning_where_amazon_is_meant(desk: Desk) -> None:
    text = "[main]\ndestination = s3://bucket\nstorage_class = DEEP_ARCHVE\n[/data]\n"
    assert without_folder(desk, desk.load(text).warnings) == [
        "x.conf:3: DEEP_ARCHVE is no storage class of Amazon's; did you mean DEEP_ARCHIVE?"
    ]
    assert desk.load(text.replace("[/", "endpoint_url = https://s3.example\n[/")).warnings == ()


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o604, True), (0o600, False)])
def test_a_password_in_a_file_that_others_may_read_is_a_warning(desk: Desk, mode: int, warned: bool) -> None:
    os.chmod(desk.write(""), mode)
    text = "[main]\ndestination = sftp://h\nssh_password = hunter2\n[sftp://h/x]\nssh_password = hunter2\n"
    expected = f"stands in a file that others may read; chmod 600 {desk.file}, or use ssh_password_file"
    warnings = [
        f"{desk.file}:3: [main] ssh_password: {expected}",
        f"{desk.file}:5: [sftp://h/x] ssh_password: {expected}",
    ]
    assert list(desk.load(text).warnings) == (warnings if warned else [])


def test_a_password_from_the_environment_is_nobodys_mistake(desk: Desk) -> None:
    text = "[main]\ndestination = sftp://h\nssh_password = ${env:PASSWORD}\n[/x]\n"
    assert desk.load(text, environ={"PASSWORD": "hunter2"}).warnings == ()


def test_a_vault_in_the_environment_that_a_destination_has_is_no_warning(desk: Desk) -> None:
    text = "[main]\ndestination = v\n[destination v]\ndestination = glacier\n[/data]\n"
    settings = desk.load(text, environ={"GLACIER_BACKUP_VAULT_NAME": "letters"})
    assert (named(settings), settings.warnings) == ([("v", "vault letters")], ())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (DestinationSettings(kind="glacier", vault_name="photos"), "vault photos"),
        (DestinationSettings(kind="s3", bucket="b"), "s3://b"),
        (DestinationSettings(kind="s3", bucket="b", directory="x/y"), "s3://b/x/y"),
        (DestinationSettings(kind="local", directory="/mnt"), "/mnt"),
        (DestinationSettings(kind="sftp", server=ServerSettings(host="h"), directory="/d"), "sftp://h:22/d"),
        (DestinationSettings(kind="sftp", server=ServerSettings(host="h"), directory="d"), "sftp://h:22/~/d"),
        (
            DestinationSettings(kind="sftp", server=ServerSettings(host="::1", user="a@b"), directory="."),
            "sftp://a%40b@[::1]:22/~",
        ),
    ],
)
def test_a_destination_is_called_as_a_person_would(settings: DestinationSettings, text: str) -> None:
    assert str(settings) == text


def _copied_to(desk: Desk, text: str) -> list[str]:
    return [f"{one.name}: {one}" for one in desk.load(f"{text}[/a]\n").copied_to]


@pytest.mark.parametrize(
    ("main", "to"),
    [
        ("destination = /mnt", ["main: /mnt"]),
        ("destination = s3://bucket/x", ["main: s3://bucket/x"]),
        ("destination = /mnt\ncatalog_copy = no", []),
        ("destination = /mnt\ncatalog_copy = Yes", ["main: /mnt"]),
        ("destination = local", []),
        ("destination = sftp://h/d\ncold = yes", []),
        ("vault_name = v", []),
        ("vault_name = v\ncatalog_copy = /disk", ["/disk: /disk"]),
        ("vault_name = v\ncatalog_copy = ~/copies", ["{home}/copies: {home}/copies"]),
        ("destination = local\ncatalog_copy = local", ["main: {home}/.local/share/glacier_backup/vault"]),
        ("destination = /mnt\ncatalog_copy = /mnt", ["main: /mnt"]),
        ("destination = /mnt\ncatalog_copy = nas\n[destination nas]\ndestination = s3://b-1", ["nas: s3://b-1"]),
        ("destination = /mnt, s3://bucket\ncatalog_copy = s3://other", ["s3://other: s3://other"]),
    ],
)
def test_copies_of_the_catalog_go_where_they_can_be_read_or_to_the_place_that_is_named(
    desk: Desk, main: str, to: list[str]
) -> None:
    if ", s3" in main:
        main = main.replace(", ", "\n  ")
    assert _copied_to(desk, f"[main]\n{main}\n") == [one.replace("{home}", str(desk.home)) for one in to]


def test_archives_are_not_sent_where_only_copies_of_the_catalog_go(desk: Desk) -> None:
    settings = desk.load("[main]\nvault_name = v\ncatalog_copy = nas\n[destination nas]\ndestination = /nas\n[/a]\n")

    assert [one.name for one in settings.destinations] == ["main"]
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("glacier", "a vault is no place for copies"),
        ("cellar", "found cellar, and a vault is no place for copies"),
        ("elsewhere", "there is no [destination elsewhere]"),
        ("ftp://h/d", "ftp:// is none of the kinds there are"),
        ("/mnt\n  nas", "which are one place"),
    ],
)
def test_what_is_no_place_for_copies_is_said(desk: Desk, value: str, said: str) -> None:
    sections = "[destination cellar]\nvault_name = w\n[destination nas]\ndestination = /mnt\n"
    (problem,) = desk.problems(f"[main]\ndestination = /x\ncatalog_copy = {value}\n{sections}[/a]\n")

    assert problem.startswith("x.conf:3: [main] catalog_copy: ")
    assert said in problem
