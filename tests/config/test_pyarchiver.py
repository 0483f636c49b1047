"""Coming from pyArchiver: its ini file, or its database, as an INI file."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glacier_backup.config.pyarchiver import PyArchiver, read_pyarchiver
from glacier_backup.config.pyarchiver_exclude import as_exclude_regex
from glacier_backup.config.pyarchiver_file import is_pyarchivers
from glacier_backup.config.pyarchiver_ini import became, password_files, render
from glacier_backup.config.settings import Settings
from glacier_backup.errors import ConfigError, UsageError
from glacier_backup.exclusion import Exclusion
from glacier_backup.units import MIB
from tests.config.conftest import Desk
from tests.config.pyarchiver_files import LOCAL, SERVER, ini, write_archive


def read(folder: Path, text: str) -> PyArchiver:
    file = folder / "photos.ini"
    file.write_text(text, encoding="utf-8")
    return read_pyarchiver(str(file))


def written(desk: Desk, text: str) -> Settings:
    """What the INI file says that is made of it."""
    archiver = read(desk.here, text)
    for path, password in password_files(archiver, desk.file).items():
        Path(path).write_text(password)
        Path(path).chmod(0o600)
    return desk.load(render(archiver, desk.file))


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return [str(one).replace(f"{folder}/", "") for one in caught.value.problems]


def test_a_directory_here_is_the_destination(desk: Desk) -> None:
    settings = written(desk, ini())
    (section,), (destination,) = settings.sections, settings.destinations
    assert (section.path, section.is_tree, section.upload_if_changed) == ("/srv/photos", True, True)
    assert (section.symlinks, section.keep_versions, section.exclude_regex) == ("follow", True, ())
    assert section.pack_size == 512 * MIB
    assert (str(destination), settings.seal.seal) == ("/mnt/disk", ())
    assert settings.warnings == ()


def test_a_server_is_the_destination_and_what_was_ciphered_is_encrypted(desk: Desk) -> None:
    settings = written(desk, ini(SERVER))
    (destination,) = settings.destinations
    assert str(destination) == "sftp://me@nas.example:2222/backup"
    assert destination.server is not None
    assert destination.server.ssh_password_file == f"{desk.file}.ssh_password"
    assert settings.seal.seal == ("zstd", "age")
    assert settings.seal.password_file == f"{desk.file}.password"
    assert (destination.cold, settings.warnings) == (False, ())


def test_an_archive_gateway_is_cold(desk: Desk) -> None:
    gateway = ini(SERVER, Sftp_host="gateways.storage.sbg.cloud.ovh.net", Sftp_user="pca", Sftp_dir="photos")
    (destination,) = written(desk, gateway).destinations
    assert destination.cold
    assert destination.directory == "photos"


def test_passwords_go_into_files_of_their_own_and_nowhere_else(tmp_path: Path) -> None:
    archiver = read(tmp_path, ini(SERVER))
    assert password_files(archiver, "/x.ini") == {
        "/x.ini.ssh_password": "ssh secret",
        "/x.ini.password": "tar secret",
    }
    assert "secret" not in render(archiver, "/x.ini")
    assert "secret" not in repr(archiver)
    assert "secret" not in repr(list(became(archiver, "/x.ini")))
    assert password_files(read(tmp_path, ini()), "/x.ini") == {}


def test_it_is_told_what_became_of_each_key(tmp_path: Path) -> None:
    told = dict(became(read(tmp_path, ini(SERVER, Archive_extra="x", Archive_exclude=r"^tmp/")), "/x.ini"))
    assert told["[Archive] directory"] == "the section [/srv/photos]"
    assert told["[Archive] exclude"] == "exclude_regex = ^tmp/"
    assert told["[Archive] extra"] == "nothing: pyArchiver has no such key"
    assert told["[Tar] size_tar"] == "pack_size = 512 MiB"
    assert told["[Tar] ciphered"] == "seal = zstd, age"
    assert told["[Tar] password"] == "password_file = /x.ini.password"
    assert told["[Sftp] host"] == "destination = sftp://me@nas.example:2222/backup"
    assert told["[Sftp] password"] == "ssh_password_file = /x.ini.ssh_password"
    assert told["[Local] dir"] == "nothing: archives go to sftp://me@nas.example:2222/backup"
    assert len(told) == sum(map(len, SERVER.values())) + 1


# How it reads values.


@pytest.mark.parametrize(
    ("value", "password"),
    [("5%%", "5%"), ("5% off", "5% off"), ("%(ciphered)s!", "yes!"), ("%(nothing)s", "%(nothing)s"), ('"q"', '"q"')],
)
def test_a_per_cent_sign_means_what_pyarchiver_takes_it_for(tmp_path: Path, value: str, password: str) -> None:
    assert read(tmp_path, ini(SERVER, Tar_password=value)).password == password


def test_quotes_and_doubled_slashes_are_no_part_of_a_directory(tmp_path: Path) -> None:
    archiver = read(tmp_path, ini(Archive_directory='"/srv//photos/"', Local_dir='"/mnt//disk"'))
    assert (archiver.directory, archiver.destination) == ("/srv/photos", "/mnt/disk")


def test_what_is_not_set_is_as_pyarchiver_has_it(tmp_path: Path) -> None:
    text = "[Archive]\ndirectory = /srv\n[Repository]\ntype = sftp\n[Sftp]\nhost = h\nuser = u\npassword = p\n"
    archiver = read(tmp_path, text)
    assert (archiver.destination, archiver.password, archiver.excluded) == ("sftp://u@h:22/", None, "")


@pytest.mark.parametrize("directory", ["/srv/a b", "/srv/$5", "/srv/${x}", "/srv/ä]", "/srv/a=b", "/srv/it's"])
def test_odd_paths_are_read_back_as_they_were(desk: Desk, directory: str) -> None:
    settings = written(desk, ini(Archive_directory=f'"{directory}"', Local_dir=f'"{directory}/disk"'))
    assert settings.sections[0].path == directory
    assert str(settings.destinations[0]) == f"{directory}/disk"


# What is left out.


@pytest.mark.parametrize("regex", [r"^tmp/", r"(?i)\.BAK$", r"\.(?!jpg$)[^.]+$", r"${x}|a#b", r'"', r"^(?!keep/)"])
def test_what_was_left_out_is_left_out(desk: Desk, regex: str) -> None:
    (section,) = written(desk, ini(Archive_exclude=regex)).sections
    (found,) = section.exclude_regex
    assert found == as_exclude_regex(regex)[0]


pieces = st.sampled_from(
    [*"abx./$^|", "a*", ".*", r"\Z", r"\b", "(?=a)", "(?!b)", "(?!b/)", "(?<=a)", "(?<!a)", "[^/]", "[^.]+$", "(a|b)"]
)
paths = st.lists(st.sampled_from(["a", "b", "ab", "x.a", "a.b"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(pieces, min_size=1, max_size=5).map("".join), st.lists(paths, min_size=1, max_size=20))
@example(r"\.(?!a$)[^.]+$", ["x.a/x.b", "x.a/x.a"])
@example("a$|^b", ["x/a", "a/x", "b/x"])
def test_files_are_left_out_as_pyarchiver_does(regex: str, files: list[str]) -> None:
    """Which searches in the paths of files; and no directory is entered that is left out."""
    try:
        re.compile(regex)
    except re.error:
        return
    left_out = Exclusion((), (as_exclude_regex(regex)[0],)).compiled()
    assert left_out is not None
    for file in files:
        names = file.split("/")
        above = ["/".join(names[:count]) for count in range(1, len(names))]
        found = any(left_out(one, True) for one in above) or left_out(file, False) is not None
        assert found == (re.search(regex, file) is not None)


def test_what_cannot_be_told_for_sure_is_told(tmp_path: Path) -> None:
    archiver = read(tmp_path, ini(Archive_exclude=r"(?x)a$ # b"))
    assert archiver.excluded == r"(?x)a$ # b"
    assert any("whole directories" in note for note in archiver.notes)


# What is wrong.


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Archive_directory": "photos"}, "photos.ini:7: [Archive] directory: found 'photos' (it is seen from where"),
        ({"Archive_directory": ""}, "photos.ini:7: [Archive] directory: found nothing; expected an absolute path"),
        ({"Archive_exclude": "("}, "photos.ini:9: [Archive] exclude: found '(' ('(' is no regular expression"),
        ({"Archive_exclude": "a\n  b"}, "photos.ini:9: [Archive] exclude: found 'a\\nb' (it has a line break"),
        ({"Archive_name": "a\n [b]\n c"}, "photos.ini:8: [Archive] name: found 'a\\n[b]\\nc' (it has a line break"),
        ({"Tar_ciphered": "True"}, "photos.ini:13: [Tar] ciphered: found 'True'; expected yes or no"),
        ({"Tar_ciphered": "yes"}, "photos.ini:14: [Tar] password: found nothing; expected a password, in one line"),
        ({"Repository_type": "ftp"}, "photos.ini:17: [Repository] type: found 'ftp'; expected local or sftp"),
        ({"Local_dir": ""}, "photos.ini:20: [Local] dir: found nothing; expected an absolute path"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    (problem,) = problems(tmp_path, ini(LOCAL, **changed))
    assert problem.startswith(said)


def test_all_that_is_wrong_with_a_server_is_told_at_once(tmp_path: Path) -> None:
    text = ini(SERVER, Sftp_host="nas/x", Sftp_port="70000", Sftp_user="", Sftp_password="a\n b", Tar_password="c\n d")
    found = problems(tmp_path, text)
    assert [re.findall(r"\[\w+\] (\w+): ", one)[0] for one in found] == ["password", "host", "port", "user", "password"]
    assert "isn't shown" in found[0]
    assert "isn't shown" in found[4]


def test_a_line_that_is_no_ini_is_not_shown(tmp_path: Path) -> None:
    assert problems(tmp_path, ini(SERVER) + "secret that broke loose\n") == [
        "photos.ini:28: found a line that isn't shown; expected key = value"
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.ini can't be read: No such file or directory"):
        read_pyarchiver(str(tmp_path / "x.ini"))


# The database.


@pytest.mark.parametrize("version", [None, 1, 2])
def test_a_database_is_as_good_as_the_ini_file(tmp_path: Path, version: int | None) -> None:
    text = ini(SERVER)
    file = write_archive(tmp_path / "photos.archive", text, version=version, password="tar secret")
    from_ini, from_database = read(tmp_path, text), read_pyarchiver(str(file))
    of_database = render(from_database, "/x").replace("photos.archive", "photos.ini", 1)
    assert f"catalog import {file} -c /x" in of_database
    of_database = of_database.replace(f"import {file}", "import photos.archive")
    # Where the lines of comments end depends on the length of the path.
    assert of_database.replace("#", "").split() == render(from_ini, "/x").replace("#", "").split()
    assert password_files(from_database, "/x") == password_files(from_ini, "/x")


def test_the_password_may_be_in_the_database_alone(tmp_path: Path) -> None:
    file = write_archive(tmp_path / "photos.archive", ini(SERVER, Tar_password=""), password="kept apart")
    assert read_pyarchiver(str(file)).password == "kept apart"


def test_a_database_is_only_read(tmp_path: Path) -> None:
    file = write_archive(tmp_path / "pho#tos?.archive", ini(SERVER))
    before = file.read_bytes()
    read_pyarchiver(str(file))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("text", "version", "said"),
    [
        (None, None, "holds no settings"),
        (None, 2, "holds no settings"),
        ("[Archive]", 3, "is of version 3, and 1 and 2"),
    ],
)
def test_a_database_without_settings_is_told(tmp_path: Path, text: str | None, version: int | None, said: str) -> None:
    file = write_archive(tmp_path / "photos.archive", text, version=version)
    with pytest.raises(UsageError, match=said) as caught:
        read_pyarchiver(str(file))
    assert caught.value.hint == "give the ini file instead"


def test_what_a_database_only_pretends_to_hold_is_not_asked_for(tmp_path: Path) -> None:
    """As here, that may take for ever."""
    file = write_archive(tmp_path / "photos.archive", None)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS ini FROM n WHERE i < 0"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"CREATE VIEW Config AS {endless}")
    with pytest.raises(UsageError, match="holds no settings"):
        read_pyarchiver(str(file))


def test_a_broken_database_is_told(tmp_path: Path) -> None:
    file = write_archive(tmp_path / "photos.archive", ini())
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(UsageError, match="can't be read"):
        read_pyarchiver(str(file))


def test_problems_of_a_database_name_no_line(tmp_path: Path) -> None:
    file = write_archive(tmp_path / "photos.archive", ini(Archive_directory="photos"))
    with pytest.raises(ConfigError, match=r"photos\.archive: \[Archive\] directory: found 'photos'"):
        read_pyarchiver(str(file))


def test_its_files_are_told_from_others(tmp_path: Path) -> None:
    others = {"empty": "", ".env": "HETZNER_HOST=x\n", "mine": "[main]\ndestination = /x\n"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        assert not is_pyarchivers(str(tmp_path / name))
    (tmp_path / "its").write_text(ini())
    assert is_pyarchivers(str(tmp_path / "its"))
    assert is_pyarchivers(str(write_archive(tmp_path / "x.archive", ini())))
    assert not is_pyarchivers(str(tmp_path / "missing"))
