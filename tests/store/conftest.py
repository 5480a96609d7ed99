from __future__ import annotations

import pytest

from labq.store import Now, open_store
from labq.task import new

DEFAULTS = {"created_at": Now(), "queued_at": Now()}


@pytest.fixture
def store(uri):
    opened = open_store(uri)
    yield opened
    opened.close()


def task(args=None, **fields):
    """A new document, without the checks of what a person may set."""
    return {**new({} if args is None else args), **DEFAULTS, **fields}
