"""Filters from the command line: keys and bytes changed by real programs on their way, found and had back."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Ran
from tests.lacking import lacking
from tests.streams import noise

CONFIG = """\
[main]
destination = {here}/vault
catalog = {here}/catalog.sqlite3
logfile = {here}/log
catalog_copy = no
MAIN
[{data}]
upload_tree = yes
keys = relative
MORE
"""


def ini(cli: Cli, *filters: str, main: str = "", more: str = "", name: str = "backup.ini") -> Path:
    lines = "\n    ".join(filters)
    text = CONFIG.replace("MAIN", main).replace("MORE", f"filters = {lines}\n{more}" if filters else more)
    return cli.ini(text, name)


def stored(cli: Cli) -> dict[str, bytes]:
    """What lies at the destination, by key."""
    top = cli.folder / "vault"
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file() and path.name not in ("RESTORE.md", ".glacier-backup")
    }


def restored(cli: Cli, *argv: str | Path, code: int = 0) -> dict[str, bytes]:
    """What comes back, by its name below the data."""
    target = cli.folder / f"out{len(list(cli.folder.glob('out*')))}"
    ran = cli("restore", "--to", target, *argv)
    assert ran.code == code, ran.err
    top = target / str(cli.data)[1:]
    top = top if top.is_dir() else target
    return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


def fill(cli: Cli, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (cli.data / name).parent.mkdir(parents=True, exist_ok=True)
        (cli.data / name).write_bytes(content)


FILES = {"a.jpeg": b"one", "b/c.txt": b"two" * 1000, "b/large": noise(3_000_000), "d.tmp": b"gone", "e": b""}


def test_keys_and_bytes_are_changed_found_and_had_back(cli: Cli) -> None:
    fill(cli, FILES)
    filters = [r"key_sub '\.jpeg$' .jpg", r"key_sub ^.*\.tmp$ ''", "data gzip -c", "name sed 's/$/.gz/'"]
    config = ini(cli, *filters, more="undo_data = gzip -d\n")
    dry = cli("-d", "-c", config)
    assert "left out by the filter key_sub ^.*" in dry.out
    (row,) = (line.split() for line in dry.out.splitlines() if f"{cli.data}/a.jpeg" in line)
    assert row[4] == "a.jpg.gz"
    planned = {one["path"]: one["key"] for one in cli("backup", "-d", "--json", "-c", config).json["plan"]}
    assert planned[f"{cli.data}/b/c.txt"] == "b/c.txt.gz"

    assert cli("-c", config).code == 0
    there = {key: gzip.decompress(data) for key, data in stored(cli).items()}
    assert there == {"a.jpg.gz": b"one", "b/c.txt.gz": b"two" * 1000, "b/large.gz": FILES["b/large"], "e.gz": b""}
    again = cli("backup", "--json", "-c", config)
    assert (again.code, again.sent()) == (0, set())

    wanted = {name: data for name, data in FILES.items() if name != "d.tmp"}
    assert restored(cli, "-c", config) == wanted
    assert restored(cli, cli.data / "b/c.txt", "-c", config)["c.txt"] == wanted["b/c.txt"]
    assert "b/c.txt" in cli("find", "c.txt.gz", "-c", config).out
    assert "a.jpeg" in cli("find", "*.jpg.gz", "-c", config).out
    assert cli("verify", "--full", "-c", config).code == 0
    assert cli("prune", "-d", "-c", config).code == 0
    assert cli("-p", cli.data / "b/c.txt", "--force", "-c", config).code == 0
    assert "b/c.txt.gz" in stored(cli)


def test_gpg_by_hand_opens_what_a_data_filter_has_encrypted(cli: Cli) -> None:
    if shutil.which("gpg") is None:
        lacking("gpg isn't installed: apt-get install gnupg")
    home = Path(os.environ["HOME"], "g")
    home.mkdir(mode=0o700)
    gpg = f"gpg --batch --quiet --homedir {home} --pinentry-mode loopback --passphrase hush-hush"
    fill(cli, {"a": b"secret", "b": noise(200_000)})
    config = ini(cli, f"data {gpg} --symmetric", "key_sub $ .gpg", more=f"undo_data = {gpg} --decrypt\n")
    assert cli("-c", config).code == 0
    assert b"secret" not in stored(cli)["a.gpg"]
    opened = subprocess.run([*gpg.split(), "--decrypt", cli.folder / "vault/a.gpg"], stdout=subprocess.PIPE, check=True)
    assert opened.stdout == b"secret"
    assert restored(cli, "-c", config) == {"a": b"secret", "b": noise(200_000)}
    for path in (cli.folder / "log", *cli.folder.glob("catalog*"), *(cli.folder / "vault").rglob("*")):
        assert path.is_dir() or b"hush-hush" not in path.read_bytes(), path
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def test_what_does_not_undo_it_brings_nothing(cli: Cli) -> None:
    fill(cli, {"a": b"one"})
    config = ini(cli, "data gzip")
    assert cli("-c", config).code == 0
    target = cli.folder / "none"
    for undo, why in (
        ((), "give --undo COMMAND"),
        (("--undo", "cat"), "what undo_data has made of it isn't what was sent"),
        (("--undo", "false"), "the command false of undo_data ended with status 1"),
        (("--undo", "gzip -d", "--undo", "cat"), "and 2 are named to undo that"),
    ):
        ran = cli("restore", "--to", target, "-c", config, *undo)
        assert ran.code == 1
        assert why in ran.err
        assert [path.name for path in target.glob("*")] in ([], [".glacier-backup-restore"])
    assert cli("restore", "--to", target, "-c", config, "--undo", "gzip -d").code == 0
    assert next(target.rglob("a")).read_bytes() == b"one"
    ran = cli("restore", "--to", target, "-c", config, "--undo", "'")
    assert ran.code == 2
    assert "--undo names no command (a quote in it has no end)" in ran.err


@pytest.mark.parametrize("section", ["upload_files = yes", "upload_single_dir = yes", "pack_size = 1 MiB"])
def test_what_does_not_undo_it_is_seen_whatever_was_sent(cli: Cli, section: str) -> None:
    files = {"a": b"hello world", "b": noise(100_000)}
    fill(cli, files)
    config = ini(cli, "data gzip")
    if not section.startswith("pack"):
        config.write_text(config.read_text().replace("upload_tree = yes\nkeys = relative", section))
    else:
        config.write_text(config.read_text() + f"\n{section}\n")
    assert cli("-c", config).code == 0
    target = cli.folder / "none"
    for undo in ("cat", "bash -c 'gunzip | LC_ALL=C sed s/hello/hullo/'"):
        ran = cli("restore", "--to", target, "-c", config, "--undo", undo)
        assert ran.code == 1
        assert "what undo_data has made of it isn't what was sent" in ran.err or "doesn't open" in ran.err
        assert not [path for path in target.rglob("a") if path.parent.name == "data"]
    assert cli("backup", "--json", "-c", config).sent() == set()
    assert restored(cli, "-c", config, "--undo", "gunzip") == files


def test_what_does_not_undo_a_zip_is_no_damage_at_the_destination(cli: Cli) -> None:
    files = {f"d/{number}": b"hello %d" % number for number in range(5)}
    fill(cli, files)
    config = ini(cli, "group 1 k", "data gzip")
    assert cli("-c", config).code == 0
    target = cli.folder / "none"
    for undo in ("cat", "bash -c 'gunzip | sed s/hello/hullo/'", "bash -c 'gunzip | head -c 200'"):
        ran = cli("restore", "--to", target, "-c", config, "--undo", undo)
        assert ran.code == 1
        assert "what undo_data has made of it isn't what was sent" in ran.err
    assert cli("backup", "--json", "-c", config).sent() == set()
    assert restored(cli, "-c", config, "--undo", "gunzip") == files


def test_one_that_dies_never_leaves_a_truncated_object(cli: Cli) -> None:
    """s3-backup's defect 4: it noticed when the upload had ended, and a truncated object was the current one."""
    fill(cli, {"a": noise(3_000_000), "b": noise(3_000_000)})
    config = ini(cli, """data bash -c 'head -c 2500000; [ "$KEY" != a ] || { echo torn >&2; exit 7; }; cat'""")
    ran = cli("backup", "--json", "-c", config)
    assert ran.code == 1
    assert {Path(path).name: result for path, result in ran.results().items()} == {"a": "failed", "b": "sent"}
    assert "the command bash of data ended with status 7: torn" in {one["error"] for one in ran.json["plan"]}
    assert stored(cli) == {"b": noise(3_000_000)}


