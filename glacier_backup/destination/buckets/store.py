"""What one S3 store honours of what Amazon's does, found out from its answers, and told once.

Amazon's own honours all of it. Others may refuse a header that they don't know: then requests are made without it.
Others pass over it in silence: then what it was for is done another way. Whoever asked for a storage class or for
encryption gets that, or an error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from glacier_backup.destination.remarks import Note, Remarks

Header = Literal["checksums", "conditions", "tags"]

_USES: Mapping[str, tuple[Header, ...]] = {
    "PutObject": ("checksums", "conditions", "tags"),
    "CreateMultipartUpload": ("checksums", "tags"),
    "CopyObject": ("checksums", "tags"),
    "UploadPart": ("checksums",),
    "CompleteMultipartUpload": ("checksums", "conditions"),
    "HeadObject": ("checksums",),
}
"""The headers, by operation, that a store may not know."""

_PARAMETERS: Mapping[Header, frozenset[str]] = {
    "checksums": frozenset({"ChecksumAlgorithm", "ChecksumCRC64NVME", "ChecksumMode", "ChecksumType", "MpuObjectSize"}),
    "conditions": frozenset({"IfNoneMatch"}),
    "tags": frozenset({"Tagging", "TaggingDirective"}),
}

_INSTEAD = "MD5 and size are compared instead, or size alone of what comes in parts over TLS"

_REFUSED: Mapping[Header, str] = {
    "checksums": f"it takes no CRC64NVME checksums: {_INSTEAD}",
    "conditions": "it takes no conditions: it is asked first whether a key is free",
    "tags": "it takes no tags: what is sent there has none",
}

_REFUSALS = {"NotImplemented", "InvalidArgument", "InvalidRequest", "UnsupportedArgument", "InvalidHeader"}


class Store:
    """What is known of the store behind one bucket. Safe to use from several threads."""

    def __init__(self, where: str, note: Note | None) -> None:
        self.tell = Remarks(where, note)
        self._refused: frozenset[Header] = frozenset()
        self._lock = threading.Lock()
        self._trial = threading.local()
        self.honours_conditions: bool | None = None
        """Whether it never replaces what was to be new; None until that was seen."""

    def keeps_no_checksums(self) -> None:
        self.tell(f"it keeps no CRC64NVME checksums: {_INSTEAD}")

    def keep_conditions(self, honoured: bool) -> None:
        """Note whether the store was seen to honour a condition."""
        self.honours_conditions = honoured
        if not honoured:
            self.tell("it replaces objects that a request wants to be new: it is asked first whether a key is free")

    def ours(self, operation: str, code: str, status: int) -> tuple[Header, ...]:
        """The headers of ours that such a refusal may be about."""
        if status != 501 and code not in _REFUSALS:
            return ()
        return tuple(header for header in _USES.get(operation, ()) if header not in self._refused)

    @contextmanager
    def trying_without(self, headers: tuple[Header, ...]) -> Iterator[None]:
        """A block whose requests, of this thread, go without these; where it ends well, all others will too."""
        self._trial.without = frozenset(headers)
        try:
            yield
        finally:
            self._trial.without = frozenset()
        with self._lock:
            self._refused |= set(headers)
        for header in headers:
            self.tell(_REFUSED[header])
        if "conditions" in headers:
            self.honours_conditions = False

    def trimmed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a request, without what the store is known not to take."""
        dropped = {name for header in self._without() for name in _PARAMETERS[header]}
        kept = {name: value for name, value in parameters.items() if name not in dropped}
        if "checksums" in self._without() and "MultipartUpload" in kept:
            parts = kept["MultipartUpload"]["Parts"]
            kept["MultipartUpload"] = {"Parts": [{k: v for k, v in part.items() if k not in dropped} for part in parts]}
        return kept

    def _without(self) -> frozenset[Header]:
        trial: frozenset[Header] = getattr(self._trial, "without", frozenset())
        return self._refused | trial
