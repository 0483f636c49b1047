"""To and from OpenSSH's server, beside scp: near by, over a long way, and through to S3 without a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from glacier_backup.units import GIB, MIB
from tests.ssh_server.relay import Relay
from tests.ssh_server.sshd import Sshd, find_sshd

from ..bench import Bench, forget, noise
from ..measure import Failed, Took, in_turns, took
from ..table import Row, at_least
from .s3 import serving

ROUND_TRIP = 0.050
"""Seconds, added by a relay that limits nothing else."""

OUR_CIPHER = "aes128-gcm@openssh.com"
"""What we agree on with OpenSSH; scp, as it comes, takes chacha20-poly1305."""


class Beside:
    """What scp and we do with one file and one server, over the same way: all are on this machine."""

    def __init__(self, bench: Bench, sshd: Sshd, port: int, file: Path) -> None:
        self._bench = bench
        self._sshd = sshd
        self._port = port
        self._file = file
        self._there = bench.folder / "there"
        self._back = bench.folder / "back"

    @property
    def login(self) -> str:
        """As options of ours."""
        return f"ssh_key = {self._sshd.key}\nhost_key = {self._sshd.host_key}"

    @property
    def url(self) -> str:
        """The file on the server."""
        return f"sftp://127.0.0.1:{self._port}{self._file}"

    def sent(self) -> Took:
        """A run of ours, from an empty catalog to an empty directory."""
        rmtree(self._there, ignore_errors=True)
        self._there.mkdir()
        forget(self._bench.folder / "run.sqlite3")
        main = f"destination = sftp://127.0.0.1:{self._port}{self._there}\n{self.login}"
        return self._bench.program("-c", self._bench.ini("run", main, f"[{self._file}]"))

    def restored(self) -> Took:
        """What was sent last, brought back."""
        try:
            return self._bench.program("restore", "-c", self._bench.folder / "run.ini", "--to", self._back)
        finally:
            rmtree(self._back, ignore_errors=True)

    def scp_there(self, *options: str) -> Took:
        copy = self._bench.folder / "copy"
        return self._scp(copy, *options, str(self._file), f"127.0.0.1:{copy}")

    def scp_back(self, *options: str) -> Took:
        copy = self._bench.folder / "copy"
        return self._scp(copy, *options, f"127.0.0.1:{self._file}", str(copy))

    def _scp(self, made: Path, *arguments: str) -> Took:
        known = f"UserKnownHostsFile={self._bench.folder}/known_hosts"
        (self._bench.folder / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {self._sshd.host_key}\n")
        login = ("-F", "none", "-o", known, "-o", "IdentitiesOnly=yes", "-i", self._sshd.key, "-P", str(self._port))
        try:
            return took(["scp", "-q", *login, *arguments])
        finally:
            made.unlink()


@contextmanager
def _beside(bench: Bench, size: int, delay: float = 0.0) -> Iterator[Beside]:
    program = find_sshd()
    if program is None:
        raise Failed("no sshd is installed")
    file = bench.made("from") / "large"
    noise(file, size)
    with Sshd(bench.folder / "sshd", program) as sshd, Relay(sshd.port, delay) as relay:
        yield Beside(bench, sshd, relay.port if delay else sshd.port, file)


def to_server(bench: Bench) -> Iterator[Row]:
    """2 GiB from a disk to the server."""
    size = bench.size(2 * GIB)
    with _beside(bench, size) as beside:
        turns = in_turns(
            bench.rounds,
            {
                "ours": beside.sent,
                "scp": beside.scp_there,
                "our cipher": lambda: beside.scp_there("-c", OUR_CIPHER),
            },
        )
    gib = size / GIB
    yield at_least(
        f"{size // MIB:,} MiB to sshd",
        1 / turns.clocks("ours", "scp"),
        0.8,
        " × `scp`",
        f"{turns.clock('ours'):.2f} s for {turns.clock('scp'):.2f} ({turns.clock('our cipher'):.2f} with our cipher); "
        f"processor {turns.processor('ours') / gib:.2f} s/GiB; peak {turns.peak('ours') // MIB} MiB",
    )


def through(bench: Bench) -> Iterator[Row]:
    """2 GiB from the server to S3, over TLS, no disk between."""
    size = bench.size(2 * GIB)
    with _beside(bench, size) as beside, serving(bench) as store:
        file = bench.folder / "from" / "large"
        turns = in_turns(
            bench.rounds,
            {
                "ours": lambda: store.ours(bench, f"[{beside.url}]\n{beside.login}"),
                "scp": beside.scp_back,
                "rclone": lambda: store.rclone(file),
            },
        )
    slower = max(("scp", "rclone"), key=turns.clock)
    yield at_least(
        f"{size // MIB:,} MiB from sshd through to S3 over TLS",
        1 / turns.clocks("ours", slower),
        0.8,
        " × the slower of `scp` to memory and `rclone copy` of a local file",
        f"{turns.clock('ours'):.2f} s for {turns.clock('scp'):.2f} and {turns.clock('rclone'):.2f}; "
        f"processor {turns.processor('ours') / (size / GIB):.2f} s/GiB; peak {turns.peak('ours') // MIB} MiB",
    )


def far(bench: Bench) -> Iterator[Row]:
    """1 GiB there and back, 50 ms of round trip between: `scp` is only there to show what that does."""
    size = bench.size(GIB)
    with _beside(bench, size, ROUND_TRIP / 2) as beside:
        turns = in_turns(
            bench.rounds,
            {
                "to it": beside.sent,
                "from it": beside.restored,
                "scp to it": beside.scp_there,
                "scp from it": beside.scp_back,
            },
        )
    for way in ("to it", "from it"):
        yield at_least(
            f"{size // MIB:,} MiB over {1000 * ROUND_TRIP:.0f} ms to sshd, {way}",
            size / 1e6 / turns.clock(way),
            100,
            " MB/s",
            f"start-up and all; scp {size / 1e6 / turns.clock(f'scp {way}'):.0f} MB/s; "
            f"peak {turns.peak(way) // MIB} MiB",
        )
