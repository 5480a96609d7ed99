from __future__ import annotations

import pytest
import repositories

from labq.source.capture import capture
from labq.store import open_store


@pytest.fixture(autouse=True)
def neutral(monkeypatch):
    """git without the person's settings."""
    for name, text in repositories.NEUTRAL.items():
        monkeypatch.setenv(name, text)


@pytest.fixture
def blobs(tmp_path):
    store = open_store(f"sqlite:{tmp_path / 'blobs.db'}")
    yield store.blobs
    store.close()


@pytest.fixture
def captured(blobs, tmp_path):
    """Captures what is in a folder."""

    def run(folder, words=None, **more):
        return capture(blobs, tmp_path / "home", str(folder), words, **more)

    return run
