"""A stream through several steps, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from glacier_backup.seal.sealer import SealedStream, Sealer


@contextmanager
def through(sealers: Sequence[Sealer], stream: SealedStream, nonce: bytes) -> Iterator[SealedStream]:
    """``stream``, sealed by each of ``sealers`` in turn; by none, as it is."""
    with ExitStack() as stack:
        for sealer in sealers:
            stream = stack.enter_context(sealer.seal(stream, nonce))
        yield stream
