"""What the options that leave something out mean, and what is wrong with their values."""

from __future__ import annotations

import pytest

from glacier_backup.cli.wiring import selections
from glacier_backup.exclusion import Exclusion
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = /mnt/disk\n"
ALL = f"{MAIN}[/srv]\nupload_dirs = yes\nexclude_patterns =\n  *.tmp\n  /x/cache/\nexclude_regex = ^x/old/\n"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("exclude_patterns = [a", "found '[a' ('[a' leaves nothing out: it is no pattern of gitignore)"),
        ("exclude_patterns = !", "found '!' ('!' is no pattern of gitignore)"),
        ("exclude_patterns = x[[:digit:]]", "found 'x[[:digit:]]' ('x[[:digit:]]' has a class such as [:alpha:] in it"),
        ("exclude_patterns =\n  a\n  /\n", "found '\\na\\n/' ('/' leaves nothing out: it is no pattern of gitignore)"),
        ("exclude_regex =\n  a\n  (b\n", "found '\\na\\n(b' ('(b' is no regular expression: missing ), unterminated"),
    ],
)
def test_what_is_no_pattern_is_told_with_its_line(desk: Desk, option: str, said: str) -> None:
    name = option.partition(" ")[0]
    (problem,) = desk.problems(f"{MAIN}[/srv]\nupload_dirs = yes\n{option}\n")
    assert problem.startswith(f"x.conf:5: [/srv] {name}: {said}")
    assert problem.endswith("one a line")


def test_all_kinds_of_sections_have_them(desk: Desk) -> None:
    kinds = ("upload_single_dir", "upload_tree", "upload_dirs", "upload_files")
    sections = "".join(f"[/srv/{kind}]\n{kind} = yes\nexclude_patterns = [[]\n" for kind in kinds)
    settings = desk.load(f"{MAIN}{sections}[sftp://h/srv]\nupload_dirs = yes\nexclude_regex = a|b[[]\n")
    assert settings.warnings == ()
    rules = [one.exclusion for one in selections(settings)]
    assert rules == [Exclusion(("[[]",))] * 4 + [Exclusion((), ("a|b[[]",))]


@pytest.mark.parametrize(
    ("path", "below"), [("/srv/x", "x/"), ("/srv/x/y", "x/y/"), ("/srv/x/cache", None), ("/srv/x/old/z", None)]
)
def test_what_is_named_by_itself_is_sent_as_its_section_sends_it(desk: Desk, path: str, below: str | None) -> None:
    (selection,) = selections(desk.load(ALL, paths=[path]))
    rules = Exclusion(("*.tmp", "/x/cache/"), ("^x/old/",))
    assert selection.exclusion == (Exclusion() if below is None else rules._replace(below=below))


@pytest.mark.parametrize("path", ["/srvx", "/", "sftp://h/srv/x"])
def test_what_lies_in_no_section_is_sent_whole(desk: Desk, path: str) -> None:
    (selection,) = selections(desk.load(ALL, paths=[path]))
    assert not selection.exclusion


def test_the_innermost_section_says_what_is_left_out(desk: Desk) -> None:
    text = f"{ALL}[/srv/x]\nupload_single_dir = yes\nexclude_patterns = y\n"
    inner, own = selections(desk.load(text, paths=["/srv/x/z", "/srv/x"]))
    assert inner.exclusion == Exclusion(("y",), below="z/")
    assert own.exclusion == Exclusion(("y",))
