"""What can't be done is told in words that help, and before anything is paid."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.cli.harness import Cli
from tests.permissions import without_privilege
from tests.roundtrip.holdings import FEW, send_few
from tests.roundtrip.journey import THAWING, Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.trees import look
from tests.s3_servers.fixtures import Store
from tests.vault_server.process import VaultServer

if TYPE_CHECKING:
    from mypy_boto3_glacier.type_defs import JobParametersTypeDef


Paid = Callable[[], list[tuple[str, int, int]]]


@pytest.fixture
def paid(vault_server: VaultServer, vault: str) -> Paid:
    """What was ever asked to be thawed."""
    return lambda: vault_server.retrieved(vault)


class TestNothingIsPaidFor:
    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (["{data}/fotos"], 2, "nothing that is stored is called {data}/fotos\n  near it are: {data}/photos"),
            (["photos.tar:2019/b.jpg"], 2, "no archive of {data}/photos has anything called 2019/b.jpg"),
            (["{data}/photos/2020"], 2, "nothing that is stored is called {data}/photos/2020"),
            (["dump.sql:select"], 2, "{data}/dump.sql was stored as a single file: there is nothing inside"),
            (["id:99"], 2, "no archive has the number 99\n  glacier-backup list --versions shows them"),
            (["*.png"], 2, "nothing that is stored is called *.png\n  glacier-backup find '*.png' looks inside"),
            ([""], 2, "an empty word means nothing that is stored"),
            (
                ["{data}/photos", "--at", "2001-01-01"],
                2,
                "no archive of {data}/photos yet at 2001-01-01 00:00; the first",
            ),
            (["--at", "3 weeks ago"], 2, "there was no archive yet at"),
            (["--at", "someday"], 2, "'someday' is no time"),
            (["--days", "0"], 2, "expected days, from 1 to 365"),
            (["--tier", "soon"], 2, "choose from"),
        ],
    )
    def test_for_words_that_mean_nothing(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path, words: list[str], code: int, says: str
    ) -> None:
        data = str(vault_of_mine.data)

        ran = vault_of_mine("restore", *(word.replace("{data}", data) for word in words), "--to", tmp_path / "out")

        assert (ran.code, ran.out) == (code, "")
        assert says.replace("{data}", data) in ran.err
        assert paid() == []
        assert not (tmp_path / "out").exists()

    def test_for_a_name_that_several_paths_have(self, vault_of_mine: Journey, paid: Paid, tmp_path: Path) -> None:
        other = vault_of_mine.data / "more/photos"
        other.mkdir(parents=True)
        vault_of_mine.sections(FEW + "[{data}/more]\nupload_dirs = yes\n")
        vault_of_mine.back_up()

        ran = vault_of_mine("restore", "photos.tar", "--to", tmp_path / "out")

        assert ran.code == 2
        assert f"photos.tar is the name of archives of several paths: {other}, {vault_of_mine.data}/photos" in ran.err
        assert "name the path instead" in ran.err
        assert paid() == []

    @pytest.mark.parametrize(
        ("to", "says"),
        [
            ("not/there", "neither {out} nor the folder it is to be made in is there"),
            ("file", "{out} can't be written to: Not a directory"),
            ("dangling", "{out} is a symbolic link to nothing"),
        ],
    )
    def test_for_a_target_that_is_none(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path, to: str, says: str
    ) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "dangling").symlink_to("nowhere")

        ran = vault_of_mine("restore", "--to", tmp_path / to)

        assert ran.code == 1
        assert says.replace("{out}", str(tmp_path / to)) in ran.err
        assert paid() == []

    @pytest.mark.parametrize("to", [[], ["--to", ""]])
    def test_for_no_target(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path, to: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")

        ran = vault_of_mine("restore", *to)

        assert (ran.code, "where to? expected --to DIR" in ran.err) == (2, True)
        assert (paid(), os.listdir()) == ([], [])

    def test_for_a_target_that_may_not_be_written(self, vault_of_mine: Journey, paid: Paid, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir(mode=0o555)
        out.chmod(0o555)

        with without_privilege():
            there, below = (vault_of_mine("restore", "--to", one) for one in (out, out / "below"))

        assert (there.code, below.code) == (1, 1)
        assert (
            f"{out} can't be written to: Permission denied\n  make it writable for the user who runs glacier-backup"
            in there.err
        )
        assert f"{out}/below can't be made: Permission denied" in below.err
        assert paid() == []

    def test_for_a_target_that_is_too_small(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path, small_disk: Path
    ) -> None:
        ran = vault_of_mine("restore", "--to", small_disk / "out")

        assert ran.code == 1
        assert "has room for 8.0 MiB, and 10.0 MiB are to come back" in ran.err
        assert paid() == []
        assert vault_of_mine("thaw", "list", "--json").json["restores"] == []
        # What is small enough has room.
        assert vault_of_mine.restore(small_disk / "out", "dump.sql").code == 0

    def test_for_what_is_kept_because_something_is_there(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path
    ) -> None:
        (tmp_path / "out/photos").mkdir(parents=True)
        (tmp_path / "out/photos/mine").touch()

        ran = vault_of_mine("restore", vault_of_mine.data / "photos", "--to", tmp_path / "out")

        assert ran.code == 1
        assert f"{tmp_path}/out/photos is there already, and isn't the same; --overwrite" in ran.err
        assert paid() == []

    def test_for_a_tier_that_the_class_has_not(self, request: pytest.FixtureRequest, cli: Cli, tmp_path: Path) -> None:
        journey = Journey(cli, KINDS["s3"](request))
        send_few(journey)
        store: Store = request.getfixturevalue("s3_store")

        ran = journey("restore", "--to", tmp_path / "out", "--tier", "expedited")

        assert ran.code == 2
        assert "--tier expedited is not offered for DEEP_ARCHIVE" in ran.err
        assert "expected bulk or standard" in ran.err
        assert "RestoreObject" not in store.between.operations()


class TestJobsOfOthers:
    @pytest.fixture
    def begin(self, vault: str, vault_server: VaultServer) -> Iterator[Callable[..., str]]:
        """Another machine asks for an archive to be thawed."""
        session = boto3.session.Session(region_name=vault_server.region)
        with closing(session.client("glacier", endpoint_url=vault_server.endpoint_url)) as aws:

            def begin(archive: str, some: str = "") -> str:
                wanted: JobParametersTypeDef = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Bulk"}
                if some:
                    wanted["RetrievalByteRange"] = some
                return aws.initiate_job(accountId="-", vaultName=vault, jobParameters=wanted)["jobId"]

            yield begin

    def test_one_that_covers_the_bytes_is_used(
        self, vault_of_mine: Journey, begin: Callable[..., str], paid: Paid, tmp_path: Path
    ) -> None:
        (listed,) = vault_of_mine("list", "--versions", vault_of_mine.data / "photos", "--json").json
        begin(listed["locators"][0])

        assert vault_of_mine.restore(tmp_path / "out", vault_of_mine.data / "photos").code == 0

        assert len(paid()) == 1
        assert look(tmp_path / "out/photos") == look(vault_of_mine.data / "photos")

    def test_those_of_other_bytes_are_left_alone(
        self, vault_of_mine: Journey, begin: Callable[..., str], paid: Paid, tmp_path: Path
    ) -> None:
        (listed,) = vault_of_mine("list", "--versions", vault_of_mine.data / "photos", "--json").json
        theirs = vault_of_mine.kind.place.put("theirs", b"nothing of ours")
        begin(theirs)
        begin(listed["locators"][0], "0-1048575")

        assert vault_of_mine.restore(tmp_path / "out", vault_of_mine.data / "photos").code == 0

        assert len(paid()) == 3
        assert sorted(os.listdir(tmp_path / "out")) == ["photos"]

    def test_what_another_catalog_asked_for_is_used_after_a_rebuild(
        self, vault_of_mine: Journey, paid: Paid, tmp_path: Path
    ) -> None:
        assert vault_of_mine("restore", "--to", tmp_path / "out").code == THAWING
        vault_of_mine.lose_catalog()
        vault_of_mine.kind.place.thaw_now()
        vault_of_mine.rebuild()

        assert vault_of_mine.restore(tmp_path / "out").code == 0

        assert len(paid()) == 2
