"""What is the MongoDB store's own: its URI, its errors, its indexes."""

from __future__ import annotations

import socket
import time
import uuid
from types import SimpleNamespace

import pytest
import servers
from making import task
from pymongo.errors import AutoReconnect, BulkWriteError

from labq.errors import ConflictError, StoreError, UsageError
from labq.store import Change, Now, open_store
from labq.store.mongodb.codec import update_of
from labq.store.mongodb.errors import require_kept
from labq.store.mongodb.short_names import Shorts


def test_the_database_is_the_one_the_uri_names(lone_mongod):
    uri = servers.with_database(lone_mongod, "test_named")
    store = open_store(uri)
    store.insert("q", [task()])
    with servers.MongoClient(lone_mongod) as client:
        assert client["test_named"]["tasks"].count_documents({}) == 1
        client.drop_database("test_named")
    store.close()


def test_without_a_name_it_is_labq(lone_mongod):
    store = open_store(lone_mongod)
    assert store._tasks.database.name == "labq"
    store.close()


@pytest.fixture
def store(lone_mongod):
    name = f"test_{uuid.uuid4().hex[:12]}"
    opened = open_store(servers.with_database(lone_mongod, name))
    yield opened
    opened._client.drop_database(name)
    opened.close()


def test_an_insert_that_lost_a_short_name_behind_its_look_is_taken_back(store, monkeypatch):
    store.insert("q", [task(short="best")])
    monkeypatch.setattr(Shorts, "require_free", lambda *_: None)  # as if it was free then
    batch = [task(), task(short="new"), task(short="best"), task()]
    with pytest.raises(ConflictError, match=r"^task 1 of queue q has the short name best already$"):
        store.insert("q", batch)
    assert [one["number"] for one in store.find({})] == [1]
    assert list(store.events("q"))[1:] == []  # as if they had never been
    assert store.insert("q", batch[:2]) == [6, 7]


def test_what_a_worker_began_before_it_was_taken_back_stays_its_workers(store, monkeypatch):
    store.insert("q", [task(short="best")])
    look, began = Shorts._taken, Change(set={"status": "running"}, inc={"attempt": 1})

    def begun(shorts, *key):
        assert store.update_first({"queue": "q", "number": 2}, began) is not None
        return look(shorts, *key)

    monkeypatch.setattr(Shorts, "require_free", lambda *_: None)
    monkeypatch.setattr(Shorts, "_taken", begun)
    with pytest.raises(ConflictError):
        store.insert("q", [task(), task(short="best"), task()])
    assert sorted(one["number"] for one in store.find({})) == [1, 2]


def test_a_repeated_insert_is_none_that_was_lost(store, monkeypatch):
    monkeypatch.setattr(Shorts, "require_free", lambda *_: None)
    batch = [task(short="best"), task()]
    assert store.insert("q", batch) == store.insert("q", batch) == [1, 2]


def test_an_older_database_gets_the_index_with_its_first_short_name(store):
    store.insert("q", [task(), task(short="best")])
    store._tasks.drop_index("short")
    for write in (
        lambda newer: newer.insert("q", [task(short="best")]),
        lambda newer: newer.update({"number": 1}, Change(set={"short": "best"})),
        lambda newer: newer.update_each([({"number": 1}, Change(set={"short": "best"}))]),
    ):
        newer = open_store(store.address)
        with pytest.raises(ConflictError, match="has the short name best already"):
            write(newer)
        newer.close()
        store._tasks.drop_index("short")


def test_a_server_that_is_not_there_is_named_within_5_seconds_without_the_password():
    port = servers.free_port()
    began = time.monotonic()
    store = open_store(f"mongodb://ann:s3cret@127.0.0.1:{port}/lab")
    with pytest.raises(StoreError) as caught:
        store.count({})
    assert time.monotonic() - began < 5
    told = str(caught.value)
    assert told.startswith(f"cannot reach MongoDB at 127.0.0.1:{port}: 127.0.0.1:{port}: ")
    assert told.endswith("Connection refused; check that it runs, and LABQ_URI")
    assert "s3cret" not in told
    assert store.address == f"mongodb://ann:***@127.0.0.1:{port}/lab"
    store.close()


def test_a_server_that_never_answers_is_named_within_5_seconds():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        store = open_store(f"mongodb://127.0.0.1:{port}/lab")
        began = time.monotonic()
        with pytest.raises(StoreError, match=f"cannot reach MongoDB at 127.0.0.1:{port}: "):
            store.insert("q", [task()])
        assert time.monotonic() - began < 5
        store.close()


