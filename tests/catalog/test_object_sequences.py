"""Whatever order the steps of objects come in, and whenever the catalog is closed: it knows what is stored."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, ReadProblem, Receipt, Role
from glacier_backup.model.stored import ArchiveFilter, StoredVolume
from glacier_backup.units import MIB
from tests.catalog.inside import rows, soundness
from tests.catalog.values import LOCAL, a_member, a_receipt, a_sealed, an_object, sums_of

_ROLES: list[Role] = ["data", "parity", "manifest"]


@dataclass
class _Object:
    """The one on its way."""

    label: Label
    part_size: int
    upload_id: str | None = None
    sums: Checksums | None = None
    slice_sha256: str | None = None


class Steps(RuleBasedStateMachine):
    """One archive after the other, and what the catalog is to know of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "catalog.sqlite3")
        self.catalog = Catalog.open(self.path)
        self.place = self.catalog.register(LOCAL, LOCAL)
        self.finished: dict[int, list[StoredVolume]] = {}
        self.intend()

    def intend(self) -> None:
        self.record: ArchiveRecord = a_sealed()
        self.archive = self.catalog.intend(None, self.place, self.record, MIB)
        self.under_way: _Object | None = None
        self.stored: list[StoredVolume] = []
        self.members = 0

    @rule(role=st.sampled_from(_ROLES), volume=st.integers(1, 3), part_size=st.sampled_from([MIB, 16 * MIB]))
    def begin(self, role: Role, volume: int, part_size: int) -> None:
        self.under_way = _Object(an_object(self.record, role, volume), part_size)
        self.catalog.begin_object(self.archive, self.under_way.label, part_size)

    @precondition(lambda self: self.under_way)
    @rule(upload_id=st.text(st.characters(codec="ascii"), min_size=1))
    def open(self, upload_id: str) -> None:
        assert self.under_way is not None
        self.under_way.upload_id = upload_id
        self.catalog.opened(self.archive, upload_id)

    @precondition(lambda self: self.under_way)
    @rule(hmac=st.sampled_from([None, "c3" * 32]), slice_sha256=st.sampled_from([None, "d4" * 32, "d5" * 32]))
    def send(self, hmac: str | None, slice_sha256: str | None) -> None:
        assert self.under_way is not None
        self.under_way.sums = sums_of(a_receipt(self.under_way.label), hmac)
        self.under_way.slice_sha256 = slice_sha256
        self.catalog.object_sent(self.archive, self.under_way.sums, slice_sha256)

    @precondition(lambda self: self.under_way and self.under_way.sums)
    @rule()
    def store(self) -> None:
        one = self.under_way
        assert one is not None
        receipt = a_receipt(one.label)
        self.catalog.object_stored(self.archive, receipt)
        number = max((known.number for known in self.stored), default=0) + 1
        self.stored.append(_volume(number, receipt, one))
        self.under_way = None

    @rule()
    def drop(self) -> None:
        self.catalog.drop_object(self.archive)
        self.under_way = None

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.stored))
        self.catalog.object_gone(self.archive, gone.number)
        self.stored.remove(gone)

    @rule(members=st.integers(0, 3), problems=st.booleans())
    def read(self, members: int, problems: bool) -> None:
        found = (ReadProblem("/srv/photos/a", "gone"),) if problems else ()
        self.record = replace(self.record, problems=found, changed_while_read=problems)
        self.members = members
        self.catalog.set_contents(self.archive, self.record, (a_member(str(number)) for number in range(members)))

    @precondition(lambda self: self.stored and self.under_way is None)
    @rule()
    def finish(self) -> None:
        self.catalog.finish(self.archive)
        self.finished[self.archive] = [replace(one, slice_sha256=None) for one in self.stored]
        self.intend()

    @rule()
    def give_up(self) -> None:
        self.catalog.give_up(self.archive)
        self.intend()

    @rule()
    def reopen(self) -> None:
        self.catalog.close()
        self.catalog = Catalog.open(self.path)

    @invariant()
    def what_is_unfinished_is_known(self) -> None:
        (left,) = self.catalog.unfinished(self.place)
        one = self.under_way
        assert (left.archive, left.record, left.stored) == (self.archive, self.record, tuple(self.stored))
        assert left.object == (one and one.label)
        assert (left.upload_id, left.checksums) == ((one.upload_id, one.sums) if one else (None, None))
        assert one is None or left.part_size == one.part_size
        assert sum(1 for _ in self.catalog.members(self.archive)) == self.members

    @invariant()
    def what_is_finished_is_known(self) -> None:
        told = {one.id: one for one in self.catalog.stored_archives(ArchiveFilter())}
        assert told.keys() == self.finished.keys()
        for id, objects in self.finished.items():
            assert sorted(told[id].objects, key=lambda one: one.number) == objects
            assert [one.volume for one in told[id].volumes] == sorted(
                one.volume for one in objects if one.role == "data"
            )

    def teardown(self) -> None:
        self.catalog.close()
        kept = {*self.finished, self.archive}
        assert {row["archive"] for row in rows(self.path, "volumes")} <= kept
        assert [row["archive"] for row in rows(self.path, "uploads")] == [self.archive]
        assert {row["id"] for row in rows(self.path, "archives")} == kept
        assert soundness(self.path) == []
        self.folder.cleanup()


def _volume(number: int, receipt: Receipt, sent: _Object) -> StoredVolume:
    assert sent.sums is not None
    return StoredVolume(
        number=number,
        locator=receipt.locator,
        size=receipt.size,
        tree_hash=receipt.tree_hash,
        stored_at=receipt.stored_at,
        sha256=receipt.sha256,
        crc64nvme=receipt.crc64nvme,
        storage_class=receipt.storage_class,
        has_leaves=True,
        role=sent.label.role,
        volume=sent.label.volume,
        suffix=sent.label.suffix,
        hmac_sha256=sent.sums.hmac_sha256,
        slice_sha256=sent.slice_sha256,
    )


TestSteps = Steps.TestCase
TestSteps.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
