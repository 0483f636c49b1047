"""The kinds of destination that trials can be played into, and the servers that they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from tests.crash.bucket_stage import BucketStage, CrashBetween
from tests.crash.scenario import BUCKET_VARIANTS, LOCAL_VARIANTS, SEALED_VARIANTS, SERVER_VARIANTS, VARIANTS, Variant
from tests.crash.sealed_stage import (
    SealedBucket,
    SealedFolder,
    SealedServer,
    SealedVault,
    age,
    openssl,
    openssl_with_parity,
)
from tests.crash.server_stage import CrashSshd, ServerStage, TwoStage
from tests.crash.stage import FolderStage, Stage, VaultStage
from tests.s3_servers.process import moto, rclone
from tests.vault_server import VaultServer

Into = Literal[
    "vault",
    "local",
    "sftp",
    "s3",
    "moto",
    "two",
    "sealed-vault",
    "sealed-local",
    "sealed-sftp",
    "sealed-s3",
    "packed-vault",
    "packed-local",
    "packed-s3",
    "packed-two",
    "packed-sealed-vault",
    "packed-sealed-local",
    "grouped-local",
    "grouped-s3",
    "grouped-sealed-local",
]

OF: dict[Into, tuple[Variant, ...]] = {
    "vault": VARIANTS,
    "local": LOCAL_VARIANTS,
    "sftp": SERVER_VARIANTS,
    "s3": BUCKET_VARIANTS,
    "moto": BUCKET_VARIANTS,
    "two": SERVER_VARIANTS,
    "sealed-vault": SEALED_VARIANTS,
    "sealed-local": SEALED_VARIANTS,
    "sealed-sftp": SEALED_VARIANTS,
    "sealed-s3": SEALED_VARIANTS,
    "packed-vault": VARIANTS,
    "packed-local": LOCAL_VARIANTS,
    "packed-s3": BUCKET_VARIANTS,
    "packed-two": SERVER_VARIANTS,
    "packed-sealed-vault": SEALED_VARIANTS,
    "packed-sealed-local": SEALED_VARIANTS,
    "grouped-local": LOCAL_VARIANTS,
    "grouped-s3": BUCKET_VARIANTS,
    "grouped-sealed-local": SEALED_VARIANTS,
}
"""The families of trials."""

PLAIN: dict[Into, Into] = {
    "sealed-vault": "vault",
    "sealed-local": "local",
    "sealed-sftp": "sftp",
    "sealed-s3": "s3",
}
"""Where the same goes unsealed."""

APART: dict[Into, Into] = {
    "packed-vault": "vault",
    "packed-local": "local",
    "packed-s3": "s3",
    "packed-two": "two",
    "packed-sealed-vault": "sealed-vault",
    "packed-sealed-local": "sealed-local",
    "grouped-local": "local",
    "grouped-s3": "s3",
    "grouped-sealed-local": "sealed-local",
}
"""Where files go by themselves, and not put together."""

NewStage = Callable[[str], Stage]
"""A destination of that name, which isn't there yet."""


@contextmanager
def stages(into: Into, folder: Path) -> Iterator[NewStage]:
    """Destinations of that kind, and their server as long as it is wanted. For one trial at a time."""
    if into in APART:
        with stages(APART[into], folder) as apart:
            yield partial(grouped if into.startswith("grouped") else packed, apart)
    elif into in PLAIN:
        with stages(PLAIN[into], folder) as plain:
            yield partial(sealed, plain, folder)
    elif into == "vault":
        with VaultServer(folder / "server") as vaults:
            yield lambda name: VaultStage(vaults, name)
    elif into in ("sftp", "two"):
        kind = ServerStage if into == "sftp" else TwoStage
        with CrashSshd(folder / "sshd") as sshd:
            yield lambda name: kind(sshd, folder / f"{name}-vault")
    elif into in ("s3", "moto"):
        (root := folder / "objects").mkdir()
        files = root if into == "s3" else None
        with (
            rclone(root) if into == "s3" else moto() as endpoint,
            CrashBetween(endpoint, folder / "journal") as between,
        ):
            yield lambda name: BucketStage(between, endpoint, files, name.lower(), folder / f"{name}-vault")
    else:
        yield lambda name: FolderStage(folder / f"{name}-vault")


def packed(apart: NewStage, name: str) -> Stage:
    """The same destination, for a tree whose files are put together."""
    stage = apart(name)
    stage.packed = True
    return stage


def grouped(apart: NewStage, name: str) -> Stage:
    """The same where they are by what their names begin with."""
    stage = packed(apart, name)
    stage.by_prefix = True
    return stage


def sealed(plain: NewStage, folder: Path, name: str) -> Stage:
    """The same destination, for a trial of that name in ``folder``, with sealed archives: with age in a vault and on a
    server, with openssl elsewhere, and with parity in a directory."""
    stage, trial = plain(name), folder / name
    if isinstance(stage, VaultStage):
        return SealedVault(stage, age(folder), trial)
    if isinstance(stage, ServerStage):
        return SealedServer(stage, folder / f"{name}-vault", age(folder), trial)
    if isinstance(stage, BucketStage):
        return SealedBucket(stage, openssl(folder), trial)
    return SealedFolder(folder / f"{name}-vault", openssl_with_parity(folder), trial)
