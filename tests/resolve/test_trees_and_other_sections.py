"""A whole tree with other sections in it: nothing is sent by two of them, and nothing falls between two."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path

import pytest

from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import BrokenSection, NoUploadOption, Unreadable
from glacier_backup.plan.select import select
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Symlinks, TreeRules, divided
from tests.permissions import with_mode
from tests.resolve.trees import as_ordinary_user, write

KINDS: dict[str, dict[str, object]] = {
    "nothing": {},
    "single_dir": {"single_dir": True},
    "dirs": {"dirs": True},
    "files": {"files": True},
    "both": {"dirs": True, "files": True},
    "tree": {"tree": TreeRules()},
    "tree following": {"tree": TreeRules(symlinks="follow")},
    "tree as one": {"tree": TreeRules(), "single_dir": True},
    "files but x": {"files": True, "exclude": ("x",)},
}


def section(path: Path, kind: str = "nothing", **more: object) -> Selection:
    return Selection(str(path), **(KINDS[kind] | more))  # type: ignore[arg-type]  # any option


def run(*sections: Selection) -> list[Resolved]:
    source = LocalSource()
    return list(select(divided(sections), source.resolve))


def sent(*sections: Selection) -> dict[str, tuple[str, str]]:
    """Kind and section of each candidate by its path; each has to come once."""
    found = [one for one in run(*sections) if isinstance(one, Candidate)]
    assert [path for path, count in Counter(one.path for one in found).items() if count > 1] == []
    return {one.path: (one.kind, one.section) for one in found}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Files at three depths, and links to each kind of thing on the second."""
    data = tmp_path / "data"
    for name in ("a", "mail/b", "mail/x", "mail/old/c", "mail/old/deep/d", "mail/zoo/e", "zoo/f"):
        write(data / name)
    (data / "mail" / "l-broken").symlink_to("nowhere")
    (data / "mail" / "l-dir").symlink_to("../zoo")
    (data / "mail" / "l-file").symlink_to("b")
    return data


FILES = ("a", "mail/b", "mail/x", "mail/old/c", "mail/old/deep/d", "mail/zoo/e", "zoo/f")
LINKS = ("mail/l-broken", "mail/l-dir", "mail/l-file")


@pytest.mark.parametrize(("inner", "innermost"), list(itertools.product(KINDS, KINDS)))
def test_what_is_named_by_itself_stays_the_trees_if_it_is(data: Path, inner: str, innermost: str) -> None:
    sections = [section(data, "tree"), section(data / "mail", inner), section(data / "mail" / "old", innermost)]
    trees = {one.path: one for one in divided(sections) if one.is_tree}
    for path, (kind, owner) in sent(*sections).items():
        if path != owner:
            around = trees[max((one for one in trees if path.startswith(f"{one}/")), key=len)]
            expected = {path: (kind, owner if owner in trees else path)}
            assert sent(Selection(path, single_dir=True, within=around)) == expected


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("inner", "innermost"), list(itertools.product(KINDS, KINDS)))
def test_each_file_and_link_is_sent_once_whatever_lies_inside(
    data: Path, inner: str, innermost: str, order: int
) -> None:
    sections = [section(data, "tree"), section(data / "mail", inner), section(data / "mail" / "old", innermost)]
    found = sent(*sections[::order])
    for name in FILES:
        assert f"{data}/{name}" in found, name
    for name in LINKS:
        by_tree = inner == "tree following"
        assert f"{data}/{name}" in found or by_tree, name
    for path, (_, owner) in found.items():
        assert path == owner or path.startswith(f"{owner}/")


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("nothing", {}),
        ("single_dir", {"mail": "directory"}),
        ("dirs", {"mail/old": "directory", "mail/zoo": "directory", "mail/l-dir": "directory"}),
        ("files", {"mail/b": "file", "mail/x": "file", "mail/l-file": "file"}),
        ("files but x", {"mail/b": "file", "mail/l-file": "file"}),
        (
            "tree",
            {
                "mail/b": "file",
                "mail/x": "file",
                "mail/old/c": "file",
                "mail/old/deep/d": "file",
                "mail/zoo/e": "file",
                "mail/l-broken": "link",
                "mail/l-dir": "link",
                "mail/l-file": "link",
            },
        ),
        (
            "tree following",
            {
                "mail/b": "file",
                "mail/x": "file",
                "mail/old/c": "file",
                "mail/old/deep/d": "file",
                "mail/zoo/e": "file",
                "mail/l-dir/f": "file",
                "mail/l-file": "file",
            },
        ),
        ("tree as one", {"mail": "directory"}),
    ],
)
def test_the_tree_has_all_that_the_other_section_does_not_send_itself(
    data: Path, kind: str, own: dict[str, str]
) -> None:
    found = sent(section(data, "tree"), section(data / "mail", kind))
    assert {path: what for path, (what, owner) in found.items() if owner == f"{data}/mail"} == {
        f"{data}/{name}": what for name, what in own.items()
    }
    the_trees = {path for path, (_, owner) in found.items() if owner == str(data)}
    whole = kind.startswith("tree") and kind != "tree as one"
    expected = {f"{data}/{name}" for name in (*FILES, *LINKS) if name not in own and not (whole and "mail" in name)}
    assert the_trees == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_with_a_section_of_its_own_belongs_to_that(data: Path, kind: str) -> None:
    found = sent(section(data, "tree"), section(data / "mail" / "b", kind))
    assert found[f"{data}/mail/b"] == ("file", f"{data}/mail/b")
    assert len(found) == len(FILES) + len(LINKS)


