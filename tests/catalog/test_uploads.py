"""Archives on their way: what the catalog knows of them after each step."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog import connect
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError, SourceError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Container, Label, Member, ReadProblem
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import dataset_step, span_text
from glacier_backup.model.recipe import Recipe, Scalar, Step
from glacier_backup.model.snapshot import digest_of
from glacier_backup.model.upload import Unfinished
from glacier_backup.units import MIB, now
from tests.catalog.inside import rows, soundness
from tests.catalog.values import (
    LOCAL,
    NOT_UTF8,
    a_member,
    an_archive,
    an_upload,
    checksums,
    filled,
    intended,
    minutes,
    record,
)
from tests.model.labels import DATASET_PATHS, SPANS, dataset

STORED = an_archive()
PATH = STORED.label.path

_NAMES = st.binary(min_size=1, max_size=300).map(os.fsdecode)
_HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
_SIZES = st.integers(0, 2**62)
_STEPS = st.lists(
    st.builds(
        Step,
        st.text(max_size=20),
        st.dictionaries(_NAMES.filter(lambda name: name != "step"), _NAMES | st.booleans() | st.integers(), max_size=3),
    ),
    max_size=3,
)


@st.composite
def intents(draw: st.DrawFn) -> ArchiveRecord:
    """Whatever a candidate may be called and look like."""
    container: Container = draw(st.sampled_from(["raw", "tar"]))
    fingerprint = draw(
        st.builds(Fingerprint, _HEX, _SIZES, _SIZES, st.integers(-(2**80), 2**80), st.none() | st.integers(0, 0o7777))
    )
    recipe = Recipe(tuple(draw(_STEPS)))
    label = Label(
        name=draw(_NAMES),
        path=draw(_NAMES),
        host=draw(_NAMES),
        kind=draw(st.sampled_from(["file", "directory"])),
        container=container,
        time=draw(st.datetimes(timezones=st.just(UTC)).filter(lambda time: time.year >= 1000)),
        recipe_id=recipe.id,
        mtime_ns=fingerprint.newest_mtime_ns if container == "raw" else None,
        mode=fingerprint.mode if container == "raw" else None,
    )
    return ArchiveRecord(label, draw(_NAMES), recipe, fingerprint)


@st.composite
def streams(draw: st.DrawFn) -> ArchiveRecord:
    """Of datasets."""
    label = dataset(draw(DATASET_PATHS), draw(SPANS), draw(st.integers(0, 9)))
    step = dataset_step(label)
    raw: dict[str, Scalar] = {"raw": True} if draw(st.booleans()) else {}
    recipe = Recipe((Step(step.name, {**step.parameters, **raw}),))
    fingerprint = Fingerprint(digest_of("81c2" * 4), draw(_SIZES), 1, draw(st.integers(0, 2**62)))
    return ArchiveRecord(replace(label, recipe_id=recipe.id, span=span_text(recipe)), draw(_NAMES), recipe, fingerprint)


def begun(catalog: Catalog, stored: ArchiveRecord = STORED) -> int:
    """An archive of which every part is stored."""
    archive = catalog.intend(None, catalog.register(LOCAL, LOCAL), intended(stored), 16 * MIB)
    catalog.opened(archive, "upload-id")
    catalog.completing(archive, intended(stored), checksums(stored), [a_member()])
    return archive


def unfinished(catalog: Catalog) -> Unfinished:
    (upload,) = catalog.unfinished(catalog.register(LOCAL, LOCAL))
    return upload


def has_sent(catalog: Catalog) -> bool:
    """Whether the catalog takes anything for sent; all that tell have to agree."""
    place = catalog.register(LOCAL, LOCAL)
    told = {bool(catalog.last_sent(place, [PATH])), bool(list(catalog.archives())), catalog.holds_archives(place)}
    assert len(told) == 1
    return told.pop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    intents() | streams(),
    st.integers(MIB, 2**42),
    _NAMES,
    st.builds(Checksums, _SIZES, _HEX, st.binary(max_size=100), st.none() | _HEX),
    st.lists(st.builds(ReadProblem, _NAMES, _NAMES), max_size=3),
    st.booleans(),
)
def test_what_is_unfinished_is_what_was_begun(
    catalog: Catalog,
    intent: ArchiveRecord,
    part_size: int,
    upload_id: str,
    sums: Checksums,
    problems: list[ReadProblem],
    changed: bool,
) -> None:
    place, before = catalog.register(LOCAL, LOCAL), now()
    archive = catalog.intend(None, place, intent, part_size)
    noted = unfinished(catalog)
    assert before <= noted.begun <= now()
    assert noted == Unfinished(archive, intent, part_size, None, noted.begun)
    assert noted.upload is None

    catalog.opened(archive, upload_id)
    begun = unfinished(catalog).begun
    assert noted.begun <= begun <= now()
    noted = replace(noted, begun=begun)
    assert unfinished(catalog) == replace(noted, upload_id=upload_id)

    read = replace(intent, problems=tuple(problems), changed_while_read=changed)
    catalog.completing(archive, read, sums, [])
    assert unfinished(catalog) == replace(noted, upload_id=upload_id, record=read, checksums=sums)
    catalog.give_up(archive)


def test_nothing_counts_as_sent_before_it_is_stored(catalog: Catalog) -> None:
    place = catalog.register(LOCAL, LOCAL)
    archive = catalog.intend(None, place, intended(STORED), 16 * MIB)
    assert not has_sent(catalog)
    catalog.opened(archive, "upload-id")
    assert not has_sent(catalog)
    catalog.completing(archive, intended(STORED), checksums(STORED), [a_member()])
    assert not has_sent(catalog)

    catalog.stored(archive, *STORED.receipts)

    assert has_sent(catalog)
    assert catalog.unfinished(place) == ()
    assert catalog.last_sent(place, [PATH])[PATH].id == archive


def test_an_archive_sent_before_stays_the_last_while_the_next_is_under_way(catalog: Catalog) -> None:
    place = filled(catalog, an_archive(digest="01" * 32))

    begun(catalog, an_archive(digest="02" * 32))

    assert catalog.last_sent(place, [PATH])[PATH].digest == "01" * 32
    assert len(list(catalog.archives())) == 1


def test_a_stored_archive_leaves_no_upload_behind(catalog: Catalog, path: str) -> None:
    filled(catalog, STORED)

    assert rows(path, "uploads") == []


def test_an_upload_that_goes_on_replaces_what_was_read_before(catalog: Catalog, path: str) -> None:
    torn = an_archive(problems=[ReadProblem("/srv/photos/a", "gone"), ReadProblem("/srv/photos/b", "gone")])
    archive = begun(catalog, torn)
    again = replace(STORED, fingerprint=replace(STORED.fingerprint, digest="d1 changed"), changed_while_read=True)

    catalog.completing(archive, intended(again), checksums(again), [a_member("photos/c"), a_member("photos/d")])

    assert unfinished(catalog).record == intended(again)
    assert [member.path for member in catalog.members(archive)] == ["photos/c", "photos/d"]
    assert rows(path, "problems") == []


def test_uploads_are_told_in_the_order_of_their_intents(catalog: Catalog) -> None:
    archives = [begun(catalog, an_archive(f"/srv/{name}", sent_at=minutes(-ord(name)))) for name in "bca"]
    catalog.completing(archives[0], intended(STORED), checksums(STORED), [])

    told = catalog.unfinished(1)

    assert [upload.archive for upload in told] == archives == sorted(archives)
    assert [upload.record.label.path for upload in told] == ["/srv/b", "/srv/c", "/srv/a"]


def test_uploads_to_another_place_are_not_told(catalog: Catalog) -> None:
    begun(catalog)
    other = replace(LOCAL, name=f"/mnt/{NOT_UTF8}")

    assert catalog.unfinished(catalog.register(other, other)) == ()


def test_what_is_given_up_leaves_nothing_and_its_id_is_not_used_again(catalog: Catalog, path: str) -> None:
    archive = begun(catalog, an_archive(problems=[ReadProblem("/srv/photos/a", "gone")]))

    catalog.give_up(archive)
    catalog.give_up(archive)

    tables = ("archives", "uploads", "members", "problems", "volumes")
    assert [rows(path, table) for table in tables] == [[]] * len(tables)
    assert begun(catalog) > archive


def test_what_is_stored_can_not_be_given_up(catalog: Catalog) -> None:
    filled(catalog, STORED)

    catalog.give_up(1)

    assert has_sent(catalog)
    assert list(catalog.members(1)) == [a_member()]


def test_a_doubtful_archive_is_neither_sent_nor_unfinished_and_keeps_its_checksums(catalog: Catalog, path: str) -> None:
    archive = begun(catalog)

    catalog.doubt(archive)

    assert not has_sent(catalog)
    assert catalog.unfinished(1) == ()
    (row,) = rows(path, "uploads")
    assert (row["doubtful"], row["tree_hash"], row["leaves"]) == (1, "e2" * 32, b"\xab" * 32)


def test_a_doubtful_archive_that_is_found_is_recorded_as_it_was_read(catalog: Catalog) -> None:
    archive = begun(catalog)
    catalog.doubt(archive)

    catalog.stored(archive, *STORED.receipts)

    assert has_sent(catalog)
    assert list(catalog.members(archive)) == [a_member()]


def test_of_a_doubtful_archive_found_late_and_its_successor_the_successor_is_the_newest(catalog: Catalog) -> None:
    doubtful = begun(catalog, an_archive(digest="01" * 32))
    catalog.doubt(doubtful)
    filled(catalog, an_archive(digest="02" * 32))

    catalog.stored(doubtful, *STORED.receipts)

    assert catalog.last_sent(1, [PATH])[PATH].digest == "02" * 32


def test_what_is_taken_over_during_an_upload_is_older_than_it(catalog: Catalog) -> None:
    archive = begun(catalog)
    catalog.import_uploads(1, [an_upload()], "record")

    catalog.stored(archive, *STORED.receipts)

    assert catalog.last_sent(1, [PATH])[PATH].digest == "d1" * 32


@pytest.mark.parametrize("step", ["opened", "completing", "stored", "doubt"])
def test_an_upload_that_another_run_has_ended_is_refused(catalog: Catalog, path: str, step: str) -> None:
    archive = begun(catalog)
    catalog.stored(archive, *STORED.receipts)
    steps = {
        "opened": lambda: catalog.opened(archive, "upload-id"),
        "completing": lambda: catalog.completing(archive, intended(STORED), checksums(STORED), [a_member()] * 2),
        "stored": lambda: catalog.stored(archive, *STORED.receipts),
        "doubt": lambda: catalog.doubt(archive),
    }

    with pytest.raises(CatalogError, match=f"no upload of archive {archive} under way: another run has ended it"):
        steps[step]()

    assert has_sent(catalog)
    assert list(catalog.members(archive)) == [a_member()]
    assert soundness(path) == []


def test_members_that_fail_leave_the_upload_as_it_was(catalog: Catalog) -> None:
    def members() -> Iterator[Member]:
        for number in range(10_000):
            yield a_member(f"photos/{number}")
        raise SourceError("the index is gone", hint="look at the disk")

    archive = begun(catalog)
    before = unfinished(catalog)
    with pytest.raises(SourceError, match=r"^the index is gone$"):
        catalog.completing(archive, intended(an_archive(digest="02" * 32)), checksums(STORED), members())

    assert unfinished(catalog) == before
    assert list(catalog.members(archive)) == [a_member()]


def test_members_that_use_the_catalog_are_a_defect_and_leave_nothing(catalog: Catalog) -> None:
    def members() -> Iterator[Member]:
        yield a_member()
        catalog.begin_run("host")

    archive = begun(catalog)
    with pytest.raises(RuntimeError, match="inside a transaction"):
        catalog.completing(archive, intended(STORED), checksums(STORED), members())

    assert list(catalog.members(archive)) == [a_member()]


def test_an_archive_that_is_stored_and_can_not_be_recorded_says_where_it_is(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.1)
    with Catalog.open(path) as catalog:
        archive = begun(catalog)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                CatalogError, match=r"^stored as archive-id, but could not be recorded: .* is locked"
            ) as caught:
                catalog.stored(archive, *STORED.receipts)
        assert str(caught.value.__cause__) == f"the catalog {path} is locked by another program"
        assert "fuser" in str(caught.value.hint)

        assert unfinished(catalog).checksums == checksums(STORED)
        catalog.stored(archive, *STORED.receipts)


def test_a_recipe_of_a_newer_program_is_said_so(catalog: Catalog, path: str) -> None:
    begun(catalog)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("""UPDATE archives SET recipe = '{"version": 2}'""")

    with pytest.raises(CatalogError, match="/srv/photos: how its upload was begun can't be read"):
        catalog.unfinished(1)


def test_an_archive_outside_a_run_has_none(catalog: Catalog, path: str) -> None:
    record(catalog, None, catalog.register(LOCAL, LOCAL), STORED)

    assert [row["run"] for row in rows(path, "archives")] == [None]
