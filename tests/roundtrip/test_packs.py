"""Small files of a tree that go together come back one by one: every file that was ever there, in its newest version,
from every kind of destination, sealed and plain, from this machine and from a server.

``GLACIER_ROUND_TRIPS=20`` tries twenty times as many stories.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from glacier_backup.units import MIB
from tests.cli.harness import Cli
from tests.contract.places import PLACES
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS, Kind
from tests.roundtrip.packed_tree import LARGE, MEDIUM, NAMES, SMALL, Edit, PackedTree, contents, here, on_server, play
from tests.ssh_server.sshd import Sshd

STORIES = 3 * int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))

SEALED = """seal = zstd, split, openssl, par2
volume_size = 1 MiB
password_file = {folder}/password
openssl_iterations = 10000
"""

SEALS = {"plain": "", "sealed": SEALED, "names hidden": f"private_names = yes\n{SEALED}"}

STORY = (
    (*(Edit("write", name, SMALL) for name in NAMES[:-1]), Edit("write", "z", MEDIUM), Edit("write", "y", MEDIUM)),
    (Edit("write", "2019/a.jpg", MEDIUM), Edit("delete", "2019/b.jpg"), Edit("rename", "z", to="2021/zz")),
    (Edit("write", "y", LARGE), Edit("touch", "ä.txt"), Edit("write", "2019/b.jpg", 0)),
    (Edit("write", "y", SMALL), Edit("delete", "2020/-rf"), Edit("write", "2021/new", MEDIUM)),
)
"""One round after the other."""


def with_password(cli: Cli, seal: str) -> str:
    """The lines of ``[main]``."""
    password = cli.folder / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    return seal.replace("{folder}", str(cli.folder))


COMES_BACK = [
    *(("plain", name) for name in KINDS),
    *(("sealed", name) for name in ("glacier", "local", "s3")),
    *(("names hidden", name) for name in ("local", "s3_of_others", "sftp", "glacier")),
]
"""What seals, and where it goes: buckets differ in what they prove, and servers and disks in nothing that is sealed."""


@pytest.mark.parametrize(("seal", "name"), COMES_BACK)
def test_all_that_ever_was_comes_back(
    request: pytest.FixtureRequest, cli: Cli, tmp_path: Path, seal: str, name: str
) -> None:
    journey = Journey(cli, KINDS[name](request))
    tree = PackedTree(journey, here, with_password(journey.cli, SEALS[seal]))

    play(tree, STORY, tmp_path / "out", often=journey.kind.name == "local")

    assert len(tree.packs()) == len(STORY)


@pytest.mark.parametrize("seal", ["plain", "sealed"])
def test_what_lies_on_a_server_comes_back(at_hand: Journey, sshd: Sshd, tmp_path: Path, seal: str) -> None:
    tree = PackedTree(at_hand, on_server(sshd), with_password(at_hand.cli, SEALS[seal]))

    play(tree, STORY, tmp_path / "out")

    assert tree.packs()


@pytest.mark.parametrize("seal", ["plain", "sealed"])
def test_for_one_file_little_more_than_that_is_fetched(journey: Journey, tmp_path: Path, seal: str) -> None:
    tree = PackedTree(
        journey, lambda data: here(data).replace("1 MiB", "32 MiB"), with_password(journey.cli, SEALS[seal])
    )
    tree.write(*(f"{number}.jpg" for number in range(12)), size=MIB)
    tree.back_up()
    assert len(tree.packs()) == 1

    ran = journey.restore(tmp_path / "out", f"{tree.top}/7.jpg")

    assert ran.code == 0, ran.err
    assert contents(tmp_path / "out") == {"7.jpg": tree.ever["7.jpg"]}
    assert ran.json["summary"]["fetched"] <= 3 * MIB


EDITS = st.builds(
    Edit,
    st.sampled_from(["write", "write", "write", "touch", "delete", "rename"]),
    st.sampled_from(NAMES),
    st.sampled_from([0, SMALL, SMALL, MEDIUM, LARGE]),
    st.sampled_from(NAMES),
)


@pytest.mark.parametrize("seal", ["plain", "names hidden"])
@seed(7)
@settings(
    max_examples=STORIES,
    phases=[Phase.explicit, Phase.generate],  # each story takes seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(rounds=st.lists(st.lists(EDITS, min_size=1, max_size=8), min_size=2, max_size=4))
def test_whatever_is_done_to_a_tree_all_comes_back(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    seal: str,
    rounds: list[list[Edit]],
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    kind = Kind("local", f"destination = {folder}/vault\n", PLACES["local"](request))
    try:
        cli = Cli(capsys, folder)
        tree = PackedTree(Journey(cli, kind), main=f"keep_last = 1\n{with_password(cli, SEALS[seal])}")
        tree.write("always there")
        play(tree, rounds, folder / "out")
        check_pruned(tree, folder / "pruned")
    finally:
        shutil.rmtree(folder)


def check_pruned(tree: PackedTree, target: Path) -> None:
    """Of what the rules don't keep only that is left which lies in a pack with something that they keep."""
    before = len(tree.packs())
    ran = tree.journey("prune", "--yes", "--json")
    assert ran.code == 0, ran
    assert len(tree.packs()) == before - sum("~pack-" in one["path"] for one in ran.json["plan"])
    tree.check(target)
    assert tree.journey("verify", "--full").code == 0
    assert tree.journey("prune", "--yes", "--json").json["plan"] == []


