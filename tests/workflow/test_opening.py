"""Opening what was fetched by other means: offline, and never anything but what was sealed."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, GlacierBackupError, KeyNeeded, SealError, UsageError, WrongKey
from glacier_backup.model.archive import Container
from glacier_backup.model.snapshot import Span
from glacier_backup.pack.unpackers import LINK_UNPACKER, UNPACKERS
from glacier_backup.seal import par2
from glacier_backup.seal.chain import NO_SEAL, Chain, Parity
from glacier_backup.seal.keys import NO_KEYS, Keys
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.seal.sealer import Sealer
from glacier_backup.workflow.opening.bundles import bundles
from glacier_backup.workflow.opening.open import Opened, OpenTools, list_inside, open_into
from glacier_backup.workflow.restoring.target import Obstacle, Target
from tests.lacking import lacking
from tests.seal.sealing import sealed
from tests.seal.test_pyarchiver import encrypted as pyarchiver_encrypted
from tests.streams import noise
from tests.workflow import seals
from tests.workflow.sealed_files import DOCS, STEM, content, put, tar_of

CHAINS = [
    "zstd age",
    "gzip openssl",
    "split",
    "zstd split",
    "split age",
    "zstd split age",
    "zstd split openssl",
    "age split",
    "openssl split",
    "split age par2",
    "zstd split openssl par2",
    "openssl split par2",
]
CUT = [names for names in CHAINS if "split" in names]


class Desk:
    """Opens into a folder, and says what became of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.to = folder / "to"
        self.said: list[str] = []

    def open(self, *files: Path, keys: Keys = NO_KEYS) -> list[Opened]:
        tools = OpenTools(keys, UNPACKERS, LINK_UNPACKER, tell=self.said.append)
        with Target(str(self.to), create=True) as target:
            return list(open_into(bundles(map(str, files)), target, tools))

    def one(self, *files: Path, keys: Keys = NO_KEYS) -> Opened:
        (result,) = self.open(*files, keys=keys)
        return result

    def refused(self, *files: Path, keys: Keys = NO_KEYS) -> GlacierBackupError:
        """The error of the only archive, of which nothing came."""
        result = self.one(*files, keys=keys)
        assert result.error is not None
        assert list(self.to.iterdir()) == []
        return result.error

    def list(self, *files: Path, keys: Keys = NO_KEYS) -> list[Opened]:
        return list(list_inside(bundles(map(str, files)), OpenTools(keys, UNPACKERS, LINK_UNPACKER)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def chain_of(names: str, folder: Path) -> tuple[Chain, Keys]:
    return seals.chain(names, folder)


@pytest.mark.parametrize("names", CHAINS)
def test_what_was_sealed_comes_back(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "fetched", chain)
    result = desk.one(objects[0], keys=keys)
    assert (result.state, result.to, result.path) == ("opened", str(desk.to / "docs"), "/home/me/docs")
    assert content(desk.to) == DOCS
    assert desk.said == []


def as_usual(sealers: tuple[Sealer, ...]) -> tuple[Sealer, ...]:
    """With as many iterations as are taken where nothing says how many."""
    return tuple(replace(one, iterations=250_000) if isinstance(one, OpenSSL) else one for one in sealers)


@pytest.mark.parametrize("names", CHAINS)
def test_names_alone_do_where_the_manifest_is_lost(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    chain = Chain(as_usual(chain.before), chain.split, as_usual(chain.each), chain.parity)
    *objects, manifest = put(tmp_path / "fetched", chain)
    manifest.unlink()
    result = desk.one(objects[-1], keys=keys)
    assert (result.state, result.to) == ("opened", str(desk.to / "docs"))
    assert content(desk.to) == DOCS


def test_a_raw_file_has_its_own_name_and_time(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("zstd age", tmp_path)
    (volume, manifest) = put(tmp_path / "f", chain, b"content", path="/home/me/a.txt", container="raw")
    assert desk.one(manifest, keys=keys).to == str(desk.to / "a.txt")
    assert content(desk.to) == {"a.txt": b"content"}
    manifest.unlink()
    assert desk.one(volume, keys=keys).to == str(desk.to / f"{STEM}.txt")


STREAM = bytes(8) + (0x2F5BACBAC).to_bytes(8, "little") + noise(9_000)
"""As far as anybody looks."""


@pytest.mark.parametrize("names", ["zstd age", "openssl split"])
def test_streams_of_a_dataset_are_called_by_their_snapshots(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    spans = {"photos@a.zfs": Span("a"), "photos@a_b: c.zfs": Span("b: c", "81c2" * 4, "a")}
    for folder, span in zip("fg", spans.values(), strict=True):
        *objects, _ = put(tmp_path / folder, chain, STREAM, path="zfs:tank/photos", container="zfs", span=span)
        result = desk.one(objects[0], keys=keys)
        assert result.error is None
        assert "zfs receive" in desk.said[-1]
        assert [one.path for one in desk.list(objects[0], keys=keys)] == ["zfs:tank/photos"]
    assert content(desk.to) == dict.fromkeys(spans, STREAM)


def test_a_wrong_password_is_told_from_what_no_stream_begins_with(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("openssl split", tmp_path)
    span = Span("a")
    objects = put(tmp_path / "f", chain, noise(9_000), path="zfs:tank/photos", container="zfs", span=span)
    assert isinstance(desk.refused(objects[0], keys=keys), WrongKey)


def test_what_was_never_sealed_opens_too(tmp_path: Path, desk: Desk) -> None:
    volume, _ = put(tmp_path / "f", NO_SEAL)
    assert desk.one(volume).state == "opened"
    assert content(desk.to) == DOCS


def test_a_file_of_a_tree_is_found_by_its_manifest(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("age", tmp_path)
    volume, manifest = put(tmp_path / "f", chain, b"now", path="/p/a.jpg", container="raw", fixed_key="host/p/a.jpg")
    assert volume.name == "a.jpg.age"
    text = manifest.read_text()
    manifest.rename(manifest.with_name(f"a.jpg.age~{STEM}.recipe.json"))
    manifest.with_name("a.jpg.age~20200101T000000.000000Z.recipe.json").write_text(
        text.replace('"bytes": ', '"bytes": 1').replace("2026-03-21", "2020-01-01")
    )
    result = desk.one(volume, keys=keys)
    assert (result.state, result.path) == ("opened", "/p/a.jpg")
    assert content(desk.to) == {"a.jpg": b"now"}


def test_files_of_any_origin_open(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"notes"))
    (tmp_path / "plain.tar").write_bytes(tar_of({"x": b"1", "y": b"2"}))
    (tmp_path / "no-suffix").write_bytes(gzip.compress(b"inside"))
    results = desk.open(tmp_path / "notes.txt.gz", tmp_path / "plain.tar", tmp_path / "no-suffix")
    assert [one.state for one in results] == ["opened"] * 3
    assert content(desk.to) == {"notes.txt": b"notes", "plain/x": b"1", "plain/y": b"2", "no-suffix": b"inside"}


def test_checksums_beside_what_is_opened_are_passed_over(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("zstd split age par2", tmp_path)
    objects = put(tmp_path / "fetched", chain)
    for one in objects:
        one.with_name(f"{one.name}.sha256").write_text("of another program's concern\n")
    assert desk.one(*sorted((tmp_path / "fetched").iterdir()), keys=keys).state == "opened"
    assert desk.said == []
    assert content(desk.to) == DOCS


def test_what_nothing_tells_of_is_refused(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "photo").write_bytes(b"\xff\xd8")
    assert "nothing tells what" in str(desk.refused(tmp_path / "photo"))
    with pytest.raises(UsageError, match="there is no file"):
        desk.open(tmp_path / "missing")


def test_several_archives_are_told_apart(tmp_path: Path, desk: Desk) -> None:
    folder = tmp_path / "fetched"
    one, keys = chain_of("zstd split age par2", tmp_path)
    put(folder, one)
    other, _ = chain_of("gzip", tmp_path)
    put(folder / "other", other, b"content", path="/home/me/a.txt", container="raw")
    (folder / "README").write_text("no archive")
    results = desk.open(folder, folder / "other", keys=keys)
    assert [one.state for one in results] == ["opened", "opened"]
    assert content(desk.to) == DOCS | {"a.txt": b"content"}


def test_volumes_in_several_folders_are_one_archive(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("split age", tmp_path)
    first, second, *_ = put(tmp_path / "a", chain)
    (tmp_path / "b").mkdir()
    moved = second.rename(tmp_path / "b" / second.name)
    assert desk.one(first, moved, keys=keys).state == "opened"
    assert content(desk.to) == DOCS


def test_volumes_that_were_fetched_under_other_names_are_known_by_their_bytes(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("split age", tmp_path)
    renamed = [one.rename(one.with_name(f"job-{number}")) for number, one in enumerate(put(tmp_path / "f", chain))]
    result = desk.one(*reversed(renamed), keys=keys)
    assert (result.state, result.name) == ("opened", "docs.tar.age")
    assert content(desk.to) == DOCS


@pytest.mark.parametrize("names", ["split par2", "zstd split age par2", "openssl split par2"])
@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_damaged_volume_is_mended_and_said_so(tmp_path: Path, desk: Desk, names: str, with_manifest: bool) -> None:
    chain, keys = seals.chain(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    if not with_manifest and "openssl" not in names:
        objects[-1].unlink()
    second = objects[1].read_bytes()
    objects[1].write_bytes(second[:5000] + bytes([second[5000] ^ 1]) + second[5001:-100])
    before = content(tmp_path / "f")
    result = desk.one(objects[0], keys=keys)
    assert result.state == "opened"
    assert content(desk.to) == DOCS
    assert any("mended by its parity" in said and objects[1].name in said for said in desk.said)
    assert list(result.notes) == desk.said
    assert content(tmp_path / "f") == before  # what was given stays as it is


def test_a_missing_volume_comes_out_of_enough_parity(tmp_path: Path, desk: Desk) -> None:
    chain, keys = seals.chain("split age par2", tmp_path, redundancy=100)
    objects = put(tmp_path / "f", chain)
    objects[1].unlink()
    assert desk.one(objects[0], keys=keys).state == "opened"
    assert content(desk.to) == DOCS
    assert "volume 2 is missing; it is mended" in desk.said[0]


@pytest.mark.parametrize("names", CUT)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_missing_volume_is_refused(tmp_path: Path, desk: Desk, names: str, which: int) -> None:
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    objects[which].unlink()
    error = desk.refused(objects[-1], keys=keys)
    assert isinstance(error, DamageFound)
    assert f"volume {which + 1} is missing" in str(error) or "not enough" in str(error)


@pytest.mark.parametrize("names", CUT)
def test_a_missing_volume_in_the_middle_is_refused_without_a_manifest(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    *objects, manifest = put(tmp_path / "f", chain)
    manifest.unlink()
    objects[1].unlink()
    assert isinstance(desk.refused(objects[0], keys=keys), DamageFound)


@pytest.mark.parametrize(
    ("names", "with_manifest"), [*((names, True) for names in CUT), *((names, False) for names in CUT[1:])]
)
def test_volumes_with_each_others_names_are_refused(
    tmp_path: Path, desk: Desk, names: str, with_manifest: bool
) -> None:
    """With all that belongs to them; and without a manifest, but where nothing proves it, which is said."""
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    if not with_manifest:
        objects[-1].unlink()
    swapped = [one for one in objects if ".v001" in one.name or ".v002" in one.name]
    for one in swapped:
        one.rename(f"{one}~")
    for one in swapped:
        Path(f"{one}~").rename(one.with_name(_swap(one.name)))
    error = desk.refused(objects[2], keys=keys)
    assert isinstance(error, DamageFound if with_manifest or "openssl" not in names else GlacierBackupError)


def _swap(name: str) -> str:
    return name.replace(".v001", ".v000").replace(".v002", ".v001").replace(".v000", ".v002")


@pytest.mark.parametrize("names", [names for names in CHAINS if "par2" not in names])
def test_a_truncated_end_is_refused(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    last = objects[-2]
    last.write_bytes(last.read_bytes()[:-16])
    assert isinstance(desk.refused(last, keys=keys), DamageFound)


@pytest.mark.parametrize("names", ["zstd age", "split openssl", "openssl split", "zstd split age par2", "split"])
def test_whatever_byte_is_flipped_nothing_wrong_comes_out(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    chance = random.Random(names)
    for one in objects:
        whole = one.read_bytes()
        for at in (0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(4))):
            one.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
            result = desk.one(objects[0], keys=keys)
            if result.state == "opened":
                # What a manifest says of time or host, and what parity isn't needed, matter to nobody.
                assert sorted(content(desk.to).values()) == sorted(DOCS.values())
                shutil.rmtree(desk.to)
            else:
                assert isinstance(result.error, DamageFound), (one.name, at, result.error)
                assert list(desk.to.iterdir()) == []
        one.write_bytes(whole)


@pytest.mark.parametrize(
    "names", ["age", "zstd split age", "age split", "zstd openssl", "split openssl", "openssl split"]
)
def test_a_wrong_key_is_told_and_nothing_is_written(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, _ = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    (tmp_path / "other").mkdir()
    _, other = seals.age(tmp_path / "other")
    wrong = replace(other, password=lambda: "not the password")
    assert isinstance(desk.refused(objects[0], keys=wrong), WrongKey)
    assert isinstance(desk.refused(objects[0]), KeyNeeded)


def test_a_sealed_manifest_is_opened_first(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("zstd split age", tmp_path)
    *volumes, manifest = put(tmp_path / "f", chain)
    manifest.with_name(f"{manifest.name}.age").write_bytes(sealed(chain.each[0], manifest.read_bytes()).data)
    manifest.unlink()
    result = desk.one(volumes[0], keys=keys)
    assert (result.state, result.path) == ("opened", "/home/me/docs")
    volumes[-1].unlink()
    shutil.rmtree(desk.to)
    assert isinstance(desk.refused(volumes[0], keys=keys), DamageFound)
    assert isinstance(desk.refused(volumes[0]), KeyNeeded)


def test_what_is_there_stays(tmp_path: Path, desk: Desk) -> None:
    volume, manifest = put(tmp_path / "f", NO_SEAL)
    desk.to.mkdir()
    (desk.to / "docs").write_text("mine")
    for _ in range(2):
        result = desk.one(volume)
        assert result.state == "kept"
        assert isinstance(result.error, Obstacle)
        assert content(desk.to) == {"docs": b"mine"}
        manifest.unlink(missing_ok=True)


def test_a_manifest_that_is_none_is_told(tmp_path: Path, desk: Desk) -> None:
    volume, manifest = put(tmp_path / "f", NO_SEAL)
    manifest.write_text("{}")
    assert "no manifest" in str(desk.refused(volume))


def test_an_archive_that_is_listed_writes_nothing(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("zstd split age par2", tmp_path)
    objects = put(tmp_path / "f", chain)
    objects[0].write_bytes(objects[0].read_bytes()[:-5])
    (listed,) = desk.list(objects[0], keys=keys)
    assert (listed.state, [one.path for one in listed.members]) == ("listed", list(DOCS))
    assert [one.size for one in listed.members] == [len(one) for one in DOCS.values()]
    assert "mended" in listed.notes[0]
    assert not desk.to.exists()


@pytest.mark.parametrize("names", ["zstd age", "split"])
def test_listing_checks_to_the_end(tmp_path: Path, desk: Desk, names: str) -> None:
    chain, keys = chain_of(names, tmp_path)
    objects = put(tmp_path / "f", chain)
    last = objects[-2]
    last.write_bytes(last.read_bytes()[:-1] + b"?")
    objects[-1].unlink()
    (listed,) = desk.list(objects[0], keys=keys)
    assert (listed.state, len(list(listed.members))) == ("damaged", 0)


def openssl_cut(data: bytes, folder: Path, name: str, size: int = 100_000) -> list[Path]:
    """As zfs-to-aws does it: encrypted by the stock program, then cut by split(1)."""
    for program in ("openssl", "split"):
        if shutil.which(program) is None:
            lacking(f"needs {program}")
    folder.mkdir(exist_ok=True)
    command = ["openssl", "enc", "-aes-256-cbc", "-md", "sha512", "-pbkdf2", "-iter", "250000", "-pass", "env:P"]
    environment = {**os.environ, "P": seals.PASSWORD}
    made = subprocess.run(command, input=data, stdout=subprocess.PIPE, env=environment, check=True).stdout
    split = ["split", "-b", str(size), "-a", "6", "-", f"{name}-part-"]
    subprocess.run(split, input=made, cwd=folder, check=True)
    return sorted(folder.iterdir())


WRONG = ("wrong", "wronger", "wrongest")
"""Only the padding tells, and that of one wrong password in 256 is right by chance."""

ZFS = bytes(8) + (0x2F5BACBAC).to_bytes(8, "little")


def test_parts_of_zfs_to_aws_become_one_stream(tmp_path: Path, desk: Desk) -> None:
    stream = ZFS + noise(250_000)
    parts = openssl_cut(stream, tmp_path / "f", "tank-F20260101-T20260108")
    for part in parts:
        par2.create(str(part), Parity(5, files=1, memory=3000), lambda: None)
    parts[1].write_bytes(parts[1].read_bytes()[:-7])
    keys = Keys(password=lambda: seals.PASSWORD)
    result = desk.one(parts[0], keys=keys)
    assert result.state == "opened"
    assert content(desk.to) == {"tank-F20260101-T20260108": stream}
    assert any("zfs receive" in said for said in desk.said)
    shutil.rmtree(desk.to)
    assert isinstance(desk.refused(parts[0]), KeyNeeded)
    assert any(desk.one(parts[0], keys=Keys(password=partial(str, wrong))).error for wrong in WRONG)


@pytest.mark.parametrize("ciphered", [True, False])
def test_tars_of_pyarchiver_go_over_one_another(tmp_path: Path, desk: Desk, ciphered: bool) -> None:
    tars = [{"home/me/a": b"old", "home/me/b": b"b"}, {"home/me/a": b"new"}, {"home/me/c": b"c"}]
    names = ["20200101-000000_000000", "20210101-000000_000000", "20210101-000000_000001"]
    files = []
    for name, inside in zip(names, tars, strict=True):
        packed = gzip.compress(tar_of(inside))
        file = tmp_path / f"ARCHIVE_my docs_{name}.tar.gz{'.aes' if ciphered else ''}"
        file.write_bytes(pyarchiver_encrypted(packed) if ciphered else packed)
        files.append(file)
    keys = Keys(password=lambda: "pass wörd") if ciphered else NO_KEYS
    result = desk.one(*reversed(files), keys=keys)
    assert (result.state, result.to) == ("opened", str(desk.to / "my docs"))
    assert content(desk.to / "my docs") == {"home/me/a": b"new", "home/me/b": b"b", "home/me/c": b"c"}
    shutil.rmtree(desk.to)
    if ciphered:
        assert isinstance(desk.refused(*files, keys=Keys(password=lambda: "wrong")), WrongKey)
    files[1].write_bytes(files[1].read_bytes()[:-9])
    error = desk.refused(*files, keys=keys)
    assert isinstance(error, DamageFound)
    assert str(error).startswith(f"{files[1]}: ")


def test_a_hostile_recipe_is_refused(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("openssl", tmp_path)
    volume, manifest = put(tmp_path / "f", chain)
    manifest.write_text(manifest.read_text().replace('"iterations": 1000', '"iterations": 1000000000'))
    assert isinstance(desk.refused(volume, keys=keys), SealError)


def test_hidden_folders_of_a_killed_run_are_no_trouble(tmp_path: Path, desk: Desk) -> None:
    volume, _ = put(tmp_path / "f", NO_SEAL)
    left = desk.to / ".glacier-backup-restore"
    left.mkdir(parents=True, mode=0o700)
    (left / "trash-1").mkdir()
    assert desk.one(volume).state == "opened"
    assert set(os.listdir(desk.to)) == {"docs"}


def test_parity_that_is_of_no_use_is_said_to_be_so(tmp_path: Path, desk: Desk) -> None:
    chain, keys = chain_of("split age par2", tmp_path)
    *objects, manifest = put(tmp_path / "f", chain)
    manifest.unlink()
    for one in objects:
        if one.name.endswith(".par2") and ".v001" in one.name:
            one.write_bytes(b"junk")
    assert desk.one(objects[0], keys=keys).state == "opened"
    assert content(desk.to) == DOCS
    assert "is taken as it is" in desk.said[0]


@pytest.mark.parametrize(
    ("names", "container", "is_said"),
    [
        ("split", "tar", True),
        ("split openssl", "tar", True),
        ("openssl", "raw", True),
        ("split age", "raw", True),
        ("split age", "tar", True),  # volumes in the middle of a file might have changed places
        ("zstd split age", "raw", False),
        ("age split", "raw", False),
        ("age", "raw", False),
        ("zstd split", "raw", False),
    ],
)
def test_what_nothing_proves_is_said(
    tmp_path: Path, desk: Desk, names: str, container: Container, is_said: bool
) -> None:
    chain, keys = chain_of(names, tmp_path)
    chain = Chain(as_usual(chain.before), chain.split, as_usual(chain.each), chain.parity)
    data = None if container == "tar" else noise(250_000)
    *objects, manifest = put(tmp_path / "f", chain, data, container=container)
    manifest.unlink()
    assert desk.one(objects[0], keys=keys).state == "opened"
    assert any("nothing proves" in said for said in desk.said) == is_said
    assert len(desk.said) == int(is_said)
