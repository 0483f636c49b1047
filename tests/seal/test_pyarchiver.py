"""What pyArchiver has encrypted comes back; made here with the stock openssl, by the facts of its format."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.pyarchiver import STEP, PyArchiverOpener
from tests.lacking import lacking
from tests.streams import BytesStream

PASSWORD = "pass wörd"


def encrypted(content: bytes, *, counter: bytes | None = None, salt: bytes | None = None) -> bytes:
    """As pyArchiver does it."""
    if shutil.which("openssl") is None:
        lacking("needs openssl")
    counter, salt = counter or os.urandom(16), salt or os.urandom(8)
    key = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode("latin-1"), salt, 1000, 16)
    command = ["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", counter.hex()]
    return counter + salt + subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True).stdout


def opened(data: bytes, password: str | None = PASSWORD, *, piece: int = 1 << 20) -> bytes:
    keys = Keys(password=lambda: password) if password is not None else NO_KEYS
    buffer = memoryview(bytearray(piece))
    result = b""
    with PyArchiverOpener().open(BytesStream(data), STEP, keys) as stream:
        while count := stream.readinto(buffer):
            result += buffer[:count]
            if count < piece:
                break
    return result


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1_000_000])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_what_was_encrypted_comes_back(size: int, piece: int) -> None:
    content = gzip.compress(os.urandom(size if piece > 7 else min(size, 1000)))
    assert opened(encrypted(content), piece=piece) == content


def test_the_counter_overflows_as_one_number() -> None:
    content = gzip.compress(os.urandom(1000))
    assert opened(encrypted(content, counter=b"\xff" * 16)) == content
    assert opened(encrypted(content, counter=b"\x00" * 8 + b"\xff" * 8)) == content


@pytest.mark.parametrize("password", ["pass word", "", "漢字 ünd"])
def test_a_wrong_password_is_told_before_anything_comes(password: str) -> None:
    data = encrypted(gzip.compress(b"x", mtime=0), counter=bytes(16), salt=bytes(8))  # others might fit by chance
    with pytest.raises(WrongKey) as caught:
        opened(data, password)
    assert not password or password not in str(caught.value)


def test_without_a_password_it_is_asked_for() -> None:
    with pytest.raises(KeyNeeded):
        opened(encrypted(gzip.compress(b"x")), None)


@pytest.mark.parametrize("size", [0, 1, 23])
def test_what_is_too_short_is_refused(size: int) -> None:
    with pytest.raises(DamageFound, match="too short"):
        opened(encrypted(gzip.compress(b"x"))[:size])


def test_another_recipe_is_refused() -> None:
    step = Step("pyarchiver", {"iterations": 10**9})
    with pytest.raises(SealError), PyArchiverOpener().open(BytesStream(b""), step, NO_KEYS):
        pass
