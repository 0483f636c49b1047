"""Taking over a bucket that s3-backup has filled: which section and bucket it is, and what is needed for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace

from glacier_backup.catalog import s3_backup
from glacier_backup.catalog.catalog import Catalog
from glacier_backup.catalog.key_paths import KeyPaths
from glacier_backup.cli.destinations import destination, set_environment
from glacier_backup.cli.sealing import Sealing
from glacier_backup.cli.sites import key_of
from glacier_backup.cli.wiring import plan_anew
from glacier_backup.config.settings import DestinationSettings, SectionSettings, Settings
from glacier_backup.errors import UsageError
from glacier_backup.interrupt import StopRequest
from glacier_backup.lock import RunLock
from glacier_backup.machine import host_name
from glacier_backup.model.event import Listener, Warned
from glacier_backup.plan.filters import halves
from glacier_backup.plan.s3_backup import Tree
from glacier_backup.seal.order import COMMAND
from glacier_backup.workflow.planned_keys import note_keys
from glacier_backup.workflow.takeover_s3_backup import AT_ONCE, TakenOver, Tools, take_over_bucket


def import_bucket(
    settings: Settings,
    file: str | None,
    tell: Listener,
    stop: StopRequest,
    progress: Callable[[int], object],
) -> TakenOver:
    """Take over the bucket that the only whole tree of this machine goes to, under keys that begin below it, with
    s3-backup's record in ``file``, or without.

    Raises CatalogError, LockHeld, DestinationError, Interrupted, and UsageError where there is no such section, or
    several, or it isn't sent to one bucket.
    """
    section = _only_tree(settings)
    bucket = _only_bucket(section, settings)
    set_environment(settings)
    with ExitStack() as stack:
        record = stack.enter_context(nullcontext() if file is None else s3_backup.opened(file))
        stack.enter_context(RunLock(settings.catalog))
        catalog = stack.enter_context(Catalog.open(settings.catalog))
        parallel = max(settings.concurrency, AT_ONCE)
        where = stack.enter_context(closing(destination(bucket, parallel, tell)))
        tree = stack.enter_context(_tree(section, settings, catalog, tell))
        place_id = catalog.register(where.place, where.identify(holds_archives=False))
        tools = Tools(catalog, place_id, where, key_of(where.place), stop.check, progress)
        _warn_of_versions(tools, tell)
        return take_over_bucket(tree, record, tools)


@contextmanager
def _tree(section: SectionSettings, settings: Settings, catalog: Catalog, tell: Listener) -> Iterator[Tree]:
    """Where filters make other names, what they make of those that are here is worked out first."""
    sealing = Sealing(settings, create=False)
    steps = sealing.of_section(section.path).steps()
    tree = Tree(section.path, host_name(), next((step for step in steps if step.name == COMMAND), None))
    if not halves(section.filters).rename:
        yield tree
        return
    with KeyPaths() as keys:
        note_keys(plan_anew(settings, catalog, sealing, tell).decisions, section.path, keys)
        yield replace(tree, renamed=keys.path_of, inside=lambda name: keys.path_of(name, inside=True))


def _warn_of_versions(tools: Tools, tell: Listener) -> None:
    if not tools.destination.keeps_versions(tools.check):
        tell(
            Warned(
                f"{tools.destination.place} keeps no versions, as far as can be seen: a changed file will be stored "
                "beside the one before; see docs/from-s3-backup.md for what the credentials need"
            )
        )


def _only_tree(settings: Settings) -> SectionSettings:
    trees = [one for one in settings.sections if one.is_tree and one.server is None and one.keys == "relative"]
    if len(trees) == 1:
        return trees[0]
    found = "there are " + " and ".join(f"[{one.path}]" for one in trees) if trees else "there is none"
    raise UsageError(
        f"a bucket of s3-backup is taken over as the one section with upload_tree and keys = relative, and {found}",
        hint="name with -c an INI file that has it alone; glacier-backup config import FILE writes one from the "
        "command line of s3-backup",
    )


def _only_bucket(section: SectionSettings, settings: Settings) -> DestinationSettings:
    go_to = [settings.destination(name) for name in section.destinations or settings.default_destinations]
    buckets = [one for one in go_to if one.kind == "s3"]
    if len(buckets) != 1:
        raise UsageError(
            f"s3-backup fills one bucket, and [{section.path}] goes to {', '.join(map(str, go_to))}",
            hint="name that bucket in its destination, and no other one",
        )
    return buckets[0]
