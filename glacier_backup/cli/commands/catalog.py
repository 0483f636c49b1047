"""``glacier-backup catalog``: the database of what has been sent."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.cli import render
from glacier_backup.cli.arguments import add_common, add_keys, add_options, overrides

if TYPE_CHECKING:
    from glacier_backup.catalog.matching import Sent
    from glacier_backup.config.settings import Settings
    from glacier_backup.model.event import Event
    from glacier_backup.workflow.takeover_streamer import TakenOver

EXAMPLE = """\
  glacier-backup catalog check
  glacier-backup catalog backup /mnt/usb/catalog.sqlite3.gz
  glacier-backup catalog restore /mnt/usb/catalog.sqlite3.gz
  glacier-backup catalog rebuild
  glacier-backup catalog export --format csv archives.csv
  glacier-backup catalog import ~/.config/glacier_backup/glacier.photos.sqlite3
  glacier-backup catalog import ~/streamer/archive_state.db -c ~/streamer/backup.ini
  glacier-backup catalog import ~/photos.archive -c ~/photos.conf
  glacier-backup catalog import ~/s3_content.sqlite -c ~/photos.conf
"""

_IMPORT = "take over the record of another system"
_ABOUT_IMPORT = (
    "Take over what glacier_backup 1.2 has recorded as sent to a vault, the Storage Box streamer, s3-backup or "
    "zfs-to-aws to a bucket, or pyArchiver to a directory or server, so that it isn't sent again. Of a record only "
    "what is really in the bucket counts, and what s3-backup has put there is found without its record, too. The tars "
    "of pyArchiver are read once, each, to learn what is in them, and can be restored and verified from then on; "
    "whatever can't be read now is taken over by the same command later. zfs-to-aws has no record: its folders "
    "count that are whole, and hang together."
)
_IMPORT_EXAMPLE = """\
  glacier-backup catalog import ~/.config/glacier_backup/glacier.photos.sqlite3
  glacier-backup catalog import ~/streamer/archive_state.db -c ~/streamer/backup.ini
  glacier-backup catalog import ~/photos.archive -c ~/photos.conf
  glacier-backup catalog import ~/s3_content.sqlite -c ~/photos.conf
  glacier-backup catalog import -c ~/photos.conf
  glacier-backup catalog import -c ~/tank.conf --accept photos/incrementals/F20260101-T20260108"""

_SHOWN = 5


class _Action(NamedTuple):
    """One word behind ``catalog``."""

    help: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    description: str = ""
    """Where it is more than the help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    for name, action in _actions().items():
        sub = actions.add_parser(
            name,
            help=action.help,
            description=action.description or f"{action.help[0].upper()}{action.help[1:]}.",
            epilog=f"example:\n{action.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        action.add_arguments(sub)


def run(arguments: argparse.Namespace) -> int:
    return _actions()[arguments.action].run(arguments)


def _actions() -> dict[str, _Action]:
    from glacier_backup.cli import catalog_export, catalog_keeping, catalog_rebuild

    keeping, rebuilding, exporting = catalog_keeping, catalog_rebuild, catalog_export
    about = rebuilding.DESCRIPTION
    return {
        "backup": _Action(keeping.BACKUP, keeping.BACKUP_EXAMPLE, keeping.add_backup, keeping.back_up),
        "restore": _Action(keeping.RESTORE, keeping.RESTORE_EXAMPLE, keeping.add_restore, keeping.restore),
        "check": _Action(keeping.CHECK, keeping.CHECK_EXAMPLE, keeping.add_check, keeping.check),
        "rebuild": _Action(rebuilding.HELP, rebuilding.EXAMPLE, rebuilding.add_arguments, rebuilding.run, about),
        "export": _Action(exporting.HELP, exporting.EXAMPLE, exporting.add_arguments, exporting.run),
        "upgrade": _Action(keeping.UPGRADE, keeping.UPGRADE_EXAMPLE, keeping.add_check, keeping.upgrade),
        "import": _Action(_IMPORT, _IMPORT_EXAMPLE, _add_import, _import, _ABOUT_IMPORT),
    }


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="its glacier.VAULT.sqlite3, archive_state.db, NAME.archive or s3_content.sqlite; left out for a bucket of "
        "s3-backup, which is asked about each object then, or of zfs-to-aws, whose JSON file with passwords is "
        "compared with those of the INI file where it is given",
    )
    add_common(parser)
    add_options(parser, "vault_name", "account_id")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="DESTINATION",
        help="where the tars of pyArchiver lie now, if not where they were put: a name of the INI file, a URL or a "
        "directory",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="FOLDER",
        help="take over this folder of zfs-to-aws though it isn't known to be whole; may be given several times",
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="FOLDER",
        help="say nothing more of this folder of zfs-to-aws, which isn't taken over; may be given several times",
    )
    add_keys(parser)


def _import(arguments: argparse.Namespace) -> int:
    from glacier_backup.catalog.s3_backup import is_s3_backups_record
    from glacier_backup.cli import importing
    from glacier_backup.config.load import load
    from glacier_backup.config.zfs_to_aws_json import is_passwords

    settings = load(arguments.config, overrides=overrides(arguments), environ=os.environ, needs_sections=False)
    if arguments.file is None:
        return _import_without_record(settings, arguments)
    file = os.path.abspath(os.path.expanduser(arguments.file))
    if is_passwords(file):
        return _import_streams(settings, file, arguments)
    if importing.is_streamer_record(file):
        return _import_files(settings, file, arguments)
    if importing.is_pyarchivers_record(file):
        return _import_tars(settings, file, arguments)
    if is_s3_backups_record(file):
        return _import_bucket(settings, file, arguments)
    imported = importing.import_record(settings, file, _warn)
    if arguments.json:
        render.write_json({"file": imported.source, "imported": imported.count})
    elif not arguments.quiet:
        render.say(f"took over the record of {imported.count} archives from {imported.source}")
    return 0


