"""From settings to what seals: what each step is made with, and what can't be made."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest

from glacier_backup.cli.identity import STAND_IN, identity_of, public_key
from glacier_backup.cli.keys import KeyRing
from glacier_backup.cli.sealing import Sealing, distinct, keys_here
from glacier_backup.config.load import load
from glacier_backup.config.secrets import Secrets
from glacier_backup.config.settings import Settings
from glacier_backup.errors import ConfigError, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.age import new_identity
from glacier_backup.seal.age_keys import identities
from glacier_backup.seal.chain import NO_SEAL, Chain, Parity, Split
from glacier_backup.seal.keys import Keys
from glacier_backup.units import GIB, MIB

KEY = "age17axe257rak85gqcgklfd9p4gg7pnjkt6ccdfl4a2zqcqgv9j9ddq8skx5r"


class Desk:
    """An INI file, a password file and a catalog's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.catalog = str(self.state / "catalog.sqlite3")
        self.password = folder / "password"
        self.write_password("hunter2")

    def write_password(self, text: str) -> None:
        self.password.write_text(f"{text}\n")
        self.password.chmod(0o600)

    def settings(self, main: str = "", *sections: str) -> Settings:
        file = self.folder / "x.conf"
        text = f"[main]\ndestination = {self.folder}/there\ncatalog = {self.catalog}\n{main}\n"
        file.write_text(text + "\n".join(sections))
        return load(str(file), needs_sections=False)

    def sealing(self, main: str = "", *sections: str, create: bool = True) -> Sealing:
        self.state.mkdir(exist_ok=True)
        return Sealing(self.settings(main, *sections), create=create)

    def chain(self, main: str) -> Chain:
        return self.sealing(main, "[/a]").of_section("/a")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_nothing_is_sealed_unless_it_is_said(desk: Desk) -> None:
    sealing = desk.sealing("", "[/a]")
    assert sealing.of_section("/a") == sealing.of_catalog == NO_SEAL
    assert not sealing.is_private("/a")


@pytest.mark.parametrize(
    ("main", "steps"),
    [
        ("seal = zstd\nzstd_level = 9", [Step("zstd", {"level": 9})]),
        ("seal = gzip\ngzip_level = 9", [Step("gzip", {"level": 9})]),
        (
            f"seal = zstd, split, age, par2\nrecipients = {KEY}\nvolume_size = 1 GiB\nvolume_names = aaaaaa",
            [
                Step("zstd", {"level": 3}),
                Step("split", {"volume_size": GIB, "letters": True}),
                Step("age", {"recipients": KEY}),
                Step("par2", {"redundancy": 5}),
            ],
        ),
        (
            "seal = openssl, split\npassword_file = {password}\nopenssl_iterations = 10000\nvolume_size = 1 MiB",
            [
                Step("openssl", {"cipher": "aes-256-cbc", "digest": "sha512", "iterations": 10_000}),
                Step("split", {"volume_size": MIB}),
            ],
        ),
        ("seal = gpg\nrecipients = me@here", [Step("gpg", {"recipients": "me@here"})]),
        ("seal = gpg\npassword_file = {password}", [Step("gpg", {"symmetric": True})]),
    ],
)
def test_each_step_is_made_as_it_is_said(desk: Desk, main: str, steps: list[Step]) -> None:
    assert list(desk.chain(main.format(password=desk.password)).steps()) == steps


def test_volumes_and_parity_are_those_that_are_asked_for(desk: Desk) -> None:
    chain = desk.chain("seal = par2\nredundancy = -r10 -n1 -m300")
    assert (chain.split, chain.parity) == (Split(4 * GIB), Parity(10, None, 1, 300))


def test_recipients_of_the_file_come_behind_the_others(desk: Desk) -> None:
    hers = "age1xacvvq6knntdu2402npq6apjqmke6g79d2kjum3ac9gpq6hc5u8q9n7pj0"
    (desk.folder / "more").write_text(f"# hers\n{hers}\n\n")
    (age,) = desk.chain(f"seal = age\nrecipients = {KEY}\nrecipients_file = {desk.folder}/more").before
    assert age.step().parameters["recipients"] == f"{KEY} {hers}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "x.conf:6: {here}/more can't be read: No such file or directory"),
        ("# none\n", "{here}/more: found no public key in it; expected one a line"),
        ("\nme@here\n", "{here}/more:2: found 'me@here'; expected age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…"),
    ],
)
def test_a_file_of_recipients_that_is_none_is_told(desk: Desk, text: str | None, problem: str) -> None:
    if text is not None:
        (desk.folder / "more").write_text(text)
    sealing = desk.sealing(f"encrypt = yes\n\nrecipients_file = {desk.folder}/more", "[/a]")
    with pytest.raises(ConfigError) as caught:
        sealing.make_all()
    assert str(caught.value).replace(f"{desk.folder}/x.conf", "x.conf") == problem.format(here=desk.folder)


def test_names_are_hidden_where_it_is_said(desk: Desk) -> None:
    sealing = desk.sealing(f"encrypt = yes\nrecipients = {KEY}", "[/a]\nprivate_names = yes\n", "[/b]")
    assert (sealing.is_private("/a"), sealing.is_private("/b"), sealing.is_private("/a/x")) == (True, False, True)


def test_a_section_that_is_gone_is_sealed_as_what_lies_there(desk: Desk) -> None:
    sealing = desk.sealing("", f"[/a]\nencrypt = yes\nrecipients = {KEY}")
    assert sealing.of_section("/a/b").suffix == ".age"
    assert sealing.of_section("/c") == NO_SEAL


@pytest.mark.parametrize(
    ("main", "section", "suffix"),
    [
        (f"seal = zstd, split, age, par2\nrecipients = {KEY}", "", ".age"),
        ("", f"encrypt = yes\nrecipients = {KEY}", ".age"),
        ("seal = openssl\npassword = x", f"seal = age\nrecipients = {KEY}", ".enc"),
        ("seal = age", f"recipients = {KEY}", ".age"),
        ("seal = zstd", "", ""),
    ],
)
def test_a_copy_of_the_catalog_is_encrypted_where_anything_is(desk: Desk, main: str, section: str, suffix: str) -> None:
    chain = desk.sealing(main, f"[/a]\n{section}").of_catalog
    assert chain.suffix == suffix
    assert (chain.split, chain.parity) == (None, None)


def test_what_encrypts_alike_is_tried_once(desk: Desk) -> None:
    main = f"encrypt = yes\nrecipients = {KEY}"
    sections = ["[/a]", "[/b]\nvolume_size = 1 MiB", "[/c]\nseal = openssl\npassword = x", "[/d]\nencrypt = no"]
    assert [seal.encryption for seal in distinct(desk.settings(main, *sections))] == ["age", "openssl"]


# The key that a password protects.


def test_the_key_of_a_password_is_made_once_and_opens_with_it(desk: Desk) -> None:
    main = f"encrypt = yes\npassword_file = {desk.password}"
    first = desk.chain(main).steps()
    assert desk.chain(main).steps() == first
    file = identity_of(desk.catalog)
    public = Path(f"{file}.pub").read_text()
    assert first[-1].parameters["recipients"] == public.strip()
    assert {oct(os.stat(name).st_mode & 0o777) for name in (file, f"{file}.pub")} == {"0o600"}
    assert Path(file).read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    found = identities(Keys((file,), lambda: "hunter2"))
    assert len(found.identities) == 1
    assert sorted(os.listdir(desk.state)) == ["identity.age", "identity.age.pub"]


def test_looking_makes_no_key(desk: Desk) -> None:
    sealing = desk.sealing(f"encrypt = yes\npassword_file = {desk.folder}/none", "[/a]", create=False)
    assert sealing.of_section("/a").steps()[-1].parameters["recipients"] == STAND_IN
    assert os.listdir(desk.state) == []


def test_without_the_password_no_key_is_made(desk: Desk) -> None:
    desk.password.chmod(0o644)
    sealing = desk.sealing(f"encrypt = yes\npassword_file = {desk.password}", "[/a]")
    with pytest.raises(ConfigError) as caught:
        sealing.make_all()
    assert str(caught.value) == f"{desk.folder}/x.conf:4: others may read the password file {desk.password}"
    assert caught.value.hint == f"chmod 600 {desk.password}"
    assert os.listdir(desk.state) == []


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A public key, and its identity file; to make one takes a second."""
    return new_identity("hunter2")


@pytest.fixture
def made(desk: Desk, pair: tuple[str, str]) -> tuple[str, str]:
    """Where the identity file of the desk lies, and its public key."""
    desk.state.mkdir()
    file = identity_of(desk.catalog)
    Path(file).write_text(pair[1])
    Path(f"{file}.pub").write_text(pair[0] + "\n")
    return file, pair[0]


def test_a_lost_public_key_is_found_again_in_the_identity(desk: Desk, made: tuple[str, str]) -> None:
    file, public = made
    os.remove(f"{file}.pub")
    with pytest.raises(WrongKey):
        public_key(desk.catalog, lambda: "hunter3", create=True)
    assert public_key(desk.catalog, lambda: "hunter2", create=True) == public
    assert Path(f"{file}.pub").read_text().strip() == public


def test_a_key_that_came_back_is_taken_where_the_password_opens_it(desk: Desk, made: tuple[str, str]) -> None:
    file, public = made
    os.rename(file, desk.state / "identity-0123456789abcdef.age")
    os.remove(f"{file}.pub")
    assert public_key(desk.catalog, lambda: "hunter2", create=True) == public
    assert identities(Keys((file,), lambda: "hunter2")).identities
    os.remove(file)
    os.remove(f"{file}.pub")
    assert public_key(desk.catalog, lambda: "hunter3", create=True) != public


def test_a_key_that_no_password_protects_is_none_that_came_back(desk: Desk) -> None:
    """Whoever can write where archives lie can put one there, and would open all that is sealed for it."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    theirs = pyrage.x25519.Identity.generate()
    desk.state.mkdir()
    (desk.state / "identity-0123456789abcdef.age").write_text(f"{theirs}\n")
    (desk.state / "identity-0123456789abcde0.age").write_text("-----BEGIN AGE ENCRYPTED FILE-----\nnonsense\n")
    assert public_key(desk.catalog, lambda: "hunter2", create=True) != str(theirs.to_public())


def test_nothing_is_sealed_for_a_key_that_is_gone(desk: Desk, made: tuple[str, str]) -> None:
    os.remove(made[0])
    with pytest.raises(SealError, match="is gone: the key that opens archives") as caught:
        public_key(desk.catalog, lambda: "hunter2", create=True)
    assert "HOST/.keys/identity-" in (caught.value.hint or "")


def test_only_what_was_made_for_a_seal_is_tried_on_it(desk: Desk, made: tuple[str, str]) -> None:
    with_password = desk.settings(f"encrypt = yes\npassword_file = {desk.password}")
    assert keys_here(with_password.seal, desk.catalog, Secrets()).identity_files == (made[0],)
    for_others = desk.settings(f"encrypt = yes\nrecipients = {KEY}\nidentity_file = {desk.password}\n    /no")
    assert keys_here(for_others.seal, desk.catalog, Secrets()).identity_files == (str(desk.password),)


def test_the_key_ring_has_what_lies_beside_the_catalog(desk: Desk, made: tuple[str, str]) -> None:
    other = desk.state / "identity-0123456789abcdef.age"
    ring = KeyRing(desk.settings(), Namespace())
    assert ring.of_path("/a").identity_files == (made[0],)
    other.write_bytes(b"x")
    assert set(ring.of_path("/a").identity_files) == {made[0], str(other)}
