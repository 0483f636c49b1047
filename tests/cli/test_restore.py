"""``restore``: the plan, and what is refused before anything is asked for or written."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.bringing import make_target
from glacier_backup.cli.selection import selection
from glacier_backup.errors import TargetError
from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, Receipt
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.place import Place
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.units import GIB
from tests.catalog.values import a_rebuilt
from tests.cli.harness import REPOSITORY, Cli
from tests.vault_server.process import VaultServer

LOCAL = (
    "[main]\ndestination = {here}/vault\ncatalog = {here}/catalog.sqlite3\nlogfile =\n"
    "[{data}]\nupload_dirs = yes\nupload_files = yes\nupload_if_changed = yes\n"
)


@pytest.fixture
def ini(cli: Cli) -> Path:
    (cli.data / "photos/2019").mkdir(parents=True)
    (cli.data / "photos/2019/one.jpg").write_text("a photo")
    (cli.data / "file").write_text("content")
    ini = cli.ini(LOCAL)
    assert cli("-c", ini).code == 0
    return ini


def cold(folder: Path, *sizes: int, storage_class: str = "DEEP_ARCHIVE", endpoint: str = "") -> Path:
    """A catalog that knows archives in a bucket, which nobody asks."""
    path = folder / "cold.sqlite3"
    with Catalog.open(str(path)) as catalog:
        place = Place("s3", "bucket/backup", endpoint)
        where = catalog.register(place, place)
        for number, size in enumerate(sizes):
            time = datetime(2026, 3, 1 + number, tzinfo=UTC)
            recipe = Recipe((Step("raw"),))
            label = Label(f"{number}", f"/data/{number}", "nas", "file", "raw", time, recipe.id)
            record = ArchiveRecord(label, "", recipe, Fingerprint(f"{number}", size, 1, 0))
            id = catalog.intend(None, where, record, GIB)
            catalog.completing(id, record, Checksums(size, "0" * 64, b""), ())
            catalog.stored(id, Receipt(f"key{number}", size, "0" * 64, b"", time, storage_class=storage_class))
    return path


class TestThePlan:
    def test_it_shows_what_comes_whence_and_whither_and_does_nothing(self, cli: Cli, ini: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in cli.folder.rglob("*")}

        ran = cli("restore", cli.data / "photos", "--plan", "-c", ini)

        assert ran.code == 0
        assert str(cli.data / "photos") in ran.out
        assert ran.out.splitlines()[-3:] == [
            "1 to bring back, 7 B",
            "readable at once: 1 volume, 10.0 KiB to fetch",
            "plan: nothing was asked for, nothing was written",
        ]
        assert {path: path.stat().st_mtime_ns for path in cli.folder.rglob("*")} == before

    def test_scripts_get_all_of_it(self, cli: Cli, ini: Path) -> None:
        plan = cli("restore", "--plan", "-c", ini, "--json").json

        assert [one["path"] for one in plan["plan"]] == [str(cli.data / "file"), str(cli.data / "photos")]
        assert [one["to"] for one in plan["plan"]] == [str(cli.data / name)[1:] for name in ("file", "photos")]
        assert plan["summary"]["items"] == 2
        assert plan["summary"]["cold"] == {"volumes": 0, "fetched": 0, "thawed": 0, "requests": 0}
        assert [tier["cost"]["total"] for tier in plan["tiers"]] == [0, 0, 0]

    def test_relative_paths_are_meant_from_the_current_folder(
        self, cli: Cli, ini: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(cli.data)

        (entry,) = cli("restore", "photos/2019", "--plan", "-c", ini, "--json").json["plan"]

        assert (entry["member"], entry["to"]) == ("photos/2019", "2019")

    def test_the_home_folder_can_be_written_as_a_tilde(
        self, cli: Cli, ini: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(cli.data))

        assert cli("restore", "~/photos", "--plan", "-c", ini, "--json").json["plan"][0]["to"] == "photos"

    def test_now_leaves_out_what_is_not_there_any_more(self, cli: Cli, ini: Path) -> None:
        os.remove(cli.data / "file")

        (entry,) = cli("restore", "--at", "now", "--plan", "-c", ini, "--json").json["plan"]

        assert entry["path"] == str(cli.data / "photos")
        assert len(cli("restore", "--plan", "-c", ini, "--json").json["plan"]) == 2

    def test_a_moment_before_the_first_archive_is_refused(self, cli: Cli, ini: Path) -> None:
        ran = cli("restore", "--at", "3 weeks ago", "--plan", "-c", ini)

        assert ran.code == 2
        assert "the first one is of" in ran.err

    def test_each_tier_has_its_hours_and_its_cost(self, cli: Cli) -> None:
        catalog = cold(cli.folder, 512 * GIB, 512 * GIB)

        lines = cli("restore", "--plan", "--catalog", catalog).out.splitlines()

        bulk, standard, expedited = lines[-5:-2]
        assert " ".join(bulk.split()) == "→ bulk 2 1.0 TiB 2 up to 48 hours 91.19 USD"
        assert " ".join(standard.split()) == "standard 2 1.0 TiB 2 up to 12 hours 109.11 USD"
        assert expedited.endswith("not offered for DEEP_ARCHIVE")
        assert lines[-2] == "prices in USD, us-east-1, of 2026-11-21; transfer to the internet is included"

    def test_what_has_no_price_is_said(self, cli: Cli) -> None:
        catalog = cold(cli.folder, GIB, storage_class="GLACIER", endpoint="https://s3.example.com")

        out = cli("restore", "--plan", "--catalog", catalog).out

        assert "no price known of reading from GLACIER at https://s3.example.com" in out


class TestWhatIsRefused:
    @pytest.mark.parametrize("plan", [["--plan"], ["--to", "out"]])
    def test_a_tier_that_is_not_offered(self, cli: Cli, plan: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(cli.folder)
        ran = cli("restore", *plan, "--catalog", cold(cli.folder, GIB), "--tier", "expedited")

        assert ran.code == 2
        assert "--tier expedited is not offered for DEEP_ARCHIVE\n  expected bulk or standard" in ran.err
        assert not (cli.folder / "out").exists()

    def test_what_costs_more_than_it_may(self, cli: Cli) -> None:
        catalog = cold(cli.folder, 1024 * GIB)

        ran = cli("restore", "--to", cli.folder / "out", "--catalog", catalog, "--max-cost", "90")

        assert ran.code == 2
        assert "costs 91.19 USD with --tier bulk, more than --max-cost 90" in ran.err
        assert not (cli.folder / "out").exists()
        with Catalog.peek(str(catalog)) as peeked:
            assert not list(peeked.restores())

    def test_a_target_without_room(self, cli: Cli) -> None:
        ran = cli("restore", "--to", cli.folder / "out", "--catalog", cold(cli.folder, 10**9 * GIB))

        assert ran.code == 1
        assert "has room for" in ran.err
        assert "are to come back" in ran.err

    def test_room_is_only_looked_for_for_what_is_not_there_yet(self, cli: Cli) -> None:
        out = cli.folder / "out"
        with Catalog.peek(str(cold(cli.folder, 10**9 * GIB, 10))) as catalog:
            plan = selection(catalog, (), None).plan(catalog)
        with pytest.raises(TargetError, match="has room for"):
            make_target(str(out), plan)
        (out / "data").mkdir(parents=True)
        (out / "data/0").write_text("something")

        make_target(str(out), plan)

    def test_a_target_whose_folder_is_not_there(self, cli: Cli, ini: Path) -> None:
        ran = cli("restore", "--to", cli.folder / "not mounted/out", "-c", ini)

        assert ran.code == 1
        assert "nor the folder it is to be made in is there" in ran.err

    def test_a_target_that_is_a_file(self, cli: Cli, ini: Path) -> None:
        assert cli("restore", "--to", cli.data / "file", "-c", ini).code == 1

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "where to? expected --to DIR"),
            (["nope", "--to", "out"], "nothing that is stored is called nope"),
            (["--to", "out", "--days", "0"], "expected days, from 1 to 365"),
            (["--to", "out", "--max-cost", "-1"], "expected an amount"),
            (["--to", "out", "--at", "someday"], "'someday' is no time"),
            (["--to", "out", "--catalog", "none.sqlite3"], "there is no catalog"),
        ],
    )
    def test_what_is_no_command(
        self, cli: Cli, ini: Path, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(cli.folder)
        ran = cli("restore", *words, "-c", ini)

        assert ran.code == 2
        assert says in ran.err
        assert not (cli.folder / "out").exists()


class TestBringingBack:
    def test_everything_comes_back_and_nothing_is_said(self, cli: Cli, ini: Path) -> None:
        ran = cli("restore", "--to", cli.folder / "out", "-c", ini)

        assert (ran.code, ran.out, ran.err) == (0, "", "")
        back = cli.folder / "out" / str(cli.data)[1:]
        assert (back / "photos/2019/one.jpg").read_text() == "a photo"
        assert (back / "file").read_text() == "content"

    def test_what_has_no_name_to_come_back_under_is_said_and_not_all_is_back(self, cli: Cli, ini: Path) -> None:
        with Catalog.open(str(cli.folder / "catalog.sqlite3")) as catalog:
            catalog.add_rebuilt(1, [a_rebuilt("/../../etc/passwd")])

        ran = cli("restore", "--to", cli.folder / "new", "-c", ini)

        assert ran.code == 1
        assert "1 not brought back" in ran.err
        assert {path.name for path in (cli.folder / "new").iterdir()} != set()
        assert cli("list", "--members", "id:3", "-c", ini).code == 0

    def test_one_file_out_of_an_archive(self, cli: Cli, ini: Path) -> None:
        ran = cli("restore", "photos.tar:2019/one.jpg", "--to", cli.folder / "out", "-c", ini, "--json")

        assert ran.code == 0
        assert ran.json["items"][0]["member"] == "photos/2019/one.jpg"
        assert ran.json["summary"]["counts"] == {"restored": 1}
        assert (cli.folder / "out/one.jpg").read_text() == "a photo"

    def test_a_catalog_alone_is_enough(self, cli: Cli, ini: Path) -> None:
        ran = cli("restore", cli.data / "file", "--to", cli.folder / "out", "--catalog", cli.folder / "catalog.sqlite3")

        assert ran.code == 0
        assert (cli.folder / "out/file").read_text() == "content"

    def test_as_of_a_moment(self, cli: Cli, ini: Path) -> None:
        moment = datetime.now(UTC).isoformat()
        (cli.data / "file").write_text("changed since")
        cli("-c", ini)

        cli("restore", cli.data / "file", "--to", cli.folder / "then", "--at", moment, "-c", ini)
        cli("restore", cli.data / "file", "--to", cli.folder / "now", "-c", ini)

        assert (cli.folder / "then/file").read_text() == "content"
        assert (cli.folder / "now/file").read_text() == "changed since"

    def test_what_is_there_is_kept_and_said_until_it_may_be_replaced(self, cli: Cli, ini: Path) -> None:
        words: list[str | Path] = ["restore", cli.data / "file", "--to", cli.folder / "out", "-c", ini]
        (cli.folder / "out").mkdir()
        (cli.folder / "out/file").write_text("something else")

        ran = cli(*words)
        assert (ran.code, "kept" in ran.err) == (1, True)
        assert f"{cli.folder / 'out'}: 1 kept" in ran.out
        assert (cli.folder / "out/file").read_text() == "something else"

        assert cli(*words, "--overwrite").code == 0
        assert (cli.folder / "out/file").read_text() == "content"

    def test_what_else_is_in_a_directory_is_never_lost(self, cli: Cli, ini: Path) -> None:
        (cli.folder / "out/photos").mkdir(parents=True)
        (cli.folder / "out/photos/mine").write_text("mine")

        ran = cli("restore", cli.data / "photos", "--to", cli.folder / "out", "-c", ini)

        assert "gives that directory another name" in ran.err
        assert (cli.folder / "out/photos/mine").exists()

        ran = cli("restore", cli.data / "photos", "--to", cli.folder / "out", "-c", ini, "--overwrite")
        (aside,) = (cli.folder / "out").glob("photos~*")
        assert (ran.code, f"what was in its place is {aside} now" in ran.err) == (0, True)
        assert (aside / "mine").read_text() == "mine"
        assert not (cli.folder / "out/photos/mine").exists()

    def test_while_it_thaws_there_is_one_line_and_the_same_command_goes_on(
        self, cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer, request: pytest.FixtureRequest
    ) -> None:
        request.addfinalizer(lambda: vault_server.control(job_delay=0))
        (cli.data / "file").write_text("first")
        ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\nupload_if_changed = yes\n")
        assert cli("-c", ini).code == 0
        vault_server.control(job_delay=3600)
        words: list[str | Path] = [
            "restore",
            cli.data / "file",
            "--to",
            cli.folder / "out",
            "--at",
            "0 hours ago",
            "-c",
            ini,
        ]

        ran = cli(*words)
        assert (ran.code, ran.err) == (75, "")
        (line,) = ran.out.splitlines()
        assert line.startswith("still thawing: 1 of 1, expected ")
        assert cli(*words, "--quiet").out == ""

        # A tier that is dearer is asked for only where that is known to be affordable.
        ran = cli(*words, "--tier", "standard", "--max-cost", "5")
        assert (ran.code, "no price of thawing from a vault" in ran.err) == (2, True)

        # What is stored meanwhile isn't what was asked for.
        (cli.data / "file").write_text("second")
        cli("-c", ini)
        vault_server.control(finish_jobs=True)

        assert cli(*words).code == 0
        assert (cli.folder / "out/file").read_text() == "first"
        assert len(vault_server.retrieved(vault)) == 1

    def test_a_limit_can_not_be_held_where_nothing_has_a_price(self, cli: Cli, vault_ini: str) -> None:
        (cli.data / "file").write_text("x")
        ini = cli.ini(vault_ini + "[{data}]\nupload_files = yes\n")
        cli("-c", ini)

        ran = cli("restore", "--to", cli.folder / "out", "-c", ini, "--max-cost", "5")

        assert ran.code == 2
        assert "there is no price of thawing from a vault" in ran.err


def test_a_restore_before_the_catalog_is_rebuilt_leaves_no_empty_one_in_its_way(cli: Cli, ini: Path) -> None:
    assert cli("-c", ini).code == 0
    (cli.folder / "catalog.sqlite3").unlink()

    assert cli("restore", cli.data, "--to", cli.folder / "back", "-c", ini).code == 2

    assert not (cli.folder / "catalog.sqlite3").exists()


def test_the_json_page_names_every_field(cli: Cli, ini: Path) -> None:
    page = (REPOSITORY / "docs/json.md").read_text()
    plan = cli("restore", "--plan", "--json", "-c", ini).json
    done = cli("restore", "--to", cli.folder / "out", "--json", "-c", ini).json
    found = cli("find", "one.jpg", "--json", "-c", ini).json[0]
    fields = {f"plan[].{name}" for name in plan["plan"][0]} | {f"tiers[].{name}" for name in plan["tiers"][0]}
    fields |= {f"tiers[].cost.{name}" for name in plan["tiers"][0]["cost"]} | {
        f"prices.{name}" for name in plan["prices"]
    }
    fields |= {f"summary.{name}" for name in {**plan["summary"], **done["summary"]}} | set(plan) | set(done)
    fields |= {f"items[].{name}" for name in done["items"][0]}
    fields |= {f"member.{name}" for name in found["member"]} | set(found["archive"]) | set(found)
    fields |= set(cli("list", "--json", "-c", ini).json[0])

    for field in sorted(fields):
        assert f"`{field}`" in page, field
