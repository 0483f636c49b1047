"""How files of whole trees are put together; it may stand in ``[main]``, for all sections, and in a section."""

from __future__ import annotations

from glacier_backup.config import values
from glacier_backup.config.group_options import GROUP_OPTIONS
from glacier_backup.config.option import Option

PACK_OPTIONS: tuple[Option, ...] = (
    Option(
        "pack_size",
        ("main", "path", "server"),
        "a size from 1 MiB to 1 TiB, or none",
        values.pack_size,
        "none",
        "Send files of a whole tree together, in tars of at most this size.",
        "512 MiB",
        details="For an `upload_tree` of many small files: each archive costs a request, and in the cold some bytes "
        "more. New and changed files go into packs in the order of their paths; a larger one is sent alone. All are "
        "compared, listed, found and restored by their own paths as ever, and nothing is deleted. What isn't a whole "
        "tree isn't concerned. See packs.md.",
    ),
    *GROUP_OPTIONS,
)
