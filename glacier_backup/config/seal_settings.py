"""How archives are sealed, and what opens them again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, SkipValidation

from glacier_backup.config.frozen import Frozen, Origins, Text
from glacier_backup.config.seal_values import PASSWORDS, Redundancy
from glacier_backup.seal.order import COMPRESSION, ENCRYPTION
from glacier_backup.units import GIB


class SealSettings(Frozen):
    """One seal, with all that a section has from ``[main]``. Without steps things are stored as they were packed; what
    is there to open with counts all the same."""

    seal: Annotated[tuple[str, ...], SkipValidation] = ()
    """The steps in their order, a legal one: of :data:`glacier_backup.config.seal_values.STEPS`."""
    recipients: Annotated[tuple[str, ...], SkipValidation] = ()
    """Public keys of age or ssh; for gpg whatever it knows keys by."""
    recipients_file: Text | None = None
    """Absolute path of a file with more of them, one a line."""
    identity_file: Annotated[tuple[str, ...], SkipValidation] = ()
    """Absolute paths of files with private keys, for opening."""
    password: SecretStr | None = None
    password_file: Text | None = None
    """Absolute path."""
    password_command: Annotated[tuple[str, ...] | None, SkipValidation] = None
    """A program and its arguments."""
    password_credential: Text | None = None
    password_keyring: Text | None = None
    """``SERVICE/USER``."""
    gnupg_home: Text | None = None
    """Absolute path; None: gpg's own choice."""
    undo_data: Annotated[tuple[tuple[str, ...], ...], SkipValidation] = Field(default=(), repr=False)
    """Programs and their arguments that undo the filters ``data``, in the order of those."""
    zstd_level: int = 3
    gzip_level: int = 6
    openssl_cipher: str = "aes-256-cbc"
    openssl_digest: str = "sha512"
    openssl_iterations: int = 250_000
    volume_size: int = Field(default=4 * GIB)
    """Bytes."""
    volume_names: Literal["v001", "aaaaaa"] = "v001"
    redundancy: Annotated[Redundancy, SkipValidation] = Redundancy()
    private_names: bool = False
    """Whether names are hidden from whoever sees the destination."""
    origins: Origins = Field(default=(), repr=False)

    @property
    def compression(self) -> str | None:
        """The step that compresses."""
        return self._step(COMPRESSION)

    @property
    def encryption(self) -> str | None:
        """The step that encrypts."""
        return self._step(ENCRYPTION)

    @property
    def encrypt(self) -> bool:
        """Whether one does."""
        return self.encryption is not None

    @property
    def has_password(self) -> bool:
        """Whether it is said where there is one; nobody has looked."""
        return any(getattr(self, name) is not None for name in PASSWORDS)

    @property
    def has_recipients(self) -> bool:
        return bool(self.recipients) or self.recipients_file is not None

    def _step(self, kind: tuple[str, ...]) -> str | None:
        return next((step for step in self.seal if step in kind), None)
