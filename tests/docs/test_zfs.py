"""``docs/zfs.md`` can be followed, and what ``docs/recovery.md`` says brings datasets back with stock tools alone."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from glacier_backup.model.increment import Link
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.restore_note import NOTE
from glacier_backup.model.snapshot import Span, span_of, stream_step
from glacier_backup.units import parse_stamp
from tests.cli.harness import REPOSITORY, Cli
from tests.docs.test_docs import bash, blocks
from tests.docs.test_recovery import CHAPTERS, HOST, Person, person
from tests.docs.test_recovery_sealed import age_identity, password
from tests.roundtrip.trees import look
from tests.s3_servers.fixtures import Store
from tests.streams import noise
from tests.vault_server.process import VaultServer
from tests.zfs_fuse.daemon import program
from tests.zfs_fuse.pool import Made, Pool, zfs

__all__ = ["person"]  # a fixture

PAGE = (REPOSITORY / "docs/zfs.md").read_text()
DISK = "destination = {here}/disk\n"


def has_zfs(person: Person) -> None:
    (person._tools / "zfs").symlink_to(program("zfs"))


def chain(cli: Cli, pool: Pool, main: str, options: str = "") -> Made:
    """A dataset that was sent three times, and changed in between."""
    photos = pool.filesystem("photos")
    ini = cli.ini(f"[main]\n{main}catalog = {{here}}/catalog.sqlite3\nlogfile =\n[zfs:{photos.name}]\n{options}")
    for number in range(3):
        (photos.mounted / f"file {number}").write_bytes(_half_noise(number))
        (photos.mounted / "changes").write_text(f"{number}")
        (photos.mounted / f"file {number - 2}").unlink(missing_ok=True)
        ran = cli("-c", ini)
        assert ran.code == 0, ran.err
    return photos


def _half_noise(seed: int) -> bytes:
    """2.4 MB that shrink to half of it."""
    source = noise(1_200_000, seed)
    return b"".join(source[at : at + 600] + bytes(600) for at in range(0, len(source), 600))


def is_back(pool: Pool, photos: Made, target: str) -> bool:
    return look(pool.mounted(target)) == look(photos.mounted)


def test_the_example_is_right(cli: Cli) -> None:
    (example,) = blocks(PAGE, "ini")
    _, recipients = age_identity(cli)
    (cli.folder / "example.ini").write_text(re.sub("(?m)^recipients = .*\n", recipients, example))

    ran = cli("config", "check", "-c", cli.folder / "example.ini")

    assert (ran.code, ran.err) == (0, "")


def test_recipes_say_what_the_page_says() -> None:
    begun, before = parse_stamp("20260301T040000.000000Z"), parse_stamp("20260315T040000.000000Z")
    first, second = map(json.loads, blocks(PAGE, "json"))
    for said, span, link in (
        (first, Span("offsite-20260321", "5a1f0c3b99d2e871"), Link(0)),
        (second, Span("offsite-20260322", "81c26be04f7ad915", "offsite-20260315"), Link(2, begun, before)),
    ):
        step = Step(said.pop("step"), said)
        assert stream_step("zfs", span, link) == step
        assert span_of(Recipe((step,))) == span


def test_the_commands_run(cli: Cli, pool: Pool) -> None:
    """As they stand, but for the names of datasets and folders."""
    photos = chain(cli, pool, DISK)
    new, january, scratch = pool.unused("restored"), pool.unused("january"), pool.unused("scratch")
    own = {"tank/photos": photos.name, "tank/restored": new, "tank/january": january, "tank/scratch": scratch}
    own |= {"2026-01-31": "2999-01-01", "/mnt/new": f"{cli.folder}/new"}
    lines = "".join(one for one in blocks(PAGE, "text") if "restore zfs:tank/photos" in one).splitlines()
    for line in (one for one in lines if one.startswith("glacier-backup")):
        for name, value in own.items():
            line = line.replace(name, value)
        ran = cli(*shlex.split(line)[1:], "-c", cli.folder / "backup.ini")
        assert (ran.code, ran.err) == (0, ""), line

    for target in (new, january, scratch):
        assert is_back(pool, photos, target)


def test_what_comes_as_files_is_received_as_the_page_says(cli: Cli, pool: Pool, tmp_path: Path) -> None:
    photos = chain(cli, pool, DISK)
    assert cli("restore", f"zfs:{photos.name}", "--to", tmp_path / "new", "-c", cli.folder / "backup.ini").code == 0
    (block,) = (one for one in blocks(PAGE, "text") if "zfs receive -F" in one)
    baseline, increment = block.splitlines()
    target, last = pool.unused("restored"), photos.name.rpartition("/")[2]
    (folder,) = (tmp_path / "new").iterdir()
    (first,) = (path.name for path in folder.iterdir() if "_" not in path.name)
    others = sorted((path for path in folder.iterdir() if "_" in path.name), key=lambda path: path.stat().st_mtime_ns)
    assert first.startswith(f"{last}@offsite-")

    typed = [baseline.replace("tank/restored", target).replace("photos@offsite-20260321.zfs", first)]
    for other in sorted(others, key=lambda path: _number(path.name, photos.name)):
        typed.append(re.sub(r"photos@\S+", other.name, increment.replace("tank/restored", target)))
    bash("\n".join(typed), folder, PATH=f"{Path(program('zfs')).parent}:/usr/bin:/bin")

    assert is_back(pool, photos, target)


def _number(stream: str, dataset: str) -> int:
    """Where in the order of creation the snapshot stands that it leads to."""
    names = zfs("list", "-H", "-t", "snapshot", "-o", "name", "-s", "createtxg", "-d", "1", dataset).split()
    return next(number for number, name in enumerate(names) if stream.endswith(f"_{name.partition('@')[2]}.zfs"))


def test_it_comes_back_from_a_directory(cli: Cli, pool: Pool, person: Person) -> None:
    has_zfs(person)
    photos = chain(cli, pool, DISK)
    target = pool.unused("restored")

    person.types(CHAPTERS["A directory or a disk"], PLACE=str(cli.folder / "disk"))
    dataset = CHAPTERS["A dataset of ZFS"]
    person.types(dataset, "TARGET=", DATASET=f"{HOST}/zfs:/{photos.name}", TARGET=target)
    person.types(dataset, "newest.txt")
    person.enter()

    assert is_back(pool, photos, target)


def test_it_comes_back_from_a_bucket(
    cli: Cli, pool: Pool, person: Person, s3_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_zfs(person)
    photos = chain(cli, pool, f"destination = s3://{s3_store.bucket}/backup\nendpoint_url = {s3_store.server}\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_store.server)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    target = pool.unused("restored")

    bucket = CHAPTERS["A bucket"]
    person.types(bucket, "BUCKET=", BUCKET=s3_store.bucket, PREFIX="backup")
    person.types(bucket.partition("A directory that was sent file by file")[0].partition("What says what")[2])
    dataset = CHAPTERS["A dataset of ZFS"]
    person.types(dataset, "TARGET=", DATASET=f"{HOST}/zfs:/{photos.name}", TARGET=target)
    person.types(dataset, "newest.txt")
    person.enter()

    assert is_back(pool, photos, target)


def test_it_comes_back_from_a_vault(
    cli: Cli, pool: Pool, person: Person, vault: str, vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_zfs(person)
    place = f"vault_name = {vault}\nregion = {vault_server.region}\nendpoint_url = {vault_server.endpoint_url}\n"
    photos = chain(cli, pool, place)
    vault_server.control(take_inventory=vault)
    monkeypatch.setenv("AWS_ENDPOINT_URL", vault_server.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", vault_server.region)
    target = pool.unused("restored")

    person.types(CHAPTERS["A vault"], VAULT=vault)
    dataset = CHAPTERS["A dataset of ZFS"]
    person.types(dataset, "TARGET=", DATASET=f"{HOST}/zfs:{photos.name}", TARGET=target)
    person.types(dataset, "for stream")
    person.enter()

    assert is_back(pool, photos, target)


@pytest.mark.parametrize(
    ("seal", "encrypted", "together"),
    [("zstd, split, age", "Encrypted with age, for a key", False), ("openssl, split, par2", "openssl", True)],
)
def test_what_is_sealed_comes_back(
    cli: Cli, pool: Pool, person: Person, seal: str, encrypted: str, together: bool
) -> None:
    has_zfs(person)
    person.has("age", "openssl", "zstd", "par2", "head", "od", "rm")
    key, line = age_identity(cli) if "age" in seal else password(cli)
    options = f"seal = {seal}\nvolume_size = 1 MiB\nredundancy = 10 %\n{line}"
    photos = chain(cli, pool, f"{DISK}{options}")
    _damage(cli.folder / "disk") if together else None
    target = pool.unused("restored")
    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    if together:
        person.types(CHAPTERS["Encrypted with openssl"], "ITERATIONS=2", PASSWORD=key, ITERATIONS="250000")
        person.types(CHAPTERS["Encrypted with openssl"], "decrypt()")
    else:
        person.types(CHAPTERS[encrypted], IDENTITY=key)
    person.types(CHAPTERS["Compressed"], "zstd --" if "zstd" in seal else "{ cat; }")

    for number in range(3):
        (manifest,) = (cli.folder / "disk").rglob(f"*Z.inc{number}.zfs*.json" if number else "*Z.zfs*.json")
        archive = str(manifest.relative_to(cli.folder / "disk")).partition(".zfs")[0]
        person.types(CHAPTERS["What is sealed"], ARCHIVE=archive)
        person.types(CHAPTERS["Checking and mending"], "par2 repair" if together else "sha256sum")
        person.types(CHAPTERS["A sealed dataset"], "TARGET=", TARGET=target, FORCE="-F" if number else "")
        person.types(CHAPTERS["A sealed dataset"], "cat" if together else "decrypt <")
    person.enter()

    assert is_back(pool, photos, target)


def _damage(disk: Path) -> None:
    (volume,) = disk.rglob("*.inc1.zfs.enc.v001")
    content = bytearray(volume.read_bytes())
    content[300_000] ^= 1
    volume.write_bytes(content)


def test_what_bears_the_names_of_zfs_to_aws_comes_back(cli: Cli, pool: Pool, person: Person) -> None:
    has_zfs(person)
    person.has("openssl", "par2")
    key, line = password(cli)
    options = f"layout = zfs-to-aws\nseal = openssl, split, par2\n{line}snapshot = latest\n"
    photos = pool.filesystem("photos")
    ini = cli.ini(f"[main]\n{DISK}catalog = {{here}}/catalog.sqlite3\nlogfile =\n[zfs:{photos.name}]\n{options}")
    for number in range(3):
        (photos.mounted / f"file {number}").write_bytes(noise(900_000, number))
        photos.snapshot(f"offsite-2026010{number + 1}")
        ran = cli("-c", ini)
        assert ran.code == 0, ran.err
    target, last = pool.unused("restored"), photos.name.rpartition("/")[2]

    person.types("```bash\nPLACE=x\n```\n", PLACE=str(cli.folder / "disk"))
    person.types(CHAPTERS["Encrypted with openssl"], "ITERATIONS=2", PASSWORD=key, ITERATIONS="250000")
    person.types(CHAPTERS["Encrypted with openssl"], "decrypt()")
    person.types(CHAPTERS["Compressed"], "{ cat; }")
    folders = ["baseline-20260101", "incrementals/F20260101-T20260102", "incrementals/F20260102-T20260103"]
    for folder in folders:
        person.types(CHAPTERS["A dataset under the names of zfs-to-aws"], FOLDER=f"{last}/{folder}")
        person.types(CHAPTERS["Checking and mending"], "par2 repair")
        force = "" if folder.startswith("baseline") else "-F"
        person.types(CHAPTERS["A sealed dataset"], "TARGET=", TARGET=target, FORCE=force)
        person.types(CHAPTERS["A sealed dataset"], "cat")
    person.enter()

    assert is_back(pool, photos, target)


def test_the_note_beside_archives_says_what_brings_it_back(cli: Cli, pool: Pool) -> None:
    photos = chain(cli, pool, DISK)
    target = pool.unused("restored")
    typed = [line.strip() for line in NOTE.splitlines() if line.strip().startswith("zfs receive")]
    (folder,) = {path.parent for path in (cli.folder / "disk").rglob("*.inc1.zfs")}
    (full,) = (path.name for path in folder.glob("*Z.zfs"))
    increments = [next(folder.glob(f"*.inc{number}.zfs")).name for number in (1, 2)]

    first, other = (line.replace("POOL/NEW", target) for line in typed)
    lines = [first.replace("TIME.zfs", full), *(other.replace("TIME.inc1.zfs", name) for name in increments)]
    bash("\n".join(lines), folder, PATH=f"{Path(program('zfs')).parent}:/usr/bin:/bin")

    assert is_back(pool, photos, target)
