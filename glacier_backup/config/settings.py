"""What is in force: the settings that all the rest works with. Frozen, absolute, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SkipValidation

from glacier_backup.config.datasets import FULL_EVERY, IN_RULES, rules_inside
from glacier_backup.config.frozen import Frozen, Origins, Text
from glacier_backup.config.given import COMMAND_LINE
from glacier_backup.config.increment_options import DEFAULT_FULL_EVERY
from glacier_backup.config.place_settings import MAIN_DESTINATION as MAIN_DESTINATION
from glacier_backup.config.place_settings import DestinationSettings as DestinationSettings
from glacier_backup.config.place_settings import ServerSettings as ServerSettings
from glacier_backup.config.place_settings import server_of
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.section_paths import innermost, is_in, own_path, section_path
from glacier_backup.config.values import GROUP_MAX_TO_SIZE, LEAST_PACK, MOST_CONCURRENT
from glacier_backup.model.filters import TENTH, Filter, GroupNames, MostDeleted
from glacier_backup.model.full_every import FullEvery, parse_full_every
from glacier_backup.model.naming import Layout
from glacier_backup.model.period import Period
from glacier_backup.model.snapshot import SnapshotRules, is_dataset_path
from glacier_backup.model.zfs_to_aws import SnapshotLayout
from glacier_backup.units import GIB


class _HandedOn(Frozen):
    """What ``[main]`` says for all sections, and each for itself: how long archives are kept, for which see
    :class:`~glacier_backup.model.retention.Policy` (None: no such rule), what files are put together in, and what
    becomes of those that are deleted."""

    keep_last: int | None = Field(default=None, ge=1)
    keep_within: Annotated[Period | None, SkipValidation] = None
    keep_daily: int | None = Field(default=None, ge=1)
    keep_weekly: int | None = Field(default=None, ge=1)
    keep_monthly: int | None = Field(default=None, ge=1)
    keep_yearly: int | None = Field(default=None, ge=1)
    pack_size: int | None = Field(default=None, ge=LEAST_PACK)
    """Bytes of a tar of files of a whole tree, at most; None: each is sent alone. Elsewhere it says nothing."""
    group_files_smaller_than: int | None = Field(default=None, ge=1)
    """Bytes: smaller files of a whole tree go into ZIPs that go by a prefix; None: none do, unless filters say so."""
    group_names: GroupNames = "prefix"
    group_max: int | None = Field(default=GIB, ge=GROUP_MAX_TO_SIZE)
    """Bytes of the files of such a ZIP, at most; None: any number."""
    deleted: Literal["keep", "expire"] = "keep"
    """What becomes of what is stored of a file of a whole tree that is deleted."""
    max_delete: Annotated[MostDeleted, SkipValidation] = TENTH


class SectionSettings(_HandedOn):
    """One thing to look after. What is handed on is what the section says, else what ``[main]`` does."""

    path: Text
    """Absolute, without a trailing slash; on a server ``sftp://user@host:port/absolute/path``, and then ``server`` is
    set; of a dataset ``zfs:pool/dataset``, and then ``snapshots`` is."""
    server: ServerSettings | None = None
    destinations: Annotated[tuple[str, ...], SkipValidation] = ()
    """Names of the destinations that it is sent to; empty: those of :attr:`Settings.default_destinations`."""
    upload_single_dir: bool = False
    upload_tree: bool = False
    """Overrides the next two, and is overridden by the one before."""
    upload_dirs: bool = False
    upload_files: bool = False
    upload_if_changed: bool = False
    compare: Literal["size, mtime", "size, mtime, hash", "hash"] = "size, mtime"
    """What of a file of a tree tells whether it has changed."""
    incremental: bool = False
    """Whether its directories are sent as chains of increments."""
    snapshots: Annotated[SnapshotRules | None, SkipValidation] = None
    """How the dataset is sent; None: it is none. With it what is about files and directories means nothing."""
    layout: SnapshotLayout = "own"
    """Of a dataset: what the keys look like."""
    full_every: Annotated[FullEvery, SkipValidation] = parse_full_every(DEFAULT_FULL_EVERY)
    filters: Annotated[tuple[Filter, ...], SkipValidation] = Field(default=(), repr=False)
    """What is made of the names and bytes of the files of a tree, in order."""
    exclude: Annotated[tuple[str, ...], SkipValidation] = ()
    """Beginnings of names, or of full paths where they begin with ``/``."""
    exclude_paths: Annotated[tuple[str, ...], SkipValidation] = ()
    """Of files and directories: absolute (on a server the server's own), or below the section's."""
    exclude_patterns: Annotated[tuple[str, ...], SkipValidation] = ()
    """As a .gitignore file in the section's directory would have them."""
    exclude_regex: Annotated[tuple[str, ...], SkipValidation] = ()
    """Searched in paths relative to the section's."""
    excluded_from: Text = ""
    """The path that the two are relative to, where they are those of a section that this path lies in."""
    keys: Layout = "host"
    keep_versions: bool = True
    """Whether what was sent of a file of a tree stays when it changes."""
    symlinks: Literal["store", "follow", "skip"] = "store"
    seal: SealSettings = SealSettings()
    """With all that it has from ``[main]``."""
    origin: Text = COMMAND_LINE
    """Where it stands: ``file:line``."""
    origins: Origins = ()

    @property
    def groups_below(self) -> int | None:
        """Bytes: smaller files of a tree are put together by their prefixes; None: none are."""
        said = (one.size for one in self.filters if one.kind == "group")
        return next(said, self.group_files_smaller_than)

    @property
    def is_chained(self) -> bool:
        """Whether it is a dataset, or there are directories that are sent as chains of increments, if the path is a
        directory."""
        if self.snapshots is not None:
            return True
        whole = self.upload_single_dir or (self.upload_dirs and not self.upload_tree)
        return self.incremental and whole and self.upload_if_changed

    @property
    def is_recursive(self) -> bool:
        """Whether it is a dataset, and those below are sent, too."""
        return self.snapshots is not None and self.snapshots.recursive

    @property
    def is_tree(self) -> bool:
        """Whether each file below is sent by itself, if the path is a directory."""
        return self.upload_tree and not self.upload_single_dir


class Settings(_HandedOn):
    """All that one run needs to know. What is handed on is what ``[main]`` says for its sections."""

    file: Text | None = None
    """The INI file, or None without one."""
    config_folder: Text
    """The folder of the INI file, and without one where it would lie."""
    record_folders: Annotated[tuple[str, ...], SkipValidation] = ()
    """Where the record of glacier_backup 1.2, ``glacier.<vault>.sqlite3``, may lie: it kept it in its usual
    configuration folder, wherever the INI file was."""
    destinations: tuple[DestinationSettings, ...]
    """Every one that some section is sent to, and the default ones; each name once."""
    default_destinations: tuple[str, ...]
    """Names of those that a section is sent to which names none; never empty."""
    catalog: Text
    catalog_copy: Annotated[tuple[str, ...] | bool, SkipValidation] = True
    """Where copies of the catalog go: True to destinations that take them, False nowhere, else the names of these."""
    copy_places: Annotated[tuple[DestinationSettings, ...], SkipValidation] = ()
    """Those that ``catalog_copy`` names, which may be destinations as well."""
    logfile: Text | None = None
    """None: no log."""
    limit: int | None = Field(default=None, ge=1)
    """Archives that one run sends to one destination at most."""
    concurrency: int = Field(default=4, ge=1, le=MOST_CONCURRENT)
    """Candidates under way, and parts sent to one destination, at the same time."""
    spool_dir: Text | None = None
    """Absolute path of a directory for volumes on their way; None: memory does, or a folder beside the catalog."""
    prices: Text | None = None
    """Absolute path of a price table; None: the one that comes with the program."""
    env_file: Text | None = None
    environment: Annotated[tuple[tuple[str, str], ...], SkipValidation] = Field(default=(), repr=False)
    """The variables of the ``env_file`` that weren't set: what it adds to the environment. They may be secrets."""
    login: ServerSettings = ServerSettings(host="")
    """How ``[main]`` says to log in to servers: for one that only ``-p`` names. The host means nothing."""
    seal: SealSettings = SealSettings()
    """What ``[main]`` says: of what lies in no section."""
    sections: Annotated[tuple[SectionSettings, ...], SkipValidation] = ()
    """In the order of the file."""
    ad_hoc: bool = False
    """Whether the sections are those of :meth:`for_paths`."""
    configured: Annotated[tuple[SectionSettings, ...], SkipValidation] = ()
    """Those of the file, where they are."""
    warnings: Annotated[tuple[str, ...], SkipValidation] = ()
    """What a person should know and what stops nothing."""
    origins: Origins = ()

    @property
    def copied_to(self) -> tuple[DestinationSettings, ...]:
        """Where copies of the catalog go."""
        if self.catalog_copy is True:
            return tuple(one for one in self.destinations if one.takes_copies)
        return self.copy_places

    @property
    def secrets(self) -> frozenset[str]:
        """Every password that is a value of some option."""
        of_places = (one.server for one in (*self.destinations, *self.copy_places))
        sections = (*self.sections, *self.configured)
        servers = (self.login, *of_places, *(one.server for one in sections))
        seals = (self.seal, *(one.seal for one in sections))
        found = (*(one.ssh_password for one in servers if one is not None), *(one.password for one in seals))
        return frozenset(one.get_secret_value() for one in found if one is not None)

    @property
    def in_force(self) -> tuple[SectionSettings, ...]:
        """Every section that what is sent may be of: the sections, and of :meth:`for_paths` the trees around them."""
        trees = {one.path: one for section in self.sections if (one := self.tree_around(section.path)) is not None}
        return (*self.sections, *trees.values())

    def destination(self, name: str) -> DestinationSettings:
        """The destination of that name; KeyError for none."""
        return {one.name: one for one in self.destinations}[name]

    def for_paths(self, paths: Sequence[str]) -> Settings:
        """The same settings with ``paths`` in place of the sections, each once and sent as itself.

        A directory is one archive, and what was sent before is compared. A path that is also a section keeps its
        other options; what :meth:`tree_around` says may hold for a file. Below a dataset that is ``recursive`` other
        sections count as ever. The paths are absolute, URLs of paths on servers, or datasets; ValueError otherwise.
        """
        known = {section.path: section for section in (*self.of_file, *self.sections)}
        chosen = {path: _as_itself(known.get(path) or self._new(path)) for path in map(section_path, paths)}
        recursive = [one.path for one in chosen.values() if one.is_recursive]
        for one in self.of_file:
            if one.path not in chosen and any(is_in(one.path, path) for path in recursive):
                chosen[one.path] = _as_itself(one)
        sections = tuple(chosen.values())
        new = self.model_copy(update={"sections": sections, "configured": self.of_file, "ad_hoc": True})
        used = {*self.default_destinations, *(name for section in new.in_force for name in section.destinations)}
        return new.model_copy(update={"destinations": tuple(one for one in self.destinations if one.name in used)})

    def tree_around(self, path: str) -> SectionSettings | None:
        """The whole tree of the file that a path of :meth:`for_paths` lies in, the innermost: a file there is sent as
        that one's, unless it is another section's. None where it has a section of its own."""
        if not self.ad_hoc or any(one.path == path for one in self.configured):
            return None
        return innermost(path, (one for one in self.configured if one.is_tree))

    def seal_of(self, path: str) -> SealSettings:
        """How what lies at ``path`` is sealed: as the section says that it lies in, the innermost, else as ``[main]``
        does. The path is absolute, a URL or a dataset, or on a server that server's own."""
        around = (section for section in self.of_file if is_in(path, section.path))
        # On equal terms a path here is rather one here than one on a server.
        nearest = max(around, key=lambda one: (len(own_path(one.path)), one.server is None), default=None)
        return self.seal if nearest is None else nearest.seal

    @property
    def of_file(self) -> tuple[SectionSettings, ...]:
        """The sections of the INI file, also where other paths stand in their place."""
        return self.configured if self.ad_hoc else self.sections

    def _new(self, path: str) -> SectionSettings:
        if is_dataset_path(path):
            return self._new_dataset(path)
        section = innermost(path, self.of_file)
        new = SectionSettings(path=path, server=server_of(path, self.login), seal=self.seal_of(path))
        if section is None:
            return new
        # As that section sends it: else it would be another archive.
        names = ("exclude_patterns", "exclude_regex", "incremental", "full_every")
        return new.model_copy(
            update={
                **{name: getattr(section, name) for name in names},
                # It may be what stays unsealed because of where it goes.
                "destinations": section.destinations,
                "server": section.server,
                "excluded_from": section.path,
                "origins": tuple((name, origin) for name, origin in section.origins if name in names),
            }
        )

    def _new_dataset(self, path: str) -> SectionSettings:
        """As the section sends it that reaches it, or else as the one would that it lies in."""
        datasets = [one for one in self.of_file if one.snapshots is not None]
        around = innermost(path, (one for one in datasets if one.is_recursive)) or innermost(path, datasets)
        if around is None or around.snapshots is None:
            return SectionSettings(path=path, snapshots=SnapshotRules(), full_every=FULL_EVERY, seal=self.seal)
        names = {"full_every", *IN_RULES}
        return SectionSettings(
            path=path,
            snapshots=rules_inside(around.snapshots),
            full_every=around.full_every,
            destinations=around.destinations,
            seal=around.seal,
            origins=tuple((name, origin) for name, origin in around.origins if name in names),
        )


def _as_itself(section: SectionSettings) -> SectionSettings:
    if section.snapshots is not None:
        return section.model_copy(update={"upload_if_changed": True, "origin": COMMAND_LINE})
    nothing_else = dict.fromkeys(("upload_tree", "upload_dirs", "upload_files"), False)
    as_itself = {"upload_single_dir": True, **nothing_else, "upload_if_changed": True}
    origins = {**dict(section.origins), **dict.fromkeys(as_itself, COMMAND_LINE)}
    return section.model_copy(update={**as_itself, "origin": COMMAND_LINE, "origins": tuple(origins.items())})
