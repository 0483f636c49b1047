"""What docs/retention.md says is what the program does."""

from __future__ import annotations

import re
import shlex

import pytest

from glacier_backup.cli.parser import build
from glacier_backup.model.period import Period
from tests.cli.harness import REPOSITORY, Cli

PAGE = (REPOSITORY / "docs/retention.md").read_text()

COMMANDS = [
    line.partition("glacier-backup ")[2].split("   ")[0].strip()
    for block in re.findall(r"^```(?:text|cron)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_the_example_is_right_and_means_what_the_page_says(cli: Cli) -> None:
    from glacier_backup.config.load import load

    (example,) = re.findall(r"^```ini\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    ini = cli.folder / "example.ini"
    ini.write_text(example)
    settings = load(str(ini))
    photos, letters = settings.sections
    assert (photos.keep_last, photos.keep_within, photos.keep_yearly) == (3, Period(6, "month"), 10)
    assert (letters.keep_last, letters.keep_within, letters.keep_yearly) == (None, None, None)
    assert settings.warnings == ()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str) -> None:
    words = shlex.split(command)
    assert build(words).parse_args(words).verb in ("prune", "delete")


def test_json_names_every_field(cli: Cli) -> None:
    page = (REPOSITORY / "docs/json.md").read_text().partition("## `prune` and `delete`")[2]
    ini = cli.ini(
        "[main]\ndestination = {here}/disk\n[{data}]\nupload_files = yes\nupload_if_changed = yes\nkeep_last = 1\n"
    )
    for text in ("a", "bb"):
        (cli.data / "file").write_text(text)
        cli("-c", ini)
    answers = [cli("prune", "-c", ini, "--json", "--verbose", *more).json for more in (["-d"], [])]
    for answer in answers:
        fields = {*answer, *answer["plan"][0], *answer["kept"][0], *answer["summary"]}
        for field in fields:
            assert re.search(rf"[`.]{field}`", page), field
