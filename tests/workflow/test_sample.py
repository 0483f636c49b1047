"""The look at what is to be compressed: enough to tell, and the same each time."""

from __future__ import annotations

from pathlib import Path

from glacier_backup.model.candidate import Candidate, Fingerprint
from glacier_backup.pack.raw import RawPacker
from glacier_backup.seal.chain import Chain
from glacier_backup.seal.compress import Gzip, Zstd
from glacier_backup.seal.openssl import OpenSSL
from glacier_backup.units import MIB
from glacier_backup.workflow.sending.sample import BEGINNING, OF_EACH, PLACES, compresses, sample
from tests.fakes import MemoryPacker, MemorySource
from tests.streams import noise


def fingerprint(size: int) -> Fingerprint:
    return Fingerprint("digest", size, 1, 0, 0o600)


def at(path: Path | str) -> Candidate:
    return Candidate(str(path), "file", "/data", compare=False)


def test_a_large_file_is_looked_at_in_several_places_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    content = noise(13 * MIB + 5)
    (tmp_path / "file").write_bytes(content)

    found = sample(RawPacker(), at(tmp_path / "file"), fingerprint(len(content)))

    assert len(found) == PLACES * OF_EACH
    assert found.startswith(content[:OF_EACH])
    assert found.endswith(content[-OF_EACH:])
    assert all(found[at : at + OF_EACH] in content for at in range(0, len(found), OF_EACH))


def test_a_small_file_is_read_in_whole(tmp_path: Path) -> None:
    content = noise(3 * MIB + 5)
    (tmp_path / "file").write_bytes(content)
    assert sample(RawPacker(), at(tmp_path / "file"), fingerprint(len(content))) == content


def test_of_a_stream_it_is_the_beginning() -> None:
    content = noise(BEGINNING + 5)
    packer = MemoryPacker(MemorySource({"/data/a": content}))
    assert sample(packer, at("/data/a"), fingerprint(len(content))) == content[:BEGINNING]


def test_nothing_is_read_of_nothing_and_for_a_seal_that_does_not_compress() -> None:
    assert sample(MemoryPacker(MemorySource({})), at("/data/gone"), Fingerprint("digest", 0, 0, 0, 0)) == b""
    assert not compresses(Chain((), None, (OpenSSL(str),)))
    assert compresses(Chain((Zstd(),)))
    assert compresses(Chain((Gzip(),)))
