"""Text that a terminal or a log may be shown, whatever a file name holds."""

from __future__ import annotations


def shown(text: str) -> str:
    """``text`` on one line, with what a terminal would obey or can't show written out: ``\\n``, ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
