"""What the first bytes of a file, or a stream, tell, where its name doesn't."""

from __future__ import annotations

from glacier_backup.model.recipe import Step, parse_compact
from glacier_backup.model.snapshot import is_zfs_stream
from glacier_backup.workflow.opening.files import reading

_BEGINNINGS = {
    b"age-encryption.org/": "age",
    b"-----BEGIN AGE ENCRYPTED FILE-----": "age",
    b"-----BEGIN PGP MESSAGE-----": "gpg",
    b"Salted__": "openssl",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b\x08": "gzip",
}
"""C2SP "age"; RFC 9580, 6.2; openssl-enc(1); RFC 8878, 3.1.1; RFC 1952, 2.3.1."""


def sealed_by(path: str) -> tuple[Step, ...]:
    """The last step of how the file was sealed, with the usual parameters; none where nothing tells."""
    head = _head(path)
    return next((parse_compact(name) for start, name in _BEGINNINGS.items() if head.startswith(start)), ())


def looks_like_tar(path: str) -> bool:
    """POSIX's magic (pax(1), "ustar Interchange Format")."""
    return _head(path)[257:262] == b"ustar"


def looks_like_zip(path: str) -> bool:
    """The signature of a member, or of the end where there is none (APPNOTE 6.3.10, sections 4.3.7 and 4.3.16)."""
    return _head(path).startswith((b"PK\3\4", b"PK\5\6"))


def looks_like_zfs_stream(path: str) -> bool:
    """Whether ``zfs receive`` may take it."""
    return is_zfs_stream(_head(path))


def _head(path: str) -> bytes:
    with reading(path, lambda: None) as stream:
        head = bytearray(512)
        count = stream.readinto(memoryview(head))
    return bytes(head[:count])
