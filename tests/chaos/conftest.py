from __future__ import annotations

import pytest

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store


@pytest.fixture
def submitted():
    """Makes a queue with so many tasks, with these fields."""
    stores = []

    def made(uri, count, **fields):
        stores.append(open_store(uri))
        queue = Queue(stores[-1], "default")
        queue.submit([new({"x": number}, **fields) for number in range(count)])
        return queue

    yield made
    for store in stores:
        store.close()
