"""How a body's end becomes its task's, and what a loop that is left leaves behind."""

from __future__ import annotations

import os

import pytest
from looping import BOTH, at_work, ends, tasks
from waiting import until

import labq
from labq.errors import UsageError
from labq.inprocess.failures import failure
from labq.inprocess.run import _ON as ON

# -- how a body ends ------------------------------------------------------------------------------


@BOTH
def test_an_exception_is_the_tasks_failure_and_the_loop_goes_on(queue, submit, run, caplog):
    submit({}, {}, {})

    def body(task):
        if task.number == 2:
            raise ValueError("bad")

    run(labq.loop(), body)
    assert ends(queue) == [("success", ""), ("failed", "ValueError: bad"), ("success", "")]
    (error,) = tasks(queue)[1]["errors"]
    assert (error["attempt"], error["message"]) == (1, "ValueError: bad")
    assert error["traceback"].startswith("Traceback (most recent call last):\n  File ")
    assert error["traceback"].endswith('raise ValueError("bad")\nValueError: bad')
    assert "labq/worker" not in error["traceback"]
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("labq", "WARNING")
    assert record.getMessage() == "task 2 failed: ValueError: bad"
    assert record.exc_info


class OddError(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ValueError(), "ValueError"),
        (ValueError("two\nlines\0"), "ValueError: two lines\ufffd"),
        (OSError("\udcff"), "OSError: \\udcff"),
        (SyntaxError("bad", ("f.py", 1, 1, "x x", 1, 2)), "SyntaxError: bad"),
        (ValueError("x" * 300), f"ValueError: {'x' * 185}..."),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_the_reason_is_a_line(fault, reason):
    assert failure(fault, "", None).reason == reason


def test_a_long_traceback_keeps_its_end(queue, submit):
    submit({}, {})

    @labq.loop()
    def train(task):
        raise ValueError("x" * 20_000 + "end") if task.number == 1 else OddError

    train()
    long, odd = (task["errors"][0]["traceback"] for task in tasks(queue))
    assert len(long) == 16 * 1024
    assert long.endswith("xend")
    assert "OddError: <exception str() failed>" in odd


@BOTH
def test_a_failure_is_tried_again(queue, submit, run, caplog):
    submit(max_retries=1, name="n")
    attempts = []

    def body(task):
        attempts.append(task.attempt)
        if task.attempt == 1:
            raise ValueError("bad")

    run(labq.loop(), body)
    assert attempts == [1, 2]
    assert ends(queue) == [("success", "ValueError: bad")] or ends(queue) == [("success", "")]
    assert [one.getMessage() for one in caplog.records] == [
        "task 1 (n) failed: ValueError: bad (retry 1 of 1)"
    ]


def test_a_function_takes_what_it_is_called_with_and_returns_what_became_of_the_tasks(
    queue, submit
):
    submit({"x": 1}, {"x": 2})
    seen = []

    @labq.loop()
    def train(task, model, *, seed):
        """Trains."""
        seen.append((task.args["x"], model, seed))
        if task.args["x"] == 2:
            raise ValueError

    tally = train("m", seed=3)
    assert seen == [(1, "m", 3), (2, "m", 3)]
    assert tally.by_status == {"success": 1, "failed": 1}
    assert (train.__name__, train.__doc__) == ("train", "Trains.")
    assert train("m", seed=3).by_status == {}


@pytest.mark.parametrize(
    ("decide", "end", "status"),
    [
        (lambda task: task.done(), ("success", ""), "success"),
        (lambda task: task.fail(), ("failed", "failed"), "failed"),
        (lambda task: task.fail("no data"), ("failed", "no data"), "failed"),
        (lambda task: task.release(), ("pending", "given back by its own code"), "released"),
    ],
)
def test_a_body_may_decide_at_once(queue, submit, decide, end, status):
    submit({}, {})
    for task in labq.loop(max_tasks=1):
        decide(task)
        assert ends(queue)[0] == end
        assert task.status == status
        assert "LABQ_TASK_ID" not in os.environ
    assert ends(queue) == [end, ("pending", "")]
    assert at_work(queue) == []


@BOTH
@pytest.mark.parametrize("again", ["done", "fail", "release"])
def test_a_second_decision_is_a_notice_and_changes_nothing(queue, submit, run, again, caplog):
    submit({}, {})

    def body(task):
        task.fail("no data")
        getattr(task, again)()

    run(labq.loop(), body)
    assert ends(queue) == [("failed", "no data")] * 2
    assert [one for one in caplog.messages if "already" in one] == [
        f"task {number} has ended already (failed): {again}() changes nothing" for number in (1, 2)
    ]


