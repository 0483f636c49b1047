"""The vaults of an account, before the strict server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.destination.aws.access import Access
from glacier_backup.destination.glacier import Glacier
from glacier_backup.destination.vaults.administration import Vaults, is_name
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.thaw import Stored
from glacier_backup.model.upload import UploadRequest
from glacier_backup.units import MIB
from tests.contract.sending import LABEL, nothing
from tests.destination.vaults import glacier_at, send
from tests.vault_server.process import VaultServer


@pytest.fixture
def vaults(vault: str, vault_server: VaultServer) -> Iterator[Vaults]:
    with closing(vaults_at(vault_server)) as made:
        yield made
    vault_server.control(deny=[], refuse_new_vaults=False)
    vault_server.no_faults()


def vaults_at(server: VaultServer) -> Vaults:
    return Vaults("-", Access(endpoint_url=server.endpoint_url))


def test_all_vaults_are_listed_however_many_pages_they_fill(
    tmp_path: Path, vault_server: VaultServer, vault: str
) -> None:
    with VaultServer(tmp_path / "many") as server, closing(vaults_at(server)) as vaults:
        assert list(vaults.each(nothing)) == []
        names = sorted(f"vault.{number}" for number in range(25))
        for name in names:
            server.create_vault(name)

        found = list(vaults.each(nothing))

        assert [one.name for one in found] == names
        assert {(one.archives, one.size, one.inventory_at) for one in found} == {(None, None, None)}
        assert all(one.created_at.tzinfo is UTC for one in found)
        assert server.stats()["operations"]["ListVaults"] == 4


def test_trouble_that_passes_costs_a_listing_nothing(
    vaults: Vaults, vault: str, vault_server: VaultServer, quick_retries: None
) -> None:
    vault_server.faults(seed=3, rate=0.5, kinds=["status", "throttle", "reset_before_answer"])

    assert vault in [one.name for one in vaults.each(nothing)]


def test_a_vault_is_as_its_last_inventory_was(
    vaults: Vaults, vault: str, vault_server: VaultServer, glacier: Glacier
) -> None:
    send(glacier, b"content")
    vault_server.control(take_inventory=vault)
    send(glacier, b"since then")

    found = vaults.look(vault, nothing)

    assert (found.name, found.archives) == (vault, 1)
    assert (found.size or 0) > len(b"content"), "what Amazon adds is included"
    assert found.inventory_at is not None
    assert found.created_at < found.inventory_at <= datetime.now(UTC)
    assert found in list(vaults.each(nothing))


def test_a_vault_that_isn_t_there_is_told(vaults: Vaults) -> None:
    with pytest.raises(
        DestinationUnavailable, match=r"vault nowhere: there is none of this name in us-east-1"
    ) as caught:
        vaults.look("nowhere", nothing)
    assert "vault list" in (caught.value.hint or "")


def test_a_vault_is_made_and_again_and_removed_and_again(vaults: Vaults) -> None:
    for _ in range(2):
        vaults.create("new", nothing)
    assert "new" in [one.name for one in vaults.each(nothing)]

    for _ in range(2):
        vaults.delete("new", nothing)
    assert "new" not in [one.name for one in vaults.each(nothing)]


def test_a_vault_that_isn_t_known_to_be_empty_is_not_removed(
    vaults: Vaults, vault: str, vault_server: VaultServer, glacier: Glacier
) -> None:
    archive = send(glacier).locator
    vault_server.control(take_inventory=vault)

    def refused() -> None:
        with pytest.raises(DestinationError, match="can't be removed") as caught:
            vaults.delete(vault, nothing)
        assert not isinstance(caught.value, DestinationUnavailable)
        assert f"glacier-backup vault empty {vault}" in (caught.value.hint or "")
        assert "in a day or two" in (caught.value.hint or "")

    refused()
    glacier.delete(archive, nothing)
    refused()  # the last inventory still has it
    vault_server.control(take_inventory=vault)
    vaults.delete(vault, nothing)


def test_a_new_account_is_told_that_amazon_makes_no_vaults_for_it(vaults: Vaults, vault_server: VaultServer) -> None:
    for lever in ({"refuse_new_vaults": True}, {"refuse_new_vaults": False, "deny": ["CreateVault"]}):
        vault_server.control(**lever)
        with pytest.raises(DestinationUnavailable, match="vault new can't be made") as caught:
            vaults.create("new", nothing)
        assert "since 15 December 2025" in (caught.value.hint or "")


@pytest.mark.parametrize("operation", ["ListVaults", "DeleteVault", "DescribeVault"])
def test_a_right_that_is_lacking_is_told(vaults: Vaults, vault: str, vault_server: VaultServer, operation: str) -> None:
    vault_server.control(deny=[operation])

    def everything() -> None:
        list(vaults.each(nothing))
        vaults.look(vault, nothing)
        vaults.delete(vault, nothing)

    with pytest.raises(DestinationUnavailable, match=operation) as caught:
        everything()

    assert "docs/vault.md" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["a", "A-Z_a.z-09", "x" * 255, "-", "..."])
def test_these_are_names_for_a_vault(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "x" * 256, "a b", "a/b", "é", ".", "..", "a\n"])
def test_these_are_none(name: str) -> None:
    assert not is_name(name)


def test_a_catalog_copy_is_refused_in_words(glacier: Glacier) -> None:
    with pytest.raises(DestinationError, match="is no place for what is to be read at once") as caught:
        glacier.begin(UploadRequest(LABEL, MIB, storage_class="STANDARD"), nothing)

    assert "catalog_copy" in (caught.value.hint or "")


def test_what_a_vault_says_of_one_archive_is_what_its_inventory_says(vault: str, vault_server: VaultServer) -> None:
    with closing(glacier_at(vault_server, vault)) as glacier:
        stored = Stored("x" * 138, 1, datetime.now(UTC), "description")
        before = vault_server.stats()["operations"]
        assert glacier.examine(stored, nothing) is stored
        assert vault_server.stats()["operations"] == before
