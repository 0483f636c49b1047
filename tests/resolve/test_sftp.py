"""Candidates on a server: those that the same tree has on this machine (:mod:`tests.resolve.test_local`)."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceUnavailable
from glacier_backup.model.candidate import Candidate, PassedOver, Resolved
from glacier_backup.model.reason import BrokenSection, ExcludedBy, Missing, ServerUnavailable, Unreadable
from glacier_backup.pack.remote_tar import RemoteTarPacker
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.sftp import SftpSource
from glacier_backup.resolve.source import Selection, TreeRules
from glacier_backup.ssh import Connections, Server
from glacier_backup.ssh import remote as remote_module
from glacier_backup.ssh.remote import Remote
from glacier_backup.units import MIB
from tests.contract.over_sftp import SourceOverSftp, remote
from tests.pack.packing import ODD_NAMES
from tests.resolve.trees import candidates, write
from tests.ssh_server.relay import Relay
from tests.ssh_server.scripted import ScriptedServer
from tests.ssh_server.sshd import Sshd


@pytest.fixture
def there(sshd: Sshd) -> Iterator[SourceOverSftp]:
    with remote(sshd) as (files, url):
        yield SourceOverSftp(files, url)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder for many files: in memory, where there is such a file system, for a disk may be slow."""
    shared = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Files and directories, links to both and to nothing, and what is neither."""
    data = tmp_path / "data"
    write(data / "photos" / "2019" / "a.jpg", "a")
    write(data / "tmp-import" / "b", "b")
    write(data / "notes.txt", "n")
    (data / "to-photos").symlink_to("photos")
    (data / "to-notes").symlink_to(data / "notes.txt")
    (data / "to-nothing").symlink_to("nowhere")
    (data / "to-itself").symlink_to("to-itself")
    (data / "tmp-link").symlink_to("nowhere")
    os.mkfifo(data / "fifo")
    (data / "to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(data / "socket"))
    return data


def unspecific(found: Resolved) -> Resolved:
    """A server that says of a circle of links that it leads nowhere can't be told from one that it does."""
    if isinstance(found, PassedOver) and found.path.endswith("to-itself"):
        return replace(found, reason=Missing())
    return found


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("dirs", [False, True])
@pytest.mark.parametrize("files", [False, True])
def test_a_server_has_the_candidates_that_this_machine_has(
    there: SourceOverSftp, data: Path, single: bool, dirs: bool, files: bool
) -> None:
    for path in (data, data / "notes.txt", data / "to-photos", data / "fifo", data / "gone", data / "notes.txt/x"):
        for exclude in ((), ("tmp", "."), (f"{data}/photos",)):
            selection = Selection(str(path), single, dirs, files, True, exclude)
            expected = [unspecific(one) for one in LocalSource().resolve(selection)]
            assert [unspecific(one) for one in there.resolve(selection)] == expected


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_a_candidate_and_can_be_looked_at(there: SourceOverSftp, tmp_path: Path, name: str) -> None:
    write(tmp_path / "data" / name, "content")
    (found,) = there.resolve(Selection(f"{tmp_path}/data", files=True))
    assert isinstance(found, Candidate)
    assert found.path == f"{tmp_path}/data/{name}"
    assert there.look(found).bytes == 7