@pytest.mark.parametrize("symlinks", ["store", "follow", "skip"])
@pytest.mark.parametrize(
    ("name", "kind", "own"),
    [
        ("l-file", "nothing", "file"),
        ("l-file", "files", "file"),
        ("l-dir", "single_dir", "directory"),
        ("l-dir", "tree", None),
        ("l-dir", "files", None),
        ("l-dir", "nothing", None),
        ("l-broken", "files", None),
    ],
)
def test_a_link_with_a_section_of_its_own_is_its_candidate_or_stays_the_trees(
    data: Path, name: str, kind: str, own: str | None, symlinks: Symlinks
) -> None:
    path = data / "mail" / name
    found = sent(section(data, tree=TreeRules(symlinks=symlinks)), section(path, kind))
    if own is not None:
        assert found[str(path)] == (own, str(path))
    elif kind == "tree":
        assert found[f"{path}/f"] == ("file", str(path))
        assert str(path) not in found
    elif symlinks == "store":
        assert found[str(path)] == ("link", str(data))
    elif symlinks == "follow" and name == "l-dir":
        assert found[f"{path}/f"] == ("file", str(path) if kind == "files" else str(data))


def test_a_section_that_is_a_broken_link_is_said_and_the_link_sent(data: Path) -> None:
    path = data / "mail" / "l-broken"
    for sections in itertools.permutations((section(data, "tree"), section(path, "files"))):
        found = run(*sections)
        assert PassedOver(str(path), str(path), BrokenSection("nowhere")) in found
        assert [one.kind for one in found if isinstance(one, Candidate) and one.path == str(path)] == ["link"]


@pytest.mark.parametrize("kind", ["tree", "dirs", "both", "single_dir"])
def test_a_directory_with_a_tree_is_no_archive_of_the_section_above(data: Path, kind: str) -> None:
    for sections in itertools.permutations((section(data, kind), section(data / "mail", "tree"))):
        found = sent(*sections)
        assert found[f"{data}/mail/old/c"] == ("file", f"{data}/mail")
        assert f"{data}/mail" not in found
        if kind == "single_dir":
            assert found[str(data)] == ("directory", str(data))


def test_what_one_tree_excludes_another_one_in_it_sends(data: Path) -> None:
    outer = section(data, "tree", exclude=("mail",))
    found = sent(outer, section(data / "mail" / "old", "tree"), section(data / "mail" / "zoo", "files"))
    assert set(found) == {f"{data}/{name}" for name in ("a", "zoo/f", "mail/old/c", "mail/old/deep/d", "mail/zoo/e")}
    assert not any(isinstance(one, PassedOver) and one.path != f"{data}/mail" for one in run(outer))


def test_what_another_section_excludes_the_tree_sends(data: Path) -> None:
    found = sent(section(data, "tree"), section(data / "mail", "files but x"))
    assert found[f"{data}/mail/x"] == ("file", str(data))
    assert found[f"{data}/mail/b"] == ("file", f"{data}/mail")


def test_a_section_whose_name_only_begins_alike_has_nothing_to_do_with_it(data: Path, tmp_path: Path) -> None:
    write(tmp_path / "data-old" / "g")
    found = sent(section(data, "tree"), section(tmp_path / "data-old", "tree"))
    assert found[f"{tmp_path}/data-old/g"] == ("file", f"{tmp_path}/data-old")
    assert len(found) == len(FILES) + len(LINKS) + 1


def test_sections_on_servers_are_others_than_those_of_the_same_path_here() -> None:
    here = Selection("/data", tree=TreeRules())
    there = Selection("sftp://me@box:22/data", tree=TreeRules())
    root, below = Selection("sftp://me@box:22/", tree=TreeRules()), Selection("sftp://me@box:22/data/x", files=True)
    known = {one.path: one.tree.elsewhere for one in divided([here, there, root, below]) if one.tree}
    assert known == {"/data": (), "sftp://me@box:22/data": (below,), "sftp://me@box:22/": (there, below)}


def test_a_section_at_the_root_knows_all_others(tmp_path: Path) -> None:
    root, other = divided([Selection("/", tree=TreeRules()), Selection(str(tmp_path), files=True)])
    assert root.tree == TreeRules(elsewhere=(other,))


UNREADABLE = """
import sys
from glacier_backup.plan.select import select
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules, divided
tree, inside = Selection(sys.argv[1], tree=TreeRules()), Selection(sys.argv[2], files=sys.argv[3] == "files")
sections = (tree, inside) if sys.argv[4] == "first" else (inside, tree)
print(*select(divided(sections), LocalSource().resolve), sep="\\n")
"""


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("kind", ["files", "nothing"])
def test_a_directory_that_can_not_be_read_is_said_once_whichever_section_it_has(
    data: Path, kind: str, order: str
) -> None:
    path = f"{data}/mail"
    with with_mode(data / "mail"):
        printed = as_ordinary_user(UNREADABLE, data, path, kind, order).splitlines()
    owner = path if kind == "files" else str(data)
    assert printed.count(str(PassedOver(path, owner, Unreadable("Permission denied")))) == 1
    assert sum("Permission denied" in line for line in printed) == 1
    assert (str(PassedOver(path, path, NoUploadOption())) in printed) == (kind == "nothing")


def test_files_in_a_section_that_no_option_asks_for_are_the_trees(data: Path) -> None:
    os.mkfifo(data / "mail" / "fifo")
    found = run(section(data, "tree"), section(data / "mail"))
    assert {one.section for one in found if isinstance(one, Candidate)} == {str(data)}
    assert PassedOver(f"{data}/mail", f"{data}/mail", NoUploadOption()) in found
