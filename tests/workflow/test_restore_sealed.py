"""The durable restore of what is sealed."""

from __future__ import annotations

import os
import posixpath
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.errors import KeyNeeded
from glacier_backup.model.naming import identity_key
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore import WHOLE, RestoreItem
from glacier_backup.model.stored import StoredArchive, StoredVolume
from glacier_backup.pack import unraw
from glacier_backup.pack.unpacker import UnpackOrder
from glacier_backup.plan.inside import needed
from glacier_backup.seal.keys import NO_KEYS, Keys, Secret
from glacier_backup.units import MIB
from glacier_backup.workflow.identity import IDENTITY, PUBLIC
from glacier_backup.workflow.restoring import bring
from glacier_backup.workflow.restoring.openable import Openable
from tests.contract.places import PLACES, Place
from tests.seal.stock_age import PASSWORD as AGE_PASSWORD
from tests.seal.stock_age import crafted
from tests.streams import noise
from tests.workflow.library import Library, look
from tests.workflow.seals import PASSWORD, VOLUME, age, chain

MEMBER = "photos/2019"


class Killed(BaseException):
    """Nobody catches it."""


def fill(library: Library) -> None:
    folder = library.source / "photos"
    (folder / "2019").mkdir(parents=True)
    for number in range(30):
        (folder / "2019" / f"img_{number:04}.jpg").write_bytes(noise(3000 + number, number))
    (folder / "big.raw").write_bytes(noise(3 * VOLUME, 9))
    (folder / "text").write_bytes(b"all work and no play " * 10_000)
    (library.source / "raw").write_bytes(noise(2 * VOLUME + 77))
    (library.source / "small").write_bytes(b"hello")


def sealed(tmp_path: Path, names: str, **more: int) -> Library:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))
    library.chain, library.keys = chain(names, tmp_path, **more)
    fill(library)
    library.back_up()
    return library


def the_tar(library: Library) -> StoredArchive:
    with library.catalog() as catalog:
        return next(one for one in library.archives(catalog) if one.container == "tar")


def member(library: Library) -> RestoreItem:
    archive = the_tar(library)
    with library.catalog() as catalog:
        return RestoreItem(archive.id, "then", MEMBER, needed(catalog, archive, MEMBER).ranges)


@pytest.mark.parametrize("name", PLACES)
def test_everything_comes_back_from_wherever_it_was_sealed_to(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: Place = PLACES[name](request)
    library = Library(tmp_path / "library", place.connect)
    library.chain, library.keys = chain("zstd split age par2", tmp_path)
    fill(library)
    library.back_up()

    library.restore()
    place.thaw_now()
    last = library.restore()

    assert last.exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert not library.staging.exists()


@pytest.mark.parametrize("names", ["split age", "split", "split openssl"])
def test_a_member_takes_only_the_volumes_that_it_lies_in(names: str, tmp_path: Path) -> None:
    library = sealed(tmp_path, names)
    item = member(library)
    size = the_tar(library).size

    summary = library.restore([item])

    assert summary.exit_code == 0, library.causes()
    assert look(library.target / "then") == look(library.source / MEMBER)
    assert item.ranges != (WHOLE,)
    assert 0 < summary.fetched < (size or 0) / 2


@pytest.mark.parametrize("names", ["zstd age", "age split", "zstd split age"])
def test_a_member_of_what_opens_only_as_a_whole_comes_back_too(names: str, tmp_path: Path) -> None:
    library = sealed(tmp_path, names)
    item = member(library)

    summary = library.restore([item])

    assert item.ranges == (WHOLE,)
    assert summary.exit_code == 0, library.causes()
    assert look(library.target / "then") == look(library.source / MEMBER)


def test_several_ranges_take_each_volume_once(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))
    library.chain, library.keys = chain("split age", tmp_path)
    before, after = (library.source / "snapshots" / name for name in ("daily.0", "daily.1"))
    before.mkdir(parents=True)
    after.mkdir()
    for number in range(100):
        (before / f"f{number:03}").write_bytes(noise(5000, number))
        if number % 2:
            os.link(before / f"f{number:03}", after / f"f{number:03}")
    library.back_up()
    archive = the_tar(library)
    with library.catalog() as catalog:
        item = RestoreItem(
            archive.id, "then", "snapshots/daily.1", needed(catalog, archive, "snapshots/daily.1").ranges
        )
    assert len(item.ranges) > 40

    summary = library.restore([item])

    assert summary.exit_code == 0, library.causes()
    assert look(library.target / "then") == look(after)
    assert summary.fetched <= (archive.size or 0)


