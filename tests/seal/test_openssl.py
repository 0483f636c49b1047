"""Exactly what ``openssl enc`` makes and opens; and the MAC, checked with the program alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.openssl import OpenSSL
from tests.lacking import lacking
from tests.seal.sealing import NONCE, PASSWORD, Sealed, password, sealed, unsealed
from tests.streams import noise

MIB = 1024 * 1024

KEYS = Keys(password=password)

QUICK = OpenSSL(password, iterations=1000)

STEP = QUICK.step()

SCHEMES = [
    OpenSSL(password),
    QUICK,
    OpenSSL(password, 1, "sha256", "aes-128-cbc"),
    OpenSSL(password, 1000, "sha384", "aes-192-cbc"),
    OpenSSL(password, 1000, "sha256", "aes-256-cbc"),
]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., bytes]:
    """The program, in a folder with the password in a file."""
    program = shutil.which("openssl") or lacking("openssl isn't installed")
    (tmp_path / "password").write_text(PASSWORD + "\n")

    def run(*arguments: str, data: bytes = b"") -> bytes:
        return subprocess.run([program, *arguments], input=data, capture_output=True, check=True, cwd=tmp_path).stdout

    return run


def flags(sealer: OpenSSL) -> list[str]:
    named = [f"-{sealer.cipher}", "-md", sealer.digest, "-pbkdf2", "-iter", str(sealer.iterations)]
    return ["enc", *named, "-pass", "file:password"]


@pytest.mark.parametrize("sealer", SCHEMES, ids=str)
def test_the_program_opens_what_was_sealed(run: Callable[..., bytes], sealer: OpenSSL) -> None:
    content = noise(100_001)
    assert run(*flags(sealer), "-d", data=sealed(sealer, content).data) == content


@pytest.mark.parametrize("sealer", SCHEMES, ids=str)
def test_what_the_program_made_opens(run: Callable[..., bytes], sealer: OpenSSL) -> None:
    content = noise(100_001)
    assert unsealed(sealer.step(), Sealed(run(*flags(sealer), data=content)), KEYS) == content


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, MIB - 16, MIB - 1, MIB, MIB + 1, 2 * MIB + 16])
def test_both_make_the_same_of_every_size(run: Callable[..., bytes], size: int) -> None:
    content = noise(size)
    made = sealed(QUICK, content)
    assert run(*flags(QUICK), "-S", NONCE[:8].hex(), data=content) in (made.data, made.data[16:])  # since 3.0 no head
    assert unsealed(STEP, made, KEYS) == content
    assert len(made.data) == QUICK.most(size)


@pytest.mark.parametrize("sealer", SCHEMES, ids=str)
def test_the_mac_is_had_with_the_program_too(run: Callable[..., bytes], tmp_path: Path, sealer: OpenSSL) -> None:
    made = sealed(sealer, noise(1000))
    options = [f"digest:{sealer.digest}", f"pass:{PASSWORD}", f"hexsalt:{NONCE[:8].hex()}", f"iter:{sealer.iterations}"]
    derived = run("kdf", "-keylen", "64", *(word for one in options for word in ("-kdfopt", one)), "PBKDF2")
    (tmp_path / "label").write_bytes(b"glacier-backup mac 1")
    (tmp_path / "volume").write_bytes(made.data)
    assert hmac_of(run, "volume", hmac_of(run, "label", derived.decode().strip().replace(":", ""))) == made.hmac_sha256


def hmac_of(run: Callable[..., bytes], file: str, key: str) -> str:
    return run("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}", file).split()[-1].decode()


def test_another_password_is_told_at_the_end() -> None:
    made = sealed(QUICK, noise(100_000))
    for number in range(30):
        with pytest.raises((WrongKey, DamageFound)) as caught:  # one in 256 has the padding right
            unsealed(STEP, made, Keys(password=f"guess {number}".__str__))
        if caught.type is WrongKey:
            assert "password is wrong" in str(caught.value)


def test_without_a_mac_the_padding_tells() -> None:
    made = Sealed(sealed(QUICK, noise(100_000)).data)
    with pytest.raises(WrongKey):
        unsealed(STEP, made, Keys(password=lambda: "another"))
    assert unsealed(STEP, made, KEYS) == noise(100_000)


@pytest.mark.parametrize("at", [0, 8, 15, 16, 17, 5000, 99_968, 99_999, 100_000, 100_015])
def test_nothing_of_the_last_block_comes_out_of_what_was_altered(at: int) -> None:
    made = sealed(QUICK, noise(100_000))
    altered = bytearray(made.data)
    altered[at] ^= 1
    with pytest.raises((DamageFound, WrongKey)):
        unsealed(STEP, Sealed(bytes(altered), made.hmac_sha256), KEYS)


@pytest.mark.parametrize("mac", ["0" * 64, "é", "not hex"])
def test_another_mac_is_damage(mac: str) -> None:
    made = sealed(QUICK, b"content")
    with pytest.raises(DamageFound, match="HMAC"):
        unsealed(STEP, Sealed(made.data, mac), KEYS)


def test_two_volumes_have_nothing_in_common() -> None:
    first, second = (sealed(QUICK, bytes(1000), bytes([number]) * 32) for number in (1, 2))
    cells = [{made.data[at : at + 16] for at in range(8, len(made.data), 16)} for made in (first, second)]
    assert not cells[0] & cells[1]
    assert first.hmac_sha256 != second.hmac_sha256


def test_no_password_no_content() -> None:
    with pytest.raises(KeyNeeded):
        unsealed(STEP, sealed(QUICK, b"content"), Keys())


def test_what_openssl_has_not_encrypted_is_damage() -> None:
    for data in (b"", b"Salted__", noise(100), b"Salted_?" + noise(24)):
        with pytest.raises(DamageFound):
            unsealed(STEP, Sealed(data), KEYS)


@pytest.mark.parametrize("secret", ["", "two\nlines", "nothing\0more", "x" * 1024, "ß" * 512])
def test_a_password_that_the_program_does_not_take_is_refused(secret: str) -> None:
    with pytest.raises(SealError, match="one line") as caught:
        sealed(OpenSSL(lambda: secret, 1), b"content")
    assert not secret or secret not in str(caught.value)


def test_the_longest_password_is_the_programs_too(run: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x" * 1023 + "\n")
    made = sealed(OpenSSL(lambda: "x" * 1023, 1000), b"content").data
    assert run(*flags(QUICK), "-d", data=made) == b"content"


@pytest.mark.parametrize(
    "changed",
    [
        {"cipher": "aes-256-ctr"},
        {"cipher": 256},
        {"digest": "md5"},
        {"digest": True},
        {"iterations": 0},
        {"iterations": -1},
        {"iterations": True},
        {"iterations": "1000"},
        {"iterations": 10_000_001},
        {"iterations": 10**30},
        {"salt": "no"},
    ],
    ids=str,
)
def test_a_recipe_that_none_of_ours_is_is_refused_at_once(changed: dict[str, str | int]) -> None:
    with pytest.raises(SealError, match="recipe"):
        unsealed(Step("openssl", {**STEP.parameters, **changed}), sealed(QUICK, b"content"), KEYS)


@pytest.mark.parametrize("name", ["cipher", "digest", "iterations"])
def test_a_recipe_says_all_of_it(name: str) -> None:
    left = {one: value for one, value in STEP.parameters.items() if one != name}
    with pytest.raises(SealError, match="recipe"):
        unsealed(Step("openssl", left), sealed(QUICK, b"content"), KEYS)


def test_what_is_not_known_cannot_be_sealed_with() -> None:
    with pytest.raises(ValueError, match="aes-128-cbc, aes-192-cbc, aes-256-cbc"):
        OpenSSL(password, cipher="aes-256-gcm")
    with pytest.raises(ValueError, match="sha256, sha384, sha512"):
        OpenSSL(password, digest="md5")
    with pytest.raises(ValueError, match="10,000,000"):
        OpenSSL(password, iterations=0)


def test_the_password_does_not_show() -> None:
    assert PASSWORD not in repr(QUICK)
    assert PASSWORD not in repr(KEYS)
    assert PASSWORD not in repr(STEP)
