"""What the Storage Box streamer was told to do, as an INI file of ours."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator

from glacier_backup.config.references import quote
from glacier_backup.config.streamer import PASSWORD, PORT, Streamer

_WIDTH = 78
_PLAIN = re.compile(r"[A-Za-z0-9_/.:@=+-]+")


def render(streamer: Streamer, target: str) -> str:
    """The text of the INI file at ``target``, an absolute path, whose comments say what to do next."""
    return "\n".join([*_next_steps(streamer, target), *_main(streamer), *_section(streamer)]) + "\n"


def _next_steps(streamer: Streamer, target: str) -> Iterator[str]:
    file, record = shlex.quote(target), shlex.quote(streamer.state_db)
    cron = file.replace("%", r"\%")
    yield from _comment(
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
        yield from _comment(about)
        yield from (f"#     {command}" for command in commands)
    yield ""


def _main(streamer: Streamer) -> Iterator[str]:
    yield "[main]"
    yield from _comment("Loaded at every run: it holds the password, and the keys of AWS if they are in it.")
    yield _option("env_file", streamer.file)
    yield _option("destination", streamer.destination)
    yield "storage_class = DEEP_ARCHIVE"
    if streamer.region:
        yield _option("region", streamer.region)
    yield _option("logfile", streamer.logfile)
    yield ""


def _section(streamer: Streamer) -> Iterator[str]:
    yield f"[{streamer.section.replace('${', '$${')}]"
    yield f"ssh_password = ${{env:{PASSWORD}}}"
    yield "upload_tree = yes"
    yield from _comment("Keys are the prefix and what comes behind the path of this section.")
    yield "keys = relative"
    yield from _comment(
        "A changed file takes the place of what was sent before, as it did until now. With yes the older one stays: "
        "the new one gets its time behind its key, or in a bucket with versioning becomes a new version."
    )
    yield "keep_versions = no"
    yield from _comment(
        "What the streamer did with symlinks isn't known. This sends what they lead to, so that nothing can be missing "
        "that was sent until now. skip leaves them out; store sends each as a link."
    )
    yield "symlinks = follow"
    if streamer.excluded:
        yield from _comment("Each with all below it, seen from the path of this section unless it begins with /.")
        yield from ("exclude_paths =", *(f"    {_written(one)}" for one in streamer.excluded))


def _option(name: str, value: str) -> str:
    return f"{name} = {_written(value)}"


def _written(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else quote(value)


def _comment(text: str) -> Iterable[str]:
    return (f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False))
