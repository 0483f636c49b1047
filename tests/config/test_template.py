"""The INI file that ``config init`` writes, the reference, and ``sample.ini``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glacier_backup.config.load import load
from glacier_backup.config.option import Option
from glacier_backup.config.recipients import EXAMPLE
from glacier_backup.config.reference import render_reference
from glacier_backup.config.schema import DESTINATION_OPTIONS, OPTIONS
from glacier_backup.config.settings import Settings
from glacier_backup.config.template import render_sample
from tests.config.conftest import Desk

CHECKOUT = Path(__file__).resolve().parents[2]
REFERENCE = CHECKOUT / "docs/configuration.md"
SAMPLE = CHECKOUT / "sample.ini"

UNUSED = "is named nowhere, so nothing is sent there"

_KEY = "age17axe257rak85gqcgklfd9p4gg7pnjkt6ccdfl4a2zqcqgv9j9ddq8skx5r"

_ONE_IS_ENOUGH = (
    "ssh_password_file",
    "password_file",
    "password_command",
    "password_credential",
    "password_keyring",
)
"""Of these, and a password itself."""

every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


def without_comment_signs(text: str) -> str:
    """Every line that would set something, set."""
    return re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE)


def test_a_new_file_sends_nothing_and_says_what_is_missing(desk: Desk) -> None:
    assert desk.problems(render_sample()) == [
        "x.conf: [main]: names neither vault_name nor destination; expected one of them"
    ]


def test_a_new_file_works_once_a_destination_and_a_section_are_filled_in(desk: Desk) -> None:
    text = render_sample().replace("#vault_name", "vault_name").replace("#[~/photos]", "[~/photos]")
    settings = desk.load(text.replace("#upload_dirs", "upload_dirs"))
    assert (settings.destinations[0].vault_name, settings.warnings) == ("photos", ())
    assert [section.path for section in settings.sections] == [f"{desk.home}/photos"]


def test_all_that_a_new_file_suggests_can_be_set(desk: Desk) -> None:
    text = without_comment_signs(render_sample())
    text = text.replace(EXAMPLE, _KEY)
    text = re.sub(f"^({'|'.join(_ONE_IS_ENOUGH)}) .*$", "", text, flags=re.MULTILINE)
    (desk.here / ".env").write_text("STORAGE_PASSWORD=hunter2\nBACKUP_PASSWORD=hunter3\n")
    (desk.here / ".env").chmod(0o600)
    settings = desk.load(text)
    given = {name for name, _ in settings.origins}.union(*(dict(one.origins) for one in settings.sections))
    assert given == {option.name for option in OPTIONS} - {*_ONE_IS_ENOUGH}
    assert settings.warnings[-1:] == (f"{desk.file}:{_line(text, '[destination nas]')}: [destination nas]: {UNUSED}",)


def _line(text: str, line: str) -> int:
    return text.splitlines().index(line) + 1


def test_no_line_of_a_new_file_is_too_wide_for_a_terminal() -> None:
    assert max(map(len, render_sample().splitlines())) < 80


@every_option
def test_a_new_file_explains_each_option_above_it(option: Option) -> None:
    lines = render_sample().splitlines()
    at = lines.index(f"#{option.name} = {option.example}")
    assert lines[at - 1].startswith("# ")
    assert option.help.split()[0] in " ".join(lines[at - 4 : at])


def test_the_reference_is_what_the_table_says() -> None:
    cure = (
        "write it anew: python -c 'from glacier_backup.config.reference import render_reference; "
        'print(render_reference(), end="")\' > docs/configuration.md'
    )
    assert REFERENCE.read_text(encoding="utf-8") == render_reference(), cure


@every_option
def test_the_reference_has_a_heading_for_each_option_with_its_default_and_example(option: Option) -> None:
    (about,) = re.findall(rf"^### {option.name}\n(.*?)(?=^##|\Z)", render_reference(), re.DOTALL | re.MULTILINE)
    assert "- default: " in about
    assert f"- example: `{option.name} = {option.example}`" in about
    for spelling in (*option.aliases, *option.flags, *filter(None, [option.variable])):
        assert f"`{spelling}`" in about


@pytest.mark.parametrize("example", re.findall(r"```ini\n(.*?)```", render_reference(), re.DOTALL))
def test_each_example_of_the_reference_can_be_loaded(desk: Desk, example: str) -> None:
    settings = desk.load(example)
    assert settings.sections
    assert settings.warnings == ()


@pytest.fixture
def sample() -> Settings:
    return load(str(SAMPLE), overrides={}, environ={"HOME": "/h"})


def test_the_sample_goes_to_the_embedded_local_vault(sample: Settings) -> None:
    assert [one.embedded for one in sample.destinations] == [True]
    assert sample.warnings == ()


def test_the_sample_selects_real_files_of_the_checkout(sample: Settings) -> None:
    docs, top, package = sample.sections
    assert docs.path == str(CHECKOUT / "docs")
    assert docs.upload_single_dir
    assert docs.upload_if_changed
    assert any(Path(docs.path).iterdir())
    assert (top.path, top.upload_files, top.exclude) == (str(CHECKOUT), True, (".",))
    assert (package.path, package.upload_dirs) == (str(CHECKOUT / "glacier_backup"), True)
    assert Path(package.path, "config").is_dir()


@pytest.mark.parametrize("option", [one for one in OPTIONS if one not in DESTINATION_OPTIONS], ids=lambda one: one.name)
def test_the_sample_shows_and_explains_what_most_people_need(option: Option) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    if option.name not in ("prices", "env_file", *_FOR_FEW):
        assert re.search(rf"^#?{option.name} =", text, re.MULTILINE)
        assert re.search(rf"^# .*\b{option.name}\b|^# .*{_explained_as(option)}", text, re.MULTILINE)


_FOR_FEW = (
    "recipients_file",
    *("password", "password_file", "password_command", "password_credential", "password_keyring", "gnupg_home"),
    *("zstd_level", "gzip_level", "openssl_cipher", "openssl_digest", "openssl_iterations", "volume_names"),
)
"""Of seals; docs/sealing.md has them."""


def _explained_as(option: Option) -> str:
    return {"exclude": "Several"}.get(option.name, option.name)


def test_all_that_the_sample_suggests_can_be_set(desk: Desk) -> None:
    text = without_comment_signs(SAMPLE.read_text(encoding="utf-8")).replace(EXAMPLE, _KEY)
    settings = desk.load(text.replace("destination = local", "destination = local\n  bucket, nas, disk, glacier"))
    assert [(one.name, one.kind) for one in settings.destinations] == [
        ("local", "local"),
        ("bucket", "s3"),
        ("nas", "sftp"),
        ("disk", "local"),
        ("glacier", "glacier"),
    ]
    assert settings.warnings == ()
    bucket, nas = settings.destinations[1:3]
    assert bucket.storage_class == "DEEP_ARCHIVE"
    assert nas.server is not None
    assert nas.server.ssh_key == f"{desk.home}/.ssh/id_ed25519"
