"""Manifests that hide what they are about, opened with whatever key fits: which section they are of is hidden, too. And
the keys to what a rebuilt catalog knows."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator, Sequence

from glacier_backup.cli.keys import KeyRing
from glacier_backup.config.settings import Settings
from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.manifest import LONGEST
from glacier_backup.model.recipe import Scalar, Step
from glacier_backup.seal.in_memory import InMemory
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.units import MIB


class SealedManifests:
    """See :class:`~glacier_backup.workflow.rebuilding.several.ManifestOpener`."""

    def __init__(self, settings: Settings, arguments: argparse.Namespace) -> None:
        self._settings = settings
        self._ring = KeyRing(settings, arguments)
        self._one_at_a_time = threading.Lock()
        """Nobody is asked for a password twice at once."""

    def has_key(self, steps: Sequence[Step]) -> bool:
        return any(_may_open(keys, steps) for keys in self._all_keys())

    def open(self, data: bytes, steps: Sequence[Step]) -> str:
        """The text. Raises the first of SealError and DamageFound that isn't only a key that doesn't fit."""
        failed: SealError | DamageFound | None = None
        with self._one_at_a_time:
            for way in self._ways(steps):
                for keys in self._all_keys():
                    try:
                        return _opened(data, way, keys)
                    except (SealError, DamageFound) as error:
                        if failed is None or isinstance(failed, KeyNeeded):
                            failed = error
        raise failed or KeyNeeded("no key was given")

    def keys_of(self, path: str) -> list[Keys]:
        """All that there is to try on an archive of that path, what was made for such ones first."""
        return self._all_keys(path)

    def _all_keys(self, *first: str) -> list[Keys]:
        paths = [*first, "/", *(section.path for section in self._settings.sections)]
        found: list[Keys] = []
        for keys in map(self._ring.of_path, paths):
            if keys not in found:
                found.append(keys)
        return found

    def _ways(self, steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
        """As they are; and as ``openssl`` is configured, whose parameters nothing may have told."""
        yield steps
        for one in {self._settings.seal, *(section.seal for section in self._settings.sections)}:
            own: dict[str, Scalar] = {
                "cipher": one.openssl_cipher,
                "digest": one.openssl_digest,
                "iterations": one.openssl_iterations,
            }
            other = [Step(step.name, own) if step.name == "openssl" else step for step in steps]
            if other != list(steps):
                yield other


def _may_open(keys: Keys, steps: Sequence[Step]) -> bool:
    at_hand = {"age": bool(keys.identity_files), "openssl": keys.password is not None}
    return all(at_hand.get(step.name, True) for step in steps)  # gpg knows of keys by itself


def _opened(data: bytes, steps: Sequence[Step], keys: Keys) -> str:
    """Raises SealError, DamageFound."""
    pieces, left = [], LONGEST
    buffer = memoryview(bytearray(MIB))
    with opened(iter([Volume(InMemory(data))]), steps, keys) as stream:
        while count := stream.readinto(buffer):
            pieces.append(bytes(buffer[:count]))
            left -= count
            if left < 0:
                raise DamageFound("it opens to more than any manifest has")
    text = b"".join(pieces)
    if not text.startswith(b"{"):
        # Some encryption opens with any password, though not to what was encrypted.
        raise WrongKey("the password is wrong, or it is no manifest")
    return text.decode("utf-8", "surrogateescape")
