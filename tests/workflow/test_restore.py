"""The durable restore, over every kind of destination."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glacier_backup.model.restore import ByteRange, RestoreItem
from glacier_backup.units import MIB
from tests.contract.places import PLACES, Place
from tests.streams import noise
from tests.workflow.library import Library, look


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture
def library(place: Place, tmp_path: Path) -> Library:
    return Library(tmp_path / "library", place.connect)


def fill(library: Library) -> None:
    source = library.source
    (source / "small").write_bytes(b"hello")
    (source / "large").write_bytes(noise(9 * MIB + 77))
    folder = source / "photos"
    (folder / "2019").mkdir(parents=True)
    for number in range(30):
        (folder / "2019" / f"img_{number:04}.jpg").write_bytes(noise(1000 + number, number))
    (folder / "big.raw").write_bytes(noise(3 * MIB, 9))
    (folder / "link").symlink_to("2019/img_0001.jpg")
    os.link(folder / "2019" / "img_0003.jpg", folder / "again.jpg")
    os.utime(folder / "2019", ns=(10**18, 10**18 + 1))
    os.chmod(folder / "2019", 0o555)


def test_everything_comes_back_as_it_was(library: Library, place: Place) -> None:
    fill(library)
    library.back_up()

    first = library.restore()
    place.thaw_now()
    last = library.restore()

    assert first.exit_code in (0, 75)
    assert last.exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert not library.staging.exists()


def test_a_verification_reads_everything_and_writes_nothing(library: Library, place: Place) -> None:
    fill(library)
    library.back_up()
    with library.catalog() as catalog:
        items = [RestoreItem(archive.id, "") for archive in library.archives(catalog)]
    wish = library.wish(purpose="verify", target="", what=("--full",))

    library.restore(items, wish=wish)
    place.thaw_now()
    summary = library.restore(items, wish=wish)

    assert (summary.exit_code, summary.counts) == (0, {"verified": 3}), library.causes()
    assert list(library.target.iterdir()) == []
    with library.catalog() as catalog:
        assert all(one.volumes[0].verified_at for one in library.archives(catalog))
        assert next(iter(catalog.restores())).ended_at is not None


def test_one_member_comes_back_alone(library: Library, place: Place) -> None:
    fill(library)
    library.back_up()
    with library.catalog() as catalog:
        archive = next(one for one in library.archives(catalog) if one.container == "tar")
        found = list(catalog.members_at(archive.id, "photos/2019"))
        behind = catalog.offset_behind(archive.id, found[-1][0])
    item = RestoreItem(archive.id, "then", "photos/2019", (ByteRange(found[0][1].offset, behind),))

    library.restore([item])
    place.thaw_now()

    assert library.restore([item]).exit_code == 0, library.causes()
    assert look(library.target / "then") == look(library.source / "photos" / "2019")
