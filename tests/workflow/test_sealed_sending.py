"""Sealed archives on their way: one object or volumes, what lies beside them, and going on where a run died."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glacier_backup.errors import DestinationError, DestinationUnavailable, SealError, UploadForgotten
from glacier_backup.model.archive import Label
from glacier_backup.model.candidate import Candidate
from glacier_backup.model.event import ArchiveFound, UploadAborted, UploadResumed, Warned
from glacier_backup.model.manifest import parse_manifest
from glacier_backup.model.recipe import Recipe
from glacier_backup.model.stored import ArchiveFilter, StoredArchive
from glacier_backup.seal import par2
from glacier_backup.seal.age import Age
from glacier_backup.seal.chain import Chain, Parity, Split
from glacier_backup.seal.compress import Zstd
from glacier_backup.seal.joined import Volume
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.opening import opened
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.units import MIB
from glacier_backup.workflow.sending import spooled
from glacier_backup.workflow.sending.shared_stream import LeftBehind
from tests.fakes import MemoryPacker, MemoryStream
from tests.lacking import lacking
from tests.streams import BytesStream, noise
from tests.workflow.test_unfinished import Killed, kill_after, revive, run_and_die
from tests.workflow.world import World, outcomes

CONTENT = noise(5 * MIB + 1)
SPLIT = Split(2 * MIB)
"""Three volumes."""


def password() -> str:
    return "correct horse"


OPENSSL = OpenSSL(password, iterations=1000)


@pytest.fixture(scope="session")
def age(tmp_path_factory: pytest.TempPathFactory) -> tuple[Age, Keys]:
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    file = tmp_path_factory.mktemp("keys") / "identity.txt"
    file.write_text(f"{identity}\n")
    file.chmod(0o600)
    return Age((str(identity.to_public()),)), Keys((str(file),))


@pytest.fixture(autouse=True)
def one_large_file(world: World, tmp_path: Path) -> None:
    world.source.files = {"/data/a": CONTENT}
    world.temporary_dir = str(tmp_path / "spool")


def the_archive(world: World) -> StoredArchive:
    (found,) = world.catalog.stored_archives(ArchiveFilter())
    return found


def content(world: World, archive: StoredArchive, keys: Keys) -> bytes:
    """What comes out of the volumes, by the recipe."""
    stored = world.destination.stored
    volumes = [Volume(BytesStream(stored[one.locator]), one.hmac_sha256, max(1, one.volume)) for one in archive.volumes]
    assert archive.recipe is not None
    with opened(iter(volumes), archive.recipe.steps, keys) as stream:
        buffer = memoryview(bytearray(2 * len(CONTENT)))
        return bytes(buffer[: stream.readinto(buffer)])


def assert_all_is_well(world: World, keys: Keys) -> StoredArchive:
    """It is stored and recorded once, opens to what it was, and nothing else is left anywhere."""
    archive = the_archive(world)
    assert content(world, archive, keys) == world.source.files["/data/a"]
    assert sorted(world.destination.stored) == sorted(one.locator for one in archive.objects)
    assert world.destination.open == {}
    assert world.unfinished() == ()
    assert not os.path.exists(world.temporary_dir) or os.listdir(world.temporary_dir) == []
    assert world.spool_dir is None or os.listdir(world.spool_dir) == []
    assert outcomes(world.run()) == "skipped"
    return archive


def suffixes(world: World) -> list[str]:
    """Of all that is stored, in the order in which it was."""
    return [locator.partition("/a/")[2].partition("Z")[2] for locator in world.destination.stored]


WITH_PASSWORD = Keys(password=password)


def test_what_is_small_is_one_object_with_its_manifest(world: World) -> None:
    world.seal = Chain((), Split(), (OPENSSL,))

    assert outcomes(world.run()) == "sent"

    archive = assert_all_is_well(world, WITH_PASSWORD)
    assert suffixes(world) == [".enc"]
    ((locator, text),) = world.destination.manifests.items()
    told = parse_manifest(text)
    assert told.volumes[0].locator == locator
    assert told.volumes[0].hmac_sha256 == archive.volumes[0].hmac_sha256 is not None
    assert [step.name for step in told.recipe.steps] == ["raw", "openssl"]


def test_what_does_not_shrink_is_not_compressed_and_the_recipe_says_so(world: World) -> None:
    world.seal = Chain((Zstd(),), Split(), (OPENSSL,))
    world.source.files["/data/b"] = b"again and again " * 100_000

    world.run()

    recipes = {one.path: one.recipe for one in world.catalog.stored_archives(ArchiveFilter())}
    skipped = {path: one.steps[1].parameters.get("skipped") for path, one in recipes.items() if one is not None}
    assert skipped == {"/data/a": True, "/data/b": None}
    assert sorted(locator.partition("Z")[2] for locator in world.destination.stored) == [".enc", ".zst.enc"]


def test_volumes_are_stored_one_after_the_other_and_the_manifest_last(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))

    world.run()

    assert suffixes(world) == [".v001.enc", ".v002.enc", ".v003.enc", ".enc.recipe.json"]
    assert set(world.destination.manifests.values()) == {""}
    archive = assert_all_is_well(world, WITH_PASSWORD)
    told = parse_manifest(next(reversed(world.destination.stored.values())).decode())
    assert [one.locator for one in told.volumes] == [one.locator for one in archive.volumes]
    assert [one.hmac_sha256 for one in told.volumes] == [one.hmac_sha256 for one in archive.volumes]
    assert archive.size == sum(map(len, world.destination.stored.values())) - len(
        world.destination.stored[archive.beside[0].locator]
    )


def test_an_empty_file_is_one_empty_volume(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,), Parity())
    world.source.files["/data/a"] = b""
    world.run()
    assert_all_is_well(world, WITH_PASSWORD)


HOOKS = ["on_begin", "after_begin", "on_send", "on_complete", "after_complete"]


def kill_at(suffix: str) -> Callable[[Label], None]:
    def hook(label: Label) -> None:
        if label.suffix == suffix:
            raise Killed

    return hook


@pytest.mark.parametrize("suffix", [".v001.enc", ".v002.enc", ".v003.enc", ".enc.recipe.json"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_run_killed_between_any_two_steps_is_gone_on_with(world: World, hook: str, suffix: str) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    setattr(world.destination, hook, kill_at(suffix))
    run_and_die(world)

    world.run()

    assert world.destination.parts_sent.count(0) == 4
    assert_all_is_well(world, WITH_PASSWORD)


@pytest.mark.parametrize("suffix", [".v001.age", ".v003.age", ".age.recipe.json"])
@pytest.mark.parametrize("hook", HOOKS)
def test_volumes_of_age_that_are_stored_are_not_sent_again(
    world: World, age: tuple[Age, Keys], hook: str, suffix: str
) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    setattr(world.destination, hook, kill_at(suffix))
    run_and_die(world)
    before = dict(world.destination.stored)
    assert len(before) == (4 if suffix == ".age.recipe.json" else int(suffix[4])) - (hook != "after_complete")

    world.run()

    assert {locator: world.destination.stored[locator] for locator in before} == before
    assert_all_is_well(world, keys)


def test_openssl_goes_on_within_a_volume(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    # One part of the second volume, which has two and a little.
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)
    assert world.destination.parts_sent == [0, 1, 2, 0, 1]

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 1, 2, 0, 1, 0]
    assert [event.path for event in world.events if isinstance(event, UploadResumed)] == ["/data/a"]
    assert_all_is_well(world, WITH_PASSWORD)


def test_a_run_killed_in_a_volume_of_age_sends_that_volume_anew_and_no_other(
    world: World, age: tuple[Age, Keys]
) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 0]
    assert_all_is_well(world, keys)


def test_a_killed_run_goes_on_with_the_very_bytes_that_lie_in_the_spool(
    world: World, age: tuple[Age, Keys], tmp_path: Path
) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    world.spool_dir = str(tmp_path / "my spool")
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)
    (folder,) = Path(world.spool_dir).iterdir()
    assert [stat(folder), *sorted(map(stat, folder.iterdir()))] == ["40700", "100600", "100600"]

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 1, 2, 0, 1, 0]
    assert_all_is_well(world, keys)


def stat(path: Path) -> str:
    return f"{path.stat().st_mode:o}"


def test_what_is_one_object_goes_on_from_the_spool_too(world: World, age: tuple[Age, Keys], tmp_path: Path) -> None:
    sealer, keys = age
    world.seal = Chain((), None, (sealer,))
    world.spool_dir = str(tmp_path / "my spool")
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 3, 4, 5]
    assert_all_is_well(world, keys)


def test_one_object_of_age_without_a_spool_is_sent_anew(world: World, age: tuple[Age, Keys]) -> None:
    sealer, keys = age
    world.seal = Chain((sealer,))
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)

    world.run()

    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == [
        "encrypted again it would be other bytes"
    ]
    assert_all_is_well(world, keys)


@pytest.mark.parametrize("damage", ["gone", "flipped", "half written"])
def test_a_spool_that_is_not_whole_is_filled_again(
    world: World, age: tuple[Age, Keys], tmp_path: Path, damage: str
) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    world.spool_dir = str(tmp_path / "my spool")
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)
    (folder,) = Path(world.spool_dir).iterdir()
    (volume,) = [one for one in folder.iterdir() if one.name != ".facts"]
    if damage == "gone":
        shutil.rmtree(folder)
    elif damage == "flipped":
        volume.write_bytes(bytes([volume.read_bytes()[0] ^ 1]) + volume.read_bytes()[1:])
    else:
        (folder / ".facts").write_text((folder / ".facts").read_text()[:50])

    world.run()

    assert_all_is_well(world, keys)


@pytest.fixture
def parity() -> Parity:
    try:
        par2.program()
    except SealError as error:
        lacking(str(error))
    return Parity(10)


def test_parity_lies_beside_each_volume_and_mends_it(world: World, parity: Parity, tmp_path: Path) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,), parity)

    world.run()

    names = suffixes(world)
    assert [name for name in names if name.endswith("1.enc") or name.endswith("1.enc.par2")] == [names[0], names[2]]
    assert [name.split(".vol")[0] for name in names[:3]] == [".v001.enc", ".v001.enc", ".v001.enc.par2"]
    assert len(names) == 10
    archive = assert_all_is_well(world, WITH_PASSWORD)
    volume = archive.volumes[1]
    whole = world.destination.stored[volume.locator]
    files = []
    for number, one in enumerate(archive.parity_of(volume)):
        (tmp_path / f"{number}").write_bytes(world.destination.stored[one.locator])
        files.append(str(tmp_path / f"{number}"))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    assert par2.mend(str(damaged), files, lambda: None)
    assert damaged.read_bytes() == whole


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("with_age", [True, False])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_run_killed_among_parity_is_gone_on_with(
    world: World, age: tuple[Age, Keys], parity: Parity, hook: str, with_age: bool, keep: bool
) -> None:
    """With the spool it goes on there; without it the volume is sealed again, which with age gives another one."""
    sealer, keys = age if with_age else (OPENSSL, WITH_PASSWORD)
    world.seal = Chain((), Split(3 * MIB), (sealer,), parity)

    def hooked(label: Label) -> None:
        if label.role == "parity" and label.volume == 1 and label.suffix.count("vol") == 1:
            raise Killed

    setattr(world.destination, hook, hooked)
    run_and_die(world)
    if not keep:
        shutil.rmtree(world.temporary_dir)

    world.run()

    archive = assert_all_is_well(world, keys)
    assert [len(archive.parity_of(one)) for one in archive.volumes] == [2, 2]
    assert world.destination.parts_sent.count(3) == (2 if with_age and not keep else 1)


def test_a_source_that_changed_meanwhile_is_sent_anew_and_its_volumes_removed(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.destination.after_chunk = kill_after(5)
    run_and_die(world)
    world.source.files["/data/a"] = noise(4 * MIB, seed=2)

    world.run()

    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == ["the source has changed since"]
    assert_all_is_well(world, WITH_PASSWORD)


@pytest.mark.parametrize("content", [b"!" + CONTENT[1:], CONTENT[: 2 * MIB], CONTENT + b"!"])
def test_a_source_that_only_looks_the_same_is_compared(world: World, content: bytes) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.destination.on_send = kill_at(".v003.enc")
    look = world.source.look(Candidate("/data/a", "file", "/data", compare=True))
    run_and_die(world)
    world.source.files["/data/a"] = content
    world.source.look = lambda candidate: look  # type: ignore[method-assign]

    world.run()

    aborted = [event.why for event in world.events if isinstance(event, UploadAborted)]
    assert aborted == (
        [] if content.startswith(CONTENT) else ["what is read now isn't what went into the volumes that are stored"]
    )
    assert_all_is_well(world, WITH_PASSWORD)


def test_a_seal_in_front_of_the_cut_that_is_never_the_same_begins_anew(world: World, age: tuple[Age, Keys]) -> None:
    sealer, keys = age
    world.seal = Chain((sealer,), SPLIT)
    world.destination.on_send = kill_at(".age.v003")
    run_and_die(world)

    world.run()

    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == [
        "encrypted again it would be other bytes"
    ]
    assert suffixes(world) == [".age.v001", ".age.v002", ".age.v003", ".age.recipe.json"]
    assert_all_is_well(world, keys)


def test_where_the_user_has_named_a_folder_it_goes_on_from_what_lies_there(
    world: World, age: tuple[Age, Keys], tmp_path: Path
) -> None:
    sealer, keys = age
    world.seal = Chain((sealer,), SPLIT)
    world.spool_dir = str(tmp_path / "my spool")
    world.destination.after_chunk = kill_after(6)
    run_and_die(world)
    before = dict(world.destination.stored)
    assert len(before) == 2

    world.run()

    assert world.destination.parts_sent == [0, 1, 0, 1, 0, 1, 0]
    assert before.items() <= world.destination.stored.items()
    assert_all_is_well(world, keys)


def test_a_folder_without_room_for_all_of_it_is_not_filled(
    world: World, age: tuple[Age, Keys], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer, keys = age
    world.seal = Chain((sealer,), SPLIT)
    world.spool_dir = str(tmp_path / "my spool")
    monkeypatch.setattr("glacier_backup.workflow.sending.volumes.has_room", lambda root, size: False)
    world.destination.on_send = kill_at(".age.v003")
    run_and_die(world)

    world.run()

    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == [
        "encrypted again it would be other bytes"
    ]
    assert_all_is_well(world, keys)


def test_other_recipients_begin_an_unfinished_archive_anew(world: World, age: tuple[Age, Keys]) -> None:
    import pyrage

    sealer, keys = age
    other = Age((str(pyrage.x25519.Identity.generate().to_public()), *sealer.recipients))
    world.seal = Chain((), SPLIT, (other,))
    world.destination.on_send = kill_at(".v003.age")
    run_and_die(world)
    world.seal = Chain((), SPLIT, (sealer,))

    world.run()

    assert [event.why for event in world.events if isinstance(event, UploadAborted)] == [
        "it would be packed otherwise now"
    ]
    assert_all_is_well(world, keys)


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("suffix", [".v001.enc", ".v003.enc"])
def test_another_password_begins_an_unfinished_archive_anew(
    world: World, tmp_path: Path, suffix: str, spooled: bool
) -> None:
    """No recipe tells it, and no one password would open the volumes of both."""
    world.spool_dir = str(tmp_path / "my spool") if spooled else None
    world.seal = Chain((), SPLIT, (OpenSSL(lambda: "the one before", iterations=1000),))
    world.destination.after_chunk = kill_after(2 if suffix == ".v001.enc" else 7)
    run_and_die(world)
    world.seal = Chain((), SPLIT, (OPENSSL,))

    world.run()

    aborted = [event.why for event in world.events if isinstance(event, UploadAborted)]
    assert aborted == ([] if suffix == ".v001.enc" else ["the password isn't the one that volumes are sealed with"])
    assert_all_is_well(world, WITH_PASSWORD)


def test_another_password_takes_nothing_from_the_spool(world: World, tmp_path: Path) -> None:
    world.spool_dir = str(tmp_path / "my spool")
    world.seal = Chain(each=(OpenSSL(lambda: "the one before", iterations=1000),))
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    world.seal = Chain(each=(OPENSSL,))

    world.run()

    assert_all_is_well(world, WITH_PASSWORD)


def test_what_lies_in_the_spool_for_another_archive_is_not_taken(
    world: World, age: tuple[Age, Keys], tmp_path: Path
) -> None:
    """A catalog that was made anew counts from the beginning."""
    import pyrage

    sealer, keys = age
    other = Age((str(pyrage.x25519.Identity.generate().to_public()),))
    world.spool_dir = str(tmp_path / "my spool")
    world.seal = Chain(each=(other,))
    world.destination.after_chunk = kill_after(3)
    run_and_die(world)
    (folder,) = Path(world.spool_dir).iterdir()
    next_one = Path(spooled.SpoolFolder(world.spool_dir, world.catalog.path, "2").path)
    shutil.copytree(folder, next_one)
    world.seal = Chain(each=(sealer,))

    world.run()

    assert_all_is_well(world, keys)


def test_a_volume_that_can_not_be_made_leaves_its_room_to_others(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that is stored stays, and so does the archive: until the next run."""
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.spool_dir = str(tmp_path / "my spool")
    write, written = spooled._write, 0

    def full(descriptor: int, data: memoryview) -> None:
        nonlocal written
        written += len(data)
        if written > 3 * MIB:
            os.write(descriptor, data[:1000])
            raise OSError(28, os.strerror(28))
        write(descriptor, data)

    monkeypatch.setattr(spooled, "_write", full)
    assert outcomes(world.run()) == "failed"

    assert len(world.destination.stored) == 1
    assert [one for one in Path(world.spool_dir).rglob("*") if one.is_file()] == []


