"""Sending to a vault, against a server that checks what the API reference says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.utils import calculate_tree_hash

from glacier_backup.destination.aws import Access
from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import DestinationUnavailable
from glacier_backup.model.naming import parse_description
from glacier_backup.units import MIB
from tests.contract.test_destination import LABEL
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer


@pytest.fixture
def glacier(vault: str, vault_server: VaultServer) -> Iterator[Glacier]:
    with closing(Glacier(vault, "-", Access(endpoint_url=vault_server.endpoint_url), concurrency=3)) as made:
        yield made
        vault_server.control(deny=[], clock_offset=0)


def send(glacier: Glacier, data: bytes = b"content") -> str:
    return glacier.send(BytesStream(data), LABEL, MIB, lambda count: None).locator


def test_the_stored_archive_has_the_tree_hash_that_botocore_computes(
    glacier: Glacier, vault: str, vault_server: VaultServer
) -> None:
    data = noise(5 * MIB + 1)

    send(glacier, data)

    (archive,) = vault_server.archives(vault)
    assert archive.tree_hash == calculate_tree_hash(io.BytesIO(data))  # type: ignore[arg-type]  # the stub is wrong
    assert archive.size == len(data)


def test_the_description_says_where_the_archive_comes_from(
    glacier: Glacier, vault: str, vault_server: VaultServer
) -> None:
    send(glacier)

    (archive,) = vault_server.archives(vault)
    assert archive.description == glacier.describe(LABEL)
    assert archive.description.startswith("photos.tar ")
    assert parse_description(archive.description) == LABEL


def test_each_byte_is_handed_to_the_wire_once(glacier: Glacier) -> None:
    """botocore would read every part twice more, for the payload hash and for the tree hash, were it not told them."""
    counts: list[int] = []

    glacier.send(BytesStream(noise(3 * MIB)), LABEL, MIB, counts.append)

    assert sorted(counts) == [MIB, MIB, MIB]


def test_a_multiple_of_the_part_size_sends_no_empty_part(glacier: Glacier, vault_server: VaultServer) -> None:
    before = vault_server.stats()["operations"].get("UploadMultipartPart", 0)

    send(glacier, noise(4 * MIB))

    assert vault_server.stats()["operations"]["UploadMultipartPart"] - before == 4


def test_identify_gives_the_number_of_the_account(glacier: Glacier, vault_server: VaultServer) -> None:
    assert glacier.identify(holds_archives=False).account == vault_server.account


def unavailable(glacier: Glacier) -> DestinationUnavailable:
    with pytest.raises(DestinationUnavailable) as caught:
        glacier.identify(holds_archives=False)
    with pytest.raises(DestinationUnavailable) as again:
        send(glacier)
    assert again.value.exit_code == caught.value.exit_code == 4
    return caught.value


def test_a_vault_that_does_not_exist_is_named_with_the_command_that_makes_it(
    vault: str, vault_server: VaultServer
) -> None:
    with closing(Glacier("missing", "-", Access(endpoint_url=vault_server.endpoint_url), concurrency=1)) as glacier:
        error = unavailable(glacier)

    assert str(error) == "vault missing: there is none of this name in us-east-1"
    assert error.hint is not None
    assert "aws glacier create-vault" in error.hint


def test_a_wrong_secret_is_refused_with_the_cause(glacier: Glacier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    error = unavailable(glacier)

    assert "InvalidSignatureException" in str(error)
    assert error.hint is not None
    assert "secret key" in error.hint


def test_an_unknown_key_is_refused_with_the_cause(glacier: Glacier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDWRONG")

    assert "UnrecognizedClientException" in str(unavailable(glacier))


def test_a_wrong_clock_is_told_as_such(glacier: Glacier, vault_server: VaultServer) -> None:
    vault_server.control(clock_offset=3600)

    error = unavailable(glacier)

    assert error.hint is not None
    assert "clock" in error.hint


def test_a_missing_permission_is_told_as_such(glacier: Glacier, vault_server: VaultServer) -> None:
    vault_server.control(deny=["DescribeVault", "InitiateMultipartUpload"])

    error = unavailable(glacier)

    assert "AccessDeniedException" in str(error)
    assert error.hint is not None
    assert "permission" in error.hint


def test_no_credentials_at_all_are_told_as_such(glacier: Glacier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    error = unavailable(glacier)

    assert error.hint is not None
    assert "AWS_ACCESS_KEY_ID" in error.hint


def test_no_region_is_told_as_such(glacier: Glacier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    error = unavailable(glacier)

    assert error.hint is not None
    assert "region" in error.hint


def test_a_profile_that_is_not_there_is_told_as_such(vault: str, vault_server: VaultServer) -> None:
    access = Access(profile="nobody", endpoint_url=vault_server.endpoint_url)
    with closing(Glacier(vault, "-", access, concurrency=1)) as glacier:
        assert "nobody" in str(unavailable(glacier))


def test_a_server_that_does_not_listen_is_told_as_such(vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.destination.retrying.ATTEMPTS", 1)
    access = Access(endpoint_url="http://127.0.0.1:9")
    with closing(Glacier(vault, "-", access, concurrency=1)) as glacier:
        error = unavailable(glacier)

    assert "127.0.0.1:9" in str(error)


def test_the_region_of_the_option_beats_that_of_the_environment(
    vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    access = Access(region=vault_server.region, endpoint_url=vault_server.endpoint_url)
    with closing(Glacier(vault, "-", access, concurrency=1)) as glacier:
        assert glacier.place.region == vault_server.region
        assert glacier.identify(holds_archives=False).account == vault_server.account


def test_a_failed_upload_is_aborted(glacier: Glacier, vault: str, vault_server: VaultServer) -> None:
    vault_server.control(deny=["CompleteMultipartUpload"])

    with pytest.raises(DestinationUnavailable):
        send(glacier)

    assert vault_server.uploads(vault) == []
    assert vault_server.archives(vault) == []


def test_an_abort_that_fails_does_not_hide_why_the_upload_failed(glacier: Glacier, vault_server: VaultServer) -> None:
    vault_server.control(deny=["UploadMultipartPart", "AbortMultipartUpload"])

    with pytest.raises(DestinationUnavailable, match="AccessDenied"):
        send(glacier)


def test_making_the_object_needs_neither_credentials_nor_a_region(tmp_path: Path) -> None:
    with closing(Glacier("photos", "-", Access(), concurrency=1)) as glacier:
        assert glacier.place.region == ""
        assert glacier.describe(LABEL).startswith("photos.tar ")


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glacier_backup.destination.retrying.FIRST_WAIT", 0.001)
    monkeypatch.setattr("glacier_backup.destination.retrying.LONGEST_WAIT", 0.01)
    monkeypatch.setattr("glacier_backup.destination.aws.READ_TIMEOUT", 1.0)


WITH_BODY = ["slow_body", "reset_body", "wrong_checksum"]
KINDS = ["status", "throttle", "reset_answer", "reset_before_answer", "stall", "lost_answer", *WITH_BODY]
TROUBLE = [
    (operation, kind)
    for operation in ("InitiateMultipartUpload", "UploadMultipartPart", "CompleteMultipartUpload")
    for kind in KINDS
    if operation == "UploadMultipartPart" or kind not in WITH_BODY
]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(("operation", "kind"), TROUBLE)
def test_trouble_on_the_way_is_survived_and_the_archive_is_whole(
    glacier: Glacier, vault: str, vault_server: VaultServer, kind: str, operation: str
) -> None:
    data = noise(3 * MIB + 1)
    count = 0

    def progress(chunk: int) -> None:
        nonlocal count
        count += chunk

    vault_server.faults(seed=1, rate=1, kinds=[kind], operations=[operation], at_most=3, in_a_row=3)
    try:
        receipt = glacier.send(BytesStream(data), LABEL, MIB, progress)
        injected = vault_server.injected()
    finally:
        vault_server.no_faults()

    assert injected
    (archive,) = vault_server.archives(vault)
    assert archive.id == receipt.locator
    assert archive.path.read_bytes() == data
    assert count == len(data)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("seed", range(6))
def test_all_kinds_of_trouble_at_once_are_survived(
    glacier: Glacier, vault: str, vault_server: VaultServer, seed: int
) -> None:
    data = noise(12 * MIB + 1, seed)
    kinds = [kind for kind in KINDS if kind != "stall"]

    vault_server.faults(seed=seed, rate=0.4, kinds=kinds)
    try:
        receipt = glacier.send(BytesStream(data), LABEL, MIB, lambda count: None)
    finally:
        vault_server.no_faults()

    assert next(one for one in vault_server.archives(vault) if one.id == receipt.locator).path.read_bytes() == data


@pytest.mark.usefixtures("quick_retries")
def test_what_is_refused_for_good_is_not_tried_again(glacier: Glacier, vault_server: VaultServer) -> None:
    vault_server.control(deny=["UploadMultipartPart"])
    before = vault_server.stats()["operations"].get("UploadMultipartPart", 0)

    with pytest.raises(DestinationUnavailable):
        send(glacier)

    assert vault_server.stats()["operations"]["UploadMultipartPart"] - before == 1
