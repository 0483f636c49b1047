"""How directories are sent as chains of increments."""

from __future__ import annotations

from glacier_backup.config.option import Home, Option
from glacier_backup.config.values import boolean, lines
from glacier_backup.model.full_every import FullEvery, parse_full_every

_HOMES: tuple[Home, ...] = ("path", "server")
_CHAINS: tuple[Home, ...] = (*_HOMES, "dataset")

DEFAULT_FULL_EVERY = "180 days | 30 increments | 50 %"
DEFAULT_OF_DATASETS = "180 days | 30 increments"


def full_every(text: str) -> FullEvery:
    """When a full archive is sent again."""
    found = parse_full_every(text)
    if found == FullEvery() and text.strip().lower() != "none":
        raise ValueError
    return found


INCREMENT_OPTIONS: tuple[Option, ...] = (
    Option(
        "incremental",
        _HOMES,
        "yes or no (or true, false, on, off, 1, 0)",
        boolean,
        "no",
        "Send of a directory only what is new or has changed since its last archive.",
        "yes",
        details="For `upload_single_dir` and `upload_dirs`; files are sent whole, and a whole tree has no use for it. "
        "The first archive is a full one, later ones hold new and changed files and the list of what was deleted. A "
        "restore reads the full one and all increments behind it up to the time that is wanted. It implies "
        "`upload_if_changed`. See incremental.md.",
    ),
    Option(
        "full_every",
        _CHAINS,
        "one or several of a period such as 180 days, a number of increments such as 30 increments, and a share such "
        "as 50 %, with | between or one a line, or none",
        full_every,
        DEFAULT_FULL_EVERY,
        "When an `incremental` directory is sent in full again: whichever comes first.",
        "1 year | 20 %",
        default_says=f"`{DEFAULT_FULL_EVERY}`, and of a dataset `{DEFAULT_OF_DATASETS}`",
        details="So it is with a dataset, of which a baseline is the full archive. The period begins with the full "
        "archive; the share is that of the stored bytes of all increments behind it in its own. With `none` no number "
        "of increments is too many.",
        items=lines,
    ),
)
