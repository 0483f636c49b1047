"""INI files made of what other programs were told to do; nothing that exists is ever overwritten."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from contextlib import suppress

from glacier_backup.cli import render
from glacier_backup.errors import UsageError


def import_settings(file: str, target: str, arguments: argparse.Namespace) -> None:
    """Write the INI file ``target`` from ``file``, and say what became of everything; both paths are absolute.

    Raises UsageError and ConfigError.
    """
    from glacier_backup.config.pyarchiver_file import is_pyarchivers
    from glacier_backup.config.s3_backup import is_s3_backups
    from glacier_backup.config.zfs_to_aws import is_zfs_to_aws
    from glacier_backup.config.zfs_to_aws_json import is_passwords

    if any(not path.isprintable() for path in (file, target)):
        raise UsageError("the names of both files are to be printable", hint="rename the one that isn't")
    if is_passwords(file):
        raise UsageError(
            f"{file} has passwords of zfs-to-aws, and says of no dataset in which pool it is",
            hint="give the crontab or script with its command lines, which name that file: `crontab -l > FILE`",
        )
    if is_pyarchivers(file):
        _import_pyarchivers(file, target, arguments)
    elif is_zfs_to_aws(file):
        _import_zfs_to_aws(file, target, arguments)
    elif is_s3_backups(file):
        _import_s3_backups(file, target, arguments)
    else:
        _import_streamers(file, target, arguments)


def write_new(texts: Mapping[str, str]) -> None:
    """Files by their paths, which only their owner can read: all of them, or none. Raises UsageError."""
    written: list[str] = []
    try:
        for path, text in texts.items():
            _write_new(path, text, written)
    except UsageError:
        for path in written:
            with suppress(OSError):
                os.unlink(path)
        raise


def _write_new(path: str, text: str, written: list[str]) -> None:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        written.append(path)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists and is left as it is", hint="choose another name with -c FILE") from None
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error


def _import_streamers(file: str, target: str, arguments: argparse.Namespace) -> None:
    from glacier_backup.config.env_file import Unreadable, read_env_file
    from glacier_backup.config.streamer import read_streamer
    from glacier_backup.config.streamer_ini import render as render_ini

    try:
        streamer = read_streamer(file, read_env_file(file), os.environ)
    except Unreadable as error:
        raise UsageError(str(error)) from None
    write_new({target: render_ini(streamer, target)})
    if arguments.json:
        lists = {"read": streamer.read, "left": streamer.left, "notes": streamer.notes}
        render.write_json({"file": target, "state_db": streamer.state_db, **lists})
        return
    for note in streamer.notes:
        render.warn(f"{file}: {note}")
    if not arguments.quiet:
        render.say(f"wrote {target}")
        render.say(f"read {', '.join(streamer.read)}")
        if streamer.left:
            render.say(f"left in {file}, which every run loads: {', '.join(streamer.left)}")
        render.say(f"what to do next stands at its top, and begins with the host key of {streamer.host}")


def _import_pyarchivers(file: str, target: str, arguments: argparse.Namespace) -> None:
    from glacier_backup.config.pyarchiver import read_pyarchiver
    from glacier_backup.config.pyarchiver_ini import became, password_files
    from glacier_backup.config.pyarchiver_ini import render as render_ini

    archiver = read_pyarchiver(file)
    passwords = {path: f"{password}\n" for path, password in password_files(archiver, target).items()}
    # The INI file last: where it is, all that it names is too.
    write_new({**passwords, target: render_ini(archiver, target)})
    keys = dict(became(archiver, target))
    if arguments.json:
        lists: dict[str, render.Json] = {"password_files": [*passwords], "notes": archiver.notes}
        render.write_json({"file": target, **lists, "became": dict(keys)})
        return
    for note in archiver.notes:
        render.warn(f"{file}: {note}")
    if not arguments.quiet:
        for path in (target, *passwords):
            render.say(f"wrote {path}")
        for key, what in keys.items():
            render.say(f"{key}: {what}")
        render.say(f"what to do next stands at the top of {target}")


def _import_s3_backups(file: str, target: str, arguments: argparse.Namespace) -> None:
    from glacier_backup.config.s3_backup import read_s3_backup
    from glacier_backup.config.s3_backup_ini import became
    from glacier_backup.config.s3_backup_ini import render as render_ini

    given = read_s3_backup(file, os.environ)
    write_new({target: render_ini(given, target)})
    parts = list(became(given))
    if arguments.json:
        told: list[render.Json] = [{"given": name, "became": what} for name, what in parts]
        render.write_json({"file": target, "notes": given.notes, "became": told})
        return
    for note in given.notes:
        render.warn(f"{file}: {note}")
    if not arguments.quiet:
        render.say(f"wrote {target}")
        for name, what in parts:
            render.say(f"{name}: {what}")
        render.say(f"what to do next stands at the top of {target}")


def _import_zfs_to_aws(file: str, target: str, arguments: argparse.Namespace) -> None:
    from glacier_backup.config.zfs_to_aws import read_zfs_to_aws
    from glacier_backup.config.zfs_to_aws_ini import became, password_files
    from glacier_backup.config.zfs_to_aws_ini import render as render_ini

    given = read_zfs_to_aws(file, os.environ)
    passwords = {path: f"{password}\n" for path, password in password_files(given, target).items()}
    # The INI file last: where it is, all that it names is too.
    write_new({**passwords, target: render_ini(given, target)})
    parts = list(became(given, target))
    if arguments.json:
        told: list[render.Json] = [{"given": name, "became": what} for name, what in parts]
        lists: dict[str, render.Json] = {"password_files": [*passwords], "notes": given.notes}
        render.write_json({"file": target, **lists, "became": told})
        return
    for note in given.notes:
        render.warn(f"{file}: {note}")
    if not arguments.quiet:
        for path in (target, *passwords):
            render.say(f"wrote {path}")
        for name, what in parts:
            render.say(f"{name}: {what}")
        render.say(f"what to do next stands at the top of {target}")
