"""What is loaded, and when."""

from __future__ import annotations

import gc
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from glacier_backup.cli.loading import loading


def loaded(*arguments: str | Path) -> set[str]:
    """The modules that a command line has loaded when it ends well."""
    script = "import sys; from glacier_backup.cli.main import main; code = main(sys.argv[1:]); print(); "
    end = "print(*sys.modules); sys.exit(code)"
    command = [sys.executable, "-c", script + end, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {*done.stdout.splitlines()[-1].split()}


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "letter").write_text("dear")
    (tmp_path / "there").mkdir()
    ini = tmp_path / "run.ini"
    ini.write_text(f"[main]\ndestination = {tmp_path}/there\n[{tmp_path}/docs]\nupload_files = yes\n")
    return ini


def test_help_and_version_load_next_to_nothing() -> None:
    for option in ("--version", "--help"):
        script = f"import sys; from glacier_backup.cli.main import main; main(['{option}'])"
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", script], capture_output=True, text=True, check=True
        )
        names_loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        ours = {name for name in names_loaded if name.startswith("glacier_backup")}
        names = ("cli", "cli.legacy", "cli.main", "cli.parser", "display", "errors")
        assert ours <= {"glacier_backup", *(f"glacier_backup.{name}" for name in names)}
        assert "dataclasses" not in names_loaded


def test_a_run_that_finds_nothing_to_do_loads_nothing_that_packs_seals_sends_or_restores(ini: Path) -> None:
    sends = {"glacier_backup.pack.raw", "glacier_backup.workflow.sending.send"}
    assert sends <= loaded("-c", ini)

    modules = loaded("-c", ini)

    assert "glacier_backup.workflow.backup" in modules
    assert not sends & modules
    rooms = {name.removeprefix("glacier_backup.") for name in modules if name.startswith("glacier_backup.")}
    assert not {name for name in rooms if name.startswith(("pack.tar", "pack.un", "seal.age", "seal.gpg", "ssh."))}
    assert not {"boto3", "asyncssh", "rich", "cryptography", "zstandard", "dateutil"} & modules


def test_what_was_loaded_is_looked_through_no_more_and_the_collector_goes_on_whatever_happens() -> None:
    collects = []
    with pytest.raises(ModuleNotFoundError), loading():  # noqa: PT012  # it is what is tried
        collects.append(gc.isenabled())
        import_module("glacier_backup.nowhere")

    assert [*collects, gc.isenabled()] == [False, True]
    assert gc.get_freeze_count() > 0
