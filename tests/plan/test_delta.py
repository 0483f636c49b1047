"""What an increment is to hold."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.model.archive import Member
from glacier_backup.model.increment import Delta, Seen
from glacier_backup.plan.delta import MOST_TOLD, delta
from glacier_backup.plan.layers import key_of

Tree = dict[str, Seen]


def seen(name: str, kind: str = "file", size: int = 10, mtime: int = 1, mode: int = 0o644, **more: Any) -> Seen:
    own = size if kind == "file" else 0
    return Seen(name.encode("utf-8", "surrogateescape"), kind, own, mtime, mode, **more)  # type: ignore[arg-type]


def tree(*entries: Seen) -> list[Seen]:
    """With all directories that lead to them, in the order of a walk."""
    found: Tree = {"": seen("", "directory")}
    for one in entries:
        name = one.name.decode("utf-8", "surrogateescape")
        parts = name.split("/")
        for count in range(1, len(parts)):
            found.setdefault("/".join(parts[:count]), seen("/".join(parts[:count]), "directory"))
        found[name] = one
    return [found[name] for name in sorted(found, key=key_of)]


def stored(entries: list[Seen], **changes: Member) -> list[Member]:
    """As the archive before has them."""
    found = []
    for one in entries:
        name = one.name.decode("utf-8", "surrogateescape")
        path = f"d/{name}" if name else "d"
        found.append(changes.get(name, Member(path, one.type, one.size, one.mtime_ns, one.mode, 0, one.target)))
    return found


def found(then: list[Seen], now: list[Seen], **changes: Member) -> tuple[list[str], list[str], Delta]:
    one = delta(stored(then, **changes), now, "d", "/srv/d")
    names = [name.decode("utf-8", "surrogateescape") for name in one.names]
    gone = [name.decode("utf-8", "surrogateescape") for name in one.deleted]
    assert names == sorted(names, key=key_of)
    assert gone == sorted(gone, key=key_of)
    return names, gone, one


def test_the_directory_itself_is_always_in_it() -> None:
    same = tree(seen("a"), seen("b/c"))
    names, gone, one = found(same, same)
    assert (names, gone, one.new, one.changed, one.bytes) == ([""], [], 0, 0, 0)


def test_what_is_new_comes_with_the_directories_above_it() -> None:
    names, gone, one = found(tree(seen("a"), seen("b/c/d")), tree(seen("a"), seen("b/c/d"), seen("b/c/e", size=7)))
    assert (names, gone) == (["", "b", "b/c", "b/c/e"], [])
    assert (one.new, one.changed, one.bytes) == (1, 0, 7)


def test_size_time_mode_and_target_tell() -> None:
    then = tree(seen("m"), seen("s"), seen("t"), seen("l", "symlink", target="x"), seen("same"), seen("p", "fifo"))
    now = tree(
        seen("m", mode=0o600),
        seen("s", size=11),
        seen("t", mtime=0),
        seen("l", "symlink", target="y"),
        seen("same"),
        seen("p", "fifo", mtime=2),
    )
    names, gone, one = found(then, now)
    assert (names, gone, one.new, one.changed) == (["", "l", "m", "p", "s", "t"], [], 0, 5)


def test_a_directory_with_another_time_is_stored_and_not_told() -> None:
    names, _, one = found(tree(seen("b", "directory")), tree(seen("b", "directory", mtime=5)))
    assert (names, one.changed) == (["", "b"], 0)
    _, _, one = found(tree(seen("b", "directory")), tree(seen("b", "directory", mode=0o700)))
    assert one.changed == 1


def test_what_is_gone_is_named_once_with_all_below_it() -> None:
    names, gone, one = found(tree(seen("a/b/c"), seen("a/b/d/e"), seen("a-b"), seen("z")), tree(seen("a-b")))
    assert (names, gone, one.entries) == ([""], ["a", "z"], 2)
    names, gone, _ = found(tree(seen("a/b/c"), seen("a/x")), tree(seen("a/x")))
    assert (names, gone) == (["", "a"], ["a/b"])


def test_what_has_become_something_else_is_deleted_first() -> None:
    names, gone, one = found(tree(seen("a/b"), seen("c")), tree(seen("a"), seen("c/d")))
    assert (names, gone, one.new) == (["", "a", "c", "c/d"], ["a", "c"], 3)


def test_a_hard_link_is_the_file_that_it_leads_to() -> None:
    then = tree(seen("a"), seen("b"))
    link = Member("d/b", "hardlink", 0, 1, 0o644, 0, "d/a")
    assert found(then, then, b=link)[:2] == ([""], [])
    assert found(then, tree(seen("a"), seen("b", mtime=2)), b=link)[:2] == (["", "b"], [])


def test_what_is_in_doubt_has_another_time_and_is_sent_again() -> None:
    then = tree(seen("a", mtime=10**10))
    doubtful = Member("d/a", "file", 10, 10**10 - 10**9, 0o644, 0, None)
    assert found(then, then, a=doubtful)[0] == ["", "a"]


def test_where_nobody_can_look_nothing_counts_as_deleted() -> None:
    then = tree(seen("a/b/c"), seen("x"), seen("y"))
    now = [
        *tree(seen("x"))[:1],
        seen("a", "directory", unreadable="Permission denied"),
        seen("x"),
        Seen(b"y", "other", 0, 0, 0, unreadable="Input/output error"),
    ]
    names, gone, one = found(then, now)
    assert (names, gone) == ([""], [])
    assert [problem.path for problem in one.unreadable] == ["/srv/d/a", "/srv/d/y"]
    assert found(then, [seen("", "directory", unreadable="Permission denied")])[1] == []


def test_many_problems_are_counted() -> None:
    many = [Seen(b"%04d" % number, "other", 0, 0, 0, unreadable="no") for number in range(MOST_TOLD + 7)]
    _, _, one = found([], [seen("", "directory"), *many])
    assert len(one.unreadable) == MOST_TOLD + 1
    assert one.unreadable[-1].cause == "7 more below it could not be looked into"


TREES = st.dictionaries(
    st.sampled_from(["a", "a/x", "a/y/z", "a-b", "a.c/d", "\udce9", "b", "b/c"]),
    st.tuples(st.sampled_from(["file", "symlink", "directory", "fifo"]), st.integers(0, 2), st.integers(0, 2)),
    max_size=8,
).map(
    lambda found: tree(
        *(
            seen(name, kind, size, mtime, target=str(size) if kind == "symlink" else None)
            for name, (kind, size, mtime) in found.items()
            if kind == "directory" or not any(other.startswith(f"{name}/") for other in found)
        )
    )
)


@given(TREES, TREES)
def test_deleting_and_storing_makes_one_of_the_other(then: list[Seen], now: list[Seen]) -> None:
    names, gone, _ = found(then, now)
    wanted = {one.name.decode("utf-8", "surrogateescape"): one for one in now}
    there = {one.name.decode("utf-8", "surrogateescape"): one for one in then}
    there = {
        name: one for name, one in there.items() if not any(name == top or name.startswith(f"{top}/") for top in gone)
    }
    there |= {name: wanted[name] for name in names}
    assert there == wanted
    # Whatever is touched, the directory that it is in is made right afterwards.
    for name in (*names, *gone):
        if name:
            assert name.rpartition("/")[0] in names


def test_a_hundred_thousand_entries_are_compared_in_a_moment() -> None:
    many = [seen("", "directory"), *(seen(f"{number:06d}") for number in range(100_000))]
    then, begin = stored(many), time.process_time()
    delta(then, iter(many), "d", "/srv/d")
    assert time.process_time() - begin < 2