def test_what_was_stored_before_stays_when_a_command_fails(cli: Cli) -> None:
    fill(cli, {"a": b"first"})
    assert cli("-c", ini(cli, "data gzip", more="keep_versions = no\n")).code == 0
    before = stored(cli)
    fill(cli, {"a": b"second one"})
    for command, why in (
        ("bash -c 'cat; exit 1'", "ended with status 1"),
        ("echo hello", "ended before it had read all it was given"),
        ("bash -c 'cat >/dev/null'", "made nothing of 10 bytes"),
        ("no-such-program-anywhere", "can't be started"),
        ("bash -c 'head -c 3000000 /dev/zero >&2; cat >/dev/null; exit 4'", "ended with status 4"),
    ):
        ran = cli("-c", ini(cli, f"data {command}", more="keep_versions = no\n"))
        assert ran.code == 1
        assert why in ran.err
        assert stored(cli) == before


def test_one_that_talks_much_on_standard_error_blocks_nothing(cli: Cli) -> None:
    """s3-backup's defect 4, too: standard error was not drained."""
    fill(cli, {"a": b"x" * 1000})
    config = ini(cli, "data bash -c 'yes complaint | head -c 4000000 >&2; cat'")
    assert cli("-c", config).code == 0
    assert stored(cli) == {"a": b"x" * 1000}


