"""Connecting to an SSH server, and its files for threads that know nothing of asyncio.

asyncssh is only loaded when the first connection is made.
"""

from glacier_backup.ssh.server import Server as Server
from glacier_backup.ssh.sessions import Connections as Connections
from glacier_backup.ssh.sessions import Session as Session
