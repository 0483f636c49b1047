"""An SFTP server: a Storage Box, a NAS, any machine that one can log in to.

Below the directory lie the same files as in a local one (:mod:`glacier_backup.destination.layout`), so that whoever
logs in can check them by ``sha256sum -c``. All is flushed to the server's disk before it gets its name, where the
server offers that; no archive is ever overwritten, but for a file of a whole tree, by the next one with its key. It has
the modification time of its source. Directories are 0700 and files 0600, where the server lets us choose.

What a server doesn't allow is done without, and told once: one that renames nothing gets archives under their own names
from the start, the manifest still last; one that shows no sizes isn't asked for them; one that lets nobody read gets an
interrupted upload again from its beginning. An archive gateway (``cold``) seals a file when it is closed, so that a
file is written from front to end over one connection; the first try to read it starts an unsealing of hours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress
from glacier_backup.destination.layout import is_dated
from glacier_backup.destination.linear import Linear
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.destination.remarks import Note, Waiting
from glacier_backup.destination.servers import objects, publishing, trees
from glacier_backup.destination.servers.errors import is_refusal
from glacier_backup.destination.servers.files import Seen, is_empty, look
from glacier_backup.destination.servers.listing import stored
from glacier_backup.destination.servers.paths import (
    AnyRemotePaths,
    RemoteObjectPaths,
    RemotePaths,
    RemoteTreePaths,
    absolute,
    all_remote_paths,
    below,
    is_odd,
    remote,
    remote_paths,
)
from glacier_backup.destination.servers.reading import Reading
from glacier_backup.destination.servers.sending import InOneGo, Sending
from glacier_backup.destination.servers.server import SftpServer
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, UploadLost, VolumeMissing
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.naming import key
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.ssh import Server, Session
from glacier_backup.units import GIB, MIB, now

Parts = list[tuple[int, bytes]]
"""Of each part of a stream, in order: bytes and leaves."""

Sent = Callable[[Callable[[Part], object]], Parts]
"""Sends all parts, by what stores one."""

LIMITS = Limits(least=0, part=8 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=1_000_000)

PARTS_PER_CONNECTION = 2
"""One is on its way while the answers for the other, and the flush of the server's disk, are waited for."""

COLD_PAUSE = "the server has begun to unseal it: this takes hours, run again later"


