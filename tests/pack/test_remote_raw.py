"""Files of a server as they are."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError, SourceShrank, SourceUnavailable
from glacier_backup.pack.remote_raw import PIECE, RemoteRawPacker, RemoteRawStream
from glacier_backup.ssh import remote as remote_module
from tests.contract.over_sftp import remote
from tests.pack.packing import packed, read_all
from tests.ssh_server.relay import Relay
from tests.ssh_server.sshd import Sshd
from tests.streams import noise


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(remote_module, "LONGEST_WAIT", 0.01)


def parts(stream: RemoteRawStream, size: int) -> bytes:
    """The whole file, read in parts by four threads."""
    assert stream.size is not None
    data = bytearray(stream.size)
    view = memoryview(data)
    with ThreadPoolExecutor(4) as pool:
        counts = pool.map(lambda at: stream.read_at(view[at : at + size], at), range(0, stream.size, size))
        assert sum(counts) == stream.size
    return bytes(data)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 3])
def test_a_file_comes_as_it_is_in_whatever_way_it_is_read(sshd: Sshd, tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(noise(size))
    with remote(sshd) as (files, url):
        result = packed(RemoteRawPacker(files), f"{url}{tmp_path}/file", "file", 1_000_000)
        assert result.data == noise(size)
        assert (result.outcome.problems, result.outcome.changed) == ((), False)
        assert [one.size for one in result.members] == [size]
        if size:
            with RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "file") as stream:
                assert isinstance(stream, RemoteRawStream)
                assert parts(stream, 1_500_000) == noise(size)
                assert not stream.outcome().changed


def test_a_server_that_drops_the_connection_every_few_megabytes_is_read_to_the_end(
    sshd: Sshd, relay: Relay, tmp_path: Path, soon: None
) -> None:
    (tmp_path / "file").write_bytes(noise(30_000_000))
    relay.drop_after = 3_000_000
    with remote(sshd, relay.port) as (files, url):
        assert packed(RemoteRawPacker(files), f"{url}{tmp_path}/file", "f").data == noise(30_000_000)
        with RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "file") as stream:
            assert isinstance(stream, RemoteRawStream)
            assert parts(stream, 8_000_000) == noise(30_000_000)
    assert relay.connections > 18


def test_a_server_that_goes_away_is_an_error_of_its_own(sshd: Sshd, relay: Relay, tmp_path: Path, soon: None) -> None:
    (tmp_path / "file").write_bytes(noise(10 * PIECE))
    with remote(sshd, relay.port) as (files, url), RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "f") as stream:
        relay.refusing = True
        relay.break_all()
        with pytest.raises(SourceUnavailable):
            read_all(stream)
        with pytest.raises(SourceUnavailable), RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "f"):
            pass


def test_a_part_of_a_file_that_has_shrunk_is_an_error(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(noise(10_000_000))
    with remote(sshd) as (files, url), RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "f") as stream:
        assert isinstance(stream, RemoteRawStream)
        os.truncate(tmp_path / "file", 9_000_000)
        assert stream.read_at(memoryview(bytearray(1000)), 8_000_000) == 1000
        with pytest.raises(SourceShrank, match="shorter"):
            stream.read_at(memoryview(bytearray(1000)), 9_999_000)
        assert stream.outcome().changed


def test_a_file_of_which_only_the_time_changed_is_called_changed(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(noise(1000))
    with remote(sshd) as (files, url), RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "f") as stream:
        read_all(stream)
        os.utime(tmp_path / "file", ns=(0, 10**18))
        assert stream.outcome().changed


def test_a_file_of_no_size_that_has_content_is_read_to_its_end(sshd: Sshd) -> None:
    with remote(sshd) as (files, url):
        result = packed(RemoteRawPacker(files), f"{url}/proc/version", "version")
    assert result.data.startswith(b"Linux version")
    assert result.outcome.changed


def test_a_part_of_a_file_without_a_size_can_not_be_asked_for(sshd: Sshd) -> None:
    with remote(sshd) as (files, url), RemoteRawPacker(files).pack(f"{url}/proc/version", "version") as stream:
        assert isinstance(stream, RemoteRawStream)
        with pytest.raises(ValueError, match="front to end"):
            stream.read_at(memoryview(bytearray(10)), 0)


@pytest.mark.parametrize("name", ["nul\0inside", "surrogate\ud800"])
def test_a_path_that_can_not_be_is_an_error(sshd: Sshd, name: str) -> None:
    with (
        remote(sshd) as (files, url),
        pytest.raises(SourceError, match="no such path"),
        RemoteRawPacker(files).pack(f"{url}/{name}", "x"),
    ):
        pass


def test_leaving_in_the_middle_leaves_no_thread_behind(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(noise(20 * PIECE))
    with remote(sshd) as (files, url):
        packed(RemoteRawPacker(files), f"{url}{tmp_path}/file", "f")
        before = threading.active_count()
        with RemoteRawPacker(files).pack(f"{url}{tmp_path}/file", "f") as stream:
            stream.readinto(memoryview(bytearray(1000)))
            assert threading.active_count() > before
        assert threading.active_count() == before
