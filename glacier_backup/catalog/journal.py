"""How SQLite keeps a transaction whole where the catalog lies.

A write-ahead log is quicker, but its readers and writers share memory, which they can't over a network
(https://www.sqlite.org/wal.html). There SQLite's rollback journal does; a catalog that was moved is switched.
"""

from __future__ import annotations

from typing import NamedTuple

from glacier_backup.mounts import file_system, mount_table

_NETWORK = """
    nfs nfs4 cifs smb3 smbfs ncpfs afs coda ceph glusterfs lustre beegfs gpfs orangefs pvfs2 panfs ocfs2 gfs2 davfs
    fuse.sshfs fuse.rclone fuse.s3fs fuse.glusterfs fuse.ceph fuse.ceph-fuse fuse.curlftpfs fuse.davfs fuse.davfs2
    fuse.gcsfuse fuse.goofys fuse.geesefs fuse.mount-s3 fuse.juicefs fuse.seaweedfs fuse.mfs fuse.lizardfs
    fuse.moosefs fuse.smbnetfs fuse.gvfsd-fuse fuse.blobfuse fuse.blobfuse2 fuse.kio-fuse
"""
_OF_A_HOST = "9p virtiofs vboxsf prl_fs vmhgfs fuse.vmhgfs-fuse fuse.grpcfuse fuse.osxfs fakeowner"
"""What a virtual machine or a container sees of its host's files."""


class Journal(NamedTuple):
    """What to tell SQLite, and the user."""

    before: tuple[str, ...]
    """Before the first look at the file."""
    after: tuple[str, ...]
    warnings: tuple[str, ...]


_LOG = Journal((), ("PRAGMA journal_mode = WAL",), ())


def journal_for(path: str) -> Journal:
    """The one for the catalog at ``path``, which is there; a write-ahead log where the system doesn't tell."""
    where = share(path)
    return _LOG if where is None else _rollback_journal(path, where)


def share(path: str) -> str | None:
    """What ``path`` lies on, in words, where that is no disk of this system alone."""
    kind = file_system(path, mount_table())
    if kind in _NETWORK.split():
        return f"a network share ({kind})"
    if kind in _OF_A_HOST.split():
        return f"a folder shared with another system ({kind})"
    return None


def _rollback_journal(path: str, where: str) -> Journal:
    warning = (
        f"the catalog {path} lies on {where}: it is slower there, and its locks may not work between machines; "
        "better name a file on a local disk in `catalog`, and move it there"
    )
    # Held by one alone, a log that was left open elsewhere is read without shared memory (wal.html, section 8).
    # A deleted journal is gone for good once the server has answered: it takes no sync of the folder.
    return Journal(
        ("PRAGMA locking_mode = EXCLUSIVE",),
        ("PRAGMA journal_mode = DELETE", "PRAGMA locking_mode = NORMAL"),
        (warning,),
    )
