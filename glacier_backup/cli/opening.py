"""Opening files, as it is said on the terminal or in JSON."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from glacier_backup.cli import render
from glacier_backup.cli.keys import keys_of
from glacier_backup.cli.render_stored import member_json, write_members
from glacier_backup.config.outside import absolute
from glacier_backup.errors import DamageFound, TargetError, UsageError
from glacier_backup.interrupt import StopRequest, listening
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.workflow.opening.bundles import Bundle, bundles, identities
from glacier_backup.workflow.opening.open import Opened, OpenTools, list_inside, open_into
from glacier_backup.workflow.restoring.target import Target


def open_all(arguments: argparse.Namespace) -> int:
    """``--to``; the exit code. Raises UsageError, TargetError and Interrupted."""
    found = _found(arguments)
    with _tools(arguments) as tools, _made(absolute(os.path.expanduser(arguments.to))) as target:
        return _told(open_into(found, target, tools), arguments)


def list_all(arguments: argparse.Namespace) -> int:
    """``--list``; the exit code."""
    found = _found(arguments)
    with _tools(arguments) as tools:
        return _told(list_inside(found, tools), arguments)


def _found(arguments: argparse.Namespace) -> Sequence[Bundle]:
    found = bundles(os.path.expanduser(file) for file in arguments.files)
    if not found:
        raise UsageError(
            f"there is no archive in {', '.join(arguments.files)}",
            hint="a file that isn't called like one can be opened when it is named by itself",
        )
    return found


@contextmanager
def _tools(arguments: argparse.Namespace) -> Iterator[OpenTools]:
    """With which a signal stops at once: what isn't whole has no name, and what was made of it is taken away."""
    keys = keys_of(None, arguments)("/")
    beside = identities(map(os.path.expanduser, arguments.files))
    keys = replace(keys, identity_files=(*keys.identity_files, *beside))
    with listening(StopRequest("what has been opened until now is there")) as stop, stop.at_once():
        yield OpenTools(keys, UNPACKERS, LINK_UNPACKER, stop.check, render.warn)


@contextmanager
def _made(path: str) -> Iterator[Target]:
    """The directory, open; made where its folder is there, and taken away again where nothing came into it."""
    is_new = not os.path.lexists(path)
    if is_new:
        try:
            os.mkdir(path)
        except FileNotFoundError:
            raise TargetError(
                f"neither {path} nor the folder it is to be made in is there", hint="is its disk mounted?"
            ) from None
        except OSError as error:
            raise TargetError(f"{path} can't be made: {error.strerror}") from error
    try:
        with Target(path, create=False) as target:
            yield target
    finally:
        if is_new:
            with suppress(OSError):
                os.rmdir(path)


def _told(results: Iterable[Opened], arguments: argparse.Namespace) -> int:
    """Say what became of each, as soon as it is known; the exit code."""
    all_told: list[Opened] = []
    for result in results:
        all_told.append(result)
        if not arguments.json:
            _say(result, arguments)
    if arguments.json:
        told: dict[str, render.Json] = {"archives": map(_json, all_told)}
        render.write_json(told | {"members": _members_json(all_told)} if arguments.list else told)
    if any(isinstance(result.error, DamageFound) for result in all_told):
        return DamageFound.exit_code
    return int(any(result.error is not None for result in all_told))


def _say(result: Opened, arguments: argparse.Namespace) -> None:
    if result.error is not None:
        why = "; ".join(filter(None, (str(result.error), result.error.hint)))
        render.warn(f"{result.name}: {result.state}: {why}")
    elif result.state == "listed":
        render.say(f"{result.name}{f', of {result.path}' if result.path else ''}:")
        write_members(result.members)
    elif not arguments.quiet:
        render.say(f"{result.name}: opened as {result.to}")


def _json(result: Opened) -> render.Json:
    """The shape of ``open --json``; documented in docs/open.md."""
    return {
        "name": result.name,
        "result": result.state,
        "path": result.path or None,
        "files": list(result.files),
        "to": result.to,
        "error": None if result.error is None else str(result.error),
        "hint": None if result.error is None else result.error.hint,
        "notes": list(result.notes),
    }


def _members_json(results: Iterable[Opened]) -> Iterator[render.Json]:
    """Of all archives that were listed; there may be millions."""
    return ({"archive": result.name, "member": member_json(one)} for result in results for one in result.members)
