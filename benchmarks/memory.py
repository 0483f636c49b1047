"""Peak memory of whole runs, against the promise: 150 MiB and (parts in flight + 1) parts, whatever the size.

How to run it is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from glacier_backup.units import MIB, format_size, parse_size  # noqa: E402  # found only now
from tests.vault_server.process import VaultServer  # noqa: E402

ALLOWED = 150 * MIB
CONCURRENCY = 4
LIMIT = 2_000
PART = {"local": 4 * MIB, "vault": 16 * MIB}
"""What each destination takes by default for archives of these sizes."""

PROGRAM = """
import re, sys
from glacier_backup.cli.main import main
code = main(sys.argv[2:])
with open("/proc/self/status") as status, open(sys.argv[1], "w") as report:
    report.write(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
sys.exit(code)
"""

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


class Measured(NamedTuple):
    """One run of the program; bytes and seconds."""

    code: int
    seconds: float
    peak: int
    """Of the process itself."""
    helpers: int
    """Of the largest of the processes that it started, such as tar."""


class Bench:
    """A folder to work in, with sources that are made once, and the program to be measured."""

    def __init__(self, folder: Path, count: int, size: int) -> None:
        self.folder = folder
        self.count = count
        self.size = size

    def many(self) -> Path:
        """A directory of ``count`` small files."""
        many = self.folder / "many"
        if not many.exists():
            many.mkdir()
            directory = os.open(many, os.O_DIRECTORY)
            for number in range(self.count):
                name = f"{number * 7919 % self.count:07}-photo.jpg"
                file = os.open(name, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=directory)
                os.write(file, str(number).encode())
                os.close(file)
            os.close(directory)
        return many

    def sparse(self) -> Path:
        """A file of ``size`` bytes that takes no space."""
        sparse = self.folder / "sparse"
        with sparse.open("wb") as file:
            file.truncate(self.size)
        return sparse

    def run(self, main: str, section: str, *options: str, environ: dict[str, str] | None = None) -> Measured:
        """One run with a catalog of its own."""
        with TemporaryDirectory(dir=self.folder) as here:
            ini = Path(here, "backup.ini")
            main = (
                f"[main]\ncatalog = {here}/catalog.sqlite3\nlogfile = {here}/log\nconcurrency = {CONCURRENCY}\n{main}\n"
            )
            ini.write_text(main + section)
            command = [sys.executable, "-c", PROGRAM, f"{here}/peak", "-c", str(ini), *options]
            began = time.monotonic()
            with open(f"{here}/out", "wb") as out:
                process = subprocess.Popen(command, cwd=REPOSITORY, stdout=out, env={**os.environ, **(environ or {})})
                helpers = max(_watched(process), default=0)
            seconds = time.monotonic() - began
            return Measured(process.returncode, seconds, int(Path(here, "peak").read_text()) * 1024, helpers)


def _watched(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """Peaks of what ``process`` starts, looked at until it ends."""
    while process.poll() is None:
        for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for child in _read(children).split():
                if (peak := _PEAK.search(_read(Path(f"/proc/{child}/status")))) is not None:
                    yield int(peak[1]) * 1024
        time.sleep(0.1)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def _local(bench: Bench) -> Iterator[tuple[str, dict[str, str]]]:
    with TemporaryDirectory(dir=bench.folder) as vault:
        yield f"destination = {vault}", {}


@contextmanager
def _vault(bench: Bench) -> Iterator[tuple[str, dict[str, str]]]:
    """The strict server of the tests."""
    root = bench.folder / "server"
    with VaultServer(root) as server:
        server.create_vault("bench")
        yield f"vault_name = bench\nregion = {server.region}\nendpoint_url = {server.endpoint_url}", server.environment
    rmtree(root)


DESTINATIONS = {"local": _local, "vault": _vault}

CASES: dict[str, Callable[[Bench], tuple[str, tuple[str, ...]]]] = {
    "dry-run": lambda bench: (f"[{bench.many()}]\nupload_files = yes\n", ("--dryrun",)),
    "dry-run-json": lambda bench: (f"[{bench.many()}]\nupload_files = yes\n", ("--dryrun", "--json")),
    "run": lambda bench: (f"[{bench.many()}]\nupload_files = yes\n", ("--verbose",)),
    "run-limited": lambda bench: (f"[{bench.many()}]\nupload_files = yes\n", ("--verbose", "--limit", str(LIMIT))),
    "directory": lambda bench: (f"[{bench.many()}]\nupload_single_dir = yes\n", ()),
    "sparse": lambda bench: (f"[{bench.sparse()}]\n", ()),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--count", type=int, default=1_000_000, help="candidates, or files in a directory")
    parser.add_argument("--size", type=parse_size, default="20 GiB", help="of the sparse file")
    parser.add_argument("--to", choices=DESTINATIONS, default="local", help="where archives go")
    parser.add_argument("--folder", help="where to make sources and vaults; a temporary one by default")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="memory-", dir=arguments.folder))
        bench = Bench(Path(folder), arguments.count, arguments.size)
        return max([_measure(case, bench, arguments.to) for case in arguments.cases or CASES])


def _measure(case: str, bench: Bench, to: str) -> int:
    """Run one case and say what came of it; 0 when it keeps the promise."""
    section, options = CASES[case](bench)
    bound = ALLOWED + (CONCURRENCY + 1) * PART[to]
    with DESTINATIONS[to](bench) as (destination, environ):
        found = bench.run(destination, section, *options, environ=environ)
    sys.stdout.write(
        f"{case:12}  to {to:5}  {found.seconds:8.1f} s  peak {format_size(found.peak):>8}  bound {format_size(bound)}  "
        f"ratio {found.peak / bound:.2f}  helpers {format_size(found.helpers)}  exit code {found.code}\n"
    )
    sys.stdout.flush()
    return int(found.peak > bound or found.code != 0)


if __name__ == "__main__":
    sys.exit(main())
