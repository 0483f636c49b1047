"""Whatever somebody has put into a place, or taken away from it: nothing of it gets out of the target, or a name that
it hasn't earned, and what is still right comes back."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from glacier_backup.digest import digest_part
from tests.cli.harness import Cli
from tests.pack.unpacking import made_by_hand
from tests.roundtrip.holdings import send_few
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import KINDS
from tests.roundtrip.trees import room_taken
from tests.s3_servers.fixtures import Store
from tests.streams import noise
from tests.vault_server.process import VaultServer


def archive_of(journey: Journey, path: str) -> Path:
    """Where it lies in the directory."""
    (listed,) = journey("list", "--versions", journey.data / path, "--json").json
    return Path(journey.cli.folder, "vault", listed["locators"][0])


def tampered(archive: Path, **changes: object) -> None:
    """Its manifest says something else; what is about the volume is that."""
    manifest = archive.with_name(archive.name + ".recipe.json")
    said = json.loads(manifest.read_text())
    assert changes.keys() <= said.keys() | said["volumes"][0].keys()
    for name, value in changes.items():
        (said if name in said else said["volumes"][0])[name] = value
    manifest.write_text(json.dumps(said, indent=2) + "\n")


def replaced(archive: Path, data: bytes) -> None:
    """Somebody has put other bytes in its place, and a manifest that fits them."""
    archive.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    archive.with_name(archive.name + ".sha256").write_text(f"{digest}  {archive.name}\n")
    tampered(archive, bytes=len(data), sha256=digest, sha256_tree=digest_part(data).tree_hash)
    tampered(archive, source_bytes=0, fingerprint=None)


class TestATamperedPlace:
    """Whoever may write there: the catalog is lost, and all that is known comes from what lies there."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"path": "/../../etc"},
            {"path": "/data/other"},
            {"host": ".."},
            {"bytes": 3},
            {"path": 7},
            {"container": "rar"},
        ],
    )
    def test_a_manifest_that_contradicts_what_it_lies_beside_is_left_out_and_named(
        self, disk: Journey, tmp_path: Path, changes: dict[str, object]
    ) -> None:
        archive = archive_of(disk, "photos")
        tampered(archive, **changes)
        disk.lose_catalog()

        ran = disk("catalog", "rebuild", "--no-copy")

        assert ran.code == 1
        assert f"left out: {archive.relative_to(disk.cli.folder / 'vault')}: its manifest " in ran.err
        assert "1 archives recorded" in ran.out
        assert disk.restore(tmp_path / "out").code == 0
        assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["dump.sql"]

    @pytest.mark.parametrize(
        "changes", [{"sha256_tree": "0" * 64}, {"container": "raw", "kind": "file"}, {"kind": "link"}]
    )
    def test_what_the_bytes_contradict_is_damage_and_gets_no_name(
        self, disk: Journey, tmp_path: Path, changes: dict[str, object]
    ) -> None:
        tampered(archive_of(disk, "photos"), **changes)
        disk.lose_catalog()
        rebuilt = disk("catalog", "rebuild", "--no-copy")

        ran = disk.restore(tmp_path / "out")

        assert rebuilt.code == 1 or ran.code == 5, (rebuilt, ran)
        assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["dump.sql"]

    @pytest.mark.parametrize(
        "members",
        [
            [("../outside", tarfile.REGTYPE, b"x")],
            [("/outside", tarfile.REGTYPE, b"x")],
            [("photos/../../outside", tarfile.REGTYPE, b"x")],
            [("photos", tarfile.SYMTYPE, ".."), ("photos/outside", tarfile.REGTYPE, b"x")],
            [("photos", tarfile.DIRTYPE, b""), ("photos/outside", tarfile.LNKTYPE, "/etc/hostname")],
        ],
    )
    def test_nothing_gets_out_of_the_target(
        self, disk: Journey, tmp_path: Path, members: list[tuple[str, bytes, str | bytes]]
    ) -> None:
        replaced(archive_of(disk, "photos"), made_by_hand(*members))
        disk.lose_catalog()
        assert disk.rebuild("--no-copy").code == 0

        ran = disk.restore(tmp_path / "out")

        assert ran.code == 5
        assert "photos: damaged" in ran.err
        assert not list(tmp_path.rglob("outside"))
        assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["dump.sql"]

    def test_a_tar_that_spreads_out_stays_in_a_folder_of_its_own(self, disk: Journey, tmp_path: Path) -> None:
        data = made_by_hand(*((f"{number}", tarfile.REGTYPE, b"x") for number in range(500)))
        replaced(archive_of(disk, "photos"), data)
        disk.lose_catalog()
        disk.rebuild("--no-copy")

        assert disk.restore(tmp_path / "out", disk.data / "photos").code == 0

        assert os.listdir(tmp_path / "out") == ["photos"]
        assert len(os.listdir(tmp_path / "out/photos")) == 500

    def test_a_tar_bomb_ends_the_run_before_the_disk_is_gone_for_good(self, disk: Journey, small_disk: Path) -> None:
        """Many small files take more room than the tar. What came of it is in nobody's way, and can be taken away."""
        data = made_by_hand(*((f"photos/{number}", tarfile.REGTYPE, b"x") for number in range(4_000)))
        replaced(archive_of(disk, "photos"), data)
        disk.lose_catalog()
        disk.rebuild("--no-copy")

        ran = disk.restore(small_disk / "out", disk.data / "photos")

        assert ran.code == 1
        assert "No space left on device" in ran.err
        assert os.listdir(small_disk / "out") == [".glacier-backup-restore"]
        assert disk("thaw", "cancel").code == 0
        assert os.listdir(small_disk / "out") == []
        free = os.statvfs(small_disk)
        assert free.f_bfree >= free.f_blocks * 0.9

    def test_a_file_that_says_to_be_huge_takes_no_room(self, disk: Journey, small_disk: Path) -> None:
        info = tarfile.TarInfo("photos")
        info.size = 512
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "photos",
            "GNU.sparse.realsize": str(2**40),
        }
        head = info.tobuf(tarfile.PAX_FORMAT)
        replaced(archive_of(disk, "photos"), head + b"1\n%d\n0\n".ljust(512, b"\0") % 2**40 + bytes(10_240))
        disk.lose_catalog()
        disk.rebuild("--no-copy")

        ran = disk.restore(small_disk / "out", disk.data / "photos")

        assert ran.code == 0
        assert (small_disk / "out/photos").stat().st_size == 2**40
        assert room_taken(small_disk / "out/photos") < 2**20


