"""Through an outage: what was granted or written though its answer was lost."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import until

from labq.errors import StoreError
from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, recovery
from labq.queue import claims as claiming
from labq.store import Change, Now, open_store
from labq.worker import ledger
from labq.worker.control import Control
from labq.worker.options import Options
from labq.worker.state import Shift

W = WorkerName("w", "h")
TOO_LATE = r"^the answer took 50\.\d s, too long for a lease of 60 s$"
LATE = "the answer to the claim was lost or late"


@pytest.fixture
def shift(uri, tmp_path):
    store = open_store(uri)
    go_by = Options(home=Path(tmp_path), uri=uri, lease=60, heartbeat=10)
    queue = Queue(store, "q")
    queue.submit([new({})])
    yield Shift(queue, {"queue": "q"}, go_by, lambda _: None, lambda _: None)
    store.close()


def answer_lost(monkeypatch, store):
    """Makes the next write of the store succeed without anybody hearing of it."""
    write = store.update_first

    def unheard(*given):
        write(*given)
        monkeypatch.setattr(store, "update_first", write)
        raise StoreError("the connection was lost")

    monkeypatch.setattr(store, "update_first", unheard)


def test_a_claim_that_was_granted_unheard_is_given_back_at_the_next_heartbeat(shift, monkeypatch):
    answer_lost(monkeypatch, shift.queue.store)
    with pytest.raises(StoreError):
        shift.claim(W, [])
    assert shift.queue.get("1")["status"] == "running"
    shift.disown()
    assert shift.queue.get("1")["status"] == "pending"
    assert shift.claim(W, []) is not None


def test_a_claim_that_was_granted_unheard_is_given_back_by_a_worker_that_is_stopped(
    shift, monkeypatch
):
    answer_lost(monkeypatch, shift.queue.store)
    with pytest.raises(StoreError):
        shift.claim(W, [])
    shift.stop()
    Control(shift).leave()
    assert shift.queue.get("1")["status"] == "pending"


@pytest.mark.parametrize("how", ["drain", "stop"])
def test_a_worker_that_leaves_is_kept_by_no_store_that_is_away(shift, monkeypatch, how):
    shift.options = replace(shift.options, patience=float("inf"), lease=0.0)
    away(monkeypatch, shift.queue.store, times=1)
    with pytest.raises(StoreError):
        shift.claim(W, [])

    def fail(*_):
        raise StoreError("cannot reach it")

    monkeypatch.setattr(claiming, "disown", fail)
    getattr(shift, how)()
    assert ledger.take(shift, W, []) is None


@pytest.mark.parametrize("fails", [False, True])
def test_a_claim_that_is_answered_when_its_lease_may_be_over_starts_no_job(
    shift, monkeypatch, fails
):
    late = time.monotonic() - shift.options.lease + shift.keeper.margin
    if fails:
        away_at(monkeypatch, shift.queue.store, status="pending")
    with pytest.raises(StoreError, match=r"^cannot reach it$" if fails else TOO_LATE):
        shift.claim(W, [], late)
    assert (shift.busy, shift.claims) == (0, 0)
    shift.disown()
    task = shift.queue.get("1")
    assert (task["status"], task["reason"]) == ("pending", LATE)
    assert shift.claim(W, [], late + 1) is not None


def test_a_worker_tells_of_a_claim_that_was_answered_too_late_and_goes_on(shift, monkeypatch):
    said, claim = [], claiming.claim
    shift.say, shift.options = said.append, replace(shift.options, lease=11.0)

    def slow(*given):
        granted = claim(*given)
        monkeypatch.setattr(claiming, "claim", claim)
        until(lambda: time.monotonic() - asked > 1)  # with ten of margin
        return granted

    asked = time.monotonic()
    monkeypatch.setattr(claiming, "claim", slow)
    granted, _, _ = ledger.take(shift, W, [])
    assert granted.task["attempt"] == 2
    first, second = said
    told = r"cannot claim yet: the answer took 1\.\d s, too long for a lease of 11 s"
    assert re.fullmatch(told, first)
    assert second == "the store answers again"


def test_an_end_that_was_written_unheard_is_no_loss(shift, monkeypatch):
    claim, _ = shift.claim(W, [])
    answer_lost(monkeypatch, shift.queue.store)
    ending = Ending(succeeded=True)
    finished = ledger.close(shift, claiming.finish, claim, ending, float("inf"))
    assert finished.became == "success"
    assert len(shift.queue.get("1")["attempts"]) == 1


def away(monkeypatch, store, times):
    """Makes the next so many writes of the store fail."""
    write, left = store.update_first, [None] * times

    def fail(*given):
        if left:
            left.pop()
            raise StoreError("cannot reach it")
        return write(*given)

    monkeypatch.setattr(store, "update_first", fail)


def away_at(monkeypatch, store, status):
    """Makes the first write of that status fail."""
    write = store.update_first

    def fail(query, change, *given):
        if change.set["status"] == status:
            monkeypatch.setattr(store, "update_first", write)
            raise StoreError("cannot reach it")
        return write(query, change, *given)

    monkeypatch.setattr(store, "update_first", fail)


def test_a_worker_of_patience_writes_the_end_though_the_lease_is_over(shift, monkeypatch):
    claim, _ = shift.claim(W, [])
    away(monkeypatch, shift.queue.store, times=1)
    finished = ledger.close(shift, claiming.finish, claim, Ending(succeeded=True), until=0.0)
    assert finished.became == "success"
    assert shift.queue.get("1")["status"] == "success"


@pytest.mark.parametrize(
    "ending",
    [
        Ending(succeeded=True, record={"pid": 7}),
        Ending(succeeded=False, reason="cannot start nothing"),
    ],
)
@pytest.mark.parametrize("again", [True, False])
def test_an_end_that_waited_for_the_store_is_refused_once_the_lease_was_lost(
    shift, monkeypatch, ending, again
):
    claim, _ = shift.claim(W, [])
    shift.queue.store.update({"queue": "q"}, Change(set={"lease.expires_at": Now()}))
    assert until(lambda: recovery.recover(shift.queue.store, "q"))
    if again:
        shift.claim(W, [])
    away(monkeypatch, shift.queue.store, times=1)
    finished = ledger.close(shift, claiming.finish, claim, ending, until=0.0)
    assert (finished.became, finished.reason) == ("lost", "the lease was lost")
    assert shift.queue.get("1")["status"] == ("running" if again else "pending")


def test_a_retry_that_was_written_unheard_and_runs_already_is_a_retry(shift, monkeypatch):
    shift.queue.submit([new({}, max_retries=1, retry_delay=0)])
    claim, _ = [shift.claim(W, []) for _ in range(2)][1]
    write = shift.queue.store.update_first

    def unheard(*given):
        write(*given)
        monkeypatch.setattr(shift.queue.store, "update_first", write)
        shift.claim(W, [])
        raise StoreError("the connection was lost")

    monkeypatch.setattr(shift.queue.store, "update_first", unheard)
    failure = Ending(succeeded=False, reason="exit code 1", record={"pid": 7})
    assert ledger.close(shift, claiming.finish, claim, failure, until=0.0).became == "retried"
    assert shift.queue.get("2")["attempt"] == 2


def test_a_worker_without_patience_gives_up_when_the_lease_is_over(shift, monkeypatch):
    claim, _ = shift.claim(W, [])
    shift.options = replace(shift.options, patience=0.0)
    away(monkeypatch, shift.queue.store, times=1)
    with pytest.raises(StoreError, match="cannot reach it"):
        ledger.close(shift, claiming.finish, claim, Ending(succeeded=True), until=0.0)
