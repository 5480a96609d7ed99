"""What every store does, the same from SQLite, a lone mongod and a replica set."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import making
import pytest
from making import task

from labq.errors import ConflictError, UsageError
from labq.store import Change, Now, open_store

ALL = {"queue": "q"}


def numbers(store, query, **options):
    return [found["number"] for found in store.find({"queue": "q", **query}, **options)]


def only(store):
    (found,) = store.find(ALL)
    return found


# -- insert ---------------------------------------------------------------------------------------


def test_insert_numbers_each_queue_from_one(store):
    assert store.insert("q", [task(), task()]) == [1, 2]
    assert store.insert("other", [task()]) == [1]
    assert store.insert("q", [task()]) == [3]


def test_insert_puts_the_stores_time_to_the_millisecond(store):
    before = store.now()
    store.insert("q", [task()])
    created = only(store)["created_at"]
    assert created.tzinfo is not None
    assert created.microsecond % 1000 == 0
    assert before <= created <= store.now()


def test_a_repeated_insert_adds_nothing_and_gives_the_first_numbers(store):
    one, two = task(), task()
    assert store.insert("q", [one]) == [1]
    first, second = store.insert("q", [one, two])
    assert first == 1
    assert second > 1
    assert store.count(ALL) == 2


VALUES = {
    "ints": [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)],
    "floats": [0.1, 1e-05, -0.0, 1e300, 5.0, 0.1 + 0.2],
    "texts": ["", " x ", "a\nb\tc", "ä😀\u2028", "\x01", "$where", "null", '"'],
    "nested": {"b": {"z": 1, "a": [1, [2, {"k": None}], {}]}, "a": [], "$": 0}
    | {"$": 1}
    | {"e": {}},
    "others": [None, True, False],
}
VALUES["nested"].pop("$")


def test_every_json_value_comes_back_as_it_went_in(store):
    store.insert("q", [task(VALUES, timeout=5, metadata={"x": 5.0}, tags=["b", "a"])])
    found = only(store)
    assert repr(found["args"]) == repr(VALUES)  # types, signs of zero and key order too
    assert repr((found["timeout"], found["metadata"], found["tags"])) == repr(
        (5, {"x": 5.0}, ["b", "a"])
    )


def test_dates_within_values_come_back(store):
    started = datetime(2026, 11, 21, 8, 0, 0, 123000, tzinfo=timezone.utc)
    store.insert("q", [task(attempts=[{"started": started, "note": {"at": started}}])])
    assert only(store)["attempts"] == [{"started": started, "note": {"at": started}}]


def test_a_field_without_a_value_is_absent(store):
    store.insert("q", [task()])
    assert "name" not in only(store)
    assert "lease" not in only(store)


@pytest.mark.parametrize(
    "args",
    [{"text": "x" * (16 * 1024 * 1024)}, {"list": [1.5] * 1_100_000}],
    ids=["one long text", "many numbers, short as JSON"],
)
def test_a_document_past_16_mib_is_refused_whole(store, args):
    with pytest.raises(
        UsageError, match=r"^the task is too large: [\d,]+ bytes of at most 16,777,216$"
    ):
        store.insert("q", [task(), task(args)])
    assert store.count(ALL) == 0


# -- find, count, group ---------------------------------------------------------------------------


def test_find_sorts_limits_and_narrows_fields(store):
    store.insert("q", [task({"x": x}, name=f"n{x}") for x in (3, 1, 2)])
    assert numbers(store, {}, sort=[("args.x", 1)]) == [2, 3, 1]
    assert numbers(store, {}, sort=[("args.x", -1)], limit=2) == [1, 3]
    assert numbers(store, {"args.x": {"$gt": 1}}, sort=[("number", 1)]) == [1, 3]
    (first,) = store.find(ALL, sort=[("number", 1)], limit=1, fields=("name",))
    assert set(first) == {"_id", "name"}


def test_find_narrows_fields_where_the_query_reads_others(store):
    store.insert("q", [task({"x": [1, 2]}, name="a")])
    (found,) = store.find({"queue": "q", "args.x": 2}, fields=("name",))
    assert set(found) == {"_id", "name"}


def test_count_counts_what_find_finds(store):
    store.insert("q", [task({"x": x}) for x in (1, [1, 5], "1", None, 1.0)])
    assert store.count({"queue": "q", "args.x": 1}) == 3
    assert store.count({"queue": "nowhere"}) == 0


def test_counts_by_queue_and_status(store):
    store.insert("q", [task(), task(), task(status="failed")])
    store.insert("r", [task()])
    assert store.counts() == {("q", "pending"): 2, ("q", "failed"): 1, ("r", "pending"): 1}
    assert [queue["_id"] for queue in store.queues.find()] == ["q", "r"]


def test_a_queue_is_remembered_when_its_tasks_are_gone(store):
    store.insert("q", [task()])
    assert store.delete(ALL) == 1
    assert [queue["_id"] for queue in store.queues.find()] == ["q"]
    assert store.insert("q", [task()]) == [2]


# -- claim ----------------------------------------------------------------------------------------

CLAIM = Change(
    set={"status": "running", "lease": {"token": "t", "expires_at": Now(60)}, "started_at": Now()},
    inc={"attempt": 1},
    unset=("reason",),
)
PENDING = {"queue": "q", "status": "pending"}


def test_claim_takes_by_priority_then_by_number(store):
    store.insert("q", [task(priority=p) for p in (0, 5, 0, 5, -1)])
    order = [store.update_first(PENDING, CLAIM)["number"] for _ in range(5)]
    assert order == [2, 4, 1, 3, 5]
    assert store.update_first(PENDING, CLAIM) is None


def test_claim_gives_the_task_as_it_is_afterwards(store):
    store.insert("q", [task({"x": 1}, reason="passed over")])
    claimed = store.update_first(PENDING, CLAIM)
    assert claimed == only(store)
    assert (claimed["status"], claimed["attempt"], claimed["args"]) == ("running", 1, {"x": 1})
    assert "reason" not in claimed
    length = claimed["lease"]["expires_at"] - claimed["started_at"]
    assert timedelta(seconds=59.9) < length < timedelta(seconds=60.1)


def test_claim_may_give_some_fields_only(store):
    store.insert("q", [task({"x": 1}, _id="i", name="n", reason="passed over")])
    fields = ("args", "attempt", "reason", "comment")
    claimed = store.update_first(PENDING, CLAIM, fields)
    assert claimed == {"_id": "i", "args": {"x": 1}, "attempt": 1}


def test_a_fenced_end_tells_of_the_task_as_it_is_afterwards(store):
    store.insert("q", [task(_id="i", dependants=1), task(priority=9)])
    store.update({"_id": "i"}, CLAIM)
    fence = {"_id": "i", "status": "running", "lease.token": "t"}
    end = Change(set={"status": "success"}, push={"attempts": {"at": Now()}}, unset=("lease",))
    told = ("dependants", "status", "lease")
    assert store.update_first({**fence, "lease.token": "another"}, end, told) is None
    assert store.update_first(fence, end, told) == {
        "_id": "i",
        "dependants": 1,
        "status": "success",
    }
    assert store.update_first(fence, end, told) is None


def test_claim_leaves_what_does_not_match(store):
    store.insert("q", [task({"x": [1, 7]}), task({"x": [1]}), task({"x": 7})])
    fits = {**PENDING, "args.x": 7}
    assert [store.update_first(fits, CLAIM)["number"] for _ in range(2)] == [1, 3]
    assert store.update_first(fits, CLAIM) is None
    assert numbers(store, {"status": "pending"}) == [2]


CLAIMER = """
import sys
from labq.store import Change, Now, open_store
store, taken = open_store(sys.argv[1]), []
store.count({})
change = Change(set={"status": "running", "lease": {"token": sys.argv[2], "expires_at": Now(60)}}, inc={"attempt": 1})
print("ready", flush=True)
sys.stdin.readline()
while (task := store.update_first({"queue": "q", "status": "pending"}, change, ("number",))) is not None:
    taken.append(task["number"])
