"""Public keys that archives are encrypted for: whether each is one, told before anything is encrypted."""

from __future__ import annotations

import base64
import binascii
import re

EXAMPLE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
"""The key of the examples in the documentation of age, and in ours."""

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_SSH = re.compile(r"(ssh-ed25519|ssh-rsa) +([A-Za-z0-9+/]+={0,2})(?: .*)?")
_PRIVATE = ("age-secret-key-", "-----begin")
_LENGTH = 62
"""Of ``age1…``: 32 bytes of an X25519 key, six characters of checksum (C2SP, age.md, "X25519 recipient")."""


def is_private(recipient: str) -> bool:
    """Whether it is, or begins, a private key: to be quoted by no message."""
    return recipient.lower().startswith(_PRIVATE)


def complaint(recipient: str, encryption: str) -> str:
    """Why that is no recipient of ``age`` or ``gpg``: ``found …; expected …``. Empty for one, as far as it can be told
    from the text."""
    if recipient == EXAMPLE:
        return "found the key of the example, which opens nothing of yours; expected your own: age-keygen makes one"
    if is_private(recipient):
        return "found a private key, which isn't shown; expected the public one that belongs to it"
    if encryption == "gpg":
        return _no_gpg(recipient)
    if recipient.startswith("ssh-"):
        return (
            "" if _is_ssh(recipient) else f"found {recipient[:40]!r}…, which is cut or garbled; expected all of the key"
        )
    if not recipient.startswith("age1"):
        return f"found {recipient!r}; expected age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…"
    if not _is_age(recipient):
        return f"found {recipient!r}, in which something is missing or mistyped; expected age1… as age-keygen prints it"
    return ""


def in_file(text: str) -> list[tuple[int, str]]:
    """Number of the line and recipient, as ``age -R`` reads a file of them: blank lines and those that begin with ``#``
    don't count."""
    found = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in found if line and not line.startswith("#")]


def _no_gpg(recipient: str) -> str:
    if recipient.startswith(("age1", "ssh-")):
        return f"found {recipient!r}, a key of age's; expected an id, a fingerprint or an address that gpg knows"
    if recipient.startswith("-") or not recipient.isprintable():
        return f"found {recipient!r}; expected an id, a fingerprint or an address that gpg knows"
    return ""


def _is_ssh(recipient: str) -> bool:
    """RFC 4253, section 6.6: the key begins with the length and the name of its kind."""
    match = _SSH.fullmatch(recipient)
    if match is None:
        return False
    try:
        key = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        return False
    kind = match[1].encode()
    shortest = 51 if kind == b"ssh-ed25519" else 140
    return len(key) >= shortest and key.startswith(len(kind).to_bytes(4, "big") + kind)


def _is_age(recipient: str) -> bool:
    """Bech32 (BIP 173): of a plugin's recipient what is in front of the last ``1`` has its name (C2SP,
    age-plugin.md)."""
    name, _, data = recipient.rpartition("1")
    if (name == "age" and len(recipient) != _LENGTH) or not set(data) <= set(_BECH32):
        return False
    spelled = [ord(letter) >> 5 for letter in name] + [0] + [ord(letter) & 31 for letter in name]
    return _polymod([*spelled, *map(_BECH32.index, data)]) == 1


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if (top >> bit) & 1 else 0
    return check
