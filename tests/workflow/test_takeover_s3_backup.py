from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.destination.destination import Check
from glacier_backup.errors import DestinationError, Interrupted, VolumeMissing
from glacier_backup.model.naming import describe
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.model.thaw import Stored, Thaw
from glacier_backup.plan.s3_backup import Tree
from glacier_backup.plan.told_by_key import Key
from glacier_backup.workflow.takeover_s3_backup import TOGETHER, TakenOver, Tools, take_over_bucket
from tests.contract.sending import LABEL
from tests.fakes import PLACE, MemoryDestination
from tests.workflow.world import World

TREE = Tree("/srv/data", "host")
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Bucket(MemoryDestination):
    """A list of versions, newest first of each key, as a bucket has it."""

    versions_listed: list[Stored] = field(default_factory=list)
    latency: float = 0.0
    examined: int = 0
    fails: Callable[[str], None] = lambda locator: None

    def add(self, key: str, *, hours: int = 0, hidden: int | None = None, **metadata: str) -> None:
        locator = f"{key}?versionId={len(self.versions_listed)}"
        hidden_at = None if hidden is None else FIRST + hidden * HOUR
        one = Stored(locator, 5, FIRST + hours * HOUR, storage_class="DEEP_ARCHIVE", hidden_at=hidden_at)
        self.versions_listed.append(
            replace(one, metadata={name.replace("_", "-"): said for name, said in metadata.items()})
        )

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        return (replace(one, metadata={}) for one in self.versions_listed)

    def examine(self, stored: Stored, check: Check) -> Stored:
        self.examined += 1
        time.sleep(self.latency)
        self.fails(stored.locator)
        said = next(one.metadata for one in self.versions_listed if one.locator == stored.locator)
        return replace(stored, metadata=said, description=said.get("description"), stored_at=datetime.now(UTC))


class Taking:
    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.bucket = Bucket()
        self.place_id = catalog.register(PLACE, PLACE)

    def __call__(self, check: Check = lambda: None, tree: Tree = TREE) -> TakenOver:
        tools = Tools(self.catalog, self.place_id, self.bucket, _key_of, check)
        return take_over_bucket(tree, None, tools)

    def archives(self) -> list[StoredArchive]:
        return [*self.catalog.stored_archives(ArchiveFilter())]


def _key_of(locator: str) -> Key:
    key = locator.partition("?")[0]
    return Key(key, key)


@pytest.fixture
def taking(world: World) -> Taking:
    return Taking(world.catalog)


def test_a_thousand_objects_take_no_longer_than_a_twentieth_of_what_s3_backup_takes(taking: Taking) -> None:
    for number in range(1000):
        taking.bucket.add(f"{number:04}", hash="{SHA256}" + sha256(str(number)))
    taking.bucket.latency = 0.05

    begun = time.monotonic()
    done = taking()

    assert (done.files, taking.bucket.examined) == (1000, 1000)
    assert time.monotonic() - begun < 71 / 20


def test_s3_backup_defect_13_whatever_interrupts_it_the_next_time_goes_on(taking: Taking) -> None:
    for number in range(TOGETHER + 200):
        taking.bucket.add(f"{number:04}")

    def fails(locator: str) -> None:
        if locator > f"{TOGETHER + 150}":
            raise Interrupted("stopped")

    taking.bucket.fails = fails
    with pytest.raises(Interrupted):
        taking()
    taking.bucket.fails = lambda locator: None
    before = taking.bucket.examined

    done = taking()

    assert (done.known, done.files) == (TOGETHER, 200)
    assert taking.bucket.examined - before == 200


