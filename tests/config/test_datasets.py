"""Sections of datasets, ``[zfs:pool/dataset]``, and how they are sent."""

from __future__ import annotations

import pytest

from glacier_backup.cli.wiring import selections
from glacier_backup.config.settings import SectionSettings, Settings
from glacier_backup.config.show import rows
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.period import Period
from glacier_backup.model.snapshot import SnapshotRules
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = /vault\n"
AS_ZFS_TO_AWS = "layout = zfs-to-aws\nseal = openssl, split, par2\npassword_file = /p\n"


def rules(settings: Settings) -> dict[str, SnapshotRules | None]:
    return {one.path: one.snapshots for one in settings.sections}


def only(settings: Settings) -> SectionSettings:
    (section,) = settings.sections
    return section


def test_a_dataset_has_defaults_of_its_own(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[zfs:tank/photos]\n[/a]\nupload_files = yes\n")
    dataset, files = settings.sections
    assert (dataset.path, dataset.server, dataset.layout) == ("zfs:tank/photos", None, "own")
    assert dataset.snapshots == SnapshotRules()
    assert dataset.full_every == FullEvery(Period(180, "day"), 30, None)
    assert (dataset.is_chained, dataset.is_tree, dataset.upload_if_changed) == (True, False, True)
    assert (files.snapshots, files.is_chained) == (None, False)
    assert settings.warnings == ()


def test_every_option_of_a_dataset_arrives(desk: Desk) -> None:
    text = (
        "snapshot = before-the-move\ntag = weekly\nintermediates = no\nraw = yes\nrecursive = yes\nproperties = yes\n"
        "keep_snapshots = 7\nfull_every = 1 year | 20 %\nkeep_last = 3\nseal = zstd\ndestination = /disk\n"
    )
    section = only(desk.load(f"{MAIN}[zfs:tank]\n{text}"))
    assert section.snapshots == SnapshotRules(
        "named", "before-the-move", "weekly", intermediates=False, raw=True, recursive=True, properties=True, keep=7
    )
    assert section.full_every == FullEvery(Period(1, "year"), None, 20)
    assert (section.keep_last, section.seal.seal, section.destinations) == (3, ("zstd",), ("/disk",))


@pytest.mark.parametrize("word", ["create", "latest"])
def test_what_is_sent_is_said_in_words(desk: Desk, word: str) -> None:
    section = only(desk.load(f"{MAIN}[zfs:tank]\nsnapshot = {word.upper()}\n"))
    assert section.snapshots is not None
    assert (section.snapshots.taking, section.snapshots.name) == (word, "")


def test_main_hands_on_what_a_dataset_can_have(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}keep_daily = 7\nseal = zstd\npack_size = 2 MiB\n[zfs:tank]\n[/a]\nupload_tree = yes\n")
    dataset, tree = settings.sections
    assert (dataset.keep_daily, dataset.seal.seal, dataset.pack_size) == (7, ("zstd",), None)
    assert tree.pack_size == 2 << 20


def test_default_gives_each_section_what_it_knows(desk: Desk) -> None:
    text = (
        "[DEFAULT]\nupload_single_dir = yes\nexclude = .\nfilters = data cat\nsnapshot = latest\nkeep_snapshots = 7\n"
        f"full_every = 1 year\n{MAIN}[zfs:tank/a]\n[zfs:tank/b]\nkeep_snapshots = none\n[/c]\n"
    )
    settings = desk.load(text)
    assert rules(settings) == {
        "zfs:tank/a": SnapshotRules("latest", keep=7),
        "zfs:tank/b": SnapshotRules("latest"),
        "/c": None,
    }
    assert {one.full_every for one in settings.sections} == {FullEvery(Period(1, "year"))}
    assert [one.upload_single_dir for one in settings.sections] == [False, False, True]
    assert settings.warnings == ()


def test_what_default_says_wrongly_is_told_once(desk: Desk) -> None:
    text = f"[DEFAULT]\nkeep_snapshots = all\nfull_every = soon\n{MAIN}[zfs:tank/a]\n[zfs:tank/b]\n[/c]\n"
    snapshots, chains = desk.problems(text)
    assert snapshots == (
        "x.conf:2: [DEFAULT] keep_snapshots: found 'all'; expected a whole number from 1 to 9999, or none"
    )
    assert chains.startswith("x.conf:3: [DEFAULT] full_every: found 'soon'")


def test_references_lead_to_datasets_and_may_stand_in_their_names(desk: Desk) -> None:
    text = f"{MAIN}[zfs:${{env:POOL}}/a]\ntag = nightly\n[zfs:tank/b]\ntag = ${{zfs:tank/a:tag}}-too\n"
    found = rules(desk.load(text, environ={"POOL": "tank"}))
    assert found == {"zfs:tank/a": SnapshotRules(tag="nightly"), "zfs:tank/b": SnapshotRules(tag="nightly-too")}


@pytest.mark.parametrize("name", ["zfs:tank", "zfs:tank/a b/c.d_e-f:g", "zfs:t0/-x", "zfs:destination", "zfs:main"])
def test_a_section_may_be_called_by_whatever_a_dataset_may(desk: Desk, name: str) -> None:
    assert only(desk.load(f"{MAIN}[{name}]\n")).path == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zfs:", "expected zfs:pool/dataset"),
        ("zfs:/tank/a", "expected zfs:tank/a"),
        ("zfs://tank/a", "expected zfs:tank/a"),
        ("zfs:tank/a/", "expected zfs:tank/a"),
        ("ZFS:tank/a", "expected zfs:tank/a"),
        ("zfs: tank/a", "expected zfs:tank/a"),
        ("zfs:tank/a@now", "expected zfs:tank/a"),
        ("zfs:tank//a", "expected zfs:pool/dataset"),
        ("zfs:tank/..", "expected zfs:pool/dataset"),
        ("zfs:tank/ü", "expected zfs:pool/dataset"),
        ("zfs::tank", "expected zfs:pool/dataset"),
        ("zfs:-tank", "expected zfs:pool/dataset"),
        (f"zfs:tank/{'a' * 251}", "expected zfs:pool/dataset"),
    ],
)
def test_a_name_that_no_dataset_has_is_an_error(desk: Desk, name: str, expected: str) -> None:
    (problem,) = desk.problems(f"{MAIN}[{name}]\n")
    assert problem.startswith(f"x.conf:3: [{name}]: found [{name}] (")
    assert problem.endswith(f"); {expected}")
    (problem,) = desk.problems(MAIN, paths=[name])
    assert problem.startswith(f"command line --path: found '{name}' (")
    assert problem.endswith(f"); {expected}, or ./{name} for a file")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            "snapshot = tank@now",
            "x.conf:4: [zfs:tank] snapshot: found 'tank@now' (only what stands behind the @ is the snapshot's own "
            "name); expected create, latest, or the name of a snapshot without dataset and @",
        ),
        (
            "snapshot = a/b",
            "x.conf:4: [zfs:tank] snapshot: found 'a/b' (no snapshot can be called so); "
            "expected create, latest, or the name of a snapshot without dataset and @",
        ),
        (
            "tag = -r",
            "x.conf:4: [zfs:tank] tag: found '-r'; expected at most 100 of the characters A-Z a-z 0-9 _ . : - (at the "
            "beginning neither . nor -), or nothing",
        ),
        (
            "tag =",
            "x.conf:4: [zfs:tank] tag: found nothing, and snapshot = create has to name what it makes; expected a tag",
        ),
        (
            "snapshot = latest\ntag =\nkeep_snapshots = 7",
            "x.conf:6: [zfs:tank] keep_snapshots: found 7, and no tag tells whose snapshots may be destroyed; "
            "expected a tag, or none here",
        ),
        (
            "intermediates = maybe",
            "x.conf:4: [zfs:tank] intermediates: found 'maybe'; expected yes or no (or true, false, on, off, 1, 0)",
        ),
        (
            "keep_snapshots = 0",
            "x.conf:4: [zfs:tank] keep_snapshots: found '0'; expected a whole number from 1 to 9999, or none",
        ),
        ("layout = theirs", "x.conf:4: [zfs:tank] layout: found 'theirs'; expected own or zfs-to-aws"),
        (
            "upload_tree = yes",
            "x.conf:4: [zfs:tank] upload_tree: belongs in a section that is named by a path, not in a section that is "
            "named by zfs:pool/dataset",
        ),
        (
            "limit = 1",
            "x.conf:4: [zfs:tank] limit: belongs in [main], not in a section that is named by zfs:pool/dataset",
        ),
        ("recursiv = yes", "x.conf:4: [zfs:tank] recursiv: is no option; did you mean recursive?"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_its_line_and_its_cure(desk: Desk, options: str, problem: str) -> None:
    assert desk.problems(f"{MAIN}[zfs:tank]\n{options}\n") == [problem]


def test_a_tag_that_makes_names_too_long_is_an_error(desk: Desk) -> None:
    dataset = f"zfs:tank/{'a' * 200}"
    (problem,) = desk.problems(f"{MAIN}[{dataset}]\ntag = {'x' * 50}\n")
    assert "has a name of more than 255 characters; expected a shorter one" in problem
    assert only(desk.load(f"{MAIN}[{dataset}]\ntag = x\n")).snapshots == SnapshotRules(tag="x")


def test_options_of_datasets_are_errors_elsewhere(desk: Desk) -> None:
    of_path, of_main = desk.problems(f"{MAIN}tag = x\n[/a]\nrecursive = yes\n")[::-1]
    assert of_main == "x.conf:3: [main] tag: belongs in a section that is named by zfs:pool/dataset, not in [main]"
    assert of_path.startswith("x.conf:5: [/a] recursive: belongs in a section that is named by zfs:pool/dataset")


def test_two_sections_for_one_dataset_are_an_error(desk: Desk) -> None:
    assert desk.problems(f"{MAIN}[zfs:tank/a]\n[zfs:tank/a]\n") == [
        "x.conf:4: [zfs:tank/a]: is the same section as in line 3"
    ]
    (problem,) = desk.problems(f"{MAIN}[zfs:tank/a]\n[zfs:${{env:POOL}}/a]\n", environ={"POOL": "tank"})
    assert problem.endswith("is the same section as [zfs:tank/a] in line 3")


def test_a_tag_that_nothing_goes_by_is_told(desk: Desk) -> None:
    (warning,) = desk.load(f"{MAIN}[zfs:tank]\nsnapshot = now\ntag = weekly\n").warnings
    assert warning.endswith("tag: has no effect with snapshot = now, which is sent whatever it is called")
    assert desk.load(f"{MAIN}[zfs:tank]\nsnapshot = now\ntag = weekly\nkeep_snapshots = 3\n").warnings == ()


# What -p names.


def test_a_named_dataset_keeps_the_options_of_its_section(desk: Desk) -> None:
    text = f"{MAIN}[zfs:tank/a]\ntag = weekly\nrecursive = yes\nkeep_snapshots = 7\nfull_every = none\nseal = zstd\n"
    configured = only(desk.load(text))
    section = only(desk.load(text, paths=["zfs:tank/a"]))
    assert section == configured.model_copy(update={"origin": "command line"})


def test_a_named_dataset_is_meant_wherever_somebody_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.home)
    settings = desk.load(MAIN, paths=["zfs:tank/a", "./zfs:tank/a"])
    assert [one.path for one in settings.sections] == ["zfs:tank/a", f"{desk.home}/zfs:tank/a"]
    assert rules(settings)["zfs:tank/a"] == SnapshotRules()
    assert [one.is_chained for one in settings.sections] == [True, False]


