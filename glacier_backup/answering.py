"""Asking an external program something short: all it is told and all it says is held in memory."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import IO, NamedTuple, cast

from glacier_backup.process import LONGEST_LINE, PIPE_BYTES, started

GLANCE = 0.2
"""Seconds between two looks whether to go on."""


class Answer(NamedTuple):
    """What became of a program that was asked something."""

    status: int
    """As :meth:`glacier_backup.process.Running.wait` returns it."""
    output: bytes
    complaint: bytes
    """What it said on its standard error, the end of that."""


def answer(
    program: str,
    arguments: Sequence[str],
    question: bytes,
    *,
    cwd: str,
    env: Mapping[str, str],
    most: int,
    check: Callable[[], object],
) -> Answer:
    """What ``program``, run as by :func:`glacier_backup.process.running`, makes of ``question``, which is all of its
    standard input.

    Raises OSError when it can't be started, ValueError for an output of more than ``most`` bytes, and what ``check``
    raises, which is asked while it is waited for; the program has ended then.
    """
    process = started(program, arguments, subprocess.PIPE, cwd, env)
    try:
        return _asked(process, question, most, check)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            cast(IO[bytes], pipe).close()


def _asked(process: subprocess.Popen[bytes], question: bytes, most: int, check: Callable[[], object]) -> Answer:
    stdin, stdout, stderr = (cast(IO[bytes], pipe) for pipe in (process.stdin, process.stdout, process.stderr))
    left, heard = memoryview(question), {stdout: b"", stderr: b""}
    os.set_blocking(stdin.fileno(), False)
    with selectors.DefaultSelector() as waiting:
        for pipe in (stdin, stdout, stderr):
            waiting.register(pipe, selectors.EVENT_WRITE if pipe is stdin else selectors.EVENT_READ)
        while waiting.get_map():
            ready = [cast(IO[bytes], key.fileobj) for key, _ in waiting.select(GLANCE)]
            check()
            for pipe in ready:
                if pipe is stdin:
                    more = left = _told(stdin, left)
                else:
                    more = memoryview(os.read(pipe.fileno(), PIPE_BYTES))
                    heard[pipe] += more
                if not more:
                    waiting.unregister(pipe)
                    pipe.close()
            heard[stderr] = heard[stderr][-LONGEST_LINE:]
            if len(heard[stdout]) > most:
                raise ValueError(f"it says more than {most:,} bytes")
    return Answer(_status(process, check), heard[stdout], heard[stderr])


def _status(process: subprocess.Popen[bytes], check: Callable[[], object]) -> int:
    while True:
        try:
            return process.wait(GLANCE)
        except subprocess.TimeoutExpired:
            check()


def _told(pipe: IO[bytes], text: memoryview) -> memoryview:
    """What is left of ``text``; nothing where nobody wants more."""
    try:
        return text[os.write(pipe.fileno(), text) :]
    except BrokenPipeError:
        return text[:0]
