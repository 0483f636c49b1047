"""What tar says, in the words of its versions, for what can't be brought about here."""

from __future__ import annotations

import pytest

from glacier_backup.model.archive import ReadProblem
from glacier_backup.pack.tar_messages import TarMessages


def heard(*lines: str) -> TarMessages:
    messages = TarMessages("/data")
    for line in lines:
        messages.hear(line.encode())
    return messages


@pytest.mark.parametrize("warning", ["", "Warning: "])
@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Cannot open: Permission denied", "Permission denied"),
        ("Cannot stat: Input/output error", "Input/output error"),
        ("Cannot savedir: Input/output error", "Input/output error"),
        ("Cannot readlink: Stale file handle", "Stale file handle"),
        ("Cannot seek to 512: Input/output error", "Input/output error"),
        ("Unknown file type; file ignored", "Unknown file type"),
        (
            "Read error at byte 4096, while reading 10240 bytes: Input/output error",
            "Input/output error at byte 4096: zeros stand for the rest of the file",
        ),
        ("Cannot flistxattr: Input/output error", "extended attributes and ACLs: Input/output error"),
        ("Cannot acl_get_file_at: Input/output error", "extended attributes and ACLs: Input/output error"),
    ],
)
def test_what_cannot_be_read_is_a_problem(warning: str, words: str, cause: str) -> None:
    messages = heard(f'tar: "./a\\nb": {warning}{words}')
    assert messages.problems == (ReadProblem("/data/a\nb", cause),)
    assert messages.explained
    assert not messages.changed


@pytest.mark.parametrize(
    "words",
    [
        "file changed as we read it",
        "File removed before we read it",
        "File shrank by 1 byte; padding with zeros",
        "File shrank by 4096 bytes; padding with zeros",
        "Warning: Cannot open: No such file or directory",
        "Warning: Cannot lgetxattrat: No data available",
    ],
)
def test_what_changes_meanwhile_is_a_change_and_no_problem(words: str) -> None:
    messages = heard(f'tar: "./a": {words}')
    assert messages.changed
    assert messages.problems == ()


@pytest.mark.parametrize(
    "line",
    [
        'tar: "./a": socket ignored',
        'tar: "./a": door ignored',
        "tar: POSIX ACL support is not available",
        "tar: XATTR support is not available",
        "tar: Exiting with failure status due to previous errors",
    ],
)
def test_what_does_not_matter_explains_no_failure_and_prevents_no_explanation(line: str) -> None:
    assert not heard(line).explained
    assert heard(line, 'tar: "./a": Cannot open: Permission denied').explained


def test_a_failure_with_unknown_words_is_not_explained() -> None:
    messages = heard('tar: "./a": Cannot open: Permission denied', 'tar: "./b": broke in a new way', "tar: so did I")
    assert not messages.explained
    assert messages.words() == '"./b": broke in a new way; so did I'


def test_giving_up_is_not_explained_by_a_problem() -> None:
    messages = heard('tar: "/dev/fd/3": Cannot open: Permission denied', "tar: Error is not recoverable: exiting now")
    assert messages.fatal
    assert not messages.explained
    assert "Cannot open: Permission denied" in messages.words()


def test_paths_are_absolute() -> None:
    messages = heard('tar: ".": Cannot open: x', 'tar: "./": Cannot open: x', 'tar: "./a/b/": Cannot open: x')
    assert [problem.path for problem in messages.problems] == ["/data", "/data", "/data/a/b"]


@pytest.mark.parametrize("line", [b"", b"tar: ", b'tar: "./\\x": Cannot open: y', b'tar: "\xff": z', b"\0\xfe"])
def test_anything_at_all_can_be_heard(line: bytes) -> None:
    messages = TarMessages("/data")
    messages.hear(line)
    assert messages.problems == ()


def test_memory_is_bounded() -> None:
    messages = heard(*(f"tar: nonsense {number}" for number in range(1000)))
    assert len(messages.words()) < 1000
