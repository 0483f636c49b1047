"""``-p`` of what lies in a whole tree: a file is sent as the tree sends it, so that neither is in the other's way."""

from __future__ import annotations

import os

import pytest

from tests.cli.harness import Cli, Ran
from tests.roundtrip.kinds import url
from tests.ssh_server.sshd import Sshd

INI = """\
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
catalog_copy = no
logfile = {here}/log
[SECTION]
upload_tree = yes
LOGIN
OPTIONS
"""

SEALED = "seal = openssl\npassword_file = {here}/password"


class Tree:
    """A tree that is looked after, here or on a server."""

    def __init__(self, cli: Cli) -> None:
        self.top = cli.data / "photos"
        self.section = str(self.top)
        self.login = ""
        self.options = ""
        self.more = ""
        self._cli = cli
        (cli.folder / "password").write_text("correct horse")
        (cli.folder / "password").chmod(0o600)
        self.write("2019/a.jpg", "a")
        self.write("2019/b.jpg", "bb")

    def write(self, name: str, content: str, mtime: int = 1_600_000_000) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (mtime, mtime))

    def run(self, *argv: str) -> Ran:
        """One in which everything goes well."""
        text = INI.replace("SECTION", self.section).replace("LOGIN", self.login).replace("OPTIONS", self.options)
        ran = self._cli("-c", self._cli.ini(text + self.more), "--json", *argv)
        assert ran.code == 0, ran
        return ran

    def named(self, name: str, *argv: str) -> list[str]:
        """What is sent of ``-p`` with the path of that name."""
        return self.sent(self.run("-p", f"{self.section}/{name}", *argv))

    def all(self) -> list[str]:
        """What a run over the whole tree sends."""
        return self.sent(self.run())

    def sent(self, ran: Ran) -> list[str]:
        """Names below the section; of packs those of the files."""
        done = [one for one in ran.json["plan"] if one["result"] == "sent"]
        paths = [file["path"] for one in done for file in one["files"] or [one]]
        return sorted(path.removeprefix(f"{self.section}/") for path in paths)

    def stored(self, vault: str = "vault") -> set[str]:
        """Names of files below the tree's folder in the vault."""
        folder = self._cli.folder / vault
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        inside = {path.partition(f"{self.top}/")[2] for path in found}
        return {name for name in inside if name and not name.endswith(".recipe.json")}


@pytest.fixture
def here(cli: Cli) -> Tree:
    return Tree(cli)


@pytest.fixture(params=["here", "on a server"])
def tree(request: pytest.FixtureRequest, here: Tree) -> Tree:
    if request.param == "on a server":
        sshd: Sshd = request.getfixturevalue("sshd")
        here.section = url(sshd, here.top)
        here.login = f"ssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
    return here


@pytest.mark.parametrize("options", ["", SEALED, "pack_size = 1 MiB", "compare = hash"], ids=lambda one: one[:4])
def test_a_file_that_is_named_first_is_no_news_to_the_tree(tree: Tree, options: str) -> None:
    tree.options = options
    assert tree.named("2019/a.jpg") == ["2019/a.jpg"]
    assert tree.named("2019/a.jpg") == []
    assert tree.all() == ["2019/b.jpg"]
    assert tree.all() == []
    if "pack_size" not in options:
        suffix = ".enc" if options == SEALED else ""
        assert tree.stored() == {f"2019/a.jpg{suffix}", f"2019/b.jpg{suffix}"}


def test_after_the_tree_a_file_can_be_sent_once_more(tree: Tree) -> None:
    assert tree.all() == ["2019/a.jpg", "2019/b.jpg"]
    assert tree.named("2019/a.jpg") == []
    assert tree.named("2019/a.jpg", "--force") == ["2019/a.jpg"]
    tree.write("2019/a.jpg", "another", 1_700_000_000)
    assert tree.named("2019/a.jpg") == ["2019/a.jpg"]
    assert tree.all() == []
    first, second, third = sorted(tree.stored() - {"2019/b.jpg"})
    assert first == "2019/a.jpg"
    assert {one.partition("~")[0] for one in (second, third)} == {first}


