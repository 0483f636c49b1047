"""What the operations work on: the settings, the clock and the stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .archives import ArchiveStore
from .clock import Clock
from .jobs import JobStore
from .sigv4 import Credential
from .uploads import UploadStore
from .vaults import VaultStore

DEFAULT_KEY = Credential("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
DEFAULT_ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """What a server is started with. `timeout` and `job_delay` are seconds."""

    root: Path
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    keys: tuple[Credential, ...] = (DEFAULT_KEY,)
    timeout: float = 120.0
    job_delay: float = 0.0


@dataclass
class Context:
    """One server's state, apart from its connections."""

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    vaults: VaultStore = field(init=False)
    archives: ArchiveStore = field(init=False)
    uploads: UploadStore = field(init=False)
    jobs: JobStore = field(init=False)
    closed: bool = False
    """Whether the account is one that no vaults are made for any more."""

    def __post_init__(self) -> None:
        arn_prefix = f"arn:aws:glacier:{self.settings.region}:{self.settings.account}"
        self.vaults = VaultStore(self.settings.root, self.clock, arn_prefix)
        self.archives = ArchiveStore(self.vaults, self.clock)
        self.uploads = UploadStore(self.vaults, self.clock)
        self.jobs = JobStore(self.vaults, self.clock, self.settings.job_delay)

    @property
    def account(self) -> str:
        """The account that all vaults belong to."""
        return self.settings.account
