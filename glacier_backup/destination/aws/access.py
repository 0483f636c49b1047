"""Sessions and settings for the AWS destinations."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from glacier_backup import __version__
from glacier_backup.destination.aws.errors import translated

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.loaders import Loader

CONNECT_TIMEOUT = 20.0
READ_TIMEOUT = 120.0
"""Seconds. A part's answer comes after the server has hashed it, so reading waits longer."""

AMAZONS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")
"""What the names of Amazon's own servers end with."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach AWS. Credentials come only from botocore's own chain."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


def session(access: Access) -> Session:
    """A boto3 session; raises DestinationUnavailable for a profile that isn't there."""
    import boto3
    import botocore.session

    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    with translated("AWS"):
        return boto3.session.Session(botocore_session=core, profile_name=access.profile, region_name=access.region)


@cache
def _loader() -> Loader:
    """Reads what botocore knows of a service: megabytes of JSON, and the same for every session."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


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
    """Timeouts and pool size of every client; no retries, which are :mod:`glacier_backup.destination.retrying`'s. What
    the client calls itself is put together once, and not for each request."""
    import botocore
    from botocore.config import Config

    return Config(
        user_agent=f"glacier-backup/{__version__} Botocore/{botocore.__version__}",
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )


def is_amazon(endpoint_url: str) -> bool:
    """Whether a service of Amazon's own is at this address."""
    host = urlsplit(endpoint_url).hostname or ""
    return host.endswith(AMAZONS)


def s3_endpoint(access: Access) -> str:
    """The address of S3 where it isn't Amazon's own, from option, environment and profile; else empty.

    botocore is only loaded where a profile may say it: a run that has nothing to send starts quicker.
    """
    found = access.endpoint_url
    if not found and os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        found = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if not found and _profiles_name_endpoints():
            found = session(access).client("s3", region_name=access.region or "us-east-1").meta.endpoint_url
    return "" if not found or is_amazon(found) else found.rstrip("/")


def _profiles_name_endpoints() -> bool:
    try:
        file = os.path.expanduser(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
        with open(file, encoding="utf-8", errors="replace") as config:
            return "endpoint_url" in config.read()
    except OSError:
        return False
