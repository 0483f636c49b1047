"""Connecting to an SSH server: whom it is trusted to be, who logs in, and what breaks."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from asyncssh import FXF_READ, FXF_WRITE

from glacier_backup.errors import GlacierBackupError, Interrupted, ServerError, ServerLost, ServerUnreachable
from glacier_backup.ssh import Connections, Server, Session, login, sessions
from tests.ssh_server.relay import Relay
from tests.ssh_server.scripted import PASSWORD, ScriptedServer
from tests.ssh_server.sshd import Sshd, free_port, keygen


def nothing() -> None:
    return


async def where(session: Session) -> bytes:
    path = await session.sftp.realpath(b".")
    assert isinstance(path, bytes)
    return path


def reach(server: Server) -> bytes:
    """Log in, and see where that leads."""
    with closing(Connections(server)) as connections, connections.session(nothing) as session:
        return session.run(where(session), nothing)


def refused(server: Server) -> ServerError:
    with pytest.raises(ServerError) as caught:
        reach(server)
    assert caught.value.exit_code == 4
    return caught.value


def fingerprint(public: Path) -> str:
    return subprocess.run(["ssh-keygen", "-lf", public], check=True, capture_output=True, text=True).stdout.split()[1]


@pytest.fixture
def unpinned(sshd: Sshd) -> Server:
    """The server of OpenSSH, trusted by nothing but known_hosts."""
    return replace(sshd.server(), host_key=None)


@pytest.fixture
def known_hosts() -> Path:
    """The user's own, empty."""
    path = Path(os.environ["HOME"]) / ".ssh/known_hosts"
    path.parent.mkdir()
    return path


def test_a_pinned_host_key_is_enough(sshd: Sshd) -> None:
    assert reach(sshd.server()).startswith(b"/")


def test_a_pinned_fingerprint_is_enough_of_whatever_kind_the_key_is(sshd: Sshd, unpinned: Server) -> None:
    for name in ("host_key.pub", "host_key_rsa.pub"):
        reach(replace(unpinned, host_key=fingerprint(sshd.root / name)))


def test_a_server_in_known_hosts_is_trusted(sshd: Sshd, unpinned: Server, known_hosts: Path) -> None:
    known_hosts.write_text(f"# mine\n\nnonsense\n[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    reach(unpinned)


def test_a_hashed_name_in_known_hosts_is_understood(sshd: Sshd, unpinned: Server, tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()
    reach(replace(unpinned, known_hosts=str(file)))


def test_only_the_rsa_key_may_be_known(sshd: Sshd, unpinned: Server, known_hosts: Path) -> None:
    rsa = " ".join((sshd.root / "host_key_rsa.pub").read_text().split()[:2])
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {rsa}\n")
    reach(unpinned)


def test_an_unknown_server_is_refused_and_how_to_accept_it_is_said(
    sshd: Sshd, unpinned: Server, known_hosts: Path
) -> None:
    error = refused(unpinned)

    assert "is not known: ssh-ed25519 " in str(error)
    assert fingerprint(sshd.root / "host_key.pub") in str(error)
    line = f"[127.0.0.1]:{sshd.port} {sshd.host_key}"
    assert error.hint is not None
    assert error.hint.endswith(line)
    assert str(known_hosts) in error.hint
    known_hosts.write_text(line + "\n")
    reach(unpinned)


def test_a_changed_host_key_is_refused_with_both_fingerprints(
    sshd: Sshd, unpinned: Server, known_hosts: Path, tmp_path: Path
) -> None:
    keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "other"))
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")

    for server in (unpinned, replace(unpinned, host_key=other), replace(unpinned, host_key="SHA256:" + "A" * 43)):
        error = refused(server)
        assert fingerprint(sshd.root / "host_key.pub") in str(error)
        assert "somebody is in between" in str(error.hint)
        if server.host_key is None or not server.host_key.startswith("SHA256"):
            assert fingerprint(tmp_path / "other.pub") in str(error)


def test_a_host_key_of_another_kind_than_the_known_one_is_a_changed_one(
    sshd: Sshd, unpinned: Server, known_hosts: Path, tmp_path: Path
) -> None:
    keygen("-t", "ecdsa", "-N", "", "-f", str(tmp_path / "other"))
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {(tmp_path / 'other.pub').read_text()}")

    error = refused(unpinned)

    assert "has changed" in str(error)
    assert fingerprint(tmp_path / "other.pub") in str(error)


def test_a_revoked_host_key_is_refused(sshd: Sshd, unpinned: Server, known_hosts: Path) -> None:
    line = f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n"
    known_hosts.write_text(line + "@revoked " + line)
    assert "revoked" in str(refused(unpinned))


