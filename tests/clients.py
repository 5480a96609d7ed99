"""Fixtures for tests of the client: one of an empty store, and what workers do to its tasks."""

from __future__ import annotations

import pytest
from crew import Crew

from labq import Client


@pytest.fixture
def client(uri, monkeypatch, tmp_path):
    """A client of an empty store, one of each kind, in an empty folder."""
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with Client() as client:
        yield client


@pytest.fixture
def crew(client):
    """What workers do to the client's tasks, at a word."""
    with Crew(client) as crew:
        yield crew
