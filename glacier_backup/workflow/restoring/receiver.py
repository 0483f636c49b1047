"""The Receiver Protocol: what makes datasets out of their streams."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from glacier_backup.model.snapshot import Snapshot


class Incoming(Protocol):
    """A stream on its way into a dataset."""

    def write(self, data: memoryview) -> None:
        """Hand it on. Raises TargetError where it isn't taken."""
        ...

    def finish(self) -> None:
        """That was all of it: it is a snapshot now. Raises TargetError where it is none."""
        ...


class Receiver(Protocol):
    """Makes datasets out of streams. All raise TargetError; datasets are named without a scheme: ``pool/name``."""

    def locked(self, target: str) -> AbstractContextManager[object]:
        """For the block nobody else receives into ``target``, which is as :attr:`Wish.target` has it. Raises LockHeld
        where somebody does."""
        ...

    def snapshots(self, dataset: str) -> Sequence[Snapshot] | None:
        """Those that there are, in the order of their creation; None where there is no such dataset."""
        ...

    def is_half_received(self, dataset: str) -> bool:
        """Whether somebody else has begun to receive something there that only its own stream can go on with."""
        ...

    def receiving(self, dataset: str) -> AbstractContextManager[Incoming]:
        """Take a stream. Leaving the block before it is finished leaves nothing of it."""
        ...
