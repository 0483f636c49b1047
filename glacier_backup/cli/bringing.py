"""What a restore is made of: its tools, and the directory that all goes into."""

from __future__ import annotations

import os
from contextlib import ExitStack

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.keys import KeysOf
from glacier_backup.cli.reading import open_reading
from glacier_backup.cli.receiver import ZfsReceiver
from glacier_backup.cli.sealing import spool_beside
from glacier_backup.config.settings import Settings
from glacier_backup.errors import TargetError
from glacier_backup.model.event import Listener
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.plan.restore import RestorePlan
from glacier_backup.workflow.restoring.target import Target
from glacier_backup.workflow.restoring.tools import RestoreTools, no_keys


def restore_tools(
    settings: Settings, catalog: Catalog, tell: Listener, stack: ExitStack, keys: KeysOf = no_keys
) -> RestoreTools:
    """What brings archives of ``catalog`` back, and opens those that are sealed; closed with ``stack``."""
    destination_of = open_reading(settings, tell, stack)
    scratch = settings.spool_dir or spool_beside(settings.catalog)
    return RestoreTools(
        catalog,
        destination_of,
        UNPACKERS,
        LINK_UNPACKER,
        settings.concurrency,
        keys=keys,
        receiver=ZfsReceiver(settings.catalog),
        scratch_dir=scratch,
    )


def make_target(path: str, plan: RestorePlan) -> None:
    """Make the directory at ``path`` where there is none, and its folder is there.

    Raises TargetError where it can't be made or written, or has no room for what isn't in it already: before anything
    is paid.
    """
    if not os.path.exists(path):
        if os.path.islink(path):
            raise TargetError(f"{path} is a symbolic link to nothing", hint="is its disk mounted?")
        try:
            os.mkdir(path, 0o777)
        except FileNotFoundError:
            raise TargetError(
                f"neither {path} nor the folder it is to be made in is there",
                hint="is its disk mounted? Make the folder, and run again",
            ) from None
        except OSError as error:
            raise TargetError(f"{path} can't be made: {error.strerror}") from error
    with Target(path, create=False) as target:
        if not os.access(path, os.W_OK | os.X_OK):
            raise TargetError(
                f"{path} can't be written",
                hint="make it writable for the user who runs glacier-backup, or take another target",
            )
        try:
            target.room(plan.bytes)
        except TargetError:
            missing = (one for one in plan.entries if not os.path.lexists(os.path.join(path, one.to)))
            target.room(sum(one.choice.bytes or 0 for one in missing))
