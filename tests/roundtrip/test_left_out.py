"""What a section leaves out is neither sent nor brought back, and a change in it sends nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.roundtrip.journey import Journey
from tests.ssh_server.sshd import Sshd

RULES = "exclude_patterns =\n    node_modules/\n    *.tmp\n    /web/build\nexclude_regex = ^mail/\\d+\\.old$\n"

KEPT = ("web/index.html", "web/lib/build/x", "mail/1", "notes.txt")
LEFT_OUT = ("web/node_modules/a/b.js", "web/lib/node_modules/c.js", "web/build/out", "web/x.tmp", "mail/1.old", "y.tmp")

KINDS = {
    "single_dir": (f"[{{data}}]\nupload_single_dir = yes\nupload_if_changed = yes\n{RULES}", KEPT),
    "children": (f"[{{data}}]\nupload_dirs = yes\nupload_files = yes\nupload_if_changed = yes\n{RULES}", KEPT),
    "tree": (f"[{{data}}]\nupload_tree = yes\n{RULES}", KEPT),
}


def write(data: Path, *names: str, text: str = "content") -> None:
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(text)


def files(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


@pytest.mark.parametrize("here", [True, False], ids=["here", "on a server"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_out_is_not_sent_and_not_missed(
    at_hand: Journey, sshd: Sshd, tmp_path: Path, kind: str, here: bool
) -> None:
    text, kept = KINDS[kind]
    login = f"ssh_key = {sshd.key}\nhost_key = {sshd.host_key}\n"
    url = f"sftp://{sshd.server()}"
    at_hand.sections(text if here else text.replace("[{data}]\n", f"[{url}{{data}}]\n{login}"))
    write(at_hand.data, *KEPT, *LEFT_OUT)
    os.makedirs(at_hand.data / "web/node_modules/empty")

    at_hand.back_up()
    write(at_hand.data, *LEFT_OUT, "web/node_modules/new", "mail/77.old", "web/build/more", text="another content")
    assert at_hand.back_up().json["summary"]["sent"] == 0
    write(at_hand.data, "web/lib/new")
    assert at_hand.back_up().json["summary"]["sent"] == 1

    target = tmp_path / "target"
    assert at_hand.restore(target).code == 0
    (top,) = [path for path in target.rglob(at_hand.data.name) if path.is_dir()]
    assert files(top) == {*kept, "web/lib/new"}
    assert list(target.rglob("node_modules")) == []


def test_a_path_by_itself_is_the_same_archive(at_hand: Journey) -> None:
    at_hand.sections(KINDS["children"][0])
    write(at_hand.data, *KEPT, *LEFT_OUT)
    at_hand.back_up()

    ran = at_hand("-p", at_hand.data / "web", "--json")
    assert ran.json["summary"]["sent"] == 0

    # Unless it is what is left out: whoever names it wants it.
    ran = at_hand("-p", at_hand.data / "web/node_modules", "--json")
    assert ran.json["summary"]["sent"] == 1
    assert ran.json["plan"][0]["bytes"] == len("content")


def test_what_is_passed_over_says_why(at_hand: Journey) -> None:
    at_hand.sections(KINDS["tree"][0])
    write(at_hand.data, *KEPT, *LEFT_OUT)
    reasons = at_hand("-d", "--json").reasons()
    assert reasons[f"{at_hand.data}/web/node_modules"] == "excluded by node_modules/"
    assert reasons[f"{at_hand.data}/web/build"] == "excluded by /web/build"
    assert reasons[f"{at_hand.data}/mail/1.old"] == "excluded by ^mail/\\d+\\.old$"
    assert f"{at_hand.data}/web/node_modules/a/b.js" not in reasons
