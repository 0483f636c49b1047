"""The INI file that ``config init`` writes, made from the option table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from glacier_backup.config.deleted_options import DELETED_OPTIONS
from glacier_backup.config.keep_options import KEEP_OPTIONS
from glacier_backup.config.option import Option
from glacier_backup.config.pack_options import PACK_OPTIONS
from glacier_backup.config.schema import MAIN_OPTIONS, PATH_OPTIONS
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.snapshot_options import SNAPSHOT_OPTIONS

_WIDTH = 78

_TOP = """\
What glacier-backup sends, and where. All options are explained in docs/configuration.md.

A line that begins with # does nothing. To set an option take the # away from its line and put your own value there.
"""

_MAIN = """\
# Where to. One of these, further down below [main]:
#
#     vault_name = photos                       an Amazon Glacier vault
#     destination = s3://bucket/photos          a bucket, in its coldest class
#     destination = sftp://me@host:23/backup    a server
#     destination = /mnt/disk/backup            a directory, say on a disk
[main]"""

_GROUPS = {
    (): "For every destination.",
    ("glacier",): "For a vault.",
    ("glacier", "s3"): "For a vault or a bucket.",
    ("s3",): "For a bucket.",
    ("sftp",): "For a server.",
}

_NAMED = """\
# A destination with options of its own, which are the same as in [main]. Name
# it in [main] or below a path: destination = nas
#[destination nas]
#destination = sftp://me@nas.example:23/backup
#bandwidth_limit = 2 MiB"""

_PATHS = """\
What. One section for each file or directory that you want to look after, named by its path; ~ is your home folder. \
One on a server is named sftp://me@host:23/photos. Then `glacier-backup -d` shows what would be sent, and \
`glacier-backup` sends it.
"""

_KEEPING = "# --- How long archives are kept: off, and nothing is ever removed."

_PACKING = "# --- How files of whole trees are put together."

_DELETING = "# --- What becomes of what was deleted in a whole tree."

_SEALING = "# --- How archives are sealed. docs/sealing.md begins with an example."

_OF_THIS_SECTION = "Where this is sent. Default: what [main] says."

_SEALED_HERE = "# How archives are sealed may be said here, too, and beats [main]:"

_KEPT_HERE = "# How long archives are kept may be said here, too, and beats [main]:"

_PACKED_HERE = "# So may be whether, and how, files of an upload_tree are put together:"

_DELETED_HERE = "# And so may be what becomes of what was deleted in it:"

_DATASETS = """\
A dataset of ZFS, named by zfs: and its own name: a baseline is sent first, and then what each snapshot adds to the \
one before it. docs/zfs.md tells more. Where to, how it is sealed and how long it is kept may be said here, too.
"""

_AS_ZFS_TO_AWS = """\
# One in which all is named as zfs-to-aws does.
#[zfs:tank/mail]
#seal = openssl, split, par2
#private_names = no"""

_IN_SHORT = (*SEAL_OPTIONS, *KEEP_OPTIONS, *PACK_OPTIONS, *DELETED_OPTIONS)
"""Explained in ``[main]``."""


def render_sample() -> str:
    """A new INI file: every option with its meaning, and none of them set, so that nothing is sent by itself."""
    blocks = [
        _comment(_TOP),
        _MAIN,
        *_grouped(MAIN_OPTIONS),
        _NAMED,
        f"{_comment(_PATHS)}\n#[~/photos]",
        *(_of_section(option) for option in PATH_OPTIONS if option not in _IN_SHORT),
        _in_short(_SEALED_HERE, SEAL_OPTIONS),
        _in_short(_KEPT_HERE, KEEP_OPTIONS),
        _in_short(_PACKED_HERE, PACK_OPTIONS),
        _in_short(_DELETED_HERE, DELETED_OPTIONS),
        f"{_comment(_DATASETS)}\n#[zfs:tank/photos]",
        *map(_commented_out, SNAPSHOT_OPTIONS[:-1]),
        _AS_ZFS_TO_AWS,
        *map(_commented_out, SNAPSHOT_OPTIONS[-1:]),
    ]
    return "\n\n".join(blocks) + "\n"


def _of_section(option: Option) -> str:
    return _commented_out(option, _OF_THIS_SECTION if option in MAIN_OPTIONS else None)


def _in_short(about: str, options: Iterable[Option]) -> str:
    return "\n".join([about, *(f"#{option.name} = {option.example}" for option in options)])


def _grouped(options: Iterable[Option]) -> Iterator[str]:
    """With a line between those that are about different kinds of destinations."""
    kinds = None
    for option in options:
        group = option.kinds if "destination" in option.homes else None
        if option == KEEP_OPTIONS[0]:
            yield _KEEPING
        elif option == PACK_OPTIONS[0]:
            yield _PACKING
        elif option == DELETED_OPTIONS[0]:
            yield _DELETING
        elif option == SEAL_OPTIONS[0]:
            yield _SEALING
        elif group != kinds and option.name != "destination":
            yield f"# --- {'For the whole run.' if group is None else _GROUPS[group]}"
        kinds = group
        yield _commented_out(option)


def _commented_out(option: Option, about: str | None = None) -> str:
    about = about or f"{option.help} Default: {default_of(option) or 'nothing'}."
    return f"{_comment(about.replace('`', ''))}\n#{option.name} = {option.example}"


def _comment(text: str) -> str:
    lines = [textwrap.fill(paragraph, _WIDTH - 2) for paragraph in text.strip().split("\n\n")]
    return textwrap.indent("\n\n".join(lines), "# ", lambda line: True).replace("# \n", "#\n")


def default_of(option: Option) -> str:
    """In words, or as it would be written."""
    return option.default_says or f"`{option.default}`"
