"""Files that were stored under another name: the same size and time, and what was called so is gone.

What is copied for that, or taken for the same, is so by its content: that is looked at when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from glacier_backup.destination.destination import Copying, Destination
from glacier_backup.errors import SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.plan import Upload
from glacier_backup.model.upload_reason import Renamed, UploadReason
from glacier_backup.workflow.tools import Origin

AlikeOf = Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]]
"""A section, and digests of files of whole trees: by digest some of the paths in the section whose newest version at
one destination looks so."""


def renames(candidates: Iterable[Candidate], alike: AlikeOf, origins: Mapping[str, Origin]) -> Mapping[str, str]:
    """What ``candidates``, files of whole trees that were never sent, seem to have been called, by their paths.

    Of several names one with the same last component is taken, else the first. Nothing is read but what the names
    stand for now: where that can't be told, nothing was renamed.
    """
    found: dict[str, str] = {}
    gone: dict[str, bool] = {}
    for section, here in groupby(candidates, attrgetter("section")):
        by_digest = {one.path: (one, one.seen.digest) for one in here if one.seen is not None}
        known = alike(section, list({digest for _, digest in by_digest.values()})) if by_digest else {}
        for path, (candidate, digest) in by_digest.items():
            for was in sorted(known.get(digest, ()), key=lambda was: _name(was) != _name(path)):
                if was not in gone:
                    gone[was] = _is_gone(replace(candidate, path=was), origins)
                if gone[was]:
                    found[path] = was
                    break
    return found


def saying_how(upload: Upload, destination: Destination) -> UploadReason:
    """Why it is sent; of a file that was renamed with whether that costs its bytes once more: what the destination can
    copy lies, as far as is known, in the class that this is to have."""
    if not isinstance(upload.reason, Renamed) or upload.candidate.seen is None:
        return upload.reason
    copied = isinstance(destination, Copying) and destination.copies(upload.bytes, upload.storage_class)
    return replace(upload.reason, copied=copied)


def _is_gone(candidate: Candidate, origins: Mapping[str, Origin]) -> bool:
    try:
        origins[candidate.origin].source.look(candidate)
    except SourceUnavailable:
        return False
    except SourceError:
        return True
    return False


def _name(path: str) -> str:
    return path.rpartition("/")[2]
