"""INI files to load, in an empty folder."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.settings import Settings
from glacier_backup.errors import ConfigError


class Desk:
    """A folder with an INI file in it, and a home folder beside it; nothing of the real environment."""

    def __init__(self, folder: Path) -> None:
        self.here = folder / "here"
        self.here.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self.file = str(self.here / "x.conf")

    @property
    def usual_folder(self) -> Path:
        return self.home / ".config/glacier_backup"

    @property
    def usual_file(self) -> Path:
        return self.usual_folder / "glacier_backup.conf"

    def write_usual(self, text: str) -> str:
        self.usual_folder.mkdir(parents=True, exist_ok=True)
        self.usual_file.write_text(text, encoding="utf-8")
        return str(self.usual_file)

    def write(self, text: str | bytes) -> str:
        Path(self.file).write_bytes(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text)
        return self.file

    def load(
        self,
        text: str | bytes | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        paths: Sequence[str] = (),
        needs_sections: bool = True,
    ) -> Settings:
        """What ``text`` says; without it, what is said without naming a file."""
        return load(
            None if text is None else self.write(text),
            overrides=overrides or {},
            environ={"HOME": str(self.home), **(environ or {})},
            paths=paths,
            needs_sections=needs_sections,
        )

    def problems(
        self,
        text: str | bytes | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        paths: Sequence[str] = (),
    ) -> list[str]:
        """What is wrong with it, with the folder's name taken away."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, overrides=overrides, environ=environ, paths=paths)
        assert caught.value.exit_code == 2
        return [str(problem).replace(f"{self.here}/", "") for problem in caught.value.problems]


def told(ask: Callable[[], str]) -> str:
    """The answer, or the problems that were raised instead."""
    try:
        return ask()
    except ConfigError as error:
        return str(error)


def in_home_of_user_database(name: str = "") -> str:
    """What is told without HOME: the path of ``name`` at home; of a user with no entry (in a container) no home is
    known."""
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "environment HOME: found nothing; expected your home folder"
    return os.path.normpath(os.path.join(home, name))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