def test_two_files_with_one_key_end_with_1_and_one_is_sent(cli: Cli) -> None:
    fill(cli, {"a1": b"1", "a2": b"2", "b": b"3"})
    config = ini(cli, "key_sub [0-9] ''")
    ran: Ran = cli("backup", "--json", "-c", config)
    assert ran.code == 1
    assert {Path(one).name for one in ran.sent()} == {"a1", "b"}
    assert "that is of another" not in ran.err
    assert f"{cli.data}/a1: neither may replace the other" in ran.reasons()[f"{cli.data}/a2"]
    fill(cli, {"a0": b"0"})
    assert {Path(one).name for one in cli("backup", "--json", "-c", config).sent()} == set()
    (cli.data / "a1").unlink()
    (cli.data / "a0").unlink()
    assert cli("-c", config).code == 0  # a2 is the only one now


def test_a_name_command_that_fails_fails_its_file_alone(cli: Cli) -> None:
    fill(cli, {"a": b"1", "b": b"2"})
    config = ini(cli, """name bash -c 'if [ "$KEY" = a ]; then echo no name >&2; exit 2; fi; cat'""")
    ran = cli("-c", config)
    assert ran.code == 1
    assert "the filter name bash … ended with status 2: no name" in ran.err
    assert set(stored(cli)) == {"b"}


def test_grouping_comes_before_the_data_filters_and_names_after_it_are_those_of_zips(cli: Cli) -> None:
    """s3-backup's defects 4 and 5: a group whose size is known, then its bytes and its name."""
    fill(cli, {**{f"d/{letter}": letter.encode() * 600 for letter in "abc"}, "large": b"x" * 2000, "z": b"z"})
    filters = ["key_sub ^d/ e/", "group 1 k", "data gzip", "key_sub $ .gz"]
    config = ini(cli, *filters, more="undo_data = gzip -d\ngroup_names = root\n")
    assert cli("-c", config).code == 0
    there = stored(cli)
    assert set(there) == {"*~.zip.gz", "e/*~.zip.gz", "large.gz"}
    (cli.folder / "opened.zip").write_bytes(gzip.decompress(there["e/*~.zip.gz"]))
    with zipfile.ZipFile(cli.folder / "opened.zip") as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            f"e/{letter}": letter.encode() * 600 for letter in "abc"
        }
    assert cli("backup", "--json", "-c", config).sent() == set()
    assert restored(cli, "-c", config) == {
        str(path.relative_to(cli.data)): path.read_bytes() for path in cli.data.rglob("*") if path.is_file()
    }
    assert "d/b" in cli("find", "e/b", "-c", config).out
    fill(cli, {"d/b": b"changed"})
    assert len(cli("backup", "--json", "-c", config).sent()) == 1
    assert restored(cli, cli.data / "d/b", "-c", config) == {"b": b"changed"}


def test_volumes_are_made_of_what_commands_have_made(cli: Cli) -> None:
    fill(cli, {"a": noise(2_500_000)})
    seal = "seal = zstd, split\nvolume_size = 1 MiB\n"
    config = ini(cli, "data base64 -w0", main=seal, more="undo_data = base64 -d\n")
    assert cli("-c", config).code == 0
    assert sum((key.endswith(".zst") and ".v00" in key) or ".zst.v00" in key for key in stored(cli)) >= 3
    assert restored(cli, "-c", config) == {"a": noise(2_500_000)}


@pytest.mark.parametrize("spool", ["", "spool_dir = {here}/spool\n"], ids=["", "spool"])
def test_a_seal_comes_behind_the_commands(cli: Cli, spool: str) -> None:
    fill(cli, {"a": b"one" * 1000})
    (cli.folder / "password").write_text("right\n")
    (cli.folder / "password").chmod(0o600)
    seal = f"seal = zstd, openssl\nopenssl_iterations = 10000\npassword_file = {{here}}/password\n{spool}"
    config = ini(cli, "data gzip", main=seal, more="undo_data = gzip -d\n")
    assert cli("-c", config).code == 0
    (key,) = stored(cli)
    assert key == "a.zst.enc"
    assert restored(cli, "-c", config) == {"a": b"one" * 1000}