def test_what_was_sent_unsealed_is_not_sent_again_because_it_would_be_sealed_now(world: World) -> None:
    world.run()
    world.seal = Chain((), SPLIT, (OPENSSL,))
    assert outcomes(world.run()) == "skipped"
    assert outcomes(world.run(force=True)) == "sent"


def test_volumes_stay_when_a_later_one_is_refused(world: World, age: tuple[Age, Keys]) -> None:
    """They cost their time and money, and in cold storage for months."""
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))

    def refuse(label: Label) -> None:
        if label.volume == 2:
            raise DestinationError("no")

    world.destination.on_complete = refuse
    assert outcomes(world.run()) == "failed"
    before = dict(world.destination.stored)
    assert (len(before), world.destination.open) == (1, {})
    revive(world)

    world.run()

    assert before.items() <= world.destination.stored.items()
    assert_all_is_well(world, keys)


def test_what_is_refused_with_the_first_volume_leaves_nothing(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))

    def refuse(label: Label) -> None:
        raise DestinationError("no")

    world.destination.on_complete = refuse
    assert outcomes(world.run()) == "failed"
    assert (world.destination.stored, world.destination.open, world.unfinished()) == ({}, {}, ())


def test_a_destination_out_of_reach_in_the_middle_keeps_what_is_stored(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))

    def lose(label: Label) -> None:
        if label.volume == 2:
            raise DestinationUnavailable("no network")

    world.destination.on_complete = lose
    assert world.run().exit_code == 4
    revive(world)

    world.run()

    assert world.destination.parts_sent == [0, 1, 2, 0, 1, 2, 0, 1, 0]
    assert_all_is_well(world, WITH_PASSWORD)


