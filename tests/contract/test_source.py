"""What every source promises (:mod:`glacier_backup.resolve.source`), tried on each in the registry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import HoldsItsDestination, Missing
from glacier_backup.resolve.registry import SOURCES
from glacier_backup.resolve.source import Selection, Source


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]()


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
    for make in SOURCES.values():
        (found,) = make(vault=f"{data}/a").resolve(Selection(data, single_dir=True))
        assert found == PassedOver(data, data, HoldsItsDestination(f"{data}/a"))


def test_own_files_leave_a_fingerprint_as_it_is(data: str) -> None:
    for make in SOURCES.values():
        source = make(own=[f"{data}/a/catalog"])
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
