"""age: ours opens what the stock program has encrypted, and the other way round; what goes wrong is told plainly."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from glacier_backup.errors import KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.age import MOST_RECIPIENTS, Age, AgeOpener, new_identity
from glacier_backup.seal.keys import Keys
from tests.lacking import lacking
from tests.seal.sealing import Sealed, read_all, sealed, unsealed
from tests.seal.stock_age import PASSWORD, at_terminal, crafted, stock, told
from tests.streams import BytesStream, noise

WRONG = "secret but wrong"
DATA = noise(300_000)
STEP = Step("age")


class Pair(NamedTuple):
    """What age encrypts to, and the file with what it decrypts with."""

    public: str
    file: str

    @property
    def keys(self) -> Keys:
        return Keys((self.file,))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return generated(tmp_path / "identity")


def generated(path: Path) -> Pair:
    import pyrage  # type: ignore[import-untyped]  # it has no types

    identity = pyrage.x25519.Identity.generate()
    path.write_text(f"# a comment\n\n{identity}\n")
    return Pair(str(identity.to_public()), str(path))


def ssh_pair(path: Path, *options: str, password: str = "") -> Pair:
    program = shutil.which("ssh-keygen") or lacking("ssh-keygen isn't installed: apt-get install openssh-client")
    subprocess.run([program, "-q", *options, "-N", password, "-C", "me@home", "-f", path], check=True)
    return Pair(Path(f"{path}.pub").read_text(), str(path))


def opened(data: bytes, keys: Keys) -> bytes:
    return unsealed(STEP, Sealed(data), keys)


def test_the_stock_program_opens_what_we_sealed_to_any_of_the_recipients(pair: Pair, tmp_path: Path) -> None:
    ed25519 = ssh_pair(tmp_path / "ed25519", "-t", "ed25519")
    rsa = ssh_pair(tmp_path / "rsa", "-t", "rsa", "-b", "2048")
    made = sealed(Age((pair.public, ed25519.public, rsa.public)), DATA).data
    for one in (pair, ed25519, rsa):
        assert stock("-d", "-i", one.file, data=made) == DATA
        assert opened(made, one.keys) == DATA


def test_we_open_what_the_stock_program_sealed_armored_too(pair: Pair, tmp_path: Path) -> None:
    ssh = ssh_pair(tmp_path / "ssh", "-t", "ed25519")
    for armor in ([], ["--armor"]):
        made = stock("-r", pair.public, "-r", ssh.public, *armor, data=DATA)
        assert opened(made, pair.keys) == DATA
        assert opened(made, ssh.keys) == DATA


def test_one_identity_among_many_is_enough(pair: Pair, tmp_path: Path) -> None:
    other = generated(tmp_path / "other")
    both = tmp_path / "both"
    both.write_text(Path(other.file).read_text() + Path(pair.file).read_text())
    made = sealed(Age((pair.public,)), DATA).data
    assert opened(made, Keys((other.file, pair.file))) == DATA
    assert opened(made, Keys((str(both),))) == DATA
    assert opened(made, Keys((str(tmp_path / "missing"), pair.file))) == DATA


def test_the_stock_program_takes_an_identity_that_we_encrypted(tmp_path: Path) -> None:
    identity, made, back = tmp_path / "identity.age", tmp_path / "made", tmp_path / "back"
    public, text = new_identity(PASSWORD)
    identity.write_text(text)
    made.write_bytes(sealed(Age((public,)), DATA).data)
    at_terminal(["-d", "-i", str(identity), "-o", str(back), str(made)], 1)
    assert back.read_bytes() == DATA
    assert opened(made.read_bytes(), Keys((str(identity),), lambda: PASSWORD)) == DATA


def test_an_encrypted_identity_takes_its_password_each_time_it_is_used(pair: Pair, tmp_path: Path) -> None:
    identity = tmp_path / "identity.age"
    identity.write_bytes(crafted(Path(pair.file).read_bytes()))
    made = sealed(Age((pair.public,)), DATA).data
    for _ in range(2):
        assert opened(made, Keys((str(identity),), lambda: PASSWORD)) == DATA
    with pytest.raises(KeyNeeded, match=r"identity\.age: the identity file is encrypted with a password"):
        opened(made, Keys((str(identity),)))
    with pytest.raises(WrongKey, match=r"identity\.age: the password doesn't open") as caught:
        opened(made, Keys((str(identity),), lambda: WRONG))
    assert WRONG not in told(caught.value)


def test_a_password_is_tried_once_on_each_identity(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / "identity-1.age", tmp_path / "identity-2.age"]
    for file in files:
        file.write_bytes(crafted(Path(generated(file.with_suffix("")).file).read_bytes()))
    made = sealed(Age((pair.public,)), DATA).data
    tried: list[int] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, *, salt: bytes, n: int, r: int, p: int, dklen: int, maxmem: int) -> bytes:
        tried.append(n)
        return scrypt(password, salt=salt, n=n, r=r, p=p, dklen=dklen, maxmem=maxmem)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    for _ in range(3):
        with pytest.raises(WrongKey):
            opened(made, Keys(tuple(map(str, files)), lambda: WRONG))
    assert len(tried) == len(files)


def test_a_password_protected_ssh_key_opens_with_its_password_or_says_what_to_do(tmp_path: Path) -> None:
    ssh = ssh_pair(tmp_path / "ssh", "-t", "ed25519", password=PASSWORD)
    made = sealed(Age((ssh.public,)), DATA).data
    with pytest.raises(KeyNeeded, match="ssh: the ssh key is protected by a password"):
        opened(made, ssh.keys)
    try:
        assert opened(made, Keys((ssh.file,), lambda: PASSWORD)) == DATA
    except SealError as error:  # without the package bcrypt
        assert "ssh-keygen -p" in str(error.hint)  # noqa: PT017


def test_without_any_identity_it_is_told_which_would_do(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(KeyNeeded, match="the identity file of one of its recipients") as caught:
        opened(sealed(Age((pair.public,)), DATA).data, Keys())
    assert "identity_file" in str(caught.value.hint)
    assert "--identity" in str(caught.value.hint)
    ssh = ssh_pair(tmp_path / "ssh", "-t", "ed25519")
    with pytest.raises(KeyNeeded, match="the ssh private key of one of its recipients"):
        opened(sealed(Age((ssh.public,)), DATA).data, Keys())


def test_another_identity_opens_nothing_of_it(pair: Pair, tmp_path: Path) -> None:
    made = sealed(Age((pair.public,)), DATA).data
    with (
        AgeOpener().open(BytesStream(made), STEP, generated(tmp_path / "other").keys) as stream,
        pytest.raises(WrongKey, match="no identity that was given belongs to a recipient"),
    ):
        read_all(stream)


def test_an_identity_file_that_is_none_is_named_and_not_shown(pair: Pair, tmp_path: Path) -> None:
    made = sealed(Age((pair.public,)), DATA).data
    secret = Path(pair.file).read_text().splitlines()[-1]
    for text, what in (
        ("\n# nothing\n", "no identity in this file"),
        (secret[:-1], r":1: this is no identity that age knows"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n", "age can't use this ssh key"),
        ("x" * 2_000_000, "too large"),
    ):
        (tmp_path / "wrong").write_text(text)
        with pytest.raises(SealError, match=what) as caught:
            opened(made, Keys((str(tmp_path / "wrong"),)))
        assert str(tmp_path / "wrong") in str(caught.value)
        assert secret[:30] not in told(caught.value)


@pytest.mark.parametrize("wrong", ["age1nonsense", "alice@example.org", "ssh-ed25519 nonsense", "age1nosuch1qqqq"])
def test_what_is_no_recipient_is_named(wrong: str) -> None:
    with pytest.raises(SealError, match=wrong):
        Age((wrong,)).check()
    with pytest.raises(SealError, match=wrong):
        sealed(Age((wrong,)), DATA)


def test_a_plugin_that_is_not_there_is_named() -> None:
    with pytest.raises(SealError, match="age-plugin-yubikey"):
        Age(("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",)).check()


def test_a_secret_key_among_the_recipients_is_refused_and_not_shown(pair: Pair) -> None:
    secret = Path(pair.file).read_text().splitlines()[-1]
    with pytest.raises(SealError, match="a recipient is a secret key") as caught:
        Age((secret,)).check()
    assert secret[:30] not in told(caught.value)


def test_age_needs_a_recipient() -> None:
    with pytest.raises(SealError, match="there is none"):
        Age(())


def test_the_step_names_the_recipients_without_their_comments(pair: Pair, tmp_path: Path) -> None:
    ssh = ssh_pair(tmp_path / "ssh", "-t", "ed25519")
    step = Age((f" {pair.public}\n", ssh.public)).step()
    assert step.name == "age"
    assert step.parameters == {"recipients": f"{pair.public} {' '.join(ssh.public.split()[:2])}"}
    assert "me@home" not in str(step)


def test_a_password_that_is_not_text_is_not_shown(pair: Pair, tmp_path: Path) -> None:
    strange = b"geheim \xff".decode(errors="surrogateescape")
    identity = tmp_path / "identity.age"
    identity.write_bytes(crafted(Path(pair.file).read_bytes()))
    with pytest.raises(WrongKey, match=r"identity\.age: the password doesn't open") as caught:
        opened(sealed(Age((pair.public,)), DATA).data, Keys((str(identity),), lambda: strange))
    assert "geheim" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 15 * 65_536, 16 * 65_536, 16 * 65_536 + 1, 2 * 1024**2])
def test_the_stock_program_opens_what_ends_where_a_chunk_does(pair: Pair, size: int) -> None:
    assert stock("-d", "-i", pair.file, data=sealed(Age((pair.public,)), noise(size)).data) == noise(size)


def test_recipients_are_taken_in_upper_case_and_several_times(pair: Pair) -> None:
    made = sealed(Age((pair.public.upper(), pair.public)), DATA).data
    assert stock("-d", "-i", pair.file, data=made) == DATA
    assert made.count(b"-> X25519") == 2


@pytest.mark.parametrize("stanza", [b"-> a\n\n", b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"])
def test_a_header_that_would_keep_us_busy_is_refused_at_once(pair: Pair, stanza: bytes) -> None:
    for count in (1100, 1_000_000 // len(stanza)):
        data = b"age-encryption.org/v1\n" + stanza * count + b"--- " + b"A" * 43 + b"\n" + noise(100)
        started = time.process_time()
        with pytest.raises(SealError, match="header is too long"):
            opened(data, pair.keys)
        assert time.process_time() - started < 2


def test_there_are_no_more_recipients_than_can_be_opened_again(pair: Pair) -> None:
    made = sealed(Age((pair.public,) * MOST_RECIPIENTS), b"x").data
    assert opened(made, pair.keys) == b"x"
    with pytest.raises(SealError, match="151 recipients"):
        Age((pair.public,) * (MOST_RECIPIENTS + 1))


def test_an_identity_that_would_take_all_memory_is_refused(pair: Pair, tmp_path: Path) -> None:
    identity = tmp_path / "identity.age"
    identity.write_bytes(crafted(Path(pair.file).read_bytes()))
    lines = identity.read_bytes().split(b"\n")
    lines[1] = b" ".join([*lines[1].split()[:3], b"29"])
    identity.write_bytes(b"\n".join(lines))
    with pytest.raises(SealError, match=r"2\^29 KiB"):
        opened(sealed(Age((pair.public,)), DATA).data, Keys((str(identity),), lambda: PASSWORD))


def test_an_identity_may_come_through_a_pipe(pair: Pair) -> None:
    made = sealed(Age((pair.public,)), DATA).data
    read, write = os.pipe()
    os.write(write, Path(pair.file).read_bytes())
    os.close(write)
    for _ in range(3):
        assert opened(made, Keys((f"/dev/fd/{read}",))) == DATA
    os.close(read)
