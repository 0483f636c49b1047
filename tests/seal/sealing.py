"""Sealing and opening bytes in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from glacier_backup.model.recipe import Step
from glacier_backup.seal.age import Age
from glacier_backup.seal.chain import Chain
from glacier_backup.seal.compress import Gzip, Zstd
from glacier_backup.seal.gpg import Gpg
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.opening import opened
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.seal.registry import OPENERS
from glacier_backup.seal.sealer import ByteStream, Sealer
from tests.streams import BytesStream

NONCE = bytes(range(32))

PASSWORD = "correct horse, Batteriefach ß"


class Sealed(NamedTuple):
    """What was made of some bytes."""

    data: bytes
    hmac_sha256: str | None = None
    number: int = 1

    def volume(self) -> Volume:
        return Volume(BytesStream(self.data), self.hmac_sha256, self.number)


class Bench(NamedTuple):
    """One of each sealer there is, and the keys to all of them."""

    sealers: dict[str, Sealer]
    keys: Keys


def bench(folder: Path) -> Bench:
    """Its keys are put into ``folder``."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    file = folder / "identity"
    file.write_text(f"{identity}\n")
    file.chmod(0o600)
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    return Bench(
        {
            "zstd": Zstd(),
            "gzip": Gzip(),
            "age": Age((str(identity.to_public()),)),
            "gpg": Gpg(password=password, home=str(home)),
            "openssl": OpenSSL(password, iterations=1000),
        },
        Keys((str(file),), password, str(home)),
    )


def password() -> str:
    return PASSWORD


def read_all(stream: ByteStream, size: int = 100_000) -> bytes:
    """All that is left of ``stream``, asked for ``size`` bytes at a time."""
    buffer = memoryview(bytearray(size))
    pieces = []
    while count := stream.readinto(buffer):
        pieces.append(bytes(buffer[:count]))
        if count < size:
            break
    return b"".join(pieces)


def sealed(sealer: Sealer, data: bytes, nonce: bytes = NONCE) -> Sealed:
    with sealer.seal(BytesStream(data), nonce) as stream:
        return Sealed(read_all(stream), stream.hmac_sha256)


def unsealed(step: Step, made: Sealed, keys: Keys = NO_KEYS) -> bytes:
    with OPENERS[step.name].open(BytesStream(made.data), step, keys, made.hmac_sha256) as stream:
        return read_all(stream)


def chained(chain: Chain, data: bytes, nonce: bytes = NONCE) -> list[Sealed]:
    """The volumes."""
    if chain.split is None:
        with chain.sealed(BytesStream(data), nonce) as stream:
            return [Sealed(read_all(stream), stream.hmac_sha256)]
    volumes = []
    with chain.slices(BytesStream(data), nonce) as slices:
        for one in slices:
            with one.sealed() as stream:
                volumes.append(Sealed(read_all(stream), stream.hmac_sha256, one.number))
    return volumes


def unchained(volumes: Iterable[Sealed], steps: Sequence[Step], keys: Keys = NO_KEYS) -> bytes:
    with opened((one.volume() for one in volumes), steps, keys) as stream:
        return read_all(stream)


class FailingStream:
    """Gives ``data``, and raises ``error`` instead of the end."""

    def __init__(self, data: bytes, error: Exception) -> None:
        self._stream = BytesStream(data)
        self._error = error

    def readinto(self, buffer: memoryview) -> int:
        count = self._stream.readinto(buffer)
        if count < len(buffer):
            raise self._error
        return count


class EndlessStream:
    """The same over and over again, without an end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.taken = 0

    def readinto(self, buffer: memoryview) -> int:
        buffer[:] = (self._data * (len(buffer) // len(self._data) + 1))[: len(buffer)]
        self.taken += len(buffer)
        return len(buffer)
