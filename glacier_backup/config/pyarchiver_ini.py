"""What pyArchiver was told to do, as an INI file of ours, and the files with passwords that it names."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from glacier_backup.config.pyarchiver import KEYS, PyArchiver
from glacier_backup.config.pyarchiver_file import Key
from glacier_backup.config.written import comment, option, section

SEAL = "zstd, age"
"""What encrypted tars become."""


def render(archiver: PyArchiver, target: str) -> str:
    """The text of the INI file at ``target``, an absolute path, whose comments say what to do next."""
    return "\n".join([*_next_steps(archiver, target), *_main(archiver, target), *_section(archiver)]) + "\n"


def password_files(archiver: PyArchiver, target: str) -> Mapping[str, str]:
    """Path → the password that belongs there, of each file that the INI file at ``target`` names."""
    found = {_ssh_password_file(target): archiver.ssh_password, _password_file(target): archiver.password}
    return {path: password for path, password in found.items() if password is not None}


def became(archiver: PyArchiver, target: str) -> Iterator[tuple[str, str]]:
    """Each key that is set, and what has become of it."""
    for key in archiver.given:
        if key in _OF_SERVER or key == ("Local", "dir"):
            yield _named(key), _of_repository(archiver, key, target)
        elif key in KEYS:
            yield _named(key), _of_key(archiver, key, target)
        else:
            yield _named(key), "nothing: pyArchiver has no such key"


def _named(key: Key) -> str:
    return f"[{key[0]}] {key[1]}"


_OF_SERVER = tuple(key for key in KEYS if key[0] == "Sftp")


def _of_repository(archiver: PyArchiver, key: Key, target: str) -> str:
    if (key[0] == "Sftp") != bool(archiver.host):
        return f"nothing: archives go to {archiver.destination}"
    if key == ("Sftp", "password"):
        return f"ssh_password_file = {_ssh_password_file(target)}"
    return f"destination = {archiver.destination}"


def _of_key(archiver: PyArchiver, key: Key, target: str) -> str:
    is_sealed = archiver.password is not None
    match key:
        case ("Archive", "directory"):
            return f"the section [{archiver.directory}]"
        case ("Archive", "name"):
            return "nothing: archives are named by their paths"
        case ("Archive", "exclude"):
            return f"exclude_regex = {archiver.excluded}" if archiver.excluded else "nothing: it is empty"
        case ("Tar", "size_tar"):
            return f"pack_size = {archiver.pack_size}"
        case ("Tar", "ciphered"):
            return f"seal = {SEAL}" if is_sealed else "nothing: archives are not encrypted"
        case ("Tar", "password"):
            return f"password_file = {_password_file(target)}" if is_sealed else "nothing: archives are not encrypted"
        case ("Repository", "type"):
            return f"destination = {archiver.destination}"
        case _:
            return "nothing: it says which program's file it is"


def _ssh_password_file(target: str) -> str:
    return f"{target}.ssh_password"


def _password_file(target: str) -> str:
    return f"{target}.password"


def _next_steps(archiver: PyArchiver, target: str) -> Iterator[str]:
    file = shlex.quote(target)
    cron = file.replace("%", r"\%")
    yield from comment(
        f"Made by `glacier-backup config import` from {archiver.file}: the settings of pyArchiver. "
        "docs/from-pyarchiver.md tells about the move. What to do next:"
    )
    steps: dict[str, tuple[str, ...]] = {}
    if archiver.host:
        port = f"-p {archiver.port} " if archiver.port != 22 else ""
        steps[
            "Get the server's host key, and compare its fingerprint with the one that the provider publishes; if they "
            "are the same, trust it:"
        ] = (
            f"ssh-keyscan {port}{shlex.quote(archiver.host)} > server.key",
            "ssh-keygen -lf server.key",
            "cat server.key >> ~/.ssh/known_hosts",
        )
    steps["Have what pyArchiver has stored taken over, so that it isn't sent again:"] = (
        f"glacier-backup catalog import {shlex.quote(archiver.record)} -c {file}",
    )
    steps["See what would be sent, and why. Nothing is sent:"] = (f"glacier-backup -d -c {file}",)
    if archiver.password is not None:
        steps["Try the password, and read who will be able to open the archives:"] = (
            f"glacier-backup config check -c {file}",
        )
    steps["Let cron do it, with this line:"] = (f"17 3 * * *  glacier-backup -c {cron}",)
    for number, (about, commands) in enumerate(steps.items(), start=1):
        yield "#"
        yield from comment(f"{number}. {about}")
        yield from (f"#     {command}" for command in commands)
    yield ""


def _main(archiver: PyArchiver, target: str) -> Iterator[str]:
    yield "[main]"
    yield option("destination", archiver.destination)
    if archiver.ssh_password is not None:
        yield option("ssh_password_file", _ssh_password_file(target))
    if archiver.is_gateway:
        yield from comment("An archive gateway: the first read of a file starts hours of unsealing.")
        yield "cold = yes"
    if archiver.password is not None:
        yield from comment(
            "What is sent is compressed, and encrypted for a key that the first run makes and the password protects: "
            "keep the password, and a copy of the key, which is identity.age beside the catalog. See docs/sealing.md."
        )
        yield f"seal = {SEAL}"
        yield option("password_file", _password_file(target))
    yield ""


def _section(archiver: PyArchiver) -> Iterator[str]:
    yield section(archiver.directory)
    yield "upload_tree = yes"
    yield "upload_if_changed = yes"
    yield option("pack_size", archiver.pack_size)
    yield from comment(
        "pyArchiver stored what links to files lead to, and passed by links to directories. This follows both, so that "
        "nothing can be missing that was stored until now. store sends each as a link; skip leaves them out."
    )
    yield "symlinks = follow"
    if archiver.excluded:
        yield option("exclude_regex", archiver.excluded)
