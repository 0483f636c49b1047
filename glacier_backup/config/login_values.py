"""Text → the value of an option that says how to log in to a server; like :mod:`glacier_backup.config.values`."""

from __future__ import annotations

import re

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_KEY = re.compile(r"((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) +(AAAA[A-Za-z0-9+/]+={0,2})(?: .*)?")


def host_key(text: str) -> str:
    """A fingerprint as ``ssh-keygen -l`` prints it, or a public key as ``ssh-keyscan`` does, without what comes before
    and behind it (OpenSSH manual, sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""
    fingerprint = text.rstrip("=")
    if _FINGERPRINT.fullmatch(fingerprint):
        return fingerprint
    key = _KEY.fullmatch(text)
    if key is not None:
        return f"{key[1]} {key[2]}"
    if text.startswith("MD5:"):
        raise ValueError("MD5 proves nothing any more")
    raise ValueError("the name of the host has no place before it" if re.search(rf" {_KEY.pattern}", text) else "")


def password(text: str) -> str:
    return text
