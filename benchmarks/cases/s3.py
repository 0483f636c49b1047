"""To S3 over TLS, beside the aws CLI and rclone: one large file, and many small ones as a tree."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from urllib.request import Request, urlopen

from glacier_backup.units import GIB, MIB
from tests.s3_servers.process import rclone

from ..bench import Bench, forget, noise, small_files
from ..measure import Took, in_turns, took
from ..peers import peer
from ..table import Row, at_least, at_most

IN_FLIGHT = 4
"""Files that we and rclone send at a time: what we do by default."""

_CERTIFICATE = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1")


class Server:
    """``rclone serve s3`` over TLS, its clients each with a bucket that nobody has used before."""

    def __init__(self, folder: Path, address: str, certificate: Path) -> None:
        self._folder = folder
        """Where its objects lie, each a file."""
        self._address = address
        self._trusting = ssl.create_default_context(cafile=str(certificate))
        self._environ = _environ(address, certificate)
        self._made = 0

    def aws(self, *arguments: str | Path) -> Took:
        to = f"s3://{self._bucket()}/there/"
        return took([peer("aws"), "s3", *arguments, to, "--only-show-errors"], environ=self._environ)

    def rclone(self, *arguments: str | Path) -> Took:
        return took([peer("rclone"), "copy", *arguments, f"store:{self._bucket()}/there"], environ=self._environ)

    def ours(self, bench: Bench, section: str) -> Took:
        """One run, from an empty catalog."""
        forget(bench.folder / "run.sqlite3")
        to = f"destination = s3://{self._bucket()}/there\nstorage_class = STANDARD\nconcurrency = {IN_FLIGHT}"
        return bench.program("-c", bench.ini("run", to, section), environ=self._environ)

    def _bucket(self) -> str:
        """A new one; what is in the one before is removed behind the server's back, and makes room."""
        rmtree(self._folder / f"bucket-{self._made}", ignore_errors=True)
        self._made += 1
        request = Request(f"{self._address}/bucket-{self._made}", method="PUT")  # noqa: S310  # https, as made here
        with urlopen(request, context=self._trusting):  # noqa: S310
            return f"bucket-{self._made}"


@contextmanager
def serving(bench: Bench) -> Iterator[Server]:
    """One for the length of the block."""
    certificate, key, buckets = bench.folder / "server.crt", bench.folder / "server.key", bench.made("buckets")
    files = ("-keyout", key, "-out", certificate)
    name = ("-addext", "subjectAltName=IP:127.0.0.1")
    command: list[str | Path] = ["openssl", *_CERTIFICATE, *name, *files]
    subprocess.run(command, check=True, capture_output=True)
    with rclone(buckets, "--cert", str(certificate), "--key", str(key)) as address:
        yield Server(buckets, address, certificate)


def _environ(address: str, certificate: Path) -> Mapping[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": address,
        "AWS_CA_BUNDLE": str(certificate),
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # its trailers are more than this server reads
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CA_CERT": str(certificate),
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Rclone",
        "RCLONE_CONFIG_STORE_ENDPOINT": address,
        "RCLONE_CONFIG_STORE_ENV_AUTH": "true",
    }


def large_file(bench: Bench) -> Iterator[Row]:
    """4 GiB, the tree hash included in ours."""
    size = bench.size(4 * GIB)
    file = bench.made("from") / "large"
    noise(file, size)
    with serving(bench) as server:
        turns = in_turns(
            bench.rounds,
            {
                "ours": lambda: server.ours(bench, f"[{file}]"),
                "aws": lambda: server.aws("cp", file),
                "rclone": lambda: server.rclone(file),
            },
        )
    what, gib = f"{size // MIB:,} MiB to S3 over TLS", size / GIB
    cpu = {name: turns.processor(name) / gib for name in ("ours", "aws", "rclone")}
    for other, bound, command in (("aws", 0.9, "aws s3 cp"), ("rclone", 0.45, "rclone copy")):
        yield at_most(
            f"{what}, processor",
            turns.processors("ours", other),
            bound,
            f" × `{command}`",
            f"{cpu['ours']:.2f} s/GiB for {cpu[other]:.2f}; peak {turns.peak('ours') // MIB} MiB",
        )
    faster = min(("aws", "rclone"), key=turns.clock)
    figures = ", ".join(f"{name} {turns.clock(name):.2f} s" for name in ("ours", "aws", "rclone"))
    yield at_most(f"{what}, wall", turns.clocks("ours", faster), 1.0, " × the faster of the two", figures)


def tree(bench: Bench) -> Iterator[Row]:
    """20,000 files of 10 kB, each an object."""
    count = bench.count(20_000)
    top = bench.made("from") / "tree"
    small_files(top, count, 10_000, in_a_folder=200)
    with serving(bench) as server:
        turns = in_turns(
            bench.rounds,
            {
                "ours": lambda: server.ours(bench, f"[{top}]\nupload_tree = yes"),
                "aws": lambda: server.aws("sync", top),
                "rclone": lambda: server.rclone("--transfers", str(IN_FLIGHT), top),
            },
        )
    speed = {name: count / turns.clock(name) for name in ("ours", "aws", "rclone")}
    for other, bound, command in (("aws", 1.5, "aws s3 sync"), ("rclone", 1.0, f"rclone copy --transfers {IN_FLIGHT}")):
        yield at_least(
            f"{count:,} files of 10 kB as a tree to S3 over TLS",
            1 / turns.clocks("ours", other),
            bound,
            f" × `{command}`",
            f"{speed['ours']:,.0f} files/s for {speed[other]:,.0f}; processor {turns.processors('ours', other):.2f} ×",
        )