def test_a_spool_may_hold_what_has_no_suffix(cli: Cli) -> None:
    fill(cli, {".partial": b"1", ".facts": b"2"})
    config = ini(cli, "data gzip -n", main="spool_dir = {here}/spool\n", more="undo_data = gzip -d\n")
    assert cli("-c", config).code == 0
    assert restored(cli, "-c", config) == {".partial": b"1", ".facts": b"2"}


def test_links_go_through_as_their_targets(cli: Cli) -> None:
    fill(cli, {"a": b"one"})
    (cli.data / "l").symlink_to("a")
    config = ini(cli, "data gzip", "key_sub ^ k/", more="undo_data = gzip -d\n")
    assert cli("-c", config).code == 0
    assert gzip.decompress(stored(cli)["k/l.rclonelink"]) == b"a"
    target = cli.folder / "back"
    assert cli("restore", "--to", target, "-c", config).code == 0
    assert os.readlink(next(target.rglob("l"))) == "a"


def test_a_directory_named_by_itself_goes_through_the_commands_too(cli: Cli) -> None:
    fill(cli, {"d/a": b"one" * 1000})
    config = ini(cli, "data bash -c 'gzip; echo $KEY > \"$0\"' {here}/key", more="undo_data = gzip -d\n")
    assert cli("-p", cli.data / "d", "-c", config).code == 0
    (archive,) = (data for key, data in stored(cli).items() if key.endswith(".tar"))
    assert b"ustar" in gzip.decompress(archive)
    assert (cli.folder / "key").read_text() == "d\n"
    assert restored(cli, cli.data / "d", "-c", config)["d/a"] == b"one" * 1000


def test_without_a_catalog_the_paths_are_the_keys(cli: Cli) -> None:
    fill(cli, {"a.jpeg": b"one", "b": b"two"})
    config = ini(cli, r"key_sub \.jpeg$ .jpg")
    assert cli("-c", config).code == 0
    for path in cli.folder.glob("catalog.sqlite3*"):
        path.unlink()
    assert cli("catalog", "rebuild", "-c", config).code == 0
    with sqlite3.connect(cli.folder / "catalog.sqlite3") as catalog:
        paths = {Path(path).name for (path,) in catalog.execute("SELECT path FROM archives")}
    assert paths == {"a.jpg", "b"}


def test_a_vault_hears_of_keys_alone_and_that_there_was_a_command(
    cli: Cli, vault: str, vault_server: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.vault_server.process import VaultServer

    assert isinstance(vault_server, VaultServer)
    fill(cli, {"private name": b"one"})
    text = CONFIG.replace(
        "destination = {here}/vault", f"vault_name = {vault}\nendpoint_url = {vault_server.endpoint_url}"
    )
    text = text.replace("MAIN", f"region = {vault_server.region}").replace(
        "MORE", "filters = key_sub 'private name' x\n  data gzip\n"
    )
    config = cli.ini(text)
    ran = cli("-c", config)
    assert ran.code == 0, ran.err
    with sqlite3.connect(cli.folder / "catalog.sqlite3") as catalog:
        ((description, path),) = catalog.execute("SELECT description, path FROM archives")
    assert path == f"{cli.data}/private name"
    assert "private" not in description
    assert description.startswith("x gb1;p=")
    assert "x=command:1:by.h" in description


def test_what_filters_leave_out_or_call_otherwise_is_not_deleted(cli: Cli) -> None:
    fill(cli, {"a": b"1", "b": b"2", "c1": b"3"})
    assert cli("-c", ini(cli, more="deleted = expire\n")).code == 0
    config = ini(
        cli, "key_sub ^a$ ''", "key_sub ^b$ x", "name bash -c '[ $KEY != c1 ] && cat'", more="deleted = expire\n"
    )
    ran = cli("backup", "--json", "-c", config)
    assert ran.code == 1
    assert (ran.json["summary"]["expired"], ran.sent()) == (0, set())
    assert set(restored(cli, "-c", config)) == {"a", "b", "c1"}


def test_a_changed_file_goes_where_its_key_is_now(cli: Cli) -> None:
    fill(cli, {"a": b"1"})
    assert cli("-c", ini(cli)).code == 0
    config = ini(cli, "key_sub ^ x/")
    assert cli("backup", "--json", "-c", config).sent() == set()
    fill(cli, {"a": b"22"})
    assert cli("-c", config).code == 0
    assert stored(cli) == {"a": b"1", "x/a": b"22"}
    assert restored(cli, "-c", config) == {"a": b"22"}