def test_what_is_no_host_key_is_called_so(unpinned: Server) -> None:
    assert "no host key" in str(refused(replace(unpinned, host_key="MD5:00:11")))


def test_the_user_s_ssh_config_changes_nothing(sshd: Sshd, unpinned: Server) -> None:
    """It could turn the check of host keys off."""
    folder = Path(os.environ["HOME"]) / ".ssh"
    folder.mkdir()
    (folder / "config").write_text("Host *\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n Port 1\n")
    assert "is not known" in str(refused(unpinned))


def test_a_key_that_isn_t_accepted_is_named(sshd: Sshd, tmp_path: Path) -> None:
    keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "other"))
    error = refused(replace(sshd.server(), key=str(tmp_path / "other")))
    assert f"doesn't accept the key {tmp_path}/other" in str(error)
    assert "authorized_keys" in str(error.hint)


def test_a_key_with_a_passphrase_is_called_so(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    keygen("-t", "ed25519", "-N", "long enough", "-f", str(tmp_path / "locked"))
    error = refused(replace(sshd.server(), key=str(tmp_path / "locked")))
    assert "protected by a passphrase, and no agent is running" in str(error)


@pytest.mark.parametrize("content", [None, "not a key"])
def test_a_key_file_that_can_t_be_used_is_named(sshd: Sshd, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    assert f"{tmp_path}/key" in str(refused(replace(sshd.server(), key=str(tmp_path / "key"))))


def test_the_usual_keys_are_tried(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    server = replace(sshd.server(), key=None)
    assert "no key of the agent" in str(refused(server))

    usual = Path(os.environ["HOME"]) / ".ssh/id_ed25519"
    usual.parent.mkdir()
    usual.write_bytes(sshd.key.read_bytes())
    reach(server)


@pytest.fixture
def agent(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that holds the key of the OpenSSH server."""
    socket = str(tmp_path / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        # Its socket is there a moment before it listens.
        while subprocess.run(["ssh-add", "-q", sshd.key], check=False, stderr=subprocess.DEVNULL).returncode:
            assert process.poll() is None
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.usefixtures("agent")
def test_the_agent_s_keys_are_tried_also_for_a_key_with_a_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    reach(replace(sshd.server(), key=None))

    keygen("-t", "ed25519", "-N", "long enough", "-f", str(tmp_path / "locked"))
    reach(replace(sshd.server(), key=str(tmp_path / "locked")))


def test_a_password_lets_in(scripted: ScriptedServer) -> None:
    assert reach(scripted.server()) == b"/"


def test_a_password_comes_from_a_file_that_only_its_owner_can_read(scripted: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nignored\n")
    server = replace(scripted.server(), password=None, password_file=str(file))

    file.chmod(0o644)
    error = refused(server)
    assert "(mode 0644)" in str(error)
    assert error.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    reach(server)
    file.write_text("\n")
    assert "is empty" in str(refused(server))
    file.unlink()
    assert "No such file" in str(refused(server))


def test_a_wrong_password_is_refused_and_never_shown(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hunter2 hunter2"
    server = scripted.server(password=secret)

    with caplog.at_level(logging.DEBUG):
        error = refused(server)

    assert "doesn't accept the password" in str(error)
    told = "".join(traceback.format_exception(error)) + repr(server) + str(server) + caplog.text + str(error.hint)
    assert secret not in told
    assert PASSWORD not in repr(scripted.server())


def test_nobody_who_listens_is_out_of_reach(sshd: Sshd) -> None:
    with pytest.raises(ServerUnreachable, match=r": Connection refused$"):
        reach(sshd.server(free_port()))


def test_a_host_with_two_addresses_is_out_of_reach_in_plain_words(monkeypatch: pytest.MonkeyPatch, sshd: Sshd) -> None:
    import socket

    port = free_port()
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in ("127.0.0.1", "127.0.0.2")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(ServerUnreachable, match=r": Connection refused$"):
        reach(replace(sshd.server(port), host="two.example"))


def test_a_name_that_nobody_knows_is_out_of_reach(sshd: Sshd) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        reach(replace(sshd.server(), host="nowhere.invalid"))
    assert "nowhere.invalid" in str(caught.value)


def test_a_server_that_says_nothing_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch, sshd: Sshd) -> None:
    import socket

    monkeypatch.setattr(login, "CONNECT_TIMEOUT", 0.3)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ServerUnreachable, match="no answer within"),
    ):
        reach(sshd.server(silent.getsockname()[1]))


def test_who_waits_for_a_connection_can_stop(sshd: Sshd) -> None:
    import socket

    def stop() -> None:
        raise Interrupted("stop")

    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        closing(Connections(sshd.server(silent.getsockname()[1]))) as connections,
        pytest.raises(Interrupted),
        connections.session(stop),
    ):
        pass


def test_connections_are_made_as_they_are_needed_and_used_again(sshd: Sshd, relay: Relay) -> None:
    with closing(Connections(sshd.server(relay.port, connections=3))) as connections:
        assert relay.connections == 0
        for _ in range(3):
            with connections.session(nothing) as session:
                session.run(where(session), nothing)
        assert relay.connections == 1
        with connections.session(nothing) as one, connections.session(nothing) as two:
            assert one is not two
        assert relay.connections == 2


def test_a_request_goes_out_as_one_packet(sshd: Sshd, relay: Relay) -> None:
    def asked(session: Session) -> int:
        before = relay.upstream
        session.run(where(session), nothing)
        return relay.upstream - before

    with closing(Connections(sshd.server(relay.port))) as connections, connections.session(nothing) as session:
        session.run(where(session), nothing)
        taken = asked(session)

    assert taken == 4 + 32 + 16  # length, contents padded to the cipher's blocks, tag: no empty packet ahead of it
    assert not [name for name in login.CIPHERS if "cbc" in name]  # which would want one


def test_more_users_than_connections_share_them(sshd: Sshd, relay: Relay) -> None:
    with closing(Connections(sshd.server(relay.port, connections=2))) as connections:
        with (
            connections.session(nothing) as one,
            connections.session(nothing) as two,
            connections.session(nothing) as three,
        ):
            assert three in (one, two)
        assert relay.connections == 2


def test_a_server_that_allows_fewer_connections_is_used_with_those(sshd: Sshd, relay: Relay) -> None:
    with (
        closing(Connections(sshd.server(relay.port, connections=2))) as connections,
        connections.session(nothing) as one,
    ):
        relay.refusing = True
        with connections.session(nothing) as two:
            assert two is one


def test_a_broken_connection_is_told_and_made_anew(sshd: Sshd, relay: Relay) -> None:
    with closing(Connections(sshd.server(relay.port, connections=1))) as connections:
        with connections.session(nothing) as session:
            session.run(where(session), nothing)
            relay.break_all()
            with pytest.raises(ServerLost, match="the connection broke"):
                session.run(where(session), nothing)
        with connections.session(nothing) as session:
            session.run(where(session), nothing)
        assert relay.connections == 2


def test_an_answer_that_never_comes_breaks_the_connection(
    sshd: Sshd, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Connections(sshd.server(relay.port))) as connections, connections.session(nothing) as session:
        monkeypatch.setattr(sessions, "ANSWER_TIMEOUT", 0.2)
        relay.delay = 30
        with pytest.raises(ServerLost, match="no answer within"):
            session.run(where(session), nothing)
        assert session.is_broken
        relay.delay = 0


def test_a_file_that_is_used_in_two_ways_leaves_nothing_open(scripted: ScriptedServer) -> None:
    """A server takes only so many open files."""
    (scripted.root / "a").write_bytes(b"some")

    async def use(session: Session) -> None:
        for _ in range(3):
            async with session.files.use(b"/a", FXF_READ), session.files.use(b"/a", FXF_WRITE):
                pass
        await session.files.close(b"/a")
        await session.sftp.stat(b"/a")  # answered after all that was asked for before

    with closing(Connections(scripted.server())) as connections, connections.session(nothing) as session:
        session.run(use(session), nothing)
        assert scripted.open_files() == 0


def test_closing_calls_off_what_waits_and_leaves_no_thread(sshd: Sshd, relay: Relay) -> None:
    connections = Connections(sshd.server(relay.port))
    failures: list[GlacierBackupError] = []
    waiting = threading.Event()

    def ask() -> None:
        try:
            with connections.session(nothing) as session:
                relay.delay = 30
                session.run(where(session), waiting.set)
        except ServerError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert waiting.wait(10)
    connections.close()
    thread.join(10)
    relay.break_all()

    assert [str(error).endswith("the connections were closed") for error in failures] == [True]
    assert not any(one.name == "ssh" for one in threading.enumerate())
    with pytest.raises(ServerError, match="closed"), connections.session(nothing):
        pass


def test_nothing_is_loaded_or_started_before_it_is_needed() -> None:
    code = (
        "import sys, threading; import glacier_backup.destination.sftp; "
        "from glacier_backup.ssh import Connections, Server; "
        "Connections(Server('nowhere')).close(); assert 'asyncssh' not in sys.modules; "
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_server_is_named_as_people_write_it() -> None:
    assert str(Server("nas", 23, "me")) == "me@nas:23"
    assert str(Server("::1", user="me")) == "me@[::1]:22"
    assert (Server("nas").known_as, Server("nas", 23).known_as) == ("nas", "[nas]:23")
    assert Server("nas").login
