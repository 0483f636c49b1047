"""What every source promises (:mod:`glacier_backup.resolve.source`), tried on each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import (
    BrokenLink,
    BrokenSection,
    ExcludedBy,
    HoldsItsDestination,
    LinkLeftOut,
    Loop,
    Missing,
    NotAFile,
    SkipReason,
)
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, Source, Symlinks, TreeRules
from tests.contract.over_sftp import source_of


@pytest.fixture(params=["local", "sftp"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    with source_of(request) as one:
        yield one


@pytest.fixture
def data(tmp_path: Path) -> str:
    for name in ("b/inner", "a/inner"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("content")
    (tmp_path / "file").write_text("12345")
    os.mkfifo(tmp_path / "fifo")
    return str(tmp_path)


def only(source: Source, path: str) -> Candidate:
    (found,) = source.resolve(Selection(path, single_dir=True))
    assert isinstance(found, Candidate)
    return found


def test_resolving_gives_candidates_of_the_section_in_order(source: Source, data: str) -> None:
    found = [one for one in source.resolve(Selection(data, dirs=True, files=True)) if isinstance(one, Candidate)]
    assert [(one.path, one.kind, one.section) for one in found] == [
        (f"{data}/a", "directory", data),
        (f"{data}/b", "directory", data),
        (f"{data}/file", "file", data),
    ]


def test_resolving_does_nothing_until_it_is_read(source: Source, data: str) -> None:
    found = source.resolve(Selection(f"{data}/later", single_dir=True))
    os.mkdir(f"{data}/later")
    assert [type(one) for one in found] == [Candidate]


def test_a_missing_path_gives_one_that_is_passed_over(source: Source, data: str) -> None:
    path = f"{data}/gone"
    assert list(source.resolve(Selection(path, dirs=True))) == [PassedOver(path, path, Missing())]


def test_a_candidate_that_holds_the_vault_is_passed_over(data: str) -> None:
    selection = Selection(data, single_dir=True, destinations=("main",))
    (found,) = LocalSource(vaults={"main": f"{data}/a"}).resolve(selection)
    assert found == PassedOver(data, data, HoldsItsDestination(f"{data}/a"))


def test_own_files_leave_a_fingerprint_as_it_is(data: str) -> None:
    source = LocalSource(own=[f"{data}/a/catalog"])
    before = source.look(only(source, data))
    for name in ("catalog", "catalog-wal"):
        Path(f"{data}/a/{name}").write_text("content")
    assert source.look(only(source, data)) == before


def test_looking_twice_sees_the_same(source: Source, data: str) -> None:
    for path in (data, f"{data}/file"):
        assert source.look(only(source, path)) == source.look(only(source, path))


def test_looking_sees_bytes_and_entries(source: Source, data: str) -> None:
    found = source.look(only(source, data))
    assert (found.bytes, found.entries) == (19, 7)
    assert source.look(only(source, f"{data}/file")).bytes == 5


def test_looking_sees_an_edit_deep_down(source: Source, data: str) -> None:
    before = source.look(only(source, data))
    os.utime(f"{data}/a/inner", ns=(0, 0))
    assert source.look(only(source, data)).digest != before.digest


@pytest.mark.parametrize("name", ["a", "file"])
def test_a_candidate_that_is_gone_is_an_error_that_names_it(source: Source, data: str, name: str) -> None:
    candidate = only(source, f"{data}/{name}")
    os.rename(candidate.path, f"{data}/moved")
    with pytest.raises(SourceError, match=f"{data}/{name}: No such file or directory"):
        source.look(candidate)


@pytest.mark.parametrize("name", ["a", "file"])
def test_a_candidate_that_became_a_fifo_is_an_error_and_does_not_block(source: Source, data: str, name: str) -> None:
    candidate = only(source, f"{data}/{name}")
    os.rename(candidate.path, f"{data}/moved")
    os.mkfifo(candidate.path)
    with pytest.raises(SourceError):
        source.look(candidate)


@pytest.mark.parametrize(("name", "other"), [("a", "file"), ("file", "a")])
def test_a_candidate_of_another_kind_than_before_is_an_error(source: Source, data: str, name: str, other: str) -> None:
    candidate = only(source, f"{data}/{name}")
    os.rename(candidate.path, f"{data}/moved")
    os.rename(f"{data}/{other}", candidate.path)
    with pytest.raises(SourceError):
        source.look(candidate)


def in_tree(source: Source, path: str, **more: object) -> dict[str, Resolved]:
    """What a whole tree gives, by the path below it."""
    rules = {"exclude_paths": more.pop("exclude_paths", ()), "symlinks": more.pop("symlinks", "store")}
    tree = TreeRules(**rules)  # type: ignore[arg-type]  # any rule
    found = source.resolve(Selection(path, tree=tree, **more))  # type: ignore[arg-type]  # any option
    return {one.path.removeprefix(f"{path}/"): one for one in found}


def test_a_whole_tree_gives_every_file_in_the_order_of_the_names(source: Source, data: str) -> None:
    found = in_tree(source, data, compare=True)
    assert list(found) == ["a/inner", "b/inner", "fifo", "file"]
    assert found.pop("fifo") == PassedOver(f"{data}/fifo", data, NotAFile("FIFO"))
    for one in found.values():
        assert isinstance(one, Candidate)
        assert (one.kind, one.section, one.compare) == ("file", data, True)


def test_what_a_walk_saw_is_what_looking_sees(source: Source, data: str) -> None:
    os.symlink("nowhere", f"{data}/link")
    for one in in_tree(source, data).values():
        if isinstance(one, Candidate):
            assert one.of_tree
            assert source.look(one) == one.seen


def test_a_file_of_a_tree_differs_by_size_and_time_alone(source: Source, data: str) -> None:
    os.utime(f"{data}/file", ns=(0, 1_600_000_000_000_000_000))
    one = in_tree(source, data)["file"]
    assert isinstance(one, Candidate)
    digests = [source.look(one).digest]
    os.chmod(one.path, 0o400)
    digests.append(source.look(one).digest)
    os.utime(one.path, ns=(0, 1_500_000_000_000_000_000))
    digests.append(source.look(one).digest)
    Path(one.path).write_text("123456")
    os.utime(one.path, ns=(0, 1_500_000_000_000_000_000))
    digests.append(source.look(one).digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_a_tree_is_left_without_what_is_excluded(source: Source, data: str) -> None:
    assert list(in_tree(source, data, exclude=("inn", "fi"))) == ["a/inner", "b/inner", "fifo", "file"]
    found = in_tree(source, data, exclude=("inn", "fi"), exclude_paths=("b",))
    assert [one.reason for one in found.values() if isinstance(one, PassedOver)] == [
        ExcludedBy("inn"),
        ExcludedBy("b"),
        ExcludedBy("fi"),
        ExcludedBy("fi"),
    ]


def test_links_in_a_tree_are_stored_followed_or_left_out(source: Source, data: str) -> None:
    for name, target in (("dir", "../b"), ("file", "../file"), ("gone", "nowhere"), ("up", "..")):
        os.symlink(target, f"{data}/a/l-{name}")
    stored = {name: one for name, one in in_tree(source, data).items() if "l-" in name}
    assert [one.kind for one in stored.values() if isinstance(one, Candidate)] == ["link"] * 4
    left = {name: one for name, one in in_tree(source, data, symlinks="skip").items() if "l-" in name}
    assert [one.reason for one in left.values() if isinstance(one, PassedOver)] == [LinkLeftOut()] * 4
    followed = {name: one for name, one in in_tree(source, data, symlinks="follow").items() if "l-" in name}
    assert list(followed) == ["a/l-dir/inner", "a/l-file", "a/l-gone", "a/l-up"]
    assert [one.kind for one in followed.values() if isinstance(one, Candidate)] == ["file", "file"]
    assert [one.reason for one in followed.values() if isinstance(one, PassedOver)] == [
        BrokenLink("nowhere"),
        Loop(data),
    ]


def named(source: Source, path: str, tree: str, rules: TreeRules) -> list[Resolved]:
    """What ``-p`` gives of a path in a whole tree."""
    within = Selection(tree, exclude=("inner",), tree=rules)
    return list(source.resolve(Selection(path, single_dir=True, compare=True, within=within)))


@pytest.mark.parametrize("symlinks", ["store", "follow", "skip"])
def test_what_is_named_in_a_tree_is_what_a_walk_finds_there(source: Source, data: str, symlinks: Symlinks) -> None:
    for name, target in (("dir", "../b"), ("file", "../file"), ("gone", "nowhere"), ("fifo", "../fifo")):
        os.symlink(target, f"{data}/a/l-{name}")
    rules = TreeRules(symlinks=symlinks)
    walked = [one for one in source.resolve(Selection(data, compare=True, tree=rules)) if isinstance(one, Candidate)]
    assert len(walked) == {"store": 7, "follow": 5, "skip": 3}[symlinks]
    for one in walked:
        assert named(source, one.path, data, rules) == [one]


def test_what_no_walk_through_a_tree_sends_is_named_as_itself(source: Source, data: str) -> None:
    os.symlink("b", f"{data}/to-dir")
    os.symlink("file", f"{data}/to-file")
    for path, rules, kind in [
        (f"{data}/a", TreeRules(), "directory"),
        (f"{data}/to-dir/inner", TreeRules(), "file"),
        (f"{data}/to-dir", TreeRules(symlinks="follow"), "directory"),
        (f"{data}/to-file", TreeRules(symlinks="skip"), "file"),
        (f"{data}/a/inner", TreeRules(elsewhere=(Selection(f"{data}/a", files=True),)), "file"),
    ]:
        assert named(source, path, data, rules) == [Candidate(path, kind, path, compare=True)]  # type: ignore[arg-type]


def test_what_is_named_in_a_tree_and_is_not_there_is_passed_over(source: Source, data: str) -> None:
    os.symlink("nowhere", f"{data}/broken")
    reasons: dict[str, SkipReason] = {
        "gone": Missing(),
        "fifo": NotAFile("FIFO"),
        "broken": BrokenSection("nowhere"),
    }
    for name, reason in reasons.items():
        path = f"{data}/{name}"
        assert named(source, path, data, TreeRules(symlinks="follow")) == [PassedOver(path, path, reason)]


RULES = Exclusion(("*.tmp", "/a/node_modules/", "cache/"), (r"\.bak$",))


def test_what_is_left_out_of_a_directory_changes_nothing(source: Source, data: str) -> None:
    (one,) = source.resolve(Selection(data, single_dir=True, exclusion=RULES))
    assert isinstance(one, Candidate)
    before = source.look(one)
    for path in ("x.tmp", "a/node_modules/deep/y", "b/cache/z", "b/cache/inner/z", "b/old.bak"):
        os.makedirs(os.path.dirname(f"{data}/{path}"), exist_ok=True)
        Path(f"{data}/{path}").write_text("content")
    after = source.look(one)
    assert (after.digest, after.bytes, after.entries) == (before.digest, before.bytes, before.entries)
    os.makedirs(f"{data}/b/a/node_modules")
    assert source.look(one).digest != before.digest


def test_without_anything_to_leave_out_the_digest_is_as_without_rules(source: Source, data: str) -> None:
    (one,) = source.resolve(Selection(data, single_dir=True, exclusion=RULES))
    assert isinstance(one, Candidate)
    assert source.look(one) == source.look(only(source, data))


def test_direct_children_are_left_out_by_rules_that_hold_inside_of_them_too(source: Source, data: str) -> None:
    os.makedirs(f"{data}/cache")
    Path(f"{data}/x.tmp").touch()
    os.symlink("a", f"{data}/l")
    found = list(source.resolve(Selection(data, dirs=True, files=True, exclusion=Exclusion((*RULES.patterns, "l/")))))
    assert [one.path.removeprefix(f"{data}/") for one in found if isinstance(one, Candidate)] == ["a", "b", "file"]
    reasons = [one.reason for one in found if isinstance(one, PassedOver) and isinstance(one.reason, ExcludedBy)]
    assert reasons == [ExcludedBy("cache/"), ExcludedBy("l/"), ExcludedBy("*.tmp")]
    a, b, file = (one for one in found if isinstance(one, Candidate))
    before = source.look(a), source.look(b)
    for folder in ("a", "b"):
        os.mkdir(f"{data}/{folder}/node_modules")
    assert source.look(a).digest == before[0].digest  # the pattern is about the section's a/node_modules
    assert source.look(b).digest != before[1].digest
    assert not file.exclusion


def test_a_tree_is_left_without_what_rules_leave_out(source: Source, data: str) -> None:
    for path in ("a/node_modules/deep/y", "b/node_modules/y", "x.tmp", "b/cache/z", "b/old.bak"):
        os.makedirs(os.path.dirname(f"{data}/{path}"), exist_ok=True)
        Path(f"{data}/{path}").touch()
    os.symlink("../a", f"{data}/b/cache.l")
    found = in_tree(source, data, exclusion=Exclusion((*RULES.patterns, "*.l/"), RULES.regexes), symlinks="follow")
    assert [one.path.removeprefix(f"{data}/") for one in found.values() if isinstance(one, Candidate)] == [
        "a/inner",
        "b/inner",
        "b/node_modules/y",
        "file",
    ]
    reasons = {path: one.reason for path, one in found.items() if isinstance(one, PassedOver)}
    assert {path: reason.pattern for path, reason in reasons.items() if isinstance(reason, ExcludedBy)} == {
        "a/node_modules": "/a/node_modules/",
        "b/cache": "cache/",
        "b/cache.l": "*.l/",
        "b/old.bak": r"\.bak$",
        "x.tmp": "*.tmp",
    }


def test_a_missing_tree_gives_one_that_is_passed_over(source: Source, data: str) -> None:
    path = f"{data}/gone"
    assert in_tree(source, path) == {path: PassedOver(path, path, Missing())}
