"""The options that put small files together by their prefixes."""

from __future__ import annotations

import pytest

from glacier_backup.cli.wiring import selections
from glacier_backup.config.show import rows
from glacier_backup.model.filters import Prefixing
from glacier_backup.units import GIB, KIB, MIB
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = s3://my-bucket/backup\n"
TREE = "upload_tree = yes\n"
SMALL = "group_files_smaller_than = 1 MiB\n"


def prefixings(desk: Desk, text: str) -> list[Prefixing | None]:
    settings = desk.load(text)
    assert settings.warnings == ()
    return [None if one.tree is None else one.tree.prefixing for one in selections(settings)]


def test_a_section_groups_as_main_does_unless_it_says_otherwise(desk: Desk) -> None:
    main = f"{MAIN}{SMALL}group_max = 8 MiB\n"
    text = f"{main}[/a]\n{TREE}[/b]\n{TREE}group_files_smaller_than = 10 k\ngroup_names = root\ngroup_max = none\n"
    assert prefixings(desk, f"{text}[/c]\n{TREE}group_files_smaller_than = none\n[/d]\nupload_files = yes\n") == [
        Prefixing(MIB, "prefix", 8 * MIB),
        Prefixing(10_000, "root", None),
        None,
        None,
    ]


def test_small_files_are_sent_by_themselves_unless_it_is_said_otherwise(desk: Desk) -> None:
    assert prefixings(desk, f"{MAIN}[/a]\n{TREE}") == [None]
    assert prefixings(desk, f"{MAIN}[/a]\n{TREE}{SMALL}") == [Prefixing(MIB, "prefix", GIB)]


def test_filters_may_say_what_is_small(desk: Desk) -> None:
    assert prefixings(desk, f"{MAIN}{SMALL}[/a]\n{TREE}filters = group 2 KiB\n") == [Prefixing(2 * KIB, "prefix", GIB)]


def test_what_is_in_force_can_be_shown(desk: Desk) -> None:
    shown = {
        (row.section, row.option): row.value
        for row in rows(desk.load(f"{MAIN}{SMALL}[/a]\n{TREE}group_max = none\ngroup_names = ROOT\n"))
    }
    assert [shown["main", name] for name in ("group_files_smaller_than", "group_names", "group_max")] == [
        "1 MiB",
        "prefix",
        "1 GiB",
    ]
    assert (shown["/a", "group_max"], shown["/a", "group_names"]) == ("none", "root")


@pytest.mark.parametrize("where", ["main", "section", "both in main"])
def test_packs_and_groups_don_t_go_together(desk: Desk, where: str) -> None:
    pack = "pack_size = 2 MiB\n"
    text, line, title, other = {
        "main": (f"{MAIN}{pack}[/a]\n{TREE}{SMALL}", 6, "/a", "x.conf:3"),
        "section": (f"{MAIN}{SMALL}[/a]\n{TREE}{pack}", 3, "main", "x.conf:6"),
        "both in main": (f"{MAIN}{SMALL}{pack}[/a]\n{TREE}[/b]\n{TREE}", 3, "main", "x.conf:4"),
    }[where]

    (problem,) = desk.problems(text)
    assert problem == (
        f"x.conf:{line}: [{title}] group_files_smaller_than: found pack_size too ({other}); expected one of them, and "
        "the other none in this section"
    )
    assert desk.load(text.replace("2 MiB", "none")).sections


@pytest.mark.parametrize(
    ("most", "of"),
    [("group_max = 4095 KiB\n", "x.conf:6: [/a] group_max: found a group_max of 4.0 MiB"), ("", "")],
)
def test_a_group_has_room_for_four_of_the_largest_files(desk: Desk, most: str, of: str) -> None:
    small = SMALL if most else "group_files_smaller_than = 300 MiB\n"
    (problem,) = desk.problems(f"{MAIN}[/a]\n{TREE}{small}{most}")
    assert problem.startswith(of)
    assert "expected four times that at least" in problem
    assert desk.load(f"{MAIN}[/a]\n{TREE}{small}group_max = none\n").sections
    assert desk.load(f"{MAIN}[/a]\n{TREE}{SMALL}group_max = 4 MiB\n").sections


@pytest.mark.parametrize(("text", "found"), [("0", "found '0' (it is 0 bytes)"), ("much", "found 'much'")])
def test_small_is_a_size(desk: Desk, text: str, found: str) -> None:
    (problem,) = desk.problems(f"{MAIN}[/a]\n{TREE}group_files_smaller_than = {text}\n")
    assert problem.endswith(f"{found}; expected a size from 1 byte to 1 TiB, or none")


def test_what_has_no_effect_is_warned_of(desk: Desk) -> None:
    (warning,) = desk.load(f"{MAIN}[/a]\nupload_files = yes\n{SMALL}").warnings
    assert warning.endswith("group_files_smaller_than: has no effect without upload_tree")
    (warning,) = desk.load(f"{MAIN}{SMALL}[/a]\nupload_files = yes\n").warnings
    assert warning.endswith("group_files_smaller_than: has no effect without a section that has upload_tree")
    (warning,) = desk.load(f"{MAIN}[/a]\n{TREE}group_max = 8 MiB\n").warnings
    assert warning.endswith("x.conf:5: [/a] group_max: has no effect without group_files_smaller_than")
    (warning,) = desk.load(f"{MAIN}[/a]\n{TREE}{SMALL}keep_versions = no\n").warnings
    assert "x.conf:6: [/a] keep_versions: has no effect on files that are put together in ZIPs" in warning
