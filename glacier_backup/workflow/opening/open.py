"""Opening archives into a directory: checked, mended, joined, decrypted, decompressed and unpacked.

Each is made in the hidden folder of the directory (:mod:`glacier_backup.workflow.restoring.staging`), and gets its name
when all of it is there and right; never in place of anything.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from glacier_backup.errors import DamageFound, GlacierBackupError, Interrupted, SealError
from glacier_backup.model.archive import Container, Member
from glacier_backup.model.restore import ItemRecord, RestoreItem
from glacier_backup.pack.unpacker import Unpacker, UnpackOrder
from glacier_backup.seal.keys import Keys
from glacier_backup.spool import Spool
from glacier_backup.workflow.opening.archives import Refused, archives
from glacier_backup.workflow.opening.beginnings import looks_like_zfs_stream
from glacier_backup.workflow.opening.bundles import Bundle
from glacier_backup.workflow.opening.content import content, drained
from glacier_backup.workflow.opening.listing import members
from glacier_backup.workflow.opening.pieces import right
from glacier_backup.workflow.opening.sealed import Layer, Sealed
from glacier_backup.workflow.restoring.item_folder import ItemFolder
from glacier_backup.workflow.restoring.publish import Brought, publish
from glacier_backup.workflow.restoring.staging import Staging, name_of
from glacier_backup.workflow.restoring.target import Obstacle, Target, troubles

State = Literal["opened", "listed", "kept", "failed", "damaged"]
"""``kept``: something has its name already, and stays."""


@dataclass(frozen=True, slots=True)
class OpenTools:
    """What opening works with."""

    keys: Keys
    unpackers: Mapping[Container, Unpacker]
    links: Unpacker
    check: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = lambda text: None
    """Hears of what needs a person, as it is found."""


class Opened(NamedTuple):
    """What became of one archive."""

    name: str
    state: State
    files: Sequence[str] = ()
    """Paths that its bytes were in."""
    path: str = ""
    """Where it came from; empty where nobody knows."""
    to: str | None = None
    """The path that it has now."""
    error: GlacierBackupError | None = None
    notes: Sequence[str] = ()
    """What was mended, what could not be given back as it was, and what nothing could prove."""
    members: Sequence[Member] | Spool[Member] = ()
    """Of one that was listed."""


def open_into(found: Sequence[Bundle], target: Target, tools: OpenTools) -> Iterator[Opened]:
    """Open each in turn. Raises what stops all: LockHeld, TargetError where nothing can be written, Interrupted."""
    with Staging(target, create=True) as staging:
        try:
            staging.try_out()
            for one in archives(found, tools.keys, tools.check):
                yield _refused(one) if isinstance(one, Refused) else _tried(_Opening(one, tools, staging).run, one)
        finally:
            staging.leave()


def list_inside(found: Sequence[Bundle], tools: OpenTools) -> Iterator[Opened]:
    """The same, but nothing is written, apart from mended volumes in the folder for temporary files."""
    for one in archives(found, tools.keys, tools.check):
        yield _refused(one) if isinstance(one, Refused) else _tried(_Listing(one, tools).run, one)


def _refused(one: Refused) -> Opened:
    return Opened(one.name, "damaged" if isinstance(one.error, DamageFound) else "failed", error=one.error)


def _tried(run: Callable[[], Opened], sealed: Sealed) -> Opened:
    state: State = "failed"
    try:
        return run()
    except Interrupted:
        raise
    except GlacierBackupError as error:
        if isinstance(error, DamageFound | Obstacle):
            state = "damaged" if isinstance(error, DamageFound) else "kept"
        return Opened(sealed.name, state, sealed.paths, sealed.path, error=error)
    except OSError as error:
        return Opened(sealed.name, state, sealed.paths, sealed.path, error=GlacierBackupError(str(error)))


@dataclass
class _Work:
    """One archive, and what was found out about it."""

    sealed: Sealed
    tools: OpenTools
    notes: list[str] = field(default_factory=list)

    def right(self, folder: Callable[[], str]) -> list[list[str]]:
        """The paths of the right bytes of all pieces, layer by layer."""
        name, tools = self.sealed.name, self.tools
        pieces = [layer.pieces for layer in self.sealed.layers]
        found = [[right(one, name, folder, tools.check, self.note) for one in layer] for layer in pieces]
        if not self.sealed.is_proved and _needs_proof(self.sealed):
            self.note(f"{name}: there is no manifest and no parity, so that nothing proves that all of it is right")
        return found

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.tools.tell(text)


class _Opening(_Work):
    """One on its way into the target."""

    def __init__(self, sealed: Sealed, tools: OpenTools, staging: Staging) -> None:
        super().__init__(sealed, tools)
        self._staging = staging
        self._own = name_of("open", sealed.paths, None, sealed.name)
        self._item = staging.item(self._own)
        self._mended = 0

    def run(self) -> Opened:
        sealed, target = self.sealed, self._staging.target
        if sealed.is_certain and target.look(sealed.to) is not None:
            raise Obstacle(f"{os.path.join(target.path, sealed.to)} is there already", hint=_ELSEWHERE)
        try:
            with self._content() as folder:
                paths = self.right(self._scratch)
                for layer, own in zip(sealed.layers, paths, strict=True):
                    with _named(own, sealed):
                        self._unpack(layer, own, folder)
                root = _root(sealed, folder)
            to = root or sealed.to
            self._publish(self._item, to, root)
        finally:
            self._item.remove()
        where = os.path.join(target.path, to)
        if os.path.isfile(where) and not os.path.islink(where) and looks_like_zfs_stream(where):
            self.note(f"{where} is a stream of ZFS; to have its data: zfs receive POOL/DATASET < {where}")
        return Opened(sealed.name, "opened", sealed.paths, sealed.path, where, notes=self.notes)

    @contextmanager
    def _content(self) -> Iterator[int]:
        folder = self._item.begin(anew=True)
        try:
            yield folder
        finally:
            os.close(folder)

    def _scratch(self) -> str:
        self._mended += 1
        folder = os.path.join(self._staging.path, self._own, f"mended.{self._mended}")
        with troubles(self._staging.target.path):
            os.mkdir(folder, 0o700)
        return folder

    def _unpack(self, layer: Layer, paths: Sequence[str], folder: int) -> None:
        sealed, tools = self.sealed, self.tools
        unpacker = tools.links if sealed.kind == "link" else tools.unpackers[sealed.container]
        order = UnpackOrder(sealed.to, sealed.kind, sealed.mtime_ns, sealed.mode)
        with content(layer, paths, tools.keys, tools.check) as stream:
            unpacking = unpacker.unpack(stream, folder, order)
            for _ in unpacking:
                tools.check()
            drained(stream)
        for what in unpacking.left_out:
            self.note(f"{sealed.name}: {what}")

    def _publish(self, item: ItemFolder, to: str, root: str) -> None:
        done = item.finish(root, ())
        self._staging.flush()
        record = ItemRecord(0, RestoreItem(0, to), "fetched")
        (published,) = publish(self._staging.target, [Brought(record, item, done, False)], overwrite=False)
        if published.error is not None:
            raise published.error


class _Listing(_Work):
    """One that is only looked into."""

    def __init__(self, sealed: Sealed, tools: OpenTools) -> None:
        super().__init__(sealed, tools)

    def run(self) -> Opened:
        inside: Spool[Member] = Spool()
        with tempfile.TemporaryDirectory(prefix="glacier-backup-open-") as folder:
            all_paths = self.right(lambda: tempfile.mkdtemp(dir=folder))
            for layer, paths in zip(self.sealed.layers, all_paths, strict=True):
                with (
                    _named(paths, self.sealed),
                    content(layer, paths, self.tools.keys, self.tools.check) as stream,
                ):
                    for member in members(stream, self.sealed):
                        inside.append(member)
        return Opened(self.sealed.name, "listed", self.sealed.paths, self.sealed.path, notes=self.notes, members=inside)


@contextmanager
def _named(paths: Sequence[str], sealed: Sealed) -> Iterator[None]:
    """A block whose errors say which of many tars they are about."""
    try:
        yield
    except (DamageFound, SealError) as error:
        if len(sealed.layers) == 1:
            raise
        kind = DamageFound if isinstance(error, DamageFound) else type(error)
        raise kind(f"{paths[0]}: {error}", hint=error.hint) from error


def _root(sealed: Sealed, folder: int) -> str:
    """What of the content gets a name of its own: the one thing that is in it, where it may have that name."""
    names = os.listdir(folder)
    if sealed.maker == "pyArchiver" or len(names) != 1:
        return ""
    return names[0] if not sealed.is_certain or names[0] == sealed.to else ""


def _needs_proof(sealed: Sealed) -> bool:
    """Whether something may have been altered, or volumes exchanged or lost behind the last one, without its being
    noticed: age and gpg authenticate what they encrypt, be it the whole or each volume by itself, and compression has a
    checksum of the whole."""
    steps = [step.name for layer in sealed.layers for step in layer.steps]
    if "split" not in steps:
        return "openssl" in steps
    whole = steps[: steps.index("split")]
    return "openssl" in steps or not {"zstd", "gzip", "age", "gpg"} & set(whole)


_ELSEWHERE = "open it into another directory, or move that away"
