"""Requests that are repeated: which, how often, how soon, and how many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

import pytest

from glacier_backup.destination import retrying
from glacier_backup.destination.retrying import ATTEMPTS, Flow, Retrier, Verdict
from glacier_backup.errors import Interrupted


class Throttled(Exception):
    pass


class Unreachable(Exception):
    pass


def judge(error: Exception) -> Verdict:
    if isinstance(error, Throttled):
        return Verdict.THROTTLED
    if isinstance(error, Unreachable):
        return Verdict.OUTAGE
    return Verdict.TRANSIENT if isinstance(error, ConnectionError) else Verdict.FINAL


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.0001)
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 0.001)


def nothing() -> None:
    return


class Request:
    """Fails as often as told, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_passing_error_is_survived_nine_times() -> None:
    request = Request(*[ConnectionResetError()] * (ATTEMPTS - 1))

    assert Retrier(judge, 4)(request, nothing) == "answer"
    assert request.tries == ATTEMPTS == 10


def test_the_tenth_error_is_raised_as_it_came() -> None:
    request = Request(*[ConnectionResetError(str(number)) for number in range(20)])

    with pytest.raises(ConnectionResetError, match="9"):
        Retrier(judge, 4)(request, nothing)

    assert request.tries == ATTEMPTS


def test_an_outage_is_waited_out_where_the_service_was_there_before() -> None:
    """As of a router that starts anew in the middle of a long upload."""
    patiently = Retrier(judge, 4)
    request = Request(*[Unreachable()] * 50)

    assert patiently(Request(), nothing) == "answer"
    assert patiently(request, nothing) == "answer"
    assert request.tries == 51


def test_an_outage_uses_up_no_tries() -> None:
    """When the network is back the service may still be in trouble for a while."""
    patiently = Retrier(judge, 4)
    patiently(Request(), nothing)
    request = Request(*[Unreachable()] * 20, *[ConnectionResetError()] * (ATTEMPTS - 1))

    assert patiently(request, nothing) == "answer"


def test_an_outage_is_waited_out_for_an_hour_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that swallows everything takes longer to fail than is waited between two tries."""
    patiently = Retrier(judge, 4)
    patiently(Request(), nothing)
    hours = count(step=600)
    monkeypatch.setattr("time.monotonic", lambda: next(hours))
    request = Request(*[Unreachable()] * 10_000)

    with pytest.raises(Unreachable):
        patiently(request, nothing)

    assert request.tries < 100


def test_what_was_never_reached_is_tried_ten_times() -> None:
    """A wrong address is told soon."""
    request = Request(*[Unreachable()] * 50)

    with pytest.raises(Unreachable):
        Retrier(judge, 4)(request, nothing)

    assert request.tries == ATTEMPTS


def test_an_outage_uses_up_the_budget_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "BUDGET", 0.01)
    patiently = Retrier(judge, 4)
    patiently(Request(), nothing)

    with pytest.raises(Unreachable):
        patiently(Request(*[Unreachable()] * 10_000), nothing)


def test_a_final_error_is_raised_at_once() -> None:
    request = Request(PermissionError("no"))

    with pytest.raises(PermissionError):
        Retrier(judge, 4)(request, nothing)

    assert request.tries == 1


def test_waits_grow_and_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.5)
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 30.0)
    drawn: list[tuple[float, float]] = []

    def draw(least: float, most: float) -> float:
        drawn.append((least, most))
        return 0.0

    monkeypatch.setattr("random.uniform", draw)

    Retrier(judge, 4)(Request(*[ConnectionResetError()] * 9), nothing)

    assert drawn == [(0, most) for most in (0.5, 1, 2, 4, 8, 16, 30, 30, 30)]


def test_when_the_budget_of_a_run_is_used_up_nothing_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "BUDGET", 0.0)
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    request = Request(ConnectionResetError())

    with pytest.raises(ConnectionResetError):
        Retrier(judge, 4)(request, nothing)


def test_waiting_ends_when_it_makes_no_sense_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: 3600.0)

    def interrupted() -> None:
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        Retrier(judge, 4)(Request(ConnectionResetError()), interrupted)


def limit_after(*events: Callable[[Flow], None]) -> int:
    flow = Flow(8)
    for event in events:
        event(flow)
    return flow.limit


def throttled(flow: Flow) -> None:
    with flow.turn(nothing) as turn:
        turn.throttled()


def answered(flow: Flow) -> None:
    with flow.turn(nothing) as turn:
        turn.answered()


def test_throttling_halves_what_may_be_under_way_and_never_stops_it() -> None:
    assert limit_after(throttled) == 4
    assert limit_after(throttled, throttled) == 2
    assert limit_after(*[throttled] * 20) == 1


def test_answers_bring_it_back() -> None:
    assert limit_after(throttled, *[answered] * 5) == 5
    assert limit_after(throttled, *[answered] * 100) == 8


def test_requests_that_are_throttled_together_slow_down_once() -> None:
    flow = Flow(8)
    with flow.turn(nothing) as one, flow.turn(nothing) as other:
        one.throttled()
        other.throttled()

    assert flow.limit == 4


def test_no_more_requests_are_under_way_than_the_limit() -> None:
    flow = Flow(8)
    throttled(flow)
    throttled(flow)
    most = 0
    under_way = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal most, under_way
        for _ in range(20):
            with flow.turn(nothing):
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                threading.Event().wait(0.0005)
                with lock:
                    under_way -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2


def test_a_turn_that_is_waited_for_in_vain_is_given_up() -> None:
    flow = Flow(1)

    def interrupted() -> None:
        raise Interrupted("stop")

    with flow.turn(nothing), pytest.raises(Interrupted), flow.turn(interrupted):
        pass


def test_only_waits_worth_telling_are_told_before_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([0.9, 1.0])
    monkeypatch.setattr("random.uniform", lambda least, most: next(waits))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("time.monotonic", iter(range(100)).__next__)
    told: list[tuple[str, float]] = []
    request = Request(ConnectionResetError("short"), ConnectionResetError("long"))

    Retrier(judge, 4, lambda error, seconds: told.append((str(error), seconds)))(request, nothing)

    assert told == [("long", 1.0)]


def test_a_judge_may_say_that_something_else_is_wrong() -> None:
    def mending(error: Exception) -> Verdict:
        raise PermissionError("no new key") from error

    with pytest.raises(PermissionError, match="no new key"):
        Retrier(mending, 4)(Request(ConnectionResetError()), nothing)
