"""Uploads that another process began: gone on with, or completed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from glacier_backup.destination.glacier import Glacier
from glacier_backup.digest import leaf_digests
from glacier_backup.errors import Interrupted, UploadForgotten, UploadLost, UploadOutgrown
from glacier_backup.model.archive import Checksums
from glacier_backup.units import MIB
from tests.contract.sending import begin, nothing, resumed
from tests.destination.vaults import DATA, complete, half_sent
from tests.streams import AnywhereStream, BytesStream, noise
from tests.vault_server.process import VaultServer


def parts_sent(server: VaultServer) -> int:
    count: int = server.stats()["operations"].get("UploadMultipartPart", 0)
    return count


def test_only_what_is_missing_is_sent(glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer) -> None:
    upload = half_sent(glacier)
    before = parts_sent(vault_server)
    count = 0
    lock = threading.Lock()

    def progress(chunk: int) -> None:
        nonlocal count
        with lock:
            count += chunk

    checksums = later.send(resumed(upload), BytesStream(DATA), progress)
    complete(later, resumed(upload), checksums)

    assert parts_sent(vault_server) - before == 3
    assert count == len(DATA)
    assert checksums.leaves == leaf_digests(DATA)
    (archive,) = vault_server.archives(vault)
    assert archive.path.read_bytes() == DATA


def test_an_upload_all_of_whose_parts_are_stored_sends_none(
    glacier: Glacier, later: Glacier, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    checksums = glacier.send(upload, BytesStream(DATA), nothing)
    before = parts_sent(vault_server)

    assert later.send(resumed(upload), BytesStream(DATA), nothing) == checksums
    assert parts_sent(vault_server) == before


def test_parts_beyond_the_first_page_are_found(glacier: Glacier, later: Glacier, vault_server: VaultServer) -> None:
    data = noise(120 * MIB)
    upload = half_sent(glacier, data, parts=110)
    before = parts_sent(vault_server)

    later.send(resumed(upload), BytesStream(data), nothing)

    assert parts_sent(vault_server) - before == 10


def test_parts_that_hash_to_something_else_now_are_sent_again(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload = half_sent(glacier)
    changed = bytearray(DATA)
    changed[MIB + 5] ^= 1

    complete(later, resumed(upload), later.send(resumed(upload), BytesStream(bytes(changed)), nothing))

    (archive,) = vault_server.archives(vault)
    assert archive.path.read_bytes() == changed


def test_a_stored_part_that_was_the_last_and_isnt_any_more_is_sent_again(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    glacier.send(upload, BytesStream(DATA[: 2 * MIB + 5]), nothing)

    complete(later, resumed(upload), later.send(resumed(upload), BytesStream(DATA), nothing))

    (archive,) = vault_server.archives(vault)
    assert archive.path.read_bytes() == DATA


@pytest.mark.parametrize("stream", [BytesStream, AnywhereStream])
def test_parts_beyond_the_end_make_an_upload_useless(
    glacier: Glacier, later: Glacier, stream: type[BytesStream]
) -> None:
    upload = half_sent(glacier)

    with pytest.raises(UploadLost, match="beyond"):
        later.send(resumed(upload), stream(DATA[: 2 * MIB]), nothing)


def test_an_upload_in_other_parts_is_useless(glacier: Glacier, later: Glacier) -> None:
    upload = half_sent(glacier)

    with pytest.raises(UploadLost, match="1048576"):
        later.send(replace(resumed(upload), part_size=2 * MIB), BytesStream(DATA), nothing)


@pytest.mark.parametrize("is_resumed", [False, True])
def test_an_upload_that_has_expired_is_lost(
    glacier: Glacier, later: Glacier, vault_server: VaultServer, is_resumed: bool
) -> None:
    upload = half_sent(glacier)
    vault_server.expire(upload.id)

    with pytest.raises(UploadLost):
        later.send(replace(upload, resumed=is_resumed), BytesStream(DATA), nothing)


def test_only_of_an_upload_that_was_seen_open_it_is_known_that_nobody_completed_it(
    glacier: Glacier, later: Glacier, vault_server: VaultServer
) -> None:
    begun_here, gone_on_with, unknown = half_sent(glacier), half_sent(glacier), half_sent(glacier)
    checksums = later.send(resumed(gone_on_with), BytesStream(DATA), nothing)
    for upload in (begun_here, gone_on_with, unknown):
        vault_server.expire(upload.id)

    for destination, upload in ((glacier, begun_here), (later, resumed(gone_on_with))):
        with pytest.raises(UploadLost) as caught:
            complete(destination, upload, checksums)
        assert not isinstance(caught.value, UploadForgotten)
        with pytest.raises(UploadForgotten):
            complete(destination, upload, checksums)
    with pytest.raises(UploadForgotten):
        complete(later, resumed(unknown), checksums)


def test_one_that_expires_half_way_is_lost(glacier: Glacier, vault_server: VaultServer) -> None:
    upload = begin(glacier)

    class Expiring(BytesStream):
        def readinto(self, buffer: memoryview) -> int:
            if self._at == 3 * MIB:
                vault_server.expire(upload.id)
            return super().readinto(buffer)

    with pytest.raises(UploadLost):
        glacier.send(upload, Expiring(DATA), nothing)


def test_without_the_permission_to_list_parts_an_upload_is_lost_with_the_cure(
    glacier: Glacier, later: Glacier, vault_server: VaultServer
) -> None:
    upload = half_sent(glacier)
    vault_server.control(deny=["ListParts"])

    with pytest.raises(UploadLost) as caught:
        later.send(resumed(upload), BytesStream(DATA), nothing)

    assert caught.value.hint is not None
    assert "glacier:ListParts" in caught.value.hint


def test_a_stream_that_outgrows_its_parts_is_told(glacier: Glacier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glacier, "limits", replace(glacier.limits, most_parts=3))

    with pytest.raises(UploadOutgrown):
        glacier.send(begin(glacier), BytesStream(DATA), nothing)


def test_completing_again_gives_the_same_archive(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    checksums = glacier.send(upload, BytesStream(DATA), nothing)

    first = complete(glacier, upload, checksums)

    assert complete(later, resumed(upload), checksums) == complete(glacier, upload, checksums) == first
    assert len(vault_server.archives(vault)) == 1


def test_what_was_completed_too_long_ago_is_forgotten(
    glacier: Glacier, later: Glacier, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    checksums = glacier.send(upload, BytesStream(DATA), nothing)
    complete(glacier, upload, checksums)
    vault_server.forget_completions()

    with pytest.raises(UploadForgotten):
        complete(later, resumed(upload), checksums)


@pytest.mark.usefixtures("quick_retries")
def test_a_completion_whose_answer_got_lost_may_have_been_done(glacier: Glacier, vault_server: VaultServer) -> None:
    upload = begin(glacier)
    checksums = glacier.send(upload, BytesStream(DATA), nothing)
    what = "CompleteMultipartUpload"
    plan = [{"operation": what, "nth": 1, "kind": "reset_before_answer"}]
    vault_server.faults(plan=[*plan, {"operation": what, "nth": 2, "kind": "expire_upload"}])

    with pytest.raises(UploadForgotten):
        complete(glacier, upload, checksums)


def test_an_upload_with_other_parts_than_these_is_useless(glacier: Glacier, later: Glacier) -> None:
    upload = half_sent(glacier)
    checksums = Checksums(len(DATA), "0" * 64, b"")

    with pytest.raises(UploadLost, match="can't become the archive") as caught:
        complete(later, resumed(upload), checksums)
    assert not isinstance(caught.value, UploadForgotten)


def test_a_stop_request_leaves_the_upload_to_go_on_with(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    sent = 0

    def stop(count: int) -> None:
        nonlocal sent
        sent += count
        if sent > 2 * MIB:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        glacier.send(upload, BytesStream(DATA), stop)
    glacier.close()
    complete(later, resumed(upload), later.send(resumed(upload), BytesStream(DATA), nothing))

    (archive,) = vault_server.archives(vault)
    assert archive.path.read_bytes() == DATA
