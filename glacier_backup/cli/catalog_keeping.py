"""``glacier-backup catalog backup|restore|check|upgrade``: keeping the catalog safe and sound."""

from __future__ import annotations

import argparse
import os
import secrets
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common, add_keys, overrides
from glacier_backup.errors import CatalogError, DamageFound, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.seal.chain import Chain

BACKUP = "write a copy of the catalog to a file"
RESTORE = "put a copy of a catalog in the catalog's place"
CHECK = "look for damage in the catalog itself"
UPGRADE = "bring the catalog to this version's schema, with a copy of it as it was"

BACKUP_EXAMPLE = "  glacier-backup catalog backup /mnt/usb/catalog.sqlite3.gz"
RESTORE_EXAMPLE = "  glacier-backup catalog restore /mnt/usb/catalog.sqlite3.gz"
CHECK_EXAMPLE = "  glacier-backup catalog check"
UPGRADE_EXAMPLE = "  glacier-backup catalog upgrade"

_SHOWN = 100


def add_backup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help="where to; with .gz at its end it is packed, with .gz.age (.gpg, .enc) sealed as well, as archives are; a "
        "copy that is there is replaced",
    )
    add_common(parser)
    add_catalog(parser)


def add_restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a copy, sealed or not, packed by gzip or not")
    parser.add_argument("--force", action="store_true", help="also over a catalog that knows more than the copy")
    add_keys(parser)
    add_common(parser)


def add_check(parser: argparse.ArgumentParser) -> None:
    add_common(parser)
    add_catalog(parser)


