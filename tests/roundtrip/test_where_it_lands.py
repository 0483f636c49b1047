"""What a word brings back, and where that is then: what docs/restore.md says."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import url
from tests.roundtrip.trees import look
from tests.ssh_server.sshd import Sshd

SECTIONS = """
[{data}/a]
upload_dirs = yes
upload_files = yes
upload_if_changed = yes
[{data}/b]
upload_dirs = yes
"""

FILES = ("a/photos/2019/img_0001.jpg", "a/photos/2020/b.jpg", "a/notes.txt", "b/photos/c.jpg", "b/music/d.mp3")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def sent(at_hand: Journey) -> Journey:
    for name in FILES:
        write(at_hand.data / name, name)
    at_hand.sections(SECTIONS)
    at_hand.back_up()
    return at_hand


def files(target: Path) -> set[str]:
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}


def id_of(journey: Journey, path: str) -> str:
    """Of the newest archive."""
    listed = journey("list", "--versions", journey.data / path, "--json").json
    return f"id:{listed[-1]['id']}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["{data}/a/photos"], {"photos/2019/img_0001.jpg", "photos/2020/b.jpg"}),
        (["{data}/a/photos/"], {"photos/2019/img_0001.jpg", "photos/2020/b.jpg"}),
        (["{data}/b"], {"b/photos/c.jpg", "b/music/d.mp3"}),
        (["{data}"], {f"data/{name}" for name in FILES}),
        (["{data}/a/photos/2019"], {"2019/img_0001.jpg"}),
        (["{data}/a/photos/2019/img_0001.jpg"], {"img_0001.jpg"}),
        (["{data}/a/photos:2019"], {"2019/img_0001.jpg"}),
        (["{data}/a/photos:2019/img_0001.jpg"], {"img_0001.jpg"}),
        (["music.tar"], {"music/d.mp3"}),
        (["music.tar:d.mp3"], {"d.mp3"}),
        (["notes.txt"], {"notes.txt"}),
        (["ID:2020/b.jpg"], {"b.jpg"}),
        (["ID"], {"photos/2019/img_0001.jpg", "photos/2020/b.jpg"}),
        (["LOCATOR"], {"photos/2019/img_0001.jpg", "photos/2020/b.jpg"}),
        (["{data}/*/photos"], {"a/photos/2019/img_0001.jpg", "a/photos/2020/b.jpg", "b/photos/c.jpg"}),
        (["{data}/a/photos:*.jpg"], {"2019/img_0001.jpg", "2020/b.jpg"}),
        (["*.txt"], {"{full}/a/notes.txt"}),
        ([], {f"{{full}}/{name}" for name in FILES}),
        (["{data}/a/photos/2019", "{data}/a/notes.txt"], {"2019/img_0001.jpg", "notes.txt"}),
        (
            ["{data}/a/photos", "{data}/b/photos"],
            {"{full}/a/photos/2019/img_0001.jpg", "{full}/a/photos/2020/b.jpg", "{full}/b/photos/c.jpg"},
        ),
        (["{data}/a/photos", "ID"], {"{full}/a/photos/2019/img_0001.jpg", "{full}/a/photos/2020/b.jpg"}),
    ],
)
def test_a_word_brings_back_what_the_page_says(
    sent: Journey, tmp_path: Path, words: list[str], expected: set[str]
) -> None:
    (listed,) = sent("list", "--versions", sent.data / "a/photos", "--json").json
    meant = {"{data}": str(sent.data), "ID": f"id:{listed['id']}", "LOCATOR": listed["locators"][0]}

    ran = sent.restore(tmp_path / "out", *(_filled_in(word, meant) for word in words))

    assert (ran.code, ran.err) == (0, "")
    assert files(tmp_path / "out") == {_filled_in(name, {"{full}": str(sent.data)[1:]}) for name in expected}
    for name in files(tmp_path / "out"):
        assert (tmp_path / "out" / name).read_text().endswith(os.path.basename(name))


def _filled_in(text: str, meant: dict[str, str]) -> str:
    for name, value in meant.items():
        text = text.replace(name, value)
    return text


def test_relative_words_and_the_home_folder(sent: Journey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sent.data / "a")
    monkeypatch.setenv("HOME", str(sent.data / "b"))

    assert sent.restore(tmp_path / "one", "photos").code == 0
    assert sent.restore(tmp_path / "two", "~/photos").code == 0
    assert sent.restore(tmp_path / "three", "../b/music").code == 0

    assert files(tmp_path / "one") == {"photos/2019/img_0001.jpg", "photos/2020/b.jpg"}
    assert files(tmp_path / "two") == {"photos/c.jpg"}
    assert files(tmp_path / "three") == {"music/d.mp3"}


def test_each_moment_has_what_was_the_newest_then(sent: Journey, tmp_path: Path) -> None:
    moments = [_passed()]
    write(sent.data / "a/photos/2020/b.jpg", "changed")
    write(sent.data / "a/more.txt", "new")
    sent.back_up()
    moments.append(_passed())
    (sent.data / "a/notes.txt").unlink()
    write(sent.data / "a/photos/2020/b.jpg", "changed again")
    sent.back_up()

    for number, moment in enumerate([*moments, "0 hours ago", "now"]):
        assert sent.restore(tmp_path / f"{number}", sent.data / "a", "--at", moment).code == 0

    below = [tmp_path / f"{number}/a" for number in range(4)]
    assert [(one / "photos/2020/b.jpg").read_text() for one in below] == [
        "a/photos/2020/b.jpg",
        "changed",
        "changed again",
        "changed again",
    ]
    assert [(one / "more.txt").exists() for one in below] == [False, True, True, True]
    # What is gone here is kept there; now means the tree as it stands.
    assert [(one / "notes.txt").exists() for one in below] == [True, True, True, False]


def _passed() -> str:
    """A moment between what was and what comes."""
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.002)
    return moment


def test_a_file_that_was_deleted_comes_from_the_newest_archive_that_has_it(sent: Journey, tmp_path: Path) -> None:
    (sent.data / "a/photos/2019/img_0001.jpg").unlink()
    sent.back_up()

    assert sent.restore(tmp_path / "out", sent.data / "a/photos/2019/img_0001.jpg").code == 0

    assert files(tmp_path / "out") == {"img_0001.jpg"}


def test_two_archives_of_one_path_lie_beside_each_other(sent: Journey, tmp_path: Path) -> None:
    first = id_of(sent, "a/notes.txt")
    write(sent.data / "a/notes.txt", "changed")
    sent.back_up()

    assert sent.restore(tmp_path / "out", first, id_of(sent, "a/notes.txt")).code == 0

    one, other = sorted(files(tmp_path / "out"))
    # Both words would give the same name: so they have their full paths.
    assert one == f"{str(sent.data)[1:]}/a/notes.txt"
    assert (tmp_path / "out" / one).read_text() == "a/notes.txt"
    assert re.fullmatch(r"~\d{8}T\d{6}\.\d{6}Z", other.removeprefix(one))
    assert (tmp_path / "out" / other).read_text() == "changed"


def test_what_was_archived_inside_another_lies_beside_it(at_hand: Journey, tmp_path: Path) -> None:
    write(at_hand.data / "home/mail/inbox", "mail")
    write(at_hand.data / "home/file", "file")
    at_hand.sections("[{data}/home]\nupload_single_dir = yes\n[{data}/home/mail]\nupload_single_dir = yes\n")
    at_hand.back_up()

    # Beside what is meant there is more, and that is said.
    plan = at_hand("restore", at_hand.data / "home", "--plan")
    assert f"'{at_hand.data}/home/*' brings those back" in plan.out + plan.err
    assert at_hand.restore(tmp_path / "out", at_hand.data / "home").code == 0
    assert at_hand.restore(tmp_path / "all").code == 0

    assert files(tmp_path / "out") == {"home/mail/inbox", "home/file"}
    full = str(at_hand.data)[1:]
    assert files(tmp_path / "all") == {f"{full}/home/mail/inbox", f"{full}/home/file", f"{full}/home~/mail/inbox"}


def test_what_was_on_a_server_lies_below_its_name(at_hand: Journey, sshd: Sshd, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    write(theirs / "music/song.mp3", "la")
    write(at_hand.data / "file", "mine")
    at_hand.sections(
        f"[{url(sshd, theirs)}]\nupload_dirs = yes\nssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
        "[{data}]\nupload_files = yes\n"
    )
    at_hand.back_up()

    assert at_hand.restore(tmp_path / "one", url(sshd, theirs / "music")).code == 0
    assert at_hand.restore(tmp_path / "two", url(sshd, theirs / "music/song.mp3")).code == 0
    assert at_hand.restore(tmp_path / "all").code == 0

    assert files(tmp_path / "one") == {"music/song.mp3"}
    assert files(tmp_path / "two") == {"song.mp3"}
    machine, server = os.uname().nodename, url(sshd, Path("/")).removeprefix("sftp://").rstrip("/")
    assert files(tmp_path / "all") == {f"{machine}{at_hand.data}/file", f"{server}{theirs}/music/song.mp3"}


def test_what_is_there_stays_unless_it_may_be_replaced(sent: Journey, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out / "photos/mine", "mine")

    kept = sent.restore(out, sent.data / "a/photos")
    assert (kept.code, kept.json["items"][0]["state"]) == (1, "kept")
    assert "--overwrite" in kept.err
    assert files(out) == {"photos/mine"}

    assert sent.restore(out, sent.data / "a/photos", "--overwrite").code == 0
    assert look(out / "photos") == look(sent.data / "a/photos")
    again = sent.restore(out, sent.data / "a/photos")
    assert (again.code, again.json["summary"]["counts"]) == (0, {"restored": 1})


def test_other_things_in_the_target_are_nobodys_business(sent: Journey, tmp_path: Path) -> None:
    write(tmp_path / "out/photos.txt", "mine")
    write(tmp_path / "out/a/notes.txt", "mine, too")

    assert sent.restore(tmp_path / "out", sent.data / "a/photos").code == 0

    assert (tmp_path / "out/photos.txt").read_text() == "mine"
    assert (tmp_path / "out/a/notes.txt").read_text() == "mine, too"
