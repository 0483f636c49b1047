"""A prefix of a bucket as a trial's destination: a store of others, or moto's, behind a proxy that keeps a journal.

The proxy hands on only what came whole, as S3 does: what a dead program was about to send is not carried out.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from glacier_backup.destination import s3
from glacier_backup.model.key_reading import label_of_key
from glacier_backup.model.naming import MANIFEST, TIME
from glacier_backup.units import MIB, now
from tests.crash.scenario import BUCKET_OPERATIONS, Gap, Scenario
from tests.crash.stage import Allowed, Alone, Stored, is_no_archive
from tests.s3_servers.between import Answer, Asked, Between, Rule, trouble

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PREFIX = "backups/here"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
REGION = "us-east-1"
_QUIET = 0.03
"""Seconds without a request: what is in a socket's buffer would have been taken from there."""


class CrashBetween(Between):
    """Notes each request when it begins to deal with it, in a file and for the stage."""

    def __init__(self, server: str, journal: Path) -> None:
        super().__init__(server)
        self.journal = journal
        self.carried_out: Counter[tuple[str, str, str, int]] = Counter()
        """How often the server did it and said so: operation, key, upload and part."""
        self.answered: Counter[tuple[str, str, str, int]] = Counter()
        """Likewise, and no fault kept it from the program."""
        self._spoiled: set[int] = set()
        self._busy = 0
        self._last = 0.0
        self._noting = threading.Lock()
        self.rules.append(self._note)
        # A program that is killed resets its connections: no news.
        self._http.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        journal.touch()

    def __enter__(self) -> CrashBetween:
        super().__enter__()
        return self

    def trouble(self, rule: Rule | None) -> None:
        """Have these faults from now on, or none."""

        def spoiling(asked: Asked) -> Answer | None:
            answer = None if rule is None else rule(asked)
            if answer is not None and answer.code == "RequestTimeout" and not asked.body:
                return None  # S3 only says so to who is slow with a body
            if answer is not None:
                self._spoiled.add(id(asked))
            return answer

        self.rules[1:] = [spoiling]

    def forget(self) -> None:
        """What was seen so far was another trial."""
        for seen in (self.carried_out, self.answered, self.asked):
            seen.clear()

    def settle(self) -> None:
        """Wait until all that was asked is dealt with."""
        while self._busy or time.monotonic() - self._last < _QUIET:
            time.sleep(_QUIET / 3)

    def _note(self, asked: Asked) -> None:
        with self.journal.open("a") as file:
            file.write(json.dumps({"operation": asked.operation, "key": asked.key}) + "\n")

    def _serve(self, client: BaseHTTPRequestHandler) -> None:
        with self._noting:
            self._busy += 1
        try:
            super()._serve(client)
        finally:
            with self._noting:
                self._busy -= 1
                self._last = time.monotonic()

    def _forward(self, client: BaseHTTPRequestHandler, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
        answer = super()._forward(client, asked)
        given = parse_qs(urlsplit(client.path).query)
        what = asked.operation, asked.key, given.get("uploadId", [""])[0], int(given.get("partNumber", ["0"])[0])
        with self._noting:
            spoiled = id(asked) in self._spoiled
            self._spoiled.discard(id(asked))
            if answer[0] < 300:
                self.carried_out[what] += 1
                self.answered[what] += not spoiled
        return answer


class BucketStage(Alone):
    """A new bucket, which has nobody else's faults meanwhile. What is stored is read as another program reads it."""

    least = s3.LIMITS.least
    part_sizes = (8 * MIB, 16 * MIB, 32 * MIB)
    large: Mapping[str, int] = {"in parts.bin": 16 * MIB + 1, "in equal parts.bin": 24 * MIB}
    operations = BUCKET_OPERATIONS
    environ = KEYS

    def __init__(self, between: CrashBetween, server: str, root: Path | None, name: str, scratch: Path) -> None:
        """``root``: the folder that has a folder for each bucket, where the server keeps files."""
        self.between = between
        self.server = server
        self.root = root
        self.bucket = name
        self.scratch = scratch
        self.journal = str(between.journal)

    @property
    def main(self) -> str:
        return (
            f"destination = s3://{self.bucket}/{PREFIX}\nregion = {REGION}\nstorage_class = STANDARD\n"
            f"endpoint_url = {self.between.endpoint}\n"
        )

    def begin(self, scenario: Scenario) -> None:
        self.between.forget()
        with closing(self.aws()) as aws:
            aws.create_bucket(Bucket=self.bucket)
        variant = scenario.variant
        self.between.trouble(trouble(scenario.seed, variant.rate) if variant.rate else None)

    def settle(self) -> None:
        self.between.settle()

    def gap(self, gap: Gap, pick: float) -> str:
        return gap

    def stored(self) -> list[Stored]:
        """By its manifests, for those are written last."""
        self.scratch.mkdir(exist_ok=True)
        with closing(self.aws()) as aws:
            keys = self._keys(aws)
            manifests = sorted((key for key in keys if key.endswith(MANIFEST)), key=lambda key: key.rpartition("/")[2])
            found = [(key, _archive_of(key, keys)) for key in manifests]
            told = [self._fetched(aws, key, manifest) for manifest, key in found if key in keys]
            alone = sorted(self._of_tree(keys - {one.locator for one in told}))
            return told + [self._fetched(aws, key, path=path) for key, path in alone]

    def _of_tree(self, keys: Collection[str]) -> Iterator[tuple[str, str]]:
        """What went in one request has no manifest if it is of a tree: its key tells its path."""
        for key in keys if self.by_prefix else ():
            label = label_of_key(key.removeprefix(f"{PREFIX}/"), now())
            if label is not None and label.fixed_key is not None and not key.endswith(MANIFEST):
                yield key, label.path

    def _fetched(self, aws: S3Client, key: str, manifest_key: str = "", path: str = "") -> Stored:
        if not path:
            manifest = json.loads(aws.get_object(Bucket=self.bucket, Key=manifest_key)["Body"].read())
            path = str(manifest["path"])
        file = self.scratch / key.replace("/", "~")[-200:]
        aws.download_file(self.bucket, key, str(file))
        return Stored(key, path, file)

    def rest(self) -> Iterator[str]:
        with closing(self.aws()) as aws:
            keys = self._keys(aws)
            for upload in self._uploads(aws):
                yield f"an upload of {upload} is open"
        archives = {_archive_of(key, keys) for key in keys if key.endswith(MANIFEST)}
        archives |= {key for key, _ in self._of_tree(keys)}
        for key in sorted(keys):
            if key.endswith(MANIFEST) and _archive_of(key, keys) not in keys:
                yield f"{key} is left over"
            if not key.endswith(MANIFEST) and key not in archives and not _is_no_archive(key):
                yield f"{key} has no manifest"

    def keys(self) -> set[str]:
        """Of all objects; what goes along with archives left out."""
        with closing(self.aws()) as aws:
            return {key for key in self._keys(aws) if not _is_no_archive(key)}

    def fetched(self, key: str) -> Path:
        """A copy of an object."""
        self.scratch.mkdir(exist_ok=True)
        file = self.scratch / key.replace("/", "~")[-200:]
        with closing(self.aws()) as aws:
            aws.download_file(self.bucket, key, str(file))
        return file

    def open_uploads(self) -> Iterator[str]:
        with closing(self.aws()) as aws:
            for upload in self._uploads(aws):
                yield f"an upload of {upload} is open"

    def traffic(self) -> object:
        writing = ("PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "DeleteObject")
        return [operation for operation in self.between.operations() if operation in writing]

    def repeats(self) -> Iterator[str]:
        """Parts of one upload, and objects, that came again though no fault had kept their answer from the program."""
        for (operation, key, upload, part), count in sorted(self.between.answered.items()):
            # Of manifests the first of a run is sent twice, to see what the store makes of it.
            if _is_no_archive(key):
                continue
            if operation == "UploadPart" or (operation == "PutObject" and not key.endswith(MANIFEST)):
                what = f"part {part} of {key} (upload {upload[:12]}…)" if upload else key
                yield from [f"{what} came again"] * (count - 1)

    def starts(self) -> Counter[str]:
        begun: dict[str, set[str]] = defaultdict(set)
        for operation, key, upload, _ in self.between.carried_out:
            if operation in ("UploadPart", "PutObject") and not key.endswith(MANIFEST) and not _is_no_archive(key):
                begun["/" + key.removeprefix(f"{PREFIX}/").partition("/")[2].rpartition("/")[0]].add(f"{upload} {key}")
        return Counter({path: len(uploads) for path, uploads in begun.items()})

    def allowed(self) -> Allowed:
        return Allowed(Counter())

    def remove(self) -> None:
        self.between.trouble(None)
        shutil.rmtree(self.scratch, ignore_errors=True)
        if self.root is not None:
            # rclone has been seen never to answer when it was asked to delete all, one after the other.
            shutil.rmtree(self.root / self.bucket)
            return
        with closing(self.aws()) as aws:
            for key in self._keys(aws):
                aws.delete_object(Bucket=self.bucket, Key=key)
            aws.delete_bucket(Bucket=self.bucket)

    def aws(self) -> S3Client:
        """A client of others, straight to the server."""
        import boto3
        from botocore.config import Config

        checksums = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
        return boto3.client(
            "s3",
            region_name=REGION,
            endpoint_url=self.server,
            config=checksums,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def _keys(self, aws: S3Client) -> set[str]:
        return {one["Key"] for one in aws.list_objects_v2(Bucket=self.bucket).get("Contents", [])}

    def _uploads(self, aws: S3Client) -> list[str]:
        try:
            return [one["Key"] for one in aws.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])]
        except aws.exceptions.NoSuchUpload:
            return []  # what rclone's says where there never was one


def _archive_of(manifest: str, keys: Collection[str]) -> str:
    """That of the first version of a file of a tree has a time that its file doesn't have."""
    key = manifest.removesuffix(MANIFEST)
    return key if key in keys else re.sub(rf"~{TIME}\Z", "", key)


def _is_no_archive(key: str) -> bool:
    return is_no_archive(key.removeprefix(f"{PREFIX}/"))
