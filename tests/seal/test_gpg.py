"""gpg: ours opens what the program has encrypted, and the other way round; secrets go through pipes alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from glacier_backup.errors import DamageFound, KeyNeeded, SealError, WrongKey
from glacier_backup.model.recipe import Step
from glacier_backup.seal.gpg import Gpg, GpgOpener
from glacier_backup.seal.keys import Keys
from tests.lacking import lacking
from tests.seal.sealing import NONCE, Sealed, read_all, sealed, unsealed
from tests.streams import BytesStream, noise

PASSWORD = "Batteriefach ß 7"
WRONG = "secret but wrong"
DATA = noise(300_000)
STEP = Step("gpg")


class Home(str):
    """A folder of keys with an agent of its own."""

    def gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        """What the stock program makes of the data."""
        command = [program(), "--batch", "--no-tty", "--quiet", "--homedir", self, *arguments]
        return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout

    def generate(self, name: str, password: str = "") -> None:
        loopback = ("--pinentry-mode", "loopback", "--passphrase", password)
        self.gpg(*loopback, "--quick-gen-key", name, "future-default", "default", "never")

    def forget(self) -> None:
        """End the agent, and with it the passwords that it remembers."""
        subprocess.run(["gpgconf", "--homedir", self, "--kill", "all"], check=True)

    @property
    def keys(self) -> Keys:
        return Keys(gnupg_home=self)

    def keys_with(self, password: str) -> Keys:
        return Keys(password=lambda: password, gnupg_home=self)


def program() -> str:
    return shutil.which("gpg") or lacking("gpg isn't installed: apt-get install gnupg")


def made_home() -> Home:
    program()
    home = Home(tempfile.mkdtemp(prefix="gpg"))  # a short path: there will be sockets in it
    # Nobody is asked, whatever the terminal that the tests are run at.
    Path(home, "gpg-agent.conf").write_text("pinentry-program /bin/false\n")
    return home


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    home = made_home()
    home.generate("alice@example.org")
    home.generate("locked@example.org", PASSWORD)
    home.forget()
    yield home
    home.forget()
    shutil.rmtree(home, ignore_errors=True)  # the agent removes its sockets too


@pytest.fixture
def empty() -> Iterator[Home]:
    home = made_home()
    yield home
    home.forget()
    shutil.rmtree(home, ignore_errors=True)  # the agent removes its sockets too


@pytest.fixture
def unremembered(home: Home) -> Home:
    """With an agent that knows no password."""
    home.forget()
    return home


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def opened(data: bytes, keys: Keys, step: Step = STEP) -> bytes:
    return unsealed(step, Sealed(data), keys)


def test_the_stock_program_opens_what_we_sealed(home: Home) -> None:
    made = sealed(Gpg(("locked@example.org", "alice@example.org"), home=home), DATA).data
    assert home.gpg("--decrypt", data=made) == DATA
    made = sealed(Gpg(password=lambda: PASSWORD, home=home), DATA).data
    loopback = ("--pinentry-mode", "loopback", "--passphrase", PASSWORD)
    assert home.gpg(*loopback, "--decrypt", data=made) == DATA


def test_we_open_what_the_stock_program_sealed_armored_compressed_and_signed_too(home: Home) -> None:
    to_alice = ("--encrypt", "--trust-model", "always", "-r", "alice@example.org")
    for options in ([], ["--armor"], ["--compress-algo", "zlib"], ["--sign", "-u", "alice@example.org"]):
        assert opened(home.gpg(*options, *to_alice, data=DATA), home.keys) == DATA
    loopback = ("--pinentry-mode", "loopback", "--passphrase", PASSWORD)
    for options in ([], ["--armor"]):
        made = home.gpg(*options, *loopback, "--symmetric", "--s2k-count", "1024", data=DATA)
        assert opened(made, home.keys_with(PASSWORD)) == DATA


def test_what_is_signed_by_a_stranger_opens_as_well(home: Home, empty: Home) -> None:
    home.gpg("--export-secret-keys", "--output", f"{empty}/alice", "alice@example.org")
    empty.gpg("--import", f"{empty}/alice")
    empty.generate("stranger@example.org")
    signed = ("--sign", "-u", "stranger@example.org", "--encrypt", "--trust-model", "always", "-r", "alice@example.org")
    made = empty.gpg(*signed, data=DATA)
    assert opened(made, home.keys) == DATA


def test_it_is_encrypted_with_aes_256_uncompressed_and_protected_against_changes(home: Home) -> None:
    loopback = ("--batch", "--pinentry-mode", "loopback", "--passphrase", PASSWORD)
    for sealer in (Gpg(("alice@example.org",), home=home), Gpg(password=lambda: PASSWORD, home=home)):
        made = sealed(sealer, b"\0" * 100_000).data
        listing = [program(), "--homedir", home, *loopback, "--verbose", "--list-packets"]
        packets = subprocess.run(listing, input=made, capture_output=True, check=True)
        said = packets.stdout + packets.stderr
        assert b"AES256" in said
        assert b"compressed packet" not in said
        assert b"mdc_method: 2" in said or b"aead" in said


def test_a_password_of_a_secret_key_is_asked_for_when_it_is_needed(unremembered: Home) -> None:
    asked = []

    def ask() -> str:
        asked.append(1)
        return PASSWORD

    keys = Keys(password=ask, gnupg_home=unremembered)
    assert opened(sealed(Gpg(("alice@example.org",), home=unremembered), DATA).data, keys) == DATA
    assert not asked
    assert opened(sealed(Gpg(("locked@example.org",), home=unremembered), DATA).data, keys) == DATA
    assert asked == [1]


def test_a_password_that_nobody_gives_is_missed(unremembered: Home) -> None:
    made = sealed(Gpg(("locked@example.org",), home=unremembered), DATA).data
    with pytest.raises(KeyNeeded, match="it takes a password, which gpg couldn't ask for"):
        opened(made, unremembered.keys)

    def refuse() -> str:
        raise KeyNeeded("there is nobody to ask")

    with pytest.raises(KeyNeeded, match="there is nobody to ask"):
        opened(made, Keys(password=refuse, gnupg_home=unremembered))
    for_both = sealed(Gpg(("locked@example.org", "alice@example.org"), home=unremembered), DATA).data
    assert opened(for_both, Keys(password=refuse, gnupg_home=unremembered)) == DATA
    with pytest.raises(KeyNeeded, match="with a password, and none was given"):
        opened(sealed(Gpg(password=lambda: PASSWORD, home=unremembered), DATA).data, unremembered.keys)


def test_a_wrong_password_is_told_from_damage_and_not_shown(unremembered: Home) -> None:
    for sealer in (
        Gpg(("locked@example.org",), home=unremembered),
        Gpg(password=lambda: PASSWORD, home=unremembered),
    ):
        with pytest.raises(WrongKey, match="the password doesn't open") as caught:
            opened(sealed(sealer, DATA).data, unremembered.keys_with(WRONG))
        assert WRONG not in "".join(traceback.format_exception(caught.value))


def test_without_the_secret_key_it_is_told_whose_is_needed(home: Home, empty: Home) -> None:
    made = sealed(Gpg(("alice@example.org",), home=home), DATA).data
    with pytest.raises(KeyNeeded, match=r"encrypted to [0-9A-F]{16}") as caught:
        opened(made, empty.keys)
    assert "gnupg_home" in str(caught.value.hint)


def test_a_recipient_that_gpg_does_not_know_is_named(home: Home) -> None:
    with pytest.raises(SealError, match=r"bob@example\.org: gpg can't encrypt to this recipient: there is no such key"):
        sealed(Gpg(("alice@example.org", "bob@example.org"), home=home), DATA)


def test_a_recipient_is_never_an_option(home: Home) -> None:
    with pytest.raises(SealError, match="--version: gpg can't encrypt to this recipient"):
        sealed(Gpg(("--version",), home=home), DATA)


def test_an_expired_key_is_said_to_be_so(empty: Home) -> None:
    empty.gpg(
        *("--faked-system-time", "20200101T000000", "--pinentry-mode", "loopback", "--passphrase", ""),
        *("--quick-gen-key", "old@example.org", "future-default", "default", "1m"),
    )
    with pytest.raises(SealError, match=r"old@example\.org: gpg can't encrypt to this recipient"):
        sealed(Gpg(("old@example.org",), home=empty), DATA)


def test_what_was_changed_or_cut_off_is_damaged(home: Home) -> None:
    made = sealed(Gpg(("alice@example.org",), home=home), DATA).data
    for at in (50, 150_000, len(made) - 1):
        changed = bytearray(made)
        changed[at] ^= 1
        with pytest.raises(DamageFound):
            opened(bytes(changed), home.keys)
    for data in (b"", b"nonsense" * 100, made[:50], made[:150_000], made[:-1], made + b"more"):
        with pytest.raises(DamageFound):
            opened(data, home.keys)


def test_what_is_not_protected_against_changes_or_not_even_encrypted_is_refused(home: Home) -> None:
    to_alice = ("--encrypt", "--trust-model", "always", "-r", "alice@example.org")
    made = sealed(Gpg(("alice@example.org",), home=home), DATA).data
    plain = home.gpg("--store", data=DATA)
    with pytest.raises(DamageFound):
        opened(plain, home.keys)
    for data in (plain + made, made + plain):
        with pytest.raises(DamageFound):
            opened(data, home.keys)
    unprotected = home.gpg("--rfc2440", "--disable-mdc", *to_alice, data=DATA)
    with pytest.raises(DamageFound, match="without protection against changes"):
        opened(unprotected, home.keys)


def test_secrets_are_in_no_command_line_and_no_environment(unremembered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", PASSWORD)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRONG)
    long, keys = noise(3_000_000), unremembered.keys_with(PASSWORD)
    seen = b""
    for sealer in (
        Gpg(password=lambda: PASSWORD, home=unremembered),
        Gpg(("locked@example.org",), home=unremembered),
    ):
        looking = Looking(long)
        with sealer.seal(looking, NONCE) as stream:
            made = read_all(stream)
        looking_back = Looking(made)
        with GpgOpener().open(looking_back, sealer.step(), keys) as back:
            assert read_all(back) == long
        assert b"--encrypt" in looking.seen or b"--symmetric" in looking.seen
        assert b"--decrypt" in looking_back.seen
        seen += looking.seen + looking_back.seen
    assert PASSWORD.encode() not in seen
    assert WRONG.encode() not in seen
    assert "lambda" not in repr(Gpg(password=lambda: PASSWORD))


class Looking(BytesStream):
    """Looks, as it is read, at what anybody sees of the processes that this one has begun."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.seen = b""

    def readinto(self, buffer: memoryview) -> int:
        for process in _children():
            for file in ("cmdline", "environ"):
                with contextlib.suppress(OSError):  # it has just ended
                    self.seen += Path(f"/proc/{process}/{file}").read_bytes()
        return super().readinto(buffer)


def _children() -> list[str]:
    if not Path("/proc/self/environ").exists():
        pytest.skip("there is no /proc here")
    children = ""
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it has just ended
            children += Path(f"/proc/self/task/{task}/children").read_text()
    return children.split()


def test_a_password_with_a_line_break_is_refused(home: Home) -> None:
    with pytest.raises(SealError, match="line break"):
        sealed(Gpg(password=lambda: "one\ntwo", home=home), DATA)


def test_gpg_needs_recipients_or_a_password() -> None:
    with pytest.raises(SealError, match="there is neither"):
        Gpg()


def test_a_machine_without_gpg_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SealError, match="gpg isn't there"):
        sealed(Gpg(("alice@example.org",)), DATA)


def test_the_step_says_to_whom_or_that_it_takes_a_password() -> None:
    assert Gpg(("alice@example.org", "bob@example.org")).step() == Step(
        "gpg", {"recipients": "alice@example.org, bob@example.org"}
    )
    assert Gpg(password=lambda: PASSWORD).step() == Step("gpg", {"symmetric": True})
