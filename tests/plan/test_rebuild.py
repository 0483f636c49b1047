from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glacier_backup.model.archive import ArchiveRecord, Checksums, Label
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import span_text
from glacier_backup.model.description import describe
from glacier_backup.model.increment import Link
from glacier_backup.model.journal import JournalEntry
from glacier_backup.model.manifest import manifest, one_object
from glacier_backup.model.naming import ShortenedLabel, key
from glacier_backup.model.rebuilding import Refused
from glacier_backup.model.recipe import Recipe, Step, compact, parse_compact
from glacier_backup.model.snapshot import Span, stream_step
from glacier_backup.model.stored import Rebuilt
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.rebuild import rebuilt
from glacier_backup.plan.told_by_key import Around, Key, presumed, split_version
from tests.model.labels import dataset

NOW = datetime(2026, 3, 21, 4, 0, 0, 123456, UTC)
TAR = Recipe((Step("tar"),))
RAW = Recipe((Step("raw"),))
LABEL = Label("photos.tar", "/data/photos", "nas", "directory", "tar", NOW, TAR.id)
FINGERPRINT = Fingerprint("d" * 64, 90, 3, 5, 0o755)
SUMS = Checksums(100, "a" * 64, b"", "b" * 64)
AROUND = Around(hosts=frozenset({"nas"}), host="nas")


def text(label: Label = LABEL, recipe: Recipe = TAR, sums: Checksums = SUMS) -> str:
    record = ArchiveRecord(label, key(label), recipe, FINGERPRINT)
    return manifest(record, one_object(record, sums))


def stored(label: Label = LABEL, **more: Any) -> Stored:
    return replace(Stored(key(label), 100, NOW, tree_hash="a" * 64), **more)


def told(one: Stored, kind: str = "s3", around: Around = AROUND) -> Rebuilt | Refused | None:
    return rebuilt(one, Key(one.locator, one.locator), kind, key, around)  # type: ignore[arg-type]  # one of four


def in_vault(description: str | None, journaled: JournalEntry | None = None, around: Around = AROUND) -> Rebuilt:
    one = Stored("I" * 138, 100, NOW, description, "a" * 64)
    found = rebuilt(one, None, "glacier", describe, around, journaled)
    assert isinstance(found, Rebuilt)
    return found


def why(one: Stored) -> str:
    found = told(one)
    assert isinstance(found, Refused)
    return found.why


def test_a_manifest_tells_all() -> None:
    found = told(stored(manifest=text()))

    assert isinstance(found, Rebuilt)
    assert (found.label, found.recipe, found.fingerprint) == (LABEL, TAR, FINGERPRINT)
    assert (found.volumes[0].size, found.volumes[0].tree_hash, found.volumes[0].sha256) == (100, "a" * 64, "b" * 64)
    assert found.origin is None
    assert found.sha256 is None


def test_a_manifest_tells_the_hash_of_the_content() -> None:
    found = told(stored(manifest=text().replace('"content_sha256": null', f'"content_sha256": "{"d" * 64}"')))

    assert isinstance(found, Rebuilt)
    assert found.sha256 == "d" * 64


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        ({"size": 99}, "says 100 bytes, and there are 99"),
        ({"tree_hash": "c" * 64}, "has another tree hash"),
        ({"sha256": "c" * 64}, "has another SHA-256"),
        ({"locator": key(replace(LABEL, path="/data/other"))}, "is that of another archive, one of /data/photos"),
        ({"manifest": text().replace("a" * 64, "A" * 64)}, "can't be used: sha256_tree is no SHA-256"),
        ({"manifest": text().replace("/data/photos", "/data/../etc")}, "can't be used"),
        ({"manifest": text().replace("manifest 1", "manifest 2")}, "of another version"),
        ({"manifest": "["}, "it is no manifest"),
    ],
)
def test_a_manifest_that_contradicts_its_archive_is_refused(tampered: dict[str, Any], said: str) -> None:
    assert said in why(stored(**{"manifest": text(), **tampered}))


def test_a_key_alone_tells_path_host_and_time() -> None:
    found = told(stored(tree_hash=None))

    assert isinstance(found, Rebuilt)
    assert (found.label.path, found.label.host, found.label.time) == ("/data/photos", "nas", NOW)
    assert (found.recipe, found.fingerprint, found.volumes[0].tree_hash) == (TAR, None, None)


@pytest.mark.parametrize("name", ["RESTORE.md", "nas/.catalog/20260321T040000.123456Z.sqlite3.gz"])
def test_what_lies_besides_archives_is_none(name: str) -> None:
    assert told(Stored(name, 10, NOW)) is None


