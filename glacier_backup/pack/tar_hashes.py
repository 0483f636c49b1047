"""SHA-256 of each file in a tar, while it goes by: of tars that this program makes, by itself or by GNU tar.

The headers say where contents begin and end. Where one isn't as ours are, nothing behind it is hashed: no hash is
better than one of other bytes.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterator
from struct import Struct

from glacier_backup.digest import DIGEST_BYTES
from glacier_backup.model.archive import Member
from glacier_backup.pack.untar_extended import Extended
from glacier_backup.pack.untar_fields import BLOCK, MOST, BadField, decimal, number
from glacier_backup.pack.untar_sparse import Extents
from glacier_backup.units import MIB

MOST_SAID = MIB
"""Bytes of an extended header that is looked at; a larger one has the map of a file with very many holes, which gets no
hash."""

_HEAD = Struct("124x12s20xc100x5s")
"""Size, flag and magic of a header block."""
_MAGIC = b"ustar"
_FILES = b"0\x007"
_WITHOUT_CONTENT = b"123456"
_EXTENDED = b"x"
_NOT_OURS = b"gLKS"
"""Flags that change what others mean; our tars have none."""
_OF_SIZE = (b"size=", b"GNU.sparse.")
"""What stands in an extended header that says more of the content than the header itself."""

_ZEROS = bytes(256 * 1024)


class TarHashes:
    """Takes the bytes of one tar, in order and in pieces of any size. Memory: 48 bytes for each file."""

    def __init__(self) -> None:
        self._position = 0
        """In the tar, of what comes next."""
        self._begin: int | None = None
        """Where an extended header has begun that is about what comes next."""
        self._said: Extended | None = None
        """What that says of the content."""
        self._is_too_long = False
        """Whether it says more than is looked at."""
        self._passing = 0
        """Bytes that come next and are of no account."""
        self._file: _File | None = None
        """Whose content comes next."""
        self._torn = bytearray()
        """Of headers that aren't there in whole."""
        self._needed = BLOCK
        """Bytes of them that have to be there."""
        self._ended = False
        self._offsets, self._sizes, self._digests = array("q"), array("q"), bytearray()

    def take(self, view: memoryview) -> None:
        """The next bytes."""
        at, end = 0, len(view)
        while at < end and not self._ended:
            if self._passing:
                count = min(self._passing, end - at)
                self._passing -= count
                self._position += count
                at += count
            elif self._file is not None:
                at += self._content(self._file, view[at:])
            elif self._torn:
                at += self._mended(view[at:])
            elif not (count := self._member(view, at, end)):
                self._torn += view[at:]
                return
            else:
                at += count

    def told(self, members: Iterator[Member]) -> Iterator[Member]:
        """``members`` of the tar, in its order, with their hashes; of links those of their targets."""
        index, count = 0, len(self._offsets)
        for member in members:
            if member.type == "symlink" and member.target is not None:
                yield member._replace(sha256=hashlib.sha256(os.fsencode(member.target)).digest())
                continue
            while index < count and self._offsets[index] < member.offset:
                index += 1
            yield member._replace(sha256=self._digest(index)) if self._is(member, index) else member

    @property
    def only(self) -> bytes | None:
        """The hash of the only file; None where there is none, or several."""
        return self._digest(0) if len(self._offsets) == 1 else None

    def _is(self, member: Member, index: int) -> bool:
        if member.type != "file" or index == len(self._offsets):
            return False
        return (member.offset, member.size) == (self._offsets[index], self._sizes[index])

    def _digest(self, index: int) -> bytes:
        return bytes(self._digests[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES])

    def _member(self, view: memoryview, at: int, end: int) -> int:
        """Take in the header at ``at``, and what follows it where that is all there; the bytes that were taken. 0 where
        more are needed."""
        if end - at < BLOCK:
            self._needed = BLOCK
            return 0
        field, flag, magic = _HEAD.unpack_from(view, at)
        try:
            if magic != _MAGIC or flag in _NOT_OURS:
                raise BadField("nothing of ours")  # or the end: zeros
            size = number(field)
            if not 0 <= size <= MOST:
                raise BadField("its size can't be")
            if flag == _EXTENDED:
                return self._extended(view, at, end, size)
            return self._begun(view, at, end, size, flag)
        except BadField:
            self._ended = True
            return end - at

    def _extended(self, view: memoryview, at: int, end: int, size: int) -> int:
        taken = BLOCK + size + -size % BLOCK
        if size > MOST_SAID:
            self._is_too_long, self._passing, taken = True, taken - BLOCK, BLOCK
        elif end - at < taken:
            self._needed = taken
            return 0
        else:
            data = bytes(view[at + BLOCK : at + BLOCK + size])
            if any(word in data for word in _OF_SIZE):
                self._said = self._said or Extended()
                self._said.take_in(data, size)
        if self._begin is None:
            self._begin = self._position
        self._position += taken
        return taken

    def _begun(self, view: memoryview, at: int, end: int, size: int, flag: bytes) -> int:
        begin = self._position if self._begin is None else self._begin
        said, is_too_long = self._said, self._is_too_long
        self._begin, self._said, self._is_too_long = None, None, False
        if said is not None and b"size" in said.fields:
            size = decimal(said.fields[b"size"])
        stored = 0 if flag in _WITHOUT_CONTENT else size
        whole = BLOCK + stored + -stored % BLOCK
        if flag not in _FILES or is_too_long:
            self._passing = whole - BLOCK
            self._position += BLOCK
            return BLOCK
        if said is None and end - at >= whole:
            start = at + BLOCK
            self._note(begin, stored, hashlib.sha256(view[start : start + stored]).digest())
            self._position += whole
            return whole
        self._file = _file(begin, stored, said)
        self._position += BLOCK
        if not stored:
            self._end(self._file)
        return BLOCK

    def _content(self, file: _File, view: memoryview) -> int:
        count = min(file.left, len(view))
        file.take(view[:count])
        self._position += count
        if not file.left:
            self._end(file)
        return count

    def _end(self, file: _File) -> None:
        self._note(file.begin, file.size, file.digest())
        self._file = None
        self._passing = -file.stored % BLOCK

    def _mended(self, view: memoryview) -> int:
        """Bytes of ``view`` that were taken."""
        count = min(self._needed - len(self._torn), len(view))
        self._torn += view[:count]
        if len(self._torn) == self._needed:
            whole = memoryview(bytes(self._torn))
            if self._member(whole, 0, len(whole)):
                self._torn.clear()
        return count

    def _note(self, begin: int, size: int, digest: bytes) -> None:
        self._offsets.append(begin)
        self._sizes.append(size)
        self._digests += digest


