"""What packs groups of files of an SFTP server."""

from __future__ import annotations

from glacier_backup.model.contents import Contents
from glacier_backup.pack.packer import Packer
from glacier_backup.pack.remote_group import RemoteGroupPacker
from glacier_backup.pack.remote_zip import RemoteZipPacker
from glacier_backup.ssh.remote import Remote


def remote_group_packer(remote: Remote, contents: Contents) -> Packer:
    """As :func:`glacier_backup.pack.registry.group_packer`, for what lies on a server."""
    return RemoteGroupPacker(remote, contents) if contents.prefix is None else RemoteZipPacker(remote, contents)
