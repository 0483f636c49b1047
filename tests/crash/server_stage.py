"""A directory on OpenSSH's own server as a trial's destination; and one together with a directory of this machine."""

from __future__ import annotations

import getpass
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from glacier_backup.destination import sftp
from tests.crash.scenario import SERVER_OPERATIONS, Gap, Scenario
from tests.crash.stage import Allowed, FolderStage, Stage, Stored
from tests.ssh_server.sshd import Sshd, find_sshd

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")
PATIENCE = 20.0
"""Seconds for which a session may outlive its client."""
CONNECTIONS = 2


class CrashSshd(Sshd):
    """Keeps a journal of what it is asked, and knows when nobody is logged in any more."""

    def __init__(self, root: Path) -> None:
        program = find_sshd()
        if program is None or not SFTP_SERVER.exists():
            raise RuntimeError("sshd is not installed: apt-get install openssh-server")
        self.journal = root / "journal"
        command = f"exec {SFTP_SERVER} -e -l VERBOSE 2>>'{self.journal}'"
        super().__init__(root, program, more=f"ForceCommand {command}\n")

    def __enter__(self) -> CrashSshd:
        self.root.mkdir(parents=True, exist_ok=True)
        self.journal.touch()
        super().__enter__()
        return self

    def settle(self) -> None:
        """Wait until all that dead clients had sent is dealt with. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while self._sessions():
            if time.monotonic() > deadline:
                raise TimeoutError("sessions of sshd live on without their client")
            time.sleep(0.005)

    def _sessions(self) -> bool:
        """Each is a child; what a session runs may outlive that, and be nobody's."""
        assert self._process
        pid = self._process.pid
        return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text()) or any(
            str(self.journal) in where for where in _written_by(SFTP_SERVER.name)
        )


def _written_by(program: str) -> Iterator[str]:
    """Where every process of that name writes its errors."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == program:
                yield str((process / "fd" / "2").readlink())
        except OSError:
            continue


class ServerStage(FolderStage):
    """A new directory on a server, which lies on this machine, so that it can be looked at."""

    least = sftp.LIMITS.least
    operations = SERVER_OPERATIONS

    def __init__(self, server: CrashSshd, root: Path) -> None:
        super().__init__(root)
        self.server = server
        self.journal = str(server.journal)

    @property
    def url(self) -> str:
        return f"sftp://{getpass.getuser()}@127.0.0.1:{self.server.port}{self._root}"

    @property
    def main(self) -> str:
        return f"destination = {self.url}\n{self.login}"

    @property
    def login(self) -> str:
        """Options."""
        return f"ssh_key = {self.server.key}\nhost_key = {self.server.host_key}\nconnections = {CONNECTIONS}\n"

    def holds(self, place: str) -> bool:
        return place == self.url

    def settle(self) -> None:
        self.server.settle()


class TwoStage:
    """A directory and one on a server, at the same time."""

    least = 0
    packed = False
    by_prefix = False
    environ: dict[str, str] = {}  # noqa: RUF012  # nobody writes to it

    def __init__(self, server: CrashSshd, root: Path) -> None:
        self._near = NearStage(root.with_name(f"{root.name}-near"))
        self._far = ServerStage(server, root.with_name(f"{root.name}-far"))
        self.part_sizes, self.large = self._far.part_sizes, self._far.large
        self.operations, self.journal = self._far.operations, self._far.journal

    @property
    def main(self) -> str:
        return "destination = near, far\n"

    @property
    def more(self) -> str:
        return f"[destination near]\n{self._near.main}[destination far]\n{self._far.main}"

    @property
    def each(self) -> Sequence[Stage]:
        self._near.packed = self._far.packed = self.packed
        return self._near, self._far

    def holds(self, place: str) -> bool:
        return True

    def begin(self, scenario: Scenario) -> None:
        for stage in self.each:
            stage.begin(scenario)

    def settle(self) -> None:
        self._far.settle()

    def gap(self, gap: Gap, pick: float) -> str:
        return gap

    def stored(self) -> list[Stored]:
        return [one for stage in self.each for one in stage.stored()]

    def rest(self) -> Iterator[str]:
        for stage in self.each:
            yield from stage.rest()

    def traffic(self) -> object:
        return [stage.traffic() for stage in self.each]

    def repeats(self) -> Iterator[str]:
        return iter(())

    def starts(self) -> Counter[str]:
        return Counter()

    def allowed(self) -> Allowed:
        return Allowed(Counter())

    def remove(self) -> None:
        for stage in self.each:
            stage.remove()


class NearStage(FolderStage):
    """A directory that isn't the only destination."""

    def holds(self, place: str) -> bool:
        return place == str(self._root)