class Sftp:
    """One directory on a server. Only its last level is made. Nothing is connected before it is needed.

    ``concurrency`` parts are under way at the same time, or two for each connection if that is more; ``bandwidth`` is
    in bytes per second. ``cold``: an archive gateway. ``waiting`` is told, from any thread, why nothing moves for a
    while, ``note`` once what a person should know of the server.
    """

    limits = LIMITS
    inventory_lag = timedelta()

    def __init__(
        self,
        server: Server,
        directory: str,
        *,
        concurrency: int = 4,
        bandwidth: int | None = None,
        cold: bool = False,
        waiting: Waiting | None = None,
        note: Note | None = None,
    ) -> None:
        self._address = server
        self._directory = directory.rstrip("/") or directory[:1]
        self._cold = cold
        connections = 1 if cold else server.connections
        self._server = SftpServer(replace(server, connections=connections), waiting, note)
        parts = 1 if cold else max(concurrency, PARTS_PER_CONNECTION * connections)
        self._parts = PartSender(parts, bandwidth)
        self._reading = Reading(self._server, self._where, self._directory, connections)
        self._begun: set[str] = set()
        """Locators of what was begun here, and surely isn't complete."""
        self._lock = threading.Lock()

    @property
    def place(self) -> Place:
        return Place("sftp", f"{self._address}{absolute(self._directory)}")

    def identify(self, *, holds_archives: bool) -> Place:
        where = str(self.place)

        async def seen(session: Session) -> tuple[Seen, Seen, bool]:
            root = remote(self._directory or ".")
            found = await look(session, root)
            above = found if found.is_there else await look(session, root.rpartition(b"/")[0] or b"/")
            return found, above, found.is_there is True and await is_empty(session, root)

        found, above, empty = self._server.ask(where, seen, lambda: None)
        if holds_archives and (found.is_there is False or empty):
            raise DestinationUnavailable(
                f"something was stored in {where} and nothing is there", hint="is the server's disk mounted?"
            )
        if found.is_there and not found.is_folder:
            raise DestinationUnavailable(f"{where} is not a directory")
        if above.is_there is False or (above.is_there and not above.is_folder):
            raise DestinationUnavailable(
                f"{where} does not exist, and the folder that it would be in doesn't either",
                hint=f"check the path, or make the folder: only the last level of {self._directory} is made",
            )
        return self.place

    def describe(self, label: Label) -> str:
        return key(label)

    def keeps_versions(self, check: Check) -> bool:
        return False

    def begin(self, request: UploadRequest, check: Check) -> str:
        locator = key(request.label)
        paths = self._paths(request.label, locator)

        async def begun(session: Session) -> None:
            if isinstance(paths, RemoteTreePaths):
                if not self._cold:  # what is made and closed is sealed
                    await trees.begin(session, self._server, paths)
            elif self._cold:
                await publishing.refuse_existing(session, self._server, paths)
            else:
                await publishing.begin(session, self._server, paths)

        self._server.ask(self._where(locator), begun, check)
        with self._lock:
            self._begun.add(locator)
        return locator

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        linear = Linear(stream)

        def sent(store: Callable[[Part], object]) -> Parts:
            def send(part: Part) -> tuple[int, bytes]:
                store(part)
                return len(part.data), leaf_digests(part.data)

            most = self.limits.most_parts
            return self._parts.send(stream, upload.part_size, most, send, progress=progress, observe=linear.observe)

        parts = (self._send_in_one_go if self._cold else self._send_parts)(upload, sent, lambda: progress(0))
        leaves = b"".join(digests for _, digests in parts)
        size = sum(length for length, _ in parts)
        return Checksums(size, tree_hash(leaves), leaves, linear.hexdigest())

    def _send_parts(self, upload: OpenUpload, sent: Sent, check: Check) -> Parts:
        where, paths = self._where(upload.id), self._paths(upload.label, upload.id)

        async def found(session: Session) -> bytes:
            if isinstance(paths, RemoteTreePaths):
                return await trees.find(session, self._server, paths)
            if isinstance(paths, RemoteObjectPaths):
                return await objects.find(session, self._server, paths)
            return await publishing.find(session, self._server, paths)

        path = self._server.ask(where, found, check)
        sending = Sending(self._server, where, path, may_be_there=upload.resumed)
        try:
            parts = sent(sending.store)
            sending.finish(sum(length for length, _ in parts), check)
        except (DestinationUnavailable, UploadLost):
            raise
        except DestinationError as error:
            if isinstance(error.__cause__, Exception) and is_refusal(error.__cause__):
                with suppress(DestinationError):
                    sending.clear()
            raise
        return parts

    def _send_in_one_go(self, upload: OpenUpload, sent: Sent, check: Check) -> Parts:
        where = self._where(upload.id)
        with self._lock:
            begun_here = upload.id in self._begun
        if upload.resumed or not begun_here:
            raise UploadLost(f"{where}: a file there can't be gone on with")
        with closing(InOneGo(self._server, where, self._paths(upload.label, upload.id))) as file:
            parts = sent(file.store)
            file.finish(check)
        return parts

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        paths, size = self._paths(upload.label, upload.id), checksums.size
        checksum = f"{checksums.sha256}  {upload.id.rpartition('/')[2]}\n"
        texts = (remote(checksum), remote(manifest))

        async def completed(session: Session) -> int | None:
            if isinstance(paths, RemotePaths):
                return await publishing.complete(session, self._server, paths, size, texts, directly=self._cold)
            if isinstance(paths, RemoteObjectPaths):
                return await objects.complete(session, self._server, paths, size, texts[0], directly=self._cold)
            await trees.complete(session, self._server, paths, size, upload.label.mtime_ns, directly=self._cold)
            return None

        seconds = self._server.ask(self._where(upload.id), completed, check)
        with self._lock:
            self._begun.discard(upload.id)
        stored_at = now() if seconds is None else datetime.fromtimestamp(seconds, UTC)
        return Receipt(
            upload.id, checksums.size, checksums.tree_hash, checksums.leaves, stored_at, sha256=checksums.sha256
        )

    def copies(self, size: int, storage_class: str | None) -> bool:
        return not self._cold and self._server.renames is not False

    def copy(self, request: UploadRequest, locator: str, checksums: Checksums, check: Check) -> str | None:
        """Another name of the same file, which stays as long as one of them does."""
        new = key(request.label)
        paths = self._paths(request.label, new)
        if not isinstance(paths, RemoteTreePaths) or is_odd(locator):
            return None
        stored = remote(below(self._directory, locator))

        async def linked(session: Session) -> bool:
            return await trees.link(session, paths, stored, checksums.size)

        return new if self._server.ask(self._where(new), linked, check) else None

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        locator = upload_id or key(label)
        paths = self._paths(label, locator)
        with self._lock:
            begun_here = locator in self._begun
            self._begun.discard(locator)

        async def aborted(session: Session) -> None:
            if isinstance(paths, RemotePaths):
                await publishing.abort(session, self._server, paths, begun_here=begun_here)
            elif isinstance(paths, RemoteObjectPaths):
                await objects.abort(session, self._server, paths, begun_here=begun_here)
            else:
                direct = self._cold or self._server.renames is False
                await trees.abort(session, paths, direct=direct, begun_here=begun_here)

        self._forget(paths)
        self._server.ask(self._where(locator), aborted, check)

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        """What isn't cold is ready at once, for good; a gateway is asked for the first byte."""
        thaw = Thaw(request.locator, "", "ready", request.start, request.end)
        if request.locator is None:
            return thaw
        if self._cold:
            return self._tried(thaw, check)
        self._reading.is_there(request.locator, check)
        return thaw

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        for thaw in thaws:
            try:
                yield self._tried(thaw, check) if self._cold and thaw.locator else replace(thaw, state="ready")
            except VolumeMissing as error:
                yield replace(thaw, state="failed", cause=str(error))

    def _tried(self, thaw: Thaw, check: Check) -> Thaw:
        """How it stands with what may be sealed: trying to read it is what starts the unsealing."""
        try:
            self.fetch(thaw, thaw.start, memoryview(bytearray(1)), check)
        except NotThawed:
            return replace(thaw, state="thawing")
        return replace(thaw, state="ready")

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        if thaw.locator is None:
            raise VolumeMissing("an inventory is no volume")
        try:
            return self._reading.into(thaw.locator, start, buffer, check)
        except NotThawed as error:
            if self._cold:
                raise NotThawed(str(error), hint=COLD_PAUSE) from error
            raise DestinationError(str(error), hint=error.hint) from error

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        """A file of a tree is listed with its source's modification time: the protocol shows no other."""
        yield from stored(self._server, str(self.place), self._directory, check)

    def examine(self, stored: Stored, check: Check) -> Stored:
        """Nothing is read where the first read begins an unsealing: an archive gateway only says whether it is there,
        and how long it is."""
        return self._reading.examine(stored, check, texts=not self._cold)

    def delete(self, locator: str, check: Check) -> None:
        """The folders that it lay in stay: an archive may be on its way there."""
        if is_odd(locator):
            raise DestinationError(f"{locator!r} can't be the name of an archive")
        paths = remote_paths(self._directory, locator)
        self._forget(paths)
        all_of_it = (paths.manifest, paths.checksum, paths.archive) if is_dated(locator) else (paths.archive,)
        self._server.ask(self._where(locator), lambda session: publishing.delete(session, all_of_it), check)

    def expire(self, locator: str, check: Check) -> bool:
        return False

    def close(self) -> None:
        self._parts.close()
        self._reading.close()
        self._server.close()

    def _paths(self, label: Label, locator: str) -> AnyRemotePaths:
        return all_remote_paths(self._directory, label, locator)

    def _forget(self, paths: AnyRemotePaths) -> None:
        for path in (paths.archive, paths.partial):
            self._server.forget(path)

    def _where(self, locator: str) -> str:
        return f"{self.place}/{locator}"
