"""Buckets as zfs-to-aws fills them, with its crontab and JSON file, made by the same stock tools: by what is known of
that program."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lacking import lacking

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ENCRYPT = ("openssl", "enc", "-aes-256-cbc", "-md", "sha512", "-pbkdf2", "-iter", "250000")
PASSWORD = 'a "pass", word} with ${everything}'


@dataclass
class ZfsToAwsRun:
    """What it does with one dataset."""

    folder: Path
    """Where it runs, and its files stay."""
    aws: S3Client
    bucket: str
    dataset: str = "photos"
    pool: str = "tank"
    password: str = PASSWORD
    part_size: int = 4 << 30
    prefix: str = ""
    """Of keys, with a slash at its end."""
    keeps: Callable[[str], bool] = field(default=lambda name: True)
    """Which files get as far as the bucket."""

    def __post_init__(self) -> None:
        for tool in ("openssl", "split", "par2create"):
            if shutil.which(tool) is None:
                lacking(f"{tool} is not installed")
        self.folder.mkdir(exist_ok=True)

    def baseline(self, day: str, stream: bytes) -> str:
        """As its README has it made by hand. Returns its folder in the bucket, with the slash at its end."""
        return self._send(stream, f"{self.dataset}-T{day}-part-", f"{self.dataset}/baseline-{day}/")

    def increment(self, base: str, day: str, stream: bytes) -> str:
        """The same of what its script sends."""
        span = f"F{base}-T{day}"
        return self._send(stream, f"{self.dataset}-{span}-part-", f"{self.dataset}/incrementals/{span}/")

    def mark(self, folder: str) -> None:
        """The object of no bytes that a console makes of a folder."""
        self.aws.put_object(Bucket=self.bucket, Key=self.prefix + folder, Body=b"")

    def json_file(self) -> Path:
        file = self.folder / "config.json"
        passwords = json.dumps({self.dataset: {"pass": self.password}}, indent=4)
        # As the sample in its README has it.
        file.write_text(passwords.replace("\n    }\n", "\n    },\n"))
        file.chmod(0o600)
        return file

    def command_line(self) -> str:
        words = f"--pool {self.pool} --dataset {self.dataset} --aws_bucket {self.bucket}/{self.prefix}".rstrip("/")
        return f"cd {self.folder} && ./backup.py {words} --aws_cli aws --config {self.json_file()}"

    def _send(self, stream: bytes, prefix: str, folder: str) -> str:
        encrypted = subprocess.run([*ENCRYPT, "-pass", f"pass:{self.password}"], input=stream, capture_output=True)
        split = ["split", "-b", str(self.part_size), "--suffix-length=6", "-", prefix]
        subprocess.run(split, input=encrypted.stdout, cwd=self.folder, check=True)
        for part in sorted(self.folder.glob(f"{prefix}??????")):
            create = ["par2create", "-r5", "-n1", "-m3000", "-q", part.name]
            subprocess.run(create, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        for file in sorted(self.folder.glob(f"{prefix}*")):
            if self.keeps(file.name):
                self.aws.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + folder + file.name,
                    Body=file.read_bytes(),
                    StorageClass="DEEP_ARCHIVE",
                )
        return folder
