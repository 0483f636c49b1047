"""``glacier-backup catalog export``: what is stored, for other programs."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_catalog, add_common
from glacier_backup.errors import UsageError

if TYPE_CHECKING:
    from glacier_backup.catalog.catalog import Catalog

HELP = "write what is stored as JSON lines or CSV"
EXAMPLE = """\
  glacier-backup catalog export archives.jsonl
  glacier-backup catalog export --format csv --members members.csv
  glacier-backup catalog export --manifests ~/manifests"""

Row = Mapping[str, object]

_OF_VOLUMES = (
    *("number", "locator", "bytes", "sha256_tree", "sha256", "crc64nvme", "storage_class", "stored_at"),
    *("verified_at", "damaged_at", "damage", "role", "volume", "suffix", "hmac_sha256"),
)
_OF_MEMBERS = ("archive", "member", "type", "bytes", "mtime_ns", "mode", "offset", "target", "sha256")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="where to (default: standard output)")
    parser.add_argument(
        "--format",
        choices=("jsonl", "csv"),
        default="jsonl",
        help="one JSON object a line for each archive, or one CSV row for each of its volumes",
    )
    parser.add_argument(
        "--members", action="store_true", help="what is inside, too: in JSON behind each archive, in CSV instead"
    )
    parser.add_argument(
        "--manifests",
        metavar="DIR",
        help="write a JSON file for each archive below this directory, named as in a bucket; for archives in a vault, "
        "which have no such file beside them",
    )
    add_common(parser)
    add_catalog(parser)


def run(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.catalog import Catalog
    from glacier_backup.cli.catalog_keeping import existing

    if arguments.manifests is not None and (arguments.file or arguments.members or arguments.format != "jsonl"):
        raise UsageError("--manifests writes files of its own; expected no FILE, --members or --format with it")
    path = existing(arguments)
    with Catalog.peek(path) as catalog:
        if arguments.manifests is not None:
            return _write_manifests(catalog, os.path.abspath(os.path.expanduser(arguments.manifests)), arguments)
        file = None if arguments.file is None else os.path.abspath(os.path.expanduser(arguments.file))
        with _opened(file) as out:
            count = _write(catalog, out, arguments)
    if file is not None and arguments.json:
        render.write_json({"file": file, "archives": count})
    elif file is not None and not arguments.quiet:
        render.say(f"wrote {count} archives to {file}")
    return 0


@contextmanager
def _opened(file: str | None) -> Iterator[IO[str]]:
    """Complete before it gets its name, 0600. Bytes of paths that are no UTF-8 are written as they are."""
    if file is None:
        yield sys.stdout
        return
    made = f"{file}.{os.getpid()}.new"
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
                yield out
            os.rename(made, file)
        except BaseException:
            os.unlink(made)
            raise
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error


def _write(catalog: Catalog, out: IO[str], arguments: argparse.Namespace) -> int:
    if arguments.format == "csv":
        return _write_csv(catalog, out, members=arguments.members)
    count = 0
    for row in catalog.export_rows():
        out.write(json.dumps(row) + "\n")
        count += 1
        for member in _members(catalog, row) if arguments.members else ():
            out.write(json.dumps(member) + "\n")
    return count


def _members(catalog: Catalog, archive: Row) -> Iterator[Row]:
    number = archive["id"]
    if not isinstance(number, int):
        raise AssertionError("an archive's id is a number")
    for one in catalog.members(number):
        seen = (one.path, one.type, one.size, one.mtime_ns, f"{one.mode:04o}")
        values = (number, *seen, one.offset, one.target, one.content_sha256)
        yield dict(zip(_OF_MEMBERS, values, strict=True))


def _write_csv(catalog: Catalog, out: IO[str], *, members: bool) -> int:
    writer: csv.DictWriter[str] | None = None
    count = 0
    for row in catalog.export_rows():
        count += 1
        for flat in _members(catalog, row) if members else _volumes(row):
            if writer is None:
                writer = csv.DictWriter(out, list(flat))
                writer.writeheader()
            writer.writerow(flat)
    return count


def _volumes(archive: Row) -> Iterator[Row]:
    own = {name: value for name, value in archive.items() if name != "volumes"}
    volumes = archive["volumes"]
    if not isinstance(volumes, list):
        raise AssertionError("an archive has a list of volumes")
    for volume in volumes or [{}]:
        yield own | {f"volume_{name}": volume.get(name) for name in _OF_VOLUMES}


def _write_manifests(catalog: Catalog, folder: str, arguments: argparse.Namespace) -> int:
    count = 0
    for row in catalog.export_rows():
        _write_manifest(row, folder)
        count += 1
    if arguments.json:
        render.write_json({"folder": folder, "archives": count})
    elif not arguments.quiet:
        render.say(f"wrote {count} files below {folder}")
    return 0


def _write_manifest(row: Row, folder: str) -> None:
    file = os.path.join(folder, _name(row))
    made = f"{os.path.dirname(file)}/.{os.getpid()}.new"
    try:
        os.makedirs(os.path.dirname(file), 0o700, exist_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as out:
            json.dump(row, out, indent=2)
            out.write("\n")
        os.rename(made, file)
    except OSError as error:
        raise UsageError(f"{error.filename or file} can't be written: {error.strerror}") from error


def _name(row: Row) -> str:
    """The key that the archive would have in a bucket, where its label is known; ``.json`` behind it."""
    from glacier_backup.model.archive import Container, Label
    from glacier_backup.model.candidate import Kind
    from glacier_backup.model.increment import link_of
    from glacier_backup.model.naming import key
    from glacier_backup.model.recipe import parse_recipe
    from glacier_backup.units import parse_rfc3339

    def text(name: str) -> str:
        return str(row[name] or "")

    kind: Kind = next((one for one in ("directory", "dataset") if row["kind"] == one), "file")
    container: Container = next((one for one in ("tar", "zfs") if row["container"] == one), "raw")
    time = parse_rfc3339(text("time"))
    host = text("host") or "unknown-host"
    try:
        link = link_of(parse_recipe(text("recipe"))) if row["recipe"] else None
        label = Label(text("name"), text("path"), host, kind, container, time, "", link=str(link) if link else "")
        return f"{key(label)}.json"
    except ValueError:
        return f"{host}/id-{row['id']}.json".lstrip("/")
