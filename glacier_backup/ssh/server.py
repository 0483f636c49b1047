"""An SSH server, and how to log in."""

from __future__ import annotations

import getpass
import os
import stat
from dataclasses import dataclass, field

from glacier_backup.errors import ServerError

DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect to, who logs in with what, and how its host key is known."""

    host: str
    port: int = DEFAULT_PORT
    user: str | None = None
    """None: the name of whoever runs the program."""
    key: str | None = None
    """Path of a private key, the only one that is tried; None: the agent, and the usual keys of ``~/.ssh``."""
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    """Path of a file whose first line is the password."""
    known_hosts: str | None = None
    """Path; None: ``~/.ssh/known_hosts`` and ``/etc/ssh/ssh_known_hosts``."""
    host_key: str | None = None
    """The one that it must have: ``ssh-ed25519 AAAA…`` or ``SHA256:…``; None: see ``known_hosts``."""
    connections: int = 4
    """At the same time, at most."""

    @property
    def login(self) -> str:
        """The user's name at the server."""
        return self.user or getpass.getuser()

    @property
    def known_as(self) -> str:
        """Its name in a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"

    @property
    def secret(self) -> str | None:
        """The password, where there is one. Raises ServerError for a file that can't be read, or that others can."""
        if self.password is not None or self.password_file is None:
            return self.password
        return _first_line(self.password_file)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.login}@{host}:{self.port}"


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            line = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ServerError(f"the password file {path} can't be read: {cause}") from None
    if mode & 0o077:
        raise ServerError(
            f"others than its owner may use the password file {path} (mode {mode:04o})", hint=f"chmod 600 {path}"
        )
    if not line:
        raise ServerError(f"the first line of the password file {path} is empty")
    return line
