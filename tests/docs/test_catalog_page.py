"""``docs/catalog.md`` can be followed."""

from __future__ import annotations

import re
import shlex

from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import blocks

PAGE = (REPOSITORY / "docs/catalog.md").read_text()


def test_the_commands_of_the_page_run_in_their_order(cli: Cli) -> None:
    (cli.data / "a").write_text("a")
    ini = cli.ini(
        "[main]\ndestination = {here}/disk\ncatalog = {here}/catalog.sqlite3\nlogfile =\n[{data}]\nupload_files = yes\n"
    )
    assert cli("-c", ini).code == 0

    for line in "".join(blocks(PAGE, "text")).splitlines():
        program, *words = shlex.split(line)
        own = [re.sub("^/mnt/usb|^(?=archives.csv)", f"{cli.folder}/", word) for word in words]
        ran = cli(*own, "-c", ini)
        assert (program, ran.code, ran.err) == ("glacier-backup", 0, ""), line


def test_the_example_is_right(cli: Cli) -> None:
    (example,) = blocks(PAGE, "ini")
    ini = cli.folder / "example.ini"
    ini.write_text(example)

    ran = cli("config", "check", "-c", ini)

    assert (ran.code, ran.err) == (0, "")