def test_one_below_a_recursive_dataset_is_sent_as_that_sends_it(desk: Desk) -> None:
    text = (
        f"{MAIN}[zfs:tank]\nrecursive = yes\nsnapshot = latest\nkeep_snapshots = 7\nfull_every = 1 year\nseal = zstd\n"
        "destination = /disk\n[/]\nupload_tree = yes\n"
    )
    section = only(desk.load(text, paths=["zfs:tank/a/b"]))
    assert section.snapshots == SnapshotRules("latest", recursive=True, keep=7)
    assert (section.full_every, section.seal.seal) == (FullEvery(Period(1, "year")), ("zstd",))
    assert (section.destinations, section.layout) == (("/disk",), "own")


def test_what_has_a_section_below_a_recursive_dataset_is_sent_as_that_says(desk: Desk) -> None:
    text = (
        f"{MAIN}[zfs:tank/a]\nraw = yes\n[zfs:tank]\nrecursive = yes\nseal = zstd\n[zfs:other]\n"
        "[zfs:tank/c/d]\ntag = own\n[zfs:tanker]\n"
    )
    expected = {"zfs:tank": SnapshotRules(recursive=True), "zfs:tank/a": SnapshotRules(raw=True)}
    expected["zfs:tank/c/d"] = SnapshotRules(tag="own")
    assert rules(desk.load(text, paths=["zfs:tank"])) == expected
    assert list(rules(desk.load(text, paths=["zfs:tank/c"]))) == ["zfs:tank/c", "zfs:tank/c/d"]
    # The section that it lies in doesn't reach it, and the one above that does.
    section = only(desk.load(text, paths=["zfs:tank/a/b"]))
    assert (section.snapshots, section.seal.seal) == (SnapshotRules(recursive=True), ("zstd",))