TREE = Label("a.jpg", "/data/2019/a.jpg", "nas", "file", "raw", NOW, RAW.id, 1_600_000_000_123_456_789, 0o640)


@pytest.mark.parametrize("version", ["", "~20260321T040000.123456Z"])
def test_a_file_of_a_tree_is_told_by_its_description(version: str) -> None:
    one = Stored(f"nas/data/2019/a.jpg{version}", 7, NOW, describe(TREE))

    found = told(one)

    assert isinstance(found, Rebuilt)
    assert found.label == replace(TREE, fixed_key=one.locator)
    assert found.fingerprint is not None
    assert found.fingerprint.digest == "file 7 1600000000123456789"


def test_a_description_of_another_file_is_refused() -> None:
    assert "of another archive, one of /data/2019/a.jpg" in why(Stored("nas/etc/passwd", 7, NOW, describe(TREE)))


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("nas/data/2019/a.jpg", "local", "/data/2019/a.jpg"),
        ("nas/data/link.rclonelink", "sftp", "/data/link"),
        ("theirs/data/2019/a.jpg", "local", None),
        ("theirs/data/a.jpg~20260321T040000.123456Z", "local", "/data/a.jpg"),
        ("readme.txt", "local", None),
    ],
)
def test_a_file_without_a_word_about_it_counts_where_its_host_is_known(name: str, kind: str, path: str | None) -> None:
    found = told(Stored(name, 7, NOW), kind)

    assert (found.label.path if isinstance(found, Rebuilt) else None) == path


def test_a_server_s_file_has_its_source_s_time() -> None:
    found = told(Stored("nas/data/a.jpg", 7, datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)), "sftp")

    assert isinstance(found, Rebuilt)
    assert found.fingerprint is not None
    assert found.fingerprint.digest == "file 7 1600000000000000000"


def test_keys_that_begin_below_a_section_get_its_path() -> None:
    found = told(Stored("2019/a.jpg", 7, NOW), "local", replace(AROUND, relative="/data"))

    assert isinstance(found, Rebuilt)
    assert (found.label.path, found.label.host, found.label.fixed_key) == ("/data/2019/a.jpg", "nas", "2019/a.jpg")


def test_what_lay_on_a_server_gets_its_section_s_url() -> None:
    label = replace(LABEL, path="sftp://me@box:23/data/photos")
    around = replace(AROUND, sections=("sftp://me@box:23/data",))

    found = told(stored(label, tree_hash=None), around=around)

    assert isinstance(found, Rebuilt)
    assert (found.label.path, found.label.host) == (label.path, "nas")


def test_a_vault_s_description_tells_all_but_how_it_looked() -> None:
    found = in_vault(describe(LABEL))

    assert (found.label, found.recipe, found.fingerprint, found.origin) == (LABEL, TAR, None, None)
    assert found.volumes[0].tree_hash == "a" * 64


def test_a_file_of_a_tree_in_a_vault_is_known_to_be_unchanged() -> None:
    found = in_vault(describe(TREE), around=replace(AROUND, trees=("/data",)))

    assert found.fingerprint is not None
    assert found.fingerprint.digest == "file 100 1600000000123456789"


LINK = Link(2, NOW - timedelta(days=14), NOW - timedelta(days=7))
STREAM = Recipe((stream_step("zfs", Span("offsite-20260321", "81c2" * 4, "offsite-20260314"), LINK, raw=True),))
DATASET = replace(
    dataset("zfs:tank/photos"), time=NOW, recipe_id=STREAM.id, link=str(LINK), span=span_text(STREAM), host="nas"
)


def test_a_dataset_is_told_by_its_manifest_and_by_its_description() -> None:
    by_manifest, by_description = told(stored(DATASET, manifest=text(DATASET, STREAM))), in_vault(describe(DATASET))

    for found in (by_manifest, by_description):
        assert isinstance(found, Rebuilt)
        assert (found.label, found.recipe) == (DATASET, STREAM)
    assert by_description.fingerprint is not None
    assert by_description.fingerprint.digest == f"snapshot {'81c2' * 4}", "so it isn't sent again for nothing"


def test_a_key_alone_tells_of_a_dataset_where_in_its_chain_a_stream_stands() -> None:
    for one, step in ((DATASET, {"increment": 2}), (dataset("zfs:tank/photos"), {"increment": 0})):
        found = told(stored(replace(one, suffix=".zst.age"), tree_hash=None))

        assert isinstance(found, Rebuilt)
        assert (found.label.path, found.label.kind, found.label.host) == ("zfs:tank/photos", "dataset", "nas")
        assert found.recipe == Recipe((Step("zfs", step), Step("zstd"), Step("age")))
        assert found.fingerprint is None


