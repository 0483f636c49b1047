"""Text → value, for buckets and servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from glacier_backup.config import bucket_values, login_values

FINGERPRINT = "SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s"
PUBLIC = "AAAAC3NzaC1lZDI1NTE5AAAAIJPmXKLnsnKjUQJwmhoXmZcDJrLrBYNfeyYGVkGmVqP1"


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (bucket_values.storage_class, "DEEP_ARCHIVE", "DEEP_ARCHIVE"),
        (bucket_values.storage_class, "COLD", "COLD"),
        (bucket_values.encryption, "aws:kms:dsse", "aws:kms:dsse"),
        (bucket_values.key_id, "alias/my_key", "alias/my_key"),
        (bucket_values.key_id, "arn:aws:kms:eu-west-1:1:key/a-b", "arn:aws:kms:eu-west-1:1:key/a-b"),
        (bucket_values.owner, "012345678901", "012345678901"),
        (bucket_values.tags, "a=b", (("a", "b"),)),
        (bucket_values.tags, "b = x=y, a =\nc=http://d/e", (("b", "x=y"), ("a", ""), ("c", "http://d/e"))),
        (bucket_values.tags, "ключ=мой диск", (("ключ", "мой диск"),)),
        (bucket_values.tags, f"{'k' * 128}={'v' * 256}", (("k" * 128, "v" * 256),)),
        (bucket_values.hot_below, "none", None),
        (bucket_values.hot_below, "auto", "auto"),
        (bucket_values.hot_below, "128 KiB", 131_072),
        (login_values.host_key, FINGERPRINT, FINGERPRINT),
        (login_values.host_key, FINGERPRINT + "=", FINGERPRINT),
        (login_values.host_key, f"ssh-ed25519 {PUBLIC}", f"ssh-ed25519 {PUBLIC}"),
        (login_values.host_key, f"ecdsa-sha2-nistp256  {PUBLIC}== root@nas", f"ecdsa-sha2-nistp256 {PUBLIC}=="),
    ],
)
def test_what_is_right_is_read(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "special"),
    [
        (bucket_values.storage_class, "deep_archive", "it is written DEEP_ARCHIVE"),
        (bucket_values.storage_class, "Glacier-IR", "it is written GLACIER_IR"),
        (bucket_values.storage_class, "cold", ""),
        (bucket_values.storage_class, "TWO WORDS", ""),
        (bucket_values.encryption, "kms", ""),
        (bucket_values.encryption, "aes256", ""),
        (bucket_values.key_id, "my key", ""),
        (bucket_values.owner, "1234", ""),
        (bucket_values.tags, ",", ""),
        (bucket_values.tags, "a", "a is no key=value"),
        (bucket_values.tags, "=b", "=b is no key=value"),
        (bucket_values.tags, "a=b, a=c", "a key is there twice"),
        (bucket_values.tags, ",".join(f"k{number}=v" for number in range(11)), "there are 11"),
        (bucket_values.tags, "aws:a=b", "aws:a is one of Amazon's own"),
        (bucket_values.tags, "a=b;c", "';' can't be part of a tag"),
        (bucket_values.tags, "a=\udcff", "'\\udcff' can't be part of a tag"),
        (
            bucket_values.tags,
            f"{'k' * 129}=v",
            f"{'k' * 20}… has 129 and 1 characters; 128 and 256 are the most",
        ),
        (bucket_values.hot_below, "0", ""),
        (bucket_values.hot_below, "big", ""),
        (bucket_values.hot_below, "9" * 30, ""),
        (login_values.host_key, "SHA256:short", ""),
        (login_values.host_key, "MD5:" + "00:" * 15 + "00", "MD5 proves nothing any more"),
        (login_values.host_key, f"nas.example ssh-ed25519 {PUBLIC}", "the name of the host has no place before it"),
        (login_values.host_key, PUBLIC, ""),
    ],
)
def test_what_is_wrong_is_turned_away(parse: Callable[[str], object], text: str, special: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(text)
    assert str(caught.value) == special
