"""A stand-in for pyArchiver, made by the facts of what it does: it scans a directory, packs what is new, changed or
renamed into tars, and keeps its record."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
import tarfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.config.pyarchiver_files import LOCAL, SERVER, ini

PASSWORD = "pass wörd"
FIRST = "20200101-000000"

State = dict[str, dict[str, object]]


def encrypted(content: bytes, password: str = PASSWORD, salt: bytes = b"8 bytes.") -> bytes:
    """The counter, random for each tar, the salt, the same for all of a run, and the rest, AES-128-CTR."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    counter = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha1", password.encode("latin-1"), salt, 1000, 16)
    cipher = Cipher(AES(key), CTR(counter)).encryptor()
    return counter + salt + cipher.update(content)


def gzipped_tar(add: Callable[[tarfile.TarFile], None]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        add(tar)
    return packed.getvalue()


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """One that nobody's honest program has made."""

    def add(tar: tarfile.TarFile) -> None:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))

    return gzipped_tar(add)


def a_file(name: str, data: bytes = b"data", mtime: float = 1_600_000_000.5) -> tuple[tarfile.TarInfo, bytes]:
    """One member."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(data), mtime
    return info, data


def a_link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    """One member that has no content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@dataclass
class PyArchiver:
    """One archive."""

    record: Path
    """Its file NAME.archive."""
    directory: Path
    folder: Path
    """Where the tars are put, as seen from here."""
    name: str = "photos"
    password: str = ""
    version: int | None = 2
    size_tar: int = 512 * 1024 * 1024
    exclude: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of a server, as the ini file has them; none: a directory here."""

    def start(self, stamp: str = FIRST, *, fails: Callable[[str], bool] = lambda tar: False) -> list[str]:
        """Make the record, and store everything; ``fails`` says which tars are not stored. Names of tars."""
        self._make()
        return self.resume(stamp, fails=fails)

    def resume(self, stamp: str, *, fails: Callable[[str], bool] = lambda tar: False, dies: bool = False) -> list[str]:
        """Scan, and store what is new, changed or pending. With ``dies`` it does so between its two steps."""
        before, now = self._state(), self._scan()
        wanted = [name for name, seen in now.items() if before.get(name, {}).get("hash") != seen["hash"]]
        wanted = [name for name in wanted if not (self.exclude and re.search(self.exclude, name))]
        with closing(sqlite3.connect(self.record)) as database, database:
            database.execute("DELETE FROM json")
            database.execute("INSERT INTO json VALUES (?)", (self._json(now).encode(),))
        if dies:
            return []
        self._add_pending(wanted)
        return self._send(stamp, fails)

    def put(self, name: str, tar: bytes) -> None:
        """Store that as a tar of this name, and note it."""
        (self.folder / name).write_bytes(encrypted(tar, self.password) if self.password else tar)
        with closing(sqlite3.connect(self.record)) as database, database:
            database.execute("INSERT INTO tars VALUES (?)", (name,))

    def tar_name(self, stamp: str, index: int = 0) -> str:
        return f"ARCHIVE_{self.name}_{stamp}_{index:06}.tar.gz" + (".aes" if self.password else "")

    def pending(self) -> list[str]:
        with closing(sqlite3.connect(self.record)) as database:
            return [path for (path,) in database.execute("SELECT path FROM files_to_archive ORDER BY path")]

    def tars(self) -> list[Path]:
        return sorted(self.folder.glob("ARCHIVE_*"))

    def text(self) -> str:
        """The ini file."""
        return ini(
            SERVER if self.settings else LOCAL,
            Archive_directory=f'"{self.directory}"',
            Archive_name=self.name,
            Archive_exclude=self.exclude,
            Tar_size_tar="512",
            Tar_ciphered="yes" if self.password else "no",
            Tar_password=self.password.replace("%", "%%"),
            **({} if self.settings else {"Local_dir": f'"{self.folder}"'}),
            **self.settings,
        )

    def _make(self) -> None:
        hashed = "" if self.version is None else "hash INTEGER PRIMARY KEY, "
        with closing(sqlite3.connect(self.record)) as database, database:
            database.execute("CREATE TABLE json (state_dir BLOB)")
            database.execute("CREATE TABLE config (ini TEXT)")
            database.execute("INSERT INTO config VALUES (?)", (self.text(),))
            database.execute(f"CREATE TABLE files_to_archive ({hashed}path TEXT, size INTEGER)")
            database.execute("CREATE TABLE tars (path TEXT)")
            database.execute(f"CREATE TABLE tars_to_fetch ({hashed}path TEXT)")
            database.execute("CREATE TABLE cipher (type TEXT, key TEXT)")
            database.execute("INSERT INTO cipher VALUES (?, ?)", ("aes" if self.password else "dummy", self.password))
            if self.version is not None:
                database.execute("CREATE TABLE version (version INTEGER PRIMARY KEY)")
                database.execute("INSERT INTO version VALUES (?)", (self.version,))

    def _scan(self) -> State:
        """Of regular files, and of symlinks to such as what they lead to."""
        found: State = {}
        for path in sorted(one for one in self.directory.rglob("*") if one.is_file()):
            seen = path.stat()
            look = f"{int(seen.st_mtime):x}{seen.st_size:x}"
            name = str(path.relative_to(self.directory))
            found[name] = {"hash": look, "last_modified": int(seen.st_mtime), "size": seen.st_size}
        return found

    def _json(self, state: State) -> str:
        kind = {"generator": "info.xtof.COMPARE_FOLDERS", "hash": "fast", "root": str(self.directory)}
        return json.dumps({**kind, "files": state})

    def _state(self) -> State:
        with closing(sqlite3.connect(self.record)) as database:
            row = database.execute("SELECT state_dir FROM json").fetchone()
        files: State = json.loads(row[0])["files"] if row else {}
        return files

    def _add_pending(self, names: Iterable[str]) -> None:
        sizes = [(os.stat(self.directory / name).st_size, name) for name in names]
        with closing(sqlite3.connect(self.record)) as database, database:
            known = {path for (path,) in database.execute("SELECT path FROM files_to_archive")}
            rows = [(name, size) for size, name in sizes if name not in known]
            if self.version is None:
                database.executemany("INSERT INTO files_to_archive VALUES (?, ?)", rows)
            else:
                hashed = [(hash(name) % 2**62, name, size) for name, size in rows]
                database.executemany("INSERT INTO files_to_archive VALUES (?, ?, ?)", hashed)

    def _send(self, stamp: str, fails: Callable[[str], bool]) -> list[str]:
        sent = []
        for index, names in enumerate(self._packs()):
            tar = self.tar_name(stamp, index)
            if fails(tar):
                continue
            self.put(tar, gzipped_tar(lambda archive, names=names: self._pack(archive, names)))  # type: ignore[misc]  # mypy knows no default there
            with closing(sqlite3.connect(self.record)) as database, database:
                rows = [(name,) for name in names]
                database.executemany("DELETE FROM files_to_archive WHERE path = ?", rows)
            sent.append(tar)
        return sent

    def _packs(self) -> list[list[str]]:
        """A tar is closed as soon as it is larger than it may be."""
        packs: list[list[str]] = []
        total = self.size_tar + 1
        for name in self.pending():
            if total > self.size_tar:
                packs.append([])
                total = 0
            packs[-1].append(name)
            total += (self.directory / name).stat().st_size
        return packs

    def _pack(self, archive: tarfile.TarFile, names: Iterable[str]) -> None:
        for name in names:
            archive.add(f"{self.directory}/{name}", recursive=False)