class TestACatalogThatDisagrees:
    def test_with_an_inventory_that_lacks_an_archive(
        self, vault_of_mine: Journey, vault: str, vault_server: VaultServer, tmp_path: Path
    ) -> None:
        (listed,) = vault_of_mine("list", "--versions", vault_of_mine.data / "photos", "--json").json
        self._make_old(vault_of_mine)
        session = boto3.session.Session(region_name=vault_server.region)
        with closing(session.client("glacier", endpoint_url=vault_server.endpoint_url)) as aws:
            aws.delete_archive(accountId="-", vaultName=vault, archiveId=listed["locators"][0])
        vault_of_mine.kind.place.thaw_now()

        verified = vault_of_mine.until_done("verify")
        restored = vault_of_mine.restore(tmp_path / "out")

        assert verified.code == 5
        assert f"missing: {vault_of_mine.data}/photos" in verified.err
        assert restored.code == 5
        assert f"{vault_of_mine.data}/photos: damaged: " in restored.err
        assert (tmp_path / "out" / str(vault_of_mine.data)[1:] / "dump.sql").read_bytes() == b"select"

    def test_with_a_bucket_that_has_something_else_there(
        self, request: pytest.FixtureRequest, cli: Cli, tmp_path: Path
    ) -> None:
        journey = Journey(cli, KINDS["s3"](request))
        send_few(journey)
        store: Store = request.getfixturevalue("s3_store")
        (listed,) = journey("list", "--versions", journey.data / "photos", "--json").json
        store.aws.put_object(Bucket=store.bucket, Key=listed["locators"][0], Body=noise(10_500_000, 7))

        verified = journey("verify")
        restored = journey.restore(tmp_path / "out")

        assert verified.code == 5
        assert f"{journey.data}/photos" in verified.err
        assert restored.code == 5
        assert f"{journey.data}/photos: damaged: " in restored.err
        assert (tmp_path / "out" / str(journey.data)[1:] / "dump.sql").read_bytes() == b"select"
        assert not (tmp_path / "out" / str(journey.data)[1:] / "photos").exists()

    def test_with_a_directory_from_which_something_is_gone(self, disk: Journey, tmp_path: Path) -> None:
        archive_of(disk, "photos").unlink()

        verified, restored = disk("verify"), disk.restore(tmp_path / "out")

        assert (verified.code, restored.code) == (5, 5)
        assert "it is not there any more" in verified.err
        assert "photos: damaged: " in restored.err
        assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["dump.sql"]

    @staticmethod
    def _make_old(journey: Journey) -> None:
        """What is younger than three days may be missing from a vault's inventory."""
        with closing(sqlite3.connect(journey.catalog)) as database:
            database.execute("UPDATE archives SET sent_at = '2020-01-01T00:00:00Z'")
            database.execute("UPDATE volumes SET stored_at = '2020-01-01T00:00:00Z'")
            database.commit()
