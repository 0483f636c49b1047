"""Recipients of age plugins, such as hardware keys, here of a toy that encrypts nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from glacier_backup.errors import KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.age import Age
from glacier_backup.seal.keys import Keys
from tests.seal.sealing import Sealed, sealed, unsealed
from tests.streams import noise

DATA = noise(100_000)

PLUGIN = """#!{python}
# age-plugin (C2SP): stanzas come in and go out by the pipes; a PIN is asked for before a file key is given back.
import base64, sys

def take():
    line, body = sys.stdin.readline().split()[1:], ""
    while len(part := sys.stdin.readline().strip()) == 64:
        body += part
    body += part
    return line, base64.b64decode(body + "=" * (-len(body) % 4))

def give(*words, body=b""):
    print("->", *words)
    print(base64.b64encode(body).decode().rstrip("="), flush=True)

def ask(*words, body=b""):
    give(*words, body=body)
    return take()

taken = []
while (stanza := take())[0] != ["done"]:
    taken.append(stanza)
if sys.argv[1].endswith("recipient-v1"):
    for words, body in taken:
        if words[0] == "wrap-file-key":
            ask("recipient-stanza", "0", "toy", body=bytes(byte ^ 85 for byte in body))
else:
    answer, pin = ask("request-secret", body=b"PIN")
    for words, body in taken:
        if words[0] == "recipient-stanza" and words[2] == "toy" and pin == b"1234":
            ask("file-key", words[1], body=bytes(byte ^ 85 for byte in body))
give("done")
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "age-plugin-toy"
    plugin.write_text(PLUGIN.format(python=sys.executable))
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def identity(tmp_path: Path) -> str:
    """A file."""
    path = tmp_path / "identity"
    path.write_text(f"{bech32('age-plugin-toy-').upper()}\n")
    return str(path)


def bech32(name: str) -> str:
    """The text of it with no data (BIP 173)."""
    check = 1
    for value in [*(ord(one) >> 5 for one in name), 0, *(ord(one) & 31 for one in name), *[0] * 6]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    return f"{name}1" + "".join(digits[(check ^ 1) >> 5 * (5 - place) & 31] for place in range(6))


def made() -> bytes:
    return sealed(Age((bech32("age1toy"),)), DATA).data


def opened(identity: str, pin: str | None) -> bytes:
    keys = Keys((identity,), None if pin is None else lambda: pin)
    return unsealed(Step("age"), Sealed(made()), keys)


def test_what_a_plugin_seals_it_opens_with_the_password_as_its_pin(identity: str) -> None:
    assert opened(identity, "1234") == DATA


def test_a_plugin_that_does_not_give_the_key_opens_nothing(identity: str) -> None:
    for pin in ("1235", None):
        with pytest.raises((WrongKey, SealError)):
            opened(identity, pin)

    def refuse() -> str:
        raise KeyNeeded("there is nobody to ask")

    with pytest.raises((WrongKey, SealError)):
        unsealed(Step("age"), Sealed(made()), Keys((identity,), refuse))


def test_a_plugin_that_is_gone_is_named(identity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SealError, match=r"identity:1: .*age-plugin-toy"):
        unsealed(Step("age"), Sealed(data), Keys((identity,)))
