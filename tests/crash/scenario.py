"""What a seed decides: faults, stops, and what happens between two runs. Pure."""

from __future__ import annotations

import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from glacier_backup.units import MIB

Gap = Literal["nothing", "expire", "forget", "day", "regrid", "change"]
"""Between two runs: an open upload's id expires; the vault forgets what was completed; a day passes (both); in the INI
file ``part_size`` changes; a source does."""

PART_SIZES = (MIB, 2 * MIB, 4 * MIB)
CONCURRENCY = 3
MOST_STOPS = 9
TIMES = {
    **dict.fromkeys(("UploadMultipartPart", "PutObject"), 12),
    **dict.fromkeys(("open", "close", "fsync", "mkdir", "posix-rename"), 12),
    **dict.fromkeys(("UploadPart", "HeadObject"), 5),
    "CreateMultipartUpload": 2,
}
"""How often a run asks for an operation, where that isn't about thrice."""
SILENCE = 30.0
IMPATIENCE = 1.5
"""Seconds: a server's silence, and the program's read time-out where there are such."""

_ALL_KINDS = (
    "status",
    "throttle",
    "slow_body",
    "reset_body",
    "reset_before_answer",
    "stall",
    "lost_answer",
    "reset_answer",
    "wrong_checksum",
)
_RESETS = ("reset_body", "reset_before_answer", "lost_answer", "reset_answer")
_PACE = {"seconds": 0.2, "bytes_per_second": float(8 * MIB)}


@dataclass(frozen=True)
class Variant:
    """A family of trials."""

    name: str
    rate: float = 0.0
    """How many requests in one meet a fault."""
    faults: Mapping[str, Any] = field(default_factory=dict)
    """More of the plan, see tests.vault_server.fault_reading."""
    gaps: tuple[Gap, ...] = ("nothing",)
    """What may happen between two runs, one as likely as another."""
    at: tuple[str, ...] = ()
    """Operations around whose requests it is stopped; without, at any time and around all."""
    terms: float = 0.0
    """How many of the stops are SIGTERM, in one."""
    real: bool = False
    """Whether the program is a new interpreter each time, with all its waits."""
    read_timeout: float | None = None


OPERATIONS = (
    "DescribeVault",
    "InitiateMultipartUpload",
    "UploadMultipartPart",
    "CompleteMultipartUpload",
    "ListParts",
    "ListMultipartUploads",
    "AbortMultipartUpload",
)

VARIANTS = (
    Variant("kills alone"),
    Variant("resets", 0.12, {"kinds": _RESETS}),
    Variant("statuses", 0.2, {"kinds": ("status", "throttle")}),
    Variant("changing sources", 0.03, {"kinds": _ALL_KINDS, **_PACE}, gaps=("change", "change", "nothing")),
    Variant("forgotten completions", gaps=("forget", "forget", "nothing"), at=("CompleteMultipartUpload",)),
    Variant("expired ids", 0.05, {"kinds": ("expire_upload", *_RESETS), "at_most": 6}, gaps=("expire", "nothing")),
    Variant("other part sizes", 0.05, {"kinds": _RESETS}, gaps=("regrid",)),
    Variant("sigterm", 0.05, {"kinds": _ALL_KINDS, **_PACE}, terms=0.6),
    Variant("slow and silent", 0.1, {"kinds": ("slow_body", "reset_before_answer", "stall"), **_PACE}),
    Variant("wrong checksums", 0.15, {"kinds": ("wrong_checksum", "lost_answer")}),
    Variant("around an answer", at=("InitiateMultipartUpload", "CompleteMultipartUpload")),
    Variant(
        "everything",
        0.08,
        {"kinds": (*_ALL_KINDS, "expire_upload"), "at_most": 25, **_PACE},
        gaps=("nothing", "nothing", *get_args(Gap)),
        terms=0.2,
    ),
    Variant("a real interpreter", real=True),
    Variant(
        "time-outs",
        0.03,
        {"kinds": ("stall",), "at_most": 2, "seconds": SILENCE, "operations": ("UploadMultipartPart",)},
        read_timeout=IMPATIENCE,
    ),
)
SERVER_OPERATIONS = ("open", "close", "posix-rename", "rename", "hardlink", "fsync", "remove", "mkdir")
"""As OpenSSH's sftp-server notes them."""
BUCKET_OPERATIONS = (
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "ListParts",
    "HeadObject",
    "AbortMultipartUpload",
)