def back_up(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.reading import load_for_reading
    from glacier_backup.cli.sealed_catalogs import seal_for
    from glacier_backup.config.outside import absolute

    path = existing(arguments)
    file = absolute(os.path.expanduser(arguments.file))
    seal = seal_for(file, load_for_reading(arguments)[0])
    _check_target(file, path)
    with Catalog.peek(path) as catalog:
        if file.removesuffix(seal.suffix).endswith(".gz"):
            _write_packed(catalog, file, seal)
        elif seal.suffix:
            raise UsageError(f"{file}: only a packed copy is sealed", hint=f"let it end in .gz{seal.suffix}")
        else:
            catalog.copy_to(file)
    size = os.stat(file).st_size
    if arguments.json:
        render.write_json({"catalog": path, "file": file, "bytes": size})
    elif not arguments.quiet:
        from glacier_backup.units import format_size

        render.say(f"{file} is a copy of {path} ({format_size(size)})")
    return 0


def existing(arguments: argparse.Namespace) -> str:
    """The catalog's path. Raises UsageError where there is none."""
    from glacier_backup.cli.reading import load_for_reading

    _, path = load_for_reading(arguments)
    if not os.path.lexists(path):
        raise UsageError(
            f"there is no catalog {path}",
            hint="`glacier-backup catalog restore` takes a copy of one, `catalog rebuild` makes it anew",
        )
    return path


def _check_target(file: str, catalog: str) -> None:
    from glacier_backup.catalog.snapshot import is_catalog
    from glacier_backup.cli.sealed_catalogs import suffix_of

    try:
        if os.path.isdir(file):
            raise UsageError(f"{file} is a directory", hint="name a file in it")
        if not os.path.isdir(os.path.dirname(file)):
            raise UsageError(f"there is no directory {os.path.dirname(file)}")
        if os.path.lexists(file):
            if os.path.exists(file) and os.path.samefile(file, catalog):
                raise UsageError(f"{file} is the catalog itself")
            if not is_catalog(file) and not suffix_of(file):
                raise UsageError(f"{file} exists and is no copy of a catalog: it is left as it is")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error


def _write_packed(catalog: Catalog, file: str, seal: Chain) -> None:
    from glacier_backup.catalog.replacing import beside
    from glacier_backup.catalog.snapshot import packed
    from glacier_backup.units import MIB

    # Nothing else is ever sealed with these.
    nonce = secrets.token_bytes(32)
    with (
        beside(file, ".new") as made,
        packed(catalog, lambda: None, f"{made}.d") as copy,
        seal.sealed(copy.stream(), nonce) as stream,
    ):
        try:
            with open(made, "wb") as out:
                buffer = memoryview(bytearray(MIB))
                while count := stream.readinto(buffer):
                    out.write(buffer[:count])
                out.flush()
                os.fsync(out.fileno())
            os.rename(made, os.path.realpath(file))
        except OSError as error:
            raise CatalogError(f"{file} can't be written: {error.strerror}") from error


def restore(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.catalog.replacing import beside, newest_sent, put_in_place
    from glacier_backup.catalog.snapshot import unpack
    from glacier_backup.cli.sealed_catalogs import opening_of, unsealed
    from glacier_backup.config.load import load
    from glacier_backup.config.outside import absolute
    from glacier_backup.lock import RunLock

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    path, file = settings.catalog, absolute(os.path.expanduser(arguments.file))
    with RunLock(path), beside(path, ".restored") as made:
        if os.path.exists(path) and os.path.exists(file) and os.path.samefile(path, file):
            raise UsageError(f"{file} is the catalog itself")
        with unsealed(file, path, opening_of(settings, arguments)) as plain:
            unpack(plain, made)
        with Catalog.open(made) as copy:
            for trouble in copy.check():
                raise DamageFound(f"{file} is damaged: {trouble}", hint="take another copy; nothing was changed")
            newest, changes = newest_sent(copy), copy.changes()
        if not arguments.force:
            _refuse_older(path, newest, changes)
        aside = put_in_place(made, path)
    if arguments.json:
        render.write_json({"catalog": path, "file": file, "newest": _time(newest), "kept": aside})
    elif not arguments.quiet:
        render.say(f"{path} is now what {file} was{_until(newest)}")
        if aside is not None:
            render.say(f"the one before is kept as {aside}")
        render.say("what was sent later isn't in it: glacier-backup catalog rebuild looks for that")
    return 0


def _refuse_older(path: str, newest: datetime | None, changes: int) -> None:
    """Raise UsageError where the catalog at ``path`` knows more. One that can't be read knows nothing."""
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.catalog.replacing import newest_sent

    try:
        with Catalog.peek(path) as catalog:
            there, there_changes = newest_sent(catalog), catalog.changes()
    except CatalogError:
        return
    if there is not None and (newest is None or there > newest or there_changes > changes):
        raise UsageError(
            f"the catalog {path} knows more than that copy: it goes{_until(there) or ' further'}, the copy"
            f"{_until(newest) or ' has nothing'}",
            hint="--force takes the copy all the same, and keeps the catalog beside it",
        )


def _until(newest: datetime | None) -> str:
    from glacier_backup.units import local_time

    return "" if newest is None else f" up to {local_time(newest)}"


def _time(moment: datetime | None) -> str | None:
    from glacier_backup.units import rfc3339

    return None if moment is None else rfc3339(moment)


def check(arguments: argparse.Namespace) -> int:
    from itertools import islice

    from glacier_backup.catalog.catalog import Catalog

    path = existing(arguments)
    with Catalog.peek(path) as catalog:
        found = catalog.check()
        if arguments.json:
            problems = list(islice(found, 100 * _SHOWN))
            render.write_json({"catalog": path, "problems": problems})
            return DamageFound.exit_code if problems else 0
        problems = list(islice(found, _SHOWN + 1))
    for problem in problems[:_SHOWN]:
        render.warn(problem)
    if len(problems) > _SHOWN:
        render.warn("… and more")
    if problems:
        render.warn(
            f"{path} is damaged; put a copy in its place (glacier-backup catalog restore FILE), or move it away and "
            "make it anew (glacier-backup catalog rebuild)"
        )
        return DamageFound.exit_code
    if not arguments.quiet:
        render.say(f"{path} is sound")
    return 0


def upgrade(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.catalog.migrations import newest
    from glacier_backup.catalog.replacing import keep_as_it_is, schema_of
    from glacier_backup.lock import RunLock

    path = existing(arguments)
    with RunLock(path):
        with Catalog.peek(path):
            pass  # which refuses what is no catalog, and one of a newer program
        before, aside = schema_of(path), None
        if before < newest():
            aside = keep_as_it_is(path)
            Catalog.open(path).close()
    if arguments.json:
        render.write_json({"catalog": path, "from": before, "to": newest(), "kept": aside})
    elif not arguments.quiet:
        if aside is None:
            render.say(f"{path} has schema {before}, which is the newest")
        else:
            render.say(f"{path} had schema {before} and has {newest()} now; as it was it is kept as {aside}")
    return 0
