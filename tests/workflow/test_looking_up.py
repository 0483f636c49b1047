"""Finding a file without us: take its key, leave out at least one character at its end, again and again; the first ZIP
that is there then has the file. After any edits and runs, in a bucket that keeps versions."""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.place import Place
from glacier_backup.resolve.source import TreeRules
from tests.fakes import MemoryDestination
from tests.workflow.grove import ANY, Grove, grouping

BELOW = 12
"""Bytes: smaller files go into groups."""

NAMES = ("a", "aa", "ab", "b", "b/a", "b/aa", "b/ab", "b/c/d", "b/c/e", "c/x", "c/y", "c/z", "é", "d*~.zip")
SIZES = (0, 3, 5, 8, 11, 12, 20)

edits = st.lists(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(SIZES)),
            st.tuples(st.just("remove"), st.sampled_from(NAMES), st.just(0)),
            st.tuples(st.just("touch"), st.sampled_from(NAMES), st.just(0)),
            st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=2,
    max_size=4,
)


class Gardener:
    """Edits the files of a grove. Times only ever grow, but for what is moved."""

    def __init__(self, grove: Grove) -> None:
        self._grove = grove
        self._clock = 1_600_000_000

    def edit(self, what: str, name: str, more: int | str) -> None:
        self._clock += 1
        path = self._grove.folder / name
        if what == "write" and isinstance(more, int):
            if self._fits(path):
                self._grove.write(name, (f"{self._clock}" * 3)[-more:] if more else "", self._clock)
        elif not path.is_file():
            return
        elif what == "remove":
            path.unlink()
        elif what == "touch":
            os.utime(path, (self._clock, self._clock))
        elif isinstance(more, str) and self._fits(self._grove.folder / more):
            (self._grove.folder / more).parent.mkdir(parents=True, exist_ok=True)
            path.rename(self._grove.folder / more)

    def _fits(self, path: Path) -> bool:
        above = [one for one in path.parents if self._grove.folder in one.parents]
        return not path.is_dir() and not any(one.is_file() for one in above)

    def files(self) -> dict[str, bytes]:
        top = self._grove.folder
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@contextmanager
def grove_of(**rules: object) -> Iterator[Grove]:
    with tempfile.TemporaryDirectory() as folder, Catalog.open(f"{folder}/catalog.sqlite3") as catalog:
        made = TreeRules(expire_deleted=True, max_delete=ANY, prefixing=grouping(BELOW))
        grove = Grove(Path(folder) / "tree", catalog, made)
        grove.change(**rules)
        grove.write("always", "x" * 30)
        yield grove


def told_apart(name: str) -> str:
    """What a name is called in keys."""
    return re.sub(r"(\*~[0-9]*\.zip~*)$", r"\1~", name)


def looked_up(key: str, listed: Mapping[str, bytes]) -> bytes | None:
    """By the rule, with nothing but names and ZIPs."""
    if key in listed:
        return listed[key]
    for end in range(len(key) - 1, -1, -1):
        pattern = re.compile(re.escape(key[:end]) + r"\*~\d*\.zip")
        zips = [one for one in listed if pattern.fullmatch(one)]
        if zips:
            (found,) = [data for one in zips if (data := member(listed[one], key)) is not None]
            return found
    return None


def member(data: bytes, key: str) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(key) if key in archive.namelist() else None


def check(grove: Grove, files: Mapping[str, bytes], *, all_of_it: bool = True) -> None:
    listed = grove.bucket.listed()
    start = f"nas{grove.path}/"
    alone = {name for name, content in files.items() if len(content) >= BELOW}
    for name, content in files.items():
        key = start + (told_apart(name) if name in alone else name)
        assert looked_up(key, listed) == content, name
    if all_of_it:
        assert set(grove.current()) == set(files)
        assert {key for key in listed if not re.search(r"\*~\d*\.zip$", key)} == {
            start + told_apart(one) for one in alone
        }


