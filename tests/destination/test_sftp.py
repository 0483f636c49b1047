"""Archives on an SFTP server: OpenSSH's own."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from glacier_backup.destination.sftp import Sftp
from glacier_backup.errors import DestinationError, DestinationUnavailable, Interrupted, UploadLost, VolumeMissing
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.units import MIB
from tests.contract import sending
from tests.contract.sending import LABEL, MANIFEST, OTHER, begin, nothing, resumed
from tests.ssh_server.relay import Relay
from tests.ssh_server.sshd import Sshd, free_port
from tests.streams import BytesStream, noise

NAME = "20260321T040000.123456Z.tar"
READY = Thaw(None, "", "ready")
DATA = noise(6 * MIB + 5)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def sftp(sshd: Sshd, root: Path) -> Iterator[Sftp]:
    with closing(Sftp(sshd.server(), str(root))) as made:
        yield made


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_stock_tools_read_and_check_what_is_stored(sshd: Sshd, sftp: Sftp, root: Path, tmp_path: Path) -> None:
    folder = root / "nas/data/photos"
    sending.send(sftp, BytesStream(DATA))

    sshd.sftp(f"lcd {tmp_path}", f"cd {folder}", f"get {NAME}", f"get {NAME}.sha256", f"get {NAME}.recipe.json")

    checked = subprocess.run(["sha256sum", "-c", f"{NAME}.sha256"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.stdout == f"{NAME}: OK\n"
    assert (tmp_path / NAME).read_bytes() == DATA
    assert (tmp_path / f"{NAME}.recipe.json").read_text() == MANIFEST


def test_only_the_owner_can_read_what_is_stored(sftp: Sftp, root: Path) -> None:
    sending.send(sftp, BytesStream(b"content"))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")] if path.is_dir()} == {0o700}


def test_several_connections_share_the_work(sshd: Sshd, relay: Relay, root: Path) -> None:
    with closing(Sftp(sshd.server(relay.port, connections=3), str(root))) as sftp:
        receipt = sending.send(sftp, BytesStream(DATA))
        assert relay.connections == 3
    assert (root / receipt.locator).read_bytes() == DATA


def test_an_archive_is_never_overwritten(sftp: Sftp, root: Path) -> None:
    sending.send(sftp, BytesStream(b"first"))

    with pytest.raises(DestinationError, match="File exists"):
        sending.send(sftp, BytesStream(b"second"))

    assert (root / "nas/data/photos" / NAME).read_bytes() == b"first"


def test_an_archive_that_appeared_meanwhile_is_not_overwritten(sftp: Sftp, root: Path) -> None:
    upload = begin(sftp)
    checksums = sftp.send(upload, BytesStream(b"second"), nothing)
    (root / upload.id).write_bytes(b"first!")

    with pytest.raises(DestinationError, match="File exists"):
        sftp.complete(upload, checksums, MANIFEST, nothing)

    assert (root / upload.id).read_bytes() == b"first!"


def test_a_fixed_key_replaces_what_has_it(sftp: Sftp, root: Path) -> None:
    label = replace(LABEL, fixed_key="photos/a.jpg", mtime_ns=1_600_000_000_123_456_789)
    sending.send(sftp, BytesStream(noise(2 * MIB)), label)
    upload = begin(sftp, label)
    assert (root / "photos/a.jpg").read_bytes() == noise(2 * MIB)

    checksums = sftp.send(upload, BytesStream(b"newer"), nothing)
    sftp.complete(upload, checksums, '{"newer": 1}', nothing)
    sftp.complete(upload, checksums, '{"newer": 1}', nothing)

    assert (root / "photos/a.jpg").read_bytes() == b"newer"
    assert (root / "photos/a.jpg").stat().st_mtime == 1_600_000_000
    assert files(root) == ["a.jpg"]
    other = replace(upload, label=replace(label, mtime_ns=0))
    for upload_, size in ((upload, 6), (other, 5)):
        with pytest.raises(UploadLost):
            sftp.complete(upload_, replace(checksums, size=size), MANIFEST, nothing)
    sftp.abort(label, None, nothing)
    assert (root / "photos/a.jpg").read_bytes() == b"newer"


def test_what_died_while_it_was_tried_whether_files_can_be_renamed_is_removed(sftp: Sftp, root: Path) -> None:
    label = replace(LABEL, fixed_key="photos/a.jpg", mtime_ns=0)
    begin(sftp, label)
    (partial,) = (path for path in root.rglob("*.partial") if path.is_file())
    partial.rename(f"{partial}.partial")

    sftp.abort(label, None, nothing)

    assert files(root) == []


@pytest.mark.parametrize("mtime_ns", [-1, 2**32 * 10**9, None])
def test_a_time_that_the_protocol_can_t_tell_is_left_out(sftp: Sftp, root: Path, mtime_ns: int | None) -> None:
    label = replace(LABEL, fixed_key="old", mtime_ns=mtime_ns)
    upload = begin(sftp, label)
    checksums = sftp.send(upload, BytesStream(b"content"), nothing)

    sftp.complete(upload, checksums, MANIFEST, nothing)
    sftp.complete(upload, checksums, MANIFEST, nothing)

    assert (root / "old").read_bytes() == b"content"


def test_a_file_and_a_folder_can_t_have_one_name(sftp: Sftp, root: Path) -> None:
    for taken, wanted, match in (("a", "a/x", "there is a file .*/a,"), ("b/x", "b", "there is a directory .*/b,")):
        sending.send(sftp, BytesStream(b"first"), replace(LABEL, fixed_key=taken))
        with pytest.raises(DestinationError, match=match) as caught:
            sending.send(sftp, BytesStream(b"second"), replace(LABEL, fixed_key=wanted))
        assert "rename the one at its source" in str(caught.value.hint)
        sftp.abort(replace(LABEL, fixed_key=wanted), None, nothing)
    assert files(root) == ["a", "x"]


def test_the_last_level_of_the_directory_is_made_and_no_other(sshd: Sshd, tmp_path: Path) -> None:
    with closing(Sftp(sshd.server(), str(tmp_path / "one/two"))) as sftp:
        with pytest.raises(DestinationUnavailable, match="does not exist") as caught:
            sftp.identify(holds_archives=False)
        assert "only the last level" in str(caught.value.hint)
        with pytest.raises(DestinationError, match="no such file or directory"):
            sending.send(sftp, BytesStream(b"content"))
    assert list(tmp_path.iterdir()) == []

    with closing(Sftp(sshd.server(), str(tmp_path / "one"))) as sftp:
        sftp.identify(holds_archives=False)
        assert list(tmp_path.iterdir()) == []
        sending.send(sftp, BytesStream(b"content"))
    assert NAME in files(tmp_path / "one")


def test_a_file_is_no_directory(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for directory in ("file", "file/below"):
        with (
            closing(Sftp(sshd.server(), str(tmp_path / directory))) as sftp,
            pytest.raises(DestinationUnavailable, match=r"not a directory|does not exist"),
        ):
            sftp.identify(holds_archives=False)


def test_a_directory_that_should_hold_archives_and_holds_nothing_is_not_written_to(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        with (
            closing(Sftp(sshd.server(), str(tmp_path / name))) as sftp,
            pytest.raises(DestinationUnavailable, match="nothing is there"),
        ):
            sftp.identify(holds_archives=True)
    (tmp_path / "empty/something").touch()
    with closing(Sftp(sshd.server(), str(tmp_path / "empty"))) as sftp:
        assert sftp.identify(holds_archives=True) == sftp.place


def test_a_place_is_named_by_user_host_port_and_directory(sshd: Sshd) -> None:
    server = replace(sshd.server(), host="nas", user="me", port=23)
    names = {directory: Sftp(server, directory).place.name for directory in ("/a/b/", "/", "", "rel/a")}
    assert names == {
        "/a/b/": "me@nas:23/a/b",
        "/": "me@nas:23/",
        "": "me@nas:23/~",
        "rel/a": "me@nas:23/~/rel/a",
    }


def test_a_full_disk_is_said_and_freed_at_once(sshd: Sshd, small_disk: Path) -> None:
    with closing(Sftp(sshd.server(), str(small_disk))) as sftp:
        upload = begin(sftp)
        with pytest.raises(DestinationError, match="No space left on the server") as caught:
            sftp.send(upload, BytesStream(noise(12 * MIB)), nothing)
        assert not isinstance(caught.value, DestinationUnavailable)
        assert "make room" in str(caught.value.hint)
        assert (small_disk / upload.id).with_name(f".{NAME}.partial").stat().st_size == 0
        sftp.abort(LABEL, upload.id, nothing)

    assert files(small_disk) == []


def test_no_permission_is_said(sshd_program: str, tmp_path: Path) -> None:
    """Of a server that runs without the superuser's right to pass over permissions."""
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        dropped = "-dac_override,-dac_read_search"
        prefix = ("setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}")
    (tmp_path / "locked").mkdir(mode=0o500)
    with (
        Sshd(tmp_path / "sshd", sshd_program, prefix) as sshd,
        closing(Sftp(sshd.server(), str(tmp_path / "locked"))) as sftp,
        pytest.raises(DestinationError, match=r"no permission \(Permission denied\)") as caught,
    ):
        sending.send(sftp, BytesStream(b"content"))
    assert "must be able to write" in str(caught.value.hint)


