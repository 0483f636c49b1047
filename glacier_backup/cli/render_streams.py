"""What became of the buckets of zfs-to-aws, for people and for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glacier_backup.cli import render
from glacier_backup.units import format_size

if TYPE_CHECKING:
    from glacier_backup.cli.importing_zfs_to_aws import Place
    from glacier_backup.workflow.takeover_zfs_to_aws import Left


def say_streams(places: Sequence[Place]) -> None:
    """What was taken over."""
    for place in places:
        taken = place.taken
        known = f"; {taken.known:,} folders were known already" if taken.known else ""
        render.say(
            f"took over {taken.baselines:,} baselines and {taken.increments:,} increments, {format_size(taken.bytes)}, "
            f"from {place.name}{known}"
        )
        for folder in taken.accepted:
            render.say(f"{folder} was taken over though it isn't known to be whole")


def warn_of_streams(places: Sequence[Place], unused: Sequence[str]) -> None:
    """What isn't as one would expect."""
    for place in places:
        taken = place.taken
        if not (taken.listed or taken.strangers):
            render.warn(f"{place.name} has no folder of these datasets: is it the right bucket, and prefix?")
        for one in taken.left:
            if not one.is_said:
                render.warn(f"left out: {one.folder}: {'; '.join(one.why)}{_way_out(one)}")
        if any(not one.is_said for one in taken.left):
            render.warn(
                "the next run goes on from the newest snapshot that is both here and stored with all it builds on; "
                "--leave-out FOLDER is silent about a folder from now on"
            )
        for folder in taken.ours:
            render.warn(f"{folder} was sent by glacier-backup: `glacier-backup catalog rebuild` takes it over")
        if taken.strangers:
            named = ", ".join(sorted(taken.strangers))
            render.warn(f"no section looks after what {place.name} has of {named}")
    for folder in unused:
        render.warn(f"{folder} was named, and no such folder is in doubt")


def _way_out(left: Left) -> str:
    return f"; --accept {left.folder} takes it over all the same" if left.may_be_taken else ""


def exit_code(places: Sequence[Place]) -> int:
    """1 where a person is to see to something."""
    taken = [place.taken for place in places]
    return int(any(one.ours or any(not left.is_said for left in one.left) for one in taken))


def streams_json(places: Sequence[Place], file: str | None) -> render.Json:
    """The shape of ``catalog import --json`` of such buckets; documented in docs/json.md."""
    return {
        "file": file,
        "places": [
            {
                "place": place.name,
                "listed": place.taken.listed,
                "known": place.taken.known,
                "baselines": place.taken.baselines,
                "increments": place.taken.increments,
                "bytes": place.taken.bytes,
                "accepted": place.taken.accepted,
                "left": [_left_json(one) for one in place.taken.left],
                "ours": place.taken.ours,
                "strangers": sorted(place.taken.strangers),
            }
            for place in places
        ],
    }


def _left_json(left: Left) -> render.Json:
    return {
        "folder": left.folder,
        "why": list(left.why),
        "may_be_accepted": left.may_be_taken,
        "left_out": left.is_said,
    }
