from __future__ import annotations

import pytest
from clients import client, crew

from labq.cli import main as entry
from labq.cli import options
from labq.queue import Queue
from labq.store import find_store, open_store

__all__ = ["client", "crew"]


@pytest.fixture
def labq(uri, monkeypatch, tmp_path, capfd):
    """Runs `labq` on an empty store; gives its code, its output and its errors."""
    stores = []

    def noted(opener):
        def opened(address):
            stores.append(opener(address))
            return stores[-1]

        return opened

    for opener in (open_store, find_store):
        monkeypatch.setattr(options, opener.__name__, noted(opener))
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = entry.main(list(words))
        caught = capfd.readouterr()
        return int(code), caught.out, caught.err

    yield run
    for store in stores:
        store.close()


@pytest.fixture
def queue(uri):
    store = open_store(uri)
    yield Queue(store, "default")
    store.close()
