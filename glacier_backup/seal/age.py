"""Encryption with age: to recipients, whose identities alone open it (C2SP, "age"; age(1)).

It streams in chunks of 64 KiB, each of which authenticates itself, its place and whether it is the last.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.age_header import CHUNK, TAG
from glacier_backup.seal.age_keys import ARMORED, PLAIN, identities, plain, recipient, unarmored, words_of
from glacier_backup.seal.age_password import opened_with_password, sealed_with_password
from glacier_backup.seal.ahead import Make, ahead, pieces_of
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.peek import Peeked
from glacier_backup.seal.pump import Push, Sink, pumped
from glacier_backup.seal.sealer import ByteStream, SealedStream

_HEADER = 2048
"""Bytes at most, recipients left out: it may have a stanza that means nothing, of some hundred bytes."""
_PER_RECIPIENT = 4096
"""More than an RSA key of 16,384 bits takes."""

MOST_RECIPIENTS = 150
"""More than that, some of them with large keys, might outgrow the next two."""
_MOST_STANZAS = 1000
_LONGEST_HEADER = 256 * 1024
"""Bytes. pyrage reads a header in time that grows with the square of its length: one of a MiB keeps it busy for
minutes, and comes from who wants that."""


@dataclass(frozen=True, slots=True)
class Age:
    """Encrypts to all of ``recipients``: ``age1…``, ``ssh-ed25519 …``, ``ssh-rsa …``, or what a plugin knows.

    Raises SealError when there is none, or more than :data:`MOST_RECIPIENTS`; whether each is one is found out when
    something is sealed, or by :meth:`check`.
    """

    recipients: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.recipients:
            raise SealError("age encrypts to recipients, and there is none", hint="set recipients, or a password")
        if len(self.recipients) > MOST_RECIPIENTS:
            raise SealError(
                f"age is to encrypt to {len(self.recipients):,} recipients, and {MOST_RECIPIENTS} are the most here",
                hint="several people may have copies of one key",
            )

    @property
    def suffix(self) -> str:
        return ".age"

    @property
    def repeatable(self) -> bool:
        """age chooses a new key for each file."""
        return False

    def check(self) -> None:
        """Raise SealError, which names it, for what is no recipient."""
        for one in self.recipients:
            recipient(one)

    def step(self) -> Step:
        return Step("age", {"recipients": " ".join(plain(one) for one in self.recipients)})

    def most(self, size: int) -> int:
        return size + TAG * (size // CHUNK + 2) + _HEADER + _PER_RECIPIENT * len(self.recipients)

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        """See :class:`glacier_backup.seal.sealer.Sealer`; age needs no nonce of ours."""
        push = functools.partial(_encrypt, recipients=[recipient(one) for one in self.recipients])
        with ExitStack() as stack:
            yield _WhenRead(lambda: stack.enter_context(_pushed(Peeked(stream), push)))


class _WhenRead:
    """A stream that is begun when it is first read: how, depends on what it is made of."""

    hmac_sha256: str | None = None

    def __init__(self, begin: Callable[[], SealedStream]) -> None:
        self._begin = begin
        self._begun: SealedStream | None = None

    def readinto(self, buffer: memoryview) -> int:
        """See :class:`glacier_backup.seal.sealer.ByteStream`."""
        if self._begun is None:
            self._begun = self._begin()
        return self._begun.readinto(buffer)


class AgeOpener:
    """Opens what any age has encrypted: armored or not, to recipients or with a password."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        """See :class:`glacier_backup.seal.sealer.Opener`."""
        peeked = Peeked(stream)
        kinds = _kinds(peeked.head)
        if kinds == ["scrypt"]:
            yield _with_password(peeked, keys)
            return
        found = identities(keys)
        if not found.identities:
            raise found.problems[0] if found.problems else _key_needed(kinds)
        # Why it doesn't open is told best by what is wrong with the files, where something is.
        mismatch = found.problems[0] if found.problems else _mismatch()

        def decrypt(reader: io.BufferedIOBase, writer: Sink) -> None:
            _decrypt(reader, writer, found.identities, mismatch)

        with _pushed(peeked, decrypt) as opened:
            yield opened


def _pushed(stream: Peeked, push: Push) -> AbstractContextManager[SealedStream]:
    """What ``push`` makes of ``stream``. A thread is for large ones: over a tree's small files it would cost most."""
    return ahead(_at_once(stream, push)) if stream.is_whole else pumped(push, stream)


