"""Files of whole trees in a bucket: those that keep versions, and what is told apart by time alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from glacier_backup.destination.s3 import S3
from glacier_backup.errors import DestinationError, DestinationUnavailable, VolumeMissing
from glacier_backup.model.archive import Checksums
from glacier_backup.model.naming import describe, version_key
from glacier_backup.model.thaw import Thaw, ThawRequest
from glacier_backup.model.upload import OpenUpload
from glacier_backup.units import MIB, now, rfc3339
from tests.contract.sending import LABEL, OTHER, nothing, resumed
from tests.destination.s3_buckets import IN_TREE, TREE_KEY, begin, complete, held, in_parts, s3_at
from tests.s3_servers.between import Answer, Asked, of
from tests.s3_servers.fixtures import PREFIX, Store
from tests.streams import noise

DATA = noise(2 * MIB + 5)
LATER = replace(IN_TREE, time=OTHER.time)
INVENTORY = Thaw(None, "", "ready")
MANIFESTS = [f"{TREE_KEY}~20260321T040000.12345{digit}Z.recipe.json" for digit in "67"]

Send = Callable[..., tuple[OpenUpload, Checksums]]
both_ways = pytest.mark.parametrize("send", [held, in_parts])


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _quick(quick_retries: None) -> None:
    return


@pytest.fixture
def s3(s3_store: Store, notes: list[str]) -> Iterator[S3]:
    with closing(s3_at(s3_store, storage_class="STANDARD", note=notes.append)) as made:
        yield made


@pytest.fixture
def later(s3_store: Store) -> Iterator[S3]:
    with closing(s3_at(s3_store)) as made:
        yield made


@pytest.fixture
def versioned(s3_store: Store) -> Store:
    s3_store.aws.put_bucket_versioning(Bucket=s3_store.bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3_store


def fetched(s3: S3, locator: str, size: int = 3 * MIB) -> bytes:
    thaw = s3.thaw(ThawRequest(locator), nothing)
    (thaw,) = s3.thawing([thaw], nothing)
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: s3.fetch(thaw, 0, buffer, nothing)])


def listed(s3: S3) -> list[str]:
    return sorted(one.locator for one in s3.inventory(INVENTORY, nothing))


def test_whether_versions_are_kept_is_asked_once(s3: S3, versioned: Store, notes: list[str]) -> None:
    assert [s3.keeps_versions(nothing) for _ in range(3)] == [True] * 3
    assert versioned.between.operations() == ["GetBucketVersioning"]
    assert notes == []


def test_no_versions_are_kept_where_they_were_only_once(s3: S3, versioned: Store) -> None:
    versioned.aws.put_bucket_versioning(Bucket=versioned.bucket, VersioningConfiguration={"Status": "Suspended"})

    assert not s3.keeps_versions(nothing)
    assert complete(s3, held(s3, b"x", IN_TREE)).locator == TREE_KEY


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (501, "NotImplemented"), (405, "MethodNotAllowed")]
)
def test_where_it_isn_t_said_no_versions_are_kept_and_that_is_told_once(
    s3: S3, s3_store: Store, notes: list[str], status: int, code: str
) -> None:
    s3_store.between.rules.append(of("GetBucketVersioning", Answer(status, code)))

    assert [s3.keeps_versions(nothing) for _ in range(2)] == [False] * 2
    assert s3_store.between.operations() == ["GetBucketVersioning"]
    assert len(notes) == 1
    assert "s3:GetBucketVersioning" in notes[0]


def test_a_store_that_is_down_is_asked_again(s3: S3, versioned: Store) -> None:
    versioned.between.rules.append(of("GetBucketVersioning", Answer(503)))
    with pytest.raises(DestinationUnavailable):
        s3.keeps_versions(nothing)
    versioned.between.rules.clear()

    assert s3.keeps_versions(nothing)


@both_ways
def test_each_version_is_found_by_its_own_locator(s3: S3, later: S3, versioned: Store, send: Send) -> None:
    first, second = (complete(s3, send(s3, data, label)) for data, label in ((DATA, IN_TREE), (b"second", LATER)))

    assert first.locator.startswith(f"{TREE_KEY}?versionId=")
    assert first.locator != second.locator
    assert fetched(later, first.locator) == DATA
    assert fetched(later, second.locator) == b"second"
    assert fetched(later, TREE_KEY) == b"second"
    assert listed(later) == sorted([first.locator, second.locator])
    assert [one.locator for one in later.inventory(INVENTORY, nothing, newest=True)] == [TREE_KEY]
    manifests = [key for key in versioned.listed() if key.endswith(".recipe.json")]
    assert manifests == ([] if send is held else MANIFESTS)


@both_ways
def test_the_locator_is_the_same_for_a_later_process(s3: S3, later: S3, versioned: Store, send: Send) -> None:
    upload, checksums = send(s3, DATA, IN_TREE)
    receipt = complete(s3, (upload, checksums))

    assert complete(later, (resumed(upload), checksums)).locator == receipt.locator


def test_it_is_the_version_that_is_thawed(versioned: Store) -> None:
    """Seen from what is asked for, as moto thaws the newest."""
    with closing(s3_at(versioned)) as cold:
        locator = complete(cold, held(cold, DATA, IN_TREE)).locator
        complete(cold, held(cold, DATA, LATER))
        asked: list[str] = []
        cold._requests._aws.client.meta.events.register(
            "provide-client-params.s3.RestoreObject",
            lambda params, **_: asked.append(params["VersionId"]),
        )
        thaw = cold.thaw(ThawRequest(locator), nothing)
    assert (thaw.locator, thaw.id, thaw.state) == (locator, locator, "thawing")
    assert [locator] == [f"{TREE_KEY}?versionId={one}" for one in asked]


def test_an_archive_with_a_time_has_no_version_in_its_locator(s3: S3, versioned: Store) -> None:
    assert "versionId" not in complete(s3, held(s3, DATA)).locator


@both_ways
def test_a_version_is_removed_with_its_own_manifest(s3: S3, versioned: Store, send: Send) -> None:
    first, second = (complete(s3, send(s3, data, label)) for data, label in ((DATA, IN_TREE), (b"second", LATER)))

    s3.delete(second.locator, nothing)
    s3.delete(second.locator, nothing)

    assert fetched(s3, first.locator) == fetched(s3, TREE_KEY) == DATA
    assert versioned.listed() == [TREE_KEY, *([] if send is held else MANIFESTS[:1])]
    with pytest.raises(VolumeMissing):
        s3.thaw(ThawRequest(second.locator), nothing)


def test_a_version_that_is_gone_or_never_was_is_missing(s3: S3, versioned: Store) -> None:
    receipt = complete(s3, held(s3, DATA, IN_TREE))
    versioned.aws.delete_object(Bucket=versioned.bucket, Key=TREE_KEY)
    versions = versioned.aws.list_object_versions(Bucket=versioned.bucket)
    mark = versions["DeleteMarkers"][0]["VersionId"]

    assert fetched(s3, receipt.locator) == DATA
    for locator in (TREE_KEY, f"{TREE_KEY}?versionId={mark}"):
        assert [thaw.state for thaw in s3.thawing([Thaw(locator, locator, "thawing")], nothing)] == ["failed"]


def test_a_store_that_removes_no_versions_has_not_removed_one(s3: S3, versioned: Store) -> None:
    locator = complete(s3, held(s3, DATA, IN_TREE)).locator
    versioned.between.rules.append(of("DeleteObject", Answer(405, "MethodNotAllowed")))

    with pytest.raises(DestinationError, match="MethodNotAllowed"):
        s3.delete(locator, nothing)


def test_what_may_not_be_done_with_versions_names_the_permission(s3: S3, versioned: Store) -> None:
    locator = complete(s3, held(s3, DATA, IN_TREE)).locator
    versioned.between.rules.append(of("DeleteObject", Answer(403, "AccessDenied")))
    versioned.between.rules.append(of("GetObject", Answer(403, "AccessDenied")))

    with pytest.raises(DestinationError, match="DeleteObject") as caught:
        s3.delete(locator, nothing)
    assert not isinstance(caught.value, DestinationUnavailable)
    assert "s3:DeleteObjectVersion" in (caught.value.hint or "")
    with pytest.raises(DestinationUnavailable) as refused:
        s3.fetch(Thaw(locator, locator, "ready"), 0, memoryview(bytearray(1)), nothing)
    assert "s3:GetObjectVersion" in (refused.value.hint or "")
    versioned.between.rules.append(of("HeadObject", Answer(403)))
    with pytest.raises(DestinationError) as hidden:
        s3.thaw(ThawRequest(locator), nothing)
    assert "s3:GetObjectVersion" in (hidden.value.hint or "")


def test_a_key_that_looks_like_a_version_is_a_key(s3: S3, versioned: Store, s3_store: Store) -> None:
    label = replace(IN_TREE, fixed_key="nas/a?versionId=1")
    receipt = complete(s3, held(s3, DATA, label))
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"{PREFIX}/b?versionId=", Body=b"theirs")

    assert fetched(s3, next(one for one in listed(s3) if "/b?versionId=?versionId=" in one)) == b"theirs"
    found = [one.locator for one in s3.inventory(INVENTORY, nothing, newest=True)]

    assert sorted(found) == [f"{PREFIX}/b?versionId=?versionId=", f"{PREFIX}/nas/a?versionId=1?versionId="]
    assert fetched(s3, receipt.locator) == fetched(s3, found[1]) == DATA
    assert fetched(s3, found[0]) == b"theirs"


def test_the_inventory_has_all_that_can_still_be_had_by_the_locators_that_it_was_stored_with(
    s3: S3, later: S3, versioned: Store
) -> None:
    """Versions, more than a page of them; what was there before any were kept; and of an archive only itself."""
    aws, bucket = versioned.aws, versioned.bucket
    aws.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    early = complete(s3, held(s3, b"early", replace(IN_TREE, fixed_key="nas/early"))).locator
    overwritten = complete(s3, held(s3, b"early", replace(IN_TREE, fixed_key="nas/overwritten"))).locator
    aws.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    receipts = [complete(s3, held(s3, b"%d" % number, replace(IN_TREE, fixed_key="nas/often"))) for number in range(20)]
    receipts += [complete(s3, held(s3, b"late", replace(IN_TREE, fixed_key="nas/overwritten")))]
    receipts += [complete(s3, in_parts(s3, DATA)), complete(s3, held(s3, b"gone", OTHER))]
    s3.delete(receipts[-1].locator, nothing)
    aws.put_object(Bucket=bucket, Key=receipts[-2].locator, Body=b"overwritten by somebody")
    aws.delete_object(Bucket=bucket, Key=TREE_KEY.replace("photos/a.jpg", "often"))

    # moto's pages are as long as one asks for
    requests = later._requests._aws.client.meta.events
    requests.register("provide-client-params.s3.ListObjectVersions", lambda params, **_: params.update(MaxKeys=7))

    assert listed(later) == sorted(
        [early, f"{overwritten}?versionId=null", *(receipt.locator for receipt in receipts[:-1])]
    )
    assert versioned.between.operations().count("ListObjectVersions") >= 3


def test_who_may_not_list_versions_is_told_which_permission_is_lacking(s3: S3, versioned: Store) -> None:
    versioned.between.rules.append(of("ListObjectVersions", Answer(403, "AccessDenied")))

    with pytest.raises(DestinationUnavailable) as caught:
        listed(s3)

    assert "s3:ListBucketVersions" in (caught.value.hint or "")


@both_ways
def test_a_version_is_examined_with_its_own_manifest(s3: S3, later: S3, versioned: Store, send: Send) -> None:
    for number, label in enumerate((IN_TREE, LATER)):
        upload, checksums = send(s3, DATA[number:], label)
        s3.complete(upload, checksums, f"manifest {number}", nothing)

    found = sorted(
        (later.examine(one, nothing) for one in later.inventory(INVENTORY, nothing)), key=lambda one: -one.size
    )

    assert [one.size for one in found] == [len(DATA), len(DATA) - 1]
    assert [one.manifest for one in found] == ([None, None] if send is held else ["manifest 0", "manifest 1"])
    assert [one.description for one in found] == [describe(IN_TREE), describe(LATER)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, "AccessDenied", "Access Denied because object protected by object lock."),
        Answer(400, "ObjectLocked", "Object is WORM protected and cannot be overwritten"),
    ],
)
def test_a_locked_version_is_said_to_be_locked(s3: S3, versioned: Store, answer: Answer) -> None:
    locator = complete(s3, held(s3, DATA, IN_TREE)).locator
    versioned.between.rules.append(of("DeleteObject", answer))

    with pytest.raises(DestinationError, match="Object Lock") as caught:
        s3.delete(locator, nothing)

    assert not isinstance(caught.value, DestinationUnavailable)
    assert "retention" in (caught.value.hint or "")
    assert fetched(s3, locator) == DATA


def test_a_catalog_copy_has_a_locator_that_needs_no_right_to_remove_versions(s3: S3, versioned: Store) -> None:
    label = replace(IN_TREE, fixed_key="nas/.catalog/20260321T040000.123456Z.sqlite3.gz", name="catalog", mtime_ns=None)
    receipt = complete(s3, held(s3, b"a copy", label))
    assert receipt.locator == f"{PREFIX}/{label.fixed_key}"
    assert listed(s3) == [receipt.locator]

    s3.delete(receipt.locator, nothing)

    assert listed(s3) == versioned.listed() == []


def test_a_manifest_is_never_another_files(s3: S3, s3_store: Store) -> None:
    """Not even of one that is called like it; and what is replaced or removed takes no other with it."""
    receipt = complete(s3, in_parts(s3, DATA, IN_TREE))
    twin = complete(s3, in_parts(s3, b"a file", replace(LATER, fixed_key=f"{IN_TREE.fixed_key}.recipe.json")))
    version = complete(
        s3, in_parts(s3, b"later", replace(LATER, fixed_key=version_key(IN_TREE.fixed_key or "", LATER.time)))
    )

    s3.delete(receipt.locator, nothing)

    assert s3_store.bytes(twin.locator) == b"a file"
    assert MANIFESTS[0] not in s3_store.listed()
    assert MANIFESTS[1] in s3_store.listed()
    found = [one.locator for one in s3.inventory(Thaw(None, "", "ready"), nothing)]
    assert sorted(found) == sorted([twin.locator, version.locator])
    s3.delete(version.locator, nothing)
    assert MANIFESTS[1] not in s3_store.listed()


def begun(store: Store, upload: str, seconds: float) -> Callable[[Asked], Answer | None]:
    """A list of one upload that was begun so long ago."""
    body = (
        f"<ListMultipartUploadsResult><Upload><Key>{TREE_KEY}</Key><UploadId>{upload}</UploadId>"
        f"<Initiated>{rfc3339(now() - timedelta(seconds=seconds))}</Initiated></Upload></ListMultipartUploadsResult>"
    )
    return of("ListMultipartUploads", Answer(200, body=body.encode()))


@pytest.mark.parametrize(("seconds", "left"), [(3600, 1), (60, 0)], ids=["before", "since"])
def test_only_uploads_of_a_file_that_were_begun_since_it_was_intended_are_taken_for_its_own(
    s3: S3, s3_store: Store, seconds: float, left: int
) -> None:
    upload = begin(s3, None, IN_TREE).id.split()[-1]
    s3_store.between.rules.append(begun(s3_store, upload, seconds))

    s3.abort(replace(IN_TREE, time=now()), None, nothing)

    assert s3_store.open_uploads() == left


def test_a_later_try_whose_twin_is_an_older_upload_leaves_that_alone(s3: S3, s3_store: Store) -> None:
    upload = begin(s3, None, IN_TREE).id.split()[-1]
    s3_store.between.rules.append(begun(s3_store, upload, 3600))
    s3_store.between.rules.append(of("CreateMultipartUpload", Answer(0, cut=True), 1))

    begin(s3, None, replace(IN_TREE, time=now()))

    assert s3_store.open_uploads() == 2


def test_a_bucket_that_was_emptied_is_gone_on_with_and_said(s3_store: Store) -> None:
    s3_store.aws.put_object(Bucket=s3_store.bucket, Key=f"{PREFIX}-other/x", Body=b"theirs")
    notes: list[str] = []

    def look(*, holds_archives: bool) -> list[str]:
        notes.clear()
        with closing(S3(s3_store.bucket, PREFIX, s3_store.access, 1, note=notes.append)) as s3:
            assert s3.identify(holds_archives=holds_archives) == s3.place
        return list(notes)

    assert look(holds_archives=False) == []
    (said,) = look(holds_archives=True)
    assert f"nothing is in {PREFIX}/, and the catalog knows of what was sent there: who has emptied it?" in said

    with closing(S3(s3_store.bucket, PREFIX, s3_store.access, 1)) as s3:
        upload = begin(s3, None, LABEL)
        assert look(holds_archives=True) == []
        s3.abort(LABEL, upload.id, nothing)
        complete(s3, held(s3, b"x"))
    assert look(holds_archives=True) == []


@pytest.mark.parametrize("operation", ["ListObjectsV2", "ListMultipartUploads"])
def test_who_may_not_look_into_a_bucket_is_not_told_that_it_is_empty(s3: S3, s3_store: Store, operation: str) -> None:
    s3_store.between.rules.append(of(operation, Answer(403, "AccessDenied")))

    assert s3.identify(holds_archives=True) == s3.place
