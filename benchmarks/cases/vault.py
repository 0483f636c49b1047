"""One large file to a vault and back, beside the hashing and copying that it takes at least, and other uploaders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from glacier_backup.units import GIB
from tests.vault_server.process import VaultServer

from ..bench import Bench, forget, noise
from ..measure import Took, in_turns, took
from ..peers import peer
from ..table import Row, at_most

PART = 16
"""MiB of a part: what we take for such a file by default."""

THAWING = 75
"""The exit code of a restore that has only asked for it."""

HASHES = """
import hashlib, sys
source, times, target = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
passes = [hashlib.sha256() for _ in range(times)]
buffer = memoryview(bytearray(1 << 20))
out = open(target[0], "wb", buffering=0) if target else None
with open(source, "rb", buffering=0) as file:
    while count := file.readinto(buffer):
        for one in passes:
            one.update(buffer[:count])
        if out:
            out.write(buffer[:count])
"""
"""What nobody can do without: reads a file, hashes it so many times, and writes a copy where one is named."""

UPLOAD = """
import boto3, sys
from glacier_upload.cli import glacier_cli

def as_documented(params, **_):
    params["range"] = params["range"].partition("/")[0] + "/*"

boto3.setup_default_session()
boto3.DEFAULT_SESSION.events.register("before-parameter-build.glacier.UploadMultipartPart", as_documented)
glacier_cli()
"""
"""glacier-upload, which names the size of the archive in the range of each part: the strict server takes none."""


def send(bench: Bench) -> Iterator[Row]:
    """To the strict server of the tests, which checks signatures and hashes everything twice itself."""
    file, size = bench.folder / "it", bench.size(4 * GIB)
    noise(file, size)
    turns = in_turns(
        bench.rounds,
        {
            "hashes": lambda: took([sys.executable, "-c", HASHES, file, "2"]),
            "ours": lambda: _ours(bench, file),
            "glacier-upload": lambda: _glacier_upload(bench, file),
            "aws": lambda: _aws(bench, file),
        },
    )
    gib, what = size / GIB, f"{size / GIB:.3g} GiB to the vault server"
    busy = turns.processor("ours") / turns.clock("ours")
    yield at_most(
        f"{what}: processor",
        turns.processors("ours", "hashes"),
        1.3,
        " × two passes of SHA-256",
        f"{turns.processor('ours') / gib:.2f} s for {turns.processor('hashes') / gib:.2f} s per GiB; "
        f"glacier-upload {turns.processor('glacier-upload') / gib:.2f} s, aws {turns.processor('aws') / gib:.2f} s",
    )
    for other, bound, name in (("glacier-upload", 0.7, "glacier-upload"), ("aws", 1, "aws glacier upload-archive")):
        yield at_most(
            f"{what}: clock",
            turns.clocks("ours", other),
            bound,
            f" × `{name}`",
            f"{turns.clock('ours'):.2f} s for {turns.clock(other):.2f} s; {busy:.1f} cores are ours",
        )


def restore(bench: Bench) -> Iterator[Row]:
    """The way back, out of a vault that makes everything readable at once."""
    file, back, size = bench.folder / "it", bench.folder / "back", bench.size(4 * GIB)
    noise(file, size)
    with _vault(bench) as server:
        ini = _ini(bench, server, file)
        bench.program("-c", ini, environ=server.environment)

        def ours(code: int = 0) -> Took:
            return bench.program("restore", "-c", ini, "--to", _new(back), environ=server.environment, code=code)

        def copy() -> Took:
            return took([sys.executable, "-c", HASHES, file, "1", _new(back) / "it"])

        ours(THAWING)
        turns = in_turns(bench.rounds, {"copy": copy, "ours": ours})
    gib = size / GIB
    yield at_most(
        f"restore of {gib:.3g} GiB from the vault server: processor",
        turns.processors("ours", "copy"),
        1.4,
        " × one pass of SHA-256 and a copy",
        f"{turns.processor('ours') / gib:.2f} s for {turns.processor('copy') / gib:.2f} s per GiB; "
        f"by the clock {turns.clock('ours'):.2f} s for {turns.clock('copy'):.2f} s",
    )


def _new(top: Path) -> Path:
    """A folder that no restore has gone into yet. What came back before is removed."""
    rmtree(top, ignore_errors=True)
    folder = top / uuid4().hex
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _vault(bench: Bench) -> Iterator[VaultServer]:
    """A server with one empty vault. What it has stored is gone behind it."""
    root = bench.folder / "server"
    with VaultServer(root) as server:
        server.create_vault("bench")
        yield server
    rmtree(root)


def _ini(bench: Bench, server: VaultServer, file: Path) -> Path:
    main = f"vault_name = bench\nregion = {server.region}\nendpoint_url = {server.endpoint_url}\npart_size = {PART} MiB"
    return bench.ini("run", main, f"[{file}]")


def _ours(bench: Bench, file: Path) -> Took:
    forget(bench.folder / "run.sqlite3")
    with _vault(bench) as server:
        return bench.program("-c", _ini(bench, server, file), environ=server.environment)


def _glacier_upload(bench: Bench, file: Path) -> Took:
    python = peer("glacier").with_name("python")
    with _vault(bench) as server:
        environ = {**server.environment, "AWS_ENDPOINT_URL": server.endpoint_url}
        return took([python, "-c", UPLOAD, "upload", "--part-size", str(PART), "bench", file], environ=environ)


def _aws(bench: Bench, file: Path) -> Took:
    """In one request, as the CLI has it."""
    with _vault(bench) as server:
        where = ("--endpoint-url", server.endpoint_url, "--account-id", "-", "--vault-name", "bench")
        return took([peer("aws"), "glacier", "upload-archive", *where, "--body", file], environ=server.environment)
