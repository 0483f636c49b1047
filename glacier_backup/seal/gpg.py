"""Encryption with GnuPG's program: to recipients whose public keys it has, or with a password (gpg(1))."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.gpg_program import GpgReport, at_work
from glacier_backup.seal.keys import Keys, Secret
from glacier_backup.seal.peek import Peeked
from glacier_backup.seal.sealer import ByteStream, SealedStream

_SYMMETRIC = ("--symmetric", "--cipher-algo", "AES256", "--s2k-mode", "3", "--s2k-digest-algo", "SHA512")
_SLOWEST = ("--s2k-count", "65011712")
"""As slow as the format lets a try of a password be (RFC 9580, section 3.7.1.3); no agent is asked how slow that is."""

_PACKED = ("--compress-algo", "none", "--no-armor", "--no-textmode")
_LOCALLY = ("--trust-model", "always", "--no-auto-key-locate", "--disable-dirmngr")
"""Who names a key wants that key, whatever gpg thinks of its owner; and no server is asked for another."""

_PER_RECIPIENT = 4096
"""Bytes, more than an RSA key of 16,384 bits takes."""

_REASONS = {
    "0": "there is no such key",
    "1": "there is no such key",
    "2": "more than one key is called so",
    "3": "the key can't be used to encrypt",
    "4": "the key is revoked",
    "5": "the key has expired",
    "9": "the key can't be used to encrypt",
    "12": "the key is disabled",
    "13": "the key can't be used to encrypt",
}
"""Of ``INV_RECP`` (GnuPG's doc/DETAILS)."""


@dataclass(frozen=True, slots=True)
class Gpg:
    """Encrypts to all of ``recipients``, as gpg's ``--recipient`` takes them, or else with ``password``.

    Raises SealError when there is neither.
    """

    recipients: tuple[str, ...] = ()
    password: Secret | None = field(default=None, repr=False)
    home: str | None = None
    """The folder of gpg's keys; None: gpg's own choice."""

    def __post_init__(self) -> None:
        if not self.recipients and self.password is None:
            raise SealError("gpg encrypts to recipients or with a password, and there is neither")

    @property
    def suffix(self) -> str:
        return ".gpg"

    @property
    def repeatable(self) -> bool:
        """gpg chooses a new key for each file."""
        return False

    def step(self) -> Step:
        if self.recipients:
            return Step("gpg", {"recipients": ", ".join(self.recipients)})
        return Step("gpg", {"symmetric": True})

    def most(self, size: int) -> int:
        # A byte for each 8 KiB of two nested packets.
        return size + size // 1024 + _PER_RECIPIENT * (len(self.recipients) + 1)

    @contextmanager
    def seal(self, stream: ByteStream, nonce: bytes) -> Iterator[SealedStream]:
        """See :class:`glacier_backup.seal.sealer.Sealer`; gpg needs no nonce of ours."""
        if self.recipients:
            named = [word for one in self.recipients for word in ("--recipient", one)]
            arguments, password = [*_PACKED, *_LOCALLY, "--encrypt", *named], None
        else:
            arguments, password = [*_PACKED, *_SYMMETRIC, *_SLOWEST], self._secret()
        with at_work(arguments, stream, self.home, _judge_sealed, password=password) as sealed:
            yield sealed

    def _secret(self) -> str:
        assert self.password is not None  # noqa: S101  # or there would be recipients
        return self.password()


class GpgOpener:
    """Opens what gpg, or another OpenPGP program, has encrypted, if changes to it can be told."""

    @contextmanager
    def open(self, stream: ByteStream, step: Step, keys: Keys, hmac_sha256: str | None = None) -> Iterator[ByteStream]:
        """See :class:`glacier_backup.seal.sealer.Opener`.

        A secret key's password is gpg's agent's to know; ``keys.password`` is taken where it doesn't.
        """
        peeked = Peeked(stream)
        password = _password(keys) if step.parameters.get("symmetric") is True or _asks(peeked.head) else None
        arguments = ["--decrypt", "--no-auto-key-retrieve", "--disable-dirmngr"]
        ask = keys.password if password is None else None
        with at_work(arguments, peeked, keys.gnupg_home, _judge_opened, password=password, ask=ask) as opened:
            yield opened


def _asks(head: bytes) -> bool:
    """Whether it begins with a session key that a password opens: packet 3 (RFC 9580, sections 4.2 and 5.3)."""
    first = head[0] if head else 0
    return first == 0xC0 | 3 or first & 0xFC == 0x80 | 3 << 2


def _password(keys: Keys) -> str:
    if keys.password is None:
        raise KeyNeeded(
            "gpg has encrypted this with a password, and none was given",
            hint="set password_file in the INI file, or GLACIER_BACKUP_PASSWORD, or answer when asked",
        )
    return keys.password()


def _judge_sealed(report: GpgReport) -> None:
    if report.exit_status == 0 and report.said("END_ENCRYPTION"):
        return
    for reason, *name in report.all("INV_RECP"):
        raise SealError(
            f"{' '.join(name)}: gpg can't encrypt to this recipient: {_REASONS.get(reason, 'the key is of no use')}",
            hint="gpg --import FILE takes the recipient's public key; gpg --list-keys shows what gpg has. gnupg_home"
            " names another folder of keys.",
        )
    raise SealError(f"gpg can't encrypt: {report.words}")


def _judge_opened(report: GpgReport) -> None:
    protected = report.said("GOODMDC") or report.field("DECRYPTION_INFO", 2, "0") != "0"
    # What is signed, too, by somebody unknown is status 2: who signed it is no concern of ours.
    through = report.exit_status == 0 or report.said("ERRSIG")
    wrong = any(report.said(word) for word in ("DECRYPTION_FAILED", "BADMDC", "BADSIG", "NODATA"))
    if not (through and report.said("DECRYPTION_OKAY") and protected and not wrong):
        raise _why(report)


_BAD_PASSPHRASE = 11
_UNASKED = frozenset({62, 77, 78, 85, 86, 99, 114, 198})
"""Time-out, no agent, no dialogue, cancelled: of libgpg-error, as the former. What is larger is of the system, such as
that there is no terminal."""
_SYSTEM = 1 << 15


def _why(report: GpgReport) -> Exception:
    if report.refused is not None:  # no password, though gpg asked for one, and no other key did
        return report.refused
    failed = {int(code) & 0xFFFF for name, code, *_ in report.errors if name in _NO_KEY and code.isdigit()}
    if _BAD_PASSPHRASE in failed:
        return WrongKey("the password doesn't open gpg's secret key")
    if any(name.startswith("symkey_decrypt") for name, *_ in report.errors):
        return WrongKey("the password doesn't open it")
    if report.said("DECRYPTION_INFO"):
        return _damage(report)
    if any(code in _UNASKED or code & _SYSTEM for code in failed):
        return KeyNeeded(
            f"it takes a password, which gpg couldn't ask for: {report.words}",
            hint="set password_file in the INI file, or GLACIER_BACKUP_PASSWORD",
        )
    if report.said("NO_SECKEY") and not failed:
        wanted = ", ".join(key for key, *_ in report.all("NO_SECKEY"))
        return KeyNeeded(
            f"gpg has no secret key that opens this: it is encrypted to {wanted}",
            hint="gpg --import FILE takes a secret key; gnupg_home, or GNUPGHOME, names another folder of keys",
        )
    return DamageFound("this isn't what gpg encrypts, or its beginning is damaged")


_NO_KEY = ("pkdecrypt_failed", "get_passphrase")


def _damage(report: GpgReport) -> DamageFound:
    method, aead = report.field("DECRYPTION_INFO", 0, "0"), report.field("DECRYPTION_INFO", 2, "0")
    if method == aead == "0" and not report.said("BADMDC"):
        return DamageFound("it was encrypted without protection against changes, so anybody may have changed it")
    return DamageFound("what gpg encrypted is damaged, or its end is missing")
