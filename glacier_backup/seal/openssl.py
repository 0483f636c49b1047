"""Exactly what ``openssl enc -aes-256-cbc -md sha512 -pbkdf2 -iter 250000`` makes, and a MAC for what it lacks.

The file is ``Salted__``, eight bytes of salt, and the stream in CBC mode with PKCS #7 padding (openssl-enc(1)). Key and
IV are the first bytes of PBKDF2 (RFC 8018) over password and salt.

CBC tells nobody that it was altered. So the stored bytes get an HMAC-SHA256 (RFC 2104), which stands in the catalog and
in the manifest: of all of the file, with the key ``HMAC-SHA256(T, "glacier-backup mac 1")``, where T is the first 64
bytes of the same PBKDF2. With stock tools::

    T=$(openssl kdf -keylen 64 -kdfopt digest:SHA512 -kdfopt pass:… -kdfopt hexsalt:… -kdfopt iter:250000 PBKDF2)
    K=$(printf 'glacier-backup mac 1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$T)
    openssl dgst -sha256 -mac HMAC -macopt hexkey:$K FILE

(``openssl kdf`` puts colons between the digits, and ``dgst`` words in front of them, which have to go.)

The salt is taken from the nonce, so that a volume that is sealed again is the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.ahead import BLOCK, ahead, blocks_of
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.seal.room import room
from glacier_backup.seal.sealer import ByteStream, SealedStream

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
    from cryptography.hazmat.primitives.ciphers.modes import CBC

CIPHERS: Mapping[str, int] = {"aes-128-cbc": 16, "aes-192-cbc": 24, "aes-256-cbc": 32}
"""Those that are known, by the bytes of their keys."""

DIGESTS = ("sha256", "sha384", "sha512")

MOST_ITERATIONS = 10_000_000
"""Ten seconds' work or so: who asks for more wants to keep us busy."""

MAC_LABEL = b"glacier-backup mac 1"

_MAGIC = b"Salted__"
_SALT = 8
_CELL = 16
"""Bytes: AES encrypts so many at a time."""

_DERIVED = 64
"""Bytes, of which the first are key and IV."""

_LONGEST = 1023
"""Bytes of a password that ``openssl enc -pass`` takes."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How key, IV and ciphertext are made."""

    cipher: str
    digest: str
    iterations: int

    def __post_init__(self) -> None:
        if self.cipher not in CIPHERS:
            raise ValueError(f"there is no cipher '{self.cipher}' here: there are {', '.join(CIPHERS)}")
        if self.digest not in DIGESTS:
            raise ValueError(f"there is no digest '{self.digest}' here: there are {', '.join(DIGESTS)}")
        if not 1 <= self.iterations <= MOST_ITERATIONS:
            raise ValueError(f"there can be 1 to {MOST_ITERATIONS:,} iterations, and not {self.iterations}")

    def derived(self, password: str, salt: bytes) -> Derived:
        """What the password gives with that salt. Raises SealError for a password that ``openssl`` doesn't take."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        size = CIPHERS[self.cipher]
        made = hashlib.pbkdf2_hmac(self.digest, _as_bytes(password), salt, self.iterations, _DERIVED)
        mac_key = hmac.digest(made, MAC_LABEL, "sha256")
        cipher = Cipher(algorithms.AES(made[:size]), modes.CBC(made[size : size + _CELL]))
        return Derived(cipher, hmac.new(mac_key, digestmod="sha256"))


class Derived(NamedTuple):
    """What one volume is sealed or opened with."""

    cipher: Cipher[CBC]
    mac: hmac.HMAC
    """Of what was seen so far."""


@dataclass(frozen=True, slots=True)
class OpenSSL:
    """Encryption with a password. Every volume has a key of its own, which costs ``iterations``: some two tenths of a
    second for the usual number of them."""

    password: Secret = field(repr=False)
    """At most 1,023 bytes of UTF-8 in one line, for ``openssl`` takes no other."""
    iterations: int = 250_000
    digest: str = "sha512"
    cipher: str = "aes-256-cbc"

    suffix = ".enc"
    repeatable = True

    def __post_init__(self) -> None:
        self._scheme()

    def step(self) -> Step:
        return Step("openssl", {"cipher": self.cipher, "digest": self.digest, "iterations": self.iterations})

    def most(self, size: int) -> int:
        return len(_MAGIC) + _SALT + (size // _CELL + 1) * _CELL

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        salt = nonce[:_SALT]
        cipher, mac = self._scheme().derived(self.password(), salt)
        with ahead(_Encrypting(stream, salt, cipher.encryptor()), mac.update) as sealed:
            yield _Sealed(sealed, mac)

    def _scheme(self) -> Scheme:
        return Scheme(self.cipher, self.digest, self.iterations)


class OpenSSLOpener:
    """The MAC to compare with is ``hmac_sha256``, or what ``stream`` says at its end, where it is a SealedStream.

    Nothing in what ``openssl`` makes tells whether a password is right, until its end: there it is WrongKey where not
    even the padding is.
    """

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        scheme = _scheme_of(step)
        if keys.password is None:
            raise KeyNeeded("it was encrypted with a password, and none was given")
        head = _head_of(stream)
        cipher, mac = scheme.derived(keys.password(), head[len(_MAGIC) :])
        mac.update(head)

        def check(padded: bool) -> None:
            _check(padded, mac, hmac_sha256 or getattr(stream, "hmac_sha256", None))

        with (
            ahead(blocks_of(stream), mac.update) as seen,
            ahead(_Decrypting(seen, cipher.decryptor(), check)) as content,
        ):
            yield content


class _Sealed(NamedTuple):
    stream: ByteStream
    mac: hmac.HMAC

    def readinto(self, buffer: memoryview) -> int:
        return self.stream.readinto(buffer)

    @property
    def hmac_sha256(self) -> str | None:
        return self.mac.hexdigest()


class _Encrypting:
    """Makes the head, then a block for each one of the stream."""

    def __init__(self, stream: ByteStream, salt: bytes, encryptor: CipherContext) -> None:
        self._stream = stream
        self._head = _MAGIC + salt
        self._encryptor = encryptor
        self._block = room(BLOCK + _CELL)
        self._ended = False

    def __call__(self, buffer: memoryview) -> int:
        if self._head:
            head, self._head = self._head, b""
            buffer[: len(head)] = head
            return len(head)
        if self._ended:
            return 0
        count = self._stream.readinto(self._block[:BLOCK])
        if count < BLOCK:
            self._ended = True
            count += self._pad(count)
        return self._encryptor.update_into(self._block[:count], buffer)

    def _pad(self, count: int) -> int:
        """PKCS #7 (RFC 5652, section 6.3)."""
        missing = _CELL - count % _CELL
        self._block[count : count + missing] = bytes([missing]) * missing
        return missing


