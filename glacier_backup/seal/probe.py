"""A try of the keys before anything depends on them: a few bytes are sealed and, where that can be, opened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from glacier_backup.errors import DamageFound, KeyNeeded
from glacier_backup.model.recipe import Step
from glacier_backup.seal.in_memory import InMemory
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.sealer import ByteStream, Opener, Sealer

_ENCRYPTING = ("age", "gpg", "openssl")
_TEXT = b"A key that is lost takes everything that it has sealed with it.\n" * 5

_LOST = "without it nobody, not even you, can ever read these backups"
"""What people find hard to believe until it has happened."""


class Probe(NamedTuple):
    """What the try has shown."""

    outcome: Literal["plain", "sealed", "opened"]
    """Nothing is encrypted; it is, but there is nothing here that opens it; it was opened again."""
    step: str | None
    """The step that encrypts: ``age``, ``gpg`` or ``openssl``."""
    message: str
    """What to tell the user: sentences, the last without its full stop."""


def probe(sealers: Sequence[Sealer], openers: Mapping[str, Opener], keys: Keys) -> Probe:
    """Seal a few hundred bytes with those of ``sealers`` that encrypt, and open them with ``keys``.

    ``openers`` are by the names of steps. Raises SealError when it can't be sealed, WrongKey when ``keys`` don't open
    what was sealed: the identity is none of the recipients', or the password is another.
    """
    encrypting = [sealer for sealer in sealers if sealer.step().name in _ENCRYPTING]
    if not encrypting:
        return Probe("plain", None, "Nothing is encrypted: whoever can read what is stored can read the backups")
    step = encrypting[0].step()
    sealed, hmac = _sealed(encrypting[0])
    try:
        opened = _opened(openers[step.name], sealed, step, keys, hmac)
    except KeyNeeded as error:
        return Probe("sealed", step.name, _sealed_only(error))
    if opened != _TEXT:
        raise DamageFound(f"{step.name}: what was sealed as a try came back as something else")
    return Probe("opened", step.name, _works(step))


def _works(step: Step) -> str:
    secret = "password" if step.name == "openssl" or step.parameters.get("symmetric") is True else "key"
    return (
        f"The {secret} works: what was sealed with it was opened again. Keep a copy of it away from this"
        f" machine, on paper or with somebody you trust: {_LOST}"
    )


def _sealed_only(error: KeyNeeded) -> str:
    return (
        f"Sealing works, but nothing on this machine can open it again, as may well be meant ({error}). Make sure that"
        f" you have the secret key elsewhere, and try it once: {_LOST}"
    )


def _sealed(sealer: Sealer) -> tuple[bytes, str | None]:
    import secrets

    with sealer.seal(InMemory(_TEXT), secrets.token_bytes(32)) as stream:
        return _all(stream), stream.hmac_sha256


def _opened(opener: Opener, sealed: bytes, step: Step, keys: Keys, hmac: str | None) -> bytes:
    with opener.open(InMemory(sealed), step, keys, hmac) as stream:
        return _all(stream)


def _all(stream: ByteStream) -> bytes:
    """Of a few hundred bytes, and what a step adds to them."""
    buffer = bytearray(1024 * 1024)
    return bytes(buffer[: stream.readinto(memoryview(buffer))])
