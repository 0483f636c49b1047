"""What zfs-to-aws was told to do, as an INI file of ours, and the files with passwords that it names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from glacier_backup.config.written import comment, option, section
from glacier_backup.config.zfs_to_aws import ZfsToAws

REDUNDANCY = "-r5 -n1 -m3000"
"""The flags that it gives par2."""

_HARMLESS = re.compile(r"[^A-Za-z0-9_.-]")


def render(given: ZfsToAws, target: str) -> str:
    """The text of the INI file at ``target``, an absolute path, whose comments say what to do next."""
    return "\n".join([*_next_steps(given, target), *_main(given), *_sections(given, target)])


def password_files(given: ZfsToAws, target: str) -> Mapping[str, str]:
    """Path → the password that belongs there, of each file that the INI file at ``target`` names."""
    files = _password_files(given, target)
    return {files[one.path]: one.password for one in given.datasets}


def became(given: ZfsToAws, target: str) -> Iterator[tuple[str, str]]:
    """Each part of the command lines, and what has become of it."""
    files = _password_files(given, target)
    for one in given.datasets:
        yield f"--pool and --dataset of {one.name}", f"the section [{one.path}]"
        yield f"--tag of {one.name}", f"tag = {one.tag}"
        yield f"--config of {one.name}", f"password_file = {files[one.path]}"
    yield "--aws_bucket", f"destination = s3://{given.bucket}"
    yield "--aws_cli", "nothing: the bucket is reached without it"


def _next_steps(given: ZfsToAws, target: str) -> Iterator[str]:
    file = shlex.quote(target)
    cron = file.replace("%", r"\%")
    yield from comment(
        f"Made by `glacier-backup config import` from {given.file}: command lines of zfs-to-aws. "
        "docs/from-zfs-to-aws.md tells about the move. What to do next:"
    )
    files = " ".join(map(shlex.quote, given.json_files))
    steps: dict[str, tuple[str, ...]] = {
        "Have what is in the bucket taken over, so that its chains go on. The bucket is only read:": (
            f"glacier-backup catalog import -c {file}",
        ),
        "See what would be sent, and why. Nothing is sent, and no snapshot is made:": (f"glacier-backup -d -c {file}",),
        "Let cron do it with this line, in place of those of zfs-to-aws:": (f"{given.when}  glacier-backup -c {cron}",),
        "When all is well, and the passwords are kept in a safe place too, remove the file that has all of them:": (
            f"rm {files}",
        ),
    }
    for number, (about, lines) in enumerate(steps.items(), start=1):
        yield "#"
        yield from comment(f"{number}. {about}")
        yield from (f"#     {line}" for line in lines)
    yield ""


def _main(given: ZfsToAws) -> Iterator[str]:
    yield "[main]"
    yield option("destination", f"s3://{given.bucket}")
    yield "storage_class = DEEP_ARCHIVE"
    yield ""


def _sections(given: ZfsToAws, target: str) -> Iterator[str]:
    files = _password_files(given, target)
    for number, one in enumerate(given.datasets):
        yield section(one.path)
        if not number:
            yield from comment(
                "Names, encryption and parity as zfs-to-aws has them: its chains go on, and open as before."
            )
        yield "layout = zfs-to-aws"
        yield option("tag", one.tag)
        yield "seal = openssl, split, par2"
        yield "volume_size = 4 GiB"
        yield option("redundancy", REDUNDANCY)
        yield option("password_file", files[one.path])
        if not number:
            yield from comment(
                "No new baseline is begun by itself, as before. A chain without end takes ever longer to restore, and "
                "one lost link breaks all behind it: think of 1 year | 60 increments."
            )
        yield "full_every = none"
        yield ""


def _password_files(given: ZfsToAws, target: str) -> Mapping[str, str]:
    """Of each dataset, by its path."""
    found: dict[str, str] = {}
    for one in given.datasets:
        name = f"{target}.{_HARMLESS.sub('_', one.name)}"
        while f"{name}.password" in found.values():
            name += "_"
        found[one.path] = f"{name}.password"
    return found
