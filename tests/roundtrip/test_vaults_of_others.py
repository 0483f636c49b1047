"""A vault that other programs have filled is taken in, listed, verified and restored, as a user would do it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.roundtrip.journey import Journey
from tests.streams import noise

AS_MT_WROTE_THEM = {
    "mt2 eyJmaWxlbmFtZSI6ImZpbGUiLCJtdGltZSI6IjIwMTIxMTE0VDIwMTYxOFoifQ": ("file", "20121114T201618Z"),
    "mt1 eyJmaWxlbmFtZSI6IsOQwq9Bw5DCryIsIm10aW1lIjoiMTk3MDAxMDFUMDAwMjAzWiJ9": ("ЯAЯ", "19700101T000203Z"),
}
"""Descriptions that mt-aws-glacier has in its own tests, and what they say."""


def mt2(name: str, mtime: str) -> str:
    """What version 1.120 writes: base64url, without padding, of a JSON object in UTF-8, its keys in any order."""
    payload = json.dumps({"filename": name, "mtime": mtime}, ensure_ascii=False, separators=(",", ":"))
    return f"mt2 {base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}"


def mt1(name: str, mtime: str) -> str:
    """What 0.80 to 0.84 wrote: the same bytes encoded once more."""
    payload = json.dumps({"mtime": mtime, "filename": name}, ensure_ascii=False, separators=(",", ":"))
    twice = payload.encode().decode("latin-1").encode()
    return f"mt1 {base64.urlsafe_b64encode(twice).decode().rstrip('=')}"


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def tar_of(**files: bytes) -> bytes:
    """As glacier_backup 1.2 made one of a directory."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"photos/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def test_a_vault_of_mt_aws_glacier(to_vault: Journey, tmp_path: Path) -> None:
    put = to_vault.kind.place.put
    contents = {
        name: noise(size, size) for name, size in (("2012/Я и ты.jpg", 2_500_000), ("2011/Я/a b.txt", 1), ("x", 7))
    }
    put(mt2("2012/Я и ты.jpg", "20120314T201618Z"), contents["2012/Я и ты.jpg"])
    put(mt1("2011/Я/a b.txt", "19690720T201718Z"), contents["2011/Я/a b.txt"])
    put(mt2("x", "20110101T000000Z"), b"an older one")
    put(mt2("x", "20120101T000000Z"), contents["x"])
    put(mt2("../../out", "20110101T000000Z"), b"nothing of that name may be made")
    unnamed = put("", b"from before version 0.80")
    for description, (name, _) in AS_MT_WROTE_THEM.items():
        put(description, name.encode())

    rebuilt = to_vault.rebuild()
    listed = to_vault("list", "--versions", "--json").json
    verified = to_vault.until_done("verify", "--json")
    restored = to_vault.restore(tmp_path / "target")

    assert (rebuilt.code, rebuilt.json["places"][0]["added"], rebuilt.json["left_out"]) == (0, 8, [])
    names = sorted(one["path"] for one in listed if one["host"] == "mt-aws-glacier")
    assert names == ["/2011/Я/a b.txt", "/2012/Я и ты.jpg", "/file", "/x", "/x", "/ЯAЯ"]
    assert (verified.code, verified.json["findings"], verified.json["places"][0]["proven"]) == (0, [], 8)
    assert restored.code == 0, restored
    back = tmp_path / "target/mt-aws-glacier"
    for name, content in contents.items():
        assert (back / name).read_bytes() == content, name
    assert (back / "2011/Я/a b.txt").stat().st_mtime == moment("19690720T201718Z")
    for name, mtime in AS_MT_WROTE_THEM.values():
        assert ((back / name).read_text(), (back / name).stat().st_mtime) == (name, moment(mtime))
    assert (tmp_path / "target/unknown/.unnamed" / unnamed).read_bytes() == b"from before version 0.80"
    assert not list(tmp_path.rglob("out"))
    assert to_vault.restore(tmp_path / "one", "/2012/Я и ты.jpg").code == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["Я и ты.jpg"]