class _File:
    """A file whose content goes by in pieces, or is sparse: then zeros are hashed for what isn't there."""

    def __init__(self, begin: int, stored: int, size: int, extents: Extents | None) -> None:
        self.begin = begin
        """Where its first header does."""
        self.stored = self.left = stored
        """Bytes of content in the tar, and those that are still to come."""
        self.size = size
        self._hash = hashlib.sha256()
        self._extents = iter(((0, size),) if extents is None else extents)
        self._at = 0
        """In the file."""
        self._run = 0
        """Bytes that come next, before the next hole."""

    def take(self, view: memoryview) -> None:
        """The next bytes of its content."""
        self.left -= len(view)
        while view:
            while not self._run:
                offset, self._run = next(self._extents)
                self._pass_hole(offset)
            piece = view[: self._run]
            self._hash.update(piece)
            self._at += len(piece)
            self._run -= len(piece)
            view = view[len(piece) :]

    def digest(self) -> bytes:
        """Once all of it was taken."""
        self._pass_hole(self.size)
        return self._hash.digest()

    def _pass_hole(self, end: int) -> None:
        while self._at < end:
            count = min(end - self._at, len(_ZEROS))
            self._hash.update(memoryview(_ZEROS)[:count])
            self._at += count


def _file(begin: int, stored: int, said: Extended | None) -> _File:
    """Raises BadField for one that is sparse in a way that isn't ours."""
    if said is None or (said.extents is None and not any(name.startswith(b"GNU.sparse.") for name in said.fields)):
        return _File(begin, stored, stored, None)
    extents, size = said.extents or Extents(), decimal(said.fields.get(b"GNU.sparse.size", b""))
    if b"GNU.sparse.major" in said.fields or extents.end > size or extents.content != stored:
        raise BadField("the map of a sparse file is not ours")
    return _File(begin, stored, size, extents)
