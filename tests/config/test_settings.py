"""Settings, and paths in place of the sections."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.settings import DestinationSettings, SectionSettings, ServerSettings, Settings

PLAIN = Settings(
    config_folder="/c",
    destinations=(DestinationSettings(kind="local", directory="/v"),),
    default_destinations=("main",),
    catalog="/k",
)


def with_sections(*sections: SectionSettings) -> Settings:
    return PLAIN.model_copy(update={"sections": sections})


def test_each_path_is_sent_as_itself_and_compared() -> None:
    (section,) = PLAIN.for_paths(["/data"]).sections
    assert section.path == "/data"
    assert (section.upload_single_dir, section.upload_dirs, section.upload_files) == (True, False, False)
    assert section.upload_if_changed


def test_a_path_that_is_also_a_section_keeps_its_other_options() -> None:
    settings = with_sections(
        SectionSettings(path="/a", upload_dirs=True, upload_files=True, exclude=(".",)), SectionSettings(path="/b")
    )
    (section,) = settings.for_paths(["/a/"]).sections
    assert section.exclude == (".",)
    assert (section.upload_single_dir, section.upload_dirs, section.upload_files) == (True, False, False)


def test_the_order_is_that_of_the_paths_and_each_counts_once() -> None:
    paths = ["/b", "/a", "/b/", "/a//", "/c/../a"]
    assert [section.path for section in PLAIN.for_paths(paths).sections] == ["/b", "/a"]


def test_a_path_on_a_server_is_sent_as_itself_and_logs_in_as_main_says() -> None:
    settings = PLAIN.model_copy(update={"login": ServerSettings(host="", ssh_key="/k", connections=2)})
    (section,) = settings.for_paths(["sftp://me@HOST/photos/", "sftp://me@host:22/photos"]).sections
    assert (section.path, section.upload_single_dir) == ("sftp://me@host:22/photos", True)
    assert section.server == ServerSettings(host="host", user="me", ssh_key="/k", connections=2)


def test_destinations_that_nothing_goes_to_any_more_are_left_out() -> None:
    other, third = (DestinationSettings(name=name, kind="local", directory=f"/{name}") for name in ("o", "t"))
    settings = with_sections(
        SectionSettings(path="/a", destinations=("o",)), SectionSettings(path="/b", destinations=("t", "main"))
    ).model_copy(update={"destinations": (*PLAIN.destinations, other, third)})
    assert [one.name for one in settings.for_paths(["/b"]).destinations] == ["main", "t"]
    assert settings.for_paths(["/c"]).destinations == PLAIN.destinations
    assert settings.destination("o") == other


def test_no_paths_leave_nothing() -> None:
    assert with_sections(SectionSettings(path="/a")).for_paths([]).sections == ()


def test_the_settings_themselves_stay_as_they_are() -> None:
    settings = with_sections(SectionSettings(path="/a", upload_dirs=True))
    others = settings.for_paths(["/a"])
    assert settings.sections[0].upload_dirs
    assert others.configured == settings.sections
    assert others.model_copy(update={"sections": settings.sections, "configured": (), "ad_hoc": False}) == settings


def test_the_tree_around_a_path_is_the_innermost_one() -> None:
    around, tree, dump = (
        SectionSettings(path="/a", upload_tree=True),
        SectionSettings(path="/a/b", upload_tree=True),
        SectionSettings(path="/a/dump.sql"),
    )
    archives = SectionSettings(path="/a/b/c", upload_dirs=True)
    settings = with_sections(around, tree, archives, dump).for_paths(["/a/x", "/a/b/c/y", "/a/b", "/a/dump.sql", "/ab"])
    assert [settings.tree_around(section.path) for section in settings.sections] == [around, tree, None, None, None]
    assert settings.in_force == (*settings.sections, around, tree)
    assert settings.seal_of("/a/b/z") == tree.seal


def test_destinations_of_the_tree_around_are_there() -> None:
    other = DestinationSettings(name="o", kind="local", directory="/o")
    settings = with_sections(SectionSettings(path="/a", upload_tree=True, destinations=("o",))).model_copy(
        update={"destinations": (*PLAIN.destinations, other)}
    )
    assert [one.name for one in settings.for_paths(["/a/x"]).destinations] == ["main", "o"]
    assert [one.name for one in settings.for_paths(["/b/x"]).destinations] == ["main"]


def test_a_path_on_a_server_logs_in_as_the_section_around_it() -> None:
    server = ServerSettings(host="host", user="me", ssh_key="/k")
    settings = with_sections(SectionSettings(path="sftp://me@host:22/photos", server=server, upload_tree=True))
    assert settings.for_paths(["sftp://me@host/photos/a.jpg"]).sections[0].server == server
    assert settings.for_paths(["sftp://me@host/other"]).sections[0].server == ServerSettings(host="host", user="me")


def test_the_password_of_the_tree_around_stays_secret() -> None:
    trees = SectionSettings(
        path="/a", upload_tree=True, seal=SealSettings(seal=("openssl",), password=SecretStr("hush"))
    )
    inside = SectionSettings(path="/a/b", upload_dirs=True)
    assert with_sections(trees, inside).for_paths(["/a/b/x"]).secrets == {"hush"}


@pytest.mark.parametrize("path", ["", "a", "./a", "~/a", "s3://bucket/a", "sftp://host", "sftp://host/~/a"])
def test_a_path_that_is_not_absolute_is_turned_away(path: str) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        PLAIN.for_paths(["/data", path])


@given(st.lists(st.text("/.ab\udcff", max_size=6).map(lambda text: "/" + text)))
def test_paths_given_twice_are_the_same_as_given_once(paths: list[str]) -> None:
    once = PLAIN.for_paths(paths)
    assert PLAIN.for_paths([*paths, *paths]) == once
    assert once.for_paths([section.path for section in once.sections]) == once


def test_bytes_that_are_not_utf_8_may_stand_in_paths() -> None:
    settings = PLAIN.for_paths(["/m/bj\udcf6rk"])
    assert settings.sections[0].path == "/m/bj\udcf6rk"
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"concurrency": 65},
        {"destinations": [{"kind": "local", "bandwidth_limit": 16_383}]},
        {"destinations": [{"kind": "tape"}]},
        {"nonsense": 1},
        {"catalog": None},
    ],
)
def test_settings_that_cannot_be_are_turned_away(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        Settings.model_validate({**PLAIN.model_dump(), **wrong})
