"""The options of whole trees."""

from __future__ import annotations

import socket

import pytest

from glacier_backup.config.schema import BY_NAME
from glacier_backup.config.show import Row, rows
from glacier_backup.units import MIB
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = s3://my-bucket/backup\n"
TREE = "upload_tree = yes\n"
RELATIVE = f"{TREE}keys = relative\n"


def test_a_tree_is_compared_unless_it_is_said_otherwise(desk: Desk) -> None:
    text = f"{MAIN}[/a]\n{TREE}[/b]\n{TREE}upload_if_changed = no\n[/c]\nupload_dirs = yes\n"
    assert [section.upload_if_changed for section in desk.load(text).sections] == [True, False, False]
    of_all = desk.load(f"[DEFAULT]\nupload_if_changed = no\n{TREE}{MAIN}[/a]\n")
    assert not of_all.sections[0].upload_if_changed
    assert Row("/a", "upload_if_changed", "yes", "default") in rows(desk.load(text))


def test_the_options_of_trees_may_stand_in_default(desk: Desk) -> None:
    default = f"[DEFAULT]\n{TREE}symlinks = skip\nkeep_versions = no\nexclude_paths = tmp\n"
    settings = desk.load(f"{default}{MAIN}[/a]\n[/b]\nupload_tree = no\n")
    one, other = settings.sections
    assert (one.upload_tree, one.symlinks, one.keep_versions, one.exclude_paths) == (True, "skip", False, ("tmp",))
    assert not other.is_tree
    assert settings.warnings == ()


