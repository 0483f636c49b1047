"""Packets of an asyncssh connection with less work on the way: nothing else is changed, and nothing that is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glacier_backup.units import KIB

if TYPE_CHECKING:
    import asyncssh

_IGNORE = 2
"""SSH_MSG_IGNORE (RFC 4253, section 11.2)."""

_PIECE = 32 * KIB
"""Bytes: as many as OpenSSH puts into a packet."""


def without_fillers(connection: asyncssh.SSHClientConnection) -> None:
    """Send no empty packet ahead of each, as asyncssh does: that is against an attack on ciphers in CBC mode (RFC 4251,
    section 9.3.1), and a connection that uses one must be left as it is."""
    send = connection.send_packet

    def send_packet(pkttype: int, *args: bytes, handler: Any = None) -> None:
        if pkttype != _IGNORE:
            send(pkttype, *args, handler=handler)

    connection.send_packet = send_packet  # type: ignore[method-assign]  # there is no other way to say so


def in_pieces(connection: asyncssh.SSHClientConnection) -> None:
    """Take in what arrives a packet's worth at a time: asyncssh copies all that it has of 256 KiB twice for each packet
    in them."""
    receive = connection.data_received

    def data_received(data: bytes, datatype: int | None = None) -> None:
        for at in range(0, len(data), _PIECE):
            receive(data[at : at + _PIECE], datatype)

    connection.data_received = data_received  # type: ignore[method-assign]  # likewise
