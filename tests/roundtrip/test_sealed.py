"""What was sealed comes back equal, or not at all, whatever has happened to it where it was stored.

``GLACIER_ROUND_TRIPS=20`` flips twenty times as many bytes.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glacier_backup.destination.local import Local
from glacier_backup.seal.chain import Chain, Parity, Split
from glacier_backup.seal.order import COMPRESSION, ENCRYPTION, Order, ordered
from tests.lacking import lacking
from tests.roundtrip.journey import Journey
from tests.roundtrip.kinds import Kind
from tests.roundtrip.trees import Looks, look
from tests.seal.sealing import Bench, bench
from tests.streams import noise
from tests.workflow.library import Library
from tests.workflow.library import look as look_at

FLIPS = 4 * int(os.environ.get("GLACIER_ROUND_TRIPS", "1"))
"""Bytes of each object that are flipped, one at a time."""

VOLUME = 100_000
"""Bytes of a slice."""


def legal() -> Iterator[Order]:
    """All orders that there are, the empty one left out."""
    for compression in ((), *((one,) for one in COMPRESSION)):
        for encryption in ((), *((one,) for one in ENCRYPTION)):
            for names in {
                (*compression, *encryption),
                (*compression, "split", *encryption),
                (*compression, *encryption, "split"),
            }:
                yield from (ordered(one) for one in (names, (*names, "par2")) if one)


LEGAL = sorted(set(legal()), key=lambda order: order.names)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("keys"))


def chain_of(order: Order, tools: Bench) -> Chain:
    return Chain(
        tuple(tools.sealers[name] for name in order.before),
        Split(VOLUME) if order.split else None,
        tuple(tools.sealers[name] for name in order.each),
        Parity(20) if order.parity else None,
    )


def library_with(tmp_path: Path, chain: Chain, tools: Bench) -> Library:
    """A directory of two volumes and a bit, a file, and one of no bytes, sent to a directory."""
    library = Library(tmp_path / "library", lambda: Local(str(tmp_path / "vault"), create=True))
    library.chain, library.keys = chain, tools.keys
    folder = library.source / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(noise(2 * VOLUME))
    (folder / "b.txt").write_bytes(b"some words " * 3_000)
    (library.source / "file.txt").write_bytes(b"other words " * 1_000 + noise(VOLUME))
    (library.source / "empty").write_bytes(b"")
    library.back_up()
    return library


@pytest.mark.parametrize("order", LEGAL, ids=lambda order: "-".join(order.names))
def test_every_legal_seal_opens_to_what_was_sealed(order: Order, tools: Bench, tmp_path: Path) -> None:
    if "gpg" in order.names and shutil.which("gpg") is None:
        lacking("gpg isn't installed")
    library = library_with(tmp_path, chain_of(order, tools), tools)

    assert library.restore().exit_code == 0, library.causes()

    assert look_at(library.target) == look_at(library.source)
    assert library.warnings() == ""


def inside(folder: Path) -> dict[str, Looks]:
    """All that is in it."""
    return {name: one for name, one in look(folder).items() if name != "."} if folder.exists() else {}


SEALED = """seal = zstd, split, openssl, par2
volume_size = 1 MiB
password_file = {here}/password
openssl_iterations = 10000
[{data}]
upload_dirs = yes
upload_files = yes
upload_if_changed = yes
"""


def send_sealed(journey: Journey, text: str = SEALED) -> Path:
    """A directory of three volumes, and a file; returns where the files are."""
    password = journey.cli.folder / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    (journey.data / "photos").mkdir()
    (journey.data / "photos/a.jpg").write_bytes(noise(2_500_000))
    (journey.data / "photos/b.txt").write_bytes(b"some words " * 30_000)
    (journey.data / "dump.sql").write_bytes(b"select")
    journey.sections("", text)
    journey.back_up()
    return journey.data


@pytest.mark.parametrize("text", [SEALED, f"private_names = yes\n{SEALED}"], ids=["names shown", "names hidden"])
def test_there_and_back_and_without_the_catalog(journey: Journey, kind: Kind, tmp_path: Path, text: str) -> None:
    data = send_sealed(journey, text)
    assert journey.restore(tmp_path / "first").code == 0
    assert inside(tmp_path / "first" / str(data)[1:]) == inside(data)
    if "private" in text:
        return  # its names are in the catalog, and in sealed manifests
    journey.lose_catalog()

    ran = journey.rebuild("--no-copy")

    assert ran.code == 0, ran
    again = journey.restore(tmp_path / "second")
    assert again.code == 0, again
    assert inside(tmp_path / "second" / str(data)[1:]) == inside(data)


class Rot:
    """The objects of a directory, and what was done to them."""

    def __init__(self, root: Path) -> None:
        names = sorted(path for path in root.rglob("*.tar.*") if not path.name.endswith(".sha256"))
        self.files = {path: path.read_bytes() for path in names}

    def heal(self) -> None:
        for path, data in self.files.items():
            path.write_bytes(data)

    def flips(self) -> Iterator[tuple[Path, int]]:
        """The first and last bytes of each object, and some between."""
        dice = random.Random(6)
        for path, data in self.files.items():
            places = {0, len(data) - 1, *(dice.randrange(len(data)) for _ in range(FLIPS - 2))}
            yield from ((path, place) for place in sorted(places))


def test_every_byte_that_is_flipped_is_mended_or_refused(tools: Bench, tmp_path: Path) -> None:
    library = library_with(tmp_path, chain_of(ordered(("zstd", "split", "openssl", "par2")), tools), tools)
    rot = Rot(tmp_path / "vault")
    assert len(rot.files) == 10, "three volumes, two of parity for each, and a manifest"
    codes = set()

    for path, place in rot.flips():
        data = bytearray(rot.files[path])
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        codes.add(library.restore().exit_code)
        back = look_at(library.target)
        assert back == look_at(library.source) or not any(name.startswith("photos") for name in back), (path, place)
        rot.heal()
        empty(library)

    assert codes == {0}, "parity mends all of them"


def test_without_parity_every_byte_that_is_flipped_is_refused(tools: Bench, tmp_path: Path) -> None:
    library = library_with(tmp_path, chain_of(ordered(("split", "age")), tools), tools)
    rot = Rot(tmp_path / "vault")

    for path, place in rot.flips():
        data = bytearray(rot.files[path])
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        code = library.restore().exit_code
        # The catalog knows all that the manifest says.
        assert code == (0 if path.name.endswith(".json") else 5), (path, place)
        assert ("photos" in look_at(library.target)) == (code == 0)
        rot.heal()
        empty(library)


def empty(library: Library) -> None:
    """The target, and what is known of damage."""
    shutil.rmtree(library.target)
    library.target.mkdir()
    library.sql("UPDATE volumes SET damaged_at = NULL, damage = NULL")


def swapped(volumes: list[Path]) -> None:
    first, second = volumes[0].read_bytes(), volumes[1].read_bytes()
    volumes[0].write_bytes(second)
    volumes[1].write_bytes(first)


def truncated(volumes: list[Path]) -> None:
    volumes[1].write_bytes(volumes[1].read_bytes()[:50_000])


def repeated(volumes: list[Path]) -> None:
    shutil.copyfile(volumes[0], volumes[1])


def without_the_last(volumes: list[Path]) -> None:
    volumes[-1].unlink()


MISHAPS = [swapped, truncated, repeated, without_the_last]


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("names", ["split age", "age split", "split", "zstd split openssl"])
def test_volumes_that_are_not_the_ones_that_were_sent_are_refused(
    mishap: Callable[[list[Path]], None], names: str, tools: Bench, tmp_path: Path
) -> None:
    library = library_with(tmp_path, chain_of(ordered(names.split()), tools), tools)
    mishap([path for path in Rot(tmp_path / "vault").files if ".v00" in path.name])

    assert library.restore().exit_code == 5

    assert not [name for name in look_at(library.target) if name.startswith("photos")]


@pytest.mark.parametrize("mishap", [*MISHAPS, None], ids=lambda one: one.__name__ if one else "flipped")
def test_nor_do_they_get_a_name_when_the_catalog_was_lost(
    at_hand: Journey, tmp_path: Path, mishap: Callable[[list[Path]], None] | None
) -> None:
    send_sealed(at_hand, SEALED.replace(", par2", ""))
    rot = Rot(at_hand.cli.folder / "vault")
    dice = random.Random(7)
    for path, place in rot.flips() if mishap is None else [(Path(), 0)]:
        if mishap is not None:
            mishap([path for path in rot.files if ".v00" in path.name])
        elif dice.random() < 0.6:
            continue
        else:
            data = bytearray(rot.files[path])
            data[place] ^= 1 << place % 8
            path.write_bytes(data)
        at_hand.lose_catalog()
        rebuilt = at_hand.rebuild("--no-copy")
        out = tmp_path / f"out {path.name} {place}"

        ran = at_hand.restore(out)

        back = inside(out / str(at_hand.data)[1:])
        right = inside(at_hand.data)
        assert rebuilt.code or ran.code == 5 or back == right, (path, place, rebuilt, ran)
        assert all(one == right[name] for name, one in back.items() if one.type == "-"), (path, place)
        rot.heal()


def test_a_sealed_archive_goes_with_all_its_objects(at_hand: Journey) -> None:
    data = send_sealed(at_hand)
    vault = at_hand.cli.folder / "vault"
    assert len([path for path in vault.rglob("*") if "photos" in str(path) and path.is_file()]) > 12

    ran = at_hand("delete", data / "photos", "--yes", "--even-last", "--json")

    assert ran.code == 0, ran
    assert not [path for path in vault.rglob("*") if "photos" in str(path) and path.is_file()]
    assert at_hand("verify").code == 0


def test_what_is_damaged_is_said_and_mended_when_that_is_asked_for(at_hand: Journey) -> None:
    send_sealed(at_hand)
    volume = next(path for path in (at_hand.cli.folder / "vault").rglob("*.v002.enc"))
    right = volume.read_bytes()
    wrong = bytearray(right)
    wrong[1000:1020] = bytes(20)
    volume.write_bytes(wrong)

    told = at_hand("verify", "--full")
    mended = at_hand("verify", "--full", "--repair", "--json")

    assert told.code == 5
    assert "verify --repair" in told.err
    assert mended.code == 0, mended
    assert [one["kind"] for one in mended.json["findings"]] == ["mended"]
    assert volume.read_bytes() == right
    assert at_hand("verify", "--full").code == 0


def test_parity_mends_without_the_catalog_too(at_hand: Journey, tmp_path: Path) -> None:
    data = send_sealed(at_hand)
    volume = next(path for path in (at_hand.cli.folder / "vault").rglob("*.v002.enc"))
    wrong = bytearray(volume.read_bytes())
    wrong[1000:1020] = bytes(20)
    volume.write_bytes(wrong)
    at_hand.lose_catalog()
    assert at_hand.rebuild("--no-copy").code == 0

    ran = at_hand.restore(tmp_path / "out")

    assert ran.code == 0, ran
    assert "volume 2 was damaged, and is mended by its parity" in ran.err
    assert inside(tmp_path / "out" / str(data)[1:]) == inside(data)


def test_a_list_tells_how_it_is_sealed(at_hand: Journey) -> None:
    data = send_sealed(at_hand)

    (listed,) = at_hand("list", "--versions", data / "photos", "--json").json

    assert listed["suffix"] == ".zst.enc"
    assert listed["volumes"] == 3
    assert [step["step"] for step in listed["recipe"]["steps"]] == ["tar", "zstd", "split", "openssl", "par2"]
    assert len(listed["locators"]) == 3
    assert len(listed["beside"]) == 7
    assert "photos.tar.zst.enc" in at_hand("list", "--versions", data / "photos").out
