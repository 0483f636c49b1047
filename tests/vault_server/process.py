"""Start a vault server from a test, steer it, and look at what it stored."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from .context import DEFAULT_ACCOUNT, DEFAULT_KEY, DEFAULT_REGION
from .sigv4 import Credential
from .stored import OpenUpload, StoredArchive, StoredVault, injected

_REPOSITORY = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 10
_GLANCE_SECONDS = 0.005


class VaultServer:
    """A vault server in a process of its own, for the length of a `with` block (or from `start` to `stop`).

    `root` keeps the vaults (and `server.log`) and may be used again by another server. `endpoint_url`, `region` and
    `environment` are what a client needs. The process ends with the block, and with this process if that is killed.
    """

    def __init__(
        self,
        root: Path,
        *,
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        keys: tuple[Credential, ...] = (DEFAULT_KEY,),
        timeout: float = 120.0,
        job_delay: float = 0.0,
    ) -> None:
        self.root = Path(root)
        self.region = region
        self.account = account
        self.keys = keys
        self.endpoint_url = ""
        self._options = [f"--timeout={timeout}", f"--job-delay={job_delay}"]
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> VaultServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it listens: on a free port, and after a stop on the same one again."""
        self.root.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.vault_server", f"--root={self.root.resolve()}", f"--port={self._port}"]
        command += [f"--region={self.region}", f"--account={self.account}", "--exit-with-stdin", *self._options]
        for key in self.keys:
            command.append("--key=" + ":".join(filter(None, (key.key_id, key.secret, key.token))))
        with (self.root / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError(f"the vault server did not start: {(self.root / 'server.log').read_text()}")
        self.endpoint_url = line.removeprefix("listening on ").strip()
        self._port = int(self.endpoint_url.rpartition(":")[2])

    def stop(self) -> None:
        """End the process, in the middle of whatever it does, as a crash would."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait(_STOP_SECONDS)
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()

    def restart(self) -> None:
        """Stop and start on the same root and port.

        What `control` set is forgotten, but for the faults (their counts and limits go on); what was stored is not.
        """
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process, "the server is not running"
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The variables that give an AWS client the first key and the region; the endpoint is not among them."""
        key = self.keys[0]
        variables = {
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": self.region,
        }
        return variables | ({"AWS_SESSION_TOKEN": key.token} if key.token else {})

    def create_vault(self, name: str) -> None:
        """Make a vault, if there is none of that name, without a request that is counted."""
        self.control(create_vault=name)

    def archives(self, vault: str) -> list[StoredArchive]:
        """The archives in a vault, oldest first, read from the disk (the server need not run, here and below)."""
        return StoredVault(self.root, vault).archives()

    def retrieved(self, vault: str) -> list[tuple[str, int, int]]:
        """Every retrieval of an archive that was ever begun in a vault, expired and failed ones included, oldest first:
        archive, first byte, the one behind the last."""
        return StoredVault(self.root, vault).retrieved()

    def completed(self, vault: str) -> dict[str, StoredArchive]:
        """By upload id, the archive that came of it, oldest first."""
        return StoredVault(self.root, vault).completed()

    def uploads(self, vault: str) -> list[OpenUpload]:
        """The multipart uploads that are open in a vault, oldest first."""
        return StoredVault(self.root, vault).uploads()

    def begun(self, vault: str) -> set[str]:
        """The ids of all uploads ever begun in a vault, whatever became of them."""
        return StoredVault(self.root, vault).begun()

    def begun_as(self, vault: str) -> dict[str, str]:
        """By id, the description of every upload ever begun in a vault, whatever became of it."""
        return StoredVault(self.root, vault).begun_as()

    def received(self, vault: str, upload_id: str, *, answered: bool = False) -> Counter[tuple[int, int]]:
        """How often each part (first and last byte) of an upload, open or over, came whole and with right checksums.

        `answered` counts only those whose right answer no injected fault kept from the client: a client that lives
        has no reason to send such a part again. (A client killed at that moment has: it may not have read it.)
        """
        return StoredVault(self.root, vault).received(upload_id, answered)

    def injected(self) -> list[dict[str, Any]]:
        """All faults since `faults` was last called with a plan, in order; each an event of `Faults.report`."""
        return injected(self.root)

    def faults(self, **plan: Any) -> None:
        """Meet clients with faults from now on: a plan as in `fault_reading`, as keywords. Outlives a restart."""
        self.control(faults=plan)

    def no_faults(self) -> None:
        """No more faults; what was injected so far can still be read."""
        self.control(faults=None)

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until every client has gone and all that it had sent is dealt with; TimeoutError after so long."""
        deadline = time.monotonic() + seconds
        looks = 0
        # Twice: a connection counts from its first request on, and that may be about to be read.
        while looks < 2:
            looks = 0 if self.stats()["connected"] else looks + 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"a client is still connected after {seconds} s")
            time.sleep(_GLANCE_SECONDS)

    def expire(self, upload_id: str) -> None:
        """Forget an upload, open or over; ValueError where it is not known."""
        self.control(expire_upload=upload_id)

    def forget_completions(self) -> None:
        """Completing again what was completed until now is a 404."""
        self.control(forget_completions=True)

    def let_a_day_pass(self) -> None:
        """Forget what the service forgets after 24 hours: idle uploads, completions. The clock is right after it.

        Requests meanwhile would fail by their signature's date.
        """
        self.control(clock_offset=24 * 3600 + 1)
        self.control(clock_offset=0)

    def control(self, **levers: Any) -> dict[str, Any]:
        """Pull levers of `tests.vault_server.control.Control` by name; gives the traffic, as `stats` does.

        ValueError, with the server's message, for what the server does not take.
        """
        return self._ask(urllib.request.Request(f"{self.endpoint_url}/_control", json.dumps(levers).encode()))

    def stats(self) -> dict[str, Any]:
        """The traffic since the start: see `tests.vault_server.traffic.Traffic.summary`."""
        return self._ask(urllib.request.Request(f"{self.endpoint_url}/_control"))

    def _ask(self, request: urllib.request.Request) -> dict[str, Any]:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=30) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["message"]) from None
        return answer
