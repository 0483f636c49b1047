"""What a section leaves out: beginnings of names and paths, patterns and regular expressions."""

from __future__ import annotations

from collections.abc import Sequence

from glacier_backup.model.naming import path_on_server
from glacier_backup.resolve.source import Selection


class Excluding:
    """The rules of one section, for what lies directly in it or, of a whole tree, anywhere below."""

    def __init__(self, selection: Selection) -> None:
        self._prefixes = tuple(prefix for prefix in selection.exclude if prefix)
        self._left_out = selection.exclusion.compiled()
        self._url = len(selection.path) - len(path_on_server(selection.path))
        self._below = len(selection.path.rstrip("/")) + 1

    def by(self, name: str, path: str, *, is_dir: bool) -> str | None:
        """Which of them leaves out what bears that name; ``path`` is its whole path, as candidates have it.

        ``is_dir`` says whether it is a directory itself. A link that leads to one and counts as one is asked about
        twice: as a link, and once it was followed.
        """
        prefix = excluded_by(name, path[self._url :], self._prefixes) if self._prefixes else None
        if prefix is not None or self._left_out is None:
            return prefix
        return self._left_out(path[self._below :], is_dir)


def excluded_by(name: str, path: str, exclude: Sequence[str]) -> str | None:
    """The first prefix that the name, or for one with a leading slash the path, begins with.

    A slash is added behind what is compared: ``tmp/`` leaves out ``tmp`` and keeps ``tmp2``.
    """
    for prefix in exclude:
        compared = path if prefix.startswith("/") else name
        if prefix and f"{compared}/".startswith(prefix):
            return prefix
    return None
