"""Which seal is in force, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest

from glacier_backup.config.recipients import EXAMPLE
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.seal_values import PASSWORDS
from glacier_backup.config.show import rows
from glacier_backup.units import MIB
from tests.config.conftest import Desk

KEY = "age17axe257rak85gqcgklfd9p4gg7pnjkt6ccdfl4a2zqcqgv9j9ddq8skx5r"
MAIN = f"[main]\ndestination = /mnt\nrecipients = {KEY}\n"


def seals(desk: Desk, text: str, **options: object) -> dict[str, SealSettings]:
    settings = desk.load(text, **options)  # type: ignore[arg-type]  # handed on
    return {"main": settings.seal, **{one.path: one.seal for one in settings.sections}}


def steps(desk: Desk, text: str) -> dict[str, tuple[str, ...]]:
    return {name: seal.seal for name, seal in seals(desk, text).items()}


def test_nothing_is_sealed_unless_it_is_said(desk: Desk) -> None:
    settings = desk.load("[main]\ndestination = /mnt\n[/a]\n")
    assert settings.seal == settings.sections[0].seal == SealSettings()
    assert not settings.seal.encrypt


def test_encrypt_alone_is_split_and_age(desk: Desk) -> None:
    assert steps(desk, f"{MAIN}encrypt = yes\n[/a]\n") == dict.fromkeys(("main", "/a"), ("split", "age"))


@pytest.mark.parametrize(
    ("main", "section", "expected"),
    [
        ("seal = zstd, age", "seal = openssl\npassword = x", "openssl"),
        ("seal = zstd, age", "", "zstd, age"),
        ("seal = zstd, age", "encrypt = no", "zstd"),
        ("seal = zstd, split, age, par2", "encrypt = no", "zstd, split, par2"),
        ("seal = zstd, age, par2\nencrypt = yes", "encrypt = no", "zstd, split, par2"),
        ("encrypt = yes", "encrypt = no", ""),
        ("seal = zstd", "encrypt = yes", "zstd, split, age"),
        ("seal = zstd, split", "encrypt = yes", "zstd, split, age"),
        ("seal = par2", "encrypt = yes", "split, age, par2"),
        ("seal = zstd, openssl\npassword = x", "encrypt = yes", "zstd, openssl"),
        ("encrypt = no", "seal = age", "age"),
        ("encrypt = yes", "seal = zstd, age", "zstd, age"),
        ("seal = age", "seal = none", ""),
        ("", "encrypt = yes", "split, age"),
    ],
)
def test_a_section_says_what_is_else_in_its_own_way(desk: Desk, main: str, section: str, expected: str) -> None:
    assert ", ".join(steps(desk, f"{MAIN}{main}\n[/a]\n{section}\n")["/a"]) == expected


@pytest.mark.parametrize(
    ("main", "section", "problem"),
    [
        (
            "seal = zstd\nencrypt = yes",
            "",
            "x.conf:5: [main] encrypt: found yes, and seal = zstd, which doesn't encrypt; "
            "expected age, gpg or openssl among its steps",
        ),
        (
            "seal = none\nencrypt = yes",
            "",
            "x.conf:5: [main] encrypt: found yes, and seal = none, which doesn't encrypt; "
            "expected age, gpg or openssl among its steps",
        ),
        (
            "seal = zstd, age\nencrypt = no",
            "",
            "x.conf:5: [main] encrypt: found no, and seal = zstd, age, which encrypts; expected only one of them",
        ),
        (
            "encrypt = yes",
            "seal = zstd",
            "x.conf:6: [/a] seal: found zstd, and encrypt = yes ({here}/x.conf:4), which doesn't encrypt; "
            "expected age, gpg or openssl among its steps",
        ),
        (
            "private_names = yes",
            "",
            "x.conf:4: [main] private_names: found yes, and nothing encrypts: manifests and the copy of the catalog "
            "would tell all names; expected encrypt = yes, or a seal with age, gpg or openssl",
        ),
    ],
)
def test_what_is_at_odds_is_told(desk: Desk, main: str, section: str, problem: str) -> None:
    found = desk.problems(f"{MAIN}{main}\n[/a]\n{section}\n")
    assert found == [problem.replace("{here}/", "")]


@pytest.mark.parametrize(
    ("seal", "problem"),
    [
        (
            "age",
            "age encrypts for a key or with a password, and there is neither; "
            "expected recipients = age1… (age-keygen makes such a key), or password_file",
        ),
        (
            "gpg",
            "gpg encrypts for a key or with a password, and there is neither; "
            "expected recipients = ID (gpg --list-keys names them), or password_file",
        ),
        (
            "openssl",
            "openssl encrypts with a password, and there is none; "
            "expected password_file, or another of the password options",
        ),
    ],
)
def test_without_a_key_or_password_nothing_is_encrypted(desk: Desk, seal: str, problem: str) -> None:
    text = f"[main]\ndestination = /mnt\nseal = zstd, {seal}\n"
    assert desk.problems(text + "[/a]\n") == [f"x.conf:3: [main] seal: {problem}"]
    for password in PASSWORDS:
        value = {"password_file": "/p", "password_keyring": "a/b"}.get(password, "p")
        assert seals(desk, f"{text}[/a]\n{password} = {value}\n")["/a"].has_password
    assert seals(desk, text + "[/a]\n", environ={"GLACIER_BACKUP_PASSWORD": "x"})["/a"].has_password


def test_main_needs_no_key_where_each_section_has_one(desk: Desk) -> None:
    text = f"[main]\ndestination = /mnt\nencrypt = yes\n[/a]\nrecipients = {KEY}\n"
    assert seals(desk, text)["/a"].recipients == (KEY,)
    assert len(desk.problems(f"{text}[/b]\n")) == 1
    assert len(desk.problems("[main]\ndestination = /mnt\nencrypt = yes\n", paths=["/a"])) == 1


@pytest.mark.parametrize(("one", "other"), [(one, other) for one in PASSWORDS for other in PASSWORDS if one < other])
def test_one_password_is_enough(desk: Desk, one: str, other: str) -> None:
    values = {"password_file": "/p", "password_keyring": "a/b"}
    text = f"{MAIN}{one} = {values.get(one, 'p')}\n{other} = {values.get(other, 'p')}\n[/a]\n"
    (problem,) = desk.problems(text)
    assert problem.endswith("too; expected one of them")


def test_a_password_of_a_section_replaces_any_of_main_and_the_environment_that_of_main(desk: Desk) -> None:
    text = "[DEFAULT]\npassword_command = pass\n[main]\ndestination = /mnt\npassword_file = /p\n[/a]\n[/b]\n"
    found = seals(desk, f"{text}password_keyring = a/b\n")
    assert (found["/a"].password_file, found["/a"].password_command) == ("/p", None)
    assert (found["/b"].password_file, found["/b"].password_keyring) == (None, "a/b")
    found = seals(desk, f"{text}password_keyring = a/b\n", environ={"GLACIER_BACKUP_PASSWORD": "hunter2"})
    assert found["/a"].password is not None
    assert (found["/a"].password_file, found["/a"].password.get_secret_value()) == (None, "hunter2")
    assert (found["/b"].password, found["/b"].password_keyring) == (None, "a/b")


def test_recipients_of_a_section_are_the_only_ones(desk: Desk) -> None:
    found = seals(desk, f"{MAIN}recipients_file = /r\nencrypt = yes\n[/a]\nrecipients_file = /s\n[/b]\n")
    assert (found["/a"].recipients, found["/a"].recipients_file) == ((), "/s")
    assert (found["/b"].recipients, found["/b"].recipients_file) == ((KEY,), "/r")


@pytest.mark.parametrize("seal", ["age", "none"])
def test_a_private_key_among_recipients_is_not_shown(desk: Desk, seal: str) -> None:
    private = str(pyrage.x25519.Identity.generate())
    found = desk.problems(f"[main]\ndestination = /mnt\nseal = {seal}\nrecipients = {private}\n[/a]\n")
    assert found == [
        "x.conf:4: [main] recipients: found a private key, which isn't shown; "
        "expected the public one that belongs to it"
    ]


def test_recipients_are_those_of_the_step_that_encrypts(desk: Desk) -> None:
    (problem,) = desk.problems(f"{MAIN}seal = gpg\n[/a]\n")
    assert problem.startswith(f"x.conf:3: [main] recipients: found '{KEY}', a key of age's; expected an id")
    (problem,) = desk.problems(f"{MAIN}seal = age\n[/a]\nrecipients = me@here\n")
    assert problem == "x.conf:6: [/a] recipients: found 'me@here'; expected age1…, ssh-ed25519 AAAA… or ssh-rsa AAAA…"


def test_one_password_protects_the_key_that_is_made_for_all(desk: Desk) -> None:
    text = "[main]\ndestination = /mnt\nencrypt = yes\npassword_file = /p\n[/a]\n[/b]\npassword_file = /q\n"
    (problem,) = desk.problems(text)
    assert problem == (
        "x.conf:7: [/b] password_file: one password protects the key that is made for all, and [main] or a section "
        "above has another; expected the same, or recipients"
    )
    assert desk.load(f"{text}recipients = {KEY}\n").sections[1].seal.password_file == "/q"
    assert desk.load(f"{text}seal = openssl\n").sections[1].seal.password_file == "/q"


def test_what_has_no_effect_is_told(desk: Desk) -> None:
    settings = desk.load(f"{MAIN}zstd_level = 9\nvolume_size = 1 MiB\n[/a]\nseal = zstd, age\nredundancy = 9 %\n")
    assert [warning.replace(f"{desk.file}:", "") for warning in settings.warnings] == [
        "5: [main] volume_size: has no effect without the step split in seal",
        "8: [/a] redundancy: has no effect without the step par2 in seal",
    ]
    assert desk.load(f"{MAIN}[/a]\n").warnings == (
        f"{desk.file}:3: [main] recipients: has no effect without the step age or gpg in seal",
    )


def test_a_spool_in_what_is_looked_after_is_told(desk: Desk) -> None:
    text = f"{MAIN}encrypt = yes\nspool_dir = /a/b/spool\n[/a/b]\n[/a/b/c]\n"
    assert desk.load(text).warnings == (
        f"{desk.file}:5: [main] spool_dir: lies in [/a/b], and every run changes it; choose another",
    )


def test_a_path_is_sealed_as_the_innermost_section_says_that_it_lies_in(desk: Desk) -> None:
    text = f"{MAIN}[/a]\nseal = age\n[/a/b]\nseal = zstd, age\n[/ab]\n[sftp://h/c]\nseal = gzip, age\n"
    settings = desk.load(text)
    for path, expected in {
        "/a": "age",
        "/a/x": "age",
        "/a/b": "zstd, age",
        "/a/b/c/d": "zstd, age",
        "/ab/x": "",
        "/x": "",
        "/c/x": "gzip, age",
        "sftp://h:22/c/x": "gzip, age",
        "sftp://other:22/c/x": "",
    }.items():
        assert ", ".join(settings.seal_of(path).seal) == expected, path
    sections = desk.load(text, paths=["/a/b/c", "/x", "/a"]).sections
    assert [one.seal.seal for one in sections] == [("zstd", "age"), (), ("age",)]


def test_every_value_arrives_and_is_shown_but_for_the_password(desk: Desk) -> None:
    text = f"""\
