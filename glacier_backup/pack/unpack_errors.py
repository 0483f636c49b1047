"""What goes wrong inside of unpacking, as those outside know it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from glacier_backup.errors import DamageFound, TargetError
from glacier_backup.pack.archive_stream import ArchiveEnds, ArchiveFails, Stream
from glacier_backup.pack.below import NotBelow
from glacier_backup.pack.untar_fields import BadField


@contextmanager
def translated(stream: Stream, where: Callable[[], str], name: Callable[[], bytes]) -> Iterator[None]:
    """A block that reads ``stream``: DamageFound for what the archive does wrong, with ``where``; TargetError for what
    the disk does, with the ``name`` that it was about; and what reading the archive raised, as it was."""
    try:
        yield
    except (BadField, NotBelow) as error:
        raise DamageFound(f"{where()}: {error}") from error
    except ArchiveEnds:
        end = stream.position + stream.end - stream.at
        raise DamageFound(f"{where()}: the archive ends too early, at byte {end:,}") from None
    except ArchiveFails as failed:
        raise failed.error from None
    except OSError as error:
        about = os.fsdecode(name()) or "the directory to unpack into"
        raise TargetError(f"{about}: {error.strerror or error}") from error
