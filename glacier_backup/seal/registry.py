"""What undoes the steps of a seal, by their names: a new step is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from glacier_backup.errors import SealError
from glacier_backup.seal.age import AgeOpener
from glacier_backup.seal.command import CommandOpener
from glacier_backup.seal.decompress import GzipOpener, ZstdOpener
from glacier_backup.seal.gpg import GpgOpener
from glacier_backup.seal.openssl import OpenSSLOpener
from glacier_backup.seal.pyarchiver import PyArchiverOpener
from glacier_backup.seal.sealer import Opener

OPENERS: Mapping[str, Opener] = {
    "age": AgeOpener(),
    "command": CommandOpener(),
    "gpg": GpgOpener(),
    "gzip": GzipOpener(),
    "openssl": OpenSSLOpener(),
    "pyarchiver": PyArchiverOpener(),
    "zstd": ZstdOpener(),
}


def opener(name: str) -> Opener:
    """What undoes that step. Raises SealError where nothing does."""
    if name not in OPENERS:
        raise SealError(f"a recipe with a step '{name}', which this version doesn't know")
    return OPENERS[name]