@pytest.mark.parametrize("name", ["a%20b", "a?b#c", "user@host", "x:22"])
def test_nothing_in_a_url_is_decoded(there: SourceOverSftp, tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert candidates(there.resolve(Selection(f"{tmp_path}/{name}"))) == [(f"{tmp_path}/{name}", "file")]


def test_names_that_differ_in_case_or_form_alone_stay_apart(there: SourceOverSftp, tmp_path: Path) -> None:
    names = ["B", "b", "u\u0308", "\u00fc"]
    for name in names:
        write(tmp_path / name)
    assert candidates(there.resolve(Selection(str(tmp_path), files=True))) == [
        (f"{tmp_path}/{name}", "file") for name in sorted(names, key=os.fsencode)
    ]


@pytest.mark.parametrize("name", ["nul\0inside", "surrogate\ud800"])
def test_a_path_that_can_not_be_is_missing(there: SourceOverSftp, tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}"
    assert list(there.resolve(Selection(path))) == [PassedOver(path, path, Missing())]
    with pytest.raises(SourceError, match="no such path"):
        there.look(Candidate(path, "file", path, compare=False))


def test_a_section_that_is_a_link_to_nothing_needs_attention(there: SourceOverSftp, data: Path) -> None:
    path = f"{data}/to-nothing"
    assert list(there.resolve(Selection(path))) == [PassedOver(path, path, BrokenSection("nowhere"))]


def test_an_excluded_link_is_not_followed(scripted: ScriptedServer) -> None:
    scripted.root.joinpath("data").mkdir()
    scripted.root.joinpath("data", "tmp-link").symlink_to("nowhere")
    connections = Connections(scripted.server())
    url = "sftp://pca@127.0.0.1:22"
    found = list(SftpSource(Remote(connections)).resolve(Selection(f"{url}/data", files=True, exclude=("tmp",))))
    connections.close()
    assert found == [PassedOver(f"{url}/data/tmp-link", f"{url}/data", ExcludedBy("tmp"))]
    assert ("stat", "/data/tmp-link") not in scripted.script.seen


@pytest.mark.parametrize("refused", ["list", "stat"])
def test_what_the_server_refuses_is_said_in_its_words(scripted: ScriptedServer, refused: str) -> None:
    scripted.root.joinpath("data").mkdir()
    scripted.script.refused.add(refused)  # type: ignore[arg-type]  # one of the operations
    connections = Connections(scripted.server())
    for selection in (Selection("sftp://pca@h:22/data", dirs=True), Selection("sftp://pca@h:22/data", single_dir=True)):
        (found,) = SftpSource(Remote(connections)).resolve(selection)
        assert isinstance(found, PassedOver)
        assert found.reason == Unreadable("Permission denied")
    connections.close()


@pytest.mark.parametrize("name", [b"", b"../../etc", b"b/c", b"/etc", b"nul\0inside"])
def test_a_listing_with_what_is_no_name_is_not_trusted(scripted: ScriptedServer, name: bytes) -> None:
    """It would lead out of the directory, or for ever round in it."""
    write(scripted.root / "data" / "a", "a")
    scripted.script.listed_too.append(name)
    connections = Connections(scripted.server())
    source, path = SftpSource(Remote(connections)), "sftp://pca@h:22/data"
    for selection in (Selection(path, dirs=True), Selection(path, tree=TreeRules())):
        (found,) = source.resolve(selection)
        assert isinstance(found, PassedOver)
        assert isinstance(found.reason, Unreadable)
        assert "no name" in str(found.reason)
    assert source.look(Candidate(path, "directory", path, compare=True)).entries == 1
    with pytest.raises(SourceError, match="no name"), RemoteTarPacker(Remote(connections)).pack(path, "data") as stream:
        stream.readinto(memoryview(bytearray(MIB)))
    connections.close()


def test_a_directory_of_a_hundred_thousand_files_is_listed_in_order(there: SourceOverSftp, memory: Path) -> None:
    wide = os.fspath(memory)
    for number in range(100_000):
        os.close(os.open(f"{wide}/{number * 7 % 100_000:06}.jpg", os.O_CREAT | os.O_WRONLY))
    found = [one.path for one in there.resolve(Selection(wide, files=True))]
    assert found == [f"{wide}/{number:06}.jpg" for number in range(100_000)]


def test_a_long_way_does_not_make_looking_at_many_directories_slow(sshd: Sshd, relay: Relay, tmp_path: Path) -> None:
    for number in range(400):
        write(tmp_path / f"{number % 20}" / f"{number}" / "file", "x")
    relay.delay = 0.025
    path = str(tmp_path)
    with remote(sshd, relay.port) as (files, url):
        began = time.monotonic()
        found = SourceOverSftp(files, url).look(Candidate(path, "directory", path, compare=True))
        seconds = time.monotonic() - began
    assert found.entries == 1 + 20 + 2 * 400
    assert seconds < 420 * 4 * 0.05 / 8  # four requests each, one after the other, take this eight times


def test_a_connection_that_breaks_is_made_anew(
    sshd: Sshd, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    for number in range(300):
        write(tmp_path / f"{number}" / "file", "x")
    path = str(tmp_path)
    relay.drop_after = 60_000
    with remote(sshd, relay.port) as (files, url):
        found = SourceOverSftp(files, url).look(Candidate(path, "directory", path, compare=True))
    assert found.entries == 601
    assert relay.connections > 2


def unreachable() -> Server:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return Server("127.0.0.1", port, "me", password="x")


@pytest.mark.parametrize("what", ["nobody listens", "wrong password", "unknown host key"])
def test_a_server_that_can_not_be_used_is_no_missing_section(
    scripted: ScriptedServer, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    server = {
        "nobody listens": unreachable(),
        "wrong password": scripted.server(password="wrong"),
        "unknown host key": replace(scripted.server(), host_key=None),
    }[what]
    connections = Connections(server)
    source, path = SftpSource(Remote(connections)), f"sftp://{server}/data"
    (found,) = source.resolve(Selection(path, single_dir=True))
    assert isinstance(found, PassedOver)
    assert isinstance(found.reason, ServerUnavailable)
    assert found.reason.needs_attention
    assert str(server) in str(found.reason)
    with pytest.raises(SourceUnavailable, match=str(server)) as caught:
        source.look(Candidate(path, "directory", path, compare=True))
    assert caught.value.exit_code == 4
    connections.close()


def test_who_could_not_log_in_is_not_tried_again_for_every_candidate(scripted: ScriptedServer, sshd: Sshd) -> None:
    with Relay(scripted.port) as between:
        server = replace(scripted.server(password="wrong"), port=between.port)
        connections = Connections(server)
        source, path = SftpSource(Remote(connections)), f"sftp://{server}/data"
        for _ in range(20):
            with pytest.raises(SourceUnavailable):
                source.look(Candidate(path, "directory", path, compare=True))
        connections.close()
        assert between.connections == 1


@pytest.mark.parametrize("drops", [False, True])
def test_nobody_waits_for_every_single_candidate_of_a_server_that_is_gone(
    relay: Relay, sshd: Sshd, drops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.1)
    server = sshd.server(relay.port) if drops else unreachable()
    relay.refusing = True
    connections = Connections(server)
    source, path = SftpSource(Remote(connections)), f"sftp://{server}/data"
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(SourceUnavailable):
            source.look(Candidate(path, "directory", path, compare=True))
    connections.close()
    assert time.monotonic() - began < 15  # 100 times three waits take more


def test_a_server_that_goes_away_in_the_middle_of_a_tree_ends_only_its_section(
    sshd: Sshd, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(remote_module, "LONGEST_WAIT", 0.01)
    write(tmp_path / "a")
    with remote(sshd, relay.port) as (files, url):
        source = SftpSource(files)
        relay.refusing = True
        relay.break_all()
        (found,) = source.resolve(Selection(f"{url}{tmp_path}", files=True))
    assert isinstance(found, PassedOver)
    assert isinstance(found.reason, ServerUnavailable)


def test_a_run_that_is_to_stop_does_not_wait_for_a_server(sshd: Sshd, relay: Relay) -> None:
    class Stop(Exception):
        pass

    def check() -> None:
        raise Stop

    connections = Connections(sshd.server(relay.port))
    with pytest.raises(Stop):
        list(SftpSource(Remote(connections, check)).resolve(Selection(f"sftp://{sshd.server()}/tmp", dirs=True)))
    connections.close()
