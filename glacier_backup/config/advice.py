"""What is allowed, and yet hardly what somebody meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from glacier_backup.config.places import is_server_url, path_on_server
from glacier_backup.config.snapshot_options import TAKINGS
from glacier_backup.exclusion import leaves_out_everything

_OF_GROUPS = ("group_files_smaller_than", "group_names", "group_max")
_OF_TREES = (
    *("compare", "exclude_paths", "keys", "keep_versions", "symlinks", "pack_size", *_OF_GROUPS),
    *("deleted", "max_delete"),
)


def advise(path: str, values: Mapping[str, object], own: Collection[str]) -> Iterator[tuple[str, str]]:
    """Option and what to say about it, for those that the section of ``path`` sets itself.

    ``values`` are all that it has, also from ``[DEFAULT]``; what can't be read is None.
    """
    single_dir, tree = values.get("upload_single_dir") is True, values.get("upload_tree") is True
    if "upload_tree" in own and tree and single_dir:
        yield "upload_tree", "has no effect with upload_single_dir, which sends the directory as one archive"
    if not tree:
        idle = (name for name in _OF_TREES if name in own and values[name] not in (None, ()))
        yield from ((name, "has no effect without upload_tree") for name in idle)
    elif "exclude_paths" in own:
        yield from (("exclude_paths", text) for text in _about_paths(values["exclude_paths"], path))
    if tree and "max_delete" in own and values.get("deleted") == "keep":
        yield "max_delete", "has no effect without deleted = expire: nothing is taken for deleted"
    yield from _about_increments(values, own, of_dirs=single_dir or (values.get("upload_dirs") is True and not tree))
    if tree and "compare" in own and values.get("upload_if_changed") is False:
        yield "compare", "has no effect with upload_if_changed = no: what was sent once is not sent again"
    if "exclude_regex" in own:
        yield from (("exclude_regex", text) for text in _about_regexes(values["exclude_regex"]))
    if "exclude" in own:
        yield from (("exclude", text) for text in _about_prefixes(values["exclude"], single_dir=single_dir))


def advise_dataset(values: Mapping[str, object], own: Collection[str]) -> Iterator[tuple[str, str]]:
    """The same for the section of a dataset."""
    named = values.get("snapshot") not in (None, *TAKINGS)
    if "tag" in own and named and values.get("keep_snapshots") is None:
        yield "tag", f"has no effect with snapshot = {values['snapshot']}, which is sent whatever it is called"


def _about_increments(
    values: Mapping[str, object], own: Collection[str], *, of_dirs: bool
) -> Iterator[tuple[str, str]]:
    incremental = values.get("incremental") is True
    if "incremental" in own and incremental and not of_dirs:
        yield "incremental", "has no effect without upload_single_dir or upload_dirs"
    elif "incremental" in own and incremental and values.get("upload_if_changed") is False:
        yield "incremental", "has no effect with upload_if_changed = no: what was sent once is not sent again"
    if "full_every" in own and not incremental:
        yield "full_every", "has no effect without incremental"


def _about_prefixes(exclude: object, *, single_dir: bool) -> Iterator[str]:
    if not isinstance(exclude, tuple) or not exclude:
        return
    if single_dir:
        yield (
            "has no effect with upload_single_dir: it chooses among what upload_dirs and upload_files find, "
            "and leaves nothing out of a directory that is sent as one archive; exclude_patterns does"
        )
        return
    for prefix in exclude:
        if "/" in prefix.lstrip("/") and not prefix.startswith("/"):
            yield f"{prefix!r} begins no name, for it has a / in it; to leave out a full path begin with /"
        elif "*" in prefix or "?" in prefix:
            yield f"{prefix!r} is compared as it stands: * and ? have no special meaning"


def _about_regexes(excluded: object) -> Iterator[str]:
    for regex in excluded if isinstance(excluded, tuple) else ():
        if leaves_out_everything(regex):
            yield f"{regex!r} is found in every path: everything is left out"


def _about_paths(excluded: object, section: str) -> Iterator[str]:
    here = path_on_server(section).directory if is_server_url(section) else section
    for path in excluded if isinstance(excluded, tuple) else ():
        if path.startswith("/") and not f"{path.rstrip('/')}/".startswith(f"{here.rstrip('/')}/"):
            yield f"{path!r} leaves nothing out, for it doesn't lie in {here}"
        elif "*" in path or "?" in path:
            yield f"{path!r} is compared as it stands: * and ? have no special meaning"
