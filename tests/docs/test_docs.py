"""What the documentation says is what the program does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from glacier_backup.cli.parser import VERBS
from tests.cli.harness import REPOSITORY, Cli
from tests.s3_servers.fixtures import Store
from tests.vault_server.process import VaultServer

README = (REPOSITORY / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(containing: str, language: str = "bash") -> str:
    (found,) = (text for text in blocks(README, language) if containing in text)
    return found


def bash(commands: str, folder: Path, **environ: str) -> str:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_set_up_is_two_blocks_to_paste() -> None:
    first, second = blocks(README, "sh")

    assert "pip install ." in first
    assert "--config sample.ini" in first
    assert second.splitlines()[-1] == ".venv/bin/pytest"


def test_nothing_installs_the_name_from_the_index() -> None:
    pages = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")]

    for page in pages:
        assert not re.search(r"(pip|pipx|uv)\S* (tool )?install\s+(-\S+\s+)*glacier[-_]backup", page.read_text()), page


def test_links_lead_somewhere() -> None:
    for page in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_library_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks(README, "python")
    assert len(example.splitlines()) <= 10
    monkeypatch.chdir(REPOSITORY)
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})

    assert "ArchiveSent" in printed.getvalue()
    assert " sent " in printed.getvalue()


def test_the_first_backup_can_be_followed(tmp_path: Path) -> None:
    """With an editor that fills in what a user would."""
    (tmp_path / "photos/2026").mkdir(parents=True)
    (tmp_path / "photos/2026/one.jpg").write_text("a photo")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    editor = bin_folder / "editor"
    editor.write_text(
        "#!/bin/sh\n"
        f"printf '[main]\\ndestination = {tmp_path}/disk\\n[{tmp_path}/photos]\\nupload_dirs = yes\\n' >\"$1\"\n"
    )
    editor.chmod(0o755)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)

    out = bash(block("config init"), tmp_path, PATH=f"{bin_folder}:{os.environ['PATH']}")

    assert "no problem found" in out
    assert "2026.tar" in out
    assert len(list((tmp_path / "disk").rglob("*.tar"))) == 1


def test_a_directory_comes_back_from_a_local_vault_with_tar_alone(cli: Cli) -> None:
    (cli.data / "2025 photos").mkdir()
    (cli.data / "2025 photos/one.jpg").write_text("a photo")
    cli("-p", cli.data / "2025 photos")
    (listed,) = cli("list", "--json").json

    def typed(containing: str) -> str:
        filled_in = block(containing).replace("DESTINATION", listed["destination"])
        return bash(filled_in.replace("LOCATOR", listed["locator"]), cli.folder)

    typed("mkdir restored")
    assert (cli.folder / "restored/2025 photos/one.jpg").read_text() == "a photo"
    assert typed("sha256sum").endswith(": OK\n")


def test_a_directory_comes_back_from_a_vault_with_the_aws_cli(
    cli: Cli, vault_ini: str, vault: str, vault_server: VaultServer
) -> None:
    (cli.data / "photos").mkdir()
    (cli.data / "photos/one.jpg").write_text("a photo")
    ini = cli.ini(vault_ini + "[{data}/photos]\nupload_single_dir = yes\n")
    assert cli("-c", ini).code == 0
    (listed,) = cli("list", "-c", ini, "--json").json
    filled_in = block("initiate-job").replace("LOCATOR", listed["locator"]).replace("VAULT", vault)
    words = filled_in.replace("REGION", vault_server.region).replace("NAME", listed["name"]).splitlines()
    aws = f"{Path(sys.executable).parent}/aws --endpoint-url {vault_server.endpoint_url}"
    ask, look, fetch, unpack = (line.replace("aws ", f"{aws} ", 1) for line in words)

    job = json.loads(bash(ask, cli.folder))["jobId"]
    assert job in bash(look, cli.folder)
    bash(fetch.replace("JOB", job), cli.folder)
    assert tarfile.is_tarfile(cli.folder / "photos.tar")
    bash(words[3], cli.folder)

    assert (cli.folder / "photos/one.jpg").read_text() == "a photo"
    assert unpack == words[3]


def test_a_directory_comes_back_from_a_bucket_with_the_aws_cli(
    cli: Cli, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cli.data / "photos").mkdir()
    (cli.data / "photos/one.jpg").write_text("a photo")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = s3_store.bucket
    main = f"[main]\ndestination = s3://{bucket}/backup\nendpoint_url = {s3_store.server}\n"
    ini = cli.ini(main + "[{data}/photos]\nupload_single_dir = yes\n")
    assert cli("-c", ini).code == 0
    (listed,) = cli("list", "-c", ini, "--json").json
    commands = block("restore-object").replace("LOCATOR", listed["locator"]).replace("BUCKET", bucket)

    out = bash(
        commands.replace("NAME", listed["name"]), cli.folder, PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"
    )

    assert '"StorageClass": "DEEP_ARCHIVE"' in out
    assert "ongoing-request" in out
    assert (cli.folder / "photos/one.jpg").read_text() == "a photo"


def test_the_ini_example_of_the_readme_is_right(cli: Cli) -> None:
    (example,) = blocks(README, "ini")
    ini = cli.folder / "example.ini"
    ini.write_text(example)

    assert cli("config", "check", "-c", ini).code == 0


def test_the_cron_line_names_the_program() -> None:
    (line,) = blocks(README, "cron")

    assert re.fullmatch(r"\d+ \d+ \* \* \* \S+/glacier-backup\n", line)


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS), ["config", "init"], ["catalog", "import"]])
def test_every_verb_has_help_with_an_example(cli: Cli, words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli(*words, "--help")

    assert caught.value.code == 0


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_of_the_help_is_a_command_that_parses(verb: str) -> None:
    import shlex
    from importlib import import_module

    from glacier_backup.cli.legacy import with_verb
    from glacier_backup.cli.parser import build

    for line in import_module(f"glacier_backup.cli.commands.{verb}").EXAMPLE.splitlines():
        program, *words = shlex.split(re.split(r"\s{2,}(?=\S)", line.strip())[0])
        assert program == "glacier-backup"
        arguments = build(with_verb(words)).parse_args(with_verb(words))
        assert arguments.verb == verb


def test_the_sample_backs_up_real_files_of_the_checkout(cli: Cli, tmp_path: Path) -> None:
    ran = cli("-c", REPOSITORY / "sample.ini", "--json")

    assert ran.code == 0
    assert ran.sent()
    assert all(path.startswith(str(REPOSITORY)) for path in ran.sent())


def test_the_json_page_names_every_field(cli: Cli) -> None:
    page = (REPOSITORY / "docs/json.md").read_text()
    (cli.data / "file").write_text("x")
    fields = set()
    for argv in (["-p", str(cli.data / "file"), "-d"], ["-p", str(cli.data / "file")]):
        answer = cli(*argv, "--json").json
        fields |= {f"plan[].{name}" for name in answer["plan"][0]} | set(answer)
        fields |= set(answer["summary"])
    fields |= set(cli("list", "--json").json[0])

    for field in fields:
        assert f"`{field}`" in page or f".{field}`" in page, field


def test_the_stock_tools_are_here() -> None:
    for tool in ("tar", "sha256sum", "bash"):
        assert shutil.which(tool), tool
