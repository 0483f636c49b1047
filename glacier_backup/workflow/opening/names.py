"""What the name of a file tells of the archive that it belongs to, whoever made it.

=====================================================  ===============================================================
``NAME.zst.v001.age`` and the like                      ours: see :mod:`glacier_backup.model.suffixes`
``PREFIX*~.zip``, ``PREFIX*~2.zip``                    ours: files that were put together
``NAME.recipe.json``, ``NAME~<UTC time>.recipe.json``   our manifests; ``.age`` and so on behind it: sealed
``NAME-part-aaaaaa``                                    zfs-to-aws: a stream, encrypted by openssl, then cut by split
``ARCHIVE_NAME_20200101-000000_000000.tar.gz[.aes]``    pyArchiver: one of many tars, perhaps encrypted
``NAME.par2``, ``NAME.vol000+100.par2``                 parity of the file ``NAME``
=====================================================  ===============================================================
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from glacier_backup.model.archive import Role
from glacier_backup.model.pyarchiver import ENCRYPTED, parse_tar_name
from glacier_backup.model.recipe import Step, parse_compact
from glacier_backup.model.suffixes import OF_STEPS, parse_suffix, split_suffix

Maker = Literal["ours", "pyArchiver", "zfs-to-aws"]

SPLIT = Step("split")
"""Without its size, which no name tells."""

GROUP = re.compile(r"\*~[0-9]*(\.zip)(?:~[0-9]{8}T[0-9]{6}\.[0-9]{6}Z)?\Z")
"""How groups that go by a prefix end, and versions of them; what else is called so gets one ``~`` more. Other ZIPs are
files that were sent."""

_PARITY = re.compile(r"(.+?)(?:\.vol[0-9]{1,9}\+[0-9]{1,9})?\.par2", re.DOTALL)
_PART = re.compile(r"(.+)-part-([a-z]{2,12})", re.DOTALL)
_VERSION = re.compile(r"~[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")
_STEPS = {suffix: parse_compact(name)[0] for name, suffix in OF_STEPS.items()}


class Named(NamedTuple):
    """What a name tells."""

    archive: str
    """What all files of one archive have in common: the name without what tells them apart."""
    stem: str
    """The same without what sealing added: all of their names begin with it."""
    role: Role = "data"
    volume: int = 0
    """From 1; 0 where nothing was cut."""
    steps: tuple[Step, ...] = ()
    """Of data, how it was sealed, as far as the name tells; of a manifest, how that itself was."""
    maker: Maker = "ours"


def named(name: str) -> Named:
    """What ``name``, of a file without its folder, tells."""
    if match := _PARITY.fullmatch(name):
        return named(match[1])._replace(role="parity", steps=())
    if tar := parse_tar_name(name):
        steps = (_STEPS[".gz"], *([ENCRYPTED] if tar.is_encrypted else []))
        return Named(f"ARCHIVE_{tar.archive}", tar.archive or "pyArchiver", steps=steps, maker="pyArchiver")
    if match := _PART.fullmatch(name):
        return Named(match[1], match[1], volume=_number(match[2]), steps=(SPLIT,), maker="zfs-to-aws")
    if name.endswith(".aes") and len(name) > len(".aes"):
        inside = named(name.removesuffix(".aes"))
        return inside._replace(archive=name, steps=(*inside.steps, ENCRYPTED))
    stem, suffix = split_suffix(name)
    told = parse_suffix(suffix)
    if told is None:
        return Named(name, name)
    steps = _steps(suffix[suffix.find(MANIFEST) :] if told.role == "manifest" else suffix)
    return Named(stem + told.seal, stem, told.role, told.volume, steps)


def without_time(archive: str) -> str:
    """A manifest of a file of a whole tree has the time in its name, whether its file has or not: the name without."""
    return _VERSION.sub("", archive)


MANIFEST = ".recipe.json"


def _steps(suffix: str) -> tuple[Step, ...]:
    pieces = [f".{piece}" for piece in suffix.removeprefix(MANIFEST).split(".")[1:]]
    return tuple(_STEPS.get(piece, SPLIT) for piece in pieces)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("a")
    return number + 1
