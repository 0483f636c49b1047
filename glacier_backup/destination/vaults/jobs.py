"""The retrieval jobs of one vault: archives and the inventory are made readable by them, and read from them.

A job takes hours, and its output is kept for a day. Beginning one costs money and can't be repeated, so what is under
way or done is looked up first. Rules are those of the API reference (S3 Glacier developer guide, "Initiate Job", "List
Jobs", "Describe Job" and "Get Job Output").
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from glacier_backup.destination.aws.errors import StrangeAnswer, demand, error_code, error_message
from glacier_backup.destination.destination import Check
from glacier_backup.destination.vaults.job import Job, begun, best, described, parameters
from glacier_backup.destination.vaults.requests import INVALID, NOT_FOUND, Marker, Page, VaultRequests
from glacier_backup.errors import DestinationError, DestinationUnavailable, NotThawed, VolumeMissing
from glacier_backup.model.thaw import ThawRequest
from glacier_backup.units import MIB

if TYPE_CHECKING:
    from mypy_boto3_glacier.client import GlacierClient
    from mypy_boto3_glacier.type_defs import (
        GetJobOutputOutputTypeDef,
        GlacierJobDescriptionResponseTypeDef,
        GlacierJobDescriptionTypeDef,
    )

LIST_LASTS = 60.0
"""Seconds that a list of jobs is believed: a thousand archives are asked for with one list."""

CHUNK = MIB
"""Bytes read between two looks whether reading still makes sense."""

ARCHIVE_ID = re.compile(r"[A-Za-z0-9_-]{138}")
"""What every archive id looks like; only used to understand why one was refused."""

_POLICY = "PolicyEnforcedException"
_NO_CAPACITY = "InsufficientCapacityException"


class VaultJobs:
    """The jobs of one vault. Safe to use from several threads; raises as the methods of Vault do."""

    def __init__(
        self,
        name: str,
        account: str,
        requests: VaultRequests,
        no_vault: Callable[[Exception], DestinationUnavailable],
    ) -> None:
        self._name = name
        self._account = account
        self._requests = requests
        self._no_vault = no_vault
        self._known: dict[str | None, list[Job]] = {}
        """By archive, those of the last list that may serve, and those begun since."""
        self._listed_at = float("-inf")
        self._ready: dict[str, Job] = {}
        """By id: what is ready stays so until it is gone."""
        self._listing = threading.Lock()
        self._asking = [threading.Lock() for _ in range(16)]
        """One for all archives of the same hash: two threads must not ask for the same one at once."""

    def __str__(self) -> str:
        return f"vault {self._name}"

    def begin(self, request: ThawRequest, check: Check) -> Job:
        """A job that makes readable what is asked for: one that does so already, or a new one.

        Raises VolumeMissing.
        """
        if request.locator is not None and not can_be_asked_for(request.locator):
            raise no_id(str(self), request.locator)
        with self._asking[hash(request.locator) % len(self._asking)]:
            return best(request, self._candidates(request.locator, check)) or self._begun(request, check)

    def states(self, ids: Sequence[str], check: Check) -> Iterator[Job | None]:
        """The jobs of these ids, in this order; None for one that isn't known any more."""
        wanted = set(ids)
        found = self._find(wanted, check) if len(wanted) > 1 else {}
        for one in ids:
            yield found.get(one) or self._described(one, check)

    def ready(self, id: str, check: Check) -> Job:
        """The job, whose output can be read. Raises NotThawed."""
        job = self._ready.get(id) or self._described(id, check)
        if job is None:
            raise self._over(id)
        if job.state == "thawing":
            raise NotThawed(f"{self}: it is still being made readable", hint="run again later")
        if job.state == "failed":
            raise NotThawed(f"{self} could not make it readable: {job.cause}", hint="ask for it again")
        return job

    def read(self, job: Job, offset: int, buffer: memoryview, check: Check) -> int:
        """Fill ``buffer`` with the output of a ready job from ``offset`` on; how many bytes there were.

        ``offset`` counts from the first byte of the output, not of the archive. What had come when a connection broke
        isn't asked for again. Raises NotThawed.
        """
        count = max(0, min(len(buffer), job.size - offset))
        done = 0

        def read(aws: GlacierClient) -> None:
            nonlocal done
            first = offset + done
            answer = aws.get_job_output(
                accountId=self._account, vaultName=self._name, jobId=job.id, range=f"bytes={first}-{offset + count - 1}"
            )
            with closing(answer["body"]):
                _expect_from(first, answer)
                for length in _chunks(answer, buffer[done:count]):
                    done += length
                    check()

        if count:
            self._requests.ask(read, check, {NOT_FOUND: lambda error: self._over(job.id)})
        return done

    def _candidates(self, archive: str | None, check: Check) -> list[Job]:
        with self._listing:
            if time.monotonic() - self._listed_at > LIST_LASTS:
                self._listed_at, self._known = time.monotonic(), self._by_archive(check)
            return list(self._known.get(archive, ()))

    def _by_archive(self, check: Check) -> dict[str | None, list[Job]]:
        known: dict[str | None, list[Job]] = {}
        for job in self._listed(check):
            if job.serves:
                known.setdefault(job.archive, []).append(job)
        return known

    def _begun(self, request: ThawRequest, check: Check) -> Job:
        tries = 0

        def initiate(aws: GlacierClient) -> Job:
            nonlocal tries
            tries += 1
            # A try whose answer got lost may have begun a job, and another one would be paid for, too.
            if tries > 1 and (found := best(request, self._listed_at_once(aws))):
                return found
            with self._no_use_in_waiting():
                answer = aws.initiate_job(
                    accountId=self._account, vaultName=self._name, jobParameters=parameters(request)
                )
            return begun(demand(answer.get("jobId"), "job id"), request)

        meanings = {
            NOT_FOUND: lambda error: self._nothing(request.locator, error),
            INVALID: lambda error: self._refused(request.locator, error),
            _POLICY: self._too_much,
        }
        job = self._requests.ask(initiate, check, meanings)
        with self._listing:
            self._known.setdefault(request.locator, []).append(job)
        return job

    def _find(self, wanted: set[str], check: Check) -> dict[str, Job]:
        found: dict[str, Job] = {}
        for job in self._listed(check):
            if job.id in wanted:
                found[job.id] = job
                if len(found) == len(wanted):
                    break
        return found

    def _listed(self, check: Check) -> Iterator[Job]:
        for jobs in self._requests.pages(self._page, check, {NOT_FOUND: self._no_vault}):
            yield from jobs

    def _listed_at_once(self, aws: GlacierClient) -> Iterator[Job]:
        """The same inside a request, which is repeated as a whole."""
        at: Marker = {}
        while True:
            jobs, marker = self._page(at, aws)
            yield from jobs
            if not marker:
                return
            at = {"marker": marker}

    def _page(self, marker: Marker, aws: GlacierClient) -> Page[Job]:
        answer = aws.list_jobs(accountId=self._account, vaultName=self._name, **marker)
        return [self._noted(one) for one in demand(answer.get("JobList"), "list of jobs")], answer.get("Marker")

    def _described(self, id: str, check: Check) -> Job | None:
        def describe(aws: GlacierClient) -> Job:
            return self._noted(aws.describe_job(accountId=self._account, vaultName=self._name, jobId=id))

        try:
            return self._requests.ask(describe, check, {NOT_FOUND: lambda error: self._over(id)}) if id else None
        except NotThawed:
            return None

    def _noted(self, description: GlacierJobDescriptionTypeDef | GlacierJobDescriptionResponseTypeDef) -> Job:
        job = described(description)
        if job.state == "ready":
            self._ready[job.id] = job
        return job

    @contextmanager
    def _no_use_in_waiting(self) -> Iterator[None]:
        """Its status says to try again, and there may be no capacity for hours."""
        try:
            yield
        except Exception as error:
            if error_code(error) != _NO_CAPACITY:
                raise
            raise DestinationError(
                f"{self}: Amazon has no capacity for expedited retrievals now",
                hint="take another tier, try again later, or buy provisioned capacity for the account",
            ) from error

    def _over(self, id: str) -> NotThawed:
        self._ready.pop(id, None)
        return NotThawed(f"{self}: what was made readable is not so any more", hint="ask for it again")

    def _nothing(self, archive: str | None, error: Exception) -> DestinationError:
        if archive is not None:
            return VolumeMissing(f"{self} has no archive {archive}")
        return DestinationError(
            f"{self} has no inventory yet: {error_message(error)}",
            hint="the first one is there about a day after the first upload: try again then",
        )

    def _refused(self, archive: str | None, error: Exception) -> DestinationError:
        if archive is not None and not ARCHIVE_ID.fullmatch(archive):
            return no_id(str(self), archive)
        return DestinationError(f"{self}: {error_message(error)} ({INVALID})")

    def _too_much(self, error: Exception) -> DestinationError:
        return DestinationError(
            f"{self}: the account's data retrieval policy allows no more now: {error_message(error)}",
            hint="ask for less at once, try again in some hours, or raise the limit:"
            " aws glacier get-data-retrieval-policy --account-id - shows it",
        )


