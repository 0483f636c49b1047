"""The known name that somebody may have meant."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def nearest(name: str, names: tuple[str, ...]) -> str:
    """The one of ``names`` that looks most like ``name``; empty when none does.

    Comparing takes its time, and the same slip may stand in each of 10,000 sections: answers are kept.
    """
    import difflib  # only those who mistyped something wait for it

    return next(iter(difflib.get_close_matches(name, names, 1)), "")