def test_of_one_that_its_section_does_not_reach_no_snapshot_is_destroyed(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[zfs:tank]\ntag = weekly\nkeep_snapshots = 7\n{AS_ZFS_TO_AWS}", paths=["zfs:tank/a"])
    assert rules(settings) == {"zfs:tank/a": SnapshotRules(tag="weekly")}
    assert only(settings).layout == "own"


def test_a_dataset_lies_in_no_directory_and_no_directory_in_it(desk: Desk) -> None:
    text = f"{MAIN}[/]\nupload_tree = yes\nseal = zstd\n[zfs:tank]\nseal = gzip\n"
    settings = desk.load(text, paths=["zfs:other", "/tank/a"])
    assert [one.seal.seal for one in settings.sections] == [(), ("zstd",)]
    assert settings.tree_around("zfs:other") is None
    assert settings.seal_of("zfs:tank/a/b").seal == ("gzip",)
    assert settings.seal_of("zfs:tanker").seal == ()
    assert "zfs:tank" not in {one.path for one in settings.in_force}


def test_a_library_is_told_what_is_no_dataset(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[zfs:tank]\n")
    with pytest.raises(ValueError, match=r"found 'zfs:tank/' .* expected zfs:tank$"):
        settings.for_paths(["zfs:tank/"])


# The names of zfs-to-aws.


def test_a_dataset_may_be_stored_as_zfs_to_aws_does(desk: Desk) -> None:
    section = only(desk.load(f"{MAIN}[zfs:tank/a]\n{AS_ZFS_TO_AWS}"))
    assert section.layout == "zfs-to-aws"
    assert section.snapshots == SnapshotRules(layout="zfs-to-aws")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("layout = zfs-to-aws", "layout: found zfs-to-aws, and seal = none; expected seal = openssl, split, par2"),
        (
            "layout = zfs-to-aws\nseal = split, openssl, par2\npassword_file = /p",
            "layout: found zfs-to-aws, and seal = split, openssl, par2; expected seal = openssl, split, par2 in this",
        ),
        (f"{AS_ZFS_TO_AWS}private_names = yes", "layout: found zfs-to-aws, whose names tell all, and private_names"),
        (f"{AS_ZFS_TO_AWS}destination = glacier", "layout: found zfs-to-aws, and vault v has no names; expected"),
        (f"{AS_ZFS_TO_AWS}recursive = yes", "recursive: found yes, and with layout = zfs-to-aws datasets of the same"),
        (
            f"{AS_ZFS_TO_AWS}snapshot = now",
            "snapshot: snapshot now is not called TAG-YYYYMMDD, and layout = zfs-to-aws",
        ),
    ],
)
def test_that_wants_its_seal_and_names(desk: Desk, options: str, told: str) -> None:
    (problem,) = desk.problems(f"{MAIN}vault_name = v\n[zfs:tank/a]\n{options}\n")
    assert f"[zfs:tank/a] {told}" in problem


