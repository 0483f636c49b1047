"""Archives of datasets: what names, descriptions and manifests tell of the snapshots that their streams go between."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.model.archive import ArchiveRecord, Checksums, Label
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import check_dataset, dataset_step, span_text, span_told
from glacier_backup.model.description import ShortenedLabel, describe, parse_description
from glacier_backup.model.increment import Link, link_of
from glacier_backup.model.key_reading import label_of_key
from glacier_backup.model.manifest import manifest, one_object, parse_manifest
from glacier_backup.model.naming import key
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.snapshot import Span, digest_of, guid_of, span_of, stream_step
from tests.model.labels import DATASET_PATHS, SPANS, TIME, dataset

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GUID = "81c2" * 4
LINK = Link(2, TIME - timedelta(days=14), TIME - timedelta(days=7))
SPAN = Span("offsite-20260321", GUID, "offsite-20260314")
INCREMENT = dataset("zfs:tank/photos", SPAN, 2, link=str(LINK))
SEEN = Fingerprint(digest_of(GUID), 2048, 1, 1_600_000_000_000_000_000)
SENT = Checksums(2048, "ab" * 32, b"", "cd" * 32)


def facts(of: Label = INCREMENT) -> dict[str, object]:
    recipe = Recipe((dataset_step(of),))
    record = ArchiveRecord(replace(of, recipe_id=recipe.id), key(of), recipe, SEEN)
    found: dict[str, object] = json.loads(manifest(record, one_object(record, SENT)))
    return found


def test_it_is_described_like_this() -> None:
    assert describe(INCREMENT) == (
        "photos.zfs gb1;p=zfs:tank/photos;h=nas;t=20260321T040000.123456Z;k=s;f=zfs;r=1a2b3c4d5e6f"
        ";c=2-20260307T040000.123456Z-20260314T040000.123456Z"
        f";z={GUID}/offsite-20260321/offsite-20260314"
    )
    assert parse_description(describe(INCREMENT)) == INCREMENT


def test_snapshots_with_long_names_of_blanks_leave_a_description() -> None:
    long = dataset("zfs:t", Span("a" + " " * 250, GUID), host="h" * 255)
    assert len(describe(long)) <= 1024
    assert parse_description(describe(long)) == replace(long, span="")


def test_a_path_that_no_dataset_has_is_shortened_like_any() -> None:
    long = dataset("zfs:" + "ä" * 400, SPAN, 2)
    told = parse_description(describe(long))
    assert isinstance(told, ShortenedLabel)
    assert told.is_of(long.path)
    assert (told.beginning.path[:5], told.beginning.kind, told.beginning.span) == ("zfs:ä", "dataset", long.span)


@pytest.mark.parametrize(
    "fields",
    [
        "p=/a/x;k=s;f=zfs;c=0;z=/a/",
        "p=zfs:a;k=d;f=zfs;c=0;z=/a/",
        "p=zfs:a;k=s;f=tar;c=0;z=/a/",
        "p=zfs:a;k=d;f=tar;c=0",
        "p=zfs:a;k=f;f=raw",
        "p=/a;k=d;f=tar;z=/a/",
        "p=zfs:a;k=s;f=zfs;z=/a/",
        "p=zfs:a;k=s;f=zfs;c=0;z=a",
        "p=zfs:a;k=s;f=zfs;c=0;z=/a/b",
        "p=zfs:a;k=s;f=zfs;c=1;z=/a/",
        "p=zfs:a;k=s;f=zfs;c=0;z=/-a/",
        "p=zfs:a;k=s;f=zfs;c=0;z=xyz/a/",
    ],
)
def test_a_description_that_no_dataset_has_is_none_of_ours(fields: str) -> None:
    assert parse_description(f"x gb1;h=nas;t=20260321T040000.123456Z;r=0f;{fields}") is None


def test_its_step_is_told_again() -> None:
    for raw in (False, True):
        for span, link in ((SPAN, LINK), (Span("raw"), Link(0)), (Span("raw", GUID, "raw"), LINK)):
            recipe = Recipe((stream_step("zfs", span, link, raw=raw),))
            told = replace(dataset("zfs:tank"), link=str(link), span=span_text(recipe))
            assert parse_description(describe(told)) == told
            assert (span_told(told), dataset_step(told)) == (span, recipe.steps[0])
    assert span_text(Recipe((Step("tar"),))) == ""


def test_a_key_alone_tells_its_place_in_the_chain_and_no_snapshots() -> None:
    for number in (0, 3):
        told = label_of_key(key(dataset("zfs:tank/photos", number=number)), NOW)
        assert told is not None
        assert (told.link, told.span, span_told(told)) == (str(number), "", None)
        check_dataset(told)
        recipe = Recipe((dataset_step(told),))
        assert link_of(recipe) == Link(number)
        with pytest.raises(ValueError, match=r"no (?:span|place)"):
            span_of(recipe)


@settings(deadline=None)
@given(DATASET_PATHS, SPANS, st.integers(0, 99_999))
def test_what_is_described_has_the_recipe_that_it_had(path: str, span: Span, number: int) -> None:
    of = dataset(path, span, number)
    told = parse_description(describe(of))
    if not isinstance(told, ShortenedLabel):
        assert isinstance(told, Label)
        assert dataset_step(told) == dataset_step(of)


def test_its_manifest_is_read_as_it_was_written() -> None:
    told = parse_manifest(json.dumps(facts()))
    assert told.label == replace(INCREMENT, recipe_id=told.recipe.id)
    assert (told.recipe.steps, told.fingerprint) == ((dataset_step(INCREMENT),), SEEN)


def step(**changes: object) -> dict[str, object]:
    """The recipe with these parameters, and without those that are None."""
    found = dataset_step(INCREMENT)
    parameters = {"step": found.name, **found.parameters, **changes}
    return {"recipe": {"version": 1, "steps": [{name: one for name, one in parameters.items() if one is not None}]}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"path": "/tank/photos"}, "no key can be made"),
        ({"path": "zfs:tank/../photos"}, "no key can be made"),
        ({"kind": "directory"}, "no key can be made"),
        ({"container": "tar"}, "doesn't make a tar"),
        ({"kind": "directory", "container": "tar", "path": "/tank"}, "doesn't make a tar"),
        (step(increment=None), "no place in a chain"),
        (step(increment=0, full=None, previous=None), "no place in a chain"),
        (step(to=None), "no span"),
        (step(to="../x"), "no span"),
        (step(to=7), "tells no snapshots"),
        (step(guid="x"), "no span"),
        (step(**{"from": None}), "no place in a chain"),
        (step(previous=None), "no place in a chain"),
        ({"fingerprint": facts()["fingerprint"] | {"digest": "snapshot xyz"}}, "digest is no SHA-256"),  # type: ignore[operator]  # facts of any type
    ],
)
def test_a_manifest_that_no_dataset_has_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_manifest(json.dumps(facts() | changes))


def test_the_digest_of_a_snapshot_tells_its_guid() -> None:
    assert guid_of(digest_of(GUID)) == GUID
    assert [guid_of(one) for one in ("", "snapshot ", f"snapshot {GUID} changed", "0f" * 32)] == ["", "", "", ""]
