"""No vault is packed into itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from glacier_backup.model.candidate import Candidate, PassedOver
from glacier_backup.model.reason import ExcludedBy, HoldsItsDestination, LiesInItsDestination, SkipReason
from glacier_backup.resolve.local import LocalSource
from glacier_backup.resolve.source import Selection, TreeRules
from tests.resolve.trees import write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A vault two levels down, with one archive in it."""
    home = tmp_path / "home"
    write(home / "share" / "vault" / "archive", "bytes")
    write(home / "share" / "photo", "1")
    write(home / "letter", "dear")
    return home


def found(section: Path, vault: Path, **options: object) -> dict[str, SkipReason | None]:
    """What is passed over by its path, and None for a candidate."""
    selection = Selection(str(section), destinations=("main",), **options)  # type: ignore[arg-type]  # any option
    resolved = LocalSource(vaults={"main": str(vault)}).resolve(selection)
    return {one.path: one.reason if isinstance(one, PassedOver) else None for one in resolved}


@pytest.mark.parametrize("above", [".", "share", "share/vault"])
def test_what_is_the_vault_or_lies_above_it_is_passed_over(home: Path, above: str) -> None:
    path, vault = home / above, home / "share" / "vault"
    reason = HoldsItsDestination(str(vault))
    assert found(path, vault, single_dir=True) == {str(path): reason}
    assert reason.needs_attention
    assert str(reason) == f"holds the vault it would be sent to, {vault}: leave it out or move the vault"


def test_the_root_lies_above_every_vault(home: Path) -> None:
    assert found(Path("/"), home, single_dir=True) == {"/": HoldsItsDestination(str(home))}


def test_only_the_child_that_holds_it_is_passed_over(home: Path) -> None:
    write(home / "share-of-others" / "file")
    vault = home / "share" / "vault"
    assert found(home, vault, dirs=True, files=True) == {
        f"{home}/letter": None,
        f"{home}/share": HoldsItsDestination(str(vault)),
        f"{home}/share-of-others": None,
    }


def test_a_file_of_a_tree_that_is_named_in_the_vault_is_passed_over_and_a_link_to_it_is_none(home: Path) -> None:
    vault = home / "share" / "vault"
    (home / "link").symlink_to("share/vault/archive")
    for path, symlinks, reason in [
        (vault / "archive", "store", LiesInItsDestination(str(vault))),
        (home / "link", "follow", LiesInItsDestination(str(vault))),
        (home / "link", "store", None),
        (home / "letter", "store", None),
    ]:
        rules = TreeRules(symlinks=symlinks)  # type: ignore[arg-type]  # any of them
        tree = Selection(str(home), destinations=("main",), tree=rules)
        assert found(path, vault, single_dir=True, within=tree) == {str(path): reason}


def test_what_is_excluded_is_just_that(home: Path) -> None:
    vault = home / "share" / "vault"
    assert found(home, vault, dirs=True, exclude=["share"]) == {f"{home}/share": ExcludedBy("share")}


def test_what_lies_in_the_vault_is_passed_over(home: Path) -> None:
    (home / "share" / "vault" / "folder").mkdir()
    vault = home / "share" / "vault"
    reason = LiesInItsDestination(str(vault))
    assert found(vault, vault, dirs=True, files=True) == {f"{vault}/archive": reason, f"{vault}/folder": reason}
    assert found(vault / "archive", vault) == {f"{vault}/archive": reason}
    assert reason.needs_attention
    assert str(reason).startswith(f"lies in the vault it would be sent to, {vault}: ")


def test_a_vault_that_does_not_exist_yet_counts(home: Path) -> None:
    vault = home / "new" / "vault"
    assert found(home, vault, single_dir=True) == {str(home): HoldsItsDestination(str(vault))}


def test_links_are_seen_through(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(home / "share")
    vault = tmp_path / "elsewhere" / "vault"
    assert found(home, vault, single_dir=True) == {str(home): HoldsItsDestination(str(vault))}
    (home / "up").symlink_to("..")
    assert found(home, vault, dirs=True)[f"{home}/up"] == HoldsItsDestination(str(vault))
    (tmp_path / "section").symlink_to(home)
    assert found(tmp_path / "section", vault, dirs=True)[f"{tmp_path}/section/share"] is not None


def test_without_a_vault_on_this_machine_all_are_candidates(home: Path) -> None:
    resolved = list(LocalSource().resolve(Selection(str(home), single_dir=True)))
    assert resolved == [Candidate(str(home), "directory", str(home), compare=False)]