def test_a_volume_that_may_be_stored_is_sent_again_and_told(world: World, age: tuple[Age, Keys]) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    forgotten: list[Label] = []

    def forget(label: Label) -> None:
        if label.volume == 2 and not forgotten:
            forgotten.append(label)
            raise UploadForgotten("forgotten")

    world.destination.on_complete = forget

    assert outcomes(world.run()) == "sent"

    (warning,) = [event.message for event in world.events if isinstance(event, Warned)]
    assert warning == (
        "/data/a: the destination can't tell whether a.v002.age was stored by an earlier try; it is sent again, and "
        "may be there twice"
    )
    assert world.destination.parts_sent.count(0) == 5
    world.destination.open.clear()
    assert_all_is_well(world, keys)


def test_an_archive_nobody_asks_for_any_more_is_removed_with_all_its_objects(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.run()
    world.destination.on_send = kill_at(".v003.enc")
    with pytest.raises(Killed):
        world.run(force=True)
    revive(world)
    assert len(world.destination.stored) == 6

    world.run()

    assert [event.path for event in world.events if isinstance(event, UploadAborted)] == ["/data/a"]
    assert_all_is_well(world, WITH_PASSWORD)


def test_a_removal_that_dies_is_gone_on_with(world: World) -> None:
    world.seal = Chain((), Split(MIB), (OPENSSL,))
    world.destination.on_send = kill_at(".v005.enc")
    run_and_die(world)
    world.source.files["/data/a"] = noise(MIB, seed=3)
    delete = world.destination.delete
    for left in (3, 2, 1):

        def die(locator: str, check: Callable[[], object]) -> None:
            was_there = locator in world.destination.stored
            delete(locator, check)
            if was_there:
                raise Killed

        world.destination.delete = die  # type: ignore[method-assign]
        run_and_die(world)
        assert len(world.destination.stored) == left
    world.destination.delete = delete  # type: ignore[method-assign]

    world.run()

    assert_all_is_well(world, WITH_PASSWORD)


def test_a_manifest_that_is_all_that_is_missing_is_stored_before_anything_is_read(world: World) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.destination.on_send = kill_at(".enc.recipe.json")
    run_and_die(world)

    assert outcomes(world.run()) == "skipped"

    (found,) = [event for event in world.events if isinstance(event, ArchiveFound)]
    assert found.path == "/data/a"
    assert_all_is_well(world, WITH_PASSWORD)


def test_a_full_disk_below_the_spool_fails_this_one_and_says_what_helps(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.spool_dir = str(tmp_path / "my spool")
    world.source.files["/data/b"] = b"small"

    write = spooled._write

    def full(descriptor: int, data: memoryview) -> None:
        if len(data) > 1000:
            raise OSError(28, os.strerror(28))
        write(descriptor, data)

    monkeypatch.setattr(spooled, "_write", full)
    summary = world.run()

    assert outcomes(summary) == "failed sent"
    (failed, _) = summary.results
    assert "No space left on device" in (failed.error or "")
    assert "spool_dir" in (failed.hint or "")
    assert os.listdir(world.spool_dir) == []
    assert world.unfinished() == ()


def test_a_spool_of_somebody_else_is_not_touched(world: World, tmp_path: Path) -> None:
    world.seal = Chain((), SPLIT, (OPENSSL,))
    world.spool_dir = str(tmp_path / "my spool")
    folder = Path(spooled.SpoolFolder(world.spool_dir, world.catalog.path, "1").path)
    folder.mkdir(parents=True, mode=0o755)
    (folder / "theirs").touch()

    summary = world.run()

    assert outcomes(summary) == "failed"
    assert (folder / "theirs").exists()


def test_private_names_are_nowhere_to_be_seen(world: World, age: tuple[Age, Keys]) -> None:
    sealer, keys = age
    world.seal = Chain((), None, (sealer,))
    world.private = True

    world.run()

    archive = assert_all_is_well(world, keys)
    alias = archive.alias
    assert alias is not None
    assert list(world.destination.stored) == [
        f"{alias[:2]}/{alias}.v001.age",
        f"{alias[:2]}/{alias}.age.recipe.json.age",
    ]
    assert b"/data/a" not in b"".join(world.destination.stored.values())
    sealed = world.destination.stored[archive.beside[0].locator]
    with opened(iter([Volume(BytesStream(sealed))]), Recipe((sealer.step(),)).steps, keys) as stream:
        buffer = memoryview(bytearray(MIB))
        told = parse_manifest(str(buffer[: stream.readinto(buffer)], "utf-8"))
    assert (told.label.path, told.label.alias) == ("/data/a", alias)


@pytest.mark.parametrize("suffix", [".v001.age", ".age.recipe.json.age"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_private_archive_is_gone_on_with(world: World, age: tuple[Age, Keys], hook: str, suffix: str) -> None:
    sealer, keys = age
    world.seal = Chain((), SPLIT, (sealer,))
    world.private = True
    setattr(world.destination, hook, kill_at(suffix))
    run_and_die(world)

    world.run()

    assert_all_is_well(world, keys)


def test_each_destination_seals_by_itself_what_is_read_once(world: World, age: tuple[Age, Keys]) -> None:
    world.seal = Chain((), SPLIT, (age[0],))
    far = world.add("far")

    assert outcomes(world.run()) == "sent sent"

    near = set(world.destination.stored.values())
    assert len(near & set(far.stored.values())) == 0
    assert len(far.stored) == len(near) == 4


def test_a_run_that_is_to_stop_does_so_within_a_volume(world: World) -> None:
    world.seal = Chain((), Split(64 * MIB), (OPENSSL,), Parity())
    world.source.after_look = lambda path: world.stop.set()

    summary = world.run()

    assert (outcomes(summary), summary.exit_code) == ("failed", 130)
    assert world.destination.open == {}


class LaggingPacker(MemoryPacker):
    """The first stream leaves its reader behind after some bytes."""

    after = 5 * MIB // 2

    @contextmanager
    def pack(self, path: str, stored_name: str) -> Iterator[MemoryStream]:
        with super().pack(path, stored_name) as stream:
            if self.after:
                read, left, self.after = stream.readinto, self.after, 0

                def readinto(buffer: memoryview) -> int:
                    nonlocal left
                    left -= len(buffer)
                    if left < 0:
                        raise LeftBehind("too slow")
                    return read(buffer)

                stream.readinto = readinto  # type: ignore[method-assign]
            yield stream


@pytest.mark.parametrize("cut_first", [True, False])
def test_one_that_is_left_behind_goes_on_by_itself_behind_what_it_has_stored(
    world: World, age: tuple[Age, Keys], cut_first: bool
) -> None:
    sealer, keys = age
    world.packer = LaggingPacker(world.source)
    world.seal = Chain((), SPLIT, (sealer,)) if cut_first else Chain((sealer,), SPLIT)

    assert outcomes(world.run()) == "sent"

    assert world.destination.parts_sent.count(0) == (4 if cut_first else 5)
    assert world.bytes_told() == sum(map(len, world.destination.stored.values()))
    assert_all_is_well(world, keys)


def test_machines_with_catalogs_at_the_same_path_share_a_spool_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = set()
    for name in ("nas", "laptop"):
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        paths.add(spooled.SpoolFolder("/srv/spool", "/var/lib/catalog.sqlite3", "1").path)
    assert len(paths) == 2
