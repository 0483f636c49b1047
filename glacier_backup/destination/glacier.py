"""Amazon Glacier vaults.

Archives always go by multipart upload, even of one byte: CompleteMultipartUpload may be repeated and answers with
the same archive id, UploadArchive may not. Rules are those of the API reference (S3 Glacier developer guide,
"Multipart upload operations" and "Computing checksums"): parts of 1 MiB times a power of two up to 4 GiB, 10,000 at
most, each with its payload hash and its tree hash; the whole with the tree hash over all.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from glacier_backup.destination.aws import (
    Access,
    WrongChecksum,
    client_config,
    region_of,
    session,
    translated,
    verdict,
    way_in,
)
from glacier_backup.destination.destination import ByteStream, Limits, Progress
from glacier_backup.destination.multipart import Part, PartBody, send_parts
from glacier_backup.destination.retrying import Retrier
from glacier_backup.digest import PartDigest, digest_part, join_leaves, tree_hash
from glacier_backup.errors import DestinationError, DestinationUnavailable
from glacier_backup.model.archive import Label, Receipt
from glacier_backup.model.naming import describe
from glacier_backup.model.place import Place
from glacier_backup.units import GIB, MIB, now

if TYPE_CHECKING:
    from mypy_boto3_glacier.client import GlacierClient

OWN_ACCOUNT = "-"

LIMITS = Limits(least=1, part=16 * MIB, least_part=MIB, largest_part=4 * GIB, most_parts=10_000)


class Glacier:
    """One vault. The client is made on first use, so that a dry run needs neither credentials nor botocore."""

    limits = LIMITS

    def __init__(self, vault: str, account: str, access: Access, concurrency: int) -> None:
        self._vault = vault
        self._account = account
        self._access = access
        self._concurrency = concurrency
        self._patiently = Retrier(verdict, concurrency)

    @cached_property
    def place(self) -> Place:
        way = way_in(self._access) if self._account == OWN_ACCOUNT else ""
        return Place("glacier", self._vault, region_of(self._access) or "", self._account, reached_by=way)

    @cached_property
    def _client(self) -> GlacierClient:
        with translated(self._where):
            client = session(self._access).client(
                "glacier", endpoint_url=self._access.endpoint_url, config=client_config(self._concurrency)
            )
            client.meta.events.register_first("before-call.glacier.UploadMultipartPart", _hash_once)
            return client

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._concurrency, thread_name_prefix="part")

    @property
    def _where(self) -> str:
        return f"vault {self._vault}"

    def identify(self, *, holds_archives: bool) -> Place:
        with translated(self._where), self._vault_may_be_missing():
            answer = self._patiently(
                lambda: self._client.describe_vault(accountId=self._account, vaultName=self._vault), lambda: None
            )
        # arn:aws:glacier:REGION:ACCOUNT:vaults/NAME
        return self.place.with_account(answer["VaultARN"].split(":")[4])

    @contextmanager
    def _vault_may_be_missing(self) -> Iterator[None]:
        """For requests that name nothing but the vault: what they don't find is the vault."""
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise self._no_vault() from error

    def _no_vault(self) -> DestinationUnavailable:
        region = self.place.region
        return DestinationUnavailable(
            f"{self._where}: there is none of this name in {region}",
            hint=f"aws glacier create-vault --account-id {self._account} --region {region} --vault-name {self._vault}",
        )

    def describe(self, label: Label) -> str:
        return describe(label)

    def send(self, stream: ByteStream, label: Label, part_size: int, progress: Progress) -> Receipt:
        with translated(f"{self._where}: {label.name}"):
            with self._vault_may_be_missing():
                upload = self._initiate(label, part_size, progress)
            try:
                return self._send_parts(upload, stream, part_size, progress)
            except KeyboardInterrupt:
                # Whoever insists on stopping doesn't want to wait for one more answer.
                raise
            except BaseException:
                self._abort(upload)
                raise

    def _initiate(self, label: Label, part_size: int, progress: Progress) -> str:
        answer = self._patiently(
            lambda: self._client.initiate_multipart_upload(
                accountId=self._account,
                vaultName=self._vault,
                archiveDescription=self.describe(label),
                partSize=str(part_size),
            ),
            lambda: progress(0),
        )
        return answer["uploadId"]

    def _send_parts(self, upload: str, stream: ByteStream, part_size: int, progress: Progress) -> Receipt:
        def send(part: Part) -> tuple[int, PartDigest]:
            return len(part.data), self._send_part(upload, part)

        sent = send_parts(
            stream,
            part_size,
            self.limits.most_parts,
            send,
            pool=self._pool,
            workers=self._concurrency,
            progress=progress,
        )
        if not sent:
            raise DestinationError(f"{self._where} takes no empty archive")
        leaves = join_leaves(digest for _, digest in sent)
        return self._complete(upload, sum(size for size, _ in sent), leaves, progress)

    def _send_part(self, upload: str, part: Part) -> PartDigest:
        digest = digest_part(part.data)

        def put() -> None:
            body = PartBody(part, digest.sha256)
            try:
                answer = self._client.upload_multipart_part(
                    accountId=self._account,
                    vaultName=self._vault,
                    uploadId=upload,
                    range=f"bytes {part.start}-{part.start + len(part.data) - 1}/*",
                    checksum=digest.tree_hash,
                    body=body,  # type: ignore[arg-type]  # any seekable object serves
                )
                self._compare(answer.get("checksum"), digest.tree_hash, f"part {part.number}")
            except Exception:
                body.seek(0)
                raise

        with translated(self._where):
            self._patiently(put, lambda: part.sent(0))
        return digest

    def _complete(self, upload: str, size: int, leaves: bytes, progress: Progress) -> Receipt:
        whole = tree_hash(leaves)

        def complete() -> str:
            answer = self._client.complete_multipart_upload(
                accountId=self._account,
                vaultName=self._vault,
                uploadId=upload,
                archiveSize=str(size),
                checksum=whole,
            )
            self._compare(answer.get("checksum"), whole, f"archive {answer['archiveId']}")
            return answer["archiveId"]

        return Receipt(self._patiently(complete, lambda: progress(0)), size, whole, leaves, stored_at=now())

    def _compare(self, theirs: str | None, ours: str, what: str) -> None:
        if theirs != ours:
            raise WrongChecksum(
                f"{self._where} stored other bytes than were sent: tree hash of {what} is {theirs}, not {ours}"
            )

    def _abort(self, upload: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.abort_multipart_upload(accountId=self._account, vaultName=self._vault, uploadId=upload)
        except (BotoCoreError, ClientError):
            # What ended the upload is the news; an upload left open holds no archive and expires by itself.
            return

    def put_manifest(self, label: Label, receipt: Receipt, manifest: str) -> None:
        """A vault has no place for manifests: the description says what is needed to rebuild the catalog."""

    def close(self) -> None:
        if "_pool" in self.__dict__:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if "_client" in self.__dict__:
            self._client.close()


def _hash_once(params: dict[str, Any], **_: object) -> None:
    """Give the signer the payload hash that the part already has; botocore would read the part twice more."""
    if isinstance(params["body"], PartBody):
        params["headers"]["x-amz-content-sha256"] = params["body"].sha256
