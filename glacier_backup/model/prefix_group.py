"""Where the files of a group that goes by a prefix lie, as its recipe says it, and in a few characters.

Of the group ``/srv/photos/2020/IMG_0*~.zip`` of the section ``/srv/photos`` the last two components of the path don't
belong to the section, and its files are called ``nas/srv/photos/2020/IMG_01`` or, with ``keys = relative``,
``2020/IMG_01``::

    {"step": "zip", "top": "nas/srv/photos", "depth": 2}      2
    {"step": "zip", "top": "", "depth": 2}                    2r

The second stands in descriptions in a vault, for there a recipe can't be read.
"""

from __future__ import annotations

from dataclasses import replace

from glacier_backup.model.archive import Label
from glacier_backup.model.description import BELOW
from glacier_backup.model.naming import section_of, tree_top
from glacier_backup.model.recipe import Recipe, Step, group_depth


def is_prefix_group(label: Label) -> bool:
    """Whether it is that of such a group, and not of a pack."""
    return label.kind == "group" and label.container == "zip"


def below(recipe: Recipe) -> str:
    """The few characters; empty for what is no such group."""
    packing = next(iter(recipe.steps), None)
    if packing is None or packing.name != "zip" or "depth" not in packing.parameters:
        return ""
    return f"{group_depth(recipe)}{'r' if packing.parameters.get('top') == '' else ''}"


def as_below(recipe: Recipe, label: Label) -> Recipe:
    """``recipe`` as it is of the group with that label: its path may be another one, made by filters
    (:func:`~glacier_backup.model.archive.as_told`)."""
    match = BELOW.fullmatch(label.below)
    if match is None or below(recipe) == label.below:
        return recipe
    packing, *seal = recipe.steps
    return Recipe((Step(packing.name, {**packing.parameters, "depth": int(match[1])}), *seal))


def zip_step(label: Label) -> Step:
    """How such a group was packed, as far as its label tells: as if its section were the root directory, where that
    says nothing of it. Raises ValueError for a label that can't be that of one."""
    match = BELOW.fullmatch(label.below or str(label.path.count("/")))
    if match is None or not is_prefix_group(label):
        raise ValueError(f"{label.path} is no group that goes by a prefix")
    depth = int(match[1])
    if depth > label.path.removeprefix("sftp://").count("/"):
        raise ValueError(f"{label.path} doesn't lie {depth} directories below anything")
    top = tree_top(label.host, section_of(label.path, depth), "relative" if match[2] else "host")
    return Step("zip", {"top": top, "depth": depth})


def in_section(label: Label, section: str, *, bare: bool = False) -> Label:
    """The same label, as it is known to be that of a group of ``section``, which lies above its path; ``bare``: its
    names begin below that."""
    depth = label.path.count("/") - section.rstrip("/").count("/")
    return replace(label, below=f"{depth}{'r' if bare else ''}")
