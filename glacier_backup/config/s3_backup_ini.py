"""What s3-backup was told to do, as an INI file of ours."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator

from glacier_backup.config.s3_backup import FilterGiven, S3Backup
from glacier_backup.config.written import comment, option, options, section

GROUP = "--group-files-smaller-than"

_PLAIN = re.compile(r"[A-Za-z0-9_@%+,./:=' \-]+")
"""A command without anything that only a shell understands."""
_COMPRESSING = ("gzip", "bzip2", "xz", "zstd", "lz4")
_GPG = re.compile(r"(?:.*/)?gpg2?")


def render(given: S3Backup, target: str) -> str:
    """The text of the INI file at ``target``, an absolute path, whose comments say what to do next."""
    return "\n".join([*_next_steps(given, target), *_main(given), *_section(given)]) + "\n"


def became(given: S3Backup) -> Iterator[tuple[str, str]]:
    """Each part of the command line, and what has become of it."""
    yield given.directory, f"the section [{given.directory}]"
    yield given.bucket, f"destination = s3://{given.bucket}"
    yield "--storage-class", f"storage_class = {given.storage_class}"
    if given.profile:
        yield "--profile", f"profile = {given.profile}"
    if not given.trusts_mtime:
        yield "--no-trust-mtime", "compare = hash"
    for one in given.filters:
        yield one.flag, _became(one, given)
    yield "--cache-file", f"nothing: {given.cache_file} is taken over by catalog import"


def _became(one: FilterGiven, given: S3Backup) -> str:
    if one.flag == GROUP and _groups_alone(given):
        return f"group_files_smaller_than = {one.words[0]}"
    kind = _line(one).partition(" ")[0]
    # A command may hold a secret.
    return f"filters: {_line(one)}" if one.flag in (GROUP, "--key-sub") else f"filters: {kind} …"


def _next_steps(given: S3Backup, target: str) -> Iterator[str]:
    file = shlex.quote(target)
    cron = file.replace("%", r"\%")
    record = f"{shlex.quote(given.cache_file)} " if os.path.exists(given.cache_file) else ""
    yield from comment(
        f"Made by `glacier-backup config import` from {given.file}: a command line of s3-backup. "
        "docs/from-s3-backup.md tells about the move. What to do next:"
    )
    steps = {
        "1. Have what is in the bucket taken over, so that it isn't sent again. The bucket is only read:": (
            f"glacier-backup catalog import {record}-c {file}",
        ),
        "2. See what would be sent, and why. Nothing is sent:": (f"glacier-backup -d -c {file}",),
        "3. Let cron do it with this line, in place of that of s3-backup:": (
            f"{given.when}  glacier-backup -c {cron}",
        ),
    }
    for about, commands in steps.items():
        yield "#"
        yield from comment(about)
        yield from (f"#     {command}" for command in commands)
    yield ""


def _main(given: S3Backup) -> Iterator[str]:
    yield "[main]"
    yield option("destination", f"s3://{given.bucket}")
    if given.storage_class == "STANDARD":
        yield from comment("As it was. DEEP_ARCHIVE is far cheaper for what is hardly ever read; see docs/s3.md.")
    yield option("storage_class", given.storage_class)
    if given.profile:
        yield option("profile", given.profile)
    yield ""


def _section(given: S3Backup) -> Iterator[str]:
    yield section(given.directory)
    yield "upload_tree = yes"
    yield from comment("Keys are what comes behind the path of this section.")
    yield "keys = relative"
    yield from comment("What links lead to is sent under their names, as it was.")
    yield "symlinks = follow"
    yield "compare = size, mtime, hash" if given.trusts_mtime else "compare = hash"
    if any(one.flag == GROUP for one in given.filters):
        yield from _grouping(given)
    yield from _filters(given)
    yield from comment(
        "What is deleted here is deleted in the bucket, which keeps versions: a mark of deletion hides it. With keep "
        "nothing is ever hidden. More than max_delete at a time is taken for an accident, and is said."
    )
    yield "deleted = expire"


def _grouping(given: S3Backup) -> Iterator[str]:
    if _groups_alone(given):
        (size,) = (one.words[0] for one in given.filters)
        yield option("group_files_smaller_than", size)
    yield from comment("As s3-backup calls its ZIPs, and as large as they get there; see docs/prefix-groups.md.")
    yield "group_names = root"
    yield "group_max = none"


def _groups_alone(given: S3Backup) -> bool:
    """Whether grouping is all that is done, so that its place among the filters doesn't matter."""
    return all(one.flag == GROUP for one in given.filters)


def _filters(given: S3Backup) -> Iterator[str]:
    if _groups_alone(given):
        return
    yield from options("filters", [_line(one) for one in given.filters])
    undone = [_undone(one.words[0]) for one in given.filters if one.flag == "--data-xform"]
    if undone and all(undone):
        yield from comment("What a restore runs to get the bytes back.")
        yield from options("undo_data", undone)
    elif undone:
        yield from comment(
            "Name in undo_data, one a line in the same order, what gives back the bytes of each data, such as "
            "gpg --batch --decrypt: without it a restore hands out what they have made."
        )


def _line(one: FilterGiven) -> str:
    match one.flag:
        case "--group-files-smaller-than":
            return f"group {one.words[0]}"
        case "--key-sub":
            return f"key_sub {' '.join(map(shlex.quote, one.words))}"
        case "--data-xform":
            return f"data {_command(one.words[0])}"
        case _:
            return f"name {_command(one.words[0])}"


def _command(text: str) -> str:
    """The same without a shell, where that makes no difference."""
    is_plain = _PLAIN.fullmatch(text) and "=" not in text.split()[0] and text.count("'") % 2 == 0
    return text.strip() if is_plain else f"/bin/bash -c {shlex.quote(text)}"


def _undone(text: str) -> str:
    """What gives back what the command was given; empty where nobody knows."""
    words = text.split()
    if words and words[0] in _COMPRESSING:
        return f"{words[0]} -dc"
    encrypts = any(word in ("-e", "-c", "--encrypt", "--symmetric", "-es", "-se") for word in words)
    return "gpg --batch --decrypt" if words and _GPG.fullmatch(words[0]) and encrypts else ""
