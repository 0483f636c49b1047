"""Tables on standard output, of any length."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from glacier_backup.display import shown

GAP = 2
"""Blanks between two columns."""


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table, one line a row, on standard output; nothing where there are no rows. ``right`` names the columns of
    numbers.

    Nothing is folded to the width of the terminal: an archive id that is folded in a column can't be copied. The rows
    are read once, and not held in memory.
    """
    # Only here: `--help` loads this module and shall not pay for it.
    from glacier_backup.spool import Spool

    kept: Spool[tuple[str, ...]] = Spool()
    widths = [_width(column) for column in columns]
    for row in rows:
        cells = tuple(map(shown, row))
        kept.append(cells)
        widths = [max(width, _width(cell)) for width, cell in zip(widths, cells, strict=True)]
    if kept:
        ragged = [column in right for column in columns]
        sys.stdout.write(_header(columns, widths, right) if _is_drawn() else _line(columns, widths, ragged))
        sys.stdout.writelines(_line(cells, widths, ragged) for cells in kept)


def _is_drawn() -> bool:
    """Whether anybody sees how a header is set, or wants to: else it is a line as any other, and rich isn't loaded."""
    return sys.stdout.isatty() or any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    line = ""
    for cell, width, at_the_right in zip(cells, widths, right, strict=True):
        blanks = " " * (width - _width(cell))
        line += (blanks + cell if at_the_right else cell + blanks) + " " * GAP
    return line.rstrip() + "\n"


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two, a combining accent none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _header(columns: Sequence[str], widths: Sequence[int], right: Sequence[str]) -> str:
    """In bold where standard output is a terminal."""
    from rich.console import Console
    from rich.table import Table

    out = Console(width=sum(widths) + GAP * len(widths), markup=False, highlight=False, emoji=False)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True, width=width)
    with out.capture() as drawn:
        out.print(table)
    return f"{drawn.get().rstrip()}\n"
