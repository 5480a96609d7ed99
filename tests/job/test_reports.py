"""`labq.report` and `labq.update_info`, from inside a job and outside of one."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path

import pytest

import labq
from labq.errors import ConflictError, StoreError, UsageError
from labq.job import context, reports
from labq.queue import Ending, claims


class Array:
    """As NumPy and PyTorch have it."""

    def __init__(self, value):
        self.value = value

    def tolist(self):
        return self.value


@pytest.fixture
def down(monkeypatch):
    """A store that is away, a clock that runs fast; gives the list of tries."""
    tries = []

    class Down:
        token = ""

        def summary(self, _values):
            tries.append(1)
            raise StoreError("it is down")

    monkeypatch.setattr(reports, "books", lambda _name: Down())
    monkeypatch.setattr(reports.time, "sleep", lambda _seconds: None)
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(reports.time, "monotonic", lambda: next(clock))
    return tries


def test_values_are_merged_into_the_summary(claim):
    queue, _ = claim
    labq.report(acc=0.5, by={"epoch": 1})
    labq.report(acc=Array(0.75), by={"loss": Array([1.0, math.inf])}, bad=math.nan)
    summary = {"acc": 0.75, "by": {"epoch": 1, "loss": [1.0, "inf"]}, "bad": "nan"}
    assert queue.get("1")["summary"] == summary


class Colour(Enum):
    RED = "red"


class Named(str, Enum):
    RED = "red"


def test_what_python_holds_is_converted(claim):
    queue, _ = claim
    by = {1: 0.5, 2.5: Path("a/b"), Named.RED: (1, Array(2.0))}
    labq.report(by=by, worst=float("nan"), best=Array(math.inf), colour=Named.RED)
    assert queue.get("1")["summary"] == {
        "by": {"1": 0.5, "2": {"5": "a/b"}, "red": [1, 2.0]},
        "worst": "nan",
        "best": "inf",
        "colour": "red",
    }


def test_what_cannot_be_stored_is_left_out_with_a_warning(claim):
    queue, _ = claim
    itself = {}
    itself["itself"] = itself
    with pytest.warns(UserWarning, match="it is left out") as told:
        labq.report(a=1, thing=object(), by={"c": Colour.RED, "d": 2, "": 3}, huge=2**70, x=itself)
    assert [str(one.message).partition(" (it is")[0] for one in told] == [
        "labq.report: thing: no store holds a value of type object",
        "labq.report: by.c: no store holds a value of type Colour: give its .value",
        "labq.report: by.: the key is empty",
        "labq.report: huge: 1180591620717411303424 is past 64 bits: give it as a text",
        f"labq.report: x{'.itself' * 8}...: nested too deeply (at most 80 levels)",
    ]
    assert queue.get("1")["summary"] == {"a": 1, "by": {"d": 2}}


def test_a_lost_lease_refuses_the_report(claim):
    queue, granted = claim
    claims.finish(queue.store, granted, Ending(succeeded=True))
    with pytest.raises(ConflictError, match=r"^the report is refused"):
        labq.report(acc=1)


def test_outside_of_a_task_it_warns_once_and_does_nothing():
    with pytest.warns(UserWarning, match="^labq.report: this process is not a labq task") as caught:
        labq.report(acc=1)
    assert caught[0].filename == __file__
    labq.report(acc=2)  # a second warning would be an error
    labq.progress(50)  # of another function, too
    assert context._asked_outside() == ["report"]


def test_a_store_that_cannot_be_reached_is_tried_again_and_then_a_warning(down):
    with pytest.warns(UserWarning, match=r"^labq.report: \{'acc': 1\} is not stored: it is down$"):
        labq.report(acc=1)
    assert len(down) == 3


def test_m13_update_info_logs_what_goes_wrong_unless_asked_to_raise(claim, caplog):
    queue, granted = claim
    labq.update_info({"acc": 0.5, "by": {"epoch": 1}})
    labq.update_info({"by": {"loss": 2}})
    assert queue.get("1")["summary"] == {"acc": 0.5, "by": {"epoch": 1, "loss": 2}}
    for wrong in ([1], {"x": object()}, {(): 2}):
        labq.update_info(wrong)
        with pytest.raises(UsageError):
            labq.update_info(wrong, fail_on_error=True)
    assert caplog.messages[0] == (
        "labq.update_info: [1] is not stored: info must be a dict, not [1]"
    )
    claims.finish(queue.store, granted, Ending(succeeded=True))
    labq.update_info({"acc": 1})
    assert caplog.messages[-1].startswith(
        "labq.update_info: {'acc': 1} is not stored: the report is refused"
    )
    with pytest.raises(ConflictError):
        labq.update_info({"acc": 1}, fail_on_error=True)


def test_m13_update_info_logs_that_the_store_is_away(down, caplog):
    labq.update_info({"acc": 1})
    assert caplog.messages == ["labq.update_info: {'acc': 1} is not stored: it is down"]
    with pytest.raises(StoreError):
        labq.update_info({"acc": 1}, fail_on_error=True)


def test_m13_outside_of_a_task_update_info_warns_once():
    with pytest.warns(
        UserWarning, match="^labq.update_info: this process is not a labq task"
    ) as told:
        labq.update_info({"acc": 1})
    labq.update_info({"acc": 2}, fail_on_error=True)  # a second warning would be an error
    assert len(told) == 1