def test_a_vault_on_the_command_line_is_no_place_for_it(desk: Desk) -> None:
    (problem,) = desk.problems(f"{MAIN}[zfs:tank/a]\n{AS_ZFS_TO_AWS}", overrides={"vault_name": "v"})
    assert "layout: found zfs-to-aws, and vault v has no names" in problem


def test_two_of_one_last_name_are_an_error_where_they_meet(desk: Desk) -> None:
    text = f"{MAIN}[zfs:tank/mail]\n{AS_ZFS_TO_AWS}[zfs:tank/old/mail]\n{AS_ZFS_TO_AWS}"
    (problem,) = desk.problems(text)
    assert problem.startswith(
        "x.conf:7: [zfs:tank/old/mail]: its archives can have the same keys at /vault as those of [zfs:tank/mail] "
        "(line 3); give one of them a prefix of its own"
    )
    assert len(desk.load(f"{text}destination = /vault/old\n").sections) == 2
    assert len(desk.load(text.replace("old/mail", "old/letters")).sections) == 2
    assert len(desk.load(text.replace("layout = zfs-to-aws", "", 1)).sections) == 2


def test_nor_does_it_share_a_place_with_a_tree_of_bare_paths(desk: Desk) -> None:
    text = f"{MAIN}[zfs:tank/mail]\n{AS_ZFS_TO_AWS}[/a]\nupload_tree = yes\n"
    assert len(desk.load(text).sections) == 2
    (problem,) = desk.problems(f"{text}keys = relative\n")
    assert "[/a]: its files can have the same keys at /vault as those of [zfs:tank/mail]" in problem


