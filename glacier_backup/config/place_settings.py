"""Places in force: the servers that things are on, and the destinations that archives are sent to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, SkipValidation

from glacier_backup.config.frozen import Frozen, Origins, Text
from glacier_backup.config.places import is_server_url, path_on_server, server_url
from glacier_backup.config.values import LEAST_BANDWIDTH, MOST_CONCURRENT
from glacier_backup.model.place import DestinationKind

MAIN_DESTINATION = "main"
"""The name of the destination that ``[main]`` itself describes."""


class ServerSettings(Frozen):
    """An SFTP server, and how to log in."""

    host: str
    port: int = 22
    user: str | None = None
    """None: the name of whoever runs the program."""
    ssh_key: Text | None = None
    """Absolute path of a private key; None: the agent, and the usual keys of ``~/.ssh``."""
    ssh_password: SecretStr | None = None
    ssh_password_file: Text | None = None
    known_hosts: Text | None = None
    """Absolute path; None: ``~/.ssh/known_hosts`` and the system's."""
    host_key: str | None = None
    """The one that the server must have: ``ssh-ed25519 AAAA…`` or ``SHA256:…``; None: see ``known_hosts``."""
    connections: int = Field(default=4, ge=1, le=MOST_CONCURRENT)


class DestinationSettings(Frozen):
    """One place that archives are sent to."""

    name: str = MAIN_DESTINATION
    """That of its section ``[destination NAME]``, :data:`MAIN_DESTINATION`, or the text that names it elsewhere."""
    kind: DestinationKind
    # a vault
    vault_name: str | None = None
    account_id: str = "-"
    # a vault or a bucket; None: as AWS's own settings say
    region: str | None = None
    profile: Text | None = None
    endpoint_url: Text | None = None
    # a bucket
    bucket: str | None = None
    storage_class: str = "DEEP_ARCHIVE"
    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    kms_key_id: str | None = None
    tags: Annotated[tuple[tuple[str, str], ...], SkipValidation] = ()
    expected_bucket_owner: str | None = None
    hot_below: int | Literal["auto"] | None = None
    """Bytes; archives smaller than that go to a hot class. None: all get the storage class."""
    # an SFTP server
    server: ServerSettings | None = None
    cold: bool = False
    """Whether it is an archive gateway, whose first read starts an unsealing of hours."""
    # a bucket, a server or a directory
    directory: Text = ""
    """Of a directory here, absolute. On a server as it was given: absolute, or relative to where a log-in arrives. In a
    bucket the prefix, without slashes around it."""
    embedded: bool = False
    """Whether it is the embedded local vault (``destination = local``)."""
    # all
    part_size: int | None = None
    """Bytes; None: chosen for each archive."""
    bandwidth_limit: int | None = Field(default=None, ge=LEAST_BANDWIDTH)
    """Bytes per second; None: as many as there can be."""
    origins: Origins = ()

    @property
    def takes_copies(self) -> bool:
        """Whether copies of the catalog go there by themselves: it can be read at once, and lies elsewhere."""
        return self.kind != "glacier" and not self.cold and not self.embedded

    def __str__(self) -> str:
        """As a person would name it: ``vault photos``, ``s3://bucket/prefix``, ``/mnt/disk``."""
        match self.kind:
            case "glacier":
                return f"vault {self.vault_name}"
            case "s3":
                return f"s3://{self.bucket}" + (f"/{self.directory}" if self.directory else "")
            case "sftp" if self.server is not None:
                return server_url(self.server.user, self.server.host, self.server.port, self.directory)
            case _:
                return self.directory


def server_of(path: str, login: ServerSettings) -> ServerSettings | None:
    """The server that the path of a section is on, with ``login`` to log in; None for a path here."""
    if not is_server_url(path):
        return None
    where = path_on_server(path)
    return login.model_copy(update={"host": where.host, "port": where.port, "user": where.user})