def _warn(event: Event) -> None:
    from glacier_backup.model.event import Warned

    if isinstance(event, Warned):
        render.warn(event.message)


def _import_files(settings: Settings, file: str, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.importing import importing_files

    with importing_files(settings, file, _warn) as taken:
        if arguments.json:
            render.write_json(_taken_over_json(taken))
            return 0
        if not arguments.quiet:
            already = f"; {taken.stored - taken.imported} were known already" if taken.stored > taken.imported else ""
            render.say(f"took over the record of {taken.imported} files from {file}{already}")
            render.say(_about_keys(taken))
        most = None if arguments.verbose else _SHOWN
        _warn_of(taken.missing(), "have no object in the bucket, so they are not recorded and will be sent again", most)
        _warn_of(taken.of_other_size(), "have an object of another size, so they are not recorded", most)
        if taken.listed and taken.unrecorded and not arguments.quiet:
            render.say(f"{taken.unrecorded} objects are in no row of the record")
    return 0


def _about_keys(taken: TakenOver) -> str:
    if not taken.listed:
        return "nothing was compared; keys are taken to be the prefix and the path below the section"
    if not taken.stored:
        return "no key of the bucket fits the record: is this the right bucket, prefix and section?"
    behind = {"relative": "path below the section", "full": "whole path", "absolute": "whole path, slash and all"}
    return f"{taken.stored} are in the bucket; a key is the prefix and the {behind[taken.keys]}"


def _warn_of(files: Iterable[Sent], what: str, most: int | None) -> None:
    _warn_of_paths((one.path for one in files), f"of the record {what}", most)


def _warn_of_paths(paths: Iterable[str], what: str, most: int | None) -> None:
    """Count them all, and name the first, or with ``most`` None all of them."""
    paths = iter(paths)
    named = [*islice(paths, most)]
    count = len(named) + sum(1 for _ in paths)
    if count:
        render.warn(f"{count} {what}:")
        for path in named:
            render.warn(f"  {path}")
        if count > len(named):
            render.warn("  … (--verbose names all)")


def _taken_over_json(taken: TakenOver) -> render.Json:
    return {
        "file": taken.record.file,
        "imported": taken.imported,
        "stored": taken.stored,
        "left_out": taken.left_out,
        "listed": taken.listed,
        "keys": taken.keys,
        "unrecorded": taken.unrecorded if taken.listed else None,
        "missing": ({"path": one.path, "bytes": one.size} for one in taken.missing()),
        "other_size": ({"path": one.path, "bytes": one.size} for one in taken.of_other_size()),
    }


def _import_tars(settings: Settings, file: str, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import importing, render_import
    from glacier_backup.interrupt import StopRequest, listening

    seen = render_import.say_tar if arguments.verbose and not arguments.json else lambda tar: None
    with (
        listening(StopRequest("tars that were read are recorded")) as stop,
        importing.importing_tars(settings, file, arguments, _warn, stop, seen) as taken,
    ):
        if arguments.json:
            render.write_json(render_import.taken_over_json(taken))
        else:
            if not arguments.quiet:
                render_import.say_taken_over(taken)
            render_import.warn_of_left(taken)
            for said, paths in render_import.doubts(taken):
                _warn_of_paths(paths, said, None if arguments.verbose else _SHOWN)
        return render_import.exit_code(taken)


def _import_without_record(settings: Settings, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli.importing_zfs_to_aws import sections_of
    from glacier_backup.errors import UsageError

    streams = sections_of(settings)
    trees = [one for one in settings.sections if one.is_tree and one.server is None and one.keys == "relative"]
    if streams and trees:
        raise UsageError(
            f"[{streams[0].path}] may be a dataset of zfs-to-aws, and [{trees[0].path}] a tree of s3-backup",
            hint="name one of their files (the JSON file with passwords, s3_content.sqlite) to say which is meant, or "
            "with -c an INI file that has one kind alone",
        )
    return _import_streams(settings, None, arguments) if streams else _import_bucket(settings, None, arguments)


def _import_streams(settings: Settings, file: str | None, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import render_streams
    from glacier_backup.cli.importing_zfs_to_aws import Answers, import_streams
    from glacier_backup.interrupt import StopRequest, listening

    answers = Answers(arguments.accept, arguments.leave_out, asks=not arguments.json)
    with listening(StopRequest("what was found is recorded")) as stop:
        places = import_streams(settings, file, answers, _warn, stop)
    if arguments.json:
        render.write_json(render_streams.streams_json(places, file))
    else:
        if not arguments.quiet:
            render_streams.say_streams(places)
        render_streams.warn_of_streams(places, answers.unused())
    return render_streams.exit_code(places)


def _import_bucket(settings: Settings, file: str | None, arguments: argparse.Namespace) -> int:
    from glacier_backup.cli import render_import
    from glacier_backup.cli.importing_bucket import import_bucket
    from glacier_backup.interrupt import StopRequest, listening

    seen = render_import.say_progress if arguments.verbose and not arguments.json else lambda count: None
    with listening(StopRequest("what was found is recorded")) as stop:
        done = import_bucket(settings, file, _warn, stop, seen)
    if arguments.json:
        render.write_json(render_import.bucket_json(done, file))
    else:
        if not arguments.quiet:
            render_import.say_bucket(done)
        render_import.warn_of_bucket(done, file)
    return 0