[main]
destination = /mnt
seal = zstd, split, openssl, par2
recipients = {KEY}
recipients_file = ~/r
identity_file = ~/i
    /j
password = hunter2
gnupg_home = ~/g
zstd_level = 9
gzip_level = 1
openssl_cipher = aes-128-cbc
openssl_digest = sha256
openssl_iterations = 600000
volume_size = 512 MiB
volume_names = aaaaaa
redundancy = -r10 -n2
private_names = yes
spool_dir = ~/spool
[/a]
"""
    settings = desk.load(text)
    seal = settings.sections[0].seal
    assert seal == settings.seal
    assert seal.password is not None
    assert seal.password.get_secret_value() == "hunter2"
    assert (seal.volume_size, seal.redundancy.files, seal.private_names) == (512 * MIB, 2, True)
    assert settings.spool_dir == f"{desk.home}/spool"
    shown = {row.option: row.value for row in rows(settings) if row.section == "/a"}
    assert shown["seal"] == "zstd, split, openssl, par2"
    assert shown["encrypt"] == "yes"
    assert shown["password"] == "(set)"
    assert shown["volume_size"] == "512 MiB"
    assert shown["redundancy"] == "-r10 -n2"
    assert shown["identity_file"] == f"{desk.home}/i\n/j"
    for told in (repr(settings), str(settings), repr(list(rows(settings))), settings.model_dump_json()):
        assert "hunter" not in told


def test_a_password_in_a_file_that_others_may_read_is_told(desk: Desk) -> None:
    text = "[main]\ndestination = /mnt\nseal = openssl\npassword = hunter2\n[/a]\n"
    (desk.here / "x.conf").touch(0o644)
    (warning,) = desk.load(text).warnings
    assert warning == (
        f"{desk.file}:4: [main] password: stands in a file that others may read; "
        f"chmod 600 {desk.file}, or use password_file"
    )


def test_ten_thousand_sections_share_one_seal(desk: Desk) -> None:
    sections = "".join(f"[/data/{number}]\n" for number in range(10_000))
    settings = desk.load(f"{MAIN}encrypt = yes\n{sections}")
    assert len({id(one.seal) for one in settings.sections}) == 1


PAGE = Path(__file__).resolve().parents[2] / "docs/sealing.md"


@pytest.mark.parametrize("example", re.findall(r"```ini\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
def test_each_example_of_the_page_can_be_loaded(desk: Desk, example: str) -> None:
    settings = desk.load(example.replace(EXAMPLE, KEY))
    assert settings.warnings == ()
    assert any(one.seal.encrypt for one in settings.sections)


def test_the_long_example_of_the_page_means_what_it_says(desk: Desk) -> None:
    (example,) = (one for one in re.findall(r"```ini\n(.*?)```", PAGE.read_text(), re.DOTALL) if "/srv/films" in one)
    assert list(steps(desk, example).values()) == [
        ("zstd", "split", "age", "par2"),
        ("zstd", "split", "age", "par2"),
        ("age",),
        ("zstd", "split", "par2"),
    ]
