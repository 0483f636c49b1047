"""What the documentation says is what the program does."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.cli.parser import VERBS
from tests.cli.harness import REPOSITORY, Cli

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


def test_the_first_restore_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    for file in ("photos/2026/one.jpg", "photos/2025/two.jpg"):
        (home / file).parent.mkdir(parents=True)
        (home / file).write_text(file)
    ini = home / ".config/glacier_backup/glacier_backup.conf"
    ini.parent.mkdir(parents=True)
    ini.write_text(f"[main]\ndestination = {tmp_path}/disk\n[{home}/photos]\nupload_dirs = yes\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)
    bash(".venv/bin/glacier-backup", tmp_path, HOME=str(home))

    out = bash(block("restore ~/photos"), tmp_path, HOME=str(home))

    assert "photos/2026/one.jpg" in out
    assert "2 to bring back" in out
    assert (home / "restored/photos/2025/two.jpg").read_text() == "photos/2025/two.jpg"
    assert len(list((home / "restored").iterdir())) == 1
    bash(block("--sample"), tmp_path, HOME=str(home))


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
