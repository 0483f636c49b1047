"""Copies of the catalog that are encrypted as archives are, and the key that lies with them; and back."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.cli.sites import key_of
from glacier_backup.errors import KeyNeeded, WrongKey
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import ArchiveRecord, Label
from glacier_backup.model.event import Event, Warned
from glacier_backup.model.record import CatalogCopy
from glacier_backup.seal.age import Age, new_identity
from glacier_backup.seal.chain import NO_SEAL, Chain
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.workflow.rebuilding.first_copy import Opening, copies, newest_first, take_first, take_identities
from glacier_backup.workflow.replicate import Copying, Shelf, replicate
from tests.catalog.values import an_archive, filled
from tests.fakes import MemoryDestination


def password() -> str:
    return "correct horse"


OPENSSL = Chain((OpenSSL(password),))
SLOWER = Chain((OpenSSL(password, iterations=300_000),))


def _an_archive(path: str) -> ArchiveRecord:
    """A sound one."""
    made = an_archive(path)
    (receipt,) = made.receipts
    leaves = bytes(32)
    return replace(made, receipts=(replace(receipt, size=100, leaves=leaves, tree_hash=leaves.hex()),))


class Nas:
    """A machine with a catalog, and a place that has none of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = str(folder / "catalog.sqlite3")
        self.destination = MemoryDestination()
        self.told: list[Event] = []

    def send(self, seal: Chain) -> None:
        """Something, and a copy of the catalog that knows of it."""
        with Catalog.open(self.path) as catalog:
            filled(catalog, _an_archive(f"/srv/{catalog.changes()}"))
            copying = Copying(catalog, "nas", self.told.append, StopRequest(), seal)
            replicate(copying, [Shelf("main", self.destination)])

    @property
    def stored(self) -> list[str]:
        """Names alone, of what lies in folders."""
        return sorted(key.rpartition("Z")[2].rpartition("/")[2] for key in self.destination.stored if "/" in key)

    def lose(self, where: Path) -> Nas:
        """Another machine that has nothing but the same place."""
        where.mkdir()
        other = Nas(where)
        other.destination = self.destination
        return other

    def take(self, opening: Opening) -> list[str]:
        """What the catalog knows that is made of a copy."""
        found = list(copies(self.destination, key_of(self.destination.place), lambda: None))
        take_identities(found, self.path, self.told.append, lambda: None)
        if take_first(newest_first(found, (), "nas"), self.path, self.told.append, lambda: None, opening) is None:
            return []
        with Catalog.open(self.path) as catalog:
            return [one.path for one in catalog.archives()]

    @property
    def begun(self) -> tuple[CatalogCopy, ...]:
        with Catalog.open(self.path) as catalog:
            return catalog.copies(str(self.destination.place))

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.told if isinstance(event, Warned)]


@pytest.fixture
def nas(tmp_path: Path) -> Nas:
    (folder := tmp_path / "nas").mkdir()
    return Nas(folder)


def test_a_sealed_copy_is_opened_again(nas: Nas, tmp_path: Path) -> None:
    nas.send(OPENSSL)
    nas.send(OPENSSL)
    assert nas.stored == [".sqlite3.gz.enc"] * 2

    found = nas.lose(tmp_path / "new").take(Opening(lambda: Keys(password=password)))

    assert found == ["/srv/0", "/srv/1"]
    assert nas.warnings == []


@pytest.mark.parametrize("seal", [SLOWER, NO_SEAL])
def test_other_parameters_are_known_by_who_has_the_configuration(nas: Nas, tmp_path: Path, seal: Chain) -> None:
    nas.send(SLOWER)
    new, opening = nas.lose(tmp_path / "new"), Opening(lambda: Keys(password=password), seal)
    with pytest.raises(WrongKey) if seal is NO_SEAL else nullcontext():
        assert new.take(opening) == ["/srv/0"]


def test_nothing_is_rebuilt_without_a_copy_that_only_wants_its_key(nas: Nas, tmp_path: Path) -> None:
    nas.send(OPENSSL)
    new = nas.lose(tmp_path / "new")

    with pytest.raises(KeyNeeded, match="password") as refused:
        new.take(Opening())

    assert "--no-copy" in (refused.value.hint or "")
    assert not Path(new.path).exists()


