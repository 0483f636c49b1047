"""Sending to a vault, against a server that checks what the API reference says."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import pytest
from botocore.utils import calculate_tree_hash

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.glacier import Glacier
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.naming import parse_description
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, begin, nothing
from tests.destination.vaults import glacier_at, send
from tests.streams import BytesStream, noise
from tests.vault_server.process import VaultServer


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

    send(glacier, noise(3 * MIB), counts.append)

    assert sorted(filter(None, counts)) == [MIB, MIB, MIB]


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
    with closing(glacier_at(vault_server, "missing")) as glacier:
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


def test_making_the_object_needs_neither_credentials_nor_a_region(tmp_path: Path) -> None:
    with closing(Glacier("photos", "-", Access(), concurrency=1)) as glacier:
        assert glacier.place.region == ""
        assert glacier.describe(LABEL).startswith("photos.tar ")


def test_an_empty_archive_is_refused(glacier: Glacier) -> None:
    with pytest.raises(DestinationError, match="empty"):
        glacier.send(begin(glacier), BytesStream(b""), nothing)
