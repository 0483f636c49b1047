"""The stock age program, and what it would make with a password, were it in a hurry."""

from __future__ import annotations

import hashlib
import hmac
import os
import pty
import shutil
import subprocess
import traceback
from base64 import b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.lacking import lacking

PASSWORD = "Batteriefach ß 7"


def stock(*arguments: str, data: bytes = b"") -> bytes:
    """What ``age`` with the arguments makes of the data."""
    return subprocess.run([_age(), *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def at_terminal(arguments: Sequence[str], answers: int) -> None:
    """``age`` with the arguments, told the password so many times: it asks for passwords at its terminal alone."""
    setsid = shutil.which("setsid") or lacking("setsid isn't installed: apt-get install util-linux")
    ours, theirs = pty.openpty()
    with subprocess.Popen([setsid, "--ctty", _age(), *arguments], stdin=theirs) as process:
        for _ in range(answers):
            while not os.read(ours, 1000).rstrip().endswith(b":"):
                pass
            os.write(ours, f"{PASSWORD}\n".encode())
        assert process.wait(60) == 0
    os.close(ours)
    os.close(theirs)


def crafted(data: bytes, work: int = 2) -> bytes:
    """What age -p makes of it (C2SP, "age"), with so little work that a test can try it often."""
    key, salt, nonce = (os.urandom(16) for _ in range(3))
    wrapping = hashlib.scrypt(
        PASSWORD.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=1 << work, r=8, p=1, dklen=32
    )
    body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), key, None)
    header = b"age-encryption.org/v1\n-> scrypt %b %d\n%b\n---" % (_text(salt), work, _text(body))
    mac = hmac.digest(_derived(key, None, b"header"), header, "sha256")
    cipher = ChaCha20Poly1305(_derived(key, nonce, b"payload"))
    starts = range(0, max(len(data), 1), 65_536)
    chunks = [
        cipher.encrypt(number.to_bytes(11, "big") + bytes([start == starts[-1]]), data[start : start + 65_536], None)
        for number, start in enumerate(starts)
    ]
    return b"".join([header, b" ", _text(mac), b"\n", nonce, *chunks])


def told(error: BaseException) -> str:
    """All that anybody gets to see of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(getattr(error, "hint", ""))


def _age() -> str:
    return shutil.which("age") or lacking("age isn't installed: apt-get install age")


def _text(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _derived(key: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, purpose).derive(key)
