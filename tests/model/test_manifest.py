"""The text beside an archive: read back as it was written, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import ArchiveRecord, Checksums, Label, ReadProblem
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.manifest import LONGEST, Manifest, manifest, parse_manifest
from glacier_backup.model.naming import key
from glacier_backup.model.recipe import Recipe, Scalar, Step
from glacier_backup.model.tree_digest import tree_fingerprint
from tests.model.labels import LABELS, from_disk, label

RECIPE = Recipe((Step("tar"),))
SEEN = Fingerprint("0f" * 32, 1234, 3, 1_600_000_000_123_456_789, 0o755)
SENT = Checksums(2048, "ab" * 32, b"", "cd" * 32)


def record(of: Label | None = None, recipe: Recipe = RECIPE, fingerprint: Fingerprint = SEEN) -> ArchiveRecord:
    of = replace(of or label(), recipe_id=recipe.id)
    return ArchiveRecord(of, key(of), recipe, fingerprint)


def facts() -> dict[str, object]:
    found: dict[str, object] = json.loads(manifest(record(), SENT))
    return found


def test_what_was_written_is_read_again() -> None:
    one = replace(record(), problems=(ReadProblem("/data/photos/x", "Permission denied"),), changed_while_read=True)
    assert parse_manifest(manifest(one, SENT)) == Manifest(
        label=one.label,
        recipe=RECIPE,
        locator=key(one.label),
        size=2048,
        tree_hash="ab" * 32,
        sha256="cd" * 32,
        fingerprint=SEEN,
        problems=1,
        changed_while_read=True,
    )


def test_a_manifest_of_before_there_were_fingerprints_in_it_is_read() -> None:
    old = {name: value for name, value in facts().items() if name not in ("fingerprint", "fixed_key")}
    told = parse_manifest(json.dumps(old))
    assert told.fingerprint is None
    assert told.label == record().label


def test_names_of_any_bytes_are_read_again() -> None:
    odd = label(from_disk(b"/\xff\xfe/\xc3/new\nline/\xf0\x9f\x98\x80"), name=from_disk(b"\xff \xf0\x9f\x98\x80.tar"))
    text = manifest(record(odd), SENT)
    assert text.isascii()
    assert parse_manifest(text).label == record(odd).label


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.booleans()
PARAMETERS = st.dictionaries(st.text("abcdefghij_", min_size=1), VALUES | st.integers(-(2**63), 2**63 - 1), max_size=4)
STEPS = st.lists(st.builds(Step, st.sampled_from(["zstd", "age", "split"]), PARAMETERS), max_size=3)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
COUNTS = st.integers(0, 2**63 - 1)
TIMES_NS = st.integers(-(2**63), 2**63 - 1)
MODES = st.none() | st.integers(0, 0o7777)
FINGERPRINTS = st.builds(Fingerprint, HASHES, COUNTS, COUNTS, TIMES_NS, MODES) | st.builds(
    tree_fingerprint, st.sampled_from(["file", "link"]), COUNTS, TIMES_NS, MODES
)
FIXED = st.none() | st.just("photos/a.jpg")


@settings(deadline=None)
@given(LABELS, FIXED, STEPS, FINGERPRINTS, COUNTS, HASHES, st.none() | HASHES, st.booleans())
def test_every_manifest_is_read_as_it_was_written(
    of: Label,
    fixed: str | None,
    steps: list[Step],
    fingerprint: Fingerprint,
    size: int,
    tree_hash: str,
    sha256: str | None,
    changed: bool,
) -> None:
    recipe = Recipe((Step("symlink" if of.kind == "link" else of.container), *steps))
    of = replace(of, recipe_id=recipe.id, fixed_key=fixed)
    one = replace(record(of, recipe, fingerprint), changed_while_read=changed)
    told = parse_manifest(manifest(one, Checksums(size, tree_hash, b"", sha256)))
    assert told == Manifest(of, recipe, key(of), size, tree_hash, sha256, fingerprint, 0, changed)
    assert manifest(one, Checksums(size, tree_hash, b"", sha256)) == manifest(
        ArchiveRecord(told.label, told.locator, told.recipe, fingerprint, changed_while_read=changed),
        Checksums(told.size, told.tree_hash, b"", told.sha256),
    )


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
        (_top(container="zip"), "container is none of"),
        (_top(container="raw"), "its recipe begins with 'tar'"),
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
        (_top(volumes=[{}, {}]), "volumes has 2 entries"),
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
    assert parse_manifest(manifest(record(recipe=recipe), SENT)).recipe == recipe
