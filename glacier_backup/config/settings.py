"""What is in force: the settings that all the rest works with. Frozen, absolute, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, SkipValidation

from glacier_backup.config.given import COMMAND_LINE
from glacier_backup.config.values import LEAST_BANDWIDTH, MOST_CONCURRENT, normal_path
from glacier_backup.model.place import DestinationKind

Text = InstanceOf[str]
"""Text that may hold bytes which are not UTF-8, as lone surrogates: pydantic's own check for text turns these away."""

Origins = Annotated[tuple[tuple[str, str], ...], SkipValidation]
"""Option and where its value comes from; options that have their default are not there."""


class SectionSettings(BaseModel):
    """One thing to look after."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Text
    """Absolute, without a trailing slash."""
    upload_single_dir: bool = False
    upload_dirs: bool = False
    upload_files: bool = False
    upload_if_changed: bool = False
    exclude: Annotated[tuple[str, ...], SkipValidation] = ()
    """Beginnings of names, or of full paths where they begin with ``/``."""
    origin: Text = COMMAND_LINE
    """Where it stands: ``file:line``."""
    origins: Origins = ()


class Settings(BaseModel):
    """All that one run needs to know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Text | None = None
    """The INI file, or None without one."""
    config_folder: Text
    """The folder of the INI file, and without one where it would lie."""
    record_folders: Annotated[tuple[str, ...], SkipValidation] = ()
    """Where the record of glacier_backup 1.2, ``glacier.<vault>.sqlite3``, may lie: it kept it in its usual
    configuration folder, wherever the INI file was."""
    account_id: str = "-"
    vault_name: str | None = None
    """Set whenever the destination is a vault."""
    destination_kind: DestinationKind
    local_path: Text | None = None
    """The directory; None when the destination is a vault."""
    embedded: bool = False
    """Whether that is the embedded local vault (``destination = local``)."""
    region: str | None = None
    """None: as AWS's own settings say; likewise the next two."""
    profile: Text | None = None
    endpoint_url: Text | None = None
    catalog: Text
    logfile: Text | None = None
    """None: no log."""
    limit: int | None = Field(default=None, ge=1)
    """Archives that one run sends at most."""
    concurrency: int = Field(default=4, ge=1, le=MOST_CONCURRENT)
    """Candidates under way, and parts sent, at the same time."""
    part_size: int | None = None
    """Bytes; None: chosen for each archive."""
    bandwidth_limit: int | None = Field(default=None, ge=LEAST_BANDWIDTH)
    """Bytes per second; None: as many as there can be."""
    sections: Annotated[tuple[SectionSettings, ...], SkipValidation] = ()
    """In the order of the file."""
    ad_hoc: bool = False
    """Whether the sections are those of :meth:`for_paths`."""
    warnings: Annotated[tuple[str, ...], SkipValidation] = ()
    """What a person should know and what stops nothing."""
    origins: Origins = ()

    def for_paths(self, paths: Sequence[str]) -> Settings:
        """The same settings with ``paths`` in place of the sections, each once and sent as itself.

        A directory is one archive, and what was sent before is compared. A path that is also a section keeps its
        other options. The paths are absolute; ValueError otherwise.
        """
        known = {section.path: section for section in self.sections}
        sections = tuple(_as_itself(known.get(path) or SectionSettings(path=path)) for path in _distinct(paths))
        return self.model_copy(update={"sections": sections, "ad_hoc": True})


def _distinct(paths: Iterable[str]) -> Iterable[str]:
    for path in paths:
        if not path.startswith("/"):
            raise ValueError(f"not an absolute path: {path!r}")
    return dict.fromkeys(map(normal_path, paths))


def _as_itself(section: SectionSettings) -> SectionSettings:
    as_itself = {"upload_single_dir": True, "upload_dirs": False, "upload_files": False, "upload_if_changed": True}
    origins = {**dict(section.origins), **dict.fromkeys(as_itself, COMMAND_LINE)}
    return section.model_copy(update={**as_itself, "origin": COMMAND_LINE, "origins": tuple(origins.items())})