def _at_once(stream: Peeked, push: Push) -> Make:
    """All that comes of a small one."""

    def pieces() -> Iterator[bytes]:
        made = io.BytesIO()
        push(io.BytesIO(stream.head), made)
        yield made.getvalue()

    return pieces_of(pieces())


def new_identity(password: str) -> tuple[str, str]:
    """A new key pair: the public key, and an identity file encrypted with ``password``, as ``age -d -i FILE`` takes it.

    Each try of a password takes about a second and 256 MiB, as with ``age -p``.
    """
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    return public, sealed_with_password(f"# public key: {public}\n{identity}\n".encode(), password)


def _encrypt(reader: io.BufferedIOBase, writer: Sink, recipients: Sequence[object]) -> None:
    import pyrage

    try:
        pyrage.encrypt_io(reader, writer, recipients)
    except pyrage.EncryptError as error:
        raise SealError(f"age can't encrypt: {words_of(error)}") from None


def _decrypt(reader: io.BufferedIOBase, writer: Sink, keys: Sequence[object], mismatch: Exception) -> None:
    import pyrage

    try:
        pyrage.decrypt_io(reader, writer, keys)
    except pyrage.DecryptError as error:
        if "No matching keys" in (words := words_of(error)):
            raise mismatch from None
        if "lugin" in words:
            raise SealError(f"age can't decrypt: {words}") from None
        raise DamageFound(f"the header of what age encrypted is damaged: {words}") from None
    except OSError:  # what reader and writer raise comes out by itself
        raise DamageFound("what age encrypted is damaged, or its end is missing") from None


def _with_password(stream: Peeked, keys: Keys) -> ByteStream:
    if keys.password is None:
        raise KeyNeeded(
            "age has encrypted this with a password, and none was given",
            hint="set password_file in the INI file, or GLACIER_BACKUP_PASSWORD, or answer when asked",
        )
    if stream.head.startswith(ARMORED):
        raise SealError(
            "this is encrypted with a password, and written as text",
            hint="open it with the age program: age -d FILE > OPENED",
        )
    return opened_with_password(stream, keys.password())


def _kinds(head: bytes) -> list[str]:
    """Of the recipients that the header, which has to be within ``head``, names."""
    header, end, _ = (unarmored(head) if head.startswith(ARMORED) else head).partition(b"\n--- ")
    if not header.startswith(PLAIN) or not end:
        raise DamageFound("this isn't what age encrypts, or its beginning is damaged")
    # Before any of it is taken apart: a header may be made to keep us busy.
    if len(header) > _LONGEST_HEADER or header.count(b"\n-> ") > _MOST_STANZAS:
        raise SealError(
            "it is encrypted to more recipients than can be: its header is too long",
            hint="where that is right, open it with the age program: age -d -i IDENTITY FILE > OPENED",
        )
    stanzas = [line.decode("ascii", "replace").split() for line in header.split(b"\n") if line.startswith(b"-> ")]
    return [words[1] for words in stanzas if len(words) > 1 and not words[1].endswith("-grease")]


def _key_needed(kinds: Sequence[str]) -> KeyNeeded:
    wanted = "the ssh private key" if kinds and all(kind.startswith("ssh-") for kind in kinds) else "the identity file"
    return KeyNeeded(
        f"this is encrypted with age, and no key to open it was given: it takes {wanted} of one of its recipients",
        hint="set identity_file in the INI file, or give --identity FILE: a file with AGE-SECRET-KEY-1…, or an ssh"
        " private key",
    )


def _mismatch() -> WrongKey:
    return WrongKey(
        "no identity that was given belongs to a recipient of this archive, or the archive's first bytes are damaged",
        hint="identity_file, or --identity FILE, has to name the key of a recipient that it was encrypted to",
    )