def test_a_file_a_directory_and_a_glob_come_back_by_their_paths(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write(*NAMES)
    tree.back_up()
    tree.write("2019/a.jpg")
    tree.back_up()
    top = str(tree.top)

    assert tree.restored(tmp_path / "file", f"{top}/2019/a.jpg") == {"a.jpg": tree.ever["2019/a.jpg"]}
    found = tree.restored(tmp_path / "folder", f"{top}/2019")
    assert found == {name: tree.ever[name] for name in NAMES if name.startswith("2019/")}
    found = tree.restored(tmp_path / "tree", top)
    assert found == {f"tree/{name}": look for name, look in tree.ever.items()}
    found = tree.restored(tmp_path / "glob", f"{top}/*.jpg")
    assert found == {name: look for name, look in tree.ever.items() if name.endswith(".jpg")}


def test_each_version_can_be_had_as_of_its_time(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("a", "b")
    tree.back_up()
    first = tree.ever["a"]
    moment = at_hand("list", "--json").json[-1]["sent_at"]
    tree.write("a")
    tree.back_up()

    (one,) = tree.restored(tmp_path / "then", f"{tree.top}/a", "--at", moment).values()

    assert one == first
    assert tree.restored(tmp_path / "now", f"{tree.top}/a") == {"a": tree.ever["a"]}


def test_now_leaves_out_what_is_gone_here(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("a", "b", "c")
    tree.back_up()
    tree.edit(Edit("delete", "b"))
    tree.back_up()

    assert tree.restored(tmp_path / "out", "--at", "now") == tree.present()


def test_a_pack_means_all_files_in_it(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("2019/a", "b")
    tree.back_up()
    first = {f"tree/{name}": one for name, one in tree.ever.items()}
    (pack,) = tree.packs()
    tree.write("b", "c")
    tree.back_up()

    for number, word in enumerate((f"id:{pack['id']}", str(pack["path"]))):
        assert tree.restored(tmp_path / f"{number}", word) == first
    assert tree.restored(tmp_path / "all", "tree.pack.tar") == {f"tree/{name}": one for name, one in tree.ever.items()}


def test_what_is_there_already_stays_and_what_is_missing_comes(at_hand: Journey, tmp_path: Path) -> None:
    tree, target = PackedTree(at_hand), tmp_path / "out"
    tree.write("2019/a", "2019/b", "2020/c", "d")
    tree.back_up()
    whole = {f"tree/{name}": one for name, one in tree.ever.items()}
    assert tree.restored(target, str(tree.top)) == whole
    assert tree.restored(target, str(tree.top)) == whole
    (target / "tree/2019/a").write_text("mine")
    (target / "tree/2020/c").unlink()

    ran = at_hand.restore(target, tree.top)

    assert ran.code == 1
    assert "tree/2019/a" in ran.err
    assert "2019/b" not in ran.err
    assert (target / "tree/2019/a").read_text() == "mine"
    assert (target / "tree/2020/c").read_bytes() == tree.ever["2020/c"][0]
    assert tree.restored(target, str(tree.top), "--overwrite") == whole


def test_packs_of_a_lost_catalog_that_were_not_read_come_back_each_by_itself(
    request: pytest.FixtureRequest, cli: Cli, tmp_path: Path
) -> None:
    journey = Journey(cli, KINDS["s3"](request))
    tree = PackedTree(journey)
    tree.write("2019/a", "b")
    tree.back_up()
    first = dict(tree.ever)
    tree.write("b", "c")
    tree.back_up()
    second = {name: tree.ever[name] for name in ("b", "c")}
    paths = [str(one["path"]).rpartition("/")[2] for one in tree.packs()]
    journey.lose_catalog()
    assert journey.rebuild("--no-copy").code == 0

    found = tree.restored(tmp_path / "out")

    wanted = ((path, names) for path, names in zip(paths, (first, second), strict=True))
    assert found == {f"{path}/tree/{name}": one for path, names in wanted for name, one in names.items()}
    assert len(tree.sent()) == 1
    assert tree.sent() == []


def test_with_a_copy_of_the_catalog_nothing_is_lost(at_hand: Journey, tmp_path: Path) -> None:
    tree = PackedTree(at_hand)
    tree.write("2019/a", "b")
    tree.back_up()
    tree.write("b", "c")
    tree.back_up()
    at_hand.lose_catalog()
    assert at_hand.rebuild().code == 0
    tree.check(tmp_path / "out")
