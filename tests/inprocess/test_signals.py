"""Signals while a loop runs."""

from __future__ import annotations

import os
import signal

import pytest
from looping import BOTH, as_a_function, aside, at_work, ends, tasks, wait_to_be_interrupted
from waiting import until

import labq
from labq.inprocess import body as body_module
from labq.queue import workers
from labq.worker import ledger

# -- the person and the system --------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit), (signal.SIGHUP, SystemExit)],
)
def test_a_signal_gives_the_task_back_and_ends_the_loop(queue, submit, run, number, raised):
    submit({}, {})

    def body(task):
        os.kill(os.getpid(), number)
        wait_to_be_interrupted()

    with pytest.raises(raised) as caught:
        run(labq.loop(), body)
    if raised is SystemExit:
        assert caught.value.code == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    assert ends(queue) == [("pending", "the worker was stopped"), ("pending", "")]
    assert tasks(queue)[0]["retries"] == 0
    assert at_work(queue) == []


def test_a_body_that_catches_a_sigterm_is_the_last(queue, submit):
    submit({}, {})
    for _ in labq.loop():
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
    assert ends(queue) == [("success", ""), ("pending", "")]


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_ends_the_wait_for_a_task(queue, number, raised):
    def send():
        until(lambda: at_work(queue))
        os.kill(os.getpid(), number)

    sender = aside(send)
    with pytest.raises(raised):
        list(labq.loop(forever=True))
    sender.join()
    assert at_work(queue) == []


def test_a_signal_while_the_end_is_written_waits_for_that(queue, submit, monkeypatch):
    submit({}, {})
    real = ledger.claims.finish

    def finish(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*given)

    monkeypatch.setattr(ledger.claims, "finish", finish)
    with pytest.raises(KeyboardInterrupt):
        list(labq.loop())
    assert ends(queue) == [("success", ""), ("pending", "")]


def test_the_programs_own_handlers_stay_in_force(queue, submit):
    submit()
    came = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        for _ in labq.loop():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(body_module.Interrupted):  # noqa: PT012 - wherever it is by then
                queue.cancel({"queue": "default"})
                wait_to_be_interrupted()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert came == [signal.SIGINT, signal.SIGTERM]
    assert ends(queue) == [("cancelled", "cancelled")]


def test_a_worker_that_is_asked_to_stop_gives_its_task_back(queue, submit, caplog):
    submit({}, {})

    def body(task):
        (record,) = at_work(queue)
        workers.command(queue.store, [record["_id"]], workers.STOP)
        wait_to_be_interrupted()

    as_a_function(labq.loop(), body)
    assert ends(queue) == [("pending", "the worker was stopped"), ("pending", "")]
    assert caplog.messages == ["asked to stop: stopping what runs and giving the tasks back"]
