"""The options ``filters`` and ``undo_data``: every mistake is told with its own line, and no message shows a secret."""

from __future__ import annotations

import pytest

from glacier_backup.cli.sealing import Sealing
from glacier_backup.cli.wiring import selections
from glacier_backup.config.settings import Settings
from glacier_backup.config.show import rows
from glacier_backup.errors import ConfigError
from glacier_backup.model.filters import Filter, Prefixing
from tests.config.conftest import Desk

MAIN = "[main]\ndestination = s3://my-bucket/backup\n"
TREE = f"{MAIN}[/a]\nupload_tree = yes\n"


def filters(desk: Desk, *lines: str) -> tuple[Filter, ...]:
    settings = desk.load(f"{TREE}filters =\n" + "".join(f"  {line}\n" for line in lines))
    assert settings.warnings == ()
    return settings.sections[0].filters


def problems(desk: Desk, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        desk.load(text)
    return [str(one).removeprefix(desk.file) for one in caught.value.problems]


def test_every_kind_is_read_in_its_order(desk: Desk) -> None:
    assert filters(
        desk,
        r"key_sub '\.tmp$' ''",
        r"key_sub ^(\d+)/ year-\1/",
        """key_sub "it's" "a 'b'" """,
        "# a comment",
        "",
        "name tr A-Z 'a b'",
        "group 1 k",
        'data\tgpg --encrypt -r "A B <a@b>"',
        "data bash -c 'gzip | cat'",
    ) == (
        Filter("key_sub", r"key_sub '\.tmp$' ''", r"\.tmp$", ""),
        Filter("key_sub", r"key_sub ^(\d+)/ year-\1/", r"^(\d+)/", r"year-\1/"),
        Filter("key_sub", """key_sub "it's" "a 'b'\"""", "it's", "a 'b'"),
        Filter("name", "name tr A-Z 'a b'", command=("tr", "A-Z", "a b")),
        Filter("group", "group 1 k", size=1000),
        Filter("data", 'data\tgpg --encrypt -r "A B <a@b>"', command=("gpg", "--encrypt", "-r", "A B <a@b>")),
        Filter("data", "data bash -c 'gzip | cat'", command=("bash", "-c", "gzip | cat")),
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [("0", 0), ("1 k", 1000), ("1K", 1000), ("1 KiB", 1024), ("3 Mi", 3 << 20), ("100MB", 10**8), ("1.5 MiB", 1572864)],
)
def test_sizes_are_decimal_and_binary_as_s3_backup_has_them_and_as_we_do(desk: Desk, size: str, expected: int) -> None:
    assert filters(desk, f"group {size}")[0].size == expected


def test_a_group_says_which_files_are_small(desk: Desk) -> None:
    settings = desk.load(f"{TREE}filters = group 1 MiB\n  data cat\ngroup_names = root\n")
    tree = selections(settings)[0].tree
    assert tree is not None
    assert tree.prefixing == Prefixing(1 << 20, "root")
    assert tree.filters == settings.sections[0].filters


def test_each_mistake_is_told_with_its_line_and_place(desk: Desk) -> None:
    text = (
        f"{TREE}filters = key_sub ( b\n  # in between\n  key_sub a\n\n  key_sub (a)b \\2\n  grop 1 M\n  group much\n"
        "  name\n  data gpg --passphrase 'hush\n  data gpg --passphrase hush2 \"\n"
    )
    assert problems(desk, text) == [
        ":5: [/a] filters: found '(' is no regular expression: missing ), unterminated subpattern at character 1; "
        "expected what Python's re takes",
        ":7: [/a] filters: found a key_sub that can't be read; expected key_sub REGEX REPLACEMENT, each in quotes "
        "where it has blanks in it or is empty",
        r":9: [/a] filters: found '\\2' is no replacement: invalid group reference 2 at character 2; expected what "
        "Python's re takes",
        ":10: [/a] filters: found 'grop', which is no filter; did you mean group?",
        ":11: [/a] filters: found 'much' as a size; expected group SIZE, such as group 1 MiB",
        ":12: [/a] filters: found a name that can't be read; expected name COMMAND",
        ":13: [/a] filters: found a data that can't be read (a quote in it has no end); expected data COMMAND",
        ":14: [/a] filters: found a data that can't be read (a quote in it has no end); expected data COMMAND",
    ]


def test_grouping_after_a_data_filter_is_an_error_that_names_both_lines(desk: Desk) -> None:
    """s3-backup's defects 4 and 5: there it crashed, for sizes weren't known any more."""
    assert problems(desk, f"{TREE}filters =\n  data cat\n  # in between\n  key_sub a b\n  group 1 MiB\n") == [
        ":9: [/a] filters: found group behind data: what is put together has to be known before bytes are changed; "
        "expected it above the data, which is in line 6"
    ]


def test_there_is_one_group(desk: Desk) -> None:
    (problem,) = problems(desk, f"{TREE}filters = group 1 k\n  key_sub a b\n  group 2 k\n")
    assert problem == ":7: [/a] filters: found a second group; expected only that, which is in line 5"
    (problem,) = problems(desk, f"{TREE}filters = group 1 k\ngroup_files_smaller_than = 1 k\n")
    assert problem.endswith(
        f"group_files_smaller_than: found group among the filters too ({desk.file}:5); expected one of them"
    )
    desk.load(f"{MAIN}group_files_smaller_than = 2 k\n[/a]\nupload_tree = yes\nfilters = group 1 k\n")


def test_what_would_be_left_undone_is_an_error_for_it_may_hide_names(desk: Desk) -> None:
    for one in ("name hide", "key_sub a b", "group 1 k"):
        (problem,) = problems(desk, f"{MAIN}[/a]\nupload_dirs = yes\nfilters = {one}\n  data gpg -e\n")
        assert "expected a whole tree, or nothing but data among them" in problem


def test_data_is_for_whatever_a_section_sends(desk: Desk) -> None:
    settings = desk.load(
        f"{TREE}filters = name hide\n  data enc\n  data gpg\n[/b]\nupload_dirs = yes\nfilters = data cat\n[/a/c]\n"
    )
    sealing = Sealing(settings, create=False)
    for path, count in (("/a", 2), ("/a/x/y", 2), ("/b", 1), ("/b/x", 1), ("/a/c", None), ("/c", None)):
        steps = sealing.of_section(path).steps()
        assert [step.parameters["count"] for step in steps] == ([] if count is None else [count])


def test_names_in_packs_are_beyond_reach(desk: Desk) -> None:
    main = MAIN.replace("\n", "\npack_size = 1 MiB\n", 1)
    (problem,) = problems(desk, f"{main}[/a]\nupload_tree = yes\nfilters = key_sub a b\n")
    assert "in whose tars files keep their own" in problem
    desk.load(f"{main}[/a]\nupload_tree = yes\nfilters = key_sub a b\npack_size = none\n")
    desk.load(f"{main}[/a]\nupload_tree = yes\nfilters = data cat\n")


def test_a_section_may_have_them_from_default_and_references_are_filled_in(desk: Desk) -> None:
    text = f"[DEFAULT]\nfilters = data ${{here}}/enc ${{env:KEYS}}\n{TREE}"
    settings = desk.load(text, environ={"KEYS": "k"})
    assert settings.sections[0].filters[0].command == (f"{desk.here}/enc", "k")


def test_what_undoes_data_is_handed_on_from_main(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}undo_data = ~/dec 'a b'\n\n  cat\n[/a]\nupload_tree = yes\n[/b]\nundo_data = tac\n")
    assert settings.seal_of("/a/x").undo_data == ((f"{desk.home}/dec", "a b"), ("cat",))
    assert settings.seal_of("/b").undo_data == (("tac",),)
    (problem,) = problems(desk, f"{MAIN}undo_data = cat\n  gpg --passphrase 'hush\n")
    assert problem == (
        ":4: [main] undo_data: found a command that can't be read (a quote in it has no end); expected a program and "
        "its arguments"
    )


def test_nothing_shows_what_commands_are_told(desk: Desk) -> None:
    text = f"{TREE}filters = data gpg --passphrase hush\n  name enc hush\n  key_sub a b\nundo_data = gpg -d hush\n"
    settings = desk.load(text)
    shown = {row.option: row.value for row in rows(settings) if row.section == "/a"}
    assert shown["filters"] == "data gpg …\nname enc …\nkey_sub a b"
    assert shown["undo_data"] == "gpg …"
    assert "hush" not in f"{settings!r} {settings} {settings.sections!r} {selections(settings)!r}"
    (problem,) = problems(desk, f"{TREE}filters =\ndata gpg --passphrase hush\n")
    assert "found data and something that isn't shown" in problem


def test_one_kind_of_settings_has_filters(desk: Desk) -> None:
    (problem,) = problems(desk, f"{MAIN}filters = data cat\n[/a]\nupload_tree = yes\n")
    assert "belongs in a section that is named by a path" in problem
    assert isinstance(desk.load(TREE), Settings)
