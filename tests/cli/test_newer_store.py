"""A store that a newer labq made: every command says so in one line, and ends with 4."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from waiting import until

from labq import Client
from labq.errors import NewerStoreError
from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store
from labq.store.mongodb import schema as mongodb_schema
from labq.store.sqlite import schema as sqlite_schema

COMMANDS = [
    "task submit -- --lr 1",
    "task ls",
    "task show 1",
    "task count -s pending",
    "task update 1 -u args.lr=2",
    "task cancel 1",
    "task delete 1",
    "task group ls",
    "queue ls",
    "queue create q",
    "queue rename default q",
    "queue sweep",
    "worker ls",
    "worker run -- true",
    "run -- true",
    "events",
    "wait 1",
]


def told(uri):
    known = sqlite_schema.VERSION if uri.startswith("sqlite") else mongodb_schema.VERSION
    how = f"made by a newer labq (its schema is 99, this labq knows {known}): upgrade labq"
    return f"{uri.removeprefix('sqlite:')}: {how}"


def make_newer(uri):
    store = open_store(uri)
    if uri.startswith("sqlite"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"))) as db:
            db.execute("PRAGMA user_version = 99")
    else:
        store._database["store"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    store.close()


@pytest.fixture
def filled(uri, monkeypatch):
    monkeypatch.setenv("LABQ_SOURCE", "0")
    store = open_store(uri)
    Queue(store, "default").submit([new({"lr": 1}), new({"lr": 2})])
    store.close()
    return uri


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_says_so(filled, labq, words):
    make_newer(filled)
    result = labq(*words.split())
    assert (result.code, result.out) == (4, "")
    (line,) = result.err.splitlines()
    offline = " (labq run --offline keeps the record in a folder)"
    assert line == f"labq: {told(filled)}{offline if words.startswith('run') else ''}"


def test_the_client_says_so(filled):
    make_newer(filled)
    with pytest.raises(NewerStoreError) as caught, Client(filled) as client:
        client.count()
    assert str(caught.value) == told(filled)


def test_a_worker_ends_that_finds_it_newer(filled, process):
    """Not at once on MongoDB, but well before it would give an outage up."""
    worker = process("worker", "run", "--forever", "--", "true")
    store = open_store(filled)
    until(lambda: store.count({"status": "success"}) == 2)
    store.close()
    make_newer(filled)
    err = worker.communicate(timeout=30)[1]
    assert worker.returncode == 4
    assert err.splitlines()[-1] == f"labq: {told(filled)}"
