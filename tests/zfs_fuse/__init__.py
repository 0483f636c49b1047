"""Real ZFS for tests: Debian's zfs-fuse, with a pool in a file. It takes root and /dev/fuse.

The fixture ``pool`` is there for all tests, one pool for all of a process::

    def test_what_was_deleted_travels(pool: Pool) -> None:
        photos = pool.filesystem()                     # a name of its own each time; ("photos") begins it
        (photos.mounted / "one.jpg").write_bytes(b"...")
        photos.snapshot("offsite-20260101")
        zfs("send", "-i", ...)                         # from tests.zfs_fuse.pool: the command, its output as text
        photos.name                                    # "<pool>/photos-1"

``pool.name`` is the pool's, ``pool.unused("restored")`` a name that no dataset has yet, ``pool.mounted(name)`` where a
dataset lies that was received. Datasets needn't be removed: the pool is, in the end. Nothing may change the pool's own
dataset, nor ask for all that there is in it: other tests have theirs beside.

There are no volumes: zfs-fuse has none. A test that needs the daemon to be gone must not stop it:
:mod:`tests.zfs_recorded` has what ``zfs`` says then.
"""
