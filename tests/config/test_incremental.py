"""How directories are sent as chains of increments, as the INI file says it."""

from __future__ import annotations

import pytest

from glacier_backup.cli.wiring import selections
from glacier_backup.config.settings import Settings
from glacier_backup.model.full_every import FullEvery
from glacier_backup.model.period import Period
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = /vault\n"


def chained(settings: Settings) -> dict[str, FullEvery]:
    return {one.path: one.full_every for one in settings.in_force if one.is_chained}


def test_it_implies_that_what_has_changed_is_sent(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[/a]\nupload_single_dir = yes\nincremental = yes\n")
    (section,) = settings.sections
    assert (section.incremental, section.upload_if_changed, settings.warnings) == (True, True, ())
    assert chained(settings) == {"/a": FullEvery(Period(180, "day"), 30, 50)}
    assert selections(settings)[0].compare


def test_it_may_be_said_for_all(desk: Desk) -> None:
    text = (
        "[DEFAULT]\nincremental = yes\nfull_every =\n    1 year\n    20 %\n"
        f"{MAIN}[/dirs]\nupload_dirs = yes\n[/files]\nupload_files = yes\n[/tree]\nupload_tree = yes\n"
        "[/not]\nupload_single_dir = yes\nincremental = no\n"
    )
    settings = desk.load(text)
    assert chained(settings) == {"/dirs": FullEvery(Period(1, "year"), None, 20)}
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("upload_tree = yes\nincremental = yes", "incremental: has no effect without upload_single_dir"),
        (
            "upload_files = yes\nincremental = yes",
            "incremental: has no effect without upload_single_dir",
        ),
        ("upload_dirs = yes\nfull_every = 1 year", "full_every: has no effect without incremental"),
        (
            "upload_dirs = yes\nincremental = yes\nupload_if_changed = no",
            "incremental: has no effect with upload_if_changed = no",
        ),
    ],
)
def test_where_it_means_nothing_that_is_said(desk: Desk, section: str, said: str) -> None:
    settings = desk.load(f"{MAIN}[/a]\n{section}\n")
    assert [warning for warning in settings.warnings if said in warning]
    assert chained(settings) == {}


def test_what_is_named_on_the_command_line_is_sent_as_its_section_does(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}[/a]\nupload_dirs = yes\nincremental = yes\nfull_every = none\n")
    assert chained(settings.for_paths(["/a/b"])) == {"/a/b": FullEvery()}
    assert chained(settings.for_paths(["/c"])) == {}


@pytest.mark.parametrize("text", ["soon", "0 increments", "50", "1 day | 1 week", "|"])
def test_what_makes_no_sense_is_an_error_with_its_line(desk: Desk, text: str) -> None:
    (problem,) = desk.problems(f"{MAIN}[/a]\nupload_dirs = yes\nincremental = yes\nfull_every = {text}\n")
    assert problem.startswith("x.conf:6: [/a] full_every: found ")
    assert "expected one or several of a period such as 180 days" in problem
