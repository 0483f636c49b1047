"""Sealed archives as they lie in a directory destination, or were fetched from anywhere."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.model.archive import ArchiveRecord, Container, Label
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.increment import Link
from glacier_backup.model.manifest import ObjectSums, manifest
from glacier_backup.model.naming import archive_name, key
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.snapshot import Span, stream_step
from glacier_backup.seal import par2
from glacier_backup.seal.chain import Chain
from tests.seal.sealing import Sealed, chained
from tests.streams import noise

TIME = datetime(2026, 3, 21, 4, 0, 0, 123456, UTC)
STEM = "20260321T040000.123456Z"
A_DAY = timedelta(days=1)


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar with these, in this order."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), 1_600_000_000, 0o640
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


DOCS = {"docs/a": b"hello\n", "docs/b": noise(250_000), "docs/c": b"the end\n" * 1000}
"""Files of an archive that is a few volumes."""


def put(
    folder: Path,
    chain: Chain,
    data: bytes | None = None,
    *,
    path: str = "/home/me/docs",
    container: Container = "tar",
    fixed_key: str | None = None,
    span: Span | None = None,
) -> list[Path]:
    """Seal ``data``, or a tar of :data:`DOCS`, and put all of its objects into ``folder``: volumes, then parity, then
    the manifest. It is of a dataset where ``span`` says which snapshots it goes between."""
    folder.mkdir(exist_ok=True)
    link = Link(0) if span is None or not span.base else Link(1, TIME - A_DAY, TIME - A_DAY)
    packing = Step(container) if span is None else stream_step(container, span, link)
    recipe = Recipe((packing, *chain.steps()))
    kind: Kind = "dataset" if span is not None else "directory" if container == "tar" else "file"
    name = archive_name(path, container, kind)
    label = Label(name, path, "host", kind, container, TIME, recipe.id, fixed_key=fixed_key, suffix=chain.suffix)
    if span is not None:
        label = replace(label, link=str(link), span=str(span))
    base = os.path.basename(key(label)).removesuffix(chain.suffix)
    objects: list[ObjectSums] = []
    volumes, beside = [], []
    for volume in chained(chain, tar_of(DOCS) if data is None else data):
        suffix = chain.volume_suffix(volume.number)
        file = folder / f"{base}{suffix}"
        file.write_bytes(volume.data)
        number = volume.number if chain.split is not None else 0
        objects.append(_sums(f"host{path}/{file.name}", volume, suffix, number))
        volumes.append(file)
        for made in par2.create(str(file), chain.parity, lambda: None) if chain.parity is not None else ():
            beside.append(Path(made))
            parity = Sealed(Path(made).read_bytes())
            sums = _sums(f"host{path}/{beside[-1].name}", parity, beside[-1].name.removeprefix(base), number)
            objects.append(sums._replace(role="parity"))
    record = ArchiveRecord(label, key(label), recipe, Fingerprint("0" * 64, 1, 1, 0))
    text = folder / f"{base}{chain.suffix}.recipe.json"
    text.write_text(manifest(record, objects))
    return [*volumes, *beside, text]


def _sums(locator: str, volume: Sealed, suffix: str, number: int) -> ObjectSums:
    digest = tree_hash(leaf_digests(volume.data))
    return ObjectSums(locator, len(volume.data), digest, None, volume.hmac_sha256, "data", number, suffix)


def content(folder: Path) -> dict[str, bytes]:
    """What is below ``folder``, hidden folders of ours included."""
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