def test_a_whole_directory_as_one_archive_wins_and_is_warned_of(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[/a]\n{TREE}upload_single_dir = yes\n")
    assert not settings.sections[0].is_tree
    assert not settings.sections[0].upload_if_changed
    (warning,) = settings.warnings
    assert warning.endswith(
        "x.conf:4: [/a] upload_tree: has no effect with upload_single_dir, which sends the directory as one archive"
    )


def test_what_is_inherited_and_overridden_is_no_mistake(desk: Desk) -> None:
    assert desk.load(f"[DEFAULT]\n{TREE}{MAIN}[/a]\nupload_single_dir = yes\n").warnings == ()


def test_an_option_of_trees_without_one_is_warned_of(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[/a]\nupload_dirs = yes\nexclude_paths = tmp\nkeep_versions = no\n")
    assert [warning.partition("x.conf")[2] for warning in settings.warnings] == [
        ":5: [/a] exclude_paths: has no effect without upload_tree",
        ":6: [/a] keep_versions: has no effect without upload_tree",
    ]


def test_what_leaves_nothing_out_is_warned_of(desk: Desk) -> None:
    here = f"[/a]\n{TREE}exclude_paths =\n  /a/tmp\n  /ab\n  *.bak\n  /a\n"
    text = f"{MAIN}{here}[sftp://h/b]\n{TREE}exclude_paths = /a/x\n"
    said = [warning.partition("exclude_paths: ")[2] for warning in desk.load(text).warnings]
    assert said == [
        "'/ab' leaves nothing out, for it doesn't lie in /a",
        "'*.bak' is compared as it stands: * and ? have no special meaning",
        "'/a/x' leaves nothing out, for it doesn't lie in /b",
    ]


def test_home_may_stand_in_excluded_paths(desk: Desk) -> None:
    (section,) = desk.load(f"{MAIN}[~]\n{TREE}exclude_paths =\n  ~/a, b\n  c~\n").sections
    assert section.exclude_paths == (f"{desk.home}/a, b", "c~")


@pytest.mark.parametrize(
    ("option", "text", "problem"),
    [
        ("keys", "path", "found 'path'; expected host or relative"),
        ("symlinks", "yes", "found 'yes'; expected store, follow or skip"),
        ("exclude_paths", "a/../b", "found 'a/../b' ('a/../b' has .. in it); expected paths, one a line, "),
        ("exclude_paths", "a\nsftp://h/x", "found 'a\\nsftp://h/x' ('sftp://h/x' is no path); expected paths, "),
    ],
)
def test_other_values_are_problems(option: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        BY_NAME[option].read(text)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("text", ["size, mtime", "size,mtime,hash", "Hash", "mtime size", "hash\n  mtime\n  size"])
def test_what_is_compared_may_be_written_as_any_list(desk: Desk, text: str) -> None:
    settings = desk.load(f"{MAIN}[/a]\n{TREE}compare = {text}\n")
    (row,) = (row for row in rows(settings) if row.option == "compare")
    assert set(row.value.split(", ")) == set(text.lower().replace(",", " ").split())
    assert row.value == settings.sections[0].compare
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("size", "what is edited may keep its size; its time tells"),
        ("mtime", "the size costs nothing, and is compared with the time"),
        ("size, hash", "hash alone compares the size, too"),
        ("mtime, hash", "the size costs nothing, and is compared first"),
        ("size, ctime", "'ctime' is none of size, mtime, hash"),
        ("size, mtime, size", "size stands there twice"),
    ],
)
def test_what_is_no_way_to_compare_is_a_problem_with_its_reason(desk: Desk, text: str, why: str) -> None:
    (problem,) = desk.problems(f"{MAIN}[/a]\n{TREE}compare = {text}\n")
    forms = "`size, mtime`, or `size, mtime, hash`, or `hash`"
    assert problem == f"x.conf:5: [/a] compare: found '{text}' ({why}); expected {forms}"


def test_to_compare_what_is_never_compared_is_warned_of(desk: Desk) -> None:
    (warning,) = desk.load(f"{MAIN}[/a]\nupload_dirs = yes\ncompare = hash\n").warnings
    assert warning.endswith("x.conf:5: [/a] compare: has no effect without upload_tree")
    (warning,) = desk.load(f"{MAIN}[/a]\n{TREE}upload_if_changed = no\ncompare = hash\n").warnings
    assert "x.conf:6: [/a] compare: has no effect with upload_if_changed = no" in warning
    assert desk.load(f"[DEFAULT]\ncompare = hash\n{MAIN}[/a]\nupload_dirs = yes\n").warnings == ()


def test_a_path_on_the_command_line_is_no_tree(desk: Desk) -> None:
    (section,) = desk.load(f"{MAIN}[/a]\n{TREE}", paths=["/a"]).sections
    assert (section.upload_single_dir, section.upload_tree, section.upload_if_changed) == (True, False, True)


# Two trees whose keys can be the same.


def test_two_relative_trees_at_one_place_are_one_problem_that_says_what_to_do(desk: Desk) -> None:
    (problem,) = desk.problems(f"{MAIN}[/a]\n{RELATIVE}[/b]\n{RELATIVE}")
    assert problem == (
        "x.conf:6: [/b]: its files can have the same keys at s3://my-bucket/backup as those of [/a] (line 3); "
        "give one of them a prefix of its own: a section [destination NAME] with destination = "
        "s3://my-bucket/backup/NAME or the like, and destination = NAME below the path"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"[/a]\n{RELATIVE}", f"[/b]\n{TREE}"),
        (f"[/a]\n{TREE}", f"[/a/b]\n{RELATIVE}"),
        (f"[sftp://me@h:23/a]\n{TREE}", f"[sftp://you@h:23/a]\n{TREE}"),
        (f"[sftp://me@h:23/a]\n{TREE}", f"[sftp://me@h:24/a/b]\n{TREE}"),
        (f"[/a]\n{TREE}", f"[sftp://me@nas/a]\n{TREE}"),
    ],
)
def test_trees_that_can_have_the_same_keys_are_a_problem(
    desk: Desk, one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "nas")
    (problem,) = desk.problems(f"{MAIN}{one}{other}")
    assert "have the same keys" in problem


@pytest.mark.parametrize(
    "sections",
    [
        f"[/a]\n{TREE}[/a/b]\n{TREE}[/c]\n{TREE}",
        f"[/a]\n{RELATIVE}[/b]\nupload_dirs = yes\n[/c]\nkeys = relative\n",
        f"[/a]\n{TREE}[sftp://h/a]\n{TREE}",
        f"[sftp://me@h/a]\n{TREE}[sftp://you@h/b]\n{TREE}",
        f"[/a]\n{RELATIVE}[/b]\n{RELATIVE}upload_single_dir = yes\n",
        f"[/a]\n{RELATIVE}[/b]\n{RELATIVE}destination = s3://my-bucket/b\n",
        f"[/a]\n{RELATIVE}[/b]\n{RELATIVE}destination = s3://my-bucket/backups\n",
        f"[/a]\n{RELATIVE}destination = /disk/a\n[/b]\n{RELATIVE}destination = sftp://h/disk/a\n",
        f"[/a]\n{TREE}destination = s3://my-bucket, s3://my-bucket/backup\n",
    ],
)
def test_trees_that_have_different_keys_are_fine(desk: Desk, sections: str) -> None:
    assert len(desk.load(MAIN + sections.replace("my-bucket, s3", "my-bucket\n  s3")).sections)


