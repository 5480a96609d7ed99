from __future__ import annotations

import pytest

from labq.queue import Queue
from labq.store import open_store


@pytest.fixture
def queue(uri):
    store = open_store(uri)
    yield Queue(store, "q")
    store.close()