LOCAL_VARIANTS = (
    Variant("kills alone"),
    Variant("changing sources", gaps=("change", "change", "nothing")),
    Variant("sigterm", terms=0.6),
    Variant("other part sizes", gaps=("regrid",)),
    Variant("kills alone"),
    Variant("a real interpreter", real=True),
)
SERVER_VARIANTS = (
    Variant("kills alone"),
    Variant("around a name", at=("posix-rename", "rename", "hardlink", "remove")),
    Variant("changing sources", gaps=("change", "change", "nothing")),
    Variant("around a flush", at=("fsync", "close", "open", "mkdir")),
    Variant("sigterm", terms=0.6),
    Variant("other part sizes", gaps=("regrid",)),
    Variant("a real interpreter", real=True),
)
BUCKET_VARIANTS = (
    Variant("kills alone"),
    Variant("around an answer", at=("PutObject", "CreateMultipartUpload", "CompleteMultipartUpload")),
    Variant("trouble", 0.12),
    Variant("changing sources", 0.03, gaps=("change", "change", "nothing")),
    Variant("sigterm", 0.05, terms=0.6),
    Variant("other part sizes", 0.05, gaps=("regrid",)),
    Variant("a real interpreter", real=True),
)
SEALED_VARIANTS = (
    Variant("kills alone"),
    Variant("changing sources", gaps=("change", "change", "nothing")),
    Variant("sigterm", terms=0.6),
    Variant("kills alone"),
    Variant("a real interpreter", real=True),
)
"""Where archives are sealed, at whatever destination."""


@dataclass(frozen=True)
class Moment:
    """When to stop a run: at ``share`` of the way of one that sends everything, or at a request if that is earlier."""

    share: float
    early: bool = False
    """Then it is at ``share`` of a start."""
    operation: str | None = None
    nth: int = 0
    """The nth request for that operation, and after the server has begun with it…"""
    delay: float = 0.0
    """… this share of the time that it takes to answer."""


@dataclass(frozen=True)
class Round:
    """One run that is stopped, and what happens before the next."""

    signal: int
    moment: Moment
    gap: Gap
    settled: bool
    """Whether the next run waits until the server has dealt with all that this one sent."""


@dataclass(frozen=True)
class Scenario:
    """One trial."""

    seed: int
    variant: Variant
    rounds: tuple[Round, ...]

    @property
    def faults(self) -> dict[str, Any]:
        """The plan for the server. Without faults it still keeps a journal of the requests."""
        more = {name: list(value) if isinstance(value, tuple) else value for name, value in self.variant.faults.items()}
        return {"seed": self.seed, "rate": self.variant.rate, **more}

    @property
    def dice(self) -> random.Random:
        """For what is only decided as the trial goes: which upload expires, which source changes."""
        return random.Random(f"{self.seed} dice")


def scenario(seed: int, variants: tuple[Variant, ...], operations: tuple[str, ...] = OPERATIONS) -> Scenario:
    """What that seed decides. Neighbouring seeds are of different variants; a server hears of ``operations``."""
    dice = random.Random(f"{seed} scenario")
    variant = variants[seed % len(variants)]
    # The shares of all add up to less than one run, so that nearly every one hits.
    cuts = sorted(dice.random() for _ in range(dice.randint(4, MOST_STOPS)))
    shares = [later - earlier for earlier, later in zip([0.0, *cuts], cuts, strict=False)]
    return Scenario(seed, variant, tuple(_round(dice, variant, share, operations) for share in shares))


def _round(dice: random.Random, variant: Variant, share: float, operations: tuple[str, ...]) -> Round:
    number = signal.SIGTERM if dice.random() < variant.terms else signal.SIGKILL
    return Round(number, _moment(dice, variant, share, operations), dice.choice(variant.gaps), dice.random() < 0.5)


def _moment(dice: random.Random, variant: Variant, share: float, operations: tuple[str, ...]) -> Moment:
    which = dice.random()
    at = [operation for operation in variant.at or operations if operation in operations]
    if at and which < (0.8 if variant.at else 0.35):
        operation = dice.choice(at)
        nth = dice.randint(1, TIMES.get(operation, 3))
        # The way for what is never asked for, as most lists are.
        return Moment(dice.uniform(share, 1.0), operation=operation, nth=nth, delay=dice.random())
    if which > 0.9:
        return Moment(dice.random(), early=True)
    return Moment(share)
