"""Destinations as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.config.places import Where, items, masked, path_on_server, place, places

KEY = "a/b"
A_BUCKET = "a bucket's name has 3 to 63 of the characters a-z 0-9 . - and is no IP address"
A_PORT = "a port is a number from 1 to 65535"
NO_PASSWORD = "a URL is no place for a password: put it into a file, and name that in ssh_password_file"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("glacier", Where("glacier")),
        ("local", Where("local")),
        ("/mnt/disk/", Where("local", "/mnt/disk")),
        ("file:///mnt/disk", Where("local", "/mnt/disk")),
        ("file://localhost/mnt/a%20disk", Where("local", "/mnt/a disk")),
        ("FILE:///mnt/100%25", Where("local", "/mnt/100%")),
        ("file:///mnt/%ff", Where("local", "/mnt/\udcff")),
        ("s3://my-bucket", Where("s3", bucket="my-bucket")),
        ("s3://my-bucket/", Where("s3", bucket="my-bucket")),
        ("S3://my.bucket/a/b/", Where("s3", KEY, bucket="my.bucket")),
        ("s3://0ab/100%25/Ä b,c", Where("s3", "100%25/Ä b,c", bucket="0ab")),
        ("s3://" + "b" * 63, Where("s3", bucket="b" * 63)),
        ("sftp://host", Where("sftp", ".", host="host")),
        ("sftp://host/", Where("sftp", "/", host="host")),
        ("SFTP://Me@Host.Example:23/Dir/", Where("sftp", "/Dir", host="host.example", port=23, user="Me")),
        ("sftp://host//a//b/../c", Where("sftp", "/a/c", host="host")),
        ("sftp://host/~", Where("sftp", ".", host="host")),
        ("sftp://host/~/", Where("sftp", ".", host="host")),
        ("sftp://host/.", Where("sftp", ".", host="host")),
        ("sftp://host/~/a/b/", Where("sftp", KEY, host="host")),
        ("sftp://host/./a/b", Where("sftp", KEY, host="host")),
        ("sftp://host/~me/a%20b?c#d@e", Where("sftp", "/~me/a%20b?c#d@e", host="host")),
        ("sftp://me%40home@10.0.0.1:65535/d", Where("sftp", "/d", host="10.0.0.1", port=65535, user="me@home")),
        ("sftp://[::1]:22/d", Where("sftp", "/d", host="::1")),
        ("sftp://u1-sub2@[FE80::1%Eth0]/d", Where("sftp", "/d", host="fe80::1%Eth0", user="u1-sub2")),
    ],
)
def test_what_names_a_destination_is_read(text: str, where: Where) -> None:
    assert place(text) == where
    assert place(str(where)) == where


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("disk", ""),
        ("Glacier", ""),
        ("nas, s3://bucket/x", "a URL has a line of its own"),
        ("ftp://host/dir", "ftp:// is none of the kinds there are"),
        ("file://nas/dir", "nas is another machine"),
        ("file:///a%00b", ""),
        ("s3://", A_BUCKET),
        ("s3://ab", A_BUCKET),
        ("s3://" + "b" * 64, A_BUCKET),
        ("s3://Bucket/x", A_BUCKET),
        ("s3://my_bucket", A_BUCKET),
        ("s3://-bucket", A_BUCKET),
        ("s3://bucket.", A_BUCKET),
        ("s3://my..bucket", A_BUCKET),
        ("s3://192.168.5.4", A_BUCKET),
        ("s3://key:secret@bucket", A_BUCKET),
        ("s3://bucket//x", "a prefix has no component ''"),
        ("s3://bucket/a//b", "a prefix has no component ''"),
        ("s3://bucket/a//", "a prefix has no component ''"),
        ("s3://bucket/./a", "a prefix has no component '.'"),
        ("s3://bucket/a/..", "a prefix has no component '..'"),
        ("s3://bucket/\udcff", "a prefix is printable text in UTF-8"),
        ("sftp://", "there is no host"),
        ("sftp:///dir", "there is no host"),
        ("sftp://@host/dir", "there is no user before the @"),
        ("sftp://me@/dir", "there is no host"),
        ("sftp://me:secret@host/dir", NO_PASSWORD),
        ("sftp://me:@host/dir", NO_PASSWORD),
        ("sftp://-oProxy/dir", "'-oProxy' is no name of a host"),
        ("sftp://ho st/dir", "'ho st' is no name of a host"),
        ("sftp://höst/dir", "'höst' is no name of a host"),
        ("sftp://::1/dir", "there is no host"),
        ("sftp://[::g]/dir", "'::g' is no IPv6 address"),
        ("sftp://[::1/dir", "there is no ] behind the host"),
        ("sftp://host:/dir", A_PORT),
        ("sftp://host:0/dir", A_PORT),
        ("sftp://host:65536/dir", A_PORT),
        ("sftp://host:22x/dir", A_PORT),
        ("sftp://[::1]22/dir", A_PORT),
    ],
)
def test_what_names_none_is_turned_away(text: str, special: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        place(text)
    assert str(caught.value) == special


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("glacier", [Where("glacier")]),
        ("vault,nas , local", ["vault", "nas", Where("local")]),
        ("\nvault\n/mnt/a, b\n", ["vault", Where("local", "/mnt/a, b")]),
        ("nas, /mnt", ["nas", Where("local", "/mnt")]),
        ("s3://bucket/a, b\nnas", [Where("s3", "a, b", bucket="bucket"), "nas"]),
        ("nas, nas\n/a\n/a/", ["nas", Where("local", "/a")]),
        ("a.b_c-D9,", ["a.b_c-D9"]),
    ],
)
def test_a_list_has_one_a_line_or_commas_between(text: str, found: list[Where | str]) -> None:
    assert list(places(text)) == found


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("", ""),
        (" , \n", ""),
        ("my nas", ""),
        ("nas, my disk", "my disk is none"),
        ("nas\ns3://B/x", f"s3://B/x: {A_BUCKET}"),
        ("nas\nsftp://me:secret@host/dir", f"sftp://me:…@host/dir: {NO_PASSWORD}"),
    ],
)
def test_a_list_says_which_of_it_is_wrong(text: str, special: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        places(text)
    assert str(caught.value) == special


def test_a_path_on_a_server_is_absolute() -> None:
    assert str(path_on_server("sftp://Me@Host/photos/")) == "sftp://Me@host:22/photos"
    assert str(path_on_server("sftp://host:23/")) == "sftp://host:23/"
    for text in ("sftp://host", "sftp://host/~/photos"):
        with pytest.raises(ValueError, match="it has no absolute path on the server"):
            path_on_server(text)
    with pytest.raises(ValueError, match=r"^$"):
        path_on_server("/photos")


@pytest.mark.parametrize("password", ["secret", "sec@ret", "sec/ret", "s e:c", "", "22/secret"])
def test_a_password_in_a_url_is_not_shown(password: str) -> None:
    shown = masked(f"sftp://me:{password}@host/dir")
    assert shown == "sftp://me:…@host/dir"
    assert masked("sftp://me@host:22/dir") == "sftp://me@host:22/dir"
    assert masked("/a:b@c") == "/a:b@c"


_NAMES = st.text(st.characters(exclude_characters="/\0\n"), min_size=1, max_size=8)
_DIRECTORIES = st.lists(_NAMES.filter(lambda name: name not in (".", "..", "~")), max_size=3).map("/".join)
_HOSTS = st.sampled_from(["host", "a.example", "10.0.0.1", "::1", "fe80::1%eth0"])
_USERS = st.none() | st.text(min_size=1, max_size=8).filter(str.isprintable)


@given(_USERS, _HOSTS, st.integers(1, 65535), _DIRECTORIES, st.booleans())
def test_a_server_is_read_back_from_its_text(
    user: str | None, host: str, port: int, directory: str, absolute: bool
) -> None:
    where = Where("sftp", f"/{directory}" if absolute else directory or ".", host=host, port=port, user=user)
    assert place(str(where)) == where


@given(st.text("s3ftp:/@[]~.-%ab,29 \n", max_size=24).map(lambda text: "sftp://" + text) | st.text(max_size=20))
def test_any_text_is_a_destination_with_one_spelling_or_turned_away(text: str) -> None:
    try:
        found = place(text)
    except ValueError:
        return
    assert place(str(found)) == found


@given(st.lists(st.sampled_from(["nas", "a", "/mnt/x,y", "s3://bucket/a,b", "~/x"]), min_size=1))
def test_one_a_line_is_always_understood(names: list[str]) -> None:
    assert items("\n".join(names)) == names
