"""`labq.progress`: written once a second, the last value always."""

from __future__ import annotations

import math
import os
import sys

import pytest
from waiting import until

import labq
from labq.errors import ConflictError, StoreError, UsageError
from labq.job import meter
from labq.queue import Ending, claims

TIGHT = """
import labq
for step in range(100_000):
    labq.progress(step / 1_001)
"""


@pytest.fixture
def writes(monkeypatch):
    """What reached the books, of a clock that stands still."""
    told = []

    class Book:
        token = "t"  # noqa: S105 - no secret

        def progress(self, percent):
            told.append(percent)

    monkeypatch.setattr(meter, "books", lambda _name: Book())
    return told


def test_it_is_a_field_of_the_task(claim):
    queue, _ = claim
    labq.progress(12.5)
    assert queue.get("1")["progress"] == 12.5
    labq.progress(100)
    assert queue.get("1")["progress"] == 100


def test_values_between_wait_for_their_turn_and_the_newest_of_them_is_written(writes):
    for percent in range(100):
        labq.progress(percent)
    assert writes == [0]
    until(lambda: writes == [0, 99])


def test_a_hundred_is_written_at_once_and_what_waited_is_over(writes):
    for percent in (0, 50, 100):
        labq.progress(percent)
    assert writes == [0, 100]


@pytest.mark.parametrize("wrong", [-1, 100.5, math.nan, "half", None])
def test_what_is_no_percentage_is_refused(claim, wrong):
    with pytest.raises(UsageError, match=r"^labq.progress: percent must be a number from 0 to 100"):
        labq.progress(wrong)


def test_a_lost_lease_refuses_it(claim):
    queue, granted = claim
    claims.finish(queue.store, granted, Ending(succeeded=True))
    with pytest.raises(ConflictError, match=r"^the progress is refused"):
        labq.progress(1)
    assert "progress" not in queue.get("1")


def test_a_store_that_is_away_is_logged(monkeypatch, caplog):
    class Down:
        token = "t"  # noqa: S105 - no secret

        def progress(self, _percent):
            raise StoreError("it is down")

    monkeypatch.setattr(meter, "books", lambda _name: Down())
    labq.progress(3)
    assert caplog.messages == ["labq.progress: 3 is not stored: it is down"]


def test_a_process_that_ends_writes_its_last_value_and_a_tight_loop_costs_few_writes(
    start, run_python
):
    queue, _ = start()
    rev = queue.get("1")["rev"]
    assert run_python(TIGHT).returncode == 0
    task = queue.get("1")
    assert task["progress"] == 99_999 / 1_001
    assert task["rev"] - rev <= 60


def test_outside_of_a_task_it_warns_once():
    with pytest.warns(UserWarning, match="^labq.progress: this process is not a labq task") as told:
        labq.progress(1)
    labq.progress(2)  # a second warning would be an error
    assert len(told) == 1


def test_a_forked_process_has_a_meter_of_its_own(writes):
    labq.progress(1)
    labq.progress(2)
    child = os.fork()
    if child == 0:
        labq.progress(3)
        os._exit(0 if writes == [1, 3] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sys.modules  # the parent goes on