@pytest.mark.usefixtures("quick_retries")
def test_a_server_that_is_down_is_out_of_reach(sshd: Sshd) -> None:
    told: list[str] = []
    server = sshd.server(free_port())
    with (
        closing(Sftp(server, "/backup", waiting=lambda cause, _: told.append(cause))) as sftp,
        pytest.raises(DestinationUnavailable, match=f"127.0.0.1:{server.port}") as caught,
    ):
        sftp.identify(holds_archives=False)
    assert "check host and port" in str(caught.value.hint)


def test_an_untrusted_server_gets_nothing(sshd: Sshd) -> None:
    server = replace(sshd.server(), host_key=None)
    with (
        closing(Sftp(server, "/backup")) as sftp,
        pytest.raises(DestinationUnavailable, match="is not known") as caught,
    ):
        sftp.identify(holds_archives=False)
    assert caught.value.exit_code == 4
    assert sshd.host_key in str(caught.value.hint)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("part_size", [MIB, 16 * MIB])
def test_a_server_that_breaks_every_connection_is_put_up_with(
    sshd: Sshd, relay: Relay, root: Path, part_size: int
) -> None:
    """Parts larger than what goes over one connection, too, both ways."""
    data = noise(18 * MIB + 3)
    relay.drop_after = 3_000_000
    counts: list[int] = []
    with closing(Sftp(sshd.server(relay.port, connections=2), str(root))) as sftp:
        receipt = sending.send(sftp, BytesStream(data), part_size=part_size, progress=counts.append)
        assert (root / receipt.locator).read_bytes() == data
        assert sum(counts) == len(data)
        buffer = bytearray(2 * MIB)
        got = [
            bytes(buffer[: sftp.fetch(Thaw(receipt.locator, "", "ready"), at, memoryview(buffer), nothing)])
            for at in range(0, len(data), len(buffer))
        ]
    assert b"".join(got) == data
    assert relay.connections > 6


