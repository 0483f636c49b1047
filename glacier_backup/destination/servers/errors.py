"""What an SFTP server's refusals and a broken connection mean: for another try, and in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from glacier_backup.destination.retrying import Verdict
from glacier_backup.errors import (
    DestinationError,
    DestinationUnavailable,
    ServerError,
    ServerLost,
    ServerUnreachable,
)

FULL = "No space left on the server"


def verdict(error: Exception) -> Verdict:
    """Whether the same request may do better later: only where nobody said no."""
    if isinstance(error, ServerUnreachable):
        return Verdict.OUTAGE
    return Verdict.TRANSIENT if isinstance(error, ServerLost) else Verdict.FINAL


def is_missing(error: Exception) -> bool:
    """Whether a refusal says that there is no such file or folder."""
    import asyncssh

    return isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath)


def is_refusal(error: Exception) -> bool:
    """Whether the server said no, and not that the connection broke."""
    import asyncssh

    lost = asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection | asyncssh.SFTPBadMessage
    return isinstance(error, asyncssh.SFTPError) and not isinstance(error, lost)


@contextmanager
def refusals_passed_over() -> Iterator[None]:
    """A block for what may be refused: it ends there, and nothing is raised."""
    import asyncssh

    try:
        yield
    except asyncssh.SFTPError as error:
        if not is_refusal(error):
            raise


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what is raised inside into a DestinationError that names ``where``, the cause and the cure."""
    import asyncssh

    try:
        yield
    except ServerError as error:
        raise DestinationUnavailable(str(error), hint=error.hint) from error
    except asyncssh.SFTPError as error:
        raise DestinationError(f"{where}: {words(error)}", hint=_cure(error)) from error


def words(error: Exception) -> str:
    """The server's words for a refusal, and what they mean where they say little."""
    import asyncssh

    reason = error.reason if isinstance(error, asyncssh.SFTPError) else str(error)
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return f"there is no such file or directory ({reason})" if reason else "there is no such file or directory"
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return f"no permission ({reason or 'Permission denied'})"
        case asyncssh.SFTPNoSpaceOnFilesystem():
            return f"{FULL} ({reason})"
        case asyncssh.SFTPQuotaExceeded():
            return f"the quota on the server is full ({reason})"
        case asyncssh.SFTPFileAlreadyExists():
            return "File exists"
        case asyncssh.SFTPFailure():
            return f"the server refused ({reason or 'Failure'})"
    return reason or type(error).__name__


def _cure(error: Exception) -> str | None:
    import asyncssh

    match error:
        case asyncssh.SFTPPermissionDenied():
            return "the user that logs in must be able to write there"
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return "make room there, or have it sent to another destination"
        case asyncssh.SFTPFailure() if FULL not in str(error):
            return "the server doesn't say more: is its disk or the quota full?"
    return None
