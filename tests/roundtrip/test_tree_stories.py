"""Whole trees that change between runs come back as they are, or as all that they ever were, and as they were at the
time of each run before; while small files are put together now so, now so, and what is set changes too.

``GLACIER_ROUND_TRIPS=20`` tries twenty times as many stories.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings

from tests.cli.harness import Cli
from tests.contract.places import PLACES
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS, Kind, url
from tests.roundtrip.storied_tree import Edit, StoriedTree, look
from tests.roundtrip.story_options import Options
from tests.roundtrip.story_rounds import APART, EDITS, SEAL, STORY, TAME, Round, options_of, plainly, rounds_of
from tests.roundtrip.story_ways import ByProgram, InMemory, in_memory
from tests.s3_servers.fixtures import Store
from tests.ssh_server.sshd import Sshd
from tests.workflow.test_looking_up import looked_up

STORIES = int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))

NUMBERS = count()


def often(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``number`` stories; each takes long. 0: only where more are asked for."""
    return settings(
        max_examples=number * STORIES or STORIES,
        phases=[Phase.explicit, Phase.generate] if number or STORIES > 1 else [Phase.explicit],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
        deadline=None,
        database=None,
    )


def play(
    tree: StoriedTree, rounds: list[Round], out: Path, also: Callable[[StoriedTree], None] = lambda tree: None
) -> None:
    """Each round a run after it, with all that is to hold then; and at the end everything as of each of them."""
    tree.write(*APART)
    for options, edits in rounds:
        tree.options = options or tree.options
        tree.edit(edits[::2])
        tree.back_up_some()
        tree.edit(edits[1::2])
        tree.back_up()
        assert not tree.wrong(out)
        settled(tree)
        also(tree)
    one_change(tree)
    for number, then in enumerate(tree.ever[::2]):  # of each two runs the second one did nothing
        assert not (wrong := tree.wrong(out, then)), (number, wrong)


def settled(tree: StoriedTree) -> None:
    """Nothing is left to do."""
    assert tree.back_up() == ([], 0)
    tree.way.check()


def one_change(tree: StoriedTree) -> None:
    """One file that is another one now, of the same size, is one thing that is sent: itself, or its group."""
    files = {name: seen for name, seen in look(tree.top).items() if seen.type == "f" and name != "always"}
    for name in [one for one, seen in files.items() if seen.content and not tree.is_left_out(one, seen)][:1]:
        tree.edit([Edit("same size", name)])
        assert len(tree.back_up().sent) == 1


@seed(7)
@often(3)
@given(rounds=rounds_of(options_of(), EDITS))
def test_in_a_bucket_with_versions_a_tree_is_what_it_was_at_any_time(rounds: list[Round]) -> None:
    with tempfile.TemporaryDirectory() as folder, in_memory(Path(folder)) as way:
        play(StoriedTree(way), rounds, Path(folder) / "out")


@seed(8)
@often(3)
@given(rounds=rounds_of(options_of(), EDITS))
def test_so_it_is_where_nothing_is_ever_replaced(rounds: list[Round]) -> None:
    with tempfile.TemporaryDirectory() as folder, in_memory(Path(folder), versions=False) as way:
        play(StoriedTree(way), rounds, Path(folder) / "out")


@seed(9)
@often(3)
@given(rounds=rounds_of(options_of(expire=True, pack=False, leaves_out=False, renames=False), EDITS))
def test_however_groups_change_the_newest_of_a_file_is_found_by_its_key(rounds: list[Round]) -> None:
    """Where nothing is left out: a group stays that alone has what is there and left out now."""
    with tempfile.TemporaryDirectory() as folder, in_memory(Path(folder)) as way:
        play(StoriedTree(way, Options(expire=True)), rounds, Path(folder) / "out", partial(found_by_keys, way))


def found_by_keys(way: InMemory, tree: StoriedTree) -> None:
    listed, start = way.grove.bucket.listed(), f"{way.grove.host}{way.top}/"
    for name, seen in look(tree.top).items():
        # Names that aren't plain are called otherwise in keys, and links are stored otherwise by themselves.
        if re.fullmatch("[-a-z0-9./ ]+", name) and seen.type == "f":
            assert looked_up(start + name, listed) == seen.content, name


