"""What other programs wrote into descriptions."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.description import describe, parse_description
from glacier_backup.model.foreign import Foreign, is_safe, parse_foreign
from tests.model.labels import label

SECOND = 10**9
MTIME = 1_352_924_178 * SECOND
"""2012-11-14T20:16:18Z."""


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def mt2(filename: object, mtime: object = "20121114T201618Z", **more: object) -> str:
    payload = json.dumps({"mtime": mtime, "filename": filename} | more, ensure_ascii=False, separators=(",", ":"))
    return f"mt2 {base64url(payload.encode())}"


def mt1(filename: str) -> str:
    payload = json.dumps({"filename": filename, "mtime": "20121114T201618Z"}, ensure_ascii=False).encode()
    return f"mt1 {base64url(payload.decode('latin-1').encode())}"


@pytest.mark.parametrize(
    ("description", "path", "mtime_ns"),
    [
        ("mt2 eyJmaWxlbmFtZSI6ImZpbGUiLCJtdGltZSI6IjIwMTIxMTE0VDIwMTYxOFoifQ", "file", MTIME),
        ("mt1 eyJmaWxlbmFtZSI6IsOQwq9Bw5DCryIsIm10aW1lIjoiMTk3MDAxMDFUMDAwMjAzWiJ9", "ЯAЯ", 123 * SECOND),
        ("  mt2\teyJmaWxlbmFtZSI6ImZpbGUiLCJtdGltZSI6IjIwMTIxMTE0VDIwMTYxOFoifQ==  and more", "file", MTIME),
        (mt2("photos/2012/я.jpg"), "photos/2012/я.jpg", MTIME),
        (mt2("a", "19691231T235959Z"), "a", -SECOND),
        (mt2("a", "20121231T235960Z"), "a", 1_356_998_400 * SECOND),
        (mt2("a", "2012-11-14 20:16:18.5Z"), "a", MTIME),
        (mt2("a", "10000101T000000Z"), "a", None),
        (mt2("a", "99991231T235959Z"), "a", None),
    ],
)
def test_mt_aws_glacier(description: str, path: str, mtime_ns: int | None) -> None:
    assert parse_foreign(description) == Foreign(path, mtime_ns, "mt-aws-glacier")


@pytest.mark.parametrize(
    "description",
    [
        "mt2 *",
        "mt2 eyJ",
        "mt2 " + base64url(b"[]"),
        "mt2 " + base64url(b"[" * 700),
        "mt2 " + base64url(b'{"filename": "a"}'),
        "mt2 " + base64url(b"\xff\xff\xff"),
        mt2(5),
        mt2("a", 5),
        mt2("a", "yesterday"),
        mt2("a", "20121301T000000Z"),
        mt2("a", "20121114T201662Z"),
        mt2("a", more={"b": 1}),
        mt2("a" * 900),
        "mt1 " + base64url('{"filename":"я","mtime":"20121114T201618Z"}'.encode()),
    ],
)
def test_what_is_marked_as_that_and_broken_has_no_name(description: str) -> None:
    assert parse_foreign(description) is None


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            "<m><v>4</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>20120821T170824Z</lm>"
            "<ce>1:1:4340ebcf79712dc5e3ef7d50bab98ba5:54687</ce></m>",
            Foreign("glacier-dg.pdf", 1_345_568_904 * SECOND, "FastGlacier", "compressed and encrypted"),
        ),
        (
            "<m>\n  <v>3</v>\n  <p>Z2xhY2llci1kZy5wZGY=</p>\n  <ce>1:0:00</ce>\n</m>",
            Foreign("glacier-dg.pdf", None, "FastGlacier", "compressed"),
        ),
        ("<m><v>2</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>soon</lm></m>", Foreign("glacier-dg.pdf", None, "FastGlacier")),
        (
            "<m><v>4</v><p>L3NhbXBsZS8xMjM0LnBkZg==</p><lm>20190501T100059Z</lm></m>",
            Foreign("sample/1234.pdf", 1_556_704_859 * SECOND, "FastGlacier"),
        ),
        (
            "<ArchiveMetadata> <Path> cGhvdG9zL2EuanBn </Path> </ArchiveMetadata>",
            Foreign("photos/a.jpg", None, "FastGlacier"),
        ),
        (
            "<ArchiveMetadata><Path>photos\\a &amp; b.jpg</Path></ArchiveMetadata>",
            Foreign("photos/a & b.jpg", None, "FastGlacier"),
        ),
        (
            '{"Path":"CB\\\\B:\\\\one+AF8-two.dpx","UTCDateModified":"20100310T110623Z","Flags":2}',
            Foreign("CB/B:/one_two.dpx", 1_268_219_183 * SECOND, "JSON", "encrypted"),
        ),
        ('{"path":"a/b.txt"}', Foreign("a/b.txt", None, "JSON")),
        ('{"Path":"я+x","UTCDateModified":7}', Foreign("я+x", None, "JSON")),
        ("photos.tar", Foreign("photos.tar", None, "plain")),
        (" my photos 2019 ", Foreign("my photos 2019", None, "plain")),
        ("backup/photos.tar", Foreign("backup/photos.tar", None, "plain")),
    ],
)
def test_other_programs(description: str, expected: Foreign) -> None:
    assert parse_foreign(description) == expected


HOSTILE = [
    "",
    " ",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a//b",
    "a/",
    "./a",
    "a/ ../b",
    "new\nline",
    "tab\t",
    "nul\0",
    "bell\a",
    "\x9b31m",
    "a\u202egpj.exe",
    "n" * 256,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_lead_elsewhere_is_none(name: str) -> None:
    assert not is_safe(name)
    assert parse_foreign(mt2(name)) is None
    assert parse_foreign(mt1(name)) is None
    assert parse_foreign(json.dumps({"Path": name})) is None
    path = b64encode(f"/{name}".encode()).decode()  # of one slash in front it is known that some put it there
    assert parse_foreign(f"<m><v>4</v><p>{path}</p></m>") is None
    if name == name.strip():
        assert parse_foreign(name) is None


@pytest.mark.parametrize(
    "description",
    [
        "<m></m>",
        "<m><v>4</v></m>",
        "<m><p>*</p></m>",
        "<m><p>/w==</p></m>",
        '<m><!DOCTYPE m [<!ENTITY a "b">]><p>YQ==</p></m>',
        "<m><p>YQ==<b>x</b></p></m>",
        "<ArchiveMetadata><Path>&lol;/../x</Path></ArchiveMetadata>",
        '<!DOCTYPE m [<!ENTITY a "/etc/passwd">]><m><p>&a;</p></m>',
        '{"Path": 5}',
        "{}",
        "{",
        '{"Path": {"Path": "a"}}',
        '{"a":' * 200,
        "photos.tar gb2;p=/data/photos;h=nas",
    ],
)
def test_what_is_broken_has_no_name(description: str) -> None:
    assert parse_foreign(description) is None


@given(st.text(max_size=1100))
def test_no_text_is_an_error_and_every_name_is_safe(text: str) -> None:
    for description in (text, f"mt2 {text}", f"mt1 {text}", f"<m>{text}</m>", f"{{{text}}}"):
        found = parse_foreign(description)
        assert found is None or is_safe(found.path)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_what_mt_aws_glacier_would_have_written_is_read(name: str) -> None:
    for description in (mt2(name), mt1(name)):
        if len(description) <= 1024 and is_safe(name):
            assert parse_foreign(description) == Foreign(name, MTIME, "mt-aws-glacier")


def test_ours_is_nobody_elses() -> None:
    text = describe(label())
    assert parse_description(text) == label()
    assert parse_foreign(text) is None


def test_the_name_is_the_last_component() -> None:
    assert Foreign("a/b/c.txt", None, "plain").name == "c.txt"