# What others are told.


def test_what_is_in_force_can_be_shown(desk: Desk) -> None:
    first = "[zfs:tank/a]\nsnapshot = now\nintermediates = no\nkeep_snapshots = 7\n"
    text = f"{MAIN}{first}[zfs:tank/b]\ntag =\nsnapshot = latest\n"
    shown = {(row.section, row.option): (row.value, row.origin) for row in rows(desk.load(text))}
    assert shown["zfs:tank/a", "snapshot"] == ("now", f"{desk.file}:4")
    assert shown["zfs:tank/a", "intermediates"] == ("no", f"{desk.file}:5")
    assert shown["zfs:tank/a", "keep_snapshots"] == ("7", f"{desk.file}:6")
    assert shown["zfs:tank/a", "tag"] == ("offsite", "default")
    assert shown["zfs:tank/b", "tag"] == ("", f"{desk.file}:8")
    assert shown["zfs:tank/b", "keep_snapshots"] == ("none", "default")
    assert shown["zfs:tank/b", "full_every"] == ("180 days | 30 increments", "default")


def test_a_run_is_told_to_send_snapshots(desk: Desk) -> None:
    text = f"{MAIN}[zfs:tank]\nrecursive = yes\n[zfs:tank/a]\nraw = yes\n[/a]\nupload_dirs = yes\n"
    tank, below, files = selections(desk.load(text))
    assert (tank.snapshots, tank.compare, tank.origin) == (SnapshotRules(recursive=True), True, "zfs")
    assert (below.snapshots, below.compare, below.origin) == (SnapshotRules(raw=True), True, "zfs")
    assert (files.snapshots, files.origin) == (None, "")
