"""Chains of increments: sent, gone on with, laid over each other and removed, whatever goes wrong meanwhile."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from glacier_backup.config.prices import read_prices
from glacier_backup.destination.destination import Destination
from glacier_backup.destination.local import Local
from glacier_backup.errors import UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.event import Event, Warned
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.retention import Policy
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.pack.increment import packer_of_link
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.plan.removal import Present
from glacier_backup.plan.restore import plan_restore
from glacier_backup.plan.retention import Policies
from glacier_backup.plan.words import Word
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.local_listing import listing
from glacier_backup.resolve.source import Selection
from glacier_backup.units import MIB
from glacier_backup.workflow.backup import Backup, preview, run
from glacier_backup.workflow.delete import Delete, plan_delete
from glacier_backup.workflow.prune import Prune, plan_prune
from glacier_backup.workflow.sending.prepare import Order
from glacier_backup.workflow.tools import Chaining, Origin, Target, Tools
from tests.streams import noise
from tests.workflow.dying import Killed, dying
from tests.workflow.library import Library, look
from tests.workflow.removals import NOW

NEVER = FullEvery()


@dataclass
class Chains(Library):
    """A library whose directories are sent as chains."""

    full_every: FullEvery = NEVER
    told: list[Event] = field(default_factory=list)
    listing: Callable[..., object] = listing

    @property
    def home(self) -> Path:
        return self.source / "home"

    def send(self, *, force: bool = False, dry: bool = False, code: int = 0) -> list[str]:
        """Why each was sent, or would be."""
        time.sleep(0.03)  # what changed in the tick before is sent once more
        with self.catalog() as catalog, ExitStack() as stack:
            destination = stack.enter_context(closing(self.connect()))
            selection = Selection(str(self.source), dirs=True, compare=True, destinations=("main",))
            chaining = Chaining(self.listing, packer_of_link)  # type: ignore[arg-type]  # some count
            origin = Origin(LocalSource([], {}), PACKERS, LINKS, GROUPS, chaining=chaining)
            tools = Tools(
                {"": origin},
                "nas",
                increments={str(self.source): self.full_every},
                seal=lambda section: self.chain,
                temporary_dir=str(self.folder / "spool"),
            )
            backup = Backup(
                Order((selection,), force=force), tools, [Target("main", destination, MIB)], catalog, concurrency=1
            )
            if dry:
                return [str(one.reason) for one in preview(backup).decisions]
            self.told.clear()
            summary = run(backup, self.told.append, StopRequest())
            assert summary.exit_code == code
            return [str(one.decision.reason).partition("; ")[2] for one in summary.results if one.outcome == "sent"]

    def known(self) -> list[StoredArchive]:
        with self.catalog() as catalog:
            return list(catalog.stored_archives(ArchiveFilter()))

    def members(self, number: int) -> list[str]:
        with self.catalog() as catalog:
            return [one.path for one in catalog.members(number)]

    def bring_back(self, moment: datetime | None = None, **more: object) -> int:
        with self.catalog() as catalog:
            items = list(plan_restore(catalog, (), moment).items)
        # As the command would have it: below its own name.
        items = [item.__class__(item.archive, "home", item.member, item.ranges, chain=item.chain) for item in items]
        return self.restore(items, wish=self.wish(**more)).exit_code


@pytest.fixture
def chains(tmp_path: Path) -> Chains:
    found = Chains(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True), concurrency=1)
    for name in ("a", "b/c", "b/d/e", "z/kept"):
        (found.home / name).parent.mkdir(parents=True, exist_ok=True)
        (found.home / name).write_text(name)
    return found


def grow(chains: Chains) -> list[dict[str, tuple[object, ...]]]:
    """Three archives, and what the directory was at each."""
    looks = []
    for number in range(3):
        if number == 1:
            (chains.home / "a").write_text("two")
            shutil.rmtree(chains.home / "b/d")
        elif number == 2:
            (chains.home / "new").mkdir()
            (chains.home / "new/file").write_text("3")
            (chains.home / "b").chmod(0o555)
        assert len(chains.send()) == 1
        looks.append(look(chains.source))
    return looks


def test_only_what_has_changed_is_sent(chains: Chains) -> None:
    grow(chains)

    assert [one.link and one.link.number for one in chains.known()] == [0, 1, 2]
    assert chains.members(2) == ["home", "home/a", "home/b"]
    assert chains.members(3) == ["home", "home/b", "home/new", "home/new/file"]
    assert [one.source_bytes for one in chains.known()][1:] == [3, 1]
    assert chains.send() == []


def test_a_dry_run_says_what_it_would_be(chains: Chains) -> None:
    assert chains.send(dry=True) == ["not sent yet; in full"]
    chains.send()
    (chains.home / "a").unlink()
    (chains.home / "x").write_text("x")
    (said,) = chains.send(dry=True)
    assert said.startswith("changed since ")
    assert said.endswith("; increment 1: 1 new, 0 changed, 1 deleted")
    assert chains.send(dry=True, force=True) == ["forced; in full"]
    assert chains.send(force=True) == ["in full"]


def test_a_chain_that_is_long_enough_begins_anew(chains: Chains) -> None:
    chains.full_every = FullEvery(increments=2)
    said = []
    for number in range(5):
        (chains.home / "a").write_text(f"{number}")
        said += chains.send()
    numbers = [one.partition(":")[0] for one in said]
    assert numbers == ["in full", "increment 1", "increment 2", "in full", "increment 1"]
    assert said[3] == "in full: 2 increments have followed the last full one"


def test_what_is_damaged_is_not_built_on(chains: Chains) -> None:
    grow(chains)
    chains.sql("UPDATE volumes SET damaged_at = '2026-03-01T00:00:00.000000Z', damage = 'missing' WHERE archive = 2")
    (chains.home / "a").write_text("four")
    (said,) = chains.send()
    assert said.startswith("in full: increment 1 of ")
    assert said.endswith(" is damaged: missing")


def test_the_same_delta_is_what_an_upload_goes_on_with(chains: Chains, tmp_path: Path) -> None:
    chains.send()
    (chains.home / "large").write_bytes(noise(5 * MIB, 7))
    (chains.home / "a").unlink()
    chains.full_every = FullEvery(increments=1)
    really = chains.connect

    def dying_connect() -> Destination:
        destination = really()
        send = destination.send

        def broken(upload: object, stream: object, progress: object) -> object:
            def counting(count: int) -> None:
                raise Killed

            return send(upload, stream, counting)  # type: ignore[arg-type]

        destination.send = broken  # type: ignore[method-assign, assignment]
        return destination

    chains.connect = dying_connect
    with pytest.raises((Killed, AssertionError)):
        chains.send()
    chains.connect = really
    before = chains.known()
    # Meanwhile the limit has come down: what is under way is no increment too many.
    chains.full_every = FullEvery(percent=1)
    (said,) = chains.send()

    assert len(before) == 1
    assert said.startswith(("increment 1", "in full"))
    assert [one.link and one.link.number for one in chains.known()] == [0, 1]
    assert chains.bring_back() == 0
    assert look(chains.target) == look(chains.source)


def test_what_changes_while_it_is_read_is_sent_again(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    chains.send()
    (chains.home / "a").write_text("two")
    really = Local.send
    changed = chains.home / "b/c"

    def send(self: Local, *given: object) -> object:
        result = really(self, *given)  # type: ignore[arg-type]
        changed.write_text("changed meanwhile")
        return result

    monkeypatch.setattr(Local, "send", send)
    chains.send()
    monkeypatch.undo()
    assert any("changed while it was read" in event.message for event in chains.told if isinstance(event, Warned))
    assert chains.send() == ["increment 2: 0 new, 1 changed, 0 deleted"]
    assert chains.bring_back() == 0
    assert look(chains.target) == look(chains.source)


def test_a_file_that_vanishes_while_it_is_sent_is_gone_with_the_next(
    chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains.send()
    (chains.home / "b/c").write_text("is going to vanish")
    really = listing

    def gone_behind(candidate: object) -> object:
        yield from really(candidate)  # type: ignore[arg-type]
        (chains.home / "b/c").unlink(missing_ok=True)

    chains.listing = gone_behind
    chains.send()
    chains.listing = listing
    chains.send()
    assert chains.send() == []
    assert chains.bring_back() == 0
    assert look(chains.target) == look(chains.source)


POINTS = [
    "glacier_backup.workflow.restoring.item_folder.ItemFolder.finish",
    "glacier_backup.workflow.restoring.chain_items.lay_over",
    "glacier_backup.workflow.restoring.layers._remove",
    "glacier_backup.workflow.restoring.layers._put_one",
    "glacier_backup.workflow.restoring.layers._make_like",
    "glacier_backup.workflow.restoring.staging.Staging.flush",
    "glacier_backup.workflow.restoring.beneath.rename_new",
    "glacier_backup.workflow.restoring.fetch_round.publish",
    "glacier_backup.workflow.restoring.chain_items.tidy",
    "glacier_backup.workflow.restoring.book.Book.end_if_done",
]


@pytest.mark.parametrize(("nth", "after"), [(1, False), (2, True)], ids=["before the first", "after the second"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.rpartition(".")[2])
def test_killed_at_any_step_a_restore_ends_right(
    chains: Chains, monkeypatch: pytest.MonkeyPatch, point: str, nth: int, after: bool
) -> None:
    looks = grow(chains)
    with monkeypatch.context() as patched:
        dying(patched, point, after=after, nth=nth)
        with suppress(Killed):
            chains.bring_back()

    assert chains.bring_back() == 0, chains.causes()
    assert look(chains.target) == looks[-1]
    assert not chains.staging.exists()


def test_nothing_is_fetched_twice(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = grow(chains)
    with monkeypatch.context() as patched:
        dying(patched, "glacier_backup.workflow.restoring.chain_items.lay_over", after=True, nth=1)
        with pytest.raises(Killed):
            chains.bring_back()
    shutil.rmtree(chains.folder.parent / "vault")
    (chains.folder.parent / "vault").mkdir()

    assert chains.bring_back() == 0, chains.causes()
    assert look(chains.target) == looks[-1]


def test_each_time_comes_back_as_it_was(chains: Chains) -> None:
    looks = grow(chains)
    for archive, wanted in zip(chains.known(), looks, strict=True):
        shutil.rmtree(chains.target)
        chains.target.mkdir()
        assert chains.bring_back(archive.time, at=archive.time.isoformat()) == 0
        assert look(chains.target) == wanted


def test_where_files_can_not_be_linked_it_is_the_same(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = grow(chains)

    def refused(*given: object, **named: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("glacier_backup.workflow.restoring.layers.os.link", refused)
    assert chains.bring_back() == 0, chains.causes()
    assert look(chains.target) == looks[-1]


def test_of_a_chain_with_a_damaged_archive_nothing_gets_a_name(chains: Chains) -> None:
    grow(chains)
    (increment,) = (chains.folder.parent / "vault").rglob("*.inc1.tar")
    spoiled = bytearray(increment.read_bytes())
    spoiled[2_000] ^= 0xFF
    increment.write_bytes(spoiled)

    assert chains.bring_back() == 5
    assert os.listdir(chains.target) == []
    assert "damaged" in chains.ended().values()
    assert not chains.staging.exists()
    with chains.catalog() as catalog:
        assert [one.choice.archive for one in plan_restore(catalog, ()).entries] == [1]


def test_what_is_there_already_stays_or_is_the_same(chains: Chains) -> None:
    grow(chains)
    shutil.copytree(chains.home, chains.target / "home", symlinks=True)
    assert chains.bring_back() == 0
    (chains.target / "home/a").write_text("mine")
    with chains.catalog() as catalog:
        for restore in catalog.restores():
            catalog.forget_restore(restore.id)
    assert chains.bring_back() == 1
    assert (chains.target / "home/a").read_text() == "mine"
    assert chains.bring_back(overwrite=True) == 0
    assert (chains.target / "home/a").read_text() == "two"
    assert [path.read_text() for path in chains.target.glob("home~*/a")] == ["mine"]


@pytest.mark.parametrize(
    "listed", [b"../outside\0", b"/etc\0", b"home\0", b"home/../../outside\0", b"home/a", b"home//a\0", b"home/.\0"]
)
def test_a_hostile_list_removes_nothing(chains: Chains, listed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(chains)
    (chains.folder / "outside").write_text("precious")
    (chains.target.parent / "outside").write_text("precious")
    opening = "glacier_backup.workflow.restoring.layers.open"
    monkeypatch.setattr(opening, lambda file, mode: _Fake(file, listed), raising=False)

    assert chains.bring_back() == 5
    assert (chains.target.parent / "outside").read_text() == "precious"
    assert os.listdir(chains.target) == []


class _Fake:
    """An open file with other content."""

    def __init__(self, file: int, content: bytes) -> None:
        self._file = file
        self._content = content

    def __enter__(self) -> _Fake:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self, size: int) -> bytes:
        content, self._content = self._content, b""
        return content


def test_what_an_increment_builds_on_is_not_removed(chains: Chains) -> None:
    grow(chains)
    present = Present(read_prices(), NOW)
    with chains.catalog() as catalog:
        policies = Policies({str(chains.source): Policy(keep_last=1)})
        assert list(plan_prune(Prune(policies, "nas", present), catalog).removals) == []
        word = (Word("id:1", "/"),)
        with pytest.raises(UsageError, match=r"increments of .*/home build on what would be deleted: id:2 of .*, id:3"):
            plan_delete(Delete(word, "nas", os.path.exists, present), catalog)
        last = Delete((Word("id:3", "/"),), "nas", os.path.exists, present)
        assert [one.id for one in plan_delete(last, catalog).removals] == [3]
        words = (Word(str(chains.home), "/"),)
        every = Delete(words, "nas", os.path.exists, present, all_versions=True, even_last=True)
        assert [one.id for one in plan_delete(every, catalog).removals] == [1, 2, 3]
    (chains.home / "a").write_text("again")
    chains.send(force=True)
    with chains.catalog() as catalog:
        assert [one.id for one in plan_prune(Prune(policies, "nas", present), catalog).removals] == [1, 2, 3]
