"""InitiateJob, DescribeJob, ListJobs, GetJobOutput."""

from __future__ import annotations

from typing import Any

from . import inventory, job_request, paging, rules, treehash
from .context import Context
from .errors import invalid, not_found
from .job_view import describe
from .jobs import order
from .request import FileSlice, Request, Response, json_response
from .routes import Call

PAGE = 50
STATES = ("InProgress", "Succeeded", "Failed")


def initiate_job(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore InitiateJob, JobParameters, InitiateJobOutput."""
    context.vaults.require(call.vault)
    wanted = job_request.read(request.body.small())
    begin = _begin_archive if wanted["Type"] == job_request.ARCHIVE else _begin_inventory
    job = begin(context, call.vault, wanted)
    location = f"/{context.account}/vaults/{call.vault}/jobs/{job}"
    return Response(202, {"Location": location, "x-amz-job-id": job})


def _begin_archive(context: Context, vault: str, wanted: dict[str, Any]) -> str:
    archive, path = context.archives.require(vault, wanted["ArchiveId"])
    start, end = rules.retrieval_range(wanted.get("RetrievalByteRange"), archive["size"])
    document = {"wanted": wanted, "archive": archive, "start": start, "end": end}
    return context.jobs.begin_archive(vault, path, document)


def _begin_inventory(context: Context, vault: str, wanted: dict[str, Any]) -> str:
    taken = context.vaults.inventory(vault)
    if taken is None:
        # Developer guide "Downloading a Vault Inventory": the first one takes up to a day to be there.
        raise not_found("inventory", context.vaults.arn(vault))
    archives, marker = inventory.choose(taken["archives"], wanted.get("InventoryRetrievalParameters") or {})
    if wanted["Format"] == "CSV":
        content = inventory.as_csv(archives)
    else:
        content = inventory.as_json(context.vaults.arn(vault), taken["date"], archives)
    document = {"wanted": wanted, "marker": marker, "start": 0, "end": len(content) - 1}
    return context.jobs.begin_inventory(vault, content, document)


def describe_job(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore DescribeJob, GlacierJobDescription."""
    return json_response(describe(context, call.vault, context.jobs.require(call.vault, call.item)))


def list_jobs(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore ListJobs, ListJobsInput: by time of initiation, 50 a page, filtered on request."""
    parameters = request.parameters()
    state, completed = parameters.get("statuscode"), parameters.get("completed")
    if state not in (None, *STATES) or completed not in (None, "true", "false"):
        raise invalid(f"the job status code or state is not valid: {state or completed}")
    found, marker = paging.page(
        [
            job
            for job in context.jobs.all(call.vault)
            if state in (None, context.jobs.status(job))
            and completed in (None, "false" if context.jobs.status(job) == "InProgress" else "true")
        ],
        order,
        parameters,
        PAGE,
    )
    return json_response({"Marker": marker, "JobList": [describe(context, call.vault, job) for job in found]})


def get_job_output(context: Context, request: Request, call: Call) -> Response:
    """Source: botocore GetJobOutput; developer guide "Get Job Output": Range is relative to the job's own range."""
    job = context.jobs.require(call.vault, call.item)
    if not context.jobs.is_ready(job):
        # botocore GetJobOutput has this exception among its errors; which one fits here the references do not say.
        raise invalid(f"the job's output is not ready: {call.item}")
    size = job["end"] - job["start"] + 1
    asked = request.header("range")
    first, last = rules.download_range(asked, size) if asked else (0, size - 1)
    path, leaves = context.jobs.output(call.vault, call.item)
    headers = {"Accept-Ranges": "bytes"}
    if asked:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    if "archive" in job:
        headers |= _archive_headers(job, leaves, first, last)
    else:
        headers["Content-Type"] = "text/csv" if job["wanted"]["Format"] == "CSV" else "application/json"
    body = FileSlice(path, job["start"] + first, last - first + 1)
    wrong = context.jobs.spoil(job["start"] + first, job["start"] + last) if "archive" in job else None
    if wrong is not None:
        return Response(206 if asked else 200, headers, _spoilt(body, wrong - body.offset))
    return Response(206 if asked else 200, headers, body)


def _spoilt(body: FileSlice, at: int) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.offset)
        data = bytearray(file.read(body.size))
    data[at] ^= 1
    return bytes(data)


def _archive_headers(job: dict[str, Any], leaves: list[bytes], first: int, last: int) -> dict[str, str]:
    """The tree hash only where both ranges are tree-hash aligned (developer guide "Receiving Checksums ...")."""
    size, start = job["archive"]["size"], job["start"]
    headers = {"Content-Type": "application/octet-stream"}
    if job["archive"]["description"]:
        headers["x-amz-archive-description"] = job["archive"]["description"]
    of_job = treehash.aligned_hash(leaves, start, job["end"], size)
    of_download = treehash.aligned_hash(leaves, start + first, start + last, size)
    if of_job and of_download:
        headers["x-amz-sha256-tree-hash"] = of_download
    return headers
