"""What says how small files are put together, and doesn't go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from glacier_backup.config.given import Given
from glacier_backup.config.settings import SectionSettings
from glacier_backup.config.values import GROUP_MAX_TO_SIZE
from glacier_backup.errors import Problem
from glacier_backup.model.filters import Filter
from glacier_backup.units import GIB, format_size


def misgrouped(options: Mapping[str, Given], main: Mapping[str, Given]) -> Iterator[Problem]:
    """Problems with how a whole tree with these ``options`` puts files together, which has from ``main`` what it
    doesn't say."""
    if not _yes(options, "upload_tree") or _yes(options, "upload_single_dir"):
        return
    small, pack = _threshold(options, main), _in_force("pack_size", options, main)
    if small is None:
        return
    given, size = small
    if pack is not None and pack.value is not None:
        yield given.spot.problem(
            f"found pack_size too ({pack.spot}); expected one of them, and the other none in this section"
        )
    most = _in_force("group_max", options, main)
    bound = GIB if most is None else most.value
    if isinstance(bound, int) and (least := GROUP_MAX_TO_SIZE * size) > bound:
        yield (given if most is None else most).spot.problem(
            f"found a group_max of {format_size(bound)} for files smaller than {format_size(size)}; expected four "
            f"times that at least ({format_size(least)}), or none"
        )


def idle(section: SectionSettings, options: Mapping[str, Given]) -> Iterator[str]:
    """What has no effect in a section that is a whole tree."""
    small, packed = section.groups_below, section.pack_size
    if small is None:
        for name in ("group_names", "group_max"):
            if name in options:
                yield str(options[name].spot.problem("has no effect without group_files_smaller_than"))
    if (small is not None or packed is not None) and not section.keep_versions:
        what = "pack_size sends together" if packed is not None else "are put together in ZIPs"
        yield str(
            options["keep_versions"].spot.problem(
                f"has no effect on files that {what}: what they were before stays until glacier-backup prune removes it"
            )
        )


def _threshold(options: Mapping[str, Given], main: Mapping[str, Given]) -> tuple[Given, int] | None:
    """What says which files are small, and what it says; None where nothing does."""
    filters = options.get("filters")
    of_filters = filters.value if filters is not None and isinstance(filters.value, tuple) else ()
    sizes = [one.size for one in of_filters if isinstance(one, Filter) and one.kind == "group"]
    if filters is not None and sizes:
        return filters, sizes[0]
    given = _in_force("group_files_smaller_than", options, main)
    return None if given is None or not isinstance(given.value, int) else (given, given.value)


def _in_force(name: str, options: Mapping[str, Given], main: Mapping[str, Given]) -> Given | None:
    return options.get(name, main.get(name))


def _yes(options: Mapping[str, Given], name: str) -> bool:
    return name in options and options[name].value is True