class _Decrypting:
    """Makes a block for each one of the stream, of which the last cell comes with the next block: at the end, when
    ``check`` has nothing against it, without its padding."""

    def __init__(self, stream: ByteStream, decryptor: CipherContext, check: Callable[[bool], None]) -> None:
        self._stream = stream
        self._decryptor = decryptor
        self._check = check
        self._block = room(_CELL + BLOCK)
        self._held = 0
        self._ended = False

    def __call__(self, buffer: memoryview) -> int:
        if self._ended:
            return 0
        count = self._stream.readinto(self._block[self._held : self._held + BLOCK])
        size = self._held + count
        if count < BLOCK:
            self._ended = True
            return self._last(size, buffer)
        self._decryptor.update_into(self._block[: size - _CELL], buffer)
        self._block[:_CELL] = self._block[size - _CELL : size]
        self._held = _CELL
        return size - _CELL

    def _last(self, size: int, buffer: memoryview) -> int:
        if not size or size % _CELL:
            raise DamageFound("what openssl has encrypted was cut short")
        self._decryptor.update_into(self._block[:size], buffer)
        padding = buffer[size - 1]
        padded = 1 <= padding <= _CELL and buffer[size - padding : size] == bytes([padding]) * padding
        self._check(padded)
        return size - padding


def _check(padded: bool, mac: hmac.HMAC, expected: str | None) -> None:
    """Whether the end is that of what was sealed, with that password."""
    proved = expected is None or hmac.compare_digest(mac.hexdigest().encode(), expected.encode())
    if not padded:
        raise WrongKey("the password is wrong, or this isn't what was encrypted with it")
    if not proved:
        raise DamageFound("it isn't what was encrypted: its HMAC is another")


def _head_of(stream: ByteStream) -> bytes:
    head = bytearray(len(_MAGIC) + _SALT)
    if stream.readinto(memoryview(head)) < len(head) or not head.startswith(_MAGIC):
        raise DamageFound("it doesn't begin as what openssl has encrypted with a password")
    return bytes(head)


def _scheme_of(step: Step) -> Scheme:
    given = dict(step.parameters)
    cipher, digest, iterations = (given.pop(name, None) for name in ("cipher", "digest", "iterations"))
    if given or not (isinstance(cipher, str) and isinstance(digest, str) and type(iterations) is int):
        raise SealError("a recipe with a step 'openssl' that this version doesn't know how to undo")
    try:
        return Scheme(cipher, digest, iterations)
    except ValueError as error:
        raise SealError(f"a recipe with a step 'openssl' that can't be undone: {error}") from error


def _as_bytes(password: str) -> bytes:
    data = password.encode("utf-8", "surrogateescape")  # as the environment hands on bytes that are no UTF-8
    if not data or len(data) > _LONGEST or b"\n" in data or b"\0" in data:
        raise SealError(f"openssl takes a password of one line, of 1 to {_LONGEST:,} bytes")
    return data
