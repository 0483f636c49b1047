"""One vault: what can be asked of it, in plain values, and what its refusals mean.

Rules are those of the API reference (S3 Glacier developer guide, "Multipart upload operations" and "Error responses").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.aws.access import Access, region_of
from glacier_backup.destination.aws.errors import WrongChecksum, demand, error_code, error_message
from glacier_backup.destination.destination import Check
from glacier_backup.destination.multipart import Part, PartBody
from glacier_backup.destination.remarks import Waiting
from glacier_backup.destination.vaults.jobs import ARCHIVE_ID, VaultJobs, can_be_asked_for, no_id
from glacier_backup.destination.vaults.requests import DENIED, INVALID, NOT_FOUND, Marker, Page, VaultRequests
from glacier_backup.digest import PartDigest
from glacier_backup.errors import DestinationError, DestinationUnavailable, UploadForgotten, UploadLost, VolumeMissing

if TYPE_CHECKING:
    from mypy_boto3_glacier.client import GlacierClient
    from mypy_boto3_glacier.type_defs import PartListElementTypeDef


class StoredPart(NamedTuple):
    """One part of an upload that is in the vault."""

    start: int
    end: int
    """The last byte, inclusive."""
    tree_hash: str


class Initiated(NamedTuple):
    """An upload that was begun."""

    id: str
    tries: int
    """Requests made for it; after more than one there may be another upload, whose id was never heard."""


class Vault:
    """One vault. Safe to use from several threads; ``check`` is asked while waiting, and what it raises ends it.

    Every method raises DestinationUnavailable when the vault can't be reached or refuses everything, DestinationError
    when it refuses this.
    """

    def __init__(self, name: str, account: str, access: Access, most: int, waiting: Waiting | None = None) -> None:
        """``most`` requests are under way at once."""
        self.name = name
        self.account = account
        self._access = access
        self._requests = VaultRequests(str(self), access, most, waiting)
        self.jobs = VaultJobs(name, account, self._requests, self._no_vault)

    def __str__(self) -> str:
        return f"vault {self.name}"

    def owner(self) -> str:
        """The number of the vault's account."""

        def describe(aws: GlacierClient) -> str:
            answer = aws.describe_vault(accountId=self.account, vaultName=self.name)
            # arn:aws:glacier:REGION:ACCOUNT:vaults/NAME
            return demand(answer.get("VaultARN"), "VaultARN").split(":")[4]

        return self._requests.ask(describe, lambda: None, {NOT_FOUND: self._no_vault})

    def begin(self, description: str, part_size: int, check: Check) -> Initiated:
        """Begin an upload in parts of ``part_size`` bytes."""
        tries = 0

        def initiate(aws: GlacierClient) -> str:
            nonlocal tries
            tries += 1
            answer = aws.initiate_multipart_upload(
                accountId=self.account, vaultName=self.name, archiveDescription=description, partSize=str(part_size)
            )
            return demand(answer.get("uploadId"), "upload id")

        return Initiated(self._requests.ask(initiate, check, {NOT_FOUND: self._no_vault}), tries)

    def put(self, upload: str, part: Part, digest: PartDigest) -> None:
        """Store one part. Raises UploadLost."""

        def put(aws: GlacierClient) -> None:
            body = PartBody(part, digest.sha256)
            try:
                with self._damage_on_the_way():
                    answer = aws.upload_multipart_part(
                        accountId=self.account,
                        vaultName=self.name,
                        uploadId=upload,
                        range=f"bytes {part.start}-{part.start + len(part.data) - 1}/*",
                        checksum=digest.tree_hash,
                        body=body,  # type: ignore[arg-type]  # any seekable object serves
                    )
                self._compare(answer.get("checksum"), digest.tree_hash, f"part {part.number}")
            except Exception:
                body.seek(0)
                raise

        self._requests.ask(put, lambda: part.sent(0), {NOT_FOUND: self._lost})

    def parts(self, upload: str, part_size: int, check: Check) -> Iterator[StoredPart]:
        """The parts of an upload that are stored, 10,000 at most, in order.

        Raises UploadLost, also where the upload has another part size, or where its parts may not be listed.
        """

        def page(marker: Marker, aws: GlacierClient) -> Page[StoredPart]:
            answer = aws.list_parts(accountId=self.account, vaultName=self.name, uploadId=upload, **marker)
            listed = demand(answer.get("Parts"), "list of parts")
            if answer["PartSizeInBytes"] != part_size:
                raise UploadLost(f"{self}: the upload has parts of {answer['PartSizeInBytes']} bytes, not {part_size}")
            return [_stored(part) for part in listed], answer.get("Marker")

        for parts in self._requests.pages(page, check, {NOT_FOUND: self._lost, DENIED: self._hidden}):
            yield from parts

    def complete(self, upload: str, size: int, tree_hash: str, *, maybe_before: bool, check: Check) -> str:
        """Make an archive of all parts; its id. ``maybe_before``: whether that may have been asked for earlier.

        Raises UploadLost, also where the upload has other parts than these; UploadForgotten where the archive may be
        there.
        """
        tries = 0

        def complete(aws: GlacierClient) -> str:
            nonlocal tries
            tries += 1
            answer = aws.complete_multipart_upload(
                accountId=self.account,
                vaultName=self.name,
                uploadId=upload,
                archiveSize=str(size),
                checksum=tree_hash,
            )
            archive = demand(answer.get("archiveId"), "archive id")
            self._compare(answer.get("checksum"), tree_hash, f"archive {archive}")
            return archive

        def gone(error: Exception) -> UploadLost:
            if maybe_before or tries > 1:
                return UploadForgotten(f"{self}: the upload is over, and may have become an archive")
            return self._lost(error)

        def other_parts(error: Exception) -> UploadLost:
            return UploadLost(f"{self}: the upload can't become the archive: {error_message(error)}")

        return self._requests.ask(complete, check, {NOT_FOUND: gone, INVALID: other_parts})

    def abort(self, upload: str, check: Check) -> None:
        """Remove an upload with its parts; one that isn't there is as good."""

        def abort(aws: GlacierClient) -> None:
            aws.abort_multipart_upload(accountId=self.account, vaultName=self.name, uploadId=upload)

        with suppress(UploadLost):
            self._requests.ask(abort, check, {NOT_FOUND: self._lost, DENIED: self._may_not})

    def uploads(self, description: str, check: Check) -> set[str]:
        """The ids of the open uploads with exactly this description."""
        found, pages = self._listed(description, check)
        # There is no order: between two requests one may move to a page that was read already.
        return found if found or pages == 1 else self._listed(description, check)[0]

    def _listed(self, description: str, check: Check) -> tuple[set[str], int]:
        def page(marker: Marker, aws: GlacierClient) -> Page[str]:
            answer = aws.list_multipart_uploads(accountId=self.account, vaultName=self.name, **marker)
            listed = demand(answer.get("UploadsList"), "list of uploads")
            ids = [one["MultipartUploadId"] for one in listed if one.get("ArchiveDescription") == description]
            return ids, answer.get("Marker")

        pages = list(self._requests.pages(page, check, {NOT_FOUND: self._no_vault, DENIED: self._may_not}))
        return {upload for ids in pages for upload in ids}, len(pages)

    def delete(self, archive: str, check: Check) -> None:
        """Remove an archive; one that isn't there is as good."""

        def delete(aws: GlacierClient) -> None:
            aws.delete_archive(accountId=self.account, vaultName=self.name, archiveId=archive)

        def none(error: Exception) -> VolumeMissing:
            # Or there is no such vault, which is another matter: that raises.
            self.owner()
            return VolumeMissing(f"{self}: {error_message(error)}")

        def refused(error: Exception) -> DestinationError:
            if ARCHIVE_ID.fullmatch(archive):
                return DestinationError(f"{self}: {error_message(error)} ({INVALID})")
            return no_id(str(self), archive)

        if can_be_asked_for(archive):
            with suppress(VolumeMissing):
                self._requests.ask(delete, check, {NOT_FOUND: none, INVALID: refused, DENIED: self._kept})

    def close(self) -> None:
        """Let go of the connections."""
        self._requests.close()

    @contextmanager
    def _damage_on_the_way(self) -> Iterator[None]:
        """What the service received doesn't hash to what was sent (API reference, Upload Part): to be sent again."""
        try:
            yield
        except Exception as error:
            message = error_message(error)
            if error_code(error) == INVALID and any(word in message.lower() for word in ("checksum", "hash", "sha256")):
                raise WrongChecksum(f"{self} received other bytes than were sent: {message}") from error
            raise

    def _compare(self, theirs: str | None, ours: str, what: str) -> None:
        if theirs != ours:
            raise WrongChecksum(
                f"{self} stored other bytes than were sent: tree hash of {what} is {theirs}, not {ours}"
            )

    def _no_vault(self, error: Exception) -> DestinationUnavailable:
        region = region_of(self._access)
        return DestinationUnavailable(
            f"{self}: there is none of this name in {region}",
            hint=f"aws glacier create-vault --account-id {self.account} --region {region} --vault-name {self.name}",
        )

    def _lost(self, error: Exception) -> UploadLost:
        return UploadLost(f"{self}: the upload is not known any more: {error_message(error)}")

    def _hidden(self, error: Exception) -> UploadLost:
        return UploadLost(
            f"{self}: which parts are stored can't be seen: {error_message(error)}",
            hint="with glacier:ListParts they would not be sent again; see the least policy in docs/vault.md",
        )

    def _kept(self, error: Exception) -> DestinationError:
        return DestinationError(
            f"{self}: {error_message(error)} ({DENIED})",
            hint="the credentials lack glacier:DeleteArchive, or the vault's lock policy or a legal hold keeps what it "
            "has, perhaps until it is older: aws glacier get-vault-lock shows it; see docs/vault.md",
        )

    def _may_not(self, error: Exception) -> DestinationError:
        return DestinationError(
            f"{self}: {error_message(error)} ({DENIED})",
            hint="the credentials lack the permission; see the least policy in docs/vault.md",
        )


def _stored(part: PartListElementTypeDef) -> StoredPart:
    start, _, end = part["RangeInBytes"].partition("-")
    return StoredPart(int(start), int(end), part["SHA256TreeHash"])
