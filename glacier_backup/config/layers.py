"""Options that are given in several places: which of them count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from glacier_backup.config.given import Given
from glacier_backup.config.seal_values import PASSWORDS
from glacier_backup.errors import Problem

AMAZONS_OWN_KEY = "AES256"
"""The encryption that takes no key of anybody else's."""

_ONE_OF = (("ssh_password", "ssh_password_file"), PASSWORDS)
"""Options that say the same in different ways: one of each may be set."""

_TOGETHER = (*_ONE_OF, ("recipients", "recipients_file"))
"""Options of which those of one place replace all those of another."""


def laid_over(below: Mapping[str, Given], above: Mapping[str, Given]) -> dict[str, Given]:
    """All of ``above``, and what of ``below`` it neither sets itself nor makes meaningless."""
    options = {**below, **above}
    for names in _TOGETHER:
        if any(name in above for name in names):
            for name in names:
                if name not in above:
                    options.pop(name, None)
    if _plain(above) and "kms_key_id" not in above:
        options.pop("kms_key_id", None)
    elif "kms_key_id" in above and "sse" not in above and _plain(below):
        options.pop("sse", None)
    return options


def clashes(options: Mapping[str, Given]) -> Iterator[Problem]:
    """What can't stand beside each other in one section."""
    if _plain(options) and "kms_key_id" in options and _together(options, "sse", "kms_key_id"):
        message = f"has no place beside sse = {AMAZONS_OWN_KEY}; expected aws:kms or aws:kms:dsse there, or no key"
        yield options["kms_key_id"].spot.problem(message)
    for names in _ONE_OF:
        for one, other in combinations(names, 2):
            if _together(options, one, other):
                yield options[other].spot.problem(f"found {one} too; expected one of them")


def _plain(options: Mapping[str, Given]) -> bool:
    return "sse" in options and options["sse"].value == AMAZONS_OWN_KEY


def _together(options: Mapping[str, Given], one: str, other: str) -> bool:
    if one not in options or other not in options:
        return False
    here, there = options[one].spot, options[other].spot
    return (here.source, here.section) == (there.source, there.section)
