"""The try of the keys: it tells what works, and what a person has to know of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.errors import KeyNeeded, SealError, WrongKey
from glacier_backup.seal.age import Age
from glacier_backup.seal.compress import Zstd
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.seal.probe import probe
from glacier_backup.seal.registry import OPENERS


def identity(path: Path) -> tuple[str, Keys]:
    """A public key, and what opens what it seals."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    made = pyrage.x25519.Identity.generate()
    path.write_text(str(made))
    return str(made.to_public()), Keys((str(path),))


def test_a_key_that_opens_what_it_sealed_works(tmp_path: Path) -> None:
    public, keys = identity(tmp_path / "identity")
    probed = probe([Zstd(), Age((public,))], OPENERS, keys)
    assert probed.outcome == "opened"
    assert probed.step == "age"
    assert probed.message.startswith("The key works: what was sealed with it was opened again")
    assert "nobody, not even you, can ever read these backups" in probed.message


def test_a_password_that_opens_what_it_sealed_works() -> None:
    probed = probe([OpenSSL(lambda: "geheim", iterations=1000)], OPENERS, Keys(password=lambda: "geheim"))
    assert probed.outcome == "opened"
    assert probed.step == "openssl"
    assert probed.message.startswith("The password works")
    assert "geheim" not in probed.message


def test_a_machine_without_the_secret_key_can_seal_and_is_warned(tmp_path: Path) -> None:
    public, _ = identity(tmp_path / "identity")
    for keys in (NO_KEYS, Keys((str(tmp_path / "on another medium"),))):
        probed = probe([Age((public,))], OPENERS, keys)
        assert probed.outcome == "sealed"
        assert "nothing on this machine can open it again" in probed.message
        assert "nobody, not even you, can ever read these backups" in probed.message
    assert "on another medium" in probed.message


def test_the_key_of_somebody_else_is_wrong(tmp_path: Path) -> None:
    public, _ = identity(tmp_path / "identity")
    with pytest.raises(WrongKey):
        probe([Age((public,))], OPENERS, identity(tmp_path / "other")[1])
    with pytest.raises(WrongKey):
        probe([OpenSSL(lambda: "geheim", iterations=1000)], OPENERS, Keys(password=lambda: "another"))


def test_what_can_not_seal_is_told_as_it_is() -> None:
    with pytest.raises(SealError, match="age1nonsense"):
        probe([Age(("age1nonsense",))], OPENERS, NO_KEYS)

    def missing() -> str:
        raise KeyNeeded("the password file is gone")

    with pytest.raises(KeyNeeded, match="the password file is gone"):
        probe([OpenSSL(missing)], OPENERS, NO_KEYS)


def test_without_encryption_that_is_said() -> None:
    for sealers in ([], [Zstd()]):
        probed = probe(sealers, OPENERS, NO_KEYS)
        assert probed.outcome == "plain"
        assert probed.step is None
        assert "Nothing is encrypted" in probed.message
