"""SFTP servers that allow less than OpenSSH's, or say no in other words; and archive gateways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from glacier_backup.destination.servers import files as sftp_files
from glacier_backup.destination.servers.errors import words
from glacier_backup.destination.sftp import Sftp
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, UploadLost, VolumeMissing
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.ssh import Connections, sessions
from glacier_backup.units import MIB
from tests.contract import sending
from tests.contract.sending import LABEL, MANIFEST, OTHER, begin, nothing, resumed
from tests.ssh_server.relay import Relay
from tests.ssh_server.scripted import Operation, ScriptedServer
from tests.streams import BytesStream, noise

NAME = "20260321T040000.123456Z.tar"
KEY = f"nas/data/photos/{NAME}"
DATA = noise(5 * MIB + 5)
EVERYTHING: tuple[Operation, ...] = ("rename", "stat", "read", "list", "remove", "fsync")


class Told(list[str]):
    """What the destination told once."""

    def __call__(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sftp(scripted: ScriptedServer, told: Told) -> Iterator[Sftp]:
    with closing(Sftp(scripted.server(), "/backup", note=told)) as made:
        yield made


@pytest.fixture
def later(scripted: ScriptedServer) -> Iterator[Sftp]:
    """The destination of a later process."""
    with closing(Sftp(scripted.server(), "/backup")) as made:
        yield made


def files(scripted: ScriptedServer) -> list[str]:
    return sorted(path.name for path in scripted.root.rglob("*") if path.is_file())


WHOLE = [NAME, f"{NAME}.recipe.json", f"{NAME}.sha256"]


@pytest.mark.parametrize("refused", [*EVERYTHING, "all"])
@pytest.mark.parametrize("error", [asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure])
def test_what_a_server_refuses_is_done_without(
    scripted: ScriptedServer, sftp: Sftp, refused: str, error: type[asyncssh.SFTPFailure]
) -> None:
    scripted.script.refused = set(EVERYTHING) if refused == "all" else {one for one in EVERYTHING if one == refused}
    if error is asyncssh.SFTPFailure:
        scripted.script.refused -= {"fsync"}  # there it means that the disk failed
    scripted.script.error = lambda: error("Not here")
    sftp.identify(holds_archives=True) if refused in ("all", "stat") else sftp.identify(holds_archives=False)

    receipt = sending.send(sftp, BytesStream(DATA))

    assert (scripted.root / "backup" / receipt.locator).read_bytes() == DATA
    left_behind = [f".{NAME}.partial"] if refused == "all" else []  # it lets nobody remove the try
    assert files(scripted) == sorted([*WHOLE, *left_behind])


def test_what_is_done_without_is_told_once(scripted: ScriptedServer, sftp: Sftp, told: Told) -> None:
    scripted.script.refused = set(EVERYTHING)
    sending.send(sftp, BytesStream(b"content"))
    sending.send(sftp, BytesStream(b"content"), OTHER)

    assert [text.partition(": ")[2].partition(":")[0] for text in told] == [
        "it lets nobody rename files",
        "it doesn't show what is stored",
    ]


def test_a_server_that_only_takes_files_into_folders_that_are_there_is_used(
    scripted: ScriptedServer, sftp: Sftp
) -> None:
    (scripted.root / "backup/nas/data/photos").mkdir(parents=True)
    scripted.script.refused = {*EVERYTHING, "mkdir"}
    sending.send(sftp, BytesStream(b"content"))
    assert set(WHOLE) < set(files(scripted))


def test_what_was_written_under_its_own_name_is_gone_on_with(scripted: ScriptedServer, sftp: Sftp, later: Sftp) -> None:
    scripted.script.refused = {"rename"}
    upload = begin(sftp)
    sftp.send(upload, BytesStream(DATA), nothing)
    assert files(scripted) == [NAME]
    (scripted.root / "backup" / KEY).write_bytes(DATA[: 2 * MIB])

    checksums = later.send(resumed(upload), BytesStream(DATA), nothing)
    assert later.complete(resumed(upload), checksums, MANIFEST, nothing).locator == KEY
    later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert files(scripted) == WHOLE
    assert (scripted.root / "backup" / KEY).read_bytes() == DATA
    with pytest.raises(DestinationError, match="File exists"):
        begin(later)


def test_what_was_written_under_its_own_name_is_removed_until_it_is_whole(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp
) -> None:
    scripted.script.refused = {"rename"}
    sftp.send(begin(sftp), BytesStream(DATA), nothing)
    later.abort(LABEL, None, nothing)
    assert files(scripted) == []

    sending.send(sftp, BytesStream(DATA))
    later.abort(LABEL, None, nothing)
    assert files(scripted) == WHOLE


def test_where_nothing_is_shown_only_what_was_begun_here_is_removed(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp
) -> None:
    scripted.script.refused = {"rename", "stat", "read", "list"}
    sending.send(sftp, BytesStream(DATA))
    later.abort(LABEL, None, nothing)
    sftp.abort(LABEL, None, nothing)
    assert files(scripted) == WHOLE

    sftp.send(begin(sftp, OTHER), BytesStream(DATA), nothing)
    sftp.abort(OTHER, None, nothing)
    assert files(scripted) == WHOLE


def test_a_fixed_key_replaces_what_has_it_where_nothing_is_renamed(scripted: ScriptedServer, sftp: Sftp) -> None:
    scripted.script.refused = {"rename"}
    label = replace(LABEL, fixed_key="photos/a.jpg", mtime_ns=10**18)
    sending.send(sftp, BytesStream(DATA), label)
    upload = begin(sftp, label)
    sftp.complete(upload, sftp.send(upload, BytesStream(b"newer"), nothing), MANIFEST, nothing)
    assert (scripted.root / "backup/photos/a.jpg").read_bytes() == b"newer"
    assert files(scripted) == ["a.jpg"]
    begin(sftp, label)
    sftp.abort(label, None, nothing)
    assert files(scripted) == [], "what was written over the one before isn't whole"


@pytest.mark.parametrize("refused", [*EVERYTHING, "all"])
def test_a_file_of_a_tree_gets_there_whatever_is_refused(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp, refused: str
) -> None:
    scripted.script.refused = set(EVERYTHING) if refused == "all" else {one for one in EVERYTHING if one == refused}
    label = replace(LABEL, fixed_key="photos/a.jpg", mtime_ns=10**18)
    for data in (DATA, b"newer"):
        upload = begin(sftp, label)
        sums = sftp.send(upload, BytesStream(data), nothing)
        sftp.complete(upload, sums, MANIFEST, nothing)
        assert (scripted.root / "backup/photos/a.jpg").read_bytes() == data
    later.abort(label, None, nothing) if "remove" not in scripted.script.refused else None
    assert (scripted.root / "backup/photos/a.jpg").read_bytes() == b"newer"
    assert len(files(scripted)) == (2 if refused == "all" else 1)  # it lets nobody remove the try


def test_a_rename_whose_answer_was_lost_removes_nothing(scripted: ScriptedServer) -> None:
    """Asked again, a server that shows nothing can't tell that it was done."""
    (scripted.root / "new").write_bytes(b"new")
    scripted.script.refused = {"stat"}

    with (
        closing(Connections(scripted.server())) as connections,
        connections.session(nothing) as session,
        pytest.raises(asyncssh.SFTPNoSuchFile),
    ):
        session.run(sftp_files.replace(session, b"/old", b"/new"), nothing)

    assert (scripted.root / "new").read_bytes() == b"new"


