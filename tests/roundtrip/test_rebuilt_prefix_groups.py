"""A lost catalog is made anew without a copy of it: groups that go by prefixes are found by their keys, or their
descriptions, each of their files is known again, what was put away stays so, and nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.permissions import with_mode, without_privilege
from tests.roundtrip.journey import THAWING, Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.packed_tree import NAMES, Edit, PackedTree, on_server
from tests.roundtrip.test_packs import SEALS, with_password
from tests.s3_servers.fixtures import Store
from tests.ssh_server.sshd import Sshd

SECTION = "upload_tree = yes\nupload_if_changed = yes\ngroup_files_smaller_than = 3 kB\n"


WARM = "storage_class = STANDARD_IA\n"


class Known(NamedTuple):
    """One version, but for when it was sent, which no key tells."""

    path: str
    member: str
    size: int | None


def by_prefix(data: Path, more: str = "") -> str:
    return f"[{data}/tree]\n{SECTION}{more}"


def grown(tree: PackedTree) -> PackedTree:
    """It has groups of two prefixes, newer versions of them, and a file that was in one and is alone now.

    On a server that has its own time, by which its versions are put in order, and which a test makes up.
    """
    tree.write(*NAMES)
    tree.back_up()
    tree.edit(Edit("write", "2020/-rf"), Edit("delete", "z"), Edit("write", "2020/new"))
    if tree.journey.kind.name != "sftp":
        tree.write("ä.txt", size=5_000)
    tree.back_up()
    return tree


def known(journey: Journey) -> list[Known]:
    listed = journey("list", "--versions", "--json").json
    return sorted(Known(one["path"], one["member"] or "", one["bytes"]) for one in listed)


def groups(journey: Journey) -> set[str]:
    """Their names below the section."""
    start = f"{journey.data}/tree/"
    return {one["path"].removeprefix(start) for one in journey("list", "--json").json if one["path"].endswith("*~.zip")}


def check(tree: PackedTree, target: Path) -> None:
    """All is back, and nothing is sent. A disk doesn't tell the time of a file that lies there alone."""
    there = {name: content for name, (content, _) in tree.restored(target).items()}
    assert there == {name: content for name, (content, _) in tree.ever.items()}
    assert tree.sent() == []


def read(journey: Journey) -> int:
    """How many groups a rebuild has read, when all that is cold was thawed for it."""
    if journey.kind.name == "glacier":
        journey.rebuild("--no-copy")
        unread = [f"id:{one['id']}" for one in journey("list", "--json").json if one["path"].endswith("*~.zip")]
        assert journey("thaw", "request", *unread, "--json").code in (0, THAWING)
        journey.kind.place.thaw_now()
    ran = journey.rebuild("--no-copy", "--read-packs")
    assert (ran.code, ran.err) == (0, "")
    return int(ran.json["places"][0]["packs"]["read"])


def test_files_of_groups_are_known_as_before(journey: Journey, tmp_path: Path) -> None:
    tree = grown(PackedTree(journey, by_prefix, WARM if "s3" in journey.kind.name else ""))
    before = known(journey)
    journey.lose_catalog()

    assert read(journey) == 4

    assert groups(journey) == {"*~.zip", "2020/*~.zip"}
    assert [one[:2] for one in known(journey)] == [one[:2] for one in before]
    check(tree, tmp_path / "out")
    assert journey("catalog", "check").code == 0


@pytest.mark.parametrize("seal", ["sealed", "names hidden"])
def test_so_are_those_of_sealed_ones(at_hand: Journey, tmp_path: Path, seal: str) -> None:
    tree = grown(PackedTree(at_hand, by_prefix, with_password(at_hand.cli, SEALS[seal])))
    before = known(at_hand)
    at_hand.lose_catalog()

    assert read(at_hand) == 4

    assert known(at_hand) == before
    check(tree, tmp_path / "out")
    tree.edit(Edit("write", "2019/a.jpg"))
    assert tree.sent() == [f"{tree.top}/*~.zip"]


def test_so_are_those_whose_keys_begin_below_the_section(at_hand: Journey, tmp_path: Path) -> None:
    main = with_password(at_hand.cli, SEALS["sealed"])
    tree = grown(PackedTree(at_hand, lambda data: by_prefix(data, "keys = relative\n"), main))
    at_hand.lose_catalog()

    assert read(at_hand) == 4

    assert groups(at_hand) == {"*~.zip", "2020/*~.zip"}
    check(tree, tmp_path / "out")


def test_so_are_those_of_what_lies_on_a_server(at_hand: Journey, sshd: Sshd) -> None:
    section = "pack_size = 1 MiB\n"
    tree = grown(
        PackedTree(at_hand, lambda data: on_server(sshd)(data).replace(section, "group_files_smaller_than = 3 kB\n"))
    )
    at_hand.lose_catalog()

    assert read(at_hand) == 4

    assert tree.sent() == []


def test_without_the_section_they_are_found_all_the_same(at_hand: Journey, tmp_path: Path) -> None:
    tree = grown(PackedTree(at_hand, by_prefix))
    at_hand.lose_catalog()
    at_hand.sections(f"[{at_hand.data}/elsewhere]\nupload_tree = yes\n")

    assert read(at_hand) == 4

    there = tree.restored(tmp_path / "out")
    assert {name: content for name, (content, _) in there.items()} == {
        name: content for name, (content, _) in tree.ever.items()
    }


def test_what_was_put_away_in_a_bucket_with_versions_stays_so(
    request: pytest.FixtureRequest, s3_store: Store, tmp_path: Path
) -> None:
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    journey = Journey(request.getfixturevalue("cli"), KINDS["s3"](request))
    tree = PackedTree(journey, lambda data: by_prefix(data, "deleted = expire\nmax_delete = none\n"), WARM)
    tree.write(*NAMES, "large", "gone", size=1_000)
    tree.write("large", "gone", size=5_000)
    tree.back_up()
    tree.edit(*(Edit("delete", name) for name in NAMES if name.startswith("2020/")), Edit("delete", "gone"))
    tree.back_up()
    present, before = tree.present(), known(journey)
    journey.lose_catalog()

    read(journey)

    assert tree.restored(tmp_path / "out") == present
    assert known(journey) == before
    assert tree.sent() == []


def test_where_filters_make_names_nothing_live_is_hidden_though_keys_are_taken_for_paths(
    request: pytest.FixtureRequest, s3_store: Store, tmp_path: Path
) -> None:
    """Nor is a ZIP whose files can't be looked at just now, and that nobody has looked into."""
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    journey = Journey(request.getfixturevalue("cli"), KINDS["s3"](request))
    more = "deleted = expire\nmax_delete = none\nfilters = key_sub ^ kept/\n"
    tree = PackedTree(journey, lambda data: by_prefix(data, more), WARM)
    tree.write("d/1", "d/2", "d/3", "e/1", "e/2", "e/3", size=1_000)
    tree.write("d/large", "e/large", size=5_000)
    tree.back_up()
    live = set(s3_store.listed())
    journey.lose_catalog()
    assert journey.rebuild("--no-copy").code == 0

    with with_mode(tree.top / "e"), without_privilege():
        assert journey("backup").code == 1
    assert live <= set(s3_store.listed())
    tree.back_up()
    assert live <= set(s3_store.listed())

    assert tree.restored(tmp_path / "out") == tree.present()
    assert tree.sent() == []
