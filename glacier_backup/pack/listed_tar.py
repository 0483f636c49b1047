"""A tar that GNU tar makes of names which are handed on to it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from glacier_backup.errors import SourceError
from glacier_backup.pack.gnu_tar import arguments, environment, listed
from glacier_backup.pack.group_names import GroupNames
from glacier_backup.pack.tar_messages import TarMessages
from glacier_backup.pack.tar_stream import TarStream
from glacier_backup.process import running


@contextmanager
def listed_tar(
    program: str, folder: str, stored_name: str, names: GroupNames, messages: TarMessages, options: tuple[str, ...]
) -> Iterator[TarStream]:
    """The tar of ``names`` below ``folder``, stored below ``stored_name``; the names are closed at the end. Raises
    SourceError."""
    with ExitStack() as stack:
        stack.callback(names.close)
        try:
            # It has no name, so nothing is left of it, however this process ends.
            index = stack.enter_context(tempfile.TemporaryFile())
            tar = stack.enter_context(
                running(
                    program,
                    arguments(
                        listed(names.output),
                        r"^\.",
                        stored_name,
                        index=f"/dev/fd/{index.fileno()}",
                        options=options,
                    ),
                    cwd=folder,
                    env=environment(),
                    hear=messages.hear,
                    pass_fds=(index.fileno(), names.output),
                )
            )
        except OSError as error:
            raise SourceError(f"{folder}: {error.strerror or error}") from error
        names.begin()
        yield TarStream(folder, tar, messages, index, names.finish)
