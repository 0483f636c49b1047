"""What a user has: directories that become archives, files, a whole tree, and something on a server; and what of it is
the same when it is back."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from tests.pack.packing import ODD_NAMES
from tests.roundtrip.forest import grow
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import url
from tests.roundtrip.trees import Looks, look
from tests.ssh_server.sshd import Sshd
from tests.streams import noise

DIRECTORIES = """
[{data}/archives]
upload_dirs = yes
upload_if_changed = yes
[{data}/single]
upload_single_dir = yes
"""

FEW = "[{data}]\nupload_dirs = yes\nupload_files = yes\nupload_if_changed = yes\n"
"""The section of what :func:`send_few` sends."""

LATEST = 2**63 - 1
"""The latest time, in ns since 1970, that a file which is sent as it is comes back with: in April 2262."""

As = Callable[[dict[str, Looks]], dict[str, Looks]]
"""What is compared of files that were sent as they are."""


def others(data: Path, sshd: Sshd) -> str:
    """Sections of everything but directories that become archives."""
    return f"""
[{data}/files]
upload_files = yes
[{data}/tree]
upload_tree = yes
[{url(sshd, data / "remote")}]
upload_dirs = yes
ssh_key = {sshd.key}
host_key = {sshd.host_key}
"""


def send_few(journey: Journey) -> None:
    """A directory of 10 MiB, and a small file: two archives."""
    for name, content in (("photos/2019/a.jpg", b"a"), ("photos/b.jpg", noise(10_500_000)), ("dump.sql", b"select")):
        path = journey.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    journey.sections(FEW)
    journey.back_up()


def grow_directories(data: Path, seed: int) -> None:
    (data / "archives").mkdir(parents=True)
    for number, name in enumerate(("photos", "a b", ODD_NAMES[seed % len(ODD_NAMES)])):
        grow(data / "archives" / name, seed * 10 + number, entries=20)
    grow(data / "single", seed * 10 + 4)


def grow_others(data: Path, seed: int, *, short: bool = False) -> None:
    """``short``: of the tree no path is longer than destinations can say."""
    for name in ("files", "tree", "remote"):
        (data / name).mkdir(parents=True)
    grow(data / "tree" / "top", seed * 10 + 5, entries=30, latest=LATEST, short=short)
    grow(data / "remote" / "their photos", seed * 10 + 6, plain=True)
    for number, name in enumerate(ODD_NAMES):
        file = data / "files" / name
        file.write_bytes(noise(number * 300, seed))
        file.chmod((0o600, 0o644, 0o755, 0o400)[number % 4])
        os.utime(file, ns=(0, number * 10**17 - 123_456_789))
    (data / "files" / "large").write_bytes(noise(5 * 2**20 + 3, seed))
    (data / "files" / "a link to a file").symlink_to(data / "files" / "large")


def check_directories(was: Path, back: Path) -> None:
    """Equal in every respect."""
    assert look(back / "single") == look(was / "single")
    assert os.listdir(was / "archives")
    for name in os.listdir(was / "archives"):
        assert look(back / "archives" / name) == look(was / "archives" / name), name


def check_others(was: Path, target: Path, data: Path, sshd: Sshd, as_tree: As = lambda looks: looks) -> None:
    """Likewise; ``was`` is where now lies what was sent from ``data``; ``as_tree`` what is told of a tree's files."""
    back = target / socket.gethostname() / str(data)[1:]
    assert as_tree(raw(look(back / "tree"))) == as_tree(raw(look(was / "tree")))
    files = raw(look(was / "files"))
    files["a link to a file"] = files["large"]._replace(same_as="a link to a file")
    assert raw(look(back / "files")) == files
    server = url(sshd, Path("/")).removeprefix("sftp://").rstrip("/")
    theirs = target / server / str(data)[1:] / "remote/their photos"
    assert look(theirs) == look(was / "remote/their photos")


def raw(looks: dict[str, Looks]) -> dict[str, Looks]:
    """What a file that is sent as it is has of its own: no owner, no attributes, no second name; and there are no
    directories, and nothing special, among such."""
    return {
        name: one._replace(mode=one.mode & 0o777, uid=0, gid=0, attributes=(), same_as=name)
        for name, one in looks.items()
        if one.type in "-l"
    }
