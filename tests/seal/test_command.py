"""The user's own commands: real ones, that do what they should, and all that commands do wrong."""

from __future__ import annotations

import os
import threading
import time
import traceback

import pytest

from glacier_backup.errors import KeyNeeded, SealError, SourceError, WrongKey
from glacier_backup.model.recipe import LONGEST_COMPACT, Recipe, Step, compact, parse_compact
from glacier_backup.seal.chain import Chain, Split
from glacier_backup.seal.command import MOST_COMMANDS, Commands
from glacier_backup.seal.compress import Zstd
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.order import ordered, placed
from tests.seal.sealing import NONCE, FailingStream, chained, read_all, sealed, unchained, unsealed
from tests.streams import BytesStream, noise

DATA = noise(3_000_000)
ROT = ("tr", "A-Za-z", "N-ZA-Mn-za-m")


def bash(script: str) -> tuple[str, ...]:
    return ("bash", "-c", script)


def failing(*commands: tuple[str, ...], data: bytes = DATA) -> str:
    with pytest.raises(SealError) as caught:
        sealed(Commands(commands), data)
    return str(caught.value)


@pytest.mark.parametrize("data", [b"", b"x", DATA], ids=len)
def test_bytes_go_through_each_in_turn_and_back(data: bytes) -> None:
    commands = Commands((("gzip", "-1"), ("base64", "-w0")))
    made = sealed(commands, data)
    assert made.data != data
    assert unsealed(commands.step(), made, Keys(undo=(("gzip", "-d"), ("base64", "-d")))) == data


def test_each_sees_the_key_and_none_sees_our_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_PASSWORD", "hush")
    monkeypatch.setenv("MINE", "here")
    says = bash('cat; printf " %s %s %s" "$KEY" "$MINE" "$GLACIER_BACKUP_PASSWORD"')
    assert sealed(Commands((says, says)).about("a/b", ()), b"x").data == b"x a/b here  a/b here "
    assert sealed(Commands((says, says)).about("b", ("\udcff", "a")), b"x").data == b"x \xff here  a here "


def test_one_that_fails_says_why_in_place_of_the_end() -> None:
    assert failing(("false",)) == "the command false of data ended with status 1"
    assert failing(bash("cat >/dev/null; echo one >&2; echo no such key >&2; exit 3")).endswith(
        "bash of data ended with status 3: one; no such key"
    )


def test_one_that_dies_half_way_never_looks_like_a_whole() -> None:
    assert "status 9" in failing(bash("head -c 1000000; exit 9"))
    assert "was ended by signal 9" in failing(bash("head -c 1000000; kill -9 $$"))
    assert "gzip of data ended with status" in failing(("cat",), ("gzip", "--no-such-option"), ("cat",))
    assert "status 4" in failing(bash("head -c 1000000; exit 4"), ("cat",), ("gzip",))


def test_one_that_ignores_what_it_is_given_has_failed() -> None:
    for data in (b"x", DATA):
        assert "ended before it had read all it was given" in failing(("echo", "hello"), data=data)
        assert "ended before it had read all it was given" in failing(("true",), data=data)
    assert "before it had read all" in failing(("head", "-c", "1000000"))


def test_one_that_makes_nothing_of_something_has_failed() -> None:
    assert "made nothing of 5 bytes: shy" in failing(bash("cat >/dev/null; echo shy >&2"), data=b"12345")
    assert sealed(Commands((("cat",),)), b"").data == b""


def test_one_that_talks_without_end_blocks_nobody_and_fills_no_memory() -> None:
    chatty = bash("yes 'a long complaint' | head -c 5000000 >&2; head -c 3000000 /dev/zero >&2; cat")
    assert sealed(Commands((chatty,)), DATA).data == DATA


def test_one_that_is_not_there_is_told() -> None:
    assert failing(("/nowhere/at/all",)) == (
        "the command /nowhere/at/all of data can't be started: No such file or directory"
    )
    assert "can't be started" in failing(("cat",), ("no-such-program-anywhere",))


def test_what_reading_raises_comes_through_as_it_was() -> None:
    error = SourceError("/a: gone")
    for commands in ((("cat",),), (("cat",), ("gzip",))):
        with pytest.raises(SourceError) as caught, Commands(commands).seal(FailingStream(DATA, error), NONCE) as made:
            read_all(made)
        assert caught.value is error


def test_leaving_early_ends_all_at_once_even_those_that_sleep() -> None:
    began, threads = time.monotonic(), threading.active_count()
    with Commands((("sleep", "60"), ("cat",), bash("sleep 60"))).seal(BytesStream(DATA), NONCE):
        pass
    assert time.monotonic() - began < 5
    assert threading.active_count() == threads


