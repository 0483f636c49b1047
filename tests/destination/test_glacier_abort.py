"""Uploads that come to nothing: removed, by id or by description, and never anybody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import DestinationError
from tests.contract.sending import LABEL, begin, nothing
from tests.destination.vaults import DATA, complete, half_sent, send
from tests.streams import BytesStream
from tests.vault_server.process import VaultServer

LATER = replace(LABEL, time=LABEL.time + timedelta(microseconds=1))


def test_aborting_removes_that_upload_and_no_other(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload, other = half_sent(glacier), begin(glacier)

    later.abort(LABEL, upload.id, nothing)
    later.abort(LABEL, upload.id, nothing)

    assert [left.id for left in vault_server.uploads(vault)] == [other.id]


def test_aborting_what_is_complete_or_expired_is_as_good(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    upload = begin(glacier)
    complete(glacier, upload, glacier.send(upload, BytesStream(DATA), nothing))

    later.abort(LABEL, upload.id, nothing)
    vault_server.expire(upload.id)
    later.abort(LABEL, upload.id, nothing)

    assert len(vault_server.archives(vault)) == 1


def test_an_upload_whose_id_was_never_heard_is_found_by_its_label_among_many(
    glacier: Glacier, later: Glacier, vault: str, vault_server: VaultServer
) -> None:
    """Among those of another machine, another path and another time, over several pages in no order."""
    others = [LATER, replace(LABEL, host="other"), replace(LABEL, path="/data/photos2")]
    kept = {begin(glacier, label).id for label in others * 20}
    begin(glacier)
    begin(glacier)

    later.abort(LABEL, None, nothing)

    assert {left.id for left in vault_server.uploads(vault)} == kept
    later.abort(LABEL, None, nothing)
    assert {left.id for left in vault_server.uploads(vault)} == kept


@pytest.mark.parametrize(("operation", "known"), [("AbortMultipartUpload", True), ("ListMultipartUploads", False)])
def test_without_the_permission_to_abort_or_to_look_others_can_still_be_sent(
    glacier: Glacier, vault_server: VaultServer, operation: str, known: bool
) -> None:
    upload = begin(glacier)
    vault_server.control(deny=[operation])

    with pytest.raises(DestinationError, match="AccessDenied") as caught:
        glacier.abort(LABEL, upload.id if known else None, nothing)

    assert caught.value.exit_code == 1


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("kind", ["lost_answer", "reset_answer"])
def test_a_beginning_whose_answer_got_lost_leaves_no_second_upload(
    glacier: Glacier, vault: str, vault_server: VaultServer, kind: str
) -> None:
    other = begin(glacier, LATER)
    initiate = "InitiateMultipartUpload"
    vault_server.faults(plan=[{"operation": initiate, "nth": nth, "kind": kind} for nth in (1, 2)])

    upload = begin(glacier)

    assert {left.id for left in vault_server.uploads(vault)} == {upload.id, other.id}


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("operation", ["ListMultipartUploads", "AbortMultipartUpload"])
def test_where_it_may_not_be_looked_for_a_second_one_is_left_to_expire(
    glacier: Glacier, vault: str, vault_server: VaultServer, operation: str
) -> None:
    vault_server.control(deny=[operation])
    vault_server.faults(plan=[{"operation": "InitiateMultipartUpload", "nth": 1, "kind": "lost_answer"}])

    upload = begin(glacier)

    assert upload.id in {left.id for left in vault_server.uploads(vault)}
    assert len(vault_server.uploads(vault)) == 2


def test_another_archive_of_the_vault_is_none_of_its_business(
    glacier: Glacier, vault: str, vault_server: VaultServer
) -> None:
    first = send(glacier)
    second = send(glacier, b"other")

    glacier.abort(LABEL, None, nothing)

    assert {archive.id for archive in vault_server.archives(vault)} == {first.locator, second.locator}
