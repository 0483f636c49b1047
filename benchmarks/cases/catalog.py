"""How large a catalog is, and how soon it answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Member, Receipt
from glacier_backup.model.candidate import Fingerprint, Kind
from glacier_backup.model.naming import group_path
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.units import MIB

from ..bench import SCRIPT, Bench
from ..measure import Took, in_turns, took
from ..table import Row, at_most

OFTEN = 3
"""As many times the rounds as asked for: each takes less than a second."""
IN_ONE = 10_000
"""Members of one archive."""
SECTION = "/srv/photos"
BEGUN = datetime(2026, 3, 21, 4, 0, tzinfo=UTC)


def members(bench: Bench) -> Iterator[Row]:
    """A million, in archives of directories and, as files of a tree, in packs: their size, and three questions."""
    kinds: tuple[Kind, ...] = ("directory", "group")
    for kind in kinds:
        catalog = bench.folder / f"{kind}.sqlite3"
        count = _filled(catalog, bench.count(100), kind)
        size = catalog.stat().st_size
        of = f"{count:,} members in {'packs' if kind == 'group' else 'directories'}"
        yield at_most(f"a catalog of {of}", size / count, 250, " B a member", f"{size / MIB:.0f} MiB")
        yield from _answers(bench, catalog, of, 0.3, "list")


def many(bench: Bench) -> Iterator[Row]:
    """Five million."""
    catalog = bench.folder / "many.sqlite3"
    count = _filled(catalog, bench.count(500), "directory")
    yield from _answers(bench, catalog, f"{count:,} members", 0.5)


def _answers(bench: Bench, catalog: Path, of: str, bound: float, *more: str) -> Iterator[Row]:
    questions = {
        **{verb: [verb] for verb in more},
        "find NAME": ["find", "img-0000-001234.jpg"],
        "find GLOB": ["find", "*-000123.jpg"],
        "find PATH": ["find", "2012/holiday-in-the-mountains-012/img-0000"],
    }
    turns = in_turns(
        bench.rounds * OFTEN, {name: partial(_asked, catalog, words) for name, words in questions.items()}, warm=True
    )
    for name in questions:
        processor = f"{turns.processor(name):.2f} s of the processor, {turns.peak(name) // MIB} MiB"
        yield at_most(f"`{name}` in {of}", turns.clock(name), bound, " s", processor)


def _asked(catalog: Path, words: list[str]) -> Took:
    return took([SCRIPT, *words, "--catalog", catalog])


def _filled(path: Path, archives: int, kind: Kind) -> int:
    """Record so many archives as a run does; returns how many members they have in all."""
    with Catalog.open(str(path)) as catalog:
        place = Place("local", "/mnt/vault")
        place_id = catalog.register(place, place)
        for number in range(archives):
            record = _archive(number, kind)
            receipt = Receipt(f"archive-{number}", MIB, "ab" * 32, b"\xab" * 32, BEGUN + timedelta(minutes=number))
            sums = Checksums(receipt.size, receipt.tree_hash, receipt.leaves)
            id = catalog.intend(None, place_id, record, MIB)
            catalog.completing(id, record, sums, _members(number, "photos" if kind == "group" else record.label.name))
            catalog.stored(id, receipt)
    return archives * IN_ONE


def _archive(number: int, kind: Kind) -> ArchiveRecord:
    digest = f"{number:064x}"
    name = f"album-{number:04}"
    path = group_path(SECTION, digest) if kind == "group" else f"{SECTION}/{name}"
    recipe = Recipe((Step("tar", {"format": "pax"}),))
    label = Label(name, path, "host", kind, "tar", BEGUN + timedelta(minutes=number), recipe.id)
    return ArchiveRecord(label, name, recipe, Fingerprint(digest, MIB, IN_ONE, 1_700_000_000_000_000_000, 0o755))


def _members(archive: int, top: str) -> Iterator[Member]:
    """A hundred in a folder, each of another size and time."""
    offset = 0
    for number in range(IN_ONE):
        folder = f"{top}/{2000 + number // 100 % 25}/holiday-in-the-mountains-{number // 100:03}"
        size = number * 7_919 % 5_000_000
        mtime_ns = 1_600_000_000_123_456_789 + (archive * IN_ONE + number) * 1_000_000_007
        yield Member(f"{folder}/img-{archive:04}-{number:06}.jpg", "file", size, mtime_ns, 0o644, offset, None)
        offset += 512 + -(-size // 512) * 512