def test_a_removal_examines_what_it_removes_and_nothing_else(store):
    many = 2000
    store.insert("q", [task() for _ in range(many)])
    database = store._tasks.database
    database.command("profile", 2)
    assert store.delete({"queue": "q", "status": {"$in": ["pending"]}}) == many
    database.command("profile", 0)
    seen = list(database["system.profile"].find({"docsExamined": {"$exists": True}}))
    assert sum(one["docsExamined"] for one in seen) <= 8 * many
    assert max(one["docsExamined"] for one in seen if one["op"] != "query") <= 500


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("mongodb://", "mongodb:// is not a MongoDB URI: Invalid URI scheme"),
        ("mongodb://a:b:c@h/x", "mongodb://a:***@h/x is not a MongoDB URI: "),
        (
            "mongodb://h:99999/x",
            "mongodb://h:99999/x is not a MongoDB URI: Port must be an integer",
        ),
        ("mongodb://h/a%20b", "mongodb://h/a%20b is not a MongoDB URI: "),
        (f"mongodb://h/{'x' * 64}", "is no name of at most 63 bytes"),
        ("mongodb://h/a.b", "the database a.b is no name of at most 63 bytes without dots"),
        ("mongodb://h/local", "the database local is MongoDB's own"),
    ],
)
def test_a_wrong_uri_is_refused_without_its_password(uri, told):
    with pytest.raises(UsageError) as caught:
        open_store(uri)
    assert told in str(caught.value) or "is not a MongoDB URI" in str(caught.value)
    assert "b:c" not in str(caught.value)


def test_an_srv_name_that_does_not_resolve_is_named(monkeypatch):
    import dns.resolver

    def nothing(*_args, **_options):
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "resolve", nothing)
    with pytest.raises(StoreError) as caught:
        open_store("mongodb+srv://ann:s3cret@lab.example.org/x").count({})
    assert "lab.example.org" in str(caught.value)
    assert "s3cret" not in str(caught.value)


class Answer(SimpleNamespace):
    """What a resolver gives back."""

    def __iter__(self):
        return iter(self.records)


def test_an_srv_uri_reaches_the_servers_that_its_records_name(lone_mongod, monkeypatch):
    import dns.name
    import dns.resolver

    port = int(lone_mongod.rpartition(":")[2].strip("/"))
    records = {
        "SRV": [SimpleNamespace(target=dns.name.from_text("node.lab.example.org"), port=port)],
        "TXT": [],
    }
    looked_up = socket.getaddrinfo

    def resolve(_name, kind, **_options):
        answer = Answer(rrset=SimpleNamespace(ttl=600), records=records[str(kind)])
        if not records[str(kind)]:
            raise dns.resolver.NXDOMAIN
        return answer

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: looked_up(
            "127.0.0.1" if host == "node.lab.example.org" else host, *rest, **more
        ),
    )
    store = open_store("mongodb+srv://lab.example.org/test_srv?tls=false")
    assert store.count({}) == 0
    store.close()


def test_a_plain_change_is_update_operators_and_no_pipeline():
    change = Change(
        set={"a": "$x", "modified_at": Now()}, inc={"rev": 1}, push={"errors": 1}, unset=("b",)
    )
    assert update_of(change) == {
        "$set": {"a": "$x"},
        "$currentDate": {"modified_at": True},
        "$inc": {"rev": 1},
        "$unset": {"b": ""},
        "$push": {"errors": {"$each": [1], "$slice": -20}},
    }


def test_a_time_ahead_or_within_a_value_is_a_pipeline_that_evaluates_no_value():
    change = Change(set={"lease": {"token": "$t", "expires_at": Now(1.5)}}, unset=("b",))
    assert update_of(change) == [
        {"$set": {"lease": {"token": {"$literal": "$t"}, "expires_at": {"$add": ["$$NOW", 1500]}}}},
        {"$unset": ["b"]},
    ]


def test_a_write_that_a_majority_did_not_take_is_an_outage(uri):
    unkept = BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"errmsg": "timed out"}]})
    with pytest.raises(AutoReconnect, match="timed out"):
        require_kept(unkept)
    Shorts(None).require_stored(unkept, "q", [])  # nothing of it is about a short name


@pytest.mark.parametrize("code", [91, 189, 10058, 10107, 11600, 11602, 13435, 13436])
def test_a_write_in_whose_midst_the_primary_stepped_down_is_an_outage(code):
    stopped = {"code": code, "errmsg": "not primary"}
    with pytest.raises(AutoReconnect, match="not primary"):
        require_kept(BulkWriteError({"writeErrors": [{"code": 11000}, stopped]}))
    require_kept(BulkWriteError({"writeErrors": [{"code": 11000}]}))  # a key that is there