def can_be_asked_for(archive: str) -> bool:
    """Whether a request can carry it."""
    return archive.isascii() and archive != ""


def no_id(vault: str, archive: str) -> VolumeMissing:
    """The error that says so."""
    return VolumeMissing(f"{vault} has no archive {archive!r}: that is no archive id")


def _expect_from(first: int, answer: GetJobOutputOutputTypeDef) -> None:
    """Raise StrangeAnswer unless the answer begins with that byte of the output."""
    said = answer.get("contentRange") or ""
    whole = first == 0 and answer["status"] == 200
    if not whole and (answer["status"] != 206 or not said.startswith(f"bytes {first}-")):
        raise StrangeAnswer(f"the answer has {said or 'everything'}, and was to begin with byte {first}")


def _chunks(answer: GetJobOutputOutputTypeDef, buffer: memoryview) -> Iterator[int]:
    """Fill ``buffer``; how many bytes came each time. Raises StrangeAnswer when there are fewer."""
    from urllib3.exceptions import HTTPError

    at = 0
    while at < len(buffer):
        try:
            length = answer["body"].readinto(buffer[at : at + CHUNK])  # type: ignore[arg-type]  # the stubs are wrong
        except HTTPError as error:  # what botocore lets through, as a broken TLS record
            raise StrangeAnswer(f"the answer broke off: {error}") from error
        if not length:
            raise StrangeAnswer(f"the answer broke off after {at} bytes of {len(buffer)}")
        at += length
        yield length