print(*taken)
"""


def test_every_task_is_claimed_exactly_once_by_several_processes(store, uri):
    store.insert("q", [task() for _ in range(2000)])
    claimers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, uri, str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    assert [claimer.stdout.readline() for claimer in claimers] == ["ready\n"] * 4
    for claimer in claimers:
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    taken = [claimer.communicate(timeout=120)[0].split() for claimer in claimers]
    assert [claimer.returncode for claimer in claimers] == [0] * 4
    assert Counter(int(number) for one in taken for number in one) == Counter(range(1, 2001))
    assert sum(1 for one in taken if one) > 1
    assert store.count({"queue": "q", "status": "running", "attempt": 1}) == 2000


def test_threads_of_one_store_claim_each_task_once(store):
    store.insert("q", [task() for _ in range(200)])

    def claim_all(_):
        taken = []
        while (found := store.update_first(PENDING, CLAIM, ("number",))) is not None:
            taken.append(found["number"])
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [number for one in pool.map(claim_all, range(4)) for number in one]
    assert sorted(taken) == list(range(1, 201))


def test_processes_that_submit_at_once_get_numbers_of_their_own(store, uri):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from making import task;"
        "from labq.store import open_store; store = open_store(sys.argv[1]);"
        "print(*[store.insert('q', [task()])[0] for _ in range(50)])"
    )
    folder = making.__file__.rpartition("/")[0]
    command = [sys.executable, "-c", code, uri, folder]
    submitters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    given = [int(n) for one in submitters for n in one.communicate(timeout=60)[0].split()]
    assert sorted(given) == list(range(1, 201))
    assert store.count(ALL) == 200


# -- update ---------------------------------------------------------------------------------------


def test_update_sets_adds_pushes_and_unsets(store):
    store.insert("q", [task({"x": 1}, name="n", errors=[{"m": 1}])])
    change = Change(
        set={"comment": "c", "modified_at": Now()},
        inc={"priority": 3, "crashes": 1},
        push={"errors": {"m": 2}, "attempts": {"attempt": 1}},
        unset=("name",),
    )
    assert store.update(ALL, change) == 1
    found = only(store)
    assert (found["comment"], found["priority"], found["crashes"]) == ("c", 3, 1)
    assert found["errors"] == [{"m": 1}, {"m": 2}]
    assert found["attempts"] == [{"attempt": 1}]
    assert "name" not in found
    assert abs(found["modified_at"] - store.now()) < timedelta(seconds=5)


def test_push_keeps_the_newest(store):
    store.insert("q", [task()])
    for at in range(7):
        store.update(ALL, Change(push={"errors": {"at": at, "ended": Now()}}, keep=5))
    assert [error["at"] for error in only(store)["errors"]] == [2, 3, 4, 5, 6]


def test_a_pushed_now_is_the_stores_time(store):
    store.insert("q", [task()])
    store.update(ALL, Change(push={"attempts": {"ended": Now(), "argv": ["$x", "$$NOW"], "e": {}}}))
    (record,) = only(store)["attempts"]
    assert abs(record["ended"] - store.now()) < timedelta(seconds=5)
    assert (record["argv"], record["e"]) == (["$x", "$$NOW"], {})


def test_a_dotted_path_leaves_its_siblings_and_makes_its_dicts(store):
    store.insert("q", [task(summary={"a": {"b": 1}})])
    store.update(ALL, Change(set={"summary.a.c": 2, "summary.d.e": [1], "summary.0": {}}))
    assert only(store)["summary"] == {"a": {"b": 1, "c": 2}, "d": {"e": [1]}, "0": {}}
    store.update(ALL, Change(unset=("summary",)))
    store.update(ALL, Change(set={"summary.x": "$not_a_path"}))
    assert only(store)["summary"] == {"x": "$not_a_path"}


def test_a_dotted_path_through_a_value_is_refused(store):
    store.insert("q", [task(summary={"a": 1})])
    with pytest.raises(ConflictError, match="something on the way to it is not a dict"):
        store.update(ALL, Change(set={"summary.a.b": 2}))
    assert only(store)["summary"] == {"a": 1}


def test_update_reaches_all_that_match_and_nothing_else(store):
    store.insert("q", [task({"x": x}) for x in range(10)])
    store.insert("other", [task({"x": 9})])
    assert store.update({"queue": "q", "args.x": {"$gte": 5}}, Change(set={"priority": 1})) == 5
    assert numbers(store, {"priority": 1}, sort=[("number", 1)]) == [6, 7, 8, 9, 10]
    assert store.count({"queue": "other", "priority": 1}) == 0


def test_update_by_a_list_of_ids_reaches_each(store):
    tasks = [task() for _ in range(3)]
    store.insert("q", tasks)
    some = {"_id": {"$in": [tasks[0]["_id"], tasks[2]["_id"]]}}
    assert store.update(some, Change(set={"priority": 1})) == 2
    assert store.update({"_id": {"$in": []}}, Change(set={"priority": 2})) == 0


def test_a_fenced_update_needs_the_token(store):
    store.insert("q", [task()])
    claimed = store.update_first(PENDING, CLAIM)
    fence = {"_id": claimed["_id"], "status": "running"}
    done = Change(set={"status": "success"}, unset=("lease",))
    assert store.update({**fence, "lease.token": "another"}, done) == 0
    assert only(store)["status"] == "running"
    assert store.update({**fence, "lease.token": "t"}, done) == 1
    assert store.update({**fence, "lease.token": "t"}, done) == 0
    assert "lease" not in only(store)


def test_a_lease_is_over_once_its_time_is_past_until_it_is_renewed(store):
    store.insert("q", [task(lease={}), task(lease={}), task()])
    for number, seconds in ((1, -0.001), (2, 60)):
        lease = {"token": "t", "expires_at": Now(seconds)}
        store.update({"number": number}, Change(set={"lease": lease}))
    assert numbers(store, store.over("lease.expires_at")) == [1]
    for number, seconds in ((1, 60), (2, -1)):
        renewed = Change(set={"lease.expires_at": Now(seconds)})
        assert store.update({"number": number}, renewed) == 1
    over = store.over("lease.expires_at")
    assert numbers(store, over) == [2]
    assert store.update({**over, "number": 2}, Change(set={"name": "late"})) == 1
    assert store.update({**over, "number": 1}, Change(set={"name": "late"})) == 0


def test_a_record_is_over_as_a_lease_is(store):
    for name, seconds in (("dead", -1), ("alive", 60)):
        store.workers.put(name, Change(set={"expires_at": Now(seconds)}))
        store.workers.update({"_id": name}, Change(set={"command": "drain"}))
    assert [found["_id"] for found in store.workers.find(store.over())] == ["dead"]
    store.workers.put("dead", Change(set={"expires_at": Now(60)}))
    assert store.workers.delete(store.over()) == 0


def test_a_renewal_moves_only_the_end_of_the_lease(store):
    store.insert("q", [task()])
    before = store.update_first(PENDING, CLAIM)
    assert store.update({"lease.token": "t"}, Change(set={"lease.expires_at": Now(600)})) == 1
    after = only(store)
    assert after["lease"]["expires_at"] - before["lease"]["expires_at"] > timedelta(seconds=500)
    for end in {"expires_at", "steady"} & after["lease"].keys():
        after["lease"][end] = before["lease"][end]
    assert after == before


def test_update_each_makes_every_change_that_matches(store):
    tasks = [task() for _ in range(3)]
    store.insert("q", tasks)
    writes = [
        ({"_id": one["_id"], "rev": rev}, Change(set={"priority": 7}))
        for one, rev in zip(tasks, (0, 1, 0), strict=True)
    ]
    assert store.update_each(writes) == 2
    assert numbers(store, {"priority": 7}, sort=[("number", 1)]) == [1, 3]
    assert store.update_each([]) == 0


def test_delete_removes_what_matches(store):
    store.insert("q", [task({"x": x}) for x in range(4)])
    assert store.delete({"queue": "q", "args.x": {"$lt": 2}}) == 2
    assert numbers(store, {}, sort=[("number", 1)]) == [3, 4]


# -- queries --------------------------------------------------------------------------------------

DOCUMENTS = [
    {"a": 1, "b": {"c": "x"}},
    {"a": 2.5, "b": {"c": None}},
    {"a": "2", "b": {"c": [1, 2, "x"]}},
    {"a": None, "b": [{"c": "x"}, {"c": 3}]},
    {"a": [1, 5], "b": {}},
    {"a": True, "b": {"c": {"d": 1}}},
    {"b": "x"},
    {"a": [[1], {"k": 1}], "b": {"c": False}},
]
QUERIES = {
    '{"args.a": 1}': [1, 5],
    '{"args.a": {"$ne": 1}}': [2, 3, 4, 6, 7, 8],
    '{"args.a": {"$gt": 1}}': [2, 5],
    '{"args.a": {"$gte": "2"}}': [3],
    '{"args.a": {"$lt": 2}}': [1, 5],
    '{"args.a": null}': [4, 7],
    '{"args.a": {"$exists": false}}': [7],
    '{"args.a": {"$exists": true, "$ne": null}}': [1, 2, 3, 5, 6, 8],
    '{"args.a": {"$in": [1, "2", null]}}': [1, 3, 4, 5, 7],
    '{"args.a": {"$nin": [1, "2", null]}}': [2, 6, 8],
    '{"args.a": {"$not": {"$gt": 1}}}': [1, 3, 4, 6, 7, 8],
    '{"args.a": [1, 5]}': [5],
    '{"args.a": [1]}': [8],
    '{"args.b.c": "x"}': [1, 3, 4],
    '{"args.b.c": {"$ne": "x"}}': [2, 5, 6, 7, 8],
    '{"args.b.c": {"d": 1}}': [6],
    '{"args.b.0.c": "x"}': [4],
    '{"args.a.0": 1}': [5],
    '{"args.a.k": 1}': [8],
    '{"$or": [{"args.a": 1}, {"args.b": "x"}]}': [1, 5, 7],
    '{"$nor": [{"args.a": 1}, {"args.b.c": "x"}]}': [2, 6, 7, 8],
    '{"$and": [{"args.a": {"$gt": 0}}, {"args.a": {"$lt": 2}}]}': [1, 5],
    '{"args.a": true}': [6],
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers_as_mongodb_does(store, query):
    store.insert("q", [task(args) for args in DOCUMENTS])
    found = numbers(store, json.loads(query), sort=[("number", 1)])
    assert found == QUERIES[query]
    assert store.count({"queue": "q", **json.loads(query)}) == len(found)


def test_sort_order_across_types_is_mongodbs(store):
    store.insert("q", [task(args) for args in DOCUMENTS])
    order = [4, 7, 1, 5, 2, 3, 8, 6]  # null and missing are one
    assert numbers(store, {}, sort=[("args.a", 1), ("number", 1)]) == order
    descending = numbers(store, {}, sort=[("args.a", -1), ("number", 1)])
    assert sorted(descending) == sorted(order)
    assert descending[0] == 6


def test_a_second_opening_sees_the_same(store, uri):
    store.insert("q", [task({"x": 1})])
    other = open_store(uri)
    assert [found["args"] for found in other.find(ALL)] == [{"x": 1}]
    other.close()
