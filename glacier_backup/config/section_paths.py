"""Paths of sections, on this machine and on servers, and datasets, and what lies in which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from glacier_backup.config.datasets import checked_dataset
from glacier_backup.config.places import is_server_url, path_on_server
from glacier_backup.config.values import normal_path
from glacier_backup.model.snapshot import is_dataset_path


class _Section(Protocol):
    @property
    def path(self) -> str: ...


S = TypeVar("S", bound=_Section)


def section_path(path: str) -> str:
    """``path`` as a section has it: without a trailing slash, a URL with its port. Raises ValueError for one that isn't
    absolute, and is no dataset either."""
    if is_dataset_path(path):
        return checked_dataset(path)
    if is_server_url(path):
        return str(path_on_server(path))
    if not path.startswith("/"):
        raise ValueError(f"not an absolute path: {path!r}")
    return normal_path(path)


def innermost(path: str, sections: Iterable[S]) -> S | None:
    """Of those that ``path`` lies in, and isn't itself."""
    around = (one for one in sections if path.startswith(one.path.rstrip("/") + "/"))
    return max(around, key=lambda one: len(one.path), default=None)


def is_in(path: str, section: str) -> bool:
    """Whether it is the section itself, or lies in it. On a server it may be that server's own path."""
    if not is_server_url(path):
        section = own_path(section)
    return path == section or path.startswith(section.rstrip("/") + "/")


def own_path(section: str) -> str:
    """As the machine has it that it lies on."""
    return path_on_server(section).directory if is_server_url(section) else section
