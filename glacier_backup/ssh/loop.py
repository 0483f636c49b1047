"""An asyncio loop in a thread of its own, for threads that know nothing of asyncio."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

Work = Coroutine[Any, Any, T]

Check = Callable[[], object]
"""Asked while waiting; raises when it makes no sense any more."""

GLANCE = 0.1
"""Seconds between two looks whether waiting still makes sense."""

PATIENCE = 5.0
"""Seconds that is waited for what is called off to end."""


class LoopClosed(Exception):
    """Nothing runs any more."""


class _AfterTheBreak(logging.Filter):
    """Keeps from the log that a loop's socket is written to after its connection broke: whoever wrote hears of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.threadName != _NAME or record.msg != "socket.send() raised exception."


_NAME = "ssh"
_filter = _AfterTheBreak()


class LoopThread:
    """Runs coroutines that other threads hand in; starts at once."""

    def __init__(self) -> None:
        logging.getLogger("asyncio").addFilter(_filter)
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[Future[Any], asyncio.Task[Any]] = {}
        self._last: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._main, name=_NAME, daemon=True)
        self._thread.start()

    def start(self, work: Work[T]) -> Future[T]:
        """Have ``work`` run; its answer, done when it has really ended. Raises LoopClosed."""
        answer: Future[T] = Future()
        try:
            self._loop.call_soon_threadsafe(self._begin, work, answer)
        except RuntimeError:
            work.close()
            raise LoopClosed from None
        return answer

    def wait(self, answer: Future[T], check: Check) -> T:
        """What a coroutine returned or raised. Raises LoopClosed, and what ``check`` raises."""
        while True:
            try:
                return answer.result(GLANCE)
            except TimeoutError:
                if answer.done():
                    raise
            except CancelledError:
                raise LoopClosed from None
            if self._loop.is_closed() and not answer.done():
                raise LoopClosed
            check()

    def run(self, work: Work[T], check: Check) -> T:
        """:meth:`start` and :meth:`wait`. What is waited for no longer is called off, and has ended at the return."""
        answer = self.start(work)
        try:
            return self.wait(answer, check)
        except BaseException:
            self.call(self._cancel, answer)
            with suppress(BaseException):
                answer.exception(PATIENCE)
            raise

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function run by the loop, and wait for nothing."""
        with suppress(RuntimeError):  # nothing is left that it could be about
            self._loop.call_soon_threadsafe(function, *arguments)

    def stop(self, last: Callable[[], object]) -> None:
        """Call off all that runs, do a ``last`` thing in the loop's thread, and end."""
        self._last = last
        self.call(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(PATIENCE)

    def _begin(self, work: Work[T], answer: Future[T]) -> None:
        task = self._tasks[answer] = self._loop.create_task(work)
        task.add_done_callback(partial(self._ended, work, answer))

    def _ended(self, work: Work[T], answer: Future[T], task: asyncio.Task[T]) -> None:
        del self._tasks[answer]
        work.close()  # one that was called off before its first step
        if task.cancelled():
            answer.cancel()
        elif (error := task.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    def _cancel(self, answer: Future[Any]) -> None:
        if answer in self._tasks:
            self._tasks[answer].cancel()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_end_all())
            self._last()
            self._loop.run_until_complete(_end_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
