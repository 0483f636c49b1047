"""What one candidate is to become, named and dated before anything is sent of it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from glacier_backup.model.archive import ArchiveRecord, Label
from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.model.dataset_label import span_text
from glacier_backup.model.increment import Linked
from glacier_backup.model.naming import archive_name, stored_name
from glacier_backup.model.prefix_group import below
from glacier_backup.model.recipe import Recipe, compact
from glacier_backup.model.snapshot import SpanLinked
from glacier_backup.pack.hashed import hashed, hashed_whole
from glacier_backup.pack.packer import PackedStream, Packer
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.seal.order import ON_ALL
from glacier_backup.units import now, stamp

_ALIAS_BYTES = 16


@dataclass(frozen=True, slots=True)
class Intent:
    """A candidate, the record of the archive that it is to become, what packs it and what seals it."""

    candidate: Candidate
    record: ArchiveRecord
    packer: Packer
    chain: Chain
    """As it fits this candidate."""
    is_hashed: bool = False
    """Whether its files are, so that they can be compared by their content."""
    linked: Linked | SpanLinked | None = None
    """Where it stands in a chain of increments; None: in none."""

    @property
    def estimate(self) -> int:
        """Bytes of the packed stream, as far as known."""
        return self.packer.estimate(self.record.fingerprint.bytes, self.record.fingerprint.entries)

    def packed(self) -> AbstractContextManager[PackedStream]:
        """The stream. Raises as :meth:`glacier_backup.pack.packer.Packer.pack`."""
        stream = packed(self.packer, self.candidate)
        if self.packer.container == "zip":
            return stream
        stream = hashed(stream, self.packer.container) if self.is_hashed else stream
        # Or else nothing would tell that what a command has given back is what another was given.
        return hashed_whole(stream) if self.chain.has_command and not self.candidate.of_tree else stream


def packed(packer: Packer, candidate: Candidate) -> AbstractContextManager[PackedStream]:
    """What ``packer`` makes of ``candidate``: files of a group lie below its section, and are called as if that had
    been packed, or as it says."""
    if candidate.contents is None:
        return packer.pack(candidate.path, stored_name(candidate.path))
    top = candidate.contents.top
    return packer.pack(candidate.section, stored_name(candidate.section) if top is None else top)


def told(candidate: Candidate) -> str:
    """The path that its key stands for, where filters have made another one of its name; else empty."""
    return f"{candidate.section.rstrip('/')}/{candidate.key}" if candidate.key else ""


def key_of(candidate: Candidate) -> str:
    """As commands see it that its bytes go through: what filters have made of its name below the section."""
    above = candidate.section.rstrip("/") + "/"
    below = candidate.path[len(above) :] if candidate.path.startswith(above) else stored_name(candidate.path)
    return candidate.key or below


class Names(NamedTuple):
    """What decides how an archive is called."""

    host: str
    describe: Callable[[Label], str]
    fixed_key: Callable[[datetime], str | None]
    """By the time of the intent."""
    private: bool
    """Whether a random name is to stand for it."""


def intended(
    candidate: Candidate,
    fingerprint: Fingerprint,
    packer: Packer,
    chain: Chain,
    names: Names,
    *,
    is_hashed: bool,
    linked: Linked | SpanLinked | None = None,
) -> Intent:
    """With all that names the archive, and the time of the intent to send, which its fixed key may hold."""
    time = now()
    is_raw = packer.container == "raw"
    recipe = Recipe((packer.step(), *chain.steps()))
    label = Label(
        name=archive_name(candidate.path, packer.container, candidate.kind),
        path=candidate.path,
        host=names.host,
        kind=candidate.kind,
        container=packer.container,
        time=time,
        recipe_id=recipe.id,
        mtime_ns=fingerprint.newest_mtime_ns if is_raw else None,
        mode=fingerprint.mode if is_raw else None,
        fixed_key=names.fixed_key(time),
        suffix=chain.suffix,
        seal=compact(recipe),
        alias=_alias() if names.private else None,
        told=told(candidate),
        below=below(recipe),
        link="" if linked is None else str(linked.link),
        span=span_text(recipe),
    )
    record = ArchiveRecord(label, names.describe(label), recipe, fingerprint)
    return Intent(candidate, record, packer, chain, is_hashed, linked)


def in_volumes(chain: Chain) -> Chain:
    """The same in volumes, even if it is only one: so that nothing but volumes and a sealed manifest is to be seen."""
    if chain.split is not None:
        return chain
    both = (*chain.before, *chain.each)
    return Chain(
        tuple(one for one in both if one.step().name in ON_ALL),
        Split(),
        tuple(one for one in both if one.step().name not in ON_ALL),
    )


def nonce(label: Label, purpose: bytes = b"") -> bytes:
    """32 bytes that belong to this archive alone, and to that purpose, the same in every run."""
    names = "\0".join((label.host, label.path, stamp(label.time)))
    return hashlib.sha256(names.encode("utf-8", "surrogateescape") + b"\0" + purpose).digest()


def why_not(left: ArchiveRecord, intent: ArchiveRecord) -> str | None:
    """Why an upload of ``left`` can't go on as one of ``intent``."""
    if left.fingerprint.digest != intent.fingerprint.digest:
        return "the source has changed since"
    if left.recipe != intent.recipe or left.label.kind != intent.label.kind:
        return "it would be packed otherwise now"
    if (left.label.alias is None) != (intent.label.alias is None):
        return "its names would be hidden now" if left.label.alias is None else "its names would be shown now"
    return None


def _alias() -> str:
    """26 characters."""
    return base64.b32encode(secrets.token_bytes(_ALIAS_BYTES)).decode().rstrip("=").lower()