@BOTH
def test_an_exception_after_the_decision_is_logged_and_the_loop_goes_on(queue, submit, run, caplog):
    submit({}, {})

    def body(task):
        task.done()
        raise ValueError("late")

    run(labq.loop(), body)
    assert ends(queue) == [("success", "")] * 2
    assert [(one.getMessage(), str(one.exc_info[1])) for one in caplog.records] == [
        (
            f"task {number} has ended already (success): an exception after that changes nothing",
            "late",
        )
        for number in (1, 2)
    ]


@BOTH
@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_does_so_after_the_decision_too(queue, submit, run, fault):
    submit({}, {})

    def body(task):
        task.done()
        raise fault

    with pytest.raises(fault):
        run(labq.loop(), body)
    assert ends(queue) == [("success", ""), ("pending", "")]


def test_too_many_failures_end_the_loop(queue, submit, caplog):
    submit({}, {}, {})

    @labq.loop(max_failures=2)
    def train(task):
        raise ValueError

    assert train().by_status == {"failed": 2}
    assert caplog.messages[-1] == (
        "no more tasks: attempts that failed: 2 (--max-failures): labq task show --queue default 2 says "
        "why; once that is mended, labq task requeue --queue default -s failed runs what failed again"
    )


def test_ten_failures_in_a_row_end_the_loop(queue, submit, caplog):
    submit(*[{}] * 12)

    @labq.loop()
    def train(task):
        raise ValueError

    assert train().by_status == {"failed": 10}
    assert caplog.messages[-1].startswith("no more tasks: tasks that failed, in a row: 10 (")

    @labq.loop(max_consecutive_failures=None)
    def train_all(task):
        raise ValueError

    assert train_all().by_status == {"failed": 2}


# -- loops that are left --------------------------------------------------------------------------


def left_by_break():
    for task in labq.loop():
        return task
    return None


def left_by_an_exception():
    try:
        for task in labq.loop():
            raise ValueError(task)  # noqa: TRY301 - what is tested
    except ValueError:
        return task


LEFT = pytest.mark.parametrize("leave", [left_by_break, left_by_an_exception])


@LEFT
def test_a_task_whose_loop_was_left_is_given_back_by_the_next_loop(queue, submit, leave):
    submit()
    task = leave()
    assert (task.status, ends(queue)) == ("running", [("running", "")])
    assert len(at_work(queue)) == 1
    again = [(one.number, one.attempt) for one in labq.loop()]
    assert again == [(1, 2)]
    assert task.status == "released"
    assert tasks(queue)[0]["attempts"][0]["reason"] == "its loop was left"


@LEFT
def test_a_task_whose_loop_was_left_may_be_decided(queue, submit, leave):
    submit()
    task = leave()
    task.done()
    assert ends(queue) == [("success", "")]
    assert at_work(queue) == []


def test_a_loop_that_is_left_with_its_task_decided_is_over(queue, submit):
    submit({}, {})
    for task in labq.loop():
        with task:
            break
    assert ends(queue) == [("success", ""), ("pending", "")]
    assert at_work(queue) == []


def test_a_stop_does_not_reach_the_code_after_a_loop(queue, submit):
    submit()
    task = left_by_break()
    queue.cancel({"queue": "default"})
    (run,) = ON
    until(lambda: run._shift.keeper.held[0].asked)
    task.release()
    assert ends(queue) == [("cancelled", "cancelled")]


def test_one_loop_at_a_time(queue, submit):
    submit()
    for _ in labq.loop():
        with pytest.raises(UsageError) as caught:
            list(labq.loop(queue="other"))
        assert str(caught.value) == (
            "labq.loop: another loop, or labq.init, is on in this process: let it end first, "
            "or use a process for each"
        )
    assert ends(queue) == [("success", "")]


def test_a_task_of_the_queue_does_not_loop_over_it(queue, submit, monkeypatch, uri):
    submit()
    monkeypatch.setenv("LABQ_TASK_ID", "x")
    monkeypatch.setenv("LABQ_TASK_NUMBER", "7")
    monkeypatch.setenv("LABQ_QUEUE", "default")
    with pytest.raises(UsageError) as caught:
        list(labq.loop())
    assert str(caught.value) == (
        "labq.loop: this process is task 7 of queue 'default' itself: "
        "start it without labq worker run, or name another queue"
    )
    assert list(labq.loop(queue="other")) == []
