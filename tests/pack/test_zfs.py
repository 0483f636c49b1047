"""Streams of datasets that don't come as they should, and what is asked of ``zfs send``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.increment import Link
from glacier_backup.model.snapshot import Span
from glacier_backup.pack.zfs import ZfsPacker
from glacier_backup.zfs import SendOptions, Zfs
from tests.contract.test_packer import resources
from tests.pack.packing import packed, read_all
from tests.streams import noise
from tests.zfs_fuse.daemon import program
from tests.zfs_fuse.pool import Made, Pool, received, zfs

PLAIN = SendOptions()

InFrontOfSend = Callable[[str], None]


@pytest.fixture
def in_front_of_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InFrontOfSend:
    """Lets a few lines of shell run in place of each ``$ZFS "$@"`` that sends a stream."""
    real = program("zfs")

    def install(lines: str) -> None:
        folder = tmp_path / "in front"
        folder.mkdir()
        script = folder / "zfs"
        script.write_text(
            f'#!/bin/sh\nZFS={real}\nif [ "$1" = send ] && [ "$#" -gt 1 ]; then\n{lines}\nfi\nexec $ZFS "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install


@pytest.fixture
def photos(pool: Pool) -> Made:
    made = pool.filesystem("photos")
    (made.mounted / "one").write_bytes(noise(3_000_000))
    made.snapshot("a")
    return made


def packer(span: Span, options: SendOptions = PLAIN) -> ZfsPacker:
    return ZfsPacker(Zfs(), span, Link(0), options, None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('$ZFS "$@" | head -c 100000; echo "warning: cannot send: I/O error" >&2; exit 1', "I/O error"),
        ('$ZFS "$@"; exit 1', "exit status 1"),
        ("exit 1", "exit status 1"),
        ('$ZFS "$@" | head -c 131072; kill -9 $$', "signal 9"),
        ("exit 0", "nothing"),
    ],
)
def test_what_zfs_doesn_t_end_well_is_no_stream(
    photos: Made, in_front_of_send: InFrontOfSend, lines: str, said: str
) -> None:
    in_front_of_send(lines)
    before = resources()
    for size in (1000, 65_536, 10**7):  # also where all of it, or all that comes, fills the buffer
        with packer(Span("a")).pack(f"zfs:{photos.name}", "ds") as stream:
            for _ in range(2):  # asked once more, it is no better
                with pytest.raises(SourceError, match=said) as error:
                    read_all(stream, size)
                assert str(error.value).startswith(f"zfs:{photos.name}: ")
    assert resources() == before


def test_another_snapshot_of_that_name_is_not_sent(photos: Made) -> None:
    (planned,) = Zfs().snapshots(photos.name)
    zfs("destroy", f"{photos.name}@a")
    photos.snapshot("a")
    with pytest.raises(SourceError, match="isn't the one"):
        packed(packer(Span("a", planned.guid)), f"zfs:{photos.name}", "ds")
    (made,) = Zfs().snapshots(photos.name)
    assert packed(packer(Span("a", made.guid)), f"zfs:{photos.name}", "ds").data


def test_intermediates_travel_or_stay(photos: Made, pool: Pool) -> None:
    for name in ("b", "c"):
        (photos.mounted / name).write_text(name)
        photos.snapshot(name)
    for intermediates, expected in ((True, ["a", "b", "c"]), (False, ["a", "c"])):
        target = pool.unused()
        for span in (Span("a"), Span("c", base="a")):
            stream = packed(packer(span, SendOptions(intermediates)), f"zfs:{photos.name}", "ds").data
            received(target, stream, "-F")
        assert [one.name for one in Zfs().snapshots(target)] == expected


def test_properties_travel_where_that_is_asked_for(photos: Made, pool: Pool) -> None:
    zfs("set", "checksum=sha256", photos.name)
    for properties, expected in ((True, "sha256"), (False, "on")):
        target = pool.unused()
        stream = packed(packer(Span("a"), SendOptions(properties=properties)), f"zfs:{photos.name}", "ds").data
        received(target, stream)
        assert zfs("get", "-H", "-o", "value", "checksum", target).strip() == expected


def test_what_this_zfs_can_t_send_raw_is_an_error(photos: Made) -> None:
    with pytest.raises(SourceError, match="raw"):
        packed(packer(Span("a"), SendOptions(raw=True)), f"zfs:{photos.name}", "ds")
