"""The key that a password protects: it lies beside the catalog, encrypted with that password, and a copy of it where
archives go."""

from __future__ import annotations

import os
from typing import NamedTuple

from glacier_backup.errors import SealError

IDENTITY = "identity.age"
"""What ``age -p`` makes of an identity file."""
PUBLIC = "identity.age.pub"
"""Its public key, on the first line."""

_LONGEST = 65_536


class Identity(NamedTuple):
    """Such a key."""

    public_key: str
    text: bytes
    """As it lies there: nobody who has it has the key."""


def identity_beside(catalog: str) -> Identity | None:
    """That of the catalog at this path; None where there is none. Raises SealError where it can't be read."""
    folder = os.path.dirname(os.path.realpath(catalog))
    try:
        with open(os.path.join(folder, PUBLIC), encoding="ascii") as file:
            public_key = file.readline().strip()
        with open(os.path.join(folder, IDENTITY), "rb") as encrypted:
            return Identity(public_key, encrypted.read(_LONGEST))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"{os.path.join(folder, IDENTITY)} can't be read: {error}") from error
