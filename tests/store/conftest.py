from __future__ import annotations

import pytest

from labq.store import open_store


@pytest.fixture
def store(uri):
    opened = open_store(uri)
    yield opened
    opened.close()
