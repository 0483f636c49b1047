"""The text beside an archive: read back as it was written, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, ReadProblem
from glacier_backup.model.candidate import CHANGED_BACK, Fingerprint
from glacier_backup.model.dataset_label import dataset_step, is_dataset
from glacier_backup.model.manifest import (
    LONGEST,
    Manifest,
    ObjectSums,
    manifest,
    one_object,
    parse_manifest,
    several_objects,
)
from glacier_backup.model.naming import key
from glacier_backup.model.recipe import LONGEST_COMPACT, Recipe, Scalar, Step, compact
from glacier_backup.model.snapshot import digest_of
from glacier_backup.model.stored import StoredVolume
from glacier_backup.model.suffixes import suffix_of_steps
from glacier_backup.model.tree_digest import tree_fingerprint
from tests.model.labels import LABELS, TIME, from_disk, label

RECIPE = Recipe((Step("tar"),))
SEEN = Fingerprint("0f" * 32, 1234, 3, 1_600_000_000_123_456_789, 0o755)
SENT = Checksums(2048, "ab" * 32, b"", "cd" * 32)


def record(of: Label | None = None, recipe: Recipe = RECIPE, fingerprint: Fingerprint = SEEN) -> ArchiveRecord:
    of = replace(of or label(), recipe_id=recipe.id)
    return ArchiveRecord(of, key(of), recipe, fingerprint)


def text_of(one: ArchiveRecord, checksums: Checksums = SENT) -> str:
    return manifest(one, one_object(one, checksums))


def facts() -> dict[str, object]:
    found: dict[str, object] = json.loads(text_of(record()))
    return found


def test_what_was_written_is_read_again() -> None:
    one = replace(record(), problems=(ReadProblem("/data/photos/x", "Permission denied"),), changed_while_read=True)
    assert parse_manifest(text_of(one)) == Manifest(
        label=one.label,
        recipe=RECIPE,
        volumes=(ObjectSums(key(one.label), 2048, "ab" * 32, "cd" * 32),),
        fingerprint=SEEN,
        problems=1,
        changed_while_read=True,
    )


@pytest.mark.parametrize(
    ("seal", "alias", "is_told"),
    [
        ((), None, True),
        (("zstd", "split"), None, True),
        (("zstd", "age"), None, False),
        (("split", "age"), "a" * 26, True),
    ],
)
def test_the_hash_of_the_content_is_told_to_those_alone_who_can_read_it(
    seal: tuple[str, ...], alias: str | None, is_told: bool
) -> None:
    recipe = Recipe((*RECIPE.steps, *(Step(name) for name in seal)))
    suffix = suffix_of_steps(recipe.seal)
    of = replace(label(), suffix=suffix, seal=compact(recipe), alias=alias, recipe_id=recipe.id)
    one = replace(record(of, recipe), sha256="ef" * 32)
    number = 1 if "split" in seal else 0
    sums = ObjectSums(
        "one", 2048, "ab" * 32, volume=number, suffix=suffix.replace(".age", ".v001.age") if number else suffix
    )
    text = manifest(one, [sums])
    assert json.loads(text)["content_sha256"] == ("ef" * 32 if is_told else None)
    assert ("ef" * 32 in text) == is_told


def test_a_manifest_of_before_there_were_fingerprints_in_it_is_read() -> None:
    old = {name: value for name, value in facts().items() if name not in ("fingerprint", "fixed_key")}
    told = parse_manifest(json.dumps(old))
    assert told.fingerprint is None
    assert told.label == record().label


def test_names_of_any_bytes_are_read_again() -> None:
    odd = label(from_disk(b"/\xff\xfe/\xc3/new\nline/\xf0\x9f\x98\x80"), name=from_disk(b"\xff \xf0\x9f\x98\x80.tar"))
    text = text_of(record(odd))
    assert text.isascii()
    assert parse_manifest(text).label == record(odd).label


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.booleans()
PARAMETERS = st.dictionaries(st.text("abcdefghij_", min_size=1), VALUES | st.integers(-(2**63), 2**63 - 1), max_size=4)
STEPS = st.lists(st.builds(Step, st.sampled_from(["zstd", "age", "par2"]), PARAMETERS), max_size=3)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
COUNTS = st.integers(0, 2**63 - 1)
TIMES_NS = st.integers(-(2**63), 2**63 - 1)
MODES = st.none() | st.integers(0, 0o7777)
_STILL = st.builds(Fingerprint, HASHES, COUNTS, COUNTS, TIMES_NS, MODES) | st.builds(
    tree_fingerprint, st.sampled_from(["file", "link"]), COUNTS, TIMES_NS, MODES
)
_OF_SNAPSHOTS = st.text("0123456789abcdef", min_size=16, max_size=16).map(digest_of)
FINGERPRINTS = (
    st.builds(Fingerprint, _OF_SNAPSHOTS, COUNTS, st.just(1), TIMES_NS)
    | _STILL
    | _STILL.map(lambda one: replace(one, digest=one.digest + CHANGED_BACK))
)
FIXED = st.none() | st.just("photos/a.jpg")


@settings(deadline=None)
@given(LABELS, FIXED, STEPS, FINGERPRINTS, COUNTS, HASHES, st.none() | HASHES, st.booleans(), st.none() | HASHES)
def test_every_manifest_is_read_as_it_was_written(
    of: Label,
    fixed: str | None,
    steps: list[Step],
    fingerprint: Fingerprint,
    size: int,
    tree_hash: str,
    sha256: str | None,
    changed: bool,
    content: str | None,
) -> None:
    packing = dataset_step(of) if is_dataset(of) else Step("symlink" if of.kind == "link" else of.container)
    recipe = Recipe((packing, *steps))
    assume(len(compact(recipe)) <= LONGEST_COMPACT)
    suffix = suffix_of_steps(recipe.seal)
    of = replace(of, recipe_id=recipe.id, fixed_key=fixed, suffix=suffix, seal=compact(recipe))
    one = replace(record(of, recipe, fingerprint), changed_while_read=changed, sha256=content)
    told = parse_manifest(text_of(one, Checksums(size, tree_hash, b"", sha256)))
    sums = (ObjectSums(key(of), size, tree_hash, sha256, suffix=suffix),)
    assert told == Manifest(of, recipe, sums, (), fingerprint, 0, changed, content if recipe.is_plain else None)
    again = ArchiveRecord(told.label, key(of), told.recipe, fingerprint, changed_while_read=changed, sha256=told.sha256)
    assert manifest(again, told.objects) == manifest(one, sums)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"glacier-backup manifest 1"',
        '{"format": "other 1"}',
        '{"format": 1}',
        "[" * 100_000,
        '{"format": "glacier-backup manifest 1", "x": ' + "[" * 100_000,
        "1" * 10_000,
        " " * (LONGEST + 1),
        "\ud800",
    ],
    ids=range(12),
)
def test_what_is_no_manifest_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="it is no manifest"):
        parse_manifest(text)


@pytest.mark.parametrize("version", ["2", "1.1", "", "1 ", "x" * 1000])
def test_a_later_format_is_said_to_be_one(version: str) -> None:
    with pytest.raises(ValueError, match=r"of another version.*newer") as caught:
        parse_manifest(json.dumps(facts() | {"format": f"glacier-backup manifest {version}"}))
    assert len(str(caught.value)) < 200


def _volume(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found["volumes"][0].update(changes)  # type: ignore[index]  # facts of any type


def _fingerprint(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found["fingerprint"].update(changes)  # type: ignore[attr-defined]  # facts of any type


def _top(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found.update(changes)


def _recipe(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found["recipe"].update(changes)  # type: ignore[attr-defined]  # facts of any type


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (_top(path="relative"), "no key can be made"),
        (_top(path="/data/../etc"), "no key can be made"),
        (_top(path="/a\0b"), "path holds characters"),
        (_top(path="/a\ud800"), "path holds characters"),
        (_top(path="/\udcc3\udca9"), "path holds characters"),
        (_top(path=None), "path is no text"),
        (_top(path=["/a"]), "path is no text"),
        (_top(host="../.."), "no key can be made"),
        (_top(host=""), "no key can be made"),
        (_top(name="../x.tar"), "name is no file name"),
        (_top(name=".."), "name is no file name"),
        (_top(kind="device"), "kind is none of file, directory, link"),
        (_top(kind=["file"]), "kind is none of"),
        (_top(container="7z"), "container is none of"),
        (_top(container="zip"), "which doesn't make a zip of a"),
        (_top(container="raw"), "its recipe begins with 'tar'"),
        (_top(kind="group"), "/data/photos in a tar is no group of files"),
        (_top(kind="group", path="/a/~pack-0123456789ab~"), "is no group of files"),
        (_top(time="2026-03-21"), "time is no time such as"),
        (_top(time=5), "time is no time such as"),
        (_top(fixed_key="/etc/passwd"), "fixed_key is no path below"),
        (_top(fixed_key="../x"), "fixed_key is no path below"),
        (_top(mtime_ns=2**63), "mtime_ns is out of range"),
        (_top(mtime_ns=1.5), "mtime_ns is no whole number"),
        (_top(mtime_ns=True), "mtime_ns is no whole number"),
        (_top(mode="0999"), "mode is no mode"),
        (_top(mode="07777777"), "mode is no mode"),
        (_top(mode=493), "mode is no text"),
        (_top(volumes=[]), "volumes has 0 entries"),
        (_top(volumes=[{}]), "locator is no text"),
        (lambda found: found["volumes"].append(found["volumes"][0]), "volumes has 2 entries"),
        (_volume(volume=1), "isn't that of volume 1"),
        (_volume(suffix=".age"), "suffix '.age' isn't that of volume 0"),
        (_volume(suffix="/../x"), "isn't that of volume 0"),
        (_volume(hmac_sha256="x"), "hmac_sha256 is no SHA-256"),
        (_top(suffix=".age"), "suffix '.age' isn't that of its recipe"),
        (_top(alias="x"), "of the alias 'x'"),
        (_top(beside={}), "beside is no list"),
        (_top(volumes={}), "volumes is no list"),
        (_top(volumes=["x"]), "volumes is no list of objects"),
        (_volume(bytes=-1), "bytes is out of range"),
        (_volume(bytes="2048"), "bytes is no whole number"),
        (_volume(sha256_tree="AB" * 32), "sha256_tree is no SHA-256"),
        (_volume(sha256_tree="ab" * 31), "sha256_tree is no SHA-256"),
        (_volume(sha256_tree=None), "sha256_tree is no text"),
        (_volume(sha256="x"), "sha256 is no SHA-256"),
        (_volume(locator=7), "locator is no text"),
        (_top(unreadable=None), "unreadable is no list"),
        (_top(unreadable=3), "unreadable is no list"),
        (_top(changed_while_read="no"), "changed_while_read is neither"),
        (_top(fingerprint=[]), "fingerprint is no object"),
        (_fingerprint(digest="file 1"), "digest is no SHA-256"),
        (_fingerprint(digest=f"{'0f' * 32} changed changed"), "digest is no SHA-256"),
        (_fingerprint(digest="file 1 " + "9" * 5000), "digest is no SHA-256"),
        (_fingerprint(entries=-1), "entries is out of range"),
        (_fingerprint(mode="x"), "mode is no mode"),
        (_top(recipe=None), "recipe is no object"),
        (_recipe(version=2), "recipe is of another version"),
        (_recipe(version="1"), "version is no whole number"),
        (_recipe(steps=[]), "no steps"),
        (_recipe(steps=[{}]), "step is no text"),
        (_recipe(steps=[{"step": "../x"}]), "step is no file name"),
        (_recipe(steps=[{"step": "tar", "of": {"a": 1}}]), "of is no text"),
        (_recipe(steps=[{"step": "tar", "of": None}]), "of is no text"),
        (_recipe(steps=["tar"]), "steps is no list"),
        (_recipe(steps=[{"step": "tar"}] + [{"step": "par2"}] * 100), "more steps than any seal"),
    ],
)
def test_what_none_of_ours_says_is_refused_in_plain_words(
    tamper: Callable[[dict[str, object]], object], says: str
) -> None:
    found = facts()
    tamper(found)
    with pytest.raises(ValueError, match=says):
        parse_manifest(json.dumps(found))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data())
def test_whatever_is_put_in_it_is_read_or_refused(data: st.DataObject) -> None:
    found = facts()
    name = data.draw(st.sampled_from(sorted(found)))
    found[name] = data.draw(JSON)
    with suppress(ValueError):
        assert key(parse_manifest(json.dumps(found)).label)


def test_parameters_of_steps_are_scalars() -> None:
    values: dict[str, Scalar] = {"level": 3, "long": True, "to": "age1xyz"}
    recipe = Recipe((Step("tar"), Step("zstd", values)))
    assert parse_manifest(text_of(record(label(suffix=".zst"), recipe=recipe))).recipe == recipe


SEAL = Recipe((Step("tar"), Step("zstd", {"level": 3}), Step("split", {"volume_size": 2**20}), Step("age")))
SEALED = replace(label(), suffix=".zst.age", seal=compact(SEAL))
ENDS = [
    (".zst.v001.age", "data", 1),
    (".zst.v001.age.par2", "parity", 1),
    (".zst.v001.age.vol000+100.par2", "parity", 1),
    (".zst.v002.age", "data", 2),
    (".zst.age.recipe.json", "manifest", 2),
]
OBJECTS = [
    StoredVolume(
        number,
        f"key{suffix}",
        100 + number,
        f"{number:064x}",
        TIME,
        hmac_sha256="ef" * 32 if role == "data" else None,
        role=role,  # type: ignore[arg-type]  # one of three
        volume=volume,
        suffix=suffix,
    )
    for number, (suffix, role, volume) in enumerate(ENDS, 1)
]


def several(tamper: Callable[[dict[str, object]], object] = lambda found: None) -> str:
    found = json.loads(manifest(record(SEALED, SEAL), several_objects(OBJECTS)))
    tamper(found)
    return json.dumps(found)


def test_the_manifest_of_several_objects_lists_all_others() -> None:
    told = parse_manifest(several())

    assert told.is_several
    assert told.label == record(SEALED, SEAL).label
    assert [one.suffix for one in told.volumes] == [".zst.v001.age", ".zst.v002.age"]
    assert [one.suffix for one in told.beside] == [".zst.v001.age.par2", ".zst.v001.age.vol000+100.par2"]
    assert told.volumes[1] == ObjectSums("key.zst.v002.age", 104, f"{4:064x}", None, "ef" * 32, "data", 2, ENDS[3][0])


def test_an_alias_is_kept_for_whoever_opens_it() -> None:
    hidden = replace(record(SEALED, SEAL), label=replace(record(SEALED, SEAL).label, alias="a" * 26))
    assert parse_manifest(manifest(hidden, several_objects(OBJECTS))).label == hidden.label


def _second(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found["volumes"][1].update(changes)  # type: ignore[index]  # facts of any type


def _beside(**changes: object) -> Callable[[dict[str, object]], object]:
    return lambda found: found["beside"][0].update(changes)  # type: ignore[index]  # facts of any type


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda found: found["volumes"].pop(0), "aren't all volumes"),
        (lambda found: found["volumes"].clear(), "volumes has 0 entries"),
        (lambda found: found["volumes"].reverse(), "aren't all volumes"),
        (lambda found: found["recipe"]["steps"].pop(2), "aren't all volumes"),
        (_second(volume=3), "isn't that of volume 3"),
        (_second(volume=3, suffix=".zst.v003.age"), "aren't all volumes"),
        (_second(suffix=".zst.v002.gpg"), "isn't that of volume 2"),
        (_second(suffix=".zst.v002.age.par2"), "isn't that of volume 2"),
        (_second(locator="key.zst.v001.age"), "two of its objects have the same locator"),
        (_beside(role="data"), "isn't that of volume 1"),
        (_beside(role="manifest", volume=0, suffix=".zst.age.recipe.json"), "no parity of a volume"),
        (_beside(volume=9, suffix=".zst.v009.age.par2"), "no parity of a volume"),
        (_beside(suffix=".zst.v001.age.vol000+100.par2"), "the same suffix"),
        (_beside(role="key"), "role is none of"),
    ],
)
def test_objects_that_no_archive_of_ours_has_are_refused(
    tamper: Callable[[dict[str, object]], object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        parse_manifest(several(tamper))


def test_a_name_that_filters_have_changed_is_told_as_they_made_it() -> None:
    own = label(path="/data/private.jpeg", name="private.jpeg", container="raw", fixed_key="x/1.jpg")
    one = record(replace(own, told="/data/x/1.jpg"), Recipe((Step("raw"),)))
    text = text_of(one)
    assert "private" not in text
    read = parse_manifest(text).label
    assert (read.path, read.name, read.fixed_key, read.told) == ("/data/x/1.jpg", "1.jpg", "x/1.jpg", "")
