"""How the stream of an archive lies in its volumes, as far as its recipe tells."""

from __future__ import annotations

from glacier_backup.model.recipe import Recipe, Step

_CUTTING = frozenset({"split", "par2"})
"""Steps that leave the bytes as they are."""


def is_plain(recipe: Recipe | None) -> bool:
    """Whether the volumes, one behind the other, are the stream itself: it is neither compressed nor encrypted. So it
    is where nothing is known."""
    return recipe is None or all(step.name in _CUTTING for step in _taken(recipe))


def slice_size(recipe: Recipe | None) -> int | None:
    """Bytes of the stream that each volume holds but the last, where each opens by itself, so that a range of the
    stream takes some of them only; None where it takes all, as of what was compressed or encrypted before it was
    cut."""
    steps = _taken(recipe) if recipe is not None else []
    if not steps or steps[0].name != "split":
        return None
    size = steps[0].parameters.get("volume_size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def _taken(recipe: Recipe) -> list[Step]:
    """The steps of the seal, those left out that were skipped."""
    return [step for step in recipe.seal if step.parameters.get("skipped") is not True]
