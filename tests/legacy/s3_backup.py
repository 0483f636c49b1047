"""Buckets as s3-backup 0.1.0 fills them, with its record, made by what is known of that program."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shlex
import sqlite3
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import StorageClassType

GROUP, DATA, NAME, SUB = "--group-files-smaller-than", "--data-xform", "--filename-xform", "--key-sub"


@dataclass
class _Item:
    key: str
    files: list[tuple[str, Path]]
    """Key and path of each that is in it."""
    is_zip: bool = False
    commands: list[tuple[str, str]] = field(default_factory=list)
    """Commands for its data, each with the key that it has then."""

    def hash(self) -> str:
        if not self.is_zip:
            return "{SHA256}" + hashlib.sha256(self.files[0][1].read_bytes()).hexdigest()
        whole = "".join(
            f"{key}\0{{SHA256}}{hashlib.sha256(path.read_bytes()).hexdigest()}\0" for key, path in self.files
        )
        return hashlib.sha256(whole.encode()).hexdigest()

    def metadata(self) -> dict[str, str]:
        if self.is_zip:
            listed = "".join(f"{key}\0{path.stat().st_size}\0" for key, path in self.files)
            found = {
                "num-items": str(len(self.files)),
                "list-hash": hashlib.sha256(listed.encode()).hexdigest(),
                "content-hash": self.hash(),
            }
        else:
            found = {"hash": self.hash()} | ({"size": str(self.files[0][1].stat().st_size)} if self.commands else {})
        return {"plaintext-" * len(self.commands) + name: value for name, value in found.items()}

    def data(self) -> bytes:
        data = self._zip() if self.is_zip else self.files[0][1].read_bytes()
        for command, key in self.commands:
            environ = os.environ | {"KEY": key}
            data = subprocess.run(
                ["/bin/bash", "-c", command], input=data, stdout=subprocess.PIPE, env=environ, check=True
            ).stdout
        return data

    def _zip(self) -> bytes:
        blob = io.BytesIO()
        with zipfile.ZipFile(blob, "w", compression=zipfile.ZIP_STORED) as made:
            for key, path in self.files:
                time = datetime.fromtimestamp(max(path.stat().st_mtime, 315532800), UTC)
                info = zipfile.ZipInfo(key, (time.year, time.month, time.day, time.hour, time.minute, time.second))
                made.writestr(info, path.read_bytes())
        return blob.getvalue()


class S3BackupRun:
    """That program with one directory, one bucket and one command line."""

    def __init__(
        self,
        directory: Path,
        aws: S3Client,
        bucket: str,
        cache_file: Path,
        filters: Sequence[tuple[str, ...]] = (),
        storage_class: StorageClassType = "STANDARD",
    ) -> None:
        self.directory, self.aws, self.bucket, self.cache_file = directory, aws, bucket, cache_file
        self.filters, self.storage_class = filters, storage_class

    def command_line(self) -> str:
        words = ["/usr/local/bin/s3-backup", "--storage-class", self.storage_class, "--cache-file", self.cache_file]
        words += [word for one in self.filters for word in one]
        return shlex.join(map(str, [*words, self.directory, self.bucket]))

    def __call__(self) -> dict[str, int]:
        """Send what is new or has other content, delete what is gone; how much of both."""
        cache = self._cache()
        done = {"sent": 0, "deleted": 0}
        items = self.items()
        for item in items:
            metadata = item.metadata()
            if cache.get(item.key, (0, {}))[1] != metadata:
                data = item.data()
                self.aws.put_object(
                    Bucket=self.bucket,
                    Key=item.key,
                    Body=data,
                    Metadata=metadata,
                    StorageClass=self.storage_class,
                )
                cache[item.key] = (len(data), metadata)
                done["sent"] += 1
        for key in cache.keys() - {item.key for item in items}:
            self.aws.delete_object(Bucket=self.bucket, Key=key)
            del cache[key]
            done["deleted"] += 1
        self._write(cache)
        return done

    def items(self) -> list[_Item]:
        """All that belongs in the bucket now."""
        paths = sorted(path for path in self.directory.rglob("*") if path.is_file())
        items = [
            _Item(str(path.relative_to(self.directory)), [(str(path.relative_to(self.directory)), path)])
            for path in paths
        ]
        for one in self.filters:
            items = self._filtered(one, items)
        return items

    def _filtered(self, one: tuple[str, ...], items: list[_Item]) -> list[_Item]:
        flag, *words = one
        if flag == GROUP:
            return _grouped(items, int(words[0]))
        for item in items:
            if flag == DATA:
                item.commands.append((words[0], item.key))
            elif flag == SUB:
                item.key = re.sub(words[0], words[1], item.key, count=1)
            else:
                environ = os.environ | {"KEY": item.key}
                item.key = subprocess.run(
                    ["/bin/bash", "-c", words[0]], input=item.key, stdout=subprocess.PIPE, text=True, env=environ
                ).stdout
        for item in items:
            if not item.is_zip:
                item.files = [(item.key, path) for _, path in item.files]
        return [item for item in items if item.key]

    def _cache(self) -> dict[str, tuple[int, dict[str, str]]]:
        if not self.cache_file.exists():
            return {}
        with closing(sqlite3.connect(self.cache_file)) as database:
            found: dict[str, tuple[int, dict[str, str]]] = {
                key: (size, {}) for key, size in database.execute("SELECT key, size FROM s3_object_info")
            }
            for key, name, value in database.execute("SELECT key, name, value FROM s3_metadata"):
                found[key][1][name] = value
        return found

    def _write(self, cache: Mapping[str, tuple[int, Mapping[str, str]]]) -> None:
        now = int(datetime.now(UTC).timestamp())
        times = {}
        if self.cache_file.exists():
            with closing(sqlite3.connect(self.cache_file)) as database:
                times = dict(database.execute("SELECT key, mtime FROM s3_object_info").fetchall())
        self.cache_file.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.cache_file)) as database, database:
            database.execute("CREATE TABLE s3_object_info (key TEXT PRIMARY KEY NOT NULL, size INTEGER, mtime INTEGER)")
            database.execute("CREATE TABLE s3_metadata (key TEXT, name TEXT, value TEXT, PRIMARY KEY(key, name))")
            rows = [(key, size, times.get(key, now)) for key, (size, _) in cache.items()]
            database.executemany("INSERT INTO s3_object_info VALUES (?, ?, ?)", rows)
            said = [(key, name, value) for key, (_, metadata) in cache.items() for name, value in metadata.items()]
            database.executemany("INSERT INTO s3_metadata VALUES (?, ?, ?)", said)


def as_version_1(cache_file: Path) -> None:
    """The record as an older version of the program left it."""
    with closing(sqlite3.connect(cache_file)) as database, database:
        database.execute(
            "CREATE TABLE s3_cache (key TEXT, size INTEGER, mtime INTEGER, plaintext_size, plaintext_hash)"
        )
        database.execute(
            "INSERT INTO s3_cache SELECT key, size, mtime, size, (SELECT value FROM s3_metadata AS said "
            "WHERE said.key = s3_object_info.key AND name = 'hash') FROM s3_object_info"
        )
        database.execute("DROP TABLE s3_object_info")
        database.execute("DROP TABLE s3_metadata")


def _grouped(items: list[_Item], threshold: int) -> list[_Item]:
    """The slow way: for each prefix from the longest on, all that is below it and isn't in a group yet."""
    large = [one for one in items if one.files[0][1].stat().st_size >= threshold]
    left = {one.key: one.files[0][1] for one in items if one not in large}
    groups: dict[str, list[str]] = {}
    prefixes = {key[:end] for key in left for end in range(1, len(key))}
    branching = {
        prefix
        for prefix in prefixes
        if prefix in {key[:-1] for key in left}
        or len({key[len(prefix)] for key in left if key.startswith(prefix) and len(key) > len(prefix)}) > 1
    }
    for prefix in sorted(branching, key=len, reverse=True):
        below = [key for key in left if key.startswith(prefix) and len(key) > len(prefix)]
        taken = {key for keys in groups.values() for key in keys}
        below = [key for key in below if key not in taken]
        if below and sum(left[key].stat().st_size for key in below) >= threshold:
            groups[prefix] = below
    taken = {key for keys in groups.values() for key in keys}
    if rest := [key for key in left if key not in taken]:
        groups[""] = rest
    zips = [
        _Item(f"{prefix}*~.zip", [(key, left[key]) for key in sorted(keys)], is_zip=True)
        for prefix, keys in groups.items()
    ]
    return large + zips
