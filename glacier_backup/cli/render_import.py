"""What became of the tars of pyArchiver, and of the buckets of s3-backup, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.errors import NotThawed

if TYPE_CHECKING:
    from glacier_backup.workflow import takeover_s3_backup
    from glacier_backup.workflow.takeover_pyarchiver import TakenOver, Tar

_THAWING = 75
"""sysexits(3), EX_TEMPFAIL: run the same again later."""


def say_tar(tar: Tar) -> None:
    """As soon as it is known; that something is wrong is said at the end."""
    if tar.error is None:
        render.say(f"{tar.name}: {tar.files:,} files")


def say_taken_over(taken: TakenOver) -> None:
    known = f"; {taken.known:,} were known already" if taken.known else ""
    render.say(f"took over {len(taken.new):,} tars with {taken.files:,} files from {taken.record.file}{known}")
    if taken.pending:
        render.say(f"{taken.pending:,} files were still to be stored: the next run sends those that are there")


def warn_of_left(taken: TakenOver) -> None:
    """Each, for every one holds files that nobody can have back by their names."""
    for tar in taken.left:
        error = str(tar.error).removeprefix(f"{tar.name}: ")
        render.warn(f"left out: {tar.name}: {error}" + (f"; {_cure(tar)}" if _cure(tar) else ""))
    if not taken.compared:
        render.warn("the same command takes over what is left, and then says which files are in none of the tars")


def doubts(taken: TakenOver) -> Iterator[tuple[str, Iterator[str]]]:
    """What is to be said of files that pyArchiver takes for stored, behind their number; and their paths."""
    if taken.compared:
        believed = taken.record.believed
        sent = "; the next run sends those that are still there"
        tars = "the tars that could be read" if taken.left else "its tars"
        yield f"files that pyArchiver takes for stored are in none of {tars}{sent}", believed.doubtful("missing")
        older = f"files that pyArchiver takes for stored are in its tars as they were before{sent}"
        yield older, believed.doubtful("older")


def taken_over_json(taken: TakenOver) -> render.Json:
    """The shape of ``catalog import --json`` of such a record; documented in docs/json.md."""
    believed = taken.record.believed
    return {
        "file": taken.record.file,
        "imported": len(taken.new),
        "files": taken.files,
        "known": taken.known,
        "left": [{"name": tar.name, "error": str(tar.error), "hint": _cure(tar)} for tar in taken.left],
        "pending": taken.pending,
        "compared": taken.compared,
        "missing": believed.doubtful("missing") if taken.compared else None,
        "older": believed.doubtful("older") if taken.compared else None,
    }


def exit_code(taken: TakenOver) -> int:
    if not taken.left:
        return 0
    return _THAWING if all(isinstance(tar.error, NotThawed) for tar in taken.left) else 1


def _cure(tar: Tar) -> str | None:
    from glacier_backup.errors import DamageFound, KeyNeeded, VolumeMissing, WrongKey

    match tar.error:
        case None:
            return None
        case KeyNeeded() | WrongKey():
            return "give the right one with --password-file"
        case VolumeMissing():
            return "say with --from where it is; what was only in it is lost if it is nowhere"
        case DamageFound():
            return "is there a copy of it? What was only in it may be lost; files that are still there are sent anew"
        case error:
            return error.hint


def say_progress(count: int) -> None:
    """Every thousand objects."""
    render.say(f"{count:,} objects looked at")


def say_bucket(done: takeover_s3_backup.TakenOver) -> None:
    """What was taken over of a bucket."""
    known = f"; {done.known:,} objects were known already" if done.known else ""
    inside = f" with {done.inside:,} files" if done.inside else ""
    render.say(f"took over {done.files:,} files and {done.groups:,} ZIPs{inside}{known}")
    if done.older or done.deleted:
        render.say(f"of those {done.older:,} are older versions, and {done.deleted:,} were deleted")
    if done.unread:
        render.say(
            f"{done.unread:,} ZIPs can't be looked into now: the next run tells by the files here what is in them"
        )


def warn_of_bucket(done: takeover_s3_backup.TakenOver, file: str | None) -> None:
    """What isn't as one would expect."""
    if done.missing and not done.recorded:
        render.warn(f"nothing that {file} knows is in the bucket: is it the record of another one?")
    elif done.missing:
        render.warn(f"{done.missing:,} objects of {file} aren't in the bucket, or have changed there since")
    if done.left_out:
        render.warn(f"{done.left_out:,} objects are left out, such as:")
        for example in done.examples:
            render.warn(f"  {example}")


def bucket_json(done: takeover_s3_backup.TakenOver, file: str | None) -> render.Json:
    """The shape of ``catalog import --json`` of a bucket; documented in docs/json.md."""
    return {
        "file": file,
        "listed": done.listed,
        "known": done.known,
        "files": done.files,
        "groups": done.groups,
        "inside": done.inside,
        "unread": done.unread,
        "older": done.older,
        "deleted": done.deleted,
        "left_out": done.left_out,
        "examples": done.examples,
        "recorded": done.recorded,
        "missing": done.missing,
    }