@pytest.mark.parametrize("names", ["split age", "zstd split age", "openssl"])
def test_a_killed_restore_goes_on(names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = sealed(tmp_path, names)
    monkeypatch.setattr(bring, "CHECKPOINT_SECONDS", 0.0)
    really, saved = bring._Bringing._save, 0

    def save(self: bring._Bringing, *given: object) -> None:
        nonlocal saved
        really(self, *given)  # type: ignore[arg-type]  # as they came
        saved += 1
        if saved == 33:
            raise Killed

    item = RestoreItem(the_tar(library).id, "photos")
    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", save)
        with pytest.raises(Killed):
            library.restore([item])
    seen: list[str | None] = []
    asked = bring._Bringing._order

    def order(self: bring._Bringing, number: int, resume: str | None) -> UnpackOrder:
        seen.append(resume)
        return asked(self, number, resume)

    monkeypatch.setattr(bring._Bringing, "_order", order)

    again = library.restore([item])

    assert again.exit_code == 0, library.causes()
    assert look(library.target) == {name: one for name, one in look(library.source).items() if name[:6] == "photos"}
    assert seen[0] is not None
    whole = the_tar(library).size or 0
    assert again.fetched < whole if names == "split age" else again.fetched == whole


@pytest.mark.parametrize(("names", "wanted"), [("age", "identity"), ("openssl", "password")])
def test_without_a_key_nothing_is_asked_for(
    names: str, wanted: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: Place = PLACES["glacier"](request)
    library = Library(tmp_path / "library", place.connect)
    library.chain, right = chain(names, tmp_path)
    fill(library)
    library.back_up()
    library.keys = NO_KEYS

    without = library.restore()
    with library.catalog() as catalog:
        assert list(catalog.thaws()) == []

    assert (without.exit_code, without.counts) == (1, {"failed": 3})
    assert wanted in library.causes()
    library.keys = right
    library.restore()
    place.thaw_now()
    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def of_age(recipient: str) -> StoredArchive:
    step = Step("age", {"recipients": recipient})
    sent = datetime(2026, 3, 21, tzinfo=UTC)
    volumes = (StoredVolume(1, "nas/x.age", 1, None, sent),)
    return StoredArchive(1, 1, "/x", "x", sent, sent, volumes, recipe=Recipe((Step("raw"), step)))


def test_what_can_not_be_the_key_counts_for_none(tmp_path: Path) -> None:
    """To find that out when the bytes have come costs money."""
    (public, secret), (other, others) = new_pair(), new_pair()
    made, copy, plain, foreign = (
        tmp_path / IDENTITY,
        tmp_path / posixpath.basename(identity_key("nas", public)),
        tmp_path / "plain",
        tmp_path / "foreign",
    )
    for file in (made, copy):
        file.write_bytes(crafted(secret.encode()))
    (tmp_path / PUBLIC).write_text(f"{public}\n")
    plain.write_text(secret)
    foreign.write_text(others)

    def missing(recipient: str, *files: Path, password: Secret | None = lambda: AGE_PASSWORD) -> bool:
        keys = Keys(tuple(map(str, files)), password)
        return Openable(lambda path: keys).missing_key(of_age(recipient)) is not None

    def not_to_be_had() -> str:
        raise KeyNeeded("the password file is gone")

    assert not any((missing(public, made), missing(public, copy), missing(public, made, plain), missing("", made)))
    assert missing(public, made, password=None), "it takes a password"
    assert missing(public, made, password=not_to_be_had)
    assert missing(public, made, password=lambda: "a wrong one")
    assert missing(public), "a password alone opens nothing that was sealed for a recipient"
    assert missing(other, made, copy), "both are another's"
    assert missing(public, foreign), "and so is this one"
    assert not missing(public, foreign, plain)
    assert not missing(f"{other} {public}", foreign)
    assert not missing("ssh-ed25519 AAAA", foreign), "whose an ssh key is can't be told"
    assert not missing("")


def new_pair() -> tuple[str, str]:
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()), f"{identity}\n"


@pytest.mark.parametrize("names", ["age", "split age", "split openssl", "openssl", "zstd openssl split"])
def test_a_wrong_key_is_said_to_be_wrong_and_nothing_is_written(names: str, tmp_path: Path) -> None:
    library = sealed(tmp_path, names)
    right = library.keys
    library.keys = age(tmp_path)[1] if "age" in names else Keys(password=lambda: "a wrong one")

    wrong = library.restore()

    assert (wrong.exit_code, wrong.counts) == (1, {"failed": 3}), library.causes()
    assert look(library.target) == {}
    assert "password" in library.causes() or "identity" in library.causes()
    with library.catalog() as catalog:
        assert all(one.hurt is None for one in library.archives(catalog)), "what is stored is right"
    library.keys = right
    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)


def test_names_that_are_hidden_come_back(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True), private=True)
    library.chain, library.keys = chain("split age", tmp_path)
    fill(library)
    library.back_up()

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert not [path for path in (tmp_path / "vault").rglob("*") if "photos" in str(path)]


@pytest.mark.parametrize("password", [PASSWORD, "a wrong one"])
def test_what_a_wrong_password_has_made_is_never_gone_on_with(
    password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """openssl tells only at the end of a volume that it was one."""
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))
    library.chain, right = chain("openssl", tmp_path)
    (library.source / "raw").write_bytes(noise(5 * MIB + 77))
    library.back_up()
    library.keys = Keys(password=lambda: password)
    monkeypatch.setattr(bring, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(unraw, "STEP", MIB)
    really = bring._Bringing._save

    def save(self: bring._Bringing, *given: object) -> None:
        really(self, *given)  # type: ignore[arg-type]  # as they came
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(bring._Bringing, "_save", save)
        with pytest.raises(Killed):
            library.restore()
    library.keys = right
    seen: list[str | None] = []
    asked = bring._Bringing._order

    def order(self: bring._Bringing, number: int, resume: str | None) -> UnpackOrder:
        seen.append(resume)
        return asked(self, number, resume)

    monkeypatch.setattr(bring._Bringing, "_order", order)

    assert library.restore().exit_code == 0, library.causes()
    assert look(library.target) == look(library.source)
    assert (seen[0] is not None) == (password == PASSWORD)


def test_of_what_a_wrong_password_has_made_nothing_stays(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))
    library.chain, _ = chain("openssl", tmp_path)
    (library.source / "raw").write_bytes(noise(5 * MIB + 77))
    library.back_up()
    library.keys = Keys(password=lambda: "a wrong one")

    assert library.restore().exit_code == 1

    assert sum(one.stat().st_size for one in library.target.rglob("*") if one.is_file()) < 10_000
