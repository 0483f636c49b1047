"""What tells whether a file of a whole tree has changed."""

from __future__ import annotations

from glacier_backup.config import values
from glacier_backup.config.option import Option

COMPARE_OPTIONS: tuple[Option, ...] = (
    Option(
        "compare",
        ("path", "server"),
        "`size, mtime`, or `size, mtime, hash`, or `hash`",
        values.compared,
        values.COMPARISONS[0],
        "What of a file of a whole tree tells whether it has changed.",
        "size, mtime, hash",
        details="`size, mtime`: a file has changed when its size or modification time has, and nothing is read. "
        "`size, mtime, hash`: one of the same size and another time is read, and has changed when its SHA-256 has; "
        "else the new time is noted, and nothing is sent. `hash`: every file of the same size is read by every run, so "
        "that an edit is seen that keeps size and time. Files have a hash to compare with once they were sent by one "
        "of these two. See candidates.md.",
        items=values.words,
    ),
)