def test_what_was_deleted_is_put_away_and_so_are_older_versions_of_it(taking: Taking) -> None:
    taking.bucket.add("gone", hours=1, hidden=2, hash="{SHA256}" + sha256("b"))
    taking.bucket.add("gone", hash="{SHA256}" + sha256("a"))
    taking.bucket.add("here", hours=1)
    taking.bucket.add("here")
    taking.bucket.add("x*~.zip", hours=3, num_items="1", list_hash="ab" * 32)
    taking.bucket.add("x*~.zip", hours=1, num_items="2", list_hash="cd" * 32)

    done = taking()

    assert (done.files, done.groups, done.older, done.deleted) == (4, 2, 3, 2)
    expired = {(one.path.removeprefix("/srv/data/"), one.sent_at): one.expired_at for one in taking.archives()}
    assert expired == {
        ("gone", FIRST + HOUR): FIRST + 2 * HOUR,
        ("gone", FIRST): FIRST + 2 * HOUR,
        ("here", FIRST + HOUR): None,
        ("here", FIRST): None,
        ("x*~.zip", FIRST + 3 * HOUR): None,
        ("x*~.zip", FIRST + HOUR): FIRST + 3 * HOUR,
    }
    last = taking.catalog.last_sent(taking.place_id, ["/srv/data/gone", "/srv/data/here", "/srv/data/x*~.zip"])
    assert {path: one.sent_at for path, one in last.items()} == {
        "/srv/data/here": FIRST + HOUR,
        "/srv/data/x*~.zip": FIRST + 3 * HOUR,
    }


def test_of_versions_of_one_second_that_which_is_listed_first_is_the_newest(taking: Taking) -> None:
    for number in reversed(range(3)):
        taking.bucket.add("film", hash="{SHA256}" + sha256(str(number)))

    taking()

    (last,) = taking.catalog.last_sent(taking.place_id, ["/srv/data/film"]).values()
    assert last.sha256 == sha256("2")
    told = [one.sha256 for one in taking.catalog.stored_archives(ArchiveFilter(path="/srv/data/film"))]
    assert told == [sha256("0"), sha256("1"), sha256("2")]
    assert last.sent_at == FIRST


def test_what_is_deleted_after_it_was_taken_over_is_put_away_the_next_time(taking: Taking) -> None:
    taking.bucket.add("a")
    taking()
    taking.bucket.versions_listed[0] = replace(taking.bucket.versions_listed[0], hidden_at=FIRST + HOUR)

    assert taking().known == 1

    assert [one.expired_at for one in taking.archives()] == [FIRST + HOUR]


def test_what_is_ours_or_can_be_no_file_or_vanishes_is_left_out(taking: Taking) -> None:
    taking.bucket.add("ours", description=describe(LABEL))
    taking.bucket.add("vanishing")
    taking.bucket.add("host/.catalog/20260101T000000.000000Z.sqlite3.gz")
    taking.bucket.add("host/a/20260101T000000.000000Z.tar")
    for key in ("../up", "/top", "a//b", "folder/"):
        taking.bucket.add(key)
    taking.bucket.add("refused")

    def fails(locator: str) -> None:
        if locator.startswith("vanishing"):
            raise VolumeMissing("it is gone")
        if locator.startswith("refused"):
            raise DestinationError("HeadObject was refused")

    taking.bucket.fails = fails
    done = taking()

    assert (done.files, done.groups, done.left_out) == (0, 0, 5)
    assert done.examples == [
        *(f"{key}: no file can be called so" for key in ("../up", "/top", "a//b", "folder/")),
        "refused: it could not be looked at: HeadObject was refused",
    ]


def test_keys_that_filters_made_are_those_of_the_files_that_are_here(taking: Taking) -> None:
    taking.bucket.add("a.gpg", plaintext_size="3", plaintext_hash="{SHA256}" + sha256("abc"))
    taking.bucket.add("unknown.gpg")
    tree = replace(TREE, renamed={"a.gpg": "/srv/data/sub/a"}.get)

    taking(tree=tree)

    found = {one.path: (one.source_bytes, one.fixed_key, one.sha256) for one in taking.archives()}
    assert found == {
        "/srv/data/sub/a": (5, "a.gpg", sha256("abc")),
        "/srv/data/unknown.gpg": (5, "unknown.gpg", None),
    }
