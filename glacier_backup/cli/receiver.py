"""Datasets of this machine as the target of a restore."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from glacier_backup.errors import LockHeld, SourceError, SourceMissing, SourceUnavailable, TargetError, UsageError
from glacier_backup.lock import RunLock
from glacier_backup.model.snapshot import Snapshot
from glacier_backup.plan.known import Known
from glacier_backup.plan.receive import only_datasets
from glacier_backup.plan.terms import Term
from glacier_backup.workflow.restoring.receiver import Incoming

if TYPE_CHECKING:
    from glacier_backup.zfs import Zfs

SCHEME = "zfs:"

_DIRECTORIES = ("/", ".", "~")
"""What the name of a directory begins with, where it could be a dataset's."""

_AS_FILES = "the streams come back as files with --to DIR, for a machine that has it"


def dataset_target(text: str, known: Known, terms: Sequence[Term]) -> str | None:
    """The dataset that ``--to`` names, as ``zfs:pool/name``; None for a directory.

    Without ``zfs:`` it is one where nothing but datasets is asked for, and it looks like one: ``pool/name``. Raises
    UsageError for a name that no dataset has, and for a pool.
    """
    from glacier_backup.zfs.names import dataset_fault

    if not text.startswith(SCHEME):
        bare = "/" in text and not text.startswith(_DIRECTORIES) and only_datasets(known, terms)
        return dataset_target(SCHEME + text, known, terms) if bare else None
    name = text.removeprefix(SCHEME)
    fault = dataset_fault(name) or ("" if "/" in name else "a pool is there already: name a dataset in it")
    if fault:
        raise UsageError(
            f"nothing can be received into {text}: {fault}",
            hint="--to POOL/NAME names a dataset that is made; what begins with /, ./ or ~ is a directory",
        )
    return text


class ZfsReceiver:
    """A :class:`~glacier_backup.workflow.restoring.receiver.Receiver`. ZFS isn't looked for before it is needed."""

    def __init__(self, catalog: str) -> None:
        """``catalog`` is the path of the catalog, beside which the locks are."""
        self._catalog = catalog

    @contextmanager
    def locked(self, target: str) -> Iterator[None]:
        """See :class:`Receiver`."""
        digest = hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        lock = RunLock(f"{self._catalog}.receive-{digest}")
        try:
            lock.__enter__()
        except LockHeld as error:
            raise LockHeld(f"another restore into {target} is at work", hint=error.hint) from error
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def snapshots(self, dataset: str) -> Sequence[Snapshot] | None:
        """See :class:`Receiver`."""
        with _as_target():
            try:
                return self._zfs.snapshots(dataset)
            except SourceMissing:
                return None

    def is_half_received(self, dataset: str) -> bool:
        """See :class:`Receiver`."""
        with _as_target():
            return self._zfs.resume_token(dataset) is not None

    @contextmanager
    def receiving(self, dataset: str) -> Iterator[Incoming]:
        """See :class:`Receiver`."""
        with self._zfs.receiving(dataset) as incoming:
            yield incoming

    @cached_property
    def _zfs(self) -> Zfs:
        from glacier_backup.zfs import Zfs

        return Zfs()


@contextmanager
def _as_target() -> Iterator[None]:
    """A block whose errors are about what is written to."""
    try:
        yield
    except SourceUnavailable as error:
        hint = f"{error.hint}; or else: {_AS_FILES}" if error.hint else _AS_FILES
        raise TargetError(str(error), hint=hint) from error
    except SourceError as error:
        raise TargetError(str(error), hint=error.hint) from error
