"""What is sealed comes back with what ``docs/recovery.md`` says, typed as it stands, without any glacier-backup."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.docs.test_recovery import CHAPTERS, HOST, MAIN, Person, looks, person
from tests.lacking import lacking
from tests.s3_servers.fixtures import Store
from tests.streams import noise
from tests.vault_server.process import VaultServer

__all__ = ["person"]  # a fixture

PASSWORD = "correct horse"

DISK = "destination = {here}/disk\n"

PUT_TOGETHER = {
    "apart": 'volumes.txt" | decompress | tar',
    "together": "| decrypt | decompress",
    "raw": 'decompress >"$OUT/$(basename',
}
"""Blocks of the chapter, by what is in them."""

COMPRESSED = {"zstd": "zstd --", "gzip": "gzip --", "": "{ cat; }"}


@pytest.fixture
def data(cli: Cli) -> Path:
    """A directory of two volumes and a file."""
    photos = cli.data / "photos"
    (photos / "2026").mkdir(parents=True)
    (photos / "2026/a 'quoted' one.jpg").write_bytes(noise(1_300_000))
    (photos / "words.txt").write_bytes(b"some words " * 20_000)
    (cli.data / "dump.sql").write_bytes(b"CREATE TABLE")
    return cli.data


def send(cli: Cli, data: Path, seal: str, destination: str = DISK, more: str = "", sections: str = "") -> None:
    text = f"seal = {seal}\nvolume_size = 1 MiB\nredundancy = 10 %\n{more}"
    ini = cli.ini(f"[main]\n{destination}{MAIN}{text}[{{data}}]\nupload_dirs = yes\nupload_files = yes\n{sections}")
    ran = cli("-c", ini)
    assert ran.code == 0, ran.err


def age_identity(cli: Cli) -> tuple[str, str]:
    """A file with a new key; the line of the INI file with its public one."""
    made = cli.folder / "identity.txt"
    program = shutil.which("age-keygen") or lacking("age is not installed")
    subprocess.run([program, "-o", made], check=True, capture_output=True)
    public = subprocess.run([program, "-y", made], check=True, capture_output=True, text=True).stdout
    return str(made), f"recipients = {public.strip()}\n"


def password(cli: Cli) -> tuple[str, str]:
    """A file with the password; the line of the INI file that names it."""
    file = cli.folder / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    return str(file), f"password_file = {file}\n"


def archive(disk: Path, name: str = "photos") -> str:
    """Host, path and time of the only archive of that name."""
    found = {path.relative_to(disk) for path in disk.rglob("*") if path.parent.name == name}
    times = {str(path.parent / path.name.partition(".")[0]) + "." + path.name.split(".")[1][:7] for path in found}
    (time,) = times
    return time


def follow(
    person: Person, archive: str, decrypting: str, compressed: str, together: str = "apart", **values: str
) -> None:
    """Type what the page says about such an archive; ``decrypting`` is a chapter, perhaps with a word of one block."""
    chapter, _, containing = decrypting.partition(": ")
    person.types(CHAPTERS["What is sealed"], ARCHIVE=archive)
    person.types(CHAPTERS["Checking and mending"], "sha256sum")
    if values:
        person.types(CHAPTERS[chapter], "=$", **values)
    person.types(CHAPTERS[chapter], containing or "decrypt()")
    if chapter.endswith("openssl"):
        person.types(CHAPTERS[chapter], "hmac()")
    person.types(CHAPTERS["Compressed"], COMPRESSED[compressed])
    person.types(CHAPTERS["Putting it together"], PUT_TOGETHER[together])


def is_back(person: Person, data: Path) -> bool:
    return looks(person.out / "photos") == looks(data / "photos")


def at_the_disk(person: Person, cli: Cli) -> str:
    """Type where that is; returns which archive lies there."""
    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    return archive(cli.folder / "disk")


@pytest.mark.parametrize(
    ("seal", "together"),
    [("zstd, split, age", "apart"), ("gzip, age, split", "together"), ("age", "apart"), ("zstd, age", "together")],
)
def test_age_for_a_key(cli: Cli, data: Path, person: Person, seal: str, together: str) -> None:
    person.has("age", "zstd")
    identity, line = age_identity(cli)
    send(cli, data, seal, more=line)

    compressed = next((one for one in ("zstd", "gzip") if one in seal), "")
    here = at_the_disk(person, cli)
    follow(person, here, "Encrypted with age, for a key", compressed, together, IDENTITY=identity)
    person.enter()

    assert is_back(person, data)


def test_age_for_an_ssh_key(cli: Cli, data: Path, person: Person) -> None:
    person.has("age")
    key = cli.folder / "id_ed25519"
    program = shutil.which("ssh-keygen") or lacking("ssh-keygen is not installed")
    subprocess.run([program, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    send(cli, data, "split, age", more=f"recipients = {key.with_suffix('.pub').read_text()}")

    follow(person, at_the_disk(person, cli), "Encrypted with age, for a key", "", IDENTITY=str(key))
    person.enter()

    assert is_back(person, data)


def test_age_with_a_password(cli: Cli, data: Path, person: Person) -> None:
    person.has("age", "zstd")
    _, line = password(cli)
    send(cli, data, "zstd, split, age", more=line)
    (protected,) = (cli.folder / "disk").rglob("identity-*.age")

    here = at_the_disk(person, cli)
    chapter = "Encrypted with age, with a password"
    follow(person, here, chapter, "zstd", PROTECTED=str(protected))
    with terminal(PASSWORD) as theirs:
        person.enter(shutil.which("setsid") or lacking("setsid is not installed"), "--ctty", stdin=theirs)

    assert is_back(person, data)


@contextmanager
def terminal(answer: str) -> Iterator[int]:
    """One at which somebody types ``answer`` as soon as anything is asked."""
    ours, theirs = pty.openpty()

    def types() -> None:
        with suppress(OSError):
            while not os.read(ours, 1000).rstrip().endswith(b":"):
                pass
            os.write(ours, f"{answer}\n".encode())

    typist = threading.Thread(target=types, daemon=True)
    typist.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        typist.join(10)
        os.close(ours)


def test_gpg_for_a_key(cli: Cli, data: Path, person: Person, tmp_path: Path) -> None:
    person.has("gpg", "gpg-agent", "gpgconf", "gpg-connect-agent")
    home = person.folder / ".gnupg"
    home.mkdir(mode=0o700)
    made = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "me@example",
        "default",
        "default",
    ]
    subprocess.run(made, check=True, capture_output=True)
    try:
        send(cli, data, "split, gpg", more=f"recipients = me@example\ngnupg_home = {home}\n")
        follow(person, at_the_disk(person, cli), "Encrypted with gpg: gpg --quiet --decrypt", "")
        person.enter()
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)

    assert is_back(person, data)


def test_gpg_with_a_password(cli: Cli, data: Path, person: Person) -> None:
    person.has("gpg", "gpg-agent", "gpgconf", "gpg-connect-agent", "zstd")
    file, line = password(cli)
    (person.folder / ".gnupg").mkdir(mode=0o700)
    send(cli, data, "zstd, split, gpg", more=line)
    try:
        follow(person, at_the_disk(person, cli), "Encrypted with gpg: --batch", "zstd", PASSWORD=file)
        person.enter()
    finally:
        subprocess.run(["gpgconf", "--homedir", person.folder / ".gnupg", "--kill", "all"], check=True)

    assert is_back(person, data)


@pytest.mark.parametrize("seal", ["zstd, split, openssl", "openssl"])
def test_openssl(cli: Cli, data: Path, person: Person, seal: str) -> None:
    person.has("openssl", "zstd", "head", "od")
    file, line = password(cli)
    send(cli, data, seal, more=f"{line}openssl_iterations = 10000\n")

    here = at_the_disk(person, cli)
    compressed = "zstd" if "zstd" in seal else ""
    follow(person, here, "Encrypted with openssl", compressed, PASSWORD=file, ITERATIONS="10000")
    said = person.enter()

    assert said == ""
    assert is_back(person, data)


def test_what_openssl_does_not_notice_the_hmac_does(cli: Cli, data: Path, person: Person) -> None:
    person.has("openssl", "head", "od")
    file, line = password(cli)
    send(cli, data, "split, openssl", more=f"{line}openssl_iterations = 10000\n")
    volume = next((cli.folder / "disk").rglob("photos/*.v001.enc"))
    wrong = bytearray(volume.read_bytes())
    wrong[700_000] ^= 1
    volume.write_bytes(wrong)
    volume.with_name(f"{volume.name}.sha256").write_text(f"{sha256(wrong).hexdigest()}  {volume.name}\n")

    here = at_the_disk(person, cli)
    follow(person, here, "Encrypted with openssl", "", PASSWORD=file, ITERATIONS="10000")

    assert f"{volume.name} was changed" in person.enter()


def test_parity_mends(cli: Cli, data: Path, person: Person) -> None:
    person.has("age", "zstd", "par2")
    identity, line = age_identity(cli)
    send(cli, data, "zstd, split, age, par2", more=line)
    for volume in (cli.folder / "disk").rglob("*.age"):
        wrong = bytearray(volume.read_bytes())
        wrong[10:15] = b"wrong"
        volume.write_bytes(wrong)

    here = at_the_disk(person, cli)
    person.types(CHAPTERS["What is sealed"], ARCHIVE=here)
    person.types(CHAPTERS["Checking and mending"], "par2")
    follow(person, here, "Encrypted with age, for a key", "zstd", IDENTITY=identity)
    person.enter()

    assert is_back(person, data)


def test_what_was_only_cut_or_compressed(cli: Cli, data: Path, person: Person) -> None:
    person.has("zstd")
    send(cli, data, "zstd, split")

    follow(person, at_the_disk(person, cli), "Not encrypted", "zstd")
    person.enter()

    assert is_back(person, data)


def test_a_file_that_is_no_tar(cli: Cli, data: Path, person: Person) -> None:
    person.has("age")
    identity, line = age_identity(cli)
    send(cli, data, "age", more=line)

    here = archive(cli.folder / "disk", "dump.sql")
    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    follow(person, here, "Encrypted with age, for a key", "", "raw", IDENTITY=identity)
    person.enter()

    assert (person.out / "dump.sql").read_bytes() == (data / "dump.sql").read_bytes()


def test_what_is_not_sealed_comes_back_beside_what_is(cli: Cli, data: Path, person: Person) -> None:
    _, line = age_identity(cli)
    plain = f"[{data}/photos]\nupload_single_dir = yes\nseal = none\nencrypt = no\n"
    send(cli, data, "age", more=line, sections=plain)

    person.types(CHAPTERS["A directory or a disk"], PLACE=str(cli.folder / "disk"))
    person.enter()

    assert looks(person.out / HOST / str(data / "photos")[1:]) == looks(data / "photos")
    (sealed,) = (person.out / "sealed.txt").read_text().splitlines()
    assert "/dump.sql/" in sealed


def test_a_sealed_tree(cli: Cli, data: Path, person: Person) -> None:
    person.has("age", "zstd")
    identity, line = age_identity(cli)
    tree = data / "tree"
    (tree / "2026").mkdir(parents=True)
    (tree / "2026/words.txt").write_bytes(b"some words " * 20_000)
    (tree / "2026/noise.bin").write_bytes(noise(100_000))
    ini = cli.ini(f"[main]\ndestination = {{here}}/disk\n{MAIN}seal = zstd, age\n{line}[{tree}]\nupload_tree = yes\n")
    assert cli("-c", ini).code == 0

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    person.types(CHAPTERS["Encrypted with age, for a key"], IDENTITY=identity)
    chapter = CHAPTERS["A directory that was sent file by file and sealed"]
    person.types(chapter, "TREE=", TREE=f"{HOST}{tree}", SEALED=".age")
    person.types(chapter, "case $file")
    person.enter()

    back = person.out / HOST / str(tree)[1:]
    for name in ("2026/words.txt", "2026/noise.bin"):
        assert (back / name).read_bytes() == (tree / name).read_bytes()


def test_a_sealed_tree_in_packs(cli: Cli, data: Path, person: Person) -> None:
    person.has("age", "zstd")
    identity, line = age_identity(cli)
    tree = data / "tree"
    (tree / "2026").mkdir(parents=True)
    (tree / "2026/words.txt").write_bytes(b"some words " * 20_000)
    (tree / "noise.bin").write_bytes(noise(1_000_000))
    (tree / "large.bin").write_bytes(noise(1_100_000))
    (tree / "private").write_text("private")
    (tree / "private").chmod(0o600)
    main = f"destination = {{here}}/disk\n{MAIN}seal = zstd, split, age\nvolume_size = 1 MiB\npack_size = 1 MiB\n{line}"
    ini = cli.ini(f"[main]\n{main}[{tree}]\nupload_tree = yes\nupload_if_changed = yes\n")
    assert cli("-c", ini).code == 0
    (tree / "2026/words.txt").write_bytes(b"other words " * 20_000)
    (tree / "noise.bin").write_bytes(noise(1_200_000, 2))
    (tree / "large.bin").write_bytes(noise(1_000, 3))
    assert cli("-c", ini).code == 0

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    person.types(CHAPTERS["A directory or a disk"], "sealed.txt")
    person.types(CHAPTERS["Encrypted with age, for a key"], IDENTITY=identity)
    chapter = CHAPTERS["A directory that was sent file by file and sealed"]
    person.types(chapter, TREE=f"{HOST}{tree}", SEALED=".age")
    person.enter()

    back = person.out / HOST / str(tree)[1:]
    for name in ("2026/words.txt", "noise.bin", "large.bin", "private"):
        assert (back / name).read_bytes() == (tree / name).read_bytes(), name
    assert (back / "private").stat().st_mode & 0o777 == 0o600


def test_names_that_are_hidden(cli: Cli, data: Path, person: Person) -> None:
    person.has("age")
    identity, line = age_identity(cli)
    send(cli, data, "split, age", more=f"{line}private_names = yes\n")

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    person.types(CHAPTERS["Encrypted with age, for a key"], IDENTITY=identity)
    person.types(CHAPTERS["Names that are hidden"])
    said = {path: key for key, _, path in (line.partition(": ") for line in person.enter().splitlines())}
    key = next(key for path, key in said.items() if path.strip('",').endswith("/photos"))

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    follow(person, key.partition(".")[0], "Encrypted with age, for a key", "", IDENTITY=identity)
    person.enter()

    assert is_back(person, data)


def test_from_a_bucket(cli: Cli, data: Path, person: Person, s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person.has("age", "zstd")
    identity, line = age_identity(cli)
    send(
        cli,
        data,
        "zstd, split, age",
        destination=f"destination = s3://{s3_store.bucket}/backup\nendpoint_url = {s3_store.server}\n",
        more=line,
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    person.types(CHAPTERS["A bucket"], "BUCKET=", BUCKET=s3_store.bucket, PREFIX="backup")
    person.types(CHAPTERS["A bucket"], "RESTORE.md")
    person.types(CHAPTERS["A bucket"], "sealed.txt")
    person.enter()
    manifests = (person.out / "sealed.txt").read_text().splitlines()
    fetched = person.folder / "fetched"
    here = next(one for one in manifests if "/photos/" in one).removeprefix(f"{fetched}/").partition(".tar")[0]

    person.types(CHAPTERS["A bucket"], "BUCKET=", BUCKET=s3_store.bucket, PREFIX="backup")
    person.types("```bash\nARCHIVE=x\n```\n", ARCHIVE=here)
    person.types(CHAPTERS["Fetching it from a bucket"])
    person.types(CHAPTERS["What is sealed"], ARCHIVE=here)
    person.types(CHAPTERS["Encrypted with age, for a key"], IDENTITY=identity)
    person.types(CHAPTERS["Compressed"], COMPRESSED["zstd"])
    person.types(CHAPTERS["Putting it together"], PUT_TOGETHER["apart"])
    person.enter()

    assert is_back(person, data)


def test_from_a_vault(
    cli: Cli, data: Path, person: Person, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.has("age", "zstd")
    identity, line = age_identity(cli)
    where = f"vault_name = {vault}\nregion = {vault_server.region}\nendpoint_url = {vault_server.endpoint_url}\n"
    send(cli, data, "zstd, split, age", destination=where, more=line)
    vault_server.control(take_inventory=vault)
    monkeypatch.setenv("AWS_ENDPOINT_URL", vault_server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", vault_server.region)

    person.types(CHAPTERS["A vault"], VAULT=vault)
    person.types(CHAPTERS["Fetching it from a vault"])
    person.enter()
    found = next(one for one in (person.folder / "fetched").rglob("*.v001.age") if one.parent.name == "photos")
    here = str(found.relative_to(person.folder / "fetched")).partition(".tar")[0]
    person.types(CHAPTERS["What is sealed"], ARCHIVE=here)
    person.types(CHAPTERS["Encrypted with age, for a key"], IDENTITY=identity)
    person.types(CHAPTERS["Compressed"], COMPRESSED["zstd"])
    person.types(CHAPTERS["Putting it together"], PUT_TOGETHER["apart"])
    person.enter()

    assert is_back(person, data)
