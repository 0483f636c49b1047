"""A directory that changes, and what it was each time that it was sent."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.cli.harness import Ran
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import url
from tests.roundtrip.trees import Looks, look
from tests.ssh_server.sshd import Sshd
from tests.streams import noise

NAMES = (
    "a",
    "a.d/b",
    "a.d/deep/er/c",
    "a.d/deep/x",
    "a-b",
    "dir/-rf",
    "dir/two words",
    "dir/line\nbreak",
    "dir/caf\udce9",
    "dir/sub/1",
    "dir/sub/2",
    "ä",
    "z/.glacier-backup-deleted",
)
"""Also such as sort otherwise than their paths do: a slash comes before all else."""

SECTION = "upload_single_dir = yes\nincremental = yes\nfull_every = none\n"


class Edit(NamedTuple):
    """One thing that somebody does."""

    what: str
    name: str
    to: str = ""
    size: int = 1_000


def here(data: Path) -> str:
    """A section for the directory as it lies on this machine."""
    return f"[{data}/home]\n{SECTION}"


def on_server(sshd: Sshd) -> Callable[[Path], str]:
    """One for the same as a server shows it."""
    login = f"ssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
    return lambda data: f"[{url(sshd, data / 'home')}]\n{SECTION}{login}"


def whole(found: Looks) -> object:
    """All that there is to be seen."""
    return found


def but_for_links(found: Looks) -> object:
    """All but which names are the same file: of one that an older archive has nobody knows that a new name is its."""
    return found._replace(same_as="")


def over_sftp(found: Looks) -> object:
    """What a server tells: whole seconds, and nothing of hard links."""
    return found._replace(mtime_ns=found.mtime_ns // 10**9, same_as="", attributes=())


class Then(NamedTuple):
    """One run, and what there was at its time."""

    time: str
    looks: dict[str, object]
    reason: str


@dataclass
class Folder:
    """It lies below the folder of a journey."""

    journey: Journey
    section_of: Callable[[Path], str] = here
    main: str = ""
    sees: Callable[[Looks], object] = whole
    ever: list[Then] = field(default_factory=list)
    clock: int = 1_600_000_000

    def __post_init__(self) -> None:
        self.journey.sections(self.section_of(self.journey.data), self.main)
        self.top.mkdir()

    @property
    def top(self) -> Path:
        return self.journey.data / "home"

    def edit(self, edits: Iterable[Edit]) -> None:
        """One after the other; what can't be done is left out."""
        for one in edits:
            self.clock += 2
            if (self.top / one.name).is_fifo():
                (self.top / one.name).unlink()  # or whoever writes to it, or links to it, would wait for a reader
            try:
                self._do(one, self.top / one.name, self.top / (one.to or one.name))
            except (FileExistsError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
                continue
            except OSError as error:
                if error.errno not in (22, 39):  # into itself, or not empty
                    raise

    def _do(self, edit: Edit, path: Path, to: Path) -> None:
        match edit.what:
            case "write":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(noise(edit.size, self.clock))
                os.utime(path, (self.clock, self.clock))
            case "same size":
                path.write_bytes(noise(path.stat().st_size, self.clock))
                os.utime(path, (self.clock, self.clock))
            case "delete":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            case "move":
                to.parent.mkdir(parents=True, exist_ok=True)
                path.rename(to)
            case "link":
                to.parent.mkdir(parents=True, exist_ok=True)
                to.symlink_to(edit.name)
            case "hard link":
                to.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, to)
            case "mode":
                path.chmod(path.stat().st_mode ^ 0o055)
            case "folder":
                if not path.is_dir():
                    path.unlink(missing_ok=True)
                path.mkdir(parents=True)
            case "file" if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
                path.write_bytes(b"was a folder")
            case "fifo":
                path.parent.mkdir(parents=True, exist_ok=True)
                os.mkfifo(path)

    def back_up(self, *argv: str) -> Ran:
        """One run, in which everything goes well."""
        time.sleep(0.02)  # what changed in the tick before is sent once more, and this isn't about that
        ran = self.journey("backup", "--json", *argv)
        assert ran.code == 0, ran
        (decision,) = ran.json["plan"]
        if decision["result"] == "sent":
            newest = self.journey("list", "--versions", "--json").json[-1]
            self.ever.append(Then(newest["time"], self.looks(self.top), decision["reason"]))
        return ran

    def looks(self, top: Path) -> dict[str, object]:
        return {name: self.sees(found) for name, found in look(top).items()}

    def check(self, target: Path, then: Then, *words: str) -> None:
        """All is back as it was, and nothing else."""
        target.parent.mkdir(parents=True, exist_ok=True)
        ran = self.journey.restore(target, *(words or (self.word,)), "--at", then.time)
        assert ran.code == 0, ran
        found = self.looks(target / "home")
        names = found.keys() | then.looks.keys()
        assert {name for name in names if found.get(name) != then.looks.get(name)} == set(), then.reason

    @property
    def word(self) -> str:
        return str(self.journey("list", "--versions", "--json").json[0]["path"])


def play(folder: Folder, rounds: Iterable[Iterable[Edit]], target: Path, *, often: bool = True) -> None:
    """Each round and a run after it; then everything comes back as of each of them, or of one and the last one."""
    for edits in rounds:
        folder.edit(edits)
        folder.back_up()
    for number, then in enumerate(folder.ever):
        if often or number in (1, len(folder.ever) - 1):
            folder.check(target / str(number), then)
