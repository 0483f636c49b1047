"""The packer that makes a tar without GNU tar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glacier_backup.exclusion import Exclusion
from glacier_backup.pack.local_tar import written_here
from glacier_backup.pack.packer import PackedStream
from glacier_backup.pack.tar import TarPacker
from tests.pack.packing import Packed, packed


class TarPackerHere(TarPacker):
    """What :class:`TarPacker` is where GNU tar is missing."""

    def leaving_out(self, exclusion: Exclusion) -> TarPackerHere:
        return TarPackerHere(exclusion)

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[PackedStream]:
        with written_here(path, stored_name, self._exclusion) as stream:
            yield stream


def written(top: Path, stored_name: str) -> Packed:
    """The whole tar of ``top``."""
    return packed(TarPackerHere(), top, stored_name)