def test_a_server_that_only_renames_to_what_is_free_gets_room(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scripted.root / "old").write_bytes(b"newer")
    (scripted.root / "new").write_bytes(b"older")

    async def unsupported(self: asyncssh.SFTPClient, *names: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("Not here")

    monkeypatch.setattr(asyncssh.SFTPClient, "posix_rename", unsupported)
    with closing(Connections(scripted.server())) as connections, connections.session(nothing) as session:
        session.run(sftp_files.replace(session, b"/old", b"/new"), nothing)

    assert {path.name: path.read_bytes() for path in scripted.root.iterdir()} == {"new": b"newer"}


def test_what_nobody_can_read_is_sent_again_from_the_start(
    scripted: ScriptedServer, sftp: Sftp, later: Sftp, told: Told
) -> None:
    upload = begin(later)
    later.send(upload, BytesStream(DATA), nothing)
    scripted.script.refused = {"read"}
    counts: list[int] = []

    checksums = sftp.send(resumed(upload), BytesStream(DATA), counts.append)
    sftp.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert sum(counts) == len(DATA)
    assert (scripted.root / "backup" / KEY).read_bytes() == DATA
    assert len(told) == 1
    assert "from its beginning" in told[0]


@pytest.mark.parametrize(
    ("error", "said", "cure"),
    [
        (asyncssh.SFTPFailure("Disk quota exceeded"), "the server refused (Disk quota exceeded)", "quota full?"),
        (asyncssh.SFTPPermissionDenied("Permission denied"), "no permission (Permission denied)", "able to write"),
    ],
    ids=["quota", "permission"],
)
def test_a_refusal_is_final_and_in_the_server_s_words(
    scripted: ScriptedServer, sftp: Sftp, error: asyncssh.SFTPError, said: str, cure: str
) -> None:
    upload = begin(sftp)
    scripted.script.refused = {"write"}
    scripted.script.error = lambda: error

    with pytest.raises(DestinationError, match=re.escape(said)) as caught:
        sftp.send(upload, BytesStream(DATA), nothing)

    assert not isinstance(caught.value, DestinationUnavailable)
    assert KEY in str(caught.value)
    assert cure in str(caught.value.hint)


def test_newer_servers_refusals_say_more() -> None:
    said = [
        words(error("it said"))
        for error in (asyncssh.SFTPQuotaExceeded, asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPWriteProtect)
    ]
    assert said == [
        "the quota on the server is full (it said)",
        "No space left on the server (it said)",
        "no permission (it said)",
    ]


def test_a_wrong_password_is_said(scripted: ScriptedServer) -> None:
    with (
        closing(Sftp(scripted.server(password="wrong"), "/backup")) as sftp,
        pytest.raises(DestinationUnavailable, match="doesn't accept the password") as caught,
    ):
        sftp.identify(holds_archives=False)
    assert caught.value.exit_code == 4
    assert "wrong" not in str(caught.value)


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_never_answers_is_given_up(
    scripted: ScriptedServer, sftp: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(sftp)
    scripted.script.hangs = True
    monkeypatch.setattr(sessions, "ANSWER_TIMEOUT", 0.1)
    with pytest.raises(DestinationUnavailable, match="no answer within"):
        sftp.send(upload, BytesStream(b"content"), nothing)


def test_a_folder_that_can_t_be_listed_is_named(scripted: ScriptedServer, sftp: Sftp) -> None:
    scripted.script.refused = {"list"}
    with pytest.raises(DestinationError, match="/backup: no permission"):
        list(sftp.inventory(Thaw(None, "", "ready"), nothing))


def test_a_directory_may_be_relative_to_where_a_log_in_arrives(scripted: ScriptedServer) -> None:
    for directory, path in (("", scripted.root), ("mine", scripted.root / "mine")):
        with closing(Sftp(scripted.server(), directory)) as sftp:
            sftp.identify(holds_archives=False)
            receipt = sending.send(sftp, BytesStream(DATA))
            assert (path / receipt.locator).read_bytes() == DATA
            assert [one.locator for one in sftp.inventory(Thaw(None, "", "ready"), nothing)] == [receipt.locator]
            sftp.delete(receipt.locator, nothing)


@pytest.fixture
def gateway(scripted: ScriptedServer) -> ScriptedServer:
    """An archive gateway that lists nothing, renames nothing and shows nothing."""
    scripted.script.gateway = True
    scripted.script.refused = {"rename", "list", "stat"}
    return scripted


@pytest.fixture
def cold(gateway: ScriptedServer) -> Iterator[Sftp]:
    with closing(Sftp(gateway.server(), "/container", cold=True)) as made:
        yield made


def test_a_gateway_gets_each_file_in_one_go(gateway: ScriptedServer, cold: Sftp) -> None:
    cold.identify(holds_archives=True)
    first, second = sending.send(cold, BytesStream(DATA)), sending.send(cold, BytesStream(b""), OTHER)

    container = gateway.root / "container"
    assert (container / first.locator).read_bytes() == DATA
    assert (container / second.locator).read_bytes() == b""
    assert "rename" not in [operation for operation, _ in gateway.script.seen]
    written = dict.fromkeys(path for operation, path in gateway.script.seen if operation == "write")
    assert list(written) == [
        f"/container/{one.locator}{suffix}" for one in (first, second) for suffix in ("", ".sha256", ".recipe.json")
    ]


def test_a_gateway_gets_a_file_of_a_tree_under_its_own_name(gateway: ScriptedServer, cold: Sftp) -> None:
    label = replace(LABEL, fixed_key="photos/a.jpg", mtime_ns=10**18)
    for data in (DATA, b"newer"):
        sending.send(cold, BytesStream(data), label)
        assert (gateway.root / "container/photos/a.jpg").read_bytes() == data
    begin(cold, label)
    cold.abort(replace(label, fixed_key="photos/b.jpg"), None, nothing)
    assert files(gateway) == ["a.jpg"]


def test_reading_what_is_sealed_starts_the_unsealing(gateway: ScriptedServer, cold: Sftp) -> None:
    locator = sending.send(cold, BytesStream(DATA)).locator
    buffer = memoryview(bytearray(len(DATA)))

    thaw = cold.thaw(ThawRequest(locator), nothing)

    assert thaw.state == "thawing"
    assert gateway.script.unsealing == {f"/container/{locator}"}
    assert [one.state for one in cold.thawing([thaw], nothing)] == ["thawing"]
    with pytest.raises(NotThawed, match="sealed") as caught:
        cold.fetch(thaw, 0, buffer, nothing)
    assert "hours" in str(caught.value.hint)

    gateway.script.unsealed = {f"/container/{locator}"}
    (thaw,) = cold.thawing([thaw], nothing)
    assert thaw.state == "ready"
    assert cold.thaw(ThawRequest(locator), nothing).state == "ready"
    assert cold.fetch(thaw, 0, buffer, nothing) == len(DATA)
    assert bytes(buffer) == DATA


def test_what_a_gateway_doesn_t_have_is_missing(cold: Sftp) -> None:
    with pytest.raises(VolumeMissing):
        cold.thaw(ThawRequest("nowhere"), nothing)
    (gone,) = cold.thawing([Thaw("nowhere", "", "thawing")], nothing)
    assert gone.state == "failed"
    assert "nothing is stored" in str(gone.cause)


def test_what_a_gateway_was_sent_half_is_begun_anew(gateway: ScriptedServer, cold: Sftp) -> None:
    with Relay(gateway.port, drop_after=3_000_000) as relay:
        server = replace(gateway.server(), port=relay.port)
        with closing(Sftp(server, "/container", cold=True)) as rough:
            upload = begin(rough)
            with pytest.raises(UploadLost, match="can't be gone on with"):
                rough.send(upload, BytesStream(DATA), nothing)
            relay.drop_after = None
            rough.abort(LABEL, upload.id, nothing)
            assert files(gateway) == []
            sending.send(rough, BytesStream(DATA))
    assert files(gateway) == WHOLE

    with pytest.raises(UploadLost):
        cold.send(resumed(upload), BytesStream(DATA), nothing)


def test_a_thaw_keeps_what_was_asked_for(tmp_path: Path, cold: Sftp) -> None:
    locator = sending.send(cold, BytesStream(DATA)).locator
    thaw = cold.thaw(ThawRequest(locator, MIB, 2 * MIB), nothing)
    assert (thaw.start, thaw.end) == (MIB, 2 * MIB)
