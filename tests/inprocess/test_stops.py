"""What stops a body: cancels, timeouts, lost leases, and a store that is away."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress

import pytest
from looping import (
    BOTH,
    WAIT,
    as_a_function,
    aside,
    at_work,
    ends,
    in_a_block,
    tasks,
    wait_to_be_interrupted,
)
from waiting import until

import labq
from labq.errors import StoreError
from labq.inprocess import body as body_module
from labq.inprocess.run import _ON as ON
from labq.store import Change
from labq.worker import ledger

# -- stops ----------------------------------------------------------------------------------------


@BOTH
def test_a_cancel_interrupts_the_body_and_the_loop_goes_on(queue, submit, run):
    submit({}, {})

    def body(task):
        if task.number == 1:
            aside(lambda: queue.cancel({"queue": "default", "number": 1}, reason="too slow"))
            wait_to_be_interrupted()

    run(labq.loop(), body)
    assert ends(queue) == [("cancelled", "too slow"), ("success", "")]


def test_in_a_plain_loop_a_cancel_goes_through_the_loop(queue, submit):
    submit({}, {})
    with pytest.raises(KeyboardInterrupt) as caught:  # noqa: PT012 - the loop is what raises
        for _ in labq.loop():
            queue.cancel({"queue": "default", "number": 1})
            wait_to_be_interrupted()
    assert isinstance(caught.value, body_module.Interrupted)
    assert str(caught.value) == "cancelled"


def test_a_cancel_before_the_worker_listens_is_heard_when_it_does(queue, submit, monkeypatch):
    submit()
    cancelled, watch = threading.Event(), type(queue.store).watch

    def late(store, name):
        cancelled.wait(WAIT)
        return watch(store, name)

    monkeypatch.setattr(type(queue.store), "watch", late)

    def body(_task):
        queue.cancel({"queue": "default"}, reason="early")
        cancelled.set()
        wait_to_be_interrupted()

    as_a_function(labq.loop(lease="1h", heartbeat="10m"), body)
    assert ends(queue) == [("cancelled", "early")]


def in_a_thread(body):
    """The whole loop, in a thread that is not the main one."""
    thread = aside(labq.loop()(body))
    thread.join(WAIT)
    assert not thread.is_alive()


def test_elsewhere_a_body_looks_whether_it_should_stop(queue, submit):
    submit()

    def body(task):
        queue.cancel({"queue": "default"}, reason="enough")
        until(lambda: task.should_stop)

    in_a_thread(body)
    assert ends(queue) == [("cancelled", "enough")]


def test_a_body_may_ask_the_books_whether_it_should_stop(queue, submit):
    submit()

    def body(_task):
        queue.cancel({"queue": "default"}, reason="enough")
        until(labq.should_stop)

    in_a_thread(body)
    assert ends(queue) == [("cancelled", "enough")]


def test_what_is_to_be_done_at_a_stop_is_done_before_the_body_is_interrupted(queue, submit):
    submit({}, {})
    done = []

    def body(task):
        labq.on_stop(lambda: done.append(task.number))
        aside(lambda: queue.cancel({"queue": "default", "number": 1}))
        if task.number == 1:
            wait_to_be_interrupted()

    as_a_function(labq.loop(), body)
    assert done == [1]
    assert ends(queue) == [("cancelled", "cancelled"), ("success", "")]


def test_a_body_that_ends_before_it_hears_of_a_stop_has_succeeded(queue, submit):
    submit()

    def body(task):
        queue.cancel({"queue": "default"})
        (run,) = ON
        until(lambda: run._shift.keeper.held[0].asked)

    in_a_thread(body)
    assert ends(queue) == [("success", "")]


def test_an_exception_that_ends_a_thread_is_the_failure(queue, submit):
    submit()

    def loop():
        for _ in labq.loop():
            raise ValueError("bad")

    shown = []
    before, threading.excepthook = threading.excepthook, shown.append
    try:
        aside(loop).join()
        assert threading.excepthook == shown.append
    finally:
        threading.excepthook = before
    assert [str(one.exc_value) for one in shown] == ["bad"]
    assert ends(queue) == [("failed", "ValueError: bad")]
    assert at_work(queue) == []


@BOTH
def test_a_timeout_is_a_failure(queue, submit, run):
    submit(timeout=0.05)
    run(labq.loop(), lambda _: wait_to_be_interrupted())
    assert ends(queue) == [("failed", "timeout after 0.05 s")]
    (error,) = tasks(queue)[0]["errors"]
    assert error["message"] == "timeout after 0.05 s"
    assert "in wait_to_be_interrupted" in error["traceback"]


def test_when_its_time_is_over_the_task_is_given_back(queue, submit):
    submit({}, {})

    def body(_task):
        (run,) = ON
        run._shift._last_call -= 3600
        wait_to_be_interrupted()

    in_a_block(labq.loop(time_limit="1h"), body)
    assert ends(queue) == [("pending", "the worker's time was over"), ("pending", "")]


def lose(queue):
    """Another worker has the task."""
    queue.store.update({"number": 1}, Change(set={"lease.token": "another's"}))


@BOTH
def test_a_lost_lease_interrupts_the_body_and_writes_nothing(queue, submit, run):
    submit({}, {})

    def body(task):
        if task.number == 1:
            lose(queue)
            wait_to_be_interrupted()

    run(labq.loop(lease=6, heartbeat=0.05), body)
    assert ends(queue) == [("running", ""), ("success", "")]


def heedless(killed, ask):
    """A body that does not end until it would be dead."""
    with suppress(KeyboardInterrupt):
        aside(ask)
        killed.wait(WAIT)
    assert killed.wait(WAIT)


def test_a_process_that_holds_on_to_a_lost_task_is_killed(
    queue, submit, killed, caplog, monkeypatch
):
    monkeypatch.setattr(body_module, "MOMENT", 0.1)
    submit()

    def body(task):
        heedless(killed, lambda: lose(queue))

    as_a_function(labq.loop(lease=6, heartbeat=0.05), body)
    assert caplog.messages[0] == (
        "task 1: the lease was lost, but its code runs on: killing this process, "
        "for another worker may run the task now"
    )
    assert caplog.records[0].levelname == "CRITICAL"


@pytest.mark.parametrize("grace", [0, 0.05])
def test_a_cancel_with_a_grace_kills_the_process_when_it_is_over(
    queue, submit, killed, caplog, grace
):
    submit()

    def body(task):
        heedless(killed, lambda: queue.cancel({"queue": "default"}, reason="now", grace=grace))

    as_a_function(labq.loop(), body)
    assert ends(queue) == [("cancelled", "now")]
    assert caplog.messages[0] == "task 1: cancelled, but its code runs on: killing this process"


# -- a store that is away -------------------------------------------------------------------------


def test_an_end_is_written_when_the_store_is_back(queue, submit, monkeypatch, caplog):
    submit()
    real, tries = ledger.claims.finish, []

    def finish(*given):
        tries.append(given)
        if len(tries) == 1:
            raise StoreError("it is away")
        return real(*given)

    monkeypatch.setattr(ledger.claims, "finish", finish)
    for _ in labq.loop():
        pass
    assert ends(queue) == [("success", "")]
    assert caplog.messages == ["task 1: cannot write its end yet: it is away"]


def test_a_task_that_cannot_be_given_back_does_not_keep_the_program(
    queue, submit, monkeypatch, caplog
):
    submit()

    def release(*_):
        raise StoreError("it is away")

    def body(task):
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.claims, "release", release)
    with pytest.raises(KeyboardInterrupt):
        as_a_function(labq.loop(), body)
    assert caplog.messages[0] == "task 1 is given back when its lease is over: it is away"
    assert ends(queue) == [("running", "")]


def test_a_store_that_is_away_at_the_start_is_told_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("LABQ_HOME", str(tmp_path))
    with pytest.raises(StoreError):
        list(labq.loop(uri=f"sqlite:{tmp_path}"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
