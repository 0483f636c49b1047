"""A directory of archives: the embedded local vault, an external disk, a NAS mount.

Below the root lies ``HOST/PATH/OF/CANDIDATE/TIME.tar``, with the files of :mod:`glacier_backup.destination.layout`
beside it, and in the root the marker of :mod:`glacier_backup.destination.directories.marker`. All is flushed to disk
before it gets its name; no archive is ever overwritten, but for a file of a whole tree, by the next one with its key.
It has the modification time of its source, for ls, rsync and rclone. Directories are 0700 and files 0600, those of a
tree, too: the disk may have other users than the source, and the catalog knows the mode.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from glacier_backup.destination.destination import ByteStream, Check, Limits, Progress
from glacier_backup.destination.directories import durable, marker
from glacier_backup.destination.directories import files as local_files
from glacier_backup.destination.directories import partial as local_partial
from glacier_backup.destination.directories import trees as local_trees
from glacier_backup.destination.directories.room import Room
from glacier_backup.destination.layout import AnyPaths, ObjectPaths, Paths, TreePaths, all_paths_of
from glacier_backup.destination.linear import Linear
from glacier_backup.destination.multipart import Part, PartSender
from glacier_backup.digest import leaf_digests, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable, VolumeMissing
from glacier_backup.model.archive import Checksums, Label, Receipt
from glacier_backup.model.naming import key
from glacier_backup.model.place import Place
from glacier_backup.model.thaw import Stored, Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload, UploadRequest
from glacier_backup.units import GIB, MIB

LIMITS = Limits(least=0, part=4 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=1_000_000)

_MOUNTED = "is its disk mounted?"
_REPLACED = "is its disk mounted? If it was replaced on purpose: glacier-backup config check"


class Local:
    """One directory. ``create`` makes the root with its parents; otherwise only its last level is made.

    ``concurrency`` parts are hashed and written at the same time: the linear checksum, which can't be split, sets the
    pace, so that more than two only help where several archives are sent at once. ``bandwidth`` is in bytes per second.
    """

    limits = LIMITS
    inventory_lag = timedelta()

    def __init__(self, root: str, *, create: bool, concurrency: int = 2, bandwidth: int | None = None) -> None:
        self._root = root
        self._create = create
        self._parts = PartSender(concurrency, bandwidth)
        self._held: int | None = None
        """The root, once it was seen: open, so that it is neither unmounted meanwhile nor taken for another."""
        self._lock = threading.Lock()
        self._room = Room(root)
        self._marked = False
        """Whether the marker is known to be there."""

    @property
    def place(self) -> Place:
        return Place("local", self._root)

    def identify(self, *, holds_archives: bool) -> Place:
        if holds_archives:
            self._refuse_another()
        nearest = self._root
        while not os.path.lexists(nearest) and nearest != "/":
            nearest = os.path.dirname(nearest)
        if not os.path.isdir(nearest):
            raise DestinationUnavailable(f"{nearest} is not a directory")
        if not self._create and nearest not in (self._root, os.path.dirname(self._root)):
            raise DestinationUnavailable(
                f"{self._root} does not exist",
                hint=f"is its disk mounted? If it is new: mkdir -p {os.path.dirname(self._root)}",
            )
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise DestinationUnavailable(f"no permission to write in {nearest}")
        if nearest == self._root:
            self._same_disk()
        return self.place

    def _refuse_another(self) -> None:
        """Raise DestinationUnavailable where the directory isn't the one that archives went to: its mount point, or
        another disk. Those that went there before there was a marker tell it, too."""
        if marker.is_there(self._root) or marker.holds_archives(self._root):
            return
        there = (
            f"other files are there, without {marker.MARKER}" if _holds_something(self._root) else "nothing is there"
        )
        raise DestinationUnavailable(f"something was stored in {self._root} and {there}", hint=_REPLACED)

    def mark(self) -> bool:
        """Say that this is the directory, of whatever disk is mounted there now, that archives go to, by the marker;
        whether there was none.

        For a person to ask for. Raises DestinationUnavailable as :meth:`identify`, where the directory isn't there, for
        its disk may not be mounted, and where it can't be written.
        """
        self.identify(holds_archives=False)
        if not os.path.isdir(self._root):
            raise DestinationUnavailable(
                f"{self._root} does not exist", hint=f"mount its disk; if that is mounted: mkdir {self._root}"
            )
        try:
            return marker.put(self._root)
        except (OSError, DestinationError) as error:
            raise DestinationUnavailable(f"{self._root} can't be marked: {error}") from error

    def describe(self, label: Label) -> str:
        return key(label)

    def keeps_versions(self, check: Check) -> bool:
        return False

    def begin(self, request: UploadRequest, check: Check) -> str:
        locator = key(request.label)
        paths = self._paths(request.label, locator)
        self._make_root()
        with local_partial.translated(paths.archive), self._promised(paths, request.estimate):
            self._put_marker()
            if isinstance(paths, TreePaths):
                self._refuse_marker(locator)
                local_trees.begin(paths)
            else:
                durable.make_folders(paths.folder)
                if os.path.lexists(paths.archive):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                durable.make_empty(paths.partial)
        self._same_disk()
        return locator

    def _refuse_marker(self, locator: str) -> None:
        if locator == marker.MARKER:
            raise DestinationError(
                f"{locator} is what marks {self._root} itself, and can't be stored under that name",
                hint="leave it out (exclude), or set keys = host",
            )

    def _make_root(self) -> None:
        with local_partial.translated(self._root), self._lock:
            if self._held is None:
                durable.make_folders(self._root)
        self._same_disk()

    def _put_marker(self) -> None:
        if not self._marked:
            marker.put(self._root)
            self._marked = True

    @contextmanager
    def _promised(self, paths: AnyPaths, estimate: int | None) -> Iterator[None]:
        """Room for an archive is set aside, until it is there or the block fails."""
        if estimate is not None:
            self._room.promise(paths.partial, estimate)
        with self._given_up(paths):
            yield

    @contextmanager
    def _given_up(self, paths: AnyPaths) -> Iterator[None]:
        """Room isn't kept for an archive whose block fails."""
        try:
            yield
        except BaseException:
            self._room.release(paths.partial)
            raise

    def send(self, upload: OpenUpload, stream: ByteStream, progress: Progress) -> Checksums:
        self._same_disk()
        paths = self._paths(upload.label, upload.id)
        linear = Linear(stream)
        with self._given_up(paths), local_partial.opened(paths) as file:

            def store(part: Part) -> tuple[int, bytes]:
                with local_partial.translated(paths.archive):
                    local_partial.store(file.number, part, may_be_there=upload.resumed)
                return len(part.data), leaf_digests(part.data)

            sent = self._parts.send(
                stream, upload.part_size, self.limits.most_parts, store, progress=progress, observe=linear.observe
            )
            size = sum(length for length, _ in sent)
            with local_partial.translated(paths.archive):
                os.ftruncate(file.number, size)
                if isinstance(paths, TreePaths):
                    local_trees.keep_time(file.number, upload.label.mtime_ns)
                os.fsync(file.number)
        leaves = b"".join(digests for _, digests in sent)
        return Checksums(size, tree_hash(leaves), leaves, linear.hexdigest())

    def complete(self, upload: OpenUpload, checksums: Checksums, manifest: str, check: Check) -> Receipt:
        self._same_disk()
        paths = self._paths(upload.label, upload.id)
        self._room.release(paths.partial)
        if isinstance(paths, TreePaths):
            with local_partial.translated(paths.archive):
                stored_at = local_trees.publish(paths, checksums, check)
        else:
            stored_at = _publish(paths, checksums, manifest, check)
        self._same_disk()
        return Receipt(
            locator=upload.id,
            size=checksums.size,
            tree_hash=checksums.tree_hash,
            leaves=checksums.leaves,
            stored_at=local_files.moment(stored_at),
            sha256=checksums.sha256,
        )

    def copies(self, size: int, storage_class: str | None) -> bool:
        return True

    def copy(self, request: UploadRequest, locator: str, checksums: Checksums, check: Check) -> str | None:
        """Another name of the same file, which is read once for that, and stays as long as one of them does."""
        new = key(request.label)
        paths = self._paths(request.label, new)
        if not isinstance(paths, TreePaths) or new == marker.MARKER:
            return None
        with local_partial.translated(paths.archive):
            return new if local_trees.link(paths, self._same_disk(), locator, checksums, check) else None

    def abort(self, label: Label, upload_id: str | None, check: Check) -> None:
        if self._held is None and not os.path.lexists(self._root):
            return  # nothing was ever there
        self._same_disk()
        paths = self._paths(label, upload_id or key(label))
        self._room.release(paths.partial)
        with local_partial.translated(paths.archive):
            if isinstance(paths, TreePaths):
                local_trees.abort(paths)
            elif isinstance(paths, ObjectPaths):
                local_partial.abort_object(paths)
            else:
                local_partial.abort(paths)

    def thaw(self, request: ThawRequest, check: Check) -> Thaw:
        """Nothing is cold: it is ready at once, for good."""
        root = self._same_disk()
        if request.locator is not None:
            local_files.must_be_there(root, request.locator)
        return Thaw(request.locator, "", "ready")

    def thawing(self, thaws: Sequence[Thaw], check: Check) -> Iterator[Thaw]:
        return (Thaw(thaw.locator, "", "ready") for thaw in thaws)

    def fetch(self, thaw: Thaw, start: int, buffer: memoryview, check: Check) -> int:
        if thaw.locator is None:
            raise VolumeMissing("an inventory is no volume")
        return local_files.read(self._same_disk(), thaw.locator, start, buffer, check)

    def inventory(self, thaw: Thaw, check: Check, *, newest: bool = False) -> Iterator[Stored]:
        self._same_disk()
        for found in local_files.stored(self._root):
            check()
            yield found
        self._same_disk()

    def examine(self, stored: Stored, check: Check) -> Stored:
        return local_files.examine(self._same_disk(), stored)

    def delete(self, locator: str, check: Check) -> None:
        """The folders that it lay in stay: an archive may be on its way there."""
        local_files.remove(self._same_disk(), locator)

    def expire(self, locator: str, check: Check) -> bool:
        return False

    def _same_disk(self) -> int:
        """The root, open. Raises DestinationUnavailable when another disk is there than before, or none: what is below
        a mount point is not the place that archives are to be in."""
        try:
            # Opened, for that alone has a disk mounted that is mounted on use.
            found = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise DestinationUnavailable(f"{self._root}: {error.strerror}", hint=_MOUNTED) from error
        with self._lock:
            if self._held is None:
                self._held = found
                return found
            held, same = self._held, os.path.sameopenfile(found, self._held)
        os.close(found)
        if not same:
            raise DestinationUnavailable(f"{self._root} is not the directory that it was", hint=_MOUNTED)
        return held

    def close(self) -> None:
        self._parts.close()
        with self._lock:
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _paths(self, label: Label, locator: str) -> AnyPaths:
        return all_paths_of(label, os.path.join(self._root, locator))


def _publish(paths: Paths | ObjectPaths, checksums: Checksums, manifest: str, check: Check) -> int:
    """Make one archive, or object of one, of what was sent; when that was, in ns since 1970."""
    local_partial.check_size(paths, checksums.size)
    with local_partial.translated(paths.archive):
        checksum = f"{checksums.sha256}  {os.path.basename(paths.archive)}\n"
        if isinstance(paths, ObjectPaths):
            return local_partial.publish_object(paths, checksums, checksum, check)
        if not local_partial.is_published(paths, checksum):
            local_partial.publish(paths, checksum, manifest)
        return os.stat(paths.manifest).st_mtime_ns


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False
