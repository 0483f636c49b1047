"""``vault inventory``: all archives of a vault, by name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.vaults import nothing, say_again, tell, vault
from glacier_backup.errors import DamageFound, UsageError

if TYPE_CHECKING:
    from glacier_backup.config.settings import DestinationSettings, Settings
    from glacier_backup.model.thaw import Stored
    from glacier_backup.plan.override import Missing
    from glacier_backup.workflow.vault_names import Journal


def show(arguments: argparse.Namespace) -> int:
    """Ask for the inventory, and show it when it is there; the exit code."""
    from glacier_backup.workflow.vault import inventory_of

    bucket = None if arguments.check is None else _bucket(arguments.check)
    with _journal(arguments.journal) as journal, vault(arguments, arguments.vault) as (settings, name, where):
        archives = inventory_of(where, nothing)
        if archives is None:
            return say_again(name)
        if arguments.csv is not None:
            _write_csv(arguments.csv, _with_names(archives, journal))
            if not (arguments.quiet or arguments.json):
                render.say(f"{arguments.csv} has the names of {len(archives)} archives")
        if bucket is not None:
            # The bucket isn't where the vault is reached; how to log in is the same.
            one = _as_set(bucket, arguments, settings)
            return _check(arguments, one, name, _with_names(archives, journal), len(archives))
        if arguments.csv is None or arguments.json:
            _show(arguments, name, archives, journal)
    return 0


def _with_names(archives: Collection[Stored], journal: Journal) -> Iterator[Stored]:
    from glacier_backup.workflow.vault_names import with_name

    return (with_name(one, journal) for one in archives)


@contextmanager
def _journal(file: str | None) -> Iterator[Journal]:
    from glacier_backup.model.journal import read_journal
    from glacier_backup.workflow.vault_names import Journal

    if file is None:
        with Journal() as empty:
            yield empty
        return
    try:
        # As its own encoding is; a name that is none of it can't be looked for by anybody.
        with open(os.path.expanduser(file), encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            made = Journal(read_journal(lines))
    except OSError as error:
        raise UsageError(f"the journal {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"the journal {file} can't be read: {error}") from error
    with made:
        yield made


def _show(arguments: argparse.Namespace, name: str, archives: Collection[Stored], journal: Journal) -> None:
    if arguments.json:
        render.write_json(_json(one, journal) for one in archives)
        return
    rows = (_row(one, journal) for one in archives)
    render.write_table(("archive", "bytes", "stored", "id"), rows, right=("bytes",))
    if not arguments.quiet:
        from glacier_backup.units import format_size

        total = format_size(sum(one.size for one in archives))
        render.say(
            f"{len(archives)} archives of {total} are in vault {name}, as of its last inventory: about a day ago"
        )


def _row(one: Stored, journal: Journal) -> tuple[str, ...]:
    from glacier_backup.units import local_time
    from glacier_backup.workflow.vault_names import name_of

    name = name_of(one, journal)
    path = name.path or "(no name)"
    return (f"{name.host}:{path}" if name.host else path, str(one.size), local_time(one.stored_at), one.locator)


def _json(one: Stored, journal: Journal) -> dict[str, str | int | None]:
    from glacier_backup.units import rfc3339
    from glacier_backup.workflow.vault_names import name_of

    name = name_of(one, journal)
    return {
        "locator": one.locator,
        "path": name.path,
        "host": name.host,
        "named_by": name.system,
        "mtime_ns": name.mtime_ns,
        "bytes": one.size,
        "stored_at": rfc3339(one.stored_at),
        "sha256_tree": one.tree_hash,
        "description": one.description,
    }


def _write_csv(file: str, archives: Iterator[Stored]) -> None:
    """Whole, or not at all."""
    from glacier_backup.plan.override import override_csv

    path = os.path.expanduser(file)
    new = f"{path}.new"
    try:
        with open(new, "w", encoding="utf-8", newline="") as out:
            out.writelines(override_csv(archives))
        os.replace(new, path)
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error


def _bucket(url: str) -> str:
    """The URL, checked before anything is asked for."""
    from glacier_backup.config import places

    try:
        where = places.place(url)
    except ValueError as error:
        raise UsageError(f"--check {url}: {error}") from None
    if where.kind != "s3":
        raise UsageError(f"--check {url}: expected s3://BUCKET/PREFIX")
    return str(where)


def _as_set(url: str, arguments: argparse.Namespace, settings: Settings) -> DestinationSettings:
    """The bucket as the INI file has it, or as it is reached without."""
    from glacier_backup.cli.reading import settings_of
    from glacier_backup.model.place import Place

    for one in settings.destinations:
        if str(one) == url:
            return one
    found = settings_of(Place("s3", url.removeprefix("s3://")), settings)
    return found.model_copy(update={"region": arguments.region, "profile": arguments.profile})


def _check(
    arguments: argparse.Namespace, bucket: DestinationSettings, name: str, archives: Iterator[Stored], count: int
) -> int:
    from glacier_backup.cli.destinations import destination
    from glacier_backup.destination.buckets.keys import At
    from glacier_backup.model.thaw import ThawRequest
    from glacier_backup.plan.override import missing_in_bucket
    from glacier_backup.spool import Spool

    start = f"{bucket.directory}/" if bucket.directory else ""
    with closing(destination(bucket, 4, tell)) as where:
        listed = where.inventory(where.thaw(ThawRequest(None), nothing), nothing, newest=True)
        keys = ((At.parsed(one.locator).key.removeprefix(start), one.size) for one in listed)
        missing = Spool(missing_in_bucket(archives, keys))
    if arguments.json:
        render.write_json({"archives": count, "missing": map(_missing_json, missing)})
    else:
        rows = ((one.name, str(one.size), _found(one), one.archive_id) for one in missing)
        render.write_table(("archive", "bytes", f"in {bucket}", "id"), rows, right=("bytes",))
    if missing:
        said = f"{len(missing)} of {count} archives of vault {name} are not in {bucket}, or have another size there"
        render.warn(said)
        return DamageFound.exit_code
    if not (arguments.quiet or arguments.json):
        render.say(f"all {count} archives of vault {name} are in {bucket}, with the same size")
    return 0


def _found(one: Missing) -> str:
    return "not there" if one.found is None else f"{one.found} bytes"


def _missing_json(one: Missing) -> dict[str, str | int | None]:
    return {"locator": one.archive_id, "name": one.name, "bytes": one.size, "found": one.found}
