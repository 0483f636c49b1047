"""Peak memory of whole runs: 150 MiB and the parts in flight with one more, whatever there is to send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import rmtree

from glacier_backup.units import GIB, MIB
from tests.vault_server.process import VaultServer

from ..bench import Bench, small_files
from ..table import Row, at_most

ALLOWED = 150 * MIB
CONCURRENCY = 4
"""Parts in flight."""
PART, VAULT_PART = 4 * MIB, 16 * MIB
"""What a directory, and a vault, take by default for archives of these sizes."""
LIMIT = 2_000
FILES, SENT_ALONE = 1_000_000, 100_000
SIZE = 8 * GIB
"""Of a file that takes no space where it lies, and all of that where it goes."""


def memory(bench: Bench) -> Iterator[Row]:
    """Plans and runs over many candidates, a large directory, and a large file to both kinds of vaults."""
    files, sparse = bench.count(FILES), bench.folder / "sparse"
    size = bench.size(SIZE)
    small_files(bench.folder / "many", files, 10)
    small_files(bench.folder / "some", bench.count(SENT_ALONE), 10)
    with sparse.open("wb") as file:
        file.truncate(size)
    each, alone = (f"[{bench.folder / name}]\nupload_files = yes" for name in ("many", "some"))
    yield _to_a_directory(bench, f"a plan of {files:,} candidates", each, "--dryrun")
    yield _to_a_directory(bench, f"the same as JSON, {files:,} candidates", each, "--dryrun", "--json")
    yield _to_a_directory(bench, f"a run that sends {bench.count(SENT_ALONE):,} files", alone, "--verbose")
    limited = ("--verbose", "--limit", str(LIMIT))
    yield _to_a_directory(bench, f"a run that sends {LIMIT:,} of {files:,} files", each, *limited)
    whole = f"[{bench.folder / 'many'}]\nupload_single_dir = yes"
    yield _to_a_directory(bench, f"a directory of {files:,} files", whole)
    yield _to_a_directory(bench, f"a file of {size // MIB:,} MiB", f"[{sparse}]")
    yield _to_a_vault(bench, f"a file of {size // MIB:,} MiB to a vault", f"[{sparse}]")


def _to_a_directory(bench: Bench, what: str, section: str, *options: str) -> Row:
    return _peak(bench, what, f"destination = {_new(bench)}", section, PART, options)


def _to_a_vault(bench: Bench, what: str, section: str) -> Row:
    with VaultServer(_new(bench)) as server:
        server.create_vault("bench")
        main = f"vault_name = bench\nregion = {server.region}\nendpoint_url = {server.endpoint_url}"
        return _peak(bench, what, main, section, VAULT_PART, environ=server.environment)


def _peak(
    bench: Bench,
    what: str,
    main: str,
    section: str,
    part: int,
    options: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
) -> Row:
    """Of the largest process of one run with a catalog of its own: its helpers, such as tar, count too."""
    name = f"run{len([*bench.folder.glob('run*.ini')])}"
    ini = bench.ini(name, f"concurrency = {CONCURRENCY}\n{main}", section)
    taken = bench.program("-c", ini, *options, environ=environ)
    bound = ALLOWED + (CONCURRENCY + 1) * part
    return at_most(f"memory of {what}", taken.peak / MIB, bound / MIB, " MiB", f"in {taken.clock:.1f} s")


def _new(bench: Bench) -> Path:
    """An empty folder, in place of the one before: what was sent there takes room."""
    there = bench.folder / "there"
    rmtree(there, ignore_errors=True)
    there.mkdir()
    return there
