"""Where volumes are stored, as the catalog tells places apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

DestinationKind = Literal["glacier", "local"]


@dataclass(frozen=True, slots=True)
class Place:
    """The identity of a destination: what was sent to one place says nothing about another.

    For a vault that is account, region and vault name; for a directory its absolute path.
    """

    kind: DestinationKind
    name: str
    """Vault name, or the directory's absolute path."""
    region: str = ""
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
        if self.kind == "local":
            return self.name
        return f"glacier://{self.account}@{self.region}/{self.name}"
