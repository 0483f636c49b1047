"""What becomes of names and bytes of the files of a whole tree on their way."""

from __future__ import annotations

from glacier_backup.config import filter_values, values
from glacier_backup.config.option import Option

FILTER_OPTIONS: tuple[Option, ...] = (
    Option(
        "filters",
        ("path", "server"),
        "filters, one a line: key_sub REGEX REPLACEMENT, name COMMAND, group SIZE, data COMMAND",
        filter_values.filters,
        "",
        "What is made of the names and bytes of a whole tree's files, in order.",
        r"key_sub '\.tmp$' ''",
        default_says="none",
        details="`key_sub` replaces the first match of a regular expression of Python in the key, `name` is a program "
        "that gets the key on its standard input and as `KEY` in its environment and prints another one; a file whose "
        "key becomes empty is left out. `group` puts small files together, as `group_files_smaller_than` does, at just "
        "this place. `data` is a program that gets the bytes on its standard input and prints others, such as "
        "`gpg --batch --encrypt --recipient me`. Programs are started without a shell. See filters.md.",
        may_be_empty=True,
        items=values.lines,
    ),
)
