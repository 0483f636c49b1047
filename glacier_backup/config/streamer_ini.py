"""What the Storage Box streamer was told to do, as an INI file of ours."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from glacier_backup.config.streamer import PASSWORD, PORT, Streamer
from glacier_backup.config.written import comment, option, options, section


def render(streamer: Streamer, target: str) -> str:
    """The text of the INI file at ``target``, an absolute path, whose comments say what to do next."""
    return "\n".join([*_next_steps(streamer, target), *_main(streamer), *_section(streamer)]) + "\n"


def _next_steps(streamer: Streamer, target: str) -> Iterator[str]:
    file, record = shlex.quote(target), shlex.quote(streamer.state_db)
    cron = file.replace("%", r"\%")
    yield from comment(
        f"Made by `glacier-backup config import` from {streamer.file}: the Storage Box streamer's settings. "
        "docs/from-storage-box.md tells about the move. What to do next:"
    )
    steps = {
        "1. Get the server's host key, and compare its fingerprint with the one that the provider publishes; if they "
        "are the same, trust it:": (
            f"ssh-keyscan -p {PORT} {shlex.quote(streamer.host)} > box.key",
            "ssh-keygen -lf box.key",
            "cat box.key >> ~/.ssh/known_hosts",
        ),
        "2. See what would be sent, and why. Nothing is sent:": (f"glacier-backup -d -c {file}",),
        "3. Take over the record of what was sent, so that it isn't sent again; -d then shows what is left:": (
            f"glacier-backup catalog import {record} -c {file}",
        ),
        "4. Let cron do it, with this line:": (f"17 3 * * *  glacier-backup -c {cron}",),
    }
    for about, commands in steps.items():
        yield "#"
        yield from comment(about)
        yield from (f"#     {command}" for command in commands)
    yield ""


def _main(streamer: Streamer) -> Iterator[str]:
    yield "[main]"
    yield from comment("Loaded at every run: it holds the password, and the keys of AWS if they are in it.")
    yield option("env_file", streamer.file)
    yield option("destination", streamer.destination)
    yield "storage_class = DEEP_ARCHIVE"
    if streamer.region:
        yield option("region", streamer.region)
    yield option("logfile", streamer.logfile)
    yield ""


def _section(streamer: Streamer) -> Iterator[str]:
    yield section(streamer.section)
    yield f"ssh_password = ${{env:{PASSWORD}}}"
    yield "upload_tree = yes"
    yield from comment("Keys are the prefix and what comes behind the path of this section.")
    yield "keys = relative"
    yield from comment(
        "A changed file takes the place of what was sent before, as it did until now. With yes the older one stays: "
        "the new one gets its time behind its key, or in a bucket with versioning becomes a new version."
    )
    yield "keep_versions = no"
    yield from comment(
        "What the streamer did with symlinks isn't known. This sends what they lead to, so that nothing can be missing "
        "that was sent until now. skip leaves them out; store sends each as a link."
    )
    yield "symlinks = follow"
    if streamer.excluded:
        yield from comment("Each with all below it, seen from the path of this section unless it begins with /.")
        yield from options("exclude_paths", streamer.excluded)
