"""One retrieval job of a vault, as a value: what is asked of the API, and what it says.

Rules are those of the API reference (S3 Glacier developer guide, "Initiate Job" and "Describe Job").
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from glacier_backup.destination.aws.errors import demand
from glacier_backup.model.thaw import ThawRequest, ThawState, Tier
from glacier_backup.units import now

if TYPE_CHECKING:
    from mypy_boto3_glacier.type_defs import (
        GlacierJobDescriptionResponseTypeDef,
        GlacierJobDescriptionTypeDef,
        JobParametersTypeDef,
    )

KEPT = timedelta(hours=24)
"""A job and its output stay at least that long after it is complete ("Describe Job")."""

_TIERS: dict[str, Tier] = {"Bulk": "bulk", "Standard": "standard", "Expedited": "expedited"}
_SPEED: tuple[Tier, ...] = ("bulk", "standard", "expedited")


class Job(NamedTuple):
    """One job, as far as it matters here."""

    id: str
    serves: bool
    """Whether another request may use it: retrievals of archives do, and those of a whole inventory in JSON."""
    archive: str | None
    """None for an inventory."""
    state: ThawState
    tier: Tier | None
    start: int = 0
    end: int | None = None
    """Behind the last byte of the archive that it retrieves; None: the archive's end."""
    size: int = 0
    """Bytes of output, of one that is ready."""
    until: datetime | None = None
    """Of one that is ready: it is kept as long as that at least."""
    cause: str | None = None
    """Why it failed."""

    def covers(self, request: ThawRequest) -> bool:
        """Whether it makes readable what is asked for, as soon as is asked for."""
        if not (self.serves and self.archive == request.locator and request.is_covered_by(self.start, self.end)):
            return False
        if self.state == "ready":
            return self.until is None or self.until > now()
        soon = self.tier is None or _SPEED.index(self.tier) >= _SPEED.index(request.tier)
        return self.state == "thawing" and soon


def best(request: ThawRequest, jobs: Iterable[Job]) -> Job | None:
    """The job that makes readable what is asked for, first one that has done so already and stays longest; if any."""
    beginning = datetime.min.replace(tzinfo=UTC)
    covering = (job for job in jobs if job.covers(request))
    return max(covering, key=lambda job: (job.state == "ready", job.until or beginning), default=None)


def parameters(request: ThawRequest) -> JobParametersTypeDef:
    """What InitiateJob is given for a request."""
    if request.locator is None:
        return {"Type": "inventory-retrieval", "Format": "JSON"}
    asked: JobParametersTypeDef = {
        "Type": "archive-retrieval",
        "ArchiveId": request.locator,
        "Tier": request.tier.capitalize(),
    }
    start, end = span(request)
    if end is not None:
        asked["RetrievalByteRange"] = f"{start}-{end - 1}"
    return asked


def span(request: ThawRequest) -> tuple[int, int | None]:
    """The bytes that a job for it retrieves. "From here to the end" can't be said to a vault: it has to be all then."""
    return (0, None) if request.end is None else (request.start, request.end)


def begun(id: str, request: ThawRequest) -> Job:
    """The job that was begun for a request just now."""
    tier = None if request.locator is None else request.tier
    return Job(id, True, request.locator, "thawing", tier, *span(request))


def described(job: GlacierJobDescriptionTypeDef | GlacierJobDescriptionResponseTypeDef) -> Job:
    """A job as the API describes it."""
    state = _STATES[job["StatusCode"]] if job.get("StatusCode") in _STATES else "thawing"
    found = Job(
        id=demand(job.get("JobId"), "job id"),
        serves=False,
        archive=job.get("ArchiveId"),
        state=state,
        tier=_TIERS.get(job.get("Tier") or ""),
        until=_kept_until(job.get("CompletionDate")) if state == "ready" else None,
        cause=(job.get("StatusMessage") or "no cause is told") if state == "failed" else None,
    )
    match job.get("Action"):
        case "ArchiveRetrieval":
            start, end, whole = _retrieved(job)
            return found._replace(serves=True, start=start, end=None if end == whole else end, size=end - start)
        case "InventoryRetrieval":
            return found._replace(serves=_is_all(job), size=job.get("InventorySizeInBytes") or 0)
        case _:
            return found


_STATES: dict[str, ThawState] = {"Succeeded": "ready", "Failed": "failed", "InProgress": "thawing"}


def _retrieved(job: GlacierJobDescriptionTypeDef | GlacierJobDescriptionResponseTypeDef) -> tuple[int, int, int]:
    """First byte, the one behind the last, and the archive's size."""
    whole = job.get("ArchiveSizeInBytes") or 0
    first, _, last = (job.get("RetrievalByteRange") or f"0-{whole - 1}").partition("-")
    return int(first), int(last) + 1, whole


def _is_all(job: GlacierJobDescriptionTypeDef | GlacierJobDescriptionResponseTypeDef) -> bool:
    """Whether the inventory is the whole of it, in JSON."""
    asked = job.get("InventoryRetrievalParameters")
    if not asked:
        return False
    narrowed = any((asked.get("StartDate"), asked.get("EndDate"), asked.get("Limit"), asked.get("Marker")))
    return asked.get("Format") == "JSON" and not narrowed


def _kept_until(completed: str | None) -> datetime | None:
    if not completed:
        return None
    moment = datetime.fromisoformat(completed)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + KEPT
