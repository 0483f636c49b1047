"""How small files of whole trees are put together by the beginnings of names; all may stand in ``[main]``, for all
sections, and in a section."""

from __future__ import annotations

from glacier_backup.config import values
from glacier_backup.config.option import Option

GROUP_OPTIONS: tuple[Option, ...] = (
    Option(
        "group_files_smaller_than",
        ("main", "path", "server"),
        "a size from 1 byte to 1 TiB, or none",
        values.group_size,
        "none",
        "Send smaller files of a whole tree together, in ZIPs that go by a prefix.",
        "1 MiB",
        details="For an `upload_tree` of many small files that change now and then. A ZIP is named by what the names "
        "of all files in it begin with: `docs/a*~.zip`. Every one but that of what is left over holds at least so "
        "much, and is sent again as a whole when a file in it has come, gone or changed. Where a file is can be told "
        "without this program: take its key and leave out characters at its end until there is such a ZIP. "
        "`glacier-backup -d` tells what it saves, and suggests a size. Not beside `pack_size`. See prefix-groups.md.",
    ),
    Option(
        "group_names",
        ("main", "path", "server"),
        "prefix or root",
        values.one_of("prefix", "root"),
        "prefix",
        "What the ZIP of what is left over is named by.",
        "root",
        details="`prefix`: what all names in it begin with, so that it says what it holds, and changes its name when "
        "that does. `root`: nothing, so that it always has the same name, `*~.zip`.",
    ),
    Option(
        "group_max",
        ("main", "path", "server"),
        "a size from 4 bytes to 5 TiB, at least four times group_files_smaller_than, or none",
        values.group_max,
        "1 GiB",
        "Bytes of the files in one such ZIP, at most; what is more goes into several.",
        "256 MiB",
        details="Those have numbers in their names: `docs/a*~2.zip`. One ZIP has 100,000 files at most, too. With "
        "`none` there is neither bound, and planning takes memory by the largest ZIP.",
    ),
)
