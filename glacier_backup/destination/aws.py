"""Sessions and settings for the AWS destinations."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glacier_backup.destination.aws_errors import translated

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config

CONNECT_TIMEOUT = 20.0
READ_TIMEOUT = 120.0
"""Seconds. A part's answer comes after the server has hashed it, so reading waits longer."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach AWS. Credentials come only from botocore's own chain."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


def session(access: Access) -> Session:
    """A boto3 session; raises DestinationUnavailable for a profile that isn't there."""
    import boto3

    with translated("AWS"):
        return boto3.session.Session(profile_name=access.profile, region_name=access.region)


def region_of(access: Access) -> str | None:
    """The region in force: the option's, else what botocore finds in environment and profile.

    botocore is only loaded when the option doesn't say it: a run that has nothing to send starts quicker.
    """
    return access.region or session(access).region_name


def way_in(access: Access) -> str:
    """A digest that changes when the account behind the credentials may have changed; it gives nothing away.

    From option and environment alone: what an idle run must notice without asking a server or loading botocore.
    """
    names = ["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]
    if "AWS_SESSION_TOKEN" not in os.environ:
        # The ids of temporary keys change every hour, and say nothing.
        names.append("AWS_ACCESS_KEY_ID")
    parts = (access.profile, access.endpoint_url, *map(os.environ.get, names))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def client_config(connections: int) -> Config:
    """Timeouts and pool size of every client; no retries, which are :mod:`glacier_backup.destination.retrying`'s."""
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )
