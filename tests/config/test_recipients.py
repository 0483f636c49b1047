"""Public keys, told from what is none."""

from __future__ import annotations

import base64

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.config.recipients import EXAMPLE, complaint, in_file, is_private

SSH = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()


def test_what_age_makes_is_a_recipient() -> None:
    for _ in range(20):
        assert complaint(str(pyrage.x25519.Identity.generate().to_public()), "age") == ""


@settings(max_examples=200)
@given(st.integers(4, 61), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_that_is_mistyped_anywhere_is_told(at: int, letter: str) -> None:
    recipient = "age1xacvvq6knntdu2402npq6apjqmke6g79d2kjum3ac9gpq6hc5u8q9n7pj0"
    wrong = recipient[:at] + letter + recipient[at + 1 :]
    assert (complaint(wrong, "age") == "") == (wrong == recipient)


@pytest.mark.parametrize(
    "recipient",
    [
        SSH,
        f"{SSH} me@here",
        # of a plugin: age-plugin.md's own example
        "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt",
    ],
)
def test_keys_of_ssh_and_of_plugins_are_recipients_of_age(recipient: str) -> None:
    assert complaint(recipient, "age") == ""


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "me@here",
        "age1",
        "age1abc",
        "AGE1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQMCAC8P",
        "ssh-dss AAAA",
        "ssh-ed25519",
        SSH[:-8],
        SSH.replace("ed25519", "rsa", 1),
        "ssh-rsa not base64",
    ],
)
def test_what_is_no_recipient_of_age(recipient: str) -> None:
    assert complaint(recipient, "age").startswith("found ")


@pytest.mark.parametrize("recipient", ["me@here", "0xDEADBEEF", "Jane Doe <jane@here>"])
def test_gpg_knows_keys_by_anything(recipient: str) -> None:
    assert complaint(recipient, "gpg") == ""


@pytest.mark.parametrize("recipient", [SSH, "age1abc", "--batch", "a\tb"])
def test_but_not_by_what_is_a_key_of_ages_or_an_option(recipient: str) -> None:
    assert "that gpg knows" in complaint(recipient, "gpg")


@pytest.mark.parametrize("encryption", ["age", "gpg", ""])
def test_a_private_key_is_told_and_not_quoted(encryption: str) -> None:
    private = str(pyrage.x25519.Identity.generate())
    assert is_private(private)
    assert "private key" in complaint(private, encryption)
    assert private[18:30] not in complaint(private, encryption)


def test_the_key_of_the_example_is_nobodys() -> None:
    assert "the key of the example" in complaint(EXAMPLE, "age")


def test_a_file_has_one_a_line_and_comments() -> None:
    assert in_file("# mine\nage1a\n\n  ssh-rsa AAAA me \n") == [(2, "age1a"), (4, "ssh-rsa AAAA me")]
