"""What the slots of a worker share: who claims what, and when it is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from labq.model.task import new
from labq.queue import Queue, WorkerName, dependencies
from labq.store import open_store
from labq.worker.options import Finished, Options
from labq.worker.state import Shift

W = WorkerName("w", "h")


@pytest.fixture
def shift(uri, tmp_path):
    """Makes the shift of a worker on the queue `q`."""
    stores = []

    def made(**options):
        stores.append(open_store(uri))
        go_by = Options(home=Path(tmp_path), uri=uri, lease=60, heartbeat=10, **options)
        queue = Queue(stores[-1], "q")
        return Shift(queue, {"queue": "q"}, go_by, lambda _: None, lambda _: None)

    yield made
    for store in stores:
        store.close()


def number(claimed):
    return claimed[0].task["number"] if claimed else None


def end(shift, claimed, became="success", **fields):
    claim, grant = claimed
    shift.ended(Finished(claim.task, became, **fields), grant)


def test_a_large_task_has_its_turn_though_small_ones_always_fit(shift):
    at_work = shift(slots=2, cpus=2)
    ask = [{"cpus": 1}, {"cpus": 1}, {"cpus": 2}, {"cpus": 1}, {"cpus": 1}, {"cpus": 1}, None]
    at_work.queue.submit([new({}, resources=resources) for resources in ask])
    first, second = (at_work.claim(W, []) for _ in range(2))
    assert (number(first), number(second)) == (1, 2)
    at_work.take_turns(100.0)
    end(at_work, first)
    third = at_work.claim(W, [])
    assert number(third) == 4  # overtaken
    at_work.take_turns(110.0)
    end(at_work, second)
    fourth = at_work.claim(W, [])
    assert number(fourth) == 5  # and again
    at_work.take_turns(115.0)
    end(at_work, third)
    aside = at_work.claim(W, [])
    assert number(aside) == 7  # it asks for nothing that the large one lacks
    end(at_work, aside)
    assert at_work.claim(W, []) is None  # one cpu is kept free
    end(at_work, fourth)
    large = at_work.claim(W, [])
    assert number(large) == 3
    at_work.take_turns(117.0)
    end(at_work, large)
    assert number(at_work.claim(W, [])) == 6


def test_a_claim_counts_and_its_end_too(shift):
    at_work = shift(max_tasks=1)
    at_work.queue.submit([new({}), new({})])
    claimed = at_work.claim(W, [])
    assert (at_work.busy, at_work.open, at_work.full) == (1, False, True)
    assert at_work.claim(W, []) is None
    end(at_work, claimed)
    assert (at_work.busy, at_work.tally.by_status) == (0, {"success": 1})


@pytest.mark.parametrize(
    ("steps", "phase"),
    [
        ([], "idle"),
        (["claim"], "busy"),
        (["claim", "pause"], "paused"),
        (["pause", "resume"], "idle"),
        (["drain"], "draining"),
        (["drain", "stop"], "stopping"),
    ],
)
def test_what_it_is_at(shift, steps, phase):
    at_work = shift()
    at_work.queue.submit([new({})])
    acts = {
        "claim": lambda: at_work.claim(W, []),
        "pause": lambda: at_work.pause("worker", True),
        "resume": lambda: at_work.pause("worker", False),
        "drain": at_work.drain,
        "stop": at_work.stop,
    }
    for step in steps:
        acts[step]()
    assert at_work.phase == phase


def test_a_paused_shift_claims_nothing(shift):
    at_work = shift()
    at_work.queue.submit([new({})])
    assert at_work.pause("queue", True)
    assert not at_work.pause("queue", True)  # not new
    assert at_work.claim(W, []) is None
    assert at_work.open
    at_work.pause("queue", False)
    assert number(at_work.claim(W, [])) == 1


def test_the_slots_of_a_worker_that_drains_look_once_at_who_waits_for_others(shift, monkeypatch):
    at_work, looks = shift(slots=3), []
    monkeypatch.setattr(dependencies, "settle", lambda *given: looks.append(given) or 0)
    assert [at_work.stays(at_work.moment()) for _ in range(3)] == [False] * 3
    assert len(looks) == 1
    at_work.wake()
    assert not at_work.stays(at_work.moment())
    assert len(looks) == 2
