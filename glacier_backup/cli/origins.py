"""From settings to the places that candidates come from: this machine's files, its datasets, and each SFTP server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from functools import partial

from glacier_backup.cli.destinations import server
from glacier_backup.cli.key_check import marks_of
from glacier_backup.cli.sealing import spool_beside
from glacier_backup.config.settings import ServerSettings, Settings
from glacier_backup.exclusion import Exclusion
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.increment import Linked
from glacier_backup.model.snapshot import SnapshotRules, SpanLinked
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.registry import GROUPS, LINKS, PACKERS
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.local_listing import listing
from glacier_backup.workflow.tools import Chaining, Origin, Snapshotting

DATASETS = "zfs"
"""The name of the origin of all datasets."""


def origins(settings: Settings, stack: ExitStack) -> Mapping[str, Origin]:
    """Every one that a section needs, by the names of :func:`origin_names`, datasets under :data:`DATASETS`, and this
    machine under the empty name; ``stack`` closes what they open. Nothing is connected yet, and no program run."""
    there = {name: _there(one, stack) for one, name in origin_names(settings).items()}
    rules = snapshot_rules(settings)
    return {"": _here(settings)} | there | ({DATASETS: _datasets(rules)} if rules else {})


def snapshot_rules(settings: Settings) -> Mapping[str, SnapshotRules]:
    """Of the sections that are datasets, by their paths."""
    return {one.path: one.snapshots for one in settings.in_force if one.snapshots is not None}


def origin_names(settings: Settings) -> Mapping[ServerSettings, str]:
    """What each server that a section lies on is called; one that is logged in to in two ways is two of them."""
    names: dict[ServerSettings, str] = {}
    for section in settings.sections:
        if section.server is not None and section.server not in names:
            same = sum(str(server(one)) == str(server(section.server)) for one in names)
            names[section.server] = str(server(section.server)) + (f" #{same + 1}" if same else "")
    return names


def _here(settings: Settings) -> Origin:
    vaults = {one.name: one.directory for one in settings.destinations if one.kind == "local"}
    # What every run changes by itself is no change of a directory that happens to hold it.
    own = [settings.catalog, marks_of(settings.catalog), spool_beside(settings.catalog), settings.logfile]
    source = LocalSource([one for one in own if one], vaults)
    return Origin(source, PACKERS, LINKS, GROUPS, chaining=Chaining(listing, _packer_of_link))


def _packer_of_link(linked: Linked, exclusion: Exclusion) -> Packer:
    # Most directories are sent by themselves.
    from glacier_backup.pack.increment import packer_of_link

    return packer_of_link(linked, exclusion)


def _datasets(rules: Mapping[str, SnapshotRules]) -> Origin:
    from glacier_backup.pack.zfs import ZfsPacker
    from glacier_backup.resolve.zfs import ZfsSource, send_options
    from glacier_backup.zfs import Zfs

    zfs = Zfs()
    source = ZfsSource(zfs, rules)

    def packer(candidate: Candidate, linked: SpanLinked) -> ZfsPacker:
        options = send_options(rules[candidate.section])
        return ZfsPacker(zfs, linked.span, linked.link, options, linked.fingerprint.bytes)

    return Origin(source, {}, LINKS, GROUPS, snapshotting=Snapshotting(source, packer))


def _there(settings: ServerSettings, stack: ExitStack) -> Origin:
    from glacier_backup.pack import remote_increment
    from glacier_backup.pack.remote_groups import remote_group_packer
    from glacier_backup.pack.remote_link import RemoteLinkPacker
    from glacier_backup.pack.remote_raw import RemoteRawPacker
    from glacier_backup.pack.remote_tar import RemoteTarPacker
    from glacier_backup.resolve import sftp_listing
    from glacier_backup.resolve.sftp import SftpSource
    from glacier_backup.ssh.remote import Remote
    from glacier_backup.ssh.sessions import Connections

    remote = Remote(stack.enter_context(closing(Connections(server(settings)))))
    return Origin(
        SftpSource(remote),
        {"raw": RemoteRawPacker(remote), "tar": RemoteTarPacker(remote)},
        RemoteLinkPacker(remote),
        partial(remote_group_packer, remote),
        shared=frozenset({"raw", "tar"}),
        chaining=Chaining(partial(sftp_listing.listing, remote), partial(remote_increment.packer_of_link, remote)),
    )
