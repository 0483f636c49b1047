"""Directories that are sent as chains of increments come back as they were at each time, from every kind of
destination, sealed and plain, from this machine and from a server.

``GLACIER_ROUND_TRIPS=20`` tries twenty times as many stories.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.cli.harness import Cli
from tests.contract.places import PLACES
from tests.roundtrip.attributes import with_acl, with_attributes
from tests.roundtrip.changing_folder import NAMES, Edit, Folder, but_for_links, on_server, over_sftp, play
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS, Kind
from tests.roundtrip.test_packs import SEALS, with_password
from tests.ssh_server.sshd import Sshd

STORIES = 4 * int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))

STORY = (
    (*(Edit("write", name) for name in NAMES), Edit("hard link", "a", "dir/also a"), Edit("link", "a", "dir/to a")),
    (Edit("same size", "a"), Edit("delete", "a.d/deep"), Edit("write", "new/file"), Edit("mode", "dir/sub/1")),
    (Edit("delete", "dir/sub/1"), Edit("folder", "a-b"), Edit("write", "a-b/in it"), Edit("fifo", "pipe")),
    (Edit("file", "dir/sub"), Edit("move", "a.d", "moved"), Edit("mode", "dir"), Edit("delete", "dir/to a")),
    (Edit("write", "a.d/deep/x"), Edit("move", "moved/b", "dir/sub/b"), Edit("write", "a", size=3_000_000)),
)
"""One round after the other."""


@pytest.mark.parametrize(
    ("kind", "seal"),
    # For what is sealed a vault and a directory do.
    [*((kind, "plain") for kind in KINDS), ("local", "sealed"), ("local", "names hidden"), ("glacier", "sealed")],
    indirect=["kind"],
)
def test_a_directory_comes_back_as_it_was_at_each_time(journey: Journey, tmp_path: Path, seal: str) -> None:
    is_local = journey.kind.name == "local"
    folder = Folder(journey, main=with_password(journey.cli, SEALS[seal]))

    play(folder, STORY, tmp_path / "out", often=is_local)

    assert [re.findall(r"in full|increment \d+", one.reason)[0] for one in folder.ever] == [
        "in full",
        *(f"increment {number}" for number in range(1, len(STORY))),
    ]
    assert folder.back_up().json["summary"]["sent"] == 0


def test_what_lies_on_a_server_comes_back_as_it_was(at_hand: Journey, sshd: Sshd, tmp_path: Path) -> None:
    folder = Folder(at_hand, on_server(sshd), sees=over_sftp)

    play(folder, STORY[:4], tmp_path / "out")

    assert len(folder.ever) == 4


def test_without_gnu_tar_it_is_the_same(at_hand: Journey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(at_hand)
    folder.edit(STORY[0])
    folder.back_up()
    monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))

    play(folder, STORY[1:], tmp_path / "out")

    assert len(folder.ever) == len(STORY)


def test_what_a_directory_has_beside_its_files_comes_back(at_hand: Journey, tmp_path: Path) -> None:
    folder = Folder(at_hand)
    (folder.top / "kept/inside").mkdir(parents=True)
    (folder.top / "kept/inside/file").write_text("1")
    with_attributes(folder.top / "kept")
    with_acl(folder.top / "kept")
    folder.back_up()
    os.setxattr(folder.top / "kept", "user.plain", b"another")
    os.removexattr(folder.top / "kept", "user.empty")
    (folder.top / "kept/inside/file").write_text("22")
    (folder.top / "kept/inside").chmod(0o500)
    folder.back_up()
    (folder.top / "kept/inside").chmod(0o700)
    (folder.top / "kept/inside/file").unlink()
    (folder.top / "kept/inside").chmod(0o510)
    folder.back_up()

    for number, then in enumerate(folder.ever):
        folder.check(tmp_path / str(number), then)


@pytest.mark.parametrize("seal", ["plain", "sealed"])
def test_one_file_and_one_directory_come_out_of_it(at_hand: Journey, tmp_path: Path, seal: str) -> None:
    folder = Folder(at_hand, main=with_password(at_hand.cli, SEALS[seal]), sees=but_for_links)
    for edits in STORY:
        folder.edit(edits)
        folder.back_up()

    for name in ("a", "dir", "a.d", "a-b"):
        ran = at_hand.restore(tmp_path / name, folder.top / name)
        assert ran.code == 0, ran
        assert _below(folder.looks(tmp_path / name), name) == _below(folder.ever[-1].looks, name)


def test_what_was_deleted_is_not_there_and_was_there_before(at_hand: Journey, tmp_path: Path) -> None:
    folder = Folder(at_hand)
    folder.edit([Edit("write", "kept"), Edit("write", "gone/file")])
    folder.back_up()
    folder.edit([Edit("delete", "gone")])
    folder.back_up()
    gone = folder.top / "gone/file"

    said = at_hand.restore(tmp_path / "out", gone)
    assert said.code != 0
    assert f"{gone} was not there any more on " in said.err
    assert f"--at {folder.ever[0].time}" in said.err
    assert at_hand.restore(tmp_path / "out", gone, "--at", folder.ever[0].time).code == 0
    assert (tmp_path / "out/file").exists()

    inside = at_hand("list", "--members", folder.top, "--json").json
    assert [one["path"] for one in inside] == ["home", "home/kept"]
    assert [one["path"] for one in at_hand("list", "--members", "id:1", "--json").json] == [
        "home",
        "home/gone",
        "home/gone/file",
        "home/kept",
    ]


# A bucket and a directory do for what manifests tell.
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"s3_of_others", "sftp"}), indirect=True)
def test_all_comes_back_when_the_catalog_was_lost(journey: Journey, tmp_path: Path) -> None:
    folder = Folder(journey)
    for edits in STORY[:3]:
        folder.edit(edits)
        folder.back_up()
    word = folder.word
    journey.lose_catalog()
    assert journey.rebuild("--no-copy").code == 0

    for number, then in enumerate(folder.ever[1:]):
        folder.check(tmp_path / str(number), then, word)
    assert journey.restore(tmp_path / "one", folder.top / "a").code == 0
    assert _below(folder.looks(tmp_path / "one"), "a") == _below(folder.ever[-1].looks, "a")
    gone = journey.restore(tmp_path / "gone", folder.top / "a.d/deep/x")
    assert gone.code == 5

    (folder.top / "a").write_text("what is newer than the last archive, whatever is known of it")
    assert "in full: what is in the archives before isn't known" in folder.back_up().out
    folder.edit([Edit("write", "a", size=5)])
    assert "increment 1: 0 new, 2 changed, 0 deleted" in folder.back_up().out


def test_keys_alone_tell_which_builds_on_which(at_hand: Journey, tmp_path: Path) -> None:
    folder = Folder(at_hand)
    for edits in STORY[:4]:
        folder.edit(edits)
        folder.back_up()
    at_hand.lose_catalog()
    for manifest in tmp_path.rglob("*.recipe.json"):
        manifest.unlink()
    assert at_hand.rebuild("--no-copy").code == 0

    for number, then in enumerate(folder.ever):
        folder.check(tmp_path / str(number), then, str(folder.top))


def test_each_destination_has_a_chain_of_its_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    journey = Journey(cli, Kind("local", f"destination = {tmp_path}/one\n", PLACES["local"]))  # type: ignore[arg-type]
    folder = Folder(journey)
    folder.edit(STORY[0])
    folder.back_up()
    cli.ini(journey.ini.read_text().replace(f"{tmp_path}/one", f"\n    {tmp_path}/one\n    {tmp_path}/two"))
    folder.edit(STORY[1])
    ran = journey("backup", "--json")
    reasons = {one["destination"]: one["reason"] for one in ran.json["plan"]}
    assert "increment 1" in reasons[f"{tmp_path}/one"]
    assert reasons[f"{tmp_path}/two"] == "not sent yet; in full"
    folder.edit(STORY[2])
    now = folder.looks(folder.top)
    ran = journey("backup", "--json")
    numbers = {one["destination"]: one["reason"].partition("increment ")[2][:1] for one in ran.json["plan"]}
    assert numbers == {f"{tmp_path}/one": "2", f"{tmp_path}/two": "1"}

    (tmp_path / "out").mkdir()
    for name in ("one", "two"):
        assert journey.restore(tmp_path / "out" / name, folder.top, "--from", f"{tmp_path}/{name}").code == 0
        assert folder.looks(tmp_path / "out" / name / "home") == now


EDITS = st.builds(
    Edit,
    st.sampled_from(
        ["write", "write", "same size", "delete", "move", "link", "hard link", "mode", "folder", "file", "fifo"]
    ),
    st.sampled_from([*NAMES, "a.d", "a.d/deep", "dir", "dir/sub"]),
    st.sampled_from([*NAMES, "a.d", "other", "dir/other", "a/below"]),
    st.sampled_from([0, 1_000, 1_000, 200_000]),
)


@seed(11)
@settings(
    max_examples=STORIES,
    phases=[Phase.explicit, Phase.generate],  # each story takes seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(rounds=st.lists(st.lists(EDITS, min_size=1, max_size=10), min_size=3, max_size=5))
def test_whatever_is_done_to_a_directory_it_comes_back_as_it_was(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    rounds: list[list[Edit]],
) -> None:
    base = Path(tempfile.mkdtemp(dir=tmp_path))
    kind = Kind("local", f"destination = {base}/vault\n", PLACES["local"](request))
    try:
        folder = Folder(Journey(Cli(capsys, base), kind), sees=but_for_links)
        play(folder, [STORY[0], *rounds], base / "out")
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _below(found: dict[str, object], top: str) -> dict[str, object]:
    return {name: one for name, one in found.items() if name == top or name.startswith(f"{top}/")}
