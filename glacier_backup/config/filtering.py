"""What filters can't stand beside, in one section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glacier_backup.config.given import Given
from glacier_backup.errors import Problem
from glacier_backup.model.filters import Filter

_SMALL = "group_files_smaller_than"


def misused(options: Mapping[str, Given], main: Mapping[str, Given]) -> Iterator[Problem]:
    """Problems with the ``filters`` among the ``options`` of a section, which has from ``main`` what it doesn't say.

    What would be left undone is an error here, and not advice: it may be to hide names.
    """
    given = options.get("filters")
    if given is None or not isinstance(given.value, tuple):
        return
    kinds = {one.kind for one in given.value if isinstance(one, Filter)}
    if kinds - {"data"} and not _yes(options, "upload_tree"):
        yield given.spot.problem(
            "found filters of names without upload_tree = yes; expected a whole tree, or nothing but data among them"
        )
        return
    small = options.get(_SMALL)
    if "group" in kinds and small is not None:
        yield small.spot.problem(f"found group among the filters too ({given.spot}); expected one of them")
    pack = options.get("pack_size", main.get("pack_size"))
    in_packs = not _yes(options, "upload_single_dir") and bool(kinds & {"key_sub", "name"})
    if in_packs and pack is not None and pack.value is not None:
        yield given.spot.problem(
            f"found filters that change names, and pack_size ({pack.spot}), in whose tars files keep their own; "
            "expected pack_size = none in this section, or group SIZE among its filters"
        )


def _yes(options: Mapping[str, Given], name: str) -> bool:
    return name in options and options[name].value is True