seldom = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(edits, st.sampled_from(["prefix", "root"]), st.sampled_from([None, 24]))
@seldom
def test_the_rule_gives_the_newest_content_of_every_file(
    batches: list[list[tuple[str, str, int | str]]], names: str, most: int | None
) -> None:
    with grove_of(prefixing=grouping(BELOW, names=names, most=most)) as grove:
        gardener = Gardener(grove)
        for batch in batches:
            for edit in batch:
                gardener.edit(*edit)
            assert grove.run().exit_code == 0
            check(grove, gardener.files())
            again = grove.run()
            assert (again.sent, again.expired) == (0, 0)


@given(edits)
@seldom
def test_runs_that_die_anywhere_are_made_good_by_the_next_one(batches: list[list[tuple[str, str, int | str]]]) -> None:
    with grove_of() as grove:
        gardener = Gardener(grove)
        for number, batch in enumerate(batches):
            for edit in batch:
                gardener.edit(*edit)
            hooks = ("on_complete", "on_expire", "after_expire")
            left = number + 1

            def die(about: object) -> None:
                nonlocal left
                left -= 1
                if not left:
                    raise KeyboardInterrupt

            setattr(grove.bucket, hooks[number % 3], die)
            with suppress(KeyboardInterrupt):
                grove.run()
            setattr(grove.bucket, hooks[number % 3], lambda about: None)
            assert grove.run().exit_code == 0
            check(grove, gardener.files())


@given(edits)
@seldom
def test_where_deleted_files_are_kept_nothing_that_is_stored_is_lost(
    batches: list[list[tuple[str, str, int | str]]],
) -> None:
    with grove_of(expire_deleted=False) as grove:
        gardener = Gardener(grove)
        ever: dict[str, bytes] = {}
        for batch in batches:
            for edit in batch:
                gardener.edit(*edit)
            assert grove.run().exit_code == 0
            ever |= gardener.files()
            assert set(grove.current()) == set(ever)
            again = grove.run()
            assert (again.sent, again.expired) == (0, 0)


@given(edits)
@seldom
def test_where_nothing_is_hidden_the_latest_of_all_matches_is_it(
    batches: list[list[tuple[str, str, int | str]]],
) -> None:
    """By the time of the file as the ZIP has it; in a directory, whose keys have the time of sending behind them."""
    with grove_of() as grove:
        disk = grove.others["disk"] = MemoryDestination(place=Place("local", "/disk"))
        gardener = Gardener(grove)
        for batch in batches:
            for edit in (one for one in batch if one[0] != "move"):
                gardener.edit(*edit)
            assert grove.run().exit_code == 0
            for name, content in gardener.files().items():
                if len(content) < BELOW:
                    assert latest(f"nas{grove.path}/{name}", disk.stored) == content


def latest(key: str, stored: Mapping[str, bytes]) -> bytes:
    """Of all ZIPs whose names the rule may lead to."""
    matches: list[tuple[tuple[int, ...], int, bytes]] = []
    for number, (name, data) in enumerate(stored.items()):
        found = re.fullmatch(r"(.*)\*~\d*\.zip(~[0-9TZ.]+)?", name)
        if found is None or not key.startswith(found[1]) or len(found[1]) >= len(key):
            continue
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if key in archive.namelist():
                matches.append((archive.getinfo(key).date_time, number, archive.read(key)))
    return max(matches)[2]


def test_a_file_is_not_in_the_zip_that_has_all_of_its_name() -> None:
    """``aa`` isn't in ``aa*~.zip``: at least one character is left out."""
    with grove_of() as grove:
        for name in ("aa", "aaa", "aab"):
            grove.write(name, "x" * 8)
        grove.run()
        for name in ("aa", "aaa", "aab"):
            assert looked_up(f"nas{grove.path}/{name}", grove.bucket.listed()) == b"x" * 8
