"""A lost catalog is made anew without a copy of it: what is in packs is learnt by reading them, and each of their files
is known, and comes back, as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.roundtrip.journey import THAWING, Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.packed_tree import NAMES, Edit, PackedTree, here, on_server
from tests.roundtrip.test_packs import SEALS, with_password
from tests.ssh_server.sshd import Sshd


def grown(tree: PackedTree, *, rounds: int = 2) -> PackedTree:
    """It has several packs, and newer versions of some files in the later ones."""
    tree.write(*NAMES)
    tree.back_up()
    for _ in range(1, rounds):
        tree.edit(Edit("write", "2019/a.jpg"), Edit("delete", "z"), Edit("write", "new"))
        tree.back_up()
    return tree


@pytest.fixture(params=["GNU tar", "ours"])
def packer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "ours":
        monkeypatch.setattr("glacier_backup.pack.group.find_gnu_tar", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("packer")
@pytest.mark.parametrize("seal", SEALS)
def test_files_in_packs_are_known_as_before(at_hand: Journey, tmp_path: Path, seal: str) -> None:
    tree = grown(PackedTree(at_hand, here, with_password(at_hand.cli, SEALS[seal])))
    known = at_hand("list", "--versions", "--json").json
    members = [at_hand("list", "--members", f"id:{one['id']}", "--json").json for one in tree.packs()]
    at_hand.lose_catalog()

    rebuilt = at_hand.rebuild("--no-copy")

    (place,) = rebuilt.json["places"]
    assert (rebuilt.code, rebuilt.err, place["packs"]["read"], place["packs"]["failed"]) == (0, "", 2, 0)
    assert place["packs"]["files"] == len(known)
    assert at_hand("list", "--versions", "--json").json == known
    assert [at_hand("list", "--members", f"id:{one['id']}", "--json").json for one in tree.packs()] == members
    tree.check(tmp_path / "out")
    assert tree.restored(tmp_path / "one", f"{tree.top}/2019/b.jpg") == {"b.jpg": tree.ever["2019/b.jpg"]}
    assert at_hand("catalog", "check").code == 0
    assert at_hand("verify", "--full").code == 0
    again = at_hand.rebuild()
    assert (again.code, again.json["places"][0]["packs"]["read"]) == (0, 0)


def test_what_changes_afterwards_is_sent_and_nothing_else(at_hand: Journey, tmp_path: Path) -> None:
    tree = grown(PackedTree(at_hand, main="keep_last = 1\n"))
    at_hand.lose_catalog()
    at_hand.rebuild("--no-copy")
    tree.edit(Edit("write", "2019/b.jpg"), Edit("rename", "new", to="renamed"), Edit("touch", "ä.txt"))

    (plan,) = (one for one in at_hand("-d", "--json").json["plan"] if one["action"] == "upload")

    assert len(plan["files"]) == 3
    tree.check_one_pack(tmp_path / "out")
    assert at_hand("prune", "--yes", "--json").code == 0
    tree.check(tmp_path / "pruned")


@pytest.mark.parametrize("seal", ["plain", "sealed"])
def test_packs_on_a_server_are_read(request: pytest.FixtureRequest, tmp_path: Path, seal: str) -> None:
    journey = Journey(request.getfixturevalue("cli"), KINDS["sftp"](request))
    tree = grown(PackedTree(journey, here, with_password(journey.cli, SEALS[seal])))
    journey.lose_catalog()

    (place,) = journey.rebuild("--no-copy").json["places"]

    assert place["packs"]["read"] == 2
    tree.check(tmp_path / "out")


def test_files_that_lie_on_a_server_are_known_as_before(at_hand: Journey, sshd: Sshd, tmp_path: Path) -> None:
    tree = grown(PackedTree(at_hand, on_server(sshd)))
    at_hand.lose_catalog()

    assert at_hand.rebuild("--no-copy").json["places"][0]["packs"]["read"] == 2

    assert tree.sent() == []


def test_what_costs_money_is_read_only_when_it_is_asked_for(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    journey = Journey(request.getfixturevalue("cli"), KINDS["s3"](request))
    tree = grown(PackedTree(journey, main="storage_class = STANDARD_IA\n"))
    stored = sum(int(str(one["stored_bytes"])) for one in tree.packs())
    journey.lose_catalog()

    ran = journey("catalog", "rebuild", "--no-copy", "--json")
    said = journey("catalog", "rebuild").out

    packs = ran.json["places"][0]["packs"]
    assert (ran.code, packs["read"], packs["dear"], packs["dear_bytes"]) == (0, 0, 2, stored)
    assert "2 packs (" in said
    assert "--read-packs does" in said
    assert journey("catalog", "rebuild", "--read-packs", "--json").json["places"][0]["packs"]["read"] == 2
    tree.check(tmp_path / "out")


def test_what_is_cold_is_read_once_it_is_thawed(to_vault: Journey, tmp_path: Path) -> None:
    tree = grown(PackedTree(to_vault, main="catalog_copy = no\n"))
    to_vault.lose_catalog()

    ran = to_vault.rebuild()
    said = to_vault("catalog", "rebuild", "--read-packs").out
    thaw = to_vault("thaw", "request", f"{tree.top}/~pack-*", "--json")
    to_vault.kind.place.thaw_now()
    unasked = to_vault("catalog", "rebuild", "--json").json["places"][0]["packs"]
    read = to_vault("catalog", "rebuild", "--read-packs", "--json").json["places"][0]["packs"]

    packs = ran.json["places"][0]["packs"]
    assert (ran.code, packs["cold"], packs["dear"], packs["cold_bytes"] > 0) == (0, 2, 0, True)
    assert f"glacier-backup thaw request '{tree.top}/~pack-*'" in said
    assert (thaw.code, thaw.json["counts"]) == (THAWING, {"thawing": 2})
    assert (unasked["dear"], unasked["cold"], unasked["read"]) == (2, 0, 0)
    assert (read["read"], read["cold"]) == (2, 0)
    assert tree.sent() == []


def test_a_cold_server_is_read_only_when_it_is_asked_for(request: pytest.FixtureRequest) -> None:
    journey = Journey(request.getfixturevalue("cli"), KINDS["sftp"](request))
    tree = grown(PackedTree(journey), rounds=1)
    journey.sections(here(journey.data), "cold = yes\n")
    journey.lose_catalog()

    packs = journey.rebuild("--no-copy").json["places"][0]["packs"]

    assert (packs["read"], packs["cold"]) == (0, 1)
    assert journey.rebuild("--read-packs").json["places"][0]["packs"]["read"] == 1
    assert tree.sent() == []