def test_a_vault_of_glacier_backup_1_2(to_vault: Journey, tmp_path: Path) -> None:
    """Its descriptions are the base names of what it sent: a directory as NAME.tar, with blanks as underscores."""
    put = to_vault.kind.place.put
    photos = tar_of(a=noise(300_000), b=b"b")
    put("my_photos.tar", photos)
    put("dump.sql", b"select")

    rebuilt = to_vault.rebuild()
    listed = to_vault("list", "--versions", "--json").json
    verified = to_vault.until_done("verify", "--json")
    restored = to_vault.restore(tmp_path / "target")

    assert (rebuilt.code, rebuilt.json["places"][0]["added"]) == (0, 2)
    assert sorted(one["name"] for one in listed) == ["dump.sql", "my_photos.tar"]
    assert (verified.code, verified.json["places"][0]["proven"]) == (0, 2)
    assert restored.code == 0, restored
    (dump,), (archive,) = (list((tmp_path / "target").rglob(name)) for name in ("dump.sql", "my_photos.tar"))
    assert dump.read_bytes() == b"select"
    assert archive.read_bytes() == photos
    with tarfile.open(archive) as opened:
        assert opened.getnames() == ["photos/a", "photos/b"]
    assert to_vault("find", "my_photos", "--json").json[0]["archive"]["name"] == "my_photos.tar"


def test_one_vault_for_several_programs(to_vault: Journey, tmp_path: Path) -> None:
    """Each keeps its names; what we have sent ourselves is told by its own descriptions."""
    to_vault.kind.place.put(mt2("dump.sql", "20120314T201618Z"), b"theirs")
    to_vault.kind.place.put("dump.sql", b"of 1.2")
    (to_vault.data / "dump.sql").write_bytes(b"ours")
    to_vault.sections("[{data}]\nupload_files = yes\n")
    to_vault.back_up()
    to_vault.lose_catalog()

    rebuilt = to_vault.rebuild()

    assert rebuilt.json["places"][0]["added"] == 3
    assert to_vault.back_up().json["summary"]["sent"] == 0
    assert to_vault.restore(tmp_path / "all").code == 0
    assert sorted(path.read_bytes() for path in (tmp_path / "all").rglob("dump.sql")) == [b"of 1.2", b"ours", b"theirs"]
    assert to_vault.restore(tmp_path / "ours", to_vault.data / "dump.sql").code == 0
    assert (tmp_path / "ours/dump.sql").read_bytes() == b"ours"


def test_a_journal_names_what_has_no_description(to_vault: Journey, tmp_path: Path) -> None:
    content = b"sent before version 0.80"
    first, second = (to_vault.kind.place.put("", content + number) for number in (b"1", b"2"))
    journal = tmp_path / "photos.journal"
    size = len(content) + 1
    journal.write_text(
        f"B\t1352924178\tCREATED\t{first}\t{size}\t1331756178\t{_tree_hash(content + b'1')}\t2012/1.jpg\n"
        f"B\t1352924179\tCREATED\t{second}\t{size}\t1331756179\t{_tree_hash(content + b'2')}\t2012/2.jpg\n"
    )

    rebuilt = to_vault.rebuild("--journal", journal)

    assert (rebuilt.code, rebuilt.json["places"][0]["added"]) == (0, 2)
    assert to_vault.restore(tmp_path / "target", "/2012").code == 0
    assert (tmp_path / "target/2012/1.jpg").read_bytes() == content + b"1"
    assert (tmp_path / "target/2012/2.jpg").stat().st_mtime == 1331756179


def _tree_hash(content: bytes) -> str:
    """Of up to 1 MiB."""
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "description", ["mt2 !!!", "mt3 e30", "<m><v>4</v>", '{"Path": 1}', "/", "..", "a/../b", "x" * 1024]
)
def test_what_says_nothing_of_use_is_kept_by_its_id(to_vault: Journey, tmp_path: Path, description: str) -> None:
    to_vault.kind.place.put(description, b"content")

    assert to_vault.rebuild().code == 0
    assert to_vault.restore(tmp_path / "target").code == 0

    (back,) = (path for path in (tmp_path / "target").rglob("*") if path.is_file())
    assert back.read_bytes() == b"content"
