"""Which files a run puts together, and which it leaves alone."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from tests.roundtrip.journey import Journey
from tests.roundtrip.packed_tree import LARGE, MEDIUM, NAMES, SECTION, Edit, PackedTree
from tests.roundtrip.trees import look


def stored(journey: Journey) -> list[str]:
    """Tars and single files in the vault of a journey, below the tree; the newest last."""
    vault = journey.cli.folder / "vault"
    files = [path for path in vault.rglob("*") if path.is_file() and ".catalog" not in path.parts]
    archives = [path for path in files if not path.name.endswith((".recipe.json", ".sha256", "RESTORE.md"))]
    return [str(path) for path in sorted(archives, key=lambda path: path.name)]


def names_in(path: Path | str) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_no_pack_outgrows_its_size_and_large_files_go_alone(at_hand: Journey) -> None:
    tree = PackedTree(at_hand)
    tree.write(*NAMES)
    tree.write("large", size=LARGE)
    tree.write("medium/1", "medium/2", "medium/3", "medium/4", "medium/5", size=MEDIUM)

    tree.back_up()

    packs = [path for path in stored(at_hand) if "/~pack-" in path and path.endswith(".tar")]
    assert len(packs) == 3
    assert all(os.path.getsize(path) <= 2**20 for path in packs)
    inside = [name for path in packs for name in names_in(path)]
    assert sorted(inside) == sorted(f"tree/{name}" for name in tree.ever if name != "large")


def test_the_plan_shows_every_file(at_hand: Journey) -> None:
    tree = PackedTree(at_hand)
    tree.write("a", "b")
    text = at_hand("-d").out
    assert "2 files" in text
    assert f"{tree.top}/a" in text
    assert stored(at_hand) == []


def test_only_what_is_new_or_changed_is_sent_again(at_hand: Journey) -> None:
    tree = PackedTree(at_hand)
    tree.write(*NAMES)
    tree.back_up()
    tree.write("2019/a.jpg")
    tree.write("new")
    (sent,) = (one for one in tree.back_up().json["plan"] if one["result"] == "sent")
    assert [one["path"] for one in sent["files"]] == [f"{tree.top}/2019/a.jpg", f"{tree.top}/new"]
    assert tree.sent() == []


def test_a_file_that_was_renamed_is_said_to_be(at_hand: Journey) -> None:
    tree = PackedTree(at_hand)
    tree.write("a", "b")
    tree.back_up()
    tree.edit(Edit("rename", "a", to="2021/a"))
    assert "renamed" in at_hand("-d").out
    assert len(tree.sent()) == 1
    assert set(tree.ever) == {"a", "b", "2021/a"}


def test_links_go_along_as_links(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("a")
    (tree.top / "link").symlink_to("a")
    (tree.top / "dangling").symlink_to("nowhere/at/all")
    tree.back_up()
    tree.check(tmp_path / "out")
    assert len(tree.packs()) == 1


def test_modes_and_times_come_back(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("a", "b", "c")
    for number, name in enumerate("abc"):
        (tree.top / name).chmod((0o600, 0o755, 0o444)[number])
        os.utime(tree.top / name, ns=(0, 10**18 + number * 123_456_789))
    tree.back_up()
    tree.restored(tmp_path / "out", str(tree.top))
    was, back = look(tree.top), look(tmp_path / "out/tree")
    assert {name: back[name] for name in "abc"} == {name: was[name] for name in "abc"}


def test_two_destinations_have_packs_of_their_own(at_hand: Journey, tmp_path: Path) -> None:
    other = tmp_path / "other"
    text = f"[destination one]\n{at_hand.kind.main}[destination two]\ndestination = {other}\n"
    tree = PackedTree(at_hand)
    tree.write("a", "b")
    tree.back_up()
    main = f"[main]\ncatalog = {at_hand.catalog}\nlogfile =\ndestination = one, two\n"
    at_hand.ini = at_hand.cli.ini(f"{main}{text}[{{data}}/tree]\n{SECTION}")
    tree.write("c")
    tree.back_up()

    def names(top: Path) -> list[list[str]]:
        return sorted(sorted(names_in(path)) for path in top.rglob("*.tar"))

    assert names(at_hand.cli.folder / "vault") == [["tree/a", "tree/b"], ["tree/c"]]
    assert names(other) == [["tree/a", "tree/b", "tree/c"]]
    tree.check(tmp_path / "out")


def test_a_limit_counts_packs(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand, main="limit = 1\n")
    tree.write("1", "2", "3", "4", "5", size=MEDIUM)
    sent = [len(at_hand("backup", "--json").sent()) for _ in range(4)]
    assert sent == [1, 1, 1, 0]
    tree.ever |= tree.present()
    tree.check(tmp_path / "out")


def test_a_file_that_is_named_is_sent_in_a_pack_and_a_directory_as_itself(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("2019/a", "2020/b")
    tree.back_up()
    tree.write("2019/a")

    ran = at_hand("-p", tree.top / "2019/a", "--json")

    assert ran.code == 0
    assert [file["path"] for one in ran.json["plan"] for file in one["files"]] == [f"{tree.top}/2019/a"]
    assert tree.sent() == []
    tree.ever |= tree.present()
    assert tree.restored(tmp_path / "file", f"{tree.top}/2019/a") == {"a": tree.ever["2019/a"]}
    assert len(at_hand("list", "--versions", tree.top / "2019/a", "--json").json) == 2
    assert tree.restored(tmp_path / "all") == tree.ever
    ran = at_hand("-p", tree.top, "--json")
    assert (ran.code, ran.sent()) == (0, {str(tree.top)})
    assert tree.restored(tmp_path / "whole", str(tree.top)) == {f"tree/{name}": one for name, one in tree.ever.items()}


def test_turned_on_and_off_again_nothing_is_sent_twice(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand, lambda data: f"[{data}/tree]\n{SECTION.replace('1 MiB', 'none')}")
    tree.write("a", "b")
    tree.back_up()
    assert tree.packs() == []
    at_hand.sections(f"[{{data}}/tree]\n{SECTION}")
    assert tree.sent() == []
    tree.write("b", "c")
    tree.check_one_pack(tmp_path / "on")
    at_hand.sections(f"[{{data}}/tree]\n{SECTION.replace('1 MiB', 'none')}")
    assert tree.sent() == []
    tree.write("c")
    assert tree.sent() == [f"{tree.top}/c"]
    tree.check(tmp_path / "off")
