"""Whatever dies at which step: the next run knows what was begun and what is stored."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.errors import CatalogError
from tests.catalog.inside import soundness
from tests.catalog.processes import running_module
from tests.catalog.steps import AFTER, SEALED_STEPS, STEPS, STORED, before, state, take, up_to
from tests.catalog.values import LOCAL, a_member, an_archive, checksums, intended, record

_EACH_STEP = pytest.mark.parametrize("step", STEPS + SEALED_STEPS)


def killed(path: str, step: str, where: str) -> None:
    """A process that takes the steps up to this one is killed there."""
    with running_module("tests.catalog.steps", path, step, where) as process:
        process.kill()
        process.wait()


def taken_before(catalog: Catalog, step: str) -> None:
    catalog.register(LOCAL, LOCAL)
    for earlier in up_to(step):
        take(catalog, earlier)


def fill_up(disk: Path) -> Path:
    filler = disk / "filler"
    with open(filler, "ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return filler


@_EACH_STEP
def test_a_process_killed_after_a_step_has_taken_it(path: str, step: str) -> None:
    killed(path, step, "after")

    with Catalog.peek(path) as looked, Catalog.open(path) as catalog:
        assert state(looked) == state(catalog) == AFTER[step]
    assert soundness(path) == []


@_EACH_STEP
def test_a_process_killed_inside_a_step_has_not_taken_it(path: str, step: str) -> None:
    killed(path, step, "inside")

    with Catalog.peek(path) as looked, Catalog.open(path) as catalog:
        assert state(looked) == state(catalog) == AFTER[before(step)]
        take(catalog, step)
        assert state(catalog) == AFTER[step]
    assert soundness(path) == []


def test_a_process_killed_midway_in_the_members_leaves_none(path: str) -> None:
    killed(path, "completing", "midway")

    with Catalog.open(path) as catalog:
        assert state(catalog) == AFTER["opened"]
    assert soundness(path) == []


@_EACH_STEP
def test_a_disk_that_is_full_stops_a_step_and_keeps_those_before(small_disk: Path, step: str) -> None:
    path = str(small_disk / "catalog.sqlite3")
    with Catalog.open(path) as catalog:
        taken_before(catalog, step)
        filler = fill_up(small_disk)

        with pytest.raises(CatalogError, match=f"the disk of the catalog {path} is full") as caught:
            take(catalog, step)

        told_where = re.match(r"stored as (the-id|/srv/photos\.zst\.v001\.age), but could not", str(caught.value))
        assert bool(told_where) == (step in ("stored", "object_stored"))
        assert "make room" in str(caught.value.hint)
        assert state(catalog) == AFTER[before(step)]
        filler.unlink()
        take(catalog, step)
        assert state(catalog) == AFTER[step]
    assert soundness(path) == []


def test_a_disk_that_gets_full_midway_in_the_members_leaves_none(small_disk: Path) -> None:
    path = str(small_disk / "catalog.sqlite3")
    with Catalog.open(path) as catalog:
        taken_before(catalog, "completing")
        many = (a_member(f"photos/{number}" + "x" * 200) for number in range(100_000))

        with pytest.raises(CatalogError, match="is full"):
            catalog.completing(1, intended(STORED), checksums(STORED), many)

        assert state(catalog) == AFTER["opened"]
        record(catalog, None, 1, an_archive("/srv/after"), [a_member()])
    assert soundness(path) == []


@_EACH_STEP
def test_no_step_can_be_taken_while_only_looking(path: str, step: str) -> None:
    with Catalog.open(path) as catalog:
        taken_before(catalog, step)
    content = Path(path).read_bytes()

    with Catalog.peek(path) as catalog:
        with pytest.raises(CatalogError):
            take(catalog, step)
        assert state(catalog) == AFTER[before(step)]

    assert Path(path).read_bytes() == content
    assert os.listdir(os.path.dirname(path)) == ["catalog.sqlite3"]
