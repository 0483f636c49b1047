"""A look at archives on an SFTP server, beyond what every destination promises."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from glacier_backup.destination.sftp import Sftp
from glacier_backup.model.thaw import Thaw
from tests.contract.sending import MANIFEST, nothing, send
from tests.ssh_server.sshd import Sshd
from tests.streams import BytesStream

INVENTORY = Thaw(None, "", "ready")


def test_nothing_is_read_where_the_first_read_begins_an_unsealing(sshd: Sshd, tmp_path: Path) -> None:
    root = str(tmp_path / "vault")
    with closing(Sftp(sshd.server(), root)) as warm, closing(Sftp(sshd.server(), root, cold=True)) as cold:
        send(warm, BytesStream(b"content"))
        (stored,) = warm.inventory(INVENTORY, nothing)

        assert warm.examine(stored, nothing).manifest == MANIFEST
        found = cold.examine(stored, nothing)

    assert (found.size, found.manifest, found.sha256) == (7, None, None)


def test_what_may_not_be_read_is_as_it_was_listed(sshd: Sshd, tmp_path: Path) -> None:
    root = tmp_path / "vault"
    with closing(Sftp(sshd.server(), str(root))) as sftp:
        send(sftp, BytesStream(b"content"))
        (stored,) = sftp.inventory(INVENTORY, nothing)
        (manifest,) = root.rglob("*.recipe.json")
        manifest.unlink()
        manifest.mkdir()

        assert sftp.examine(stored, nothing).manifest is None
