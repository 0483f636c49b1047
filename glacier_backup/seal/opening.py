"""Sealed volumes in, what they were made of out: :mod:`glacier_backup.seal.chain` backwards, by the recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from glacier_backup.errors import SealError, WrongKey
from glacier_backup.model.recipe import PACKING, Step
from glacier_backup.model.snapshot import is_zfs_stream
from glacier_backup.seal.joined import Joined, Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.order import COMMAND, ENCRYPTION, SPLIT, placed
from glacier_backup.seal.peek import Peeked
from glacier_backup.seal.registry import opener
from glacier_backup.seal.sealer import ByteStream

FOREIGN = ("pyarchiver",)
"""Encryption that others have made, which is opened only."""

UNPROVED = "openssl"
"""Encryption that opens with any password, up to its end, though not to what was encrypted."""


@contextmanager
def opened(volumes: Iterator[Volume], steps: Sequence[Step], keys: Keys) -> Iterator[ByteStream]:
    """What the volumes were made of, by the recipe's ``steps``; parity is no concern of it.

    Steps of the packing may be among them: they aren't undone, but of some it is known how what they make begins, which
    tells a wrong password at once. Without, it may be the unpacking that finds nonsense.

    Each volume is taken when the one before is used up, by whichever thread reads then. They come in the order of their
    numbers; where each opens by itself the first may be any, and reading may stop behind any.

    Raises as :meth:`glacier_backup.seal.sealer.Opener.open`, SealError for a recipe that none of ours is.
    """
    way = _way_of(steps)
    with ExitStack() as stack:
        joined = Joined(volumes, lambda volume: _one_opened(volume, way.each, keys), way.volume_size)
        stack.callback(joined.close)
        stream: ByteStream = joined
        if _unproved(way.each):
            stream = _proved(stream, way.begins, joined)
        for step in reversed(way.before):
            stream = stack.enter_context(opener(step.name).open(stream, step, keys))
            if _unproved([step]):
                stream = _proved(stream, way.begins, joined)
        yield stream


class _Way(NamedTuple):
    """The steps, by where they come, each in its order."""

    before: tuple[Step, ...]
    volume_size: int | None
    each: tuple[Step, ...]
    begins: Callable[[bytes], bool] | None
    """Whether what was encrypted may begin so, where that is known."""


def _way_of(steps: Sequence[Step]) -> _Way:
    by_name = {step.name: step for step in steps}
    sealing = [step for step in steps if step.name not in PACKING]
    try:
        order = placed([step.name for step in sealing], (*ENCRYPTION, *FOREIGN))
    except ValueError as error:
        raise SealError(f"a recipe that none of this version's can be: {error}") from error
    known = (*_BEGINNINGS, COMMAND)  # of what commands make nobody knows how it begins
    inside = [step.name for step in steps if step.parameters.get("skipped") is not True and step.name in known]
    return _Way(
        tuple(by_name[name] for name in order.before),
        _volume_size(by_name.get(SPLIT)) if order.split else None,
        tuple(by_name[name] for name in order.each),
        _BEGINNINGS.get(inside[-1]) if inside else None,
    )


def _volume_size(split: Step | None) -> int:
    size = None if split is None else split.parameters.get("volume_size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise SealError("a recipe that doesn't tell how large its volumes are")
    return size


@contextmanager
def _one_opened(volume: Volume, steps: Sequence[Step], keys: Keys) -> Iterator[ByteStream]:
    with ExitStack() as stack:
        stream = volume.stream
        for step in reversed(steps):
            stream = stack.enter_context(opener(step.name).open(stream, step, keys, volume.hmac_sha256))
        yield stream


def _unproved(steps: Sequence[Step]) -> bool:
    return any(step.name == UNPROVED for step in steps)


def _proved(stream: ByteStream, begins: Callable[[bytes], bool] | None, joined: Joined) -> ByteStream:
    """The same, after a look at its beginning, where that tells something."""
    if begins is None:
        return stream
    peeked = Peeked(stream)
    if joined.first == 1 and not begins(peeked.head):
        raise WrongKey("the password is wrong, or this isn't what was encrypted with it")
    return peeked


def _is_tar(head: bytes) -> bool:
    """POSIX's magic (pax(1), "ustar Interchange Format"), or the blocks of zeros that an empty one is."""
    return head[257:262] == b"ustar" or not any(head[:512])


def _is_zstd(head: bytes) -> bool:
    """RFC 8878, sections 3.1.1 and 3.1.2."""
    return head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5)


def _is_gzip(head: bytes) -> bool:
    """RFC 1952, section 2.3."""
    return head.startswith(b"\x1f\x8b\x08")


def _is_zip(head: bytes) -> bool:
    """APPNOTE 6.3.10, sections 4.3.7 and 4.3.16."""
    return head.startswith((b"PK\3\4", b"PK\5\6"))


_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    "tar": _is_tar,
    "zip": _is_zip,
    "zfs": is_zfs_stream,
    "zstd": _is_zstd,
    "gzip": _is_gzip,
}
"""Of what these steps make."""
