"""In which order the steps of a seal may come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COMMAND = "command"
"""The user's own commands, all of them: see :mod:`glacier_backup.seal.command`."""
COMPRESSION = ("zstd", "gzip")
ON_ALL = (COMMAND, *COMPRESSION)
"""What works on the whole stream in any case: it comes in front of the cutting."""
ENCRYPTION = ("age", "gpg", "openssl")
SPLIT = "split"
PARITY = "par2"
NAMES = (*COMPRESSION, *ENCRYPTION, SPLIT, PARITY)
"""Every step that there is to seal with, the user's own apart."""


class Order(NamedTuple):
    """Steps by where they come, each in its order."""

    before: tuple[str, ...] = ()
    """What works on the whole stream: in front of the cutting, or all where nothing cuts."""
    split: bool = False
    each: tuple[str, ...] = ()
    """What works on every volume by itself."""
    parity: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All of them in their order."""
        return (*self.before, *[SPLIT] * self.split, *self.each, *[PARITY] * self.parity)


def ordered(names: Sequence[str]) -> Order:
    """Where each of the steps comes: compression, then encryption and ``split`` in either order, then ``par2``, any of
    which may be missing. ``par2`` works on volumes: where nothing cuts, ``split`` comes in front of the encryption by
    itself.

    Raises ValueError, which says why, for an order that makes no sense.
    """
    for name in names:
        if name not in NAMES:
            raise ValueError(f"there is no step '{name}': there are {', '.join(NAMES)}")
    return placed(names, ENCRYPTION)


def placed(names: Sequence[str], encryption: Sequence[str]) -> Order:
    """As :func:`ordered`, with other ways to encrypt; names that aren't among them, nor another step, are ValueError
    as well. :data:`COMMAND` may come in front of all."""
    own = tuple(names[:1]) if names[:1] and names[0] == COMMAND else ()
    found = _placed(names[len(own) :], encryption)
    return found._replace(before=(*own, *found.before))


def _placed(names: Sequence[str], encryption: Sequence[str]) -> Order:
    kinds = [_kind(name, encryption) for name in names]
    _check_twice(names, kinds)
    _check_order(names, kinds)
    steps = [name for name in names if name not in (SPLIT, PARITY)]
    parity = PARITY in names
    if SPLIT in names:
        cut = list(names).index(SPLIT)
        return Order(tuple(steps[:cut]), True, tuple(steps[cut:]), parity)
    if not parity:
        return Order(tuple(steps))
    return Order(
        tuple(name for name in steps if name in COMPRESSION),
        True,
        tuple(name for name in steps if name not in COMPRESSION),
        True,
    )


_COMPRESSES, _ENCRYPTS, _CUTS, _PROTECTS = range(4)

_TWICE = {
    _COMPRESSES: "only one step can compress: what is compressed doesn't shrink again",
    _ENCRYPTS: "only one step can encrypt",
    _CUTS: "what is cut can't be cut again",
    _PROTECTS: "one step of parity is enough: ask for more redundancy instead",
}


def _kind(name: str, encryption: Sequence[str]) -> int:
    if name in COMPRESSION:
        return _COMPRESSES
    if name in encryption:
        return _ENCRYPTS
    if name == SPLIT:
        return _CUTS
    if name == PARITY:
        return _PROTECTS
    raise ValueError(f"there is no step '{name}'")


def _check_twice(names: Sequence[str], kinds: Sequence[int]) -> None:
    for kind, why in _TWICE.items():
        found = [name for name, of in zip(names, kinds, strict=True) if of == kind]
        if len(found) > 1:
            raise ValueError(f"'{found[1]}' can't follow '{found[0]}': {why}")


def _check_order(names: Sequence[str], kinds: Sequence[int]) -> None:
    for at in range(1, len(names)):
        pair = f"'{names[at]}' can't follow '{names[at - 1]}'"
        if kinds[at - 1] == _PROTECTS:
            raise ValueError(f"{pair}: parity comes last, for it mends what is stored")
        if kinds[at] == _COMPRESSES:
            encrypted = kinds[at - 1] == _ENCRYPTS
            why = "what is encrypted doesn't shrink" if encrypted else "the whole shrinks more than its pieces"
            raise ValueError(f"{pair}: compression comes first, for {why}")
