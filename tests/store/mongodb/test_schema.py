"""The version of a MongoDB's documents: who may use them, and how they come forward."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from making import task
from waiting import until

from labq.errors import NewerStoreError, StoreError
from labq.queue import Queue, workers
from labq.store import Change, open_store
from labq.store.mongodb import schema
from labq.store.mongodb.schema import VERSION, upgrade

NEWER = rf"made by a newer labq \(its schema is 99, this labq knows {VERSION}\): upgrade labq$"
pytestmark = pytest.mark.parametrize("uri", ["lone", "replica"], indirect=True)

USES = {
    "find": lambda store: list(store.find({})),
    "count": lambda store: store.count({}),
    "counts": lambda store: store.counts(),
    "claim": lambda store: store.update_first({"queue": "q"}, Change(set={"name": "x"})),
    "update": lambda store: store.update({"queue": "q"}, Change(set={"name": "x"})),
    "delete": lambda store: store.delete({"queue": "q"}),
    "insert": lambda store: store.insert("q", [task()]),
    "insert into a new queue": lambda store: store.insert("new", [task()]),
    "events": lambda store: list(store.events("q")),
    "queues": lambda store: store.queues.put("q", Change(set={"note": "x"})),
    "workers": workers.listed,
    "rename": lambda store: store.rename("q", "r"),
}


@pytest.fixture
def store(uri):
    store = open_store(uri)
    store.insert("q", [task()])
    yield store
    store.close()


@pytest.fixture
def database(store):
    return store._database


def become(database, version):
    """What a newer labq does to it."""
    database["store"].update_one({"_id": "schema"}, {"$set": {"version": version}})
    database["queues"].update_many({}, {"$set": {"schema": version}})


def test_a_new_database_has_a_version(database):
    assert database["store"].find_one({"_id": "schema"}) == {"_id": "schema", "version": VERSION}
    assert database["queues"].find_one({"_id": "q"})["schema"] == VERSION


def test_no_record_shows_it(store):
    assert list(store.queues.find({})) == [{"_id": "q"}]


@pytest.mark.parametrize("use", USES)
def test_a_newer_database_is_refused(uri, database, use):
    become(database, 99)
    before = [list(database[name].find()) for name in ("tasks", "workers", "store")]
    other = open_store(uri)
    try:
        with pytest.raises(NewerStoreError, match=NEWER):
            USES[use](other)
    finally:
        other.close()
    assert [list(database[name].find()) for name in ("tasks", "workers", "store")] == before


def test_one_that_becomes_newer_is_refused_soon(store, database, monkeypatch):
    monkeypatch.setattr(schema, "LOOK", 0.0)
    assert store.count({}) == 1
    become(database, 99)
    with pytest.raises(NewerStoreError, match=NEWER):
        store.count({})


def test_one_that_becomes_newer_takes_no_submit_at_all(store, database):
    become(database, 99)
    with pytest.raises(NewerStoreError, match=NEWER):
        store.insert("q", [task()])
    assert database["queues"].find_one({"_id": "q"})["next_number"] == 2


def test_a_version_that_is_none_is_no_newer_one(uri, database):
    become(database, "ninety")
    other = open_store(uri)
    assert other.count({}) == 1
    assert other.insert("q", [task()]) == [2]
    other.close()


def test_a_submit_asks_for_it_once_and_first(uri, store):
    from pymongo import monitoring

    sent = []

    class Noting(monitoring.CommandListener):
        def started(self, event):
            sent.append(event.command_name)

        def succeeded(self, event): ...
        def failed(self, event): ...

    noting = Noting()
    noting_store = None
    monitoring.register(noting)
    try:
        noting_store = open_store(uri)
        Queue(noting_store, "q").submit([task()])
    finally:
        monitoring._LISTENERS.command_listeners.remove(noting)
        if noting_store is not None:
            noting_store.close()
    assert sent[:3] == ["find", "findAndModify", "insert"]


# Forward


def test_steps_bring_it_forward_once_though_many_begin(database):
    made = []
    steps = {VERSION: lambda _: made.append(1), VERSION + 1: lambda _: made.append(2)}
    with ThreadPoolExecutor() as pool:
        begun = [pool.submit(upgrade, database, "here", steps, VERSION + 2) for _ in range(5)]
    assert [one.result() for one in begun] == [None] * 5
    assert made == [1, 2]
    assert database["store"].find_one({"_id": "schema"}) == {
        "_id": "schema",
        "version": VERSION + 2,
    }


def test_an_older_labq_does_nothing_while_it_comes_forward(uri, database):
    refused = []

    def look(_):
        other = open_store(uri)
        for use in (lambda: other.count({}), lambda: other.insert("q", [task()])):
            with pytest.raises(NewerStoreError):
                use()
            refused.append(use)
        other.close()

    upgrade(database, "here", {VERSION: look}, VERSION + 1)
    assert len(refused) == 2


def test_nothing_goes_back(database):
    become(database, 99)
    with pytest.raises(NewerStoreError, match=NEWER):
        upgrade(database, "here", {}, VERSION)
    assert database["store"].find_one({"_id": "schema"})["version"] == 99


def test_an_upgrade_that_was_cut_off_is_done_again(database, monkeypatch):
    def fail(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        upgrade(database, "here", {VERSION: fail}, VERSION + 1)
    monkeypatch.setattr(schema, "PATIENCE", 0.0)
    told = r"^here: another labq is upgrading it: try again later$"
    with pytest.raises(StoreError, match=told):
        upgrade(database, "here", {VERSION: fail}, VERSION + 1)
    database["store"].update_one({}, [{"$set": {"upgrade.until": "$$NOW"}}])
    monkeypatch.setattr(schema, "PATIENCE", 60.0)
    made = []
    until(lambda: upgrade(database, "here", {VERSION: made.append}, VERSION + 1) is None)
    assert len(made) == 1


def test_a_version_that_a_shell_wrote_is_one(uri, store):
    kept = store._database["store"]
    kept.update_one({"_id": "schema"}, {"$set": {"version": float(VERSION)}})
    store._schema.prepare()
    other = open_store(uri)
    assert other.insert("q", [task()]) == [2]
    other.close()
    kept.update_one({"_id": "schema"}, {"$set": {"version": 99.0}})
    other = open_store(uri)
    with pytest.raises(NewerStoreError, match=NEWER):
        other.count({})
    other.close()
    kept.update_one({"_id": "schema"}, {"$set": {"version": VERSION}})


@pytest.mark.parametrize("version", ["x", None, 0, float("nan")])
def test_what_is_no_version_is_written_anew(store, version):
    kept = store._database["store"]
    kept.update_one({"_id": "schema"}, {"$set": {"version": version}})
    store._schema.prepare()
    assert kept.find_one({"_id": "schema"})["version"] == VERSION
