"""Where volumes are stored, as the catalog tells places apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

DestinationKind = Literal["glacier", "s3", "sftp", "local"]


@dataclass(frozen=True, slots=True)
class Place:
    """The identity of a destination: what was sent to one place says nothing about another.

    For a vault that is account, region and vault name; for a bucket its name and the prefix, and the endpoint where it
    isn't Amazon's; for an SFTP server user, host, port and directory; for a directory here its absolute path.
    """

    kind: DestinationKind
    name: str
    """Vault name; ``bucket`` or ``bucket/prefix``; ``user@host:port/directory``; the directory's absolute path."""
    region: str = ""
    """Of a vault. Of a bucket the endpoint's URL, empty for Amazon's own: bucket names are unique all over AWS."""
    account: str = ""
    """The account's number, or ``-`` for the account that the credentials belong to."""
    reached_by: str = field(default="", compare=False)
    """How the account behind ``-`` is reached: a digest of profile, access key id and endpoint, never a secret itself.
    Empty where it doesn't matter. What ``-`` stood for is only believed while this stays the same."""

    @property
    def is_complete(self) -> bool:
        """Whether everything that tells it from other places is known: a vault needs a region."""
        return self.kind != "glacier" or bool(self.region)

    def with_account(self, number: str) -> Place:
        """The same place with the account's own number in place of ``-``."""
        return replace(self, account=number)

    def __str__(self) -> str:
        match self.kind:
            case "local":
                return self.name
            case "glacier":
                return f"glacier://{self.account}@{self.region}/{self.name}"
            case _:
                return f"{self.kind}://{self.name}" + (f" at {self.region}" if self.region else "")
