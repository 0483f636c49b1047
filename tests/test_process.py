"""External programs: started without a shell, heard, and ended with their use."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glacier_backup.config.option import VARIABLE_PREFIX
from glacier_backup.process import LONGEST_LINE, Fed, Feed, Running, environment, fed, running, taking
from tests.streams import BytesStream, noise


@contextmanager
def shell(script: str, said: list[bytes] | None = None) -> Iterator[Running]:
    hear = (said if said is not None else []).append
    with running("/bin/sh", ["a name", "-c", script], cwd="/", env={"NAME": "value"}, hear=hear) as program:
        yield program


def read(program: Running, size: int = 100) -> bytes:
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: program.readinto(buffer)])


def test_output_is_read_as_far_as_the_buffer_reaches() -> None:
    with shell("echo one; sleep 0.05; echo two; sleep 0.05; printf three") as program:
        assert read(program, 6) == b"one\ntw"
        assert read(program) == b"o\nthree"
        assert read(program) == b""
        assert program.wait() == 0


def test_messages_are_heard_line_by_line_and_all_of_them_by_the_end() -> None:
    said: list[bytes] = []
    with shell("for i in 1 2 3; do echo $i >&2; done; printf last >&2; exit 3", said) as program:
        assert read(program) == b""
        assert program.wait() == 3
        assert said == [b"1", b"2", b"3", b"last"]


def test_more_messages_than_a_pipe_holds_do_not_block() -> None:
    said: list[bytes] = []
    with shell("i=0; while [ $i -lt 30000 ]; do echo $i some words >&2; i=$((i+1)); done; echo done", said) as program:
        assert read(program) == b"done\n"
        assert program.wait() == 0
    assert len(said) == 30_000


def test_a_signal_is_told_as_a_negative_number() -> None:
    with shell("kill -9 $$") as program:
        assert read(program) == b""
        assert program.wait() == -9


def test_its_input_is_empty_and_its_environment_is_what_it_was_given() -> None:
    with shell("cat; echo $NAME $HOME $0; pwd") as program:
        assert read(program) == b"value a name\n/\n"


def test_leaving_ends_a_program_that_would_go_on() -> None:
    start = time.monotonic()
    with shell("echo $$; exec sleep 100") as program:
        number = int(_line(program))
    assert time.monotonic() - start < 10
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_an_interrupt_from_the_terminal_does_not_reach_it() -> None:
    with shell("echo $$; exec sleep 100") as program:
        assert os.getpgid(int(_line(program))) != os.getpgid(0)


def test_a_missing_program_or_folder_is_an_error_of_the_system() -> None:
    for program, cwd in (("/no/program", "/"), ("/bin/sh", "/no/folder")):
        with pytest.raises(FileNotFoundError), running(program, ["x"], cwd=cwd, env={}, hear=print):
            pass


def _line(program: Running) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += read(program, 1)
    return line


@contextmanager
def fed_shell(script: str, stream: Feed) -> Iterator[Fed]:
    with fed("/bin/sh", ["a name", "-c", script], stream, cwd="/", env={}, hear=print) as program:
        yield program


def test_a_program_is_fed_from_a_stream_of_any_size() -> None:
    for size in (0, 1, 1024 * 1024, 3 * 1024 * 1024 + 5):
        with fed_shell("cat", BytesStream(noise(size))) as program:
            assert read(program, size + 1) == noise(size)
            assert program.wait() == 0


def test_what_reading_the_stream_raises_comes_in_place_of_the_end() -> None:
    class Failing(BytesStream):
        def readinto(self, buffer: memoryview) -> int:
            count = super().readinto(buffer)
            if count < len(buffer):
                raise BrokenPipeError("the source is gone")
            return count

    failing = Failing(noise(3 * 1024 * 1024))
    gone = pytest.raises(BrokenPipeError, match="the source is gone")
    with fed_shell("cat; echo whole", failing) as program, gone:
        read(program, 4 * 1024 * 1024)


class Endless:
    def readinto(self, buffer: memoryview) -> int:
        return len(buffer)


def test_a_program_that_wants_no_more_ends_by_its_own_status() -> None:
    with fed_shell("head -c 5 | tr '\\0' x; exit 3", Endless()) as program:
        assert read(program) == b"xxxxx"
        assert program.wait() == 3


def test_leaving_ends_a_program_that_is_being_fed() -> None:
    threads = threading.active_count()
    start = time.monotonic()
    with fed_shell("echo $$; exec sleep 100", Endless()) as program:
        number = int(_line(program))
    assert time.monotonic() - start < 10
    assert threading.active_count() == threads
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_missing_program_reads_nothing_of_the_stream() -> None:
    stream = BytesStream(b"", lambda: pytest.fail("it was read"))
    with pytest.raises(FileNotFoundError), fed("/no/program", ["x"], stream, cwd="/", env={}, hear=print):
        pass


def test_programs_of_the_user_see_none_of_our_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{VARIABLE_PREFIX}PASSWORD", "secret")
    monkeypatch.setenv("THEIRS", "is seen")
    assert f"{VARIABLE_PREFIX}PASSWORD" not in environment()
    assert environment()["THEIRS"] == "is seen"


@pytest.mark.parametrize(
    ("script", "takes_all"),
    [("cat >/dev/null", True), ("head -c 1 >/dev/null", False), ("true", False), ("exec 0<&-; sleep 0.1", False)],
)
@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_it_is_known_whether_a_program_has_read_all(script: str, takes_all: bool, size: int) -> None:
    with fed_shell(script, BytesStream(noise(size))) as program:
        assert read(program) == b""
        assert program.wait() == 0
        assert program.took_all() is takes_all


def test_a_line_without_an_end_is_heard_in_pieces() -> None:
    said: list[bytes] = []
    with shell("head -c 1000000 /dev/zero >&2", said) as program:
        assert read(program) == b""
        program.wait()
    assert sum(map(len, said)) == 1_000_000
    assert max(map(len, said)) <= LONGEST_LINE


def test_what_is_written_to_a_program_arrives_whole_and_its_status_is_told() -> None:
    said: list[bytes] = []
    with taking("/bin/sh", ("sh", "-c", "wc -c >&2; exit 3"), cwd="/", env=os.environ, hear=said.append) as program:
        for _ in range(5):
            program.write(memoryview(bytes(1_000_000)))
        assert program.wait() == 3
    assert said == [b"5000000"]


def test_writing_to_a_program_that_has_ended_is_an_error() -> None:
    with taking("/bin/sh", ("sh", "-c", "exit 4"), cwd="/", env=os.environ, hear=_ignore) as program:
        with pytest.raises(BrokenPipeError):
            program.write(memoryview(bytes(5_000_000)))
        assert program.wait() == 4


def test_a_program_that_is_written_to_is_ended_before_its_input_is(tmp_path: Path) -> None:
    script = f"cat >{tmp_path}/all && touch {tmp_path}/ended"
    with taking("/bin/sh", ("sh", "-c", script), cwd="/", env=os.environ, hear=_ignore) as program:
        program.write(memoryview(b"a beginning"))
        while not (tmp_path / "all").exists():  # that is: until there is a second program, which reads
            time.sleep(0.01)
    time.sleep(0.1)
    assert not (tmp_path / "ended").exists()


def test_one_that_is_left_may_end_by_itself_for_a_while(tmp_path: Path) -> None:
    script = f"cat >{tmp_path}/all && touch {tmp_path}/ended"
    with taking("/bin/sh", ("sh", "-c", script), cwd="/", env=os.environ, hear=_ignore) as program:
        program.leave(30)
    assert (tmp_path / "ended").exists()
    began = time.monotonic()
    with taking("/bin/sleep", ("sleep", "60"), cwd="/", env=os.environ, hear=_ignore) as program:
        program.leave(0.05)
    assert time.monotonic() - began < 30


def _ignore(line: bytes) -> None:
    pass