def test_a_dataset_may_have_the_key_of_another_layout_and_no_other() -> None:
    for fixed, is_right in (
        ("photos/incrementals/F20260314-T20260321/photos-F20260314-T20260321", True),
        ("photos/incrementals/F20260314-T20260322/photos-F20260314-T20260322", False),
        ("photos/baseline-20260321/photos-T20260321", False),
        ("zfs:tank/photos", False),
    ):
        label = replace(DATASET, fixed_key=fixed)
        found = told(stored(label, manifest=text(label, STREAM)))
        assert isinstance(found, Rebuilt if is_right else Refused), fixed


def test_a_dataset_whose_snapshots_have_long_names_is_told_all_the_same() -> None:
    recipe = Recipe((stream_step("zfs", Span("a" + " " * 250), Link(0)),))
    found = in_vault(describe(replace(DATASET, link="0", span=span_text(recipe), host="h" * 250)))

    assert (found.label.path, found.label.kind, found.label.link) == ("zfs:tank/photos", "dataset", "0")
    assert found.recipe == Recipe((Step("zfs", {"increment": 0}),))


GROUP = replace(LABEL, name="photos.pack.tar", path="/data/photos/~pack-0123456789ab", kind="group")


def test_a_group_is_told_by_its_manifest_by_its_key_and_by_its_description() -> None:
    by_manifest, by_key = told(stored(GROUP, manifest=text(GROUP))), told(stored(GROUP, tree_hash=None))
    by_description = in_vault(describe(GROUP), around=replace(AROUND, trees=("/data/photos",)))

    for found in (by_manifest, by_key, by_description):
        assert isinstance(found, Rebuilt)
        assert (found.label.path, found.label.kind, found.label.name) == (GROUP.path, "group", GROUP.name)
        assert found.recipe == TAR
    assert by_description.fingerprint is None


def test_a_sealed_group_is_told_by_its_key() -> None:
    found = told(stored(replace(GROUP, suffix=".zst.age"), tree_hash=None))

    assert isinstance(found, Rebuilt)
    assert (found.label.path, found.label.kind, found.label.suffix) == (GROUP.path, "group", ".zst.age")


def test_a_group_of_what_lay_on_a_server_gets_its_section_s_url() -> None:
    label = replace(GROUP, path="sftp://me@box:23/data/~pack-0123456789ab")

    found = told(stored(label, tree_hash=None), around=replace(AROUND, sections=("sftp://me@box:23/data",)))

    assert isinstance(found, Rebuilt)
    assert (found.label.path, found.label.kind) == (label.path, "group")


LONG = "/data/" + "/".join(["ä" * 100] * 8)


def test_a_path_that_was_too_long_is_found_by_its_hash() -> None:
    label = replace(LABEL, path=LONG, name="ä.tar")

    def known(short: ShortenedLabel) -> str | None:
        return LONG if short.is_of(LONG) else None

    assert in_vault(describe(label), around=replace(AROUND, whole_path=known)).label.path == LONG


def test_a_path_that_was_too_long_is_told_by_its_beginning_and_hash() -> None:
    labels = [replace(LABEL, path=path, name="ä.tar") for path in (LONG, LONG + "x")]

    first, second = (in_vault(describe(label)).label.path for label in labels)

    assert first.startswith("/data/ä")
    assert first != second


def mt(marker: str, name: str) -> str:
    payload = json.dumps({"filename": name, "mtime": "20121114T201618Z"}, ensure_ascii=False).encode()
    if marker == "mt1":
        payload = payload.decode("latin-1").encode()
    return f"{marker} {base64.urlsafe_b64encode(payload).decode().rstrip('=')}"


