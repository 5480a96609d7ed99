"""`labq.should_stop`, `labq.on_stop` and `labq.current_task`."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from waiting import until

import labq
from labq.errors import StoreError, UsageError
from labq.job import stop
from labq.queue import Ending, claims


@pytest.fixture
def soon(monkeypatch):
    """Looks are due at once."""
    monkeypatch.setattr(stop, "BETWEEN", 0.0)


@pytest.fixture(autouse=True)
def handlers():
    """The signals' handlers are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# -- should_stop ----------------------------------------------------------------------------------


def test_c43_a_cancel_is_seen(claim, soon):
    queue, granted = claim
    assert labq.should_stop() is False
    queue.cancel({"_id": granted.task["_id"]})
    assert labq.should_stop() is True
    claims.cancel(queue.store, granted, Ending(succeeded=False))
    assert labq.should_stop() is True


def test_c43_a_lost_lease_is_a_reason_to_stop(claim, soon):
    queue, granted = claim
    claims.release(queue.store, granted, Ending(succeeded=False))
    assert labq.should_stop() is True


def test_the_store_is_asked_once_a_second_and_less_often_while_it_is_away(monkeypatch):
    now, looks = [0.0], []

    class Book:
        token = "t"  # noqa: S105 - no secret

        def to_stop(self):
            looks.append(now[0])
            if len(looks) == 2:
                raise StoreError
            return len(looks) == 4

    monkeypatch.setattr(stop, "books", lambda _name: Book())
    monkeypatch.setattr(stop.time, "monotonic", lambda: now[0])
    answers = []
    for tenth in range(500):
        now[0] = tenth / 10 + 100
        answers.append(labq.should_stop())
    assert looks == [100, 101, 131, 132]
    assert answers == [False] * 320 + [True] * 180


def test_outside_of_a_task_nothing_is_to_stop():
    with pytest.warns(UserWarning, match=r"^labq.should_stop: this process is not a labq task"):
        assert labq.should_stop() is False
    assert labq.on_stop(print) is print


# -- on_stop --------------------------------------------------------------------------------------


def test_callbacks_are_called_in_order_and_one_that_fails_is_logged(claim, caplog):
    called = []

    def wrong():
        raise ValueError("oh")

    @labq.on_stop
    def first():
        called.append(1)

    labq.on_stop(wrong)
    labq.on_stop(lambda: called.append(2))
    with pytest.raises(SystemExit) as ended:
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert called == [1, 2]
    assert caplog.messages[0].startswith("labq.on_stop: <function ")
    assert caplog.messages[0].endswith(" failed")


def test_the_handler_that_was_there_is_called_too(claim):
    called = []
    signal.signal(signal.SIGTERM, lambda number, _frame: called.append(number))
    labq.on_stop(lambda: called.append("stop"))
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert called == ["stop", signal.SIGTERM, signal.SIGTERM]


def test_ctrl_c_calls_them_and_interrupts(claim):
    called = []
    labq.on_stop(lambda: called.append("stop"))
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert called == ["stop"]


def test_a_process_that_the_job_forks_dies_of_the_signal_and_calls_nothing(claim, tmp_path):
    labq.on_stop(lambda: (tmp_path / "called").write_text(""))
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert not (tmp_path / "called").exists()


def test_what_an_older_task_wanted_is_over(start):
    called = []
    start()
    labq.on_stop(lambda: called.append("old"))
    start()
    labq.on_stop(lambda: called.append("new"))
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)
    assert called == ["new"]


def test_what_cannot_be_called_is_refused(claim):
    with pytest.raises(UsageError) as refused:
        labq.on_stop(5)
    assert str(refused.value) == "labq.on_stop: give a function, not 5"


def test_only_the_main_thread_hears_of_signals(claim):
    told = []

    def ask():
        with pytest.raises(UsageError) as refused:
            labq.on_stop(print)
        told.append(str(refused.value))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert told == ["labq.on_stop: call it in the main thread, which alone hears of signals"]


# -- current_task ---------------------------------------------------------------------------------


def test_the_task_that_this_process_runs_as(start, monkeypatch, uri):
    _, granted = start({"lr": 0.1}, name="base", tags=["a"], metadata={"by": "me"})
    monkeypatch.setenv("LABQ_TASK_DIR", "/somewhere")
    task = labq.current_task()
    assert (task.id, task.number, task.queue, task.attempt) == (granted.task["_id"], 1, "q", 1)
    assert (task.name, task.args, task.tags) == ("base", {"lr": 0.1}, ("a",))
    assert (task.metadata, task.summary, task.parent) == ({"by": "me"}, {}, None)
    assert task.folder == Path("/somewhere")
    with pytest.raises(AttributeError):
        task.name = "other"


def test_outside_of_a_task_there_is_none_and_to_ask_is_no_fault():
    assert labq.current_task() is None


def test_the_wait_is_over_soon_after_a_cancel(claim, monkeypatch):
    monkeypatch.setattr(stop, "BETWEEN", 0.01)
    queue, granted = claim
    assert labq.should_stop() is False
    queue.cancel({"_id": granted.task["_id"]})
    assert until(labq.should_stop) is True
