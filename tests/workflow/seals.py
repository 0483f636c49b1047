"""Seals that tests use, small enough for small files to be several volumes, and what opens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from glacier_backup.seal.age import Age
from glacier_backup.seal.chain import Chain, Parity, Split
from glacier_backup.seal.compress import Gzip, Zstd
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.seal.sealer import Sealer

VOLUME = 100_000
"""Bytes of a slice."""

PASSWORD = "correct horse battery staple"


def age(folder: Path) -> tuple[Age, Keys]:
    """To a new identity, which is in ``folder``."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    file = folder / f"identity-{identity.to_public()}.txt"
    file.write_text(f"{identity}\n")
    file.chmod(0o600)
    return Age((str(identity.to_public()),)), Keys((str(file),))


def openssl(folder: Path) -> tuple[OpenSSL, Keys]:
    """With few iterations, for what they cost."""
    return OpenSSL(lambda: PASSWORD, iterations=1000), Keys(password=lambda: PASSWORD)


def chain(names: str, folder: Path, volume_size: int = VOLUME, redundancy: int = 20) -> tuple[Chain, Keys]:
    """The seal of these steps, a blank between any two, and what opens it."""
    steps = names.split()
    keys = Keys()
    before: list[Sealer] = []
    each: list[Sealer] = []
    for name in steps:
        sealer: Sealer
        match name:
            case "split":
                before, each = each, []
                continue
            case "par2":
                continue
            case "zstd":
                sealer = Zstd(1, 1)
            case "gzip":
                sealer = Gzip(1)
            case _:
                sealer, keys = ENCRYPTING[name](folder)
        each.append(sealer)
    split = Split(volume_size) if "split" in steps else None
    if split is None:
        before, each = each, []
    return Chain(tuple(before), split, tuple(each), Parity(redundancy) if "par2" in steps else None), keys


ENCRYPTING: Mapping[str, Callable[[Path], tuple[Sealer, Keys]]] = {"age": age, "openssl": openssl}
