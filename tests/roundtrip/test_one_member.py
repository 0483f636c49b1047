"""One small file out of a large archive: only the bytes that hold it are thawed and fetched.

Here the archive has 300 MiB; ``GLACIER_LARGE_TAR=5120`` makes it that many MiB.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.units import MIB
from tests.cli.harness import Cli
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.trees import look
from tests.s3_servers.fixtures import Store
from tests.streams import noise
from tests.vault_server.process import VaultServer

SIZE = int(os.environ.get("GLACIER_LARGE_TAR", "300")) * MIB
"""Bytes of the archive, about."""

EACH = 20 * MIB
WANTED = "2019/img_0001.jpg"
MOST = 3 * MIB
"""Bytes that may be fetched, and thawed, for a member of 100 kB."""

Fetched = Callable[[], int]
"""Tells how many bytes of archives have been handed out so far."""


@pytest.fixture(params=["glacier", "s3", "s3_of_others"])
def large(request: pytest.FixtureRequest, cli: Cli) -> tuple[Journey, Fetched]:
    """A place with one large archive, somewhere in the middle of which is what is wanted."""
    journey = Journey(cli, KINDS[request.param](request))
    photos = journey.data / "photos"
    for folder in ("2018", "2019", "2020"):
        (photos / folder).mkdir(parents=True)
    for number in range(SIZE // EACH):
        folder = "2018" if number < SIZE // EACH // 2 else "2020"
        (photos / folder / f"{number:04}.raw").write_bytes(os.urandom(EACH))
    (photos / WANTED).write_bytes(noise(100_000))
    os.utime(photos / WANTED, ns=(0, 1_560_000_000_123_456_789))
    journey.sections("[{data}/photos]\nupload_single_dir = yes\n")
    journey.back_up()
    return journey, _counter(request)


def _counter(request: pytest.FixtureRequest) -> Fetched:
    kind = request.node.callspec.params["large"]
    if kind == "glacier":
        server: VaultServer = request.getfixturevalue("vault_server")
        before = server.stats()["bytes"].get("GetJobOutput", 0)
        return lambda: server.stats()["bytes"].get("GetJobOutput", 0) - before
    store: Store = request.getfixturevalue("s3_store" if kind == "s3" else "others_store")
    start = store.between.fetched
    return lambda: store.between.fetched - start


def test_only_what_holds_it_is_thawed_and_fetched(
    large: tuple[Journey, Fetched], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    journey, fetched = large
    was = journey.data / "photos" / WANTED
    for number, word in enumerate((f"photos.tar:{WANTED}", str(was)), 1):
        target = tmp_path / f"target{number}"
        plan = journey("restore", word, "--plan", "--json").json

        ran = journey.restore(target, word)

        assert ran.code == 0, ran
        assert look(target / "img_0001.jpg") == look(was)
        assert os.listdir(target) == ["img_0001.jpg"]
        assert 100_000 <= fetched() <= number * MOST
        assert plan["summary"]["cold"]["fetched"] <= MOST
    if journey.kind.name == "glacier":
        server: VaultServer = request.getfixturevalue("vault_server")
        # Thawed, and paid for, once.
        ((_, start, end),) = server.retrieved(request.getfixturevalue("vault"))
        assert end - start <= MOST
        assert plan["summary"]["cold"]["thawed"] == end - start
