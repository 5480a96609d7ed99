"""Through an outage: what was granted or written though its answer was lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from labq.errors import StoreError
from labq.queue import Ending, Queue, WorkerName, leases
from labq.store import open_store
from labq.task import new
from labq.worker import claims
from labq.worker.options import Options
from labq.worker.shift import Shift

W = WorkerName("w", "h")


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


def test_an_end_that_was_written_unheard_is_no_loss(shift, monkeypatch):
    claim, _ = shift.claim(W, [])
    answer_lost(monkeypatch, shift.queue.store)
    ending = Ending(succeeded=True)
    finished = claims.close(shift, leases.finish, claim, ending, float("inf"))
    assert finished.became == "success"
    assert len(shift.queue.get("1")["attempts"]) == 1
