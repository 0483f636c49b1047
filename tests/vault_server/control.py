"""The unsigned side door for tests: `GET /_control` tells of the traffic, `POST /_control` changes the server.

A POST carries a JSON object; each key is a method of `Control` (see its docstring for the value). Nothing of it is
part of the service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .context import Context
from .errors import ApiError, invalid, not_found
from .faults import Faults
from .request import Request, Response, error_response, json_response
from .routes import OPERATIONS
from .traffic import Traffic

CONTROL_PATH = "/_control"
ANYBODY = "*"


class Control:
    """The server's levers. What they set lives as long as the process; what they change on disk stays, and `faults`."""

    def __init__(self, context: Context, traffic: Traffic, faults: Faults) -> None:
        self._context = context
        self._traffic = traffic
        self._faults = faults
        self._denied: dict[str, list[str]] = {}
        self._expired: set[str] = set()
        self._levers: dict[str, Callable[[Any], None]] = {
            "create_vault": self.create_vault,
            "deny": self.deny,
            "clock_offset": self.clock_offset,
            "expire_keys": self.expire_keys,
            "expire_upload": self.expire_upload,
            "forget_completions": self.forget_completions,
            "faults": faults.set,
            "job_delay": self.job_delay,
            "finish_jobs": self.finish_jobs,
            "fail_jobs": self.fail_jobs,
            "expire_jobs": self.expire_jobs,
            "spoil_output": self.spoil_output,
            "take_inventory": self.take_inventory,
            "refuse_new_vaults": self.refuse_new_vaults,
        }

    def answer(self, request: Request) -> Response:
        """The traffic so far and the report of the faults, after pulling what levers a POST names.

        An unknown lever changes nothing and is a 400.
        """
        try:
            if request.method == "POST":
                wanted = json.loads(request.body.small())
                for name in wanted:
                    if name not in self._levers:
                        raise invalid(f"no such lever: {name}")
                for name, value in wanted.items():
                    self._levers[name](value)
        except ApiError as error:
            return error_response(error)
        return json_response(self._traffic.summary() | {"faults": self._faults.report()})

    def denies(self, key_id: str, operation: str) -> bool:
        """Whether that access key may not call that operation."""
        return any(operation in self._denied.get(who, ()) for who in (ANYBODY, key_id))

    def expired(self, key_id: str) -> bool:
        """Whether the time of that access key is over."""
        return key_id in self._expired

    def create_vault(self, name: str) -> None:
        """Make a vault of that name, without a request that would be counted."""
        self._context.vaults.create(name)

    def deny(self, operations: list[str] | dict[str, list[str]]) -> None:
        """Refuse these operations to everybody, or by access key id, until the next call; [] allows all again."""
        denied = operations if isinstance(operations, dict) else {ANYBODY: operations}
        unknown = {name for names in denied.values() for name in names} - OPERATIONS
        if unknown:
            raise invalid(f"no such operations: {', '.join(sorted(unknown))}")
        self._denied = denied

    def expire_keys(self, key_ids: list[str]) -> None:
        """Let the time of these access keys be over, until the next call; [] makes all good again."""
        self._expired = set(key_ids)

    def clock_offset(self, seconds: float) -> None:
        """Put the server's clock that far ahead of the machine's (behind, if negative).

        What is then over its time is gone for good: uploads idle for 24 hours, completed and aborted ones after 24.
        """
        self._context.clock.offset = seconds
        self._context.uploads.expire_idle()

    def expire_upload(self, upload: str) -> None:
        """Forget an upload id, open or completed, as the service does in time; 404 where it is not known."""
        if not self._context.uploads.expire(upload):
            raise not_found("upload", upload)

    def forget_completions(self, now: bool) -> None:
        """End the period in which completing can be repeated (true): for every upload completed so far it is a 404."""
        if now:
            self._context.uploads.forget_completions()

    def job_delay(self, seconds: float) -> None:
        """How long after its beginning a job begun from now on is ready."""
        self._context.jobs.delay = seconds

    def finish_jobs(self, now: bool) -> None:
        """Make all jobs ready now (true)."""
        if now:
            self._context.jobs.finish_all()

    def fail_jobs(self, count: int) -> None:
        """So many of the jobs that are begun from now on fail when their time is up."""
        self._context.jobs.failing = count

    def expire_jobs(self, now: bool) -> None:
        """Let the day be over that jobs which are done are kept (true)."""
        if now:
            self._context.jobs.expire_all()

    def spoil_output(self, where: dict[str, int] | None) -> None:
        """Of the outputs with that ``byte`` of an archive the next so many ``times`` have it wrong; None: no more."""
        self._context.jobs.spoilt = None if where is None else (where["byte"], where["times"])

    def take_inventory(self, vault: str) -> None:
        """Take the vault's inventory now, as the service does about once a day."""
        self._context.vaults.take_inventory(vault)

    def refuse_new_vaults(self, on: bool) -> None:
        """Make no vaults for this account, as Amazon makes none for new ones since 15 December 2025."""
        self._context.closed = on
