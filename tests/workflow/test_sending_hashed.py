"""Files of whole trees that are hashed as they are sent, where their section compares by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Label
from glacier_backup.model.manifest import parse_manifest
from glacier_backup.model.record import LastSent
from glacier_backup.seal.chain import NO_SEAL
from glacier_backup.units import KIB
from tests.fakes import LIMITS
from tests.streams import noise
from tests.workflow.packs import Killed, Packs
from tests.workflow.seals import chain
from tests.workflow.world import outcomes

LARGE = noise(300 * KIB)


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Packs]:
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        found = Packs(tmp_path, catalog)
        found.hashing = "always"
        yield found


def fill(packs: Packs) -> None:
    """Two files that go together, one with holes and a link; and one that goes alone."""
    packs.write("a")
    packs.write("2020/b", "b" * 1000)
    packs.write("holes")
    os.truncate(packs.folder / "holes", 20 * KIB)
    (packs.folder / "link").symlink_to("nowhere")
    packs.write("large")
    (packs.folder / "large").write_bytes(LARGE)
    os.utime(packs.folder / "large", (1_600_000_000,) * 2)


def last_sent(packs: Packs) -> dict[str, LastSent]:
    """By name."""
    paths = [str(path) for path in packs.folder.rglob("*") if path.is_symlink() or path.is_file()]
    sent = packs.catalog.last_sent(packs.place_id(), paths)
    return {os.path.relpath(path, packs.folder): last for path, last in sent.items()}


def known(packs: Packs) -> dict[str, str | None]:
    return {name: last.sha256 for name, last in last_sent(packs).items()}


def expected(packs: Packs) -> dict[str, str]:
    contents = {
        str(path.relative_to(packs.folder)): os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        for path in packs.folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


@pytest.mark.parametrize("steps", ["", "zstd", "age", "openssl", "split openssl", "openssl split", "age split"])
@pytest.mark.parametrize("spooled", [False, True])
def test_what_was_sent_is_known_by_its_content(packs: Packs, tmp_path: Path, steps: str, spooled: bool) -> None:
    fill(packs)
    packs.seal = chain(steps, tmp_path)[0] if steps else NO_SEAL
    packs.spool_dir = str(tmp_path / "spool") if spooled else None

    assert outcomes(packs.run()) == "sent sent"

    assert known(packs) == expected(packs)
    assert outcomes(packs.run()).split() == ["skipped"] * 5


def test_in_volumes_with_hidden_names_it_is_known_too(packs: Packs, tmp_path: Path) -> None:
    fill(packs)
    packs.seal, packs.private = chain("age", tmp_path)[0], True
    packs.run()
    assert known(packs) == expected(packs)


def test_where_content_is_not_compared_nothing_is_hashed(packs: Packs) -> None:
    fill(packs)
    packs.hashing = "never"
    packs.run()
    assert {*known(packs).values()} == {None}


def test_without_packs_every_file_is_hashed_by_itself_empty_ones_too(packs: Packs) -> None:
    fill(packs)
    packs.write("empty")
    os.truncate(packs.folder / "empty", 0)
    packs.pack_size = None
    packs.destination.limits = replace(LIMITS, least=1)  # as a vault's, where an empty file goes into a tar

    packs.run()

    assert known(packs) == expected(packs)
    assert [one.container for one in packs.archives() if one.path.endswith("empty")] == ["tar"]
    assert {one.path: one.sha256 for one in packs.archives()} == {
        f"{packs.folder}/{name}": sha256 for name, sha256 in expected(packs).items()
    }


@pytest.mark.parametrize("steps", ["", "openssl", "split openssl"])
def test_what_is_gone_on_with_is_hashed_from_its_beginning(packs: Packs, tmp_path: Path, steps: str) -> None:
    fill(packs)
    packs.seal = chain(steps, tmp_path)[0] if steps else NO_SEAL

    def kill(label: Label, *_: object) -> None:
        if "large" in label.path and (not steps.startswith("split") or label.volume == 2):
            raise Killed

    packs.destination.on_complete = kill
    packs.run_and_die()
    assert "large" not in known(packs)

    packs.run()

    assert known(packs) == expected(packs)


def test_what_has_changed_since_it_was_read_is_known_by_what_was_sent(packs: Packs) -> None:
    fill(packs)
    was = expected(packs)

    def change(label: Label, *_: object) -> None:
        path = packs.folder / "large"
        if "large" in label.path:
            path.write_bytes(LARGE[::-1])
            os.utime(path, (1_600_000_000,) * 2)

    packs.destination.on_complete = change
    packs.run()
    packs.destination.on_complete = lambda *_: None

    assert known(packs) == was
    assert outcomes(packs.run()).split().count("sent") == 1
    assert known(packs) == expected(packs) != was


def test_the_manifest_of_a_plain_file_tells_its_hash(packs: Packs) -> None:
    fill(packs)
    packs.run()
    told = {one.label.path: one.sha256 for one in map(parse_manifest, packs.destination.manifests.values())}
    assert told == {one.path: one.sha256 for one in packs.archives()}
    assert {*told.values()} == {None, hashlib.sha256(LARGE).hexdigest()}
