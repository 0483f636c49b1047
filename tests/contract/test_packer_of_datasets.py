"""What every packer promises, of what makes streams of datasets."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.increment import Link, link_of
from glacier_backup.model.recipe import Recipe, parse_recipe
from glacier_backup.model.snapshot import Span, span_of
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.zfs import ZfsPacker
from glacier_backup.units import parse_stamp
from glacier_backup.zfs import SendOptions, Zfs
from tests.contract.test_packer import resources
from tests.pack.packing import packed, read_all
from tests.streams import noise
from tests.zfs_fuse.pool import Pool, received

CONTENT = noise(300_001)
SECOND = Link(1, parse_stamp("20260101T040000.000000Z"), parse_stamp("20260101T040000.000000Z"))
SPANS = {
    "baseline": (Span("offsite-20260101"), Link(0)),
    "increment": (Span("offsite-20260103", base="offsite-20260101"), SECOND),
}


class Dataset(NamedTuple):
    """One with three snapshots, and a file for each."""

    name: str
    path: str


@pytest.fixture(scope="module")
def dataset(pool: Pool) -> Dataset:
    made = pool.filesystem()
    for day in ("01", "02", "03"):
        (made.mounted / day).write_bytes(CONTENT)
        made.snapshot(f"offsite-202601{day}")
    return Dataset(made.name, f"zfs:{made.name}")


@pytest.fixture(params=SPANS)
def packer(request: pytest.FixtureRequest) -> Packer:
    return packer_of(*SPANS[request.param])


def packer_of(span: Span, link: Link, size: int | None = None) -> Packer:
    return ZfsPacker(Zfs(), span, link, SendOptions(), size)


@pytest.fixture(scope="module")
def streams(dataset: Dataset) -> dict[str, bytes]:
    """What each of the spans gives."""
    return {name: packed(packer_of(*each), dataset.path, "ds").data for name, each in SPANS.items()}


@pytest.fixture
def stream(packer: Packer, streams: dict[str, bytes]) -> bytes:
    span = span_of(Recipe((packer.step(),)))
    return streams["increment" if span is not None and span.base else "baseline"]


def test_the_same_snapshots_give_the_same_bytes(packer: Packer, dataset: Dataset, stream: bytes) -> None:
    assert packed(packer, dataset.path, "called otherwise").data == stream


@pytest.mark.parametrize("size", [511, 512, 65_536, 10**7])
def test_the_bytes_do_not_depend_on_the_buffer(packer: Packer, dataset: Dataset, stream: bytes, size: int) -> None:
    assert packed(packer, dataset.path, "ds", size).data == stream


def test_only_the_end_comes_short(packer: Packer, dataset: Dataset, stream: bytes) -> None:
    for size in (65_536, len(stream), len(stream) // 2):
        buffer = memoryview(bytearray(size))
        with packer.pack(dataset.path, "ds") as one:
            counts = [one.readinto(buffer) for _ in range(len(stream) // size + 3)]
        assert counts == [size] * (len(stream) // size) + [len(stream) % size, 0, 0]


def test_an_empty_buffer_is_not_the_end(packer: Packer, dataset: Dataset, stream: bytes) -> None:
    with packer.pack(dataset.path, "ds") as one:
        assert one.readinto(memoryview(bytearray())) == 0
        assert read_all(one) == stream


def test_nothing_is_wrong_with_a_snapshot_and_nothing_told_of_what_is_in_it(packer: Packer, dataset: Dataset) -> None:
    result = packed(packer, dataset.path, "ds")
    assert (result.outcome.problems, result.outcome.changed, result.members) == ((), False, [])


def test_what_was_packed_can_be_received(pool: Pool, streams: dict[str, bytes]) -> None:
    target = pool.unused("target")
    received(target, streams["baseline"])
    received(target, streams["increment"], "-F")
    assert sorted(one.name for one in pool.mounted(target).iterdir()) == ["01", "02", "03"]
    assert (pool.mounted(target) / "03").read_bytes() == CONTENT
    assert [one.name for one in Zfs().snapshots(target)] == [f"offsite-2026010{day}" for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("span", "link"), [(Span("gone"), Link(0)), (Span("offsite-20260103", base="gone"), SECOND)], ids=str
)
def test_a_snapshot_that_is_gone_is_an_error_before_anything_is_read(dataset: Dataset, span: Span, link: Link) -> None:
    with pytest.raises(SourceError, match=dataset.path), packer_of(span, link).pack(dataset.path, "ds"):
        pytest.fail("there is no such stream")


def test_a_dataset_that_is_gone_is_an_error(packer: Packer, dataset: Dataset) -> None:
    with pytest.raises(SourceError, match=f"{dataset.path}/gone"), packer.pack(f"{dataset.path}/gone", "ds"):
        pytest.fail("there is no such stream")


@pytest.mark.parametrize("count", [0, 1, 1000, 10**8])
def test_leaving_ends_everything(packer: Packer, dataset: Dataset, count: int) -> None:
    before = resources()
    with packer.pack(dataset.path, "ds") as one:
        one.readinto(memoryview(bytearray(count)))
    assert resources() == before


def test_leaving_by_an_error_ends_everything_and_keeps_the_error(packer: Packer, dataset: Dataset) -> None:
    before = resources()
    with pytest.raises(OSError, match="the wire broke"), packer.pack(dataset.path, "ds"):
        raise OSError("the wire broke")
    assert resources() == before


def test_the_estimate_is_what_was_estimated_or_all_there_is() -> None:
    span, link = SPANS["increment"]
    assert packer_of(span, link, 1234).estimate(5_000, 1) == 1234
    assert packer_of(span, link).estimate(5_000, 1) == 5_000


@pytest.mark.parametrize("name", SPANS)
def test_the_step_tells_span_and_link_and_survives_in_a_recipe(name: str) -> None:
    span, link = SPANS[name]
    recipe = Recipe((packer_of(span._replace(guid="5a1f000000000000"), link).step(),))
    assert parse_recipe(recipe.to_json()) == recipe
    assert (span_of(recipe), link_of(recipe)) == (span._replace(guid="5a1f000000000000"), link)
