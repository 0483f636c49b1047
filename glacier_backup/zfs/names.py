"""What datasets may be called: zfsconcepts(7), "ZFS File System Hierarchy", and OpenZFS's own check of names."""

from __future__ import annotations

from glacier_backup.errors import SourceError
from glacier_backup.model.snapshot import is_snapshot_name

LONGEST = 255
"""Characters of a name, with what stands behind an ``@``."""

_SIGNS = "-_.: "
"""What components may have in them besides letters and digits."""


def dataset_fault(name: str) -> str | None:
    """What is wrong with the name of a dataset, ``pool/dataset``, to be read behind it and a colon; None: nothing."""
    if not name:
        return "a dataset's name is pool/dataset, and this is none"
    if name.startswith("/"):
        return "a dataset's name is pool/dataset, and begins with no slash: it is no directory"
    if name.endswith("/"):
        return "a dataset's name ends with no slash"
    if "@" in name or "#" in name:
        return "this is a snapshot's or a bookmark's name: a dataset's ends in front of the sign"
    if len(name) > LONGEST:
        return f"a dataset's name has {LONGEST} characters at most"
    if not (name[0].isascii() and name[0].isalpha()):
        return f"the name of its pool begins with {name[0]!r}: pools' names begin with a letter"
    return next(filter(None, map(_component_fault, name.split("/"))), None)


def check_dataset(name: str) -> None:
    """Raises SourceError for a name that no dataset can have. No process has been started then."""
    fault = dataset_fault(name)
    if fault is not None:
        raise SourceError(f"zfs:{name}: {fault}")


def check_snapshot(dataset: str, name: str) -> None:
    """Raises SourceError where ``dataset@name`` is nothing that a snapshot can be called."""
    check_dataset(dataset)
    if not is_snapshot_name(name):
        allowed = "letters, digits and _ - : . and blanks"
        raise SourceError(f"zfs:{dataset}: {name!r} is no name of a snapshot: {allowed}, and no - in front, are")
    if len(dataset) + 1 + len(name) > LONGEST:
        raise SourceError(f"zfs:{dataset}: with {name} behind it the name is longer than {LONGEST} characters")


def check_tag(dataset: str, tag: str) -> None:
    """Raises SourceError for what no hold can be called: zfs-hold(8), and nothing that could be taken for an option."""
    if not tag or tag[0] in "-." or not (tag.isascii() and tag.isprintable()) or len(tag) > LONGEST:
        raise SourceError(f"zfs:{dataset}: {tag!r} is no name of a hold")


def pool_of(dataset: str) -> str:
    """The first component."""
    return dataset.partition("/")[0]


def _component_fault(component: str) -> str | None:
    if not component:
        return "there is nothing between two slashes"
    if component in (".", ".."):
        return f"no part of a dataset's name is {component}"
    for one in component:
        if not (one.isascii() and (one.isalnum() or one in _SIGNS)):
            return f"{one!r} can't be in a dataset's name"
    return None
