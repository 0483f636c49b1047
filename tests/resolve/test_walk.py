"""A walk through a tree that lies elsewhere: all it knows is what a lister answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import BrokenLink, ExcludedBy, Loop, Missing, SkipReason, Unreadable
from glacier_backup.resolve.entries import Entry
from glacier_backup.resolve.source import Selection, TreeRules, divided
from glacier_backup.resolve.tree import TreeSection
from glacier_backup.resolve.walk import walk

SECOND = 10**9
SERVER = "sftp://me@box:23"
TOP = f"{SERVER}/home/data"

Tree = Mapping[str, list[Entry]]


class Listing:
    """A lister over listings of a server, by the real paths of its directories. Each is told by that path."""

    def __init__(self, tree: Tree, links: Mapping[str, str]) -> None:
        self._tree = tree
        self._links = links
        self._here = ["/home/data"]
        self.tells = True

    def identity(self) -> str | None:
        return self._here[-1] if self.tells else None

    def entries(self) -> Iterator[Entry]:
        for entry in self._tree[self._here[-1]]:
            if entry.name == b"!":
                raise SourceError("the connection broke")
            yield entry

    def follow(self, name: bytes, path: str) -> Entry | SkipReason:
        assert path.startswith(TOP)
        leads_to = self._links[name.decode()]
        if leads_to in self._tree:
            return Entry(name, "directory")
        return BrokenLink(leads_to) if leads_to.startswith("no") else Entry(name, "file", 9, 9 * SECOND)

    def enter(self, name: bytes, follow: bool) -> SkipReason | None:
        path = self._links[name.decode()] if follow else f"{self._here[-1]}/{name.decode()}"
        if path not in self._tree:
            return Missing() if name == b"gone" else Unreadable("Permission denied")
        self._here.append(path)
        return None

    def leave(self) -> None:
        self._here.pop()


def file(name: str, size: int = 1) -> Entry:
    return Entry(name.encode(), "file", size, 5 * SECOND, 0o644)


def directory(name: str) -> Entry:
    return Entry(name.encode(), "directory")


def link(name: str) -> Entry:
    return Entry(name.encode(), "link", 3, SECOND, 0o777)


def walked(tree: Tree, selection: Selection, links: Mapping[str, str] | None = None) -> dict[str, Resolved]:
    return {one.path: one for one in walk(Listing(tree, links or {}), TreeSection(selection))}


TREE: Tree = {
    "/home/data": [directory("b"), file("a~"), file("a"), directory("gone"), directory("closed"), file("b.txt")],
    "/home/data/b": [file("z"), file("home")],
}


def test_entries_come_by_their_names_whatever_order_they_are_listed_in() -> None:
    found = walked(TREE, Selection(TOP, tree=TreeRules()))
    assert list(found) == [f"{TOP}/{name}" for name in ("a", "a~", "b/home", "b/z", "b.txt", "closed")]
    assert found[f"{TOP}/closed"] == PassedOver(f"{TOP}/closed", TOP, Unreadable("Permission denied"))
    one = found[f"{TOP}/b/z"]
    assert isinstance(one, Candidate)
    assert one.seen is not None
    assert (one.seen.digest, one.seen.bytes, one.seen.mode) == ("file 1 5000000000", 1, 0o644)


@pytest.mark.parametrize("pattern", ["/home/data/b", "b", "b/", f"{TOP}/b"])
def test_excluded_paths_are_the_servers_own_or_below_the_section(pattern: str) -> None:
    found = walked(TREE, Selection(TOP, tree=TreeRules((pattern,))))
    assert list(found) == [f"{TOP}/{name}" for name in ("a", "a~", "b", "b.txt", "closed")]
    assert found[f"{TOP}/b"] == PassedOver(f"{TOP}/b", TOP, ExcludedBy(pattern))


def test_a_prefix_with_a_slash_in_front_is_compared_with_the_servers_path() -> None:
    found = walked(TREE, Selection(TOP, exclude=("/home/data/b", "home", "/data"), tree=TreeRules()))
    assert [path for path, one in found.items() if isinstance(one, Candidate)] == [f"{TOP}/a", f"{TOP}/a~"]


def test_a_listing_that_breaks_off_is_said_and_what_there_is_of_it_counts() -> None:
    tree = {**TREE, "/home/data/b": [file("z"), file("!"), file("y")]}
    found = walked(tree, Selection(TOP, tree=TreeRules()))
    assert found[f"{TOP}/b"] == PassedOver(f"{TOP}/b", TOP, Unreadable("the connection broke"))
    assert f"{TOP}/b/z" in found
    assert f"{TOP}/b.txt" in found


def test_a_name_that_is_listed_twice_counts_once() -> None:
    """As some file systems have it while a directory changes."""
    tree = {"/home/data": [directory("b"), file("a"), directory("b"), file("a", 2)], "/home/data/b": [file("z")]}
    found = walk(Listing(tree, {}), TreeSection(Selection(TOP, tree=TreeRules())))
    assert [one.path for one in found] == [f"{TOP}/a", f"{TOP}/b/z"]


def test_loops_are_known_by_whatever_tells_one_directory_from_another() -> None:
    tree = {**TREE, "/home/data/b": [file("z"), link("up"), link("out"), link("no")], "/srv": [link("back"), file("s")]}
    links = {"up": "/home/data", "out": "/srv", "back": "/home/data/b", "no": "nowhere"}
    found = walked(tree, Selection(TOP, tree=TreeRules(symlinks="follow")), links)
    assert found[f"{TOP}/b/up"] == PassedOver(f"{TOP}/b/up", TOP, Loop(TOP))
    assert found[f"{TOP}/b/out/back"] == PassedOver(f"{TOP}/b/out/back", TOP, Loop(f"{TOP}/b"))
    assert found[f"{TOP}/b/no"] == PassedOver(f"{TOP}/b/no", TOP, BrokenLink("nowhere"))
    assert f"{TOP}/b/out/s" in found
    assert f"{TOP}/b.txt" in found


def test_other_sections_of_the_server_have_their_own() -> None:
    sections = [Selection(TOP, tree=TreeRules()), Selection(f"{TOP}/b", files=True), Selection(f"{TOP}/a")]
    found = walked(TREE, divided(sections)[0])
    assert list(found) == [f"{TOP}/{name}" for name in ("a~", "b.txt", "closed")]


def test_a_section_that_is_no_tree_has_no_rules_for_one() -> None:
    with pytest.raises(ValueError, match="not looked after as a whole tree"):
        TreeSection(Selection(TOP))


def test_no_link_is_followed_where_nothing_would_tell_a_loop() -> None:
    listing = Listing({**TREE, "/home/data/b": [file("z"), link("up")]}, {"up": "/home/data"})
    listing.tells = False
    found = {one.path: one for one in walk(listing, TreeSection(Selection(TOP, tree=TreeRules(symlinks="follow"))))}
    up = found[f"{TOP}/b/up"]
    assert isinstance(up, PassedOver)
    assert up.reason.needs_attention
    assert f"{TOP}/b/z" in found
    assert f"{TOP}/b.txt" in found
