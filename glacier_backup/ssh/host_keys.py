"""Whether a server is the one it should be: its host key is pinned, or in a known_hosts file, or it is refused."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from glacier_backup.errors import ServerError
from glacier_backup.ssh.server import Server

if TYPE_CHECKING:
    import asyncssh

FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
"""Where OpenSSH looks (ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile)."""

_FINGERPRINT = "SHA256:"

_FAMILIES = (("ssh-ed25519",), ("ecdsa-sha2-nistp256",), ("rsa-sha2-512", "rsa-sha2-256"))
"""Kinds of host keys that servers have, each with the names that it goes by when keys are negotiated."""

_PATIENCE = 20.0
"""Seconds that a server is given to show a key."""

Known = tuple[list["asyncssh.SSHKey"], list["asyncssh.SSHKey"], list["asyncssh.SSHKey"]]
"""Host keys, keys that sign host keys, and revoked ones: as asyncssh takes them."""


class Trust:
    """What is known of one server's host key, and what it showed."""

    def __init__(self, server: Server) -> None:
        """Raises ServerError where what should say the key can't be read."""
        self._server = server
        self._file = os.path.expanduser(server.known_hosts or FILES[0])
        self._pinned: list[asyncssh.SSHKey] = []
        self._fingerprint: str | None = None
        self.expected: list[asyncssh.SSHKey] = []
        """The keys that are known, once it was asked which."""
        self.shown: asyncssh.SSHKey | None = None
        """The key that the server showed, where it isn't known."""
        if server.host_key is not None:
            self._pin(server.host_key.strip())

    def _pin(self, text: str) -> None:
        import asyncssh

        if text.startswith(_FINGERPRINT):
            self._fingerprint = text.rstrip("=")
            return
        try:
            self._pinned = [asyncssh.import_public_key(text)]
        except asyncssh.KeyImportError:
            raise ServerError(
                f"host_key of {self._server.host} is no host key: {text[:80]}",
                hint="it looks like ssh-ed25519 AAAA… or SHA256:…",
            ) from None

    def known(self, host: str, addr: str, port: int | None) -> Known:
        """The keys of the server: for asyncssh's ``known_hosts``. Raises ServerError."""
        if self._fingerprint is not None or self._pinned:
            self.expected = self._pinned
            return self._pinned, [], []
        found: Known = ([], [], [])
        for path in [self._server.known_hosts] if self._server.known_hosts else FILES:
            for all_of_them, of_one in zip(found, _matching(os.path.expanduser(path), host, addr, port), strict=True):
                all_of_them += of_one
        self.expected = found[0]
        return found

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key that isn't among the known ones is the right one."""
        self.shown = key
        return key.get_fingerprint() == self._fingerprint

    async def other_kind(self) -> bool:
        """Whether the server has a key with the pinned fingerprint that it didn't show, and that will do from now on: a
        server has several keys, and shows the kind that it is asked for."""
        for family in _FAMILIES if self._fingerprint is not None else ():
            key = await self._showing(family)
            if key is not None and key.get_fingerprint() == self._fingerprint:
                self._pinned = [key]
                return True
        return False

    async def is_changed(self) -> bool:
        """Whether the server has none of the keys that are known, as far as it answers at all."""
        for key in self.expected:
            if await self._showing(tuple(algorithm.decode() for algorithm in key.sig_algorithms)) == key:
                return False
        await self.look()
        return bool(self.expected) and self.shown is not None

    async def look(self) -> None:
        """Have the server show the best key that it has."""
        for family in _FAMILIES:
            if (key := await self._showing(family)) is not None:
                self.shown = key
                return

    async def _showing(self, family: tuple[str, ...]) -> asyncssh.SSHKey | None:
        import asyncssh

        try:
            asking = asyncssh.get_server_host_key(
                self._server.host, self._server.port, server_host_key_algs=family, config=None
            )
            return await asyncio.wait_for(asking, _PATIENCE)
        except (asyncssh.Error, OSError, TimeoutError):
            return None

    def refusal(self, cause: str) -> ServerError:
        """Why the server isn't trusted, with what to do."""
        server = self._server
        if self.shown is None:
            return ServerError(f"{server}: the host key is not accepted: {cause}")
        shown = f"{_kind(self.shown)} {self.shown.get_fingerprint()}"
        if server.host_key is not None:
            expected = self._fingerprint or ", ".join(key.get_fingerprint() for key in self._pinned)
            return ServerError(f"{server} has the host key {shown}, and host_key says {expected}", hint=_CHANGED)
        if self.expected:
            expected = ", ".join(f"{_kind(key)} {key.get_fingerprint()}" for key in self.expected)
            return ServerError(
                f"the host key of {server} has changed: it is {shown}, and {self._file} knows {expected}",
                hint=f"{_CHANGED}; if it is right: ssh-keygen -f {self._file} -R '{server.known_as}', and run again",
            )
        line = " ".join([server.known_as, *self.shown.export_public_key().decode().split()[:2]])
        return ServerError(
            f"the host key of {server} is not known: {shown}",
            hint="compare this fingerprint with the one that the server's owner gives; if they are the same, "
            f"add this line to {self._file}: {line}",
        )


_CHANGED = "either the server was set up anew, or somebody is in between: ask its owner for the right fingerprint"


def _kind(key: asyncssh.SSHKey) -> str:
    return key.get_algorithm()


def _matching(path: str, host: str, addr: str, port: int | None) -> Known:
    """The keys in one file. Lines that nobody can read say nothing; a file that isn't there is an empty one."""
    import asyncssh

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return [], [], []
    except OSError as error:
        raise ServerError(f"{path} can't be read: {error.strerror}") from error
    known = asyncssh.SSHKnownHosts()
    for line in text.splitlines():
        try:
            known.load(line)
        except ValueError:
            continue
    keys, authorities, revoked, *_ = known.match(host, addr, port)
    return list(keys), list(authorities), list(revoked)
