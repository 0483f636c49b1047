"""Stories: what somebody does to a tree, round by round, and what its section says in each."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.roundtrip.storied_tree import Edit
from tests.roundtrip.story_options import Options

NAMES = (
    "a",
    "aa",
    "ab",
    "b",
    "b/a",
    "b/aa",
    "b/ab/c",
    "b/ab/d/e/f",
    "b-x",
    "c/x",
    "c/y y",
    "c/ä",
    "c/caf\udce9",
    "d*~.zip",
    "line\nbreak",
    "deep/er/and/deep/er/1",
    "deep/er/and/deep/er/2",
    "x.tmp",
    "c/y.tmp",
)
"""Some are directories of others, and sort otherwise than by their components."""


SIZES = (0, 1, 300, 700, 1_200, 1_999, 2_000, 5_000)

Round = tuple[Options | None, list[Edit]]
"""What the section says from now on, where that changes, and what is done before the run."""

SEAL = "seal = zstd, age\n"

WHATS = ["write", "write", "write", "delete", "move", "move", "touch", "backdate", "mode", "link", "same size"]

EDITS = st.builds(
    Edit,
    st.sampled_from([*WHATS, "folder", "file"]),
    st.sampled_from([*NAMES, "b/ab", "c", "deep/er"]),
    st.sampled_from([*NAMES, "c", "new", "b/new", "deep/er"]),
    st.sampled_from(SIZES),
)

APART = [name for name in NAMES if name != "b"]
"""None is a directory of another, as on a disk no name can be a file's now and a directory's later."""

TAME = st.one_of(
    st.builds(
        Edit,
        st.sampled_from(WHATS),
        st.sampled_from(APART),
        st.sampled_from([*APART, "new", "b/new"]),
        st.sampled_from(SIZES),
    ),
    st.builds(
        Edit,
        st.sampled_from(["delete", "move"]),
        st.sampled_from(["b", "c", "deep/er/and", "b/ab"]),
        st.sampled_from(["other", "b/other", "c/other"]),
    ),
)


STORY: list[Round] = [
    (Options("prefix", "8000", expire=True, seal=SEAL), [Edit("write", "c/x", size=5_000), Edit("link", "new")]),
    (None, [Edit("delete", "c/ä"), Edit("move", "aa", "b/new"), Edit("write", "c/x", size=300), Edit("touch", "ab")]),
    (
        Options("root", expire=True, compare="size, mtime, hash", no_temporary=True, limit=2),
        [Edit("touch", "c/y y"), Edit("same size", "a"), Edit("move", "b", "other"), Edit("delete", "deep/er/and")],
    ),
    (Options("pack", expire=False, compare="hash", seal=SEAL), [Edit("write", "b-x"), Edit("delete", "line\nbreak")]),
    (
        Options("filter", "8000", expire=True, renaming=True),
        [Edit("backdate", "c/x"), Edit("move", "other/ab", "b/ab")],
    ),
]
"""All ways, one after the other; on a disk, too."""


def plainly(rounds: list[Round], **more: object) -> list[Round]:
    """With keys that are as the names are, so that they tell them; and what else is to hold in all rounds."""
    options = {"renaming": False, **more}
    return [(one and one._replace(**options), edits) for one, edits in rounds]  # type: ignore[arg-type]  # its own fields


def options_of(
    seal: str = "", expire: bool | None = None, *, pack: bool = True, leaves_out: bool = True, renames: bool = True
) -> st.SearchStrategy[Options]:
    made = st.builds(
        Options,
        small=st.sampled_from(["prefix", "prefix", "root", "filter", "alone", *["pack"] * pack]),
        most=st.sampled_from(["none", "8000"]),
        expire=st.booleans() if expire is None else st.just(expire),
        compare=st.sampled_from(["size, mtime", "size, mtime, hash", "hash"]),
        seal=st.sampled_from(["", "", seal]),
        keep_versions=st.just(True),
        no_temporary=st.sampled_from([False, leaves_out]),
        renaming=st.sampled_from([False, renames]),
        symlinks=st.sampled_from(["store", "store", "follow", *["skip"] * leaves_out]),
        limit=st.one_of(st.none(), st.integers(1, 5)),
    )
    return made.filter(lambda one: not (one.small == "pack" and (one.no_temporary or one.renaming)))


def rounds_of(options: st.SearchStrategy[Options], edits: st.SearchStrategy[Edit]) -> st.SearchStrategy[list[Round]]:
    one = st.tuples(st.one_of(st.none(), options), st.lists(edits, max_size=8))
    return st.lists(one, min_size=3, max_size=6)