@contextmanager
def by_program(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: Kind
) -> Iterator[tuple[StoriedTree, ByProgram, Path]]:
    """And where to restore to."""
    base = Path(tempfile.mkdtemp(dir=tmp_path))
    try:
        way = ByProgram(Journey(Cli(capsys, base), kind), with_identity(base))
        yield StoriedTree(way), way, base / "out"
    finally:
        shutil.rmtree(base, ignore_errors=True)


def with_identity(folder: Path) -> str:
    """The lines of ``[main]`` about a key for age."""
    from pyrage import x25519  # type: ignore[import-untyped]  # it has no types

    identity = x25519.Identity.generate()
    path = folder / "identity"
    path.write_text(f"{identity}\n")
    path.chmod(0o600)
    return f"recipients = {identity.to_public()}\nidentity_file = {path}\n"


def local(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """A directory that is there for one story."""
    return Kind("local", f"destination = {tempfile.mkdtemp(dir=tmp_path)}\n", PLACES["local"](request))


def bucket(request: pytest.FixtureRequest, store: Store, number: Iterator[int]) -> Kind:
    """A place in a bucket that keeps versions, likewise."""
    store.aws.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    where = f"destination = s3://{store.bucket}/{next(number)}\nstorage_class = STANDARD_IA\n"
    server = f"region = us-east-1\nendpoint_url = {store.between.endpoint}\n"
    return Kind("s3", where + server, PLACES["s3"](request))


@seed(10)
@often(0)
@example(rounds=STORY)
@given(rounds=rounds_of(options_of(SEAL), TAME))
def test_a_directory_has_all_of_it(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path, rounds: list[Round]
) -> None:
    with by_program(capsys, tmp_path, local(request, tmp_path)) as (tree, _, out):
        play(tree, rounds, out)


@seed(11)
@often(0)
@example(rounds=STORY)
@given(rounds=rounds_of(options_of(SEAL), EDITS))
def test_a_bucket_has_all_of_it(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    s3_store: Store,
    rounds: list[Round],
) -> None:
    with by_program(capsys, tmp_path, bucket(request, s3_store, NUMBERS)) as (tree, _, out):
        play(tree, rounds, out)


@seed(12)
@often(0)
@example(rounds=STORY)
@given(rounds=rounds_of(options_of(SEAL), TAME))
def test_a_server_has_all_of_it(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path, sshd: Sshd, rounds: list[Round]
) -> None:
    kind = KINDS["sftp"](request)
    main = f"destination = {url(sshd, Path(tempfile.mkdtemp(dir=tmp_path)))}\n"
    kind = replace(kind, main=main + kind.main.partition("\n")[2])
    with by_program(capsys, tmp_path, kind) as (tree, _, out):
        play(tree, rounds[:3], out)


@seed(13)
@often(0)
@example(rounds=plainly(STORY))
@given(rounds=rounds_of(options_of(SEAL, renames=False), EDITS))
def test_a_bucket_alone_tells_all_of_it(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    s3_store: Store,
    rounds: list[Round],
) -> None:
    with by_program(capsys, tmp_path, bucket(request, s3_store, NUMBERS)) as (tree, way, out):
        lose(tree, way, rounds, out, expire=True)


@seed(14)
@often(0)
@example(rounds=plainly(STORY, seal="", expire=False))
@given(rounds=rounds_of(options_of(expire=False, renames=False), TAME))
def test_a_directory_alone_tells_all_of_it(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path, rounds: list[Round]
) -> None:
    with by_program(capsys, tmp_path, local(request, tmp_path)) as (tree, way, out):
        lose(tree, way, rounds, out, expire=False)


def lose(tree: StoriedTree, way: ByProgram, rounds: list[Round], out: Path, *, expire: bool) -> None:
    """Rounds, and then the catalog is lost: from what is stored comes another one, after which nothing is sent.

    What was deleted out of groups only the catalog knew: it is seen again. Times that were noted are noted again.
    """
    tree.write(*APART)
    for options, edits in rounds:
        tree.options = (options or tree.options)._replace(compare="size, mtime, hash")
        tree.edit(edits)
        tree.back_up()
    way.lose_catalog()
    tree.options = tree.options._replace(expire=expire)
    assert tree.back_up().sent == []
    assert not tree.wrong(out, timed=False)  # a disk doesn't tell those of what lies there alone
    settled(tree)