def test_an_older_copy_that_opens_does_where_the_key_of_the_newest_is_missing(nas: Nas, tmp_path: Path) -> None:
    nas.send(NO_SEAL)
    nas.send(OPENSSL)
    new = nas.lose(tmp_path / "new")

    assert new.take(Opening()) == ["/srv/0"]

    (warning,) = new.warnings
    assert "password" in warning


def test_the_key_that_a_password_protects_goes_with_the_first_copy_and_comes_back(nas: Nas, tmp_path: Path) -> None:
    public, text = new_identity(password())
    (nas.folder / "identity.age").write_text(text)
    (nas.folder / "identity.age.pub").write_text(f"{public}\n")
    nas.send(Chain((Age((public,)),)))
    identities = [name for name in nas.stored if name.startswith("identity-")]
    assert nas.stored == [".sqlite3.gz.age", *identities]
    (key,) = [key for key in nas.destination.stored if "/.keys/" in key]
    assert nas.destination.stored[key].decode() == text
    begun = list(nas.destination.part_sizes)
    nas.send(Chain((Age((public,)),)))
    assert len(nas.destination.part_sizes) == len(begun) + 1

    new = nas.lose(tmp_path / "new")
    file = new.folder / identities[0]

    assert new.take(Opening(lambda: Keys((str(file),), password))) == ["/srv/0", "/srv/1"]
    assert (file.read_text(), f"{file.stat().st_mode:o}") == (text, "100600")


def test_an_identity_that_was_encrypted_anew_is_put_there_anew(nas: Nas) -> None:
    public, text = new_identity(password())
    (nas.folder / "identity.age").write_text(text)
    (nas.folder / "identity.age.pub").write_text(f"{public}\n")
    nas.send(Chain((Age((public,)),)))
    (nas.folder / "identity.age").write_text("another")
    nas.send(Chain((Age((public,)),)))
    (key,) = [key for key in nas.destination.stored if "/.keys/" in key]
    assert nas.destination.stored[key] == b"another"


def test_a_copy_that_was_sealed_otherwise_and_half_sent_is_ended(nas: Nas) -> None:
    def die(label: object) -> None:
        raise KeyboardInterrupt

    nas.destination.on_send = die
    with pytest.raises(KeyboardInterrupt):
        nas.send(OPENSSL)
    assert len(nas.destination.open) == 1
    nas.destination.on_send = lambda label: None

    nas.send(NO_SEAL)

    assert nas.destination.open == {}
    assert nas.stored == [".sqlite3.gz"]


def test_a_note_that_was_half_sent_is_ended_with_its_copy(nas: Nas) -> None:
    def die(label: Label) -> None:
        if label.name == "RESTORE.md":
            raise KeyboardInterrupt

    aborted: list[str] = []
    nas.destination.on_send = die
    with pytest.raises(KeyboardInterrupt):
        nas.send(NO_SEAL)
    nas.destination.on_send = lambda label: None
    nas.destination.on_abort = lambda label: aborted.append(f"{label.name} {label.time}")
    (begun,) = {str(label.begun) for label in nas.begun}

    nas.send(NO_SEAL)

    assert aborted == [f"catalog.sqlite3.gz {begun}", f"RESTORE.md {begun}"]
    assert nas.destination.open == {}


def test_a_key_that_no_password_protects_stays_where_it_is(nas: Nas, tmp_path: Path) -> None:
    """It may be anybody's: whatever was sealed for it later, they would open."""
    nas.send(OPENSSL)
    name = "nas/.keys/identity-0123456789abcdef.age"
    nas.destination.stored[name] = b"AGE-SECRET-KEY-1\n"
    new = nas.lose(tmp_path / "new")

    assert new.take(Opening(lambda: Keys(password=password))) == ["/srv/0"]

    assert list(new.folder.glob("identity*")) == []
    (warning,) = new.warnings
    assert warning == f"{name} can't be used: it is no key that a password protects"