def test_without_keep_versions_it_takes_the_place_of_the_one_before(here: Tree) -> None:
    here.options = "keep_versions = no"
    here.all()
    here.write("2019/a.jpg", "another", 1_700_000_000)
    assert here.named("2019/a.jpg") == ["2019/a.jpg"]
    assert here.stored() == {"2019/a.jpg", "2019/b.jpg"}


def test_what_the_tree_leaves_out_is_sent_when_it_is_named(here: Tree) -> None:
    here.options = "exclude = a\nexclude_paths = 2019\nexclude_patterns = *.jpg"
    assert here.all() == []
    assert here.named("2019/a.jpg") == ["2019/a.jpg"]
    here.options = ""
    assert here.all() == ["2019/b.jpg"]
    assert here.stored() == {"2019/a.jpg", "2019/b.jpg"}


def test_several_go_into_one_pack(here: Tree) -> None:
    here.options = "pack_size = 1 MiB"
    ran = here.run("-p", str(here.top / "2019/b.jpg"), str(here.top / "2019/a.jpg"))
    assert here.sent(ran) == ["2019/a.jpg", "2019/b.jpg"]
    assert len(ran.sent()) == 1
    assert here.all() == []


@pytest.mark.parametrize(
    ("symlinks", "stored"),
    [("store", "link.rclonelink"), ("follow", "link"), ("skip", "link/")],
)
def test_a_link_is_sent_as_the_tree_has_links(tree: Tree, symlinks: str, stored: str) -> None:
    tree.options = f"symlinks = {symlinks}"
    (tree.top / "link").symlink_to("2019/a.jpg")
    tree.all()
    assert tree.named("link") == ([] if symlinks != "skip" else ["link"])
    assert tree.named("link", "--force") == ["link"]
    assert tree.all() == []
    assert any(name.startswith(stored) for name in tree.stored())


def test_a_directory_is_one_archive_of_its_own(tree: Tree) -> None:
    assert tree.named("2019") == ["2019"]
    assert tree.all() == ["2019/a.jpg", "2019/b.jpg"]
    assert tree.named("2019") == []


def test_what_is_another_sections_stays_its_own(here: Tree) -> None:
    """A directory's files, and one with a section of its own, bear a time in their keys."""
    here.write("mail/letter", "dear")
    here.write("mail/deep/down", "deep")
    here.write("dump", "dump")
    here.more = f"[{here.top}/mail]\nupload_files = yes\n[{here.top}/dump]\n"
    here.all()
    times = {name for name in here.stored() if name.startswith(("dump/", "mail/letter/"))}
    assert here.stored() == {"2019/a.jpg", "2019/b.jpg", "mail/deep/down", *times}
    assert [here.named(name) for name in ("dump", "mail/letter", "mail/deep/down")] == [[], [], []]


def test_it_goes_where_the_tree_goes(here: Tree) -> None:
    here.options = "destination = {here}/other"
    assert here.named("2019/a.jpg") == ["2019/a.jpg"]
    assert here.stored() == set()
    assert here.stored("other") == {"2019/a.jpg"}
    assert here.all() == ["2019/b.jpg"]


def test_the_trees_seal_holds_for_a_file_below_a_section_of_another_seal(here: Tree) -> None:
    here.options = SEALED
    here.more = f"[{here.top}/2019]\nupload_dirs = yes\nseal = none\n"
    assert here.named("2019/a.jpg") == ["2019/a.jpg"]
    assert here.stored() == {"2019/a.jpg.enc"}
    assert here.all() == ["2019/b.jpg"]


def test_together_with_the_whole_tree_as_one_archive(here: Tree) -> None:
    here.options = "compare = hash"
    paths = [str(here.top), str(here.top / "2019/a.jpg")]
    assert sorted(here.run("-p", *paths).sent()) == paths
    reasons = here.run("-p", *paths).reasons()
    assert all(reason.startswith("unchanged since") and "hash" not in reason for reason in reasons.values()), reasons