def test_a_part_that_is_torn_is_sent_again(sshd: Sshd, sftp: Sftp, relay: Relay, root: Path) -> None:
    upload = begin(sftp)
    sftp.send(upload, BytesStream(DATA), nothing)
    partial = (root / upload.id).with_name(f".{NAME}.partial")
    with partial.open("r+b") as file:
        file.seek(2 * MIB + 17)
        file.write(b"torn")

    with closing(Sftp(sshd.server(relay.port), str(root))) as later:
        checksums = later.send(resumed(upload), BytesStream(DATA), nothing)
        later.complete(resumed(upload), checksums, MANIFEST, nothing)

    assert (root / upload.id).read_bytes() == DATA
    assert MIB < relay.upstream < 1.2 * MIB


def test_breaking_off_leaves_nothing_under_way(sshd: Sshd, relay: Relay, root: Path) -> None:
    """What arrives later could overwrite what a next try has sent."""
    left = iter(range(3))

    def stop(count: int) -> None:
        if count and next(left, None) is None:
            raise Interrupted("stop")

    with closing(Sftp(sshd.server(relay.port, connections=1), str(root))) as sftp:
        upload = begin(sftp)
        relay.delay = 0.2
        with pytest.raises(Interrupted):
            sftp.send(upload, BytesStream(DATA), stop)
        partial = (root / upload.id).with_name(f".{NAME}.partial")
        size = partial.stat().st_size
        relay.delay = 0
        sftp.identify(holds_archives=True)
        assert partial.stat().st_size == size