@pytest.mark.parametrize("marker", ["mt1", "mt2"])
def test_what_mt_aws_glacier_has_stored_comes_under_its_name(marker: str) -> None:
    found = in_vault(mt(marker, "2012/Я.jpg"))

    assert (found.label.path, found.label.host, found.origin) == ("/2012/Я.jpg", "mt-aws-glacier", "mt-aws-glacier")
    assert (found.label.container, found.label.kind, found.recipe) == ("raw", "file", RAW)
    assert found.label.mtime_ns == int(datetime(2012, 11, 14, 20, 16, 18, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize("description", [None, "", mt("mt2", "../../etc/passwd"), "gb1 x gb1;p=%zz"])
def test_what_has_no_name_that_can_be_used_comes_under_its_id(description: str | None) -> None:
    assert in_vault(description).label.path == f"/.unnamed/{'I' * 138}"


def test_a_journal_names_what_has_no_description() -> None:
    entry = JournalEntry(3, "CREATED", NOW, "I" * 138, "old/file", 100, "a" * 64, 5 * 10**9)

    found = in_vault(None, entry)

    assert (found.label.path, found.label.mtime_ns, found.origin) == ("/old/file", 5 * 10**9, "mt-aws-glacier")


def test_a_journal_that_tells_of_other_bytes_is_not_believed() -> None:
    entry = JournalEntry(3, "CREATED", NOW, "I" * 138, "old/file", 100, "c" * 64, None)

    found = rebuilt(Stored("I" * 138, 100, NOW, None, "a" * 64), None, "glacier", describe, AROUND, entry)

    assert found == Refused("I" * 138, "line 3 of the journal has another tree hash")


def test_versions_are_told_from_what_they_are_versions_of() -> None:
    assert split_version("a/b.jpg~20260321T040000.123456Z") == ("a/b.jpg", NOW)
    assert split_version("a/b.jpg") == ("a/b.jpg", None)
    assert split_version("a/b~99999999T999999.999999Z") == ("a/b~99999999T999999.999999Z", None)


def test_the_list_of_a_vault_tells_enough_to_know_what_is_ours() -> None:
    assert presumed(Stored("I" * 138, 1, NOW, describe(LABEL)), None, AROUND) == LABEL
    assert presumed(Stored("I" * 138, 1, NOW, mt("mt2", "a")), None, AROUND) is None


SEALED = Recipe(
    (Step("tar"), Step("zstd", {"level": 3}), Step("openssl", dict(parse_compact("openssl")[0].parameters)))
)
ENCRYPTED = replace(LABEL, recipe_id=SEALED.id, suffix=".zst.enc", seal=compact(SEALED))


def test_a_sealed_archive_of_one_object_comes_back_with_its_recipe_and_mac() -> None:
    sums = replace(SUMS, hmac_sha256="e" * 64)

    found = told(stored(ENCRYPTED, manifest=text(ENCRYPTED, SEALED, sums)))

    assert isinstance(found, Rebuilt)
    assert (found.label, found.recipe) == (ENCRYPTED, SEALED)
    assert (found.volumes[0].hmac_sha256, found.volumes[0].suffix) == ("e" * 64, ".zst.enc")


def test_the_manifest_of_another_seal_is_refused() -> None:
    why_ = why(replace(stored(manifest=text(ENCRYPTED, SEALED)), locator=key(replace(ENCRYPTED, suffix=".zst.age"))))
    assert "is that of another archive" in why_


def test_a_description_or_a_key_alone_tells_how_it_was_sealed() -> None:
    by_description = in_vault(describe(ENCRYPTED))
    assert (by_description.label, by_description.recipe) == (ENCRYPTED, SEALED)

    by_key = told(stored(ENCRYPTED, tree_hash=None))
    assert isinstance(by_key, Rebuilt)
    assert by_key.recipe == Recipe((Step("tar"), Step("zstd"), SEALED.steps[2]))


def test_a_sealed_file_of_a_tree_is_told_by_its_description() -> None:
    sealed = replace(TREE, fixed_key="nas/data/2019/a.jpg", suffix=".age", seal="age")

    found = told(Stored(key(sealed), 7, NOW, describe(sealed)))

    assert isinstance(found, Rebuilt)
    assert (found.label, found.fingerprint) == (sealed, None)
    assert found.recipe == Recipe((Step("raw"), Step("age")))
    assert "of another archive" in why(Stored("nas/data/2019/a.jpg", 7, NOW, describe(sealed)))


def test_a_hidden_name_alone_tells_nothing() -> None:
    hidden = replace(ENCRYPTED, alias="a" * 26)
    for one in (Stored(f"aa/{'a' * 26}.v001.age", 7, NOW), Stored("nas/a", 7, NOW, describe(hidden))):
        assert "hidden" in why(one)
    label = presumed(Stored("I" * 138, 1, NOW, describe(hidden)), None, AROUND)
    assert isinstance(label, Label)
    assert (label.path, label.alias, label.seal) == (f"(hidden name {'a' * 26})", "a" * 26, "zstd:3+openssl")


def test_sealed_versions_are_told_from_what_they_are_versions_of() -> None:
    assert split_version("a/b.jpg~20260321T040000.123456Z.zst.age") == ("a/b.jpg", NOW)
    assert split_version("a/b.gz.age") == ("a/b.gz.age", None)