def test_nothing_shows_what_a_command_is_told() -> None:
    commands = Commands((("sh", "-c", "exit 7", "hush"),))
    with pytest.raises(SealError) as caught:
        sealed(commands, b"x")
    shown = "".join(traceback.format_exception(caught.value))
    assert "hush" not in f"{commands!r} {commands.step()} {shown} {Keys(undo=(('a', 'hush'),))!r}"


def test_the_recipe_tells_the_same_commands_from_others_without_what_they_are() -> None:
    one, same, other = (Commands((("gpg", "-e"), ROT)), Commands((("gpg", "-e"), ROT)), Commands((ROT, ("gpg", "-e"))))
    assert one.step() == same.step() != other.step()
    assert one.step().parameters["count"] == 2
    text = compact(Recipe((Step("raw"), one.step())))
    assert parse_compact(text) == (one.step(),)
    most = Commands((ROT,) * MOST_COMMANDS)
    assert len(compact(Recipe((Step("tar"), *Chain((most, Zstd()), Split(2**40)).steps())))) < LONGEST_COMPACT // 2
    with pytest.raises(SealError, match="20 are the most"):
        Commands((ROT,) * (MOST_COMMANDS + 1))


def test_without_what_undoes_it_that_is_said_plainly() -> None:
    step = Commands((("cat",), ("cat",))).step()
    made = sealed(Commands((("cat",), ("cat",))), b"x")
    with pytest.raises(KeyNeeded, match="has gone through 2 commands") as needed:
        unsealed(step, made)
    assert needed.value.hint is not None
    assert "undo_data = COMMAND" in needed.value.hint
    assert "--undo COMMAND" in needed.value.hint
    with pytest.raises(WrongKey, match="2 commands when it was sent, and 1 are named"):
        unsealed(step, made, Keys(undo=(("cat",),)))
    with pytest.raises(SealError, match=r"the command sh of undo_data ended with status 2: no key"):
        unsealed(step, made, Keys(undo=(("sh", "-c", "echo no key >&2; exit 2"), ("cat",))))


@pytest.mark.parametrize("count", [None, 0, -1, True, "2", 10**9])
def test_a_hostile_recipe_is_refused(count: int | str | None) -> None:
    step = Step("command", {} if count is None else {"count": count})
    with pytest.raises(SealError, match="doesn't tell through how many"):
        unsealed(step, sealed(Commands((("cat",),)), b"x"), Keys(undo=(("cat",),)))


@pytest.mark.parametrize("split", [None, Split(500_000)], ids=str)
def test_they_come_in_front_of_all_else_of_a_seal(split: Split | None) -> None:
    chain = Chain((Zstd(),), split).behind(Commands((("gzip", "-1"),)))
    assert [step.name for step in chain.steps()][:2] == ["command", "zstd"]
    assert (chain.suffix, chain.seals, chain.has_command, chain.goes_on) == (".zst", True, True, False)
    fitting = chain.fitting(10, b"\0" * 10)
    assert fitting.steps() == chain.steps()
    made = chained(fitting, DATA)
    assert unchained(made, (Step("raw"), *chain.steps()), Keys(undo=(("gzip", "-d"),))) == DATA


def test_alone_they_leave_no_mark_on_the_name() -> None:
    chain = Chain().behind(Commands((("cat",),)))
    assert (chain.suffix, chain.seals, chain.has_command) == ("", False, True)
    assert chain.about("k") == Chain((Commands((("cat",),), ("k",)),))


def test_what_lies_behind_a_command_does_not_prove_a_password_wrong() -> None:
    """How a tar begins tells nothing where a command has made something else of it."""
    from glacier_backup.seal.openssl import OpenSSL

    chain = Chain((Commands((("gzip",),)), OpenSSL(lambda: "right", iterations=1000)))
    made = chained(chain, DATA)
    keys = Keys(password=lambda: "right", undo=(("gzip", "-d"),))
    assert unchained(made, (Step("tar"), *chain.steps()), keys) == DATA


def test_a_place_of_its_own_in_the_order() -> None:
    assert placed(["command", "zstd", "age", "split"], ("age",)).names == ("command", "zstd", "age", "split")
    assert placed(["command", "par2"], ()).names == ("command", "split", "par2")
    assert placed(["command"], ()).before == ("command",)
    for wrong in (["zstd", "command"], ["command", "command"]):
        with pytest.raises(ValueError, match="no step 'command'"):
            placed(wrong, ())
    with pytest.raises(ValueError, match="no step 'command'"):
        ordered(["command", "age"])  # it is the filters that name commands


def test_an_estimate_is_larger_than_what_encrypts_makes() -> None:
    assert Commands((("cat",),)).most(1000) > 2000


def test_no_descriptor_stays_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        sealed(Commands((("gzip",), ("cat",))), DATA)
        failing(("false",))
    assert len(os.listdir("/proc/self/fd")) == before
