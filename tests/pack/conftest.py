"""Other tars on the PATH, and other users."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacier_backup.pack.gnu_tar import find_gnu_tar
from glacier_backup.pack.tar import TarPacker
from tests.lacking import lacking
from tests.pack.here import TarPackerHere
from tests.permissions import without_privilege

_CAPABILITIES = "-dac_override,-dac_read_search"


@pytest.fixture(params=[TarPacker, TarPackerHere], ids=["GNU tar", "here"])
def tar(request: pytest.FixtureRequest) -> TarPacker:
    """Each of the two that make tars of what lies on this machine."""
    packer: TarPacker = request.param()
    return packer


InFrontOfTar = Callable[[str], None]


@pytest.fixture
def in_front_of_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InFrontOfTar:
    """Lets a few lines of shell run before the real tar, of which ``exec $TAR "$@"`` becomes."""
    real = find_gnu_tar()
    if real is None:
        lacking("there is no GNU tar")

    def install(lines: str) -> None:
        folder = tmp_path / "in front of tar"
        folder.mkdir()
        script = folder / "tar"
        # dash can't name the program it becomes; tar is found by that name on another PATH instead.
        script.write_text(f'#!/bin/sh\nPATH={os.path.dirname(real)}:/usr/bin:/bin\nTAR=tar\n{lines}\nexec $TAR "$@"\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return install


@pytest.fixture
def tar_without_privilege(in_front_of_tar: InFrontOfTar) -> None:
    """Permissions hold for tar, even when the tests are run by root."""
    if os.geteuid() != 0:
        return
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv (util-linux) is missing")
    in_front_of_tar(f"TAR='setpriv --bounding-set={_CAPABILITIES} --inh-caps={_CAPABILITIES} tar'")


@pytest.fixture
def unprivileged(request: pytest.FixtureRequest, tar: TarPacker) -> Iterator[TarPacker]:
    """Each of the two, and permissions hold for it, even when the tests are run by root."""
    if isinstance(tar, TarPackerHere):
        with without_privilege():
            yield tar
        return
    request.getfixturevalue("tar_without_privilege")
    yield tar


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder for thousands of files: in memory, where there is such a file system, for a disk may be slow."""
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)
