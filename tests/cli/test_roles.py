"""Who may only look looks at all there is and writes nothing; who may write needs no more than that."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import roles
from waiting import until

import labq as api
from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, claims, workers
from labq.store import Now, open_store

LABQ = [sys.executable, "-m", "labq"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with roles.serving(tmp_path_factory.mktemp("mongod")) as started:
        yield started


@pytest.fixture
def lab(server, tmp_path, monkeypatch):
    """A database with tasks of each kind, a living worker and a dead one."""
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABQ_SOURCE", "0")
    monkeypatch.chdir(tmp_path)
    made = roles.Lab(*server)
    store = open_store(made.uri())
    queue = Queue(store, "default")
    queue.submit([{**new({"x": number}), "group": "g", "index": number} for number in range(4)])
    done = claims.claim(store, {"queue": "default"}, WorkerName("w", "h"), 60)
    claims.finish(store, done, Ending(succeeded=True))
    claims.claim(store, {"queue": "default"}, WorkerName("dead", "h"), 0.001)
    for name, lifetime in (("alive-1", 600), ("dead-1", -600)):
        card = {"_id": name, "queue": "default", "host": "h", "pid": 1, "slots": 1}
        workers.beat(store, {**card, "started_at": Now(), "status": "idle"}, lifetime)
    yield made
    store.close()
    made.root.drop_database(made.name)
    made.database.command("dropAllUsersFromDatabase")
    made.database.command("dropAllRolesFromDatabase")


def labq(uri, *words, seconds=60):
    environment = {**os.environ, "LABQ_URI": uri, "LABQ_LEASE": "3s", "LABQ_HEARTBEAT": "200ms"}
    return subprocess.run(
        [*LABQ, *words], env=environment, capture_output=True, text=True, timeout=seconds
    )


LOOKS = {
    "task ls": "task ls",
    "task ls, all of it": "task ls --json",
    "task ls, filtered": "task ls -f args.x>1",
    "task show": "task show 1",
    "task count": "task count",
    "task compare": "task compare 1 2",
    "task diff": "task diff 1 2",
    "task group ls": "task group ls",
    "task group show": "task group show g",
    "queue ls": "queue ls",
    "queue show": "queue show default",
    "worker ls": "worker ls",
    "worker show": "worker show alive-1",
    "events": "events",
    "events, as JSON": "events --json",
    "wait": "wait 1",
}


@pytest.mark.parametrize("name", LOOKS)
def test_who_may_only_look_sees_it_and_writes_nothing(lab, name):
    uri = lab.user("reader", "read")
    before = lab.held()
    done = labq(uri, *LOOKS[name].split())
    assert (done.returncode, "refuses" in done.stderr) == (0, False), done.stderr
    assert lab.held() == before
    if name == "worker ls":
        assert "alive-1" in done.stdout
        assert "dead-1" not in done.stdout


def test_who_may_only_look_follows_what_happens(lab):
    uri = lab.user("reader", "read")
    first, *rest = labq(uri, "events", "--json").stdout.splitlines()
    follow = [*LABQ, "events", "--follow", "--json", "--since", json.loads(first)["token"]]
    environment = {**os.environ, "LABQ_URI": uri}
    with subprocess.Popen(follow, env=environment, stdout=subprocess.PIPE, text=True) as command:
        assert [command.stdout.readline().strip() for _ in rest] == rest
        labq(lab.uri(), "task", "dequeue", "3")
        assert json.loads(command.stdout.readline())["to"] == "draft"
        command.send_signal(signal.SIGINT)
        assert command.wait(30) == 130


def test_a_client_that_may_only_look_sees_all_of_it(lab):
    uri = lab.user("reader", "read")
    before = lab.held()
    with api.Client(uri=uri) as client:
        assert len(list(client.tasks())) == 4
        assert client.get(1).status == "success"
        assert client.count() == 4
        assert [one["_id"] for one in client.workers()] == ["alive-1"]
        assert list(client.events())
        assert client.wait([client.get(1)], timeout=5)
        assert not client.wait([client.get(2)], timeout=0.2)
        with pytest.raises(api.AuthError, match="check the user's role in the database"):
            client.submit(args={"x": 9})
    assert lab.held() == before


LESS = {
    "no createIndex": (*roles.WRITES, *roles.LOOKS),
    "nothing but reads and writes": roles.WRITES,
}


@pytest.mark.parametrize("name", LESS)
def test_where_the_indexes_are_nobody_needs_to_make_any(lab, name):
    uri = lab.user("worker", actions=LESS[name])
    assert labq(uri, "task", "submit", "--", "--x", "1").returncode == 0
    done = labq(uri, "worker", "run", "--", "true")
    assert done.returncode == 0, done.stderr
    assert lab.database.tasks.count_documents({"status": "success"}) == 5


def test_indexes_that_are_missing_are_made_by_who_may(lab):
    lab.database.tasks.drop_indexes()
    uri = lab.user("worker", "readWrite")
    assert labq(uri, "worker", "run", "--", "true").returncode == 0
    assert {"claim", "number", "short"} <= set(lab.database.tasks.index_information())


@pytest.mark.parametrize("forever", [(), ("--forever",)])
def test_a_worker_that_may_not_make_a_missing_index_says_so_and_ends(lab, forever):
    uri = lab.user("worker", actions=LESS["no createIndex"])
    lab.database.tasks.drop_index("claim")
    done = labq(uri, "worker", "run", *forever, "--", "true")
    assert done.returncode == 4
    assert done.stderr == (
        f"labq: MongoDB at 127.0.0.1:{lab.port} refuses: indexes of {lab.name}.tasks are missing "
        "(claim), and the user may not make them: let one with the role readWrite submit or run "
        "a task there\n"
    )


OTHERS = {
    "not unique": ("tasks", "number", [("queue", 1), ("number", 1)], {}),
    "other keys": ("tasks", "claim", [("queue", 1)], {}),
    "partial": (
        "tasks",
        "fit",
        [("queue", 1), ("status", 1), ("args_signature", 1), ("priority", -1), ("number", 1)],
        {"partialFilterExpression": {"priority": 1}},
    ),
    "another time": ("deleted", "kept", [("at", 1)], {"expireAfterSeconds": 5}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_worker_that_finds_another_index_says_so_and_ends(lab, name):
    collection, index, keys, rules = OTHERS[name]
    lab.database[collection].drop_index(index)
    lab.database[collection].create_index(keys, name=index, **rules)
    done = labq(lab.uri(), "worker", "run", "--forever", "--", "true")
    assert done.returncode == 4
    assert done.stderr == (
        f"labq: MongoDB at 127.0.0.1:{lab.port}: index {index} of {lab.name}.{collection} is not "
        f"the one that labq makes: drop the other (db.{collection}.dropIndex), and labq makes it\n"
    )


def test_an_index_in_the_way_of_one_is_told(lab):
    lab.database.tasks.drop_index("born")
    lab.database.tasks.create_index([("queue", 1), ("born", 1)], name="mine")
    done = labq(lab.uri(), "worker", "run", "--", "true")
    assert done.returncode == 4
    assert "born" in done.stderr
    assert "cannot be made, for another index has its keys: drop the other" in done.stderr


def test_a_loop_raises_what_a_worker_says(lab):
    lab.database.tasks.drop_index("claim")
    lab.database.tasks.create_index([("queue", 1)], name="claim")
    script = "import labq\ntry:\n  for t in labq.loop(forever=True): pass\n"
    script += "except labq.StoreError as error: print(type(error).__name__, error)"
    environment = {**os.environ, "LABQ_URI": lab.uri()}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("UnusableError MongoDB at "), done.stderr
    assert "Traceback" not in done.stderr


def drop(lab):
    lab.database.command("dropUser", "worker")


def strip(lab):
    lab.database.command("revokeRolesFromUser", "worker", roles=["readWrite"])


@pytest.mark.parametrize("lose", [drop, strip])
@pytest.mark.parametrize(
    "words",
    [
        ("worker", "run", "--forever", "--", "sh", "-c", "touch began; sleep 60"),
        ("worker", "run", "--forever", "--slots", "3", "--", "sh", "-c", "touch began; sleep 60"),
        ("worker", "run", "--", "sh", "-c", "touch began; sleep 0.3"),
        ("worker", "run", "--forever", "-f", "args.x > 99", "--", "touch", "began"),
        ("run", "--", "sh", "-c", "touch began; sleep 60"),
    ],
    ids=["a job runs", "three slots", "jobs end", "idle", "labq run"],
)
def test_a_worker_whose_user_goes_says_so_in_one_line_and_ends(lab, lose, words, tmp_path):
    uri = lab.user("worker", "readWrite")
    environment = {**os.environ, "LABQ_URI": uri, "LABQ_LEASE": "3s", "LABQ_HEARTBEAT": "200ms"}
    with subprocess.Popen(
        [*LABQ, *words], env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        mine = {"_id": {"$nin": ["alive-1", "dead-1"]}}
        until(lambda: lab.database.workers.count_documents(mine))
        if "99" not in str(words):
            until((tmp_path / "began").exists)
        lose(lab)
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 4, said
    refusals = [line for line in said.splitlines() if "refuses: " in line]
    assert len(refusals) == 1, said
    assert "check the user" in refusals[0]
    assert "Traceback" not in said
    assert "nothing to run" not in said
    assert "stays until it expires" not in said
