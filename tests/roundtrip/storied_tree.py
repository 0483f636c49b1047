"""A whole tree that changes between runs, with what is set changing too, and what should come back of it: after each
run what there is, or ever was, and at any time later what there was then."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.roundtrip.story_options import Options
from tests.streams import noise


class Edit(NamedTuple):
    """One thing that somebody does; what can't be done is left out."""

    what: str
    name: str
    to: str = ""
    size: int = 700


class Seen(NamedTuple):
    """A file, or a link."""

    type: str
    content: bytes
    """Of a link its target."""
    mtime_ns: int
    mode: int
    """Of a link 0."""


class Due(NamedTuple):
    """What should come back of one path. A time that was only noted doesn't, and permissions alone are no change: so
    there may be several."""

    type: str
    content: bytes
    times: frozenset[int]
    modes: frozenset[int]

    def fits(self, seen: Seen, *, timed: bool) -> bool:
        same = (self.type, self.content) == (seen.type, seen.content)
        return same and (not timed or (seen.mtime_ns in self.times and seen.mode in self.modes))


class Then(NamedTuple):
    """What should come back of a time right after a run."""

    time: str
    due: dict[str, Due]


class Did(NamedTuple):
    """What a run has done, in which everything went well."""

    sent: list[str]
    """Paths, of groups as such."""
    expired: int


class Way(Protocol):
    """How runs are made."""

    @property
    def top(self) -> Path:
        """The tree."""
        ...

    def back_up(self, options: Options, limit: int | None = None) -> Did: ...

    def restore(self, target: Path, at: str | None) -> None:
        """All of the newest, or of what was that at a time in ISO format, into an empty folder that isn't there."""
        ...

    def check(self) -> None:
        """That the catalog fits together."""
        ...


@dataclass
class StoriedTree:
    """The tree, and all that is known of it."""

    way: Way
    options: Options = field(default_factory=Options)
    due: dict[str, Due] = field(default_factory=dict)
    ever: list[Then] = field(default_factory=list)
    clock: int = 1_600_000_000
    _some: dict[str, Due] = field(default_factory=dict)
    """What would be due if all was sent by the run in front of the next one."""

    def __post_init__(self) -> None:
        self.top.mkdir(exist_ok=True)
        self.write("always", size=3_000)  # what is empty deletes nothing

    @property
    def top(self) -> Path:
        return self.way.top

    def write(self, *names: str, size: int = 700) -> None:
        self.edit(Edit("write", name, size=size) for name in names)

    def edit(self, edits: Iterable[Edit]) -> None:
        for one in edits:
            self.clock += 1
            with suppress(OSError):
                self._do(one, self.top / one.name, self.top / (one.to or one.name))

    def _do(self, edit: Edit, path: Path, to: Path) -> None:
        now = self.clock * 10**9 + self.clock % 10**9
        match edit.what:
            case "write":
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_symlink():
                    path.unlink()
                path.write_bytes(noise(edit.size, self.clock))
                os.utime(path, ns=(0, now))
            case "same size" if not path.is_symlink():
                path.write_bytes(noise(path.stat().st_size, self.clock))
                os.utime(path, ns=(0, now))
            case "touch":
                path.lstat()
                os.utime(path, ns=(0, now), follow_symlinks=False)
            case "backdate":
                path.lstat()
                os.utime(path, ns=(0, now - 10**17), follow_symlinks=False)
            case "delete":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            case "move":
                to.parent.mkdir(parents=True, exist_ok=True)
                path.rename(to)
            case "link":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(self.top / "always")
                os.utime(path, ns=(0, now), follow_symlinks=False)
            case "mode" if not path.is_symlink() and path.is_file():
                path.chmod(path.stat().st_mode ^ 0o055)
            case "folder":
                if not path.is_dir():
                    path.unlink(missing_ok=True)
                (path / "in it").mkdir(parents=True)
            case "file" if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
                path.write_bytes(b"was a folder")
                os.utime(path, ns=(0, now))

    def back_up_some(self) -> None:
        """A run that leaves most to the next one, if there is to be such a run."""
        if self.options.expire and self.options.limit is not None:
            self.way.back_up(self.options, self.options.limit)
            self._some = {name: due_of(seen, self.due.get(name)) for name, seen in self._there().items()}

    def back_up(self) -> Did:
        """One run, after which what is due is known."""
        did = self.way.back_up(self.options)
        self._learn()
        time.sleep(0.002)  # times are told by whole milliseconds
        self.ever.append(Then(datetime.now(UTC).isoformat(), dict(self.due)))
        return did

    def _learn(self) -> None:
        """What should come back from now on."""
        there = self._there()
        met = {name: seen for name, seen in there.items() if not self.is_left_out(name, seen)}
        kept = {name: due for name, due in self.due.items() if name not in met}
        if self.options.expire:
            kept = {name: due for name, due in kept.items() if name in there}
        self.due = kept | {
            name: due_of(seen, self.due.get(name), self._some.pop(name, None)) for name, seen in met.items()
        }

    def _there(self) -> dict[str, Seen]:
        return look(self.top, follow=self.options.symlinks == "follow")

    def is_left_out(self, name: str, seen: Seen) -> bool:
        return (self.options.no_temporary and name.endswith(".tmp")) or (
            seen.type == "l" and self.options.symlinks == "skip"
        )

    def wrong(self, target: Path, then: Then | None = None, *, timed: bool = True) -> dict[str, object]:
        """What a restore brings back otherwise than it should: of now, or of some time before. ``timed``: with times
        and permissions."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.way.restore(target, then and then.time)
        found = look(target)
        shutil.rmtree(target)
        above = f"{self.top}/"[1:]
        there = {name.partition(above)[2] or name: seen for name, seen in found.items()}
        return differences(there, self.due if then is None else then.due, timed=timed)


def due_of(seen: Seen, *before: Due | None) -> Due:
    """After a run that has met it, where that may have been due before."""
    same = [one for one in before if one is not None and (one.type, one.content) == (seen.type, seen.content)]
    return Due(
        seen.type,
        seen.content,
        frozenset([seen.mtime_ns]).union(*(one.times for one in same)),
        frozenset([seen.mode]).union(*(one.modes for one in same)),
    )


def look(top: Path, *, follow: bool = False) -> dict[str, Seen]:
    """Files and links by their names below ``top``; with ``follow`` a link is what it leads to."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not follow:
                seen = Seen("l", os.fsencode(os.readlink(path)), path.lstat().st_mtime_ns, 0)
            elif path.is_file():
                seen = Seen("f", path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode & 0o777)
            else:
                continue
            found[str(path.relative_to(top))] = seen
    return found


def landed(name: str, due: Mapping[str, Due]) -> str:
    """What it is called when it is back: where a file was in place of a directory both can't have the name."""
    *folders, last = name.split("/")
    above = ["/".join(folders[:depth]) for depth in range(1, len(folders) + 1)]
    return "/".join([f"{folder}{'~' * (at in due)}" for folder, at in zip(folders, above, strict=True)] + [last])


def differences(there: Mapping[str, Seen], due: Mapping[str, Due], *, timed: bool) -> dict[str, object]:
    """What isn't as it should be."""
    due = {landed(name, due): one for name, one in due.items()}
    found: dict[str, object] = {name: "missing" for name in due if name not in there}
    found |= {name: "too much" for name in there if name not in due}
    return found | {
        name: (there[name], one)
        for name, one in due.items()
        if name in there and not one.fits(there[name], timed=timed)
    }
