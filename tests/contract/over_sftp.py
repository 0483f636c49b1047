"""What lies on this machine as a server shows it, under the same paths: for suites that know local ones only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from glacier_backup.exclusion import Exclusion
from glacier_backup.model.archive import Container
from glacier_backup.model.candidate import Candidate, Fingerprint, PassedOver, Resolved
from glacier_backup.model.reason import Loop
from glacier_backup.model.recipe import Step
from glacier_backup.pack.packer import PackedStream, Packer, leaving_out
from glacier_backup.pack.remote_raw import RemoteRawPacker
from glacier_backup.pack.remote_tar import RemoteTarPacker
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.sftp import SftpSource
from glacier_backup.resolve.source import Selection, Source
from glacier_backup.ssh import Connections
from glacier_backup.ssh.remote import Remote
from tests.ssh_server.sshd import Sshd


@contextmanager
def remote(server: Sshd, port: int | None = None, connections: int = 4) -> Iterator[tuple[Remote, str]]:
    """The files of a server, and what URLs of them begin with. Somebody has logged in already."""
    login = server.server(port, connections)
    made = Connections(login)
    try:
        files = Remote(made)
        files.look(b"/")
        yield files, f"sftp://{login}"
    finally:
        made.close()


class SourceOverSftp:
    """An :class:`SftpSource` for local paths."""

    def __init__(self, files: Remote, url: str) -> None:
        self._source = SftpSource(files)
        self._url = url

    def resolve(self, selection: Selection) -> Iterator[Resolved]:
        for found in self._source.resolve(self._there(selection)):
            yield self._here(found)

    def look(self, candidate: Candidate) -> Fingerprint:
        path, section = self._url + candidate.path, self._url + candidate.section
        return self._source.look(replace(candidate, path=path, section=section))

    def gone(self, section: str, paths: Sequence[str]) -> Sequence[bool]:
        return self._source.gone(self._url + section, [self._url + path for path in paths])

    def _there(self, selection: Selection) -> Selection:
        tree, within = selection.tree, selection.within
        if tree is not None:
            tree = replace(tree, elsewhere=tuple(map(self._there, tree.elsewhere)))
        within = None if within is None else self._there(within)
        return replace(selection, path=self._url + selection.path, tree=tree, within=within)

    def _here(self, found: Resolved) -> Resolved:
        path, section = found.path.removeprefix(self._url), found.section.removeprefix(self._url)
        if isinstance(found, PassedOver) and isinstance(found.reason, Loop):
            return PassedOver(path, section, Loop(found.reason.above.removeprefix(self._url)))
        return replace(found, path=path, section=section)


class PackerOverSftp:
    """A packer of URLs for local paths."""

    def __init__(self, packer: Packer, url: str) -> None:
        self._packer = packer
        self._url = url
        self.container: Container = packer.container

    def leaving_out(self, exclusion: Exclusion) -> PackerOverSftp:
        return PackerOverSftp(leaving_out(self._packer, exclusion), self._url)

    def pack(self, path: str, stored_name: str) -> AbstractContextManager[PackedStream]:
        return self._packer.pack(self._url + path, stored_name)

    def step(self) -> Step:
        return self._packer.step()

    def estimate(self, content: int, entries: int) -> int:
        return self._packer.estimate(content, entries)


def packers(files: Remote, url: str) -> dict[Container, PackerOverSftp]:
    """Every packer there is for servers."""
    return {
        "raw": PackerOverSftp(RemoteRawPacker(files), url),
        "tar": PackerOverSftp(RemoteTarPacker(files), url),
    }


@contextmanager
def source_of(request: pytest.FixtureRequest) -> Iterator[Source]:
    """Of a fixture with the parameters ``local`` and ``sftp``: the source that is asked for, for local paths."""
    if request.param == "local":
        yield LocalSource()
        return
    with remote(request.getfixturevalue("sshd")) as (files, url):
        yield SourceOverSftp(files, url)