def test_a_prefix_below_anothers_can_be_the_same_place(desk: Desk) -> None:
    text = f"{MAIN}[/a]\n{RELATIVE}destination = s3://my-bucket/backup/a\n[/b]\n{RELATIVE}"
    (problem,) = desk.problems(text)
    assert "s3://my-bucket/backup/a and s3://my-bucket/backup" in problem
    home = f"{MAIN}[/a]\n{RELATIVE}destination = sftp://h\n[/b]\n{RELATIVE}destination = sftp://h/~/b\n"
    assert len(desk.problems(home)) == 1
    (problem,) = desk.problems(f"{MAIN}[/a]\n{RELATIVE}destination =\n  s3://my-bucket/backup/a\n  s3://my-bucket\n")
    assert "one of them lies in the other" in problem


def test_a_vault_has_no_keys_that_could_be_the_same(desk: Desk) -> None:
    text = f"{MAIN}[/a]\n{RELATIVE}[/b]\n{RELATIVE}"
    assert desk.load(text, overrides={"vault_name": "photos"}).destinations[0].kind == "glacier"


def test_ten_thousand_trees_take_no_time(desk: Desk) -> None:
    text = MAIN + "".join(f"[/a/{number}]\n{TREE}" for number in range(10_000))
    assert len(desk.load(text).sections) == 10_000


def test_a_section_packs_as_main_does_unless_it_says_otherwise(desk: Desk) -> None:
    text = f"{MAIN}pack_size = 512 MiB\n[/a]\n{TREE}[/b]\n{TREE}pack_size = 1 MiB\n[/c]\n{TREE}pack_size = none\n"
    settings = desk.load(text)
    assert [section.pack_size for section in settings.sections] == [512 * MIB, MIB, None]
    assert settings.warnings == ()
    assert [row.value for row in rows(settings) if row.option == "pack_size"] == ["512 MiB", "512 MiB", "1 MiB", "none"]
    in_default = desk.load(f"[DEFAULT]\n{TREE}pack_size = 3 MiB\n{MAIN}[/a]\n")
    assert (in_default.pack_size, in_default.sections[0].pack_size) == (3 * MIB, 3 * MIB)
    from_outside = desk.load(f"{MAIN}[/a]\n{TREE}", environ={"GLACIER_BACKUP_PACK_SIZE": "2 GiB"})
    assert from_outside.sections[0].pack_size == 2048 * MIB


@pytest.mark.parametrize(
    ("text", "found"),
    [("1023 KiB", "found '1023 KiB' (it is 1,047,552 bytes)"), ("2 TiB", "found '2 TiB'"), ("much", "found 'much'")],
)
def test_a_pack_has_a_size_that_makes_sense(desk: Desk, text: str, found: str) -> None:
    (problem,) = desk.problems(f"{MAIN}[/a]\n{TREE}pack_size = {text}\n")
    assert problem == f"x.conf:5: [/a] pack_size: {found}; expected a size from 1 MiB to 1 TiB, or none"


def test_packs_of_what_is_no_tree_are_warned_of(desk: Desk) -> None:
    idle = "has no effect without upload_tree"
    (warning,) = desk.load(f"{MAIN}[/a]\nupload_dirs = yes\npack_size = 5 MiB\n").warnings
    assert warning.endswith(f"x.conf:5: [/a] pack_size: {idle}")
    (warning,) = desk.load(f"{MAIN}pack_size = 5 MiB\n[/a]\nupload_dirs = yes\n").warnings
    assert warning.endswith("x.conf:3: [main] pack_size: has no effect without a section that has upload_tree")
    assert desk.load(f"{MAIN}pack_size = none\n[/a]\nupload_dirs = yes\n").warnings == ()
    assert desk.load(f"{MAIN}pack_size = 5 MiB\n[/a]\n{TREE}", paths=["/a/b"]).warnings == ()


def test_what_packs_keep_all_the_same_is_warned_of(desk: Desk) -> None:
    text = f"{MAIN}pack_size = 5 MiB\n[/a]\n{TREE}keep_versions = no\n[/b]\n{TREE}"
    (warning,) = desk.load(text).warnings
    assert "x.conf:6: [/a] keep_versions: has no effect on files that pack_size sends together" in warning
    assert desk.load(text.replace("5 MiB", "none")).warnings == ()
