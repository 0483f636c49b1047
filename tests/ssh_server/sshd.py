"""OpenSSH's own server, with internal-sftp, a host key and one authorized key of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from glacier_backup.ssh import Server

SSHD = "/usr/sbin/sshd"

_CONFIG = """\
ListenAddress 127.0.0.1
HostKey {root}/host_key
HostKey {root}/host_key_rsa
AuthorizedKeysFile {root}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
MaxStartups 100
MaxAuthTries 20
Subsystem sftp internal-sftp
"""


def find_sshd() -> str | None:
    """Where sshd is; None where it isn't installed."""
    return shutil.which("sshd") or (SSHD if os.access(SSHD, os.X_OK) else None)


class Sshd:
    """Runs for the length of a ``with`` block; ``root`` keeps its keys and its log. Whoever runs the tests logs in."""

    def __init__(self, root: Path, program: str, prefix: tuple[str, ...] = (), more: str = "") -> None:
        """``prefix``: what the command line begins with, as ``setpriv …``; ``more``: lines of its configuration."""
        self.root = root
        self.program = [*prefix, program]
        """The command line's beginning."""
        self._more = more
        self.port = 0
        self._command = [*self.program, "-D", "-e", "-f", str(root / "config")]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sshd:
        self.root.mkdir(parents=True, exist_ok=True)
        for name, kind in (("host_key", "ed25519"), ("host_key_rsa", "rsa"), ("key", "ed25519")):
            keygen("-t", kind, "-N", "", "-f", str(self.root / name))
        shutil.copy(self.root / "key.pub", self.root / "authorized_keys")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # where it locks itself in before anybody has logged in
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start on a free port, and wait until it listens."""
        self.port = free_port()
        (self.root / "config").write_text(_CONFIG.format(root=self.root) + f"Port {self.port}\n" + self._more)
        (self.root / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.port)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)

    @property
    def host_key(self) -> str:
        """As a known_hosts file has it."""
        return " ".join((self.root / "host_key.pub").read_text().split()[:2])

    @property
    def key(self) -> Path:
        """A private key that it accepts."""
        return self.root / "key"

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def server(self, port: int | None = None, connections: int = 4) -> Server:
        """What is needed to log in, directly or through the relay on ``port``."""
        return Server(
            "127.0.0.1",
            port or self.port,
            getpass.getuser(),
            key=str(self.key),
            host_key=self.host_key,
            connections=connections,
        )

    def sftp(self, *commands: str) -> str:
        """What OpenSSH's own client says to these commands."""
        options = ["-o", f"UserKnownHostsFile={self.root}/known_hosts", "-o", "IdentitiesOnly=yes", "-F", "none"]
        done = subprocess.run(
            ["sftp", "-b", "-", "-q", *options, "-i", str(self.key), "-P", str(self.port), "127.0.0.1"],
            input="\n".join(commands),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


def keygen(*arguments: str) -> None:
    """Make keys as OpenSSH does; one that is there already stays."""
    if "-f" in arguments and Path(arguments[arguments.index("-f") + 1]).exists():
        return
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def wait_for(port: int, seconds: float = 15.0) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port}")
