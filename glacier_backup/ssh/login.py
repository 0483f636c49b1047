"""Making one connection: cipher, log-in, and what each refusal means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glacier_backup.errors import ServerError, ServerLost, ServerUnreachable
from glacier_backup.ssh.host_keys import Trust
from glacier_backup.ssh.packets import in_pieces, without_fillers
from glacier_backup.ssh.server import Server
from glacier_backup.units import MIB

if TYPE_CHECKING:
    import asyncssh

CONNECT_TIMEOUT = 30.0
"""Seconds until a server must have let somebody in."""

KEEPALIVE = 15.0
"""Seconds of silence after which a server is asked whether it is still there; the fourth time is the last."""

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
"""The quickest first: AES-GCM takes a fifth of the time that the others take where the processor knows AES."""

WINDOW = 8 * MIB
"""Bytes that a server may send before it hears that they were taken. asyncssh lets half of it be used up before it says
so: with its usual 2 MiB a connection reads 1 MiB in one round trip."""

_NOT_FOUND = "check host and port, and the network"

_NUMBERS = re.compile(r"\[Errno (\d+)\]")


async def connect(server: Server) -> asyncssh.SSHClientConnection:
    """A connection, its host key checked and somebody logged in.

    Raises ServerUnreachable when nobody answers, ServerLost when the connection broke meanwhile, ServerError when it
    is refused, or not to be trusted. No ``~/.ssh/config`` is read: it could turn the check of the host key off.
    """
    import asyncssh

    trust = Trust(server)
    with _translated(server):
        try:
            return await _connect(server, trust)
        except asyncssh.HostKeyNotVerifiable as error:
            if await trust.other_kind():
                return await _connect(server, trust)
            if trust.shown is not None:
                await trust.look()
            raise trust.refusal(str(error)) from None
        except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError) as error:
            # One that has a key of another kind than the known one is left without a word.
            if await trust.is_changed():
                raise trust.refusal(str(error)) from None
            raise


async def _connect(server: Server, trust: Trust) -> asyncssh.SSHClientConnection:
    import asyncssh

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            return trust.accepts(key)

    keys, agent, password = _credentials(server)
    connection = await asyncssh.connect(
        server.host,
        server.port,
        client_factory=Client,
        config=None,
        username=server.login,
        password=password,
        client_keys=keys,
        agent_path=agent,
        known_hosts=trust.known,
        encryption_algs=CIPHERS,
        compression_algs=("none",),
        connect_timeout=CONNECT_TIMEOUT,
        login_timeout=CONNECT_TIMEOUT,
        window=WINDOW,
        keepalive_interval=KEEPALIVE,
        keepalive_count_max=4,
    )
    without_fillers(connection)  # none of the ciphers is in CBC mode
    in_pieces(connection)
    return connection


Keys = list["asyncssh.SSHKey"] | tuple[()] | None
"""Those to log in with; an empty tuple: the usual ones; None: none."""


def _credentials(server: Server) -> tuple[Keys, str | tuple[()] | None, str | None]:
    """Keys, where the agent listens (an empty tuple: where it usually does), and the password.

    What was chosen is all that is tried: a server counts every key that it doesn't know as a failed log-in.
    """
    password = server.secret
    if server.key is None:
        return (None, None, password) if password is not None else ((), (), None)
    try:
        return [_private_key(server.key)], None, password
    except _Encrypted:
        if not os.environ.get("SSH_AUTH_SOCK"):
            raise ServerError(
                f"the key {server.key} is protected by a passphrase, and no agent is running",
                hint=f"use a key of its own without one: ssh-keygen -t ed25519 -N '' -f {server.key}-backup",
            ) from None
        return (), (), password


class _Encrypted(Exception):
    pass


def _private_key(path: str) -> asyncssh.SSHKey:
    import asyncssh

    try:
        return asyncssh.read_private_key(os.path.expanduser(path))
    except OSError as error:
        raise ServerError(f"the key {path} can't be read: {error.strerror}") from error
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError) as error:
        if isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower():
            raise _Encrypted from None
        raise ServerError(f"{path} is no private key: {error}") from None


@contextmanager
def _translated(server: Server) -> Iterator[None]:
    import asyncssh

    try:
        yield
    except asyncssh.PermissionDenied as error:
        raise ServerError(f"{server}: the server refuses the log-in: {_offered(server)}", hint=_cure(server)) from error
    except (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported) as error:
        raise ServerError(f"{server}: no common language with the server: {error}") from error
    except asyncssh.Error as error:
        raise ServerLost(f"{server}: the connection broke while logging in: {error}") from error
    except TimeoutError as error:
        raise ServerUnreachable(f"{server}: no answer within {CONNECT_TIMEOUT:.0f} s", hint=_NOT_FOUND) from error
    except ConnectionResetError as error:
        raise ServerLost(f"{server}: the connection broke while logging in: {error.strerror}") from error
    except OSError as error:
        raise ServerUnreachable(f"{server}: {_cause(error)}", hint=_NOT_FOUND) from error


def _cause(error: OSError) -> str:
    """In the system's words: asyncio names the call that failed, and each address of a host that has several."""
    numbers = [error.errno] if error.errno else [int(number) for number in _NUMBERS.findall(str(error))]
    words = dict.fromkeys(os.strerror(number) for number in numbers if number > 0)  # names not found have negative ones
    return ", ".join(words) or error.strerror or str(error)


def _offered(server: Server) -> str:
    if server.key is not None:
        return f"it doesn't accept the key {server.key}"
    if server.password is not None or server.password_file is not None:
        return "it doesn't accept the password"
    return "it accepts no key of the agent or of ~/.ssh"


def _cure(server: Server) -> str:
    if server.key is not None:
        return f"is {server.key}.pub in the authorized_keys of {server.login}?"
    if server.password is not None or server.password_file is not None:
        return "check the user's name and ssh_password; does the server take passwords at all?"
    return "set ssh_key, ssh_password or ssh_password_file"