def test_the_inventory_passes_over_what_lies_beside_archives(sftp: Sftp, root: Path) -> None:
    label = replace(LABEL, fixed_key="iso/disk.img")
    sending.send(sftp, BytesStream(b"content"), label)
    sending.send(sftp, BytesStream(b"content"))
    begin(sftp, OTHER)
    (root / "lonely.sha256").write_text("somebody's")
    (root / "link").symlink_to("iso")

    found = list(sftp.inventory(READY, nothing))

    assert sorted(one.locator for one in found) == ["iso/disk.img", "lonely.sha256", f"nas/data/photos/{NAME}"]


def test_many_files_in_one_folder_are_listed(sftp: Sftp, root: Path) -> None:
    root.mkdir()
    for number in range(3000):
        (root / f"{number}").touch()

    assert len({one.locator for one in sftp.inventory(READY, nothing)}) == 3000


def test_an_inventory_of_nothing_is_empty(sftp: Sftp) -> None:
    assert list(sftp.inventory(READY, nothing)) == []


def test_what_was_removed_is_not_read_from_a_file_still_open(sftp: Sftp) -> None:
    receipt = sending.send(sftp, BytesStream(DATA))
    thaw = sftp.thaw(ThawRequest(receipt.locator), nothing)
    buffer = memoryview(bytearray(10))
    assert sftp.fetch(thaw, 0, buffer, nothing) == 10

    sftp.delete(receipt.locator, nothing)

    with pytest.raises(VolumeMissing):
        sftp.fetch(thaw, 0, buffer, nothing)


def test_files_don_t_stay_open_on_the_server_without_end(sftp: Sftp) -> None:
    """Each archive is written, read and left; a server allows a few hundred open files."""
    for number in range(40):
        receipt = sending.send(sftp, BytesStream(b"x"), replace(LABEL, time=LABEL.time + timedelta(seconds=number)))
        sftp.fetch(Thaw(receipt.locator, "", "ready"), 0, memoryview(bytearray(1)), nothing)
    assert _archives_open() <= 40


def _archives_open() -> int:
    """Archives that any process on this machine has open."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += sum(NAME[:8] in os.readlink(one) for one in (process / "fd").iterdir())
        except OSError:
            continue
    return found


def test_openssh_understands_the_least_rights_of_the_docs(sshd: Sshd, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/sftp.md").read_text()
    (advice,) = re.findall(r"^```sshd_config\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "config").write_text((sshd.root / "config").read_text() + advice)

    shown = subprocess.run(
        [*sshd.program, "-T", "-f", tmp_path / "config", "-C", "user=backup,host=nas,addr=127.0.0.1"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "forcecommand internal-sftp" in shown.stdout
    assert "chrootdirectory /srv/backup" in shown.stdout


@pytest.fixture
def careful(sshd_program: str, tmp_path: Path) -> Iterator[Sshd]:
    """A server that lets nobody remove or rename anything, as the docs say."""
    page = (Path(__file__).parents[2] / "docs/sftp.md").read_text()
    (command,) = re.findall(r"`(internal-sftp -P \S+)`", page)
    with Sshd(tmp_path / "careful", sshd_program, more=f"ForceCommand {command}\n") as server:
        yield server


def test_a_server_that_removes_and_renames_nothing_keeps_what_it_got(careful: Sshd, root: Path) -> None:
    told: list[str] = []
    with closing(Sftp(careful.server(), str(root), note=told.append)) as sftp:
        receipt = sending.send(sftp, BytesStream(DATA))
        with pytest.raises(DestinationError, match="no permission"):
            sftp.delete(receipt.locator, nothing)
        with pytest.raises(DestinationError, match="File exists"):
            sending.send(sftp, BytesStream(b"other"))
    assert (root / receipt.locator).read_bytes() == DATA
    assert len(told) == 1
