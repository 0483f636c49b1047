"""All that is measured, by name: each case is a function that measures and gives its rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..bench import Bench
from ..table import Row
from . import catalog, groups, memory, packing, s3, scanning, seal, sftp, startup, unpacking, vault, zfs

Case = Callable[[Bench], Iterable[Row]]

CASES: dict[str, Case] = {
    "words": startup.words,
    "nothing-to-do": startup.nothing_to_do,
    "packing": packing.directory,
    "scanning": scanning.unchanged,
    "unpacking": unpacking.small,
    "unpacking-large": unpacking.large,
    "catalog": catalog.members,
    "catalog-large": catalog.many,
    "groups": groups.groups,
    "memory": memory.memory,
    "s3-large": s3.large_file,
    "s3-tree": s3.tree,
    "sftp": sftp.to_server,
    "sftp-to-s3": sftp.through,
    "sftp-far": sftp.far,
    "vault-send": vault.send,
    "vault-restore": vault.restore,
    "seal": seal.chains,
    "parity": seal.parity,
    "zfs": zfs.increment,
}
