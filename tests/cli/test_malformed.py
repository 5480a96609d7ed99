"""What another program wrote wrong: it is shown and passed over, and all else goes on."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import foreign
import pytest
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MinKey, ObjectId, Regex, Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labq.clock import to_ms
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS, new
from labq.queue import Queue
from labq.store import open_store

LATE = datetime(9999, 12, 31, tzinfo=timezone.utc)
# A field, what MongoDB and what SQLite is given there, and what is said of it.
CASES = {
    "a variable": ("env", {"A": 1}, '{"A": 1}', "env.A must be a text, not 1"),
    "a length": ("timeout", "1h", "1h", "timeout must be seconds of 0 or more, not '1h'"),
    "a list": ("args", [1, 2], "[1, 2]", "args must be a dict, not a list"),
    "a word": ("tags", "a", '"a"', "tags must be a list of texts, not 'a'"),
    "an amount": ("resources", 1, "1", "resources must be a dict such as {'cpus': 2}, not 1"),
    "no count": ("attempt", "x", "x", "attempt must be a whole number of 0 or more, not 'x'"),
    "no revision": ("rev", "x", "x", "rev must be a whole number, not 'x'"),
    "words": ("words", 5, "5", "words must be a dict, not 5"),
    "typed words": (
        "words",
        {"typed": ["a", 1]},
        '{"typed": ["a", 1]}',
        "words.typed[1] must be a text, not 1",
    ),
    "a command": ("cmd", [1], "[1]", "cmd[0] must be a text, not 1"),
    "priority": ("priority", "high", "high", "priority must be a whole number, not 'high'"),
    "a date": ("created_at", "now", "now", "created_at must be a date, not 'now'"),
    "too late": (
        "created_at",
        LATE,
        253_402_214_400_000,
        "created_at must be a date, not the year 9999",
    ),
    "attempts": ("attempts", "x", '"x"', "attempts must be a list of dicts, not 'x'"),
}
OF_MONGODB = {
    "an id": (ObjectId("0" * 24), "args.x must be a JSON value, not an ObjectId"),
    "a decimal": (Decimal128("1.5"), "args.x must be a JSON value, not a Decimal128"),
    "bytes": (b"\0", "args.x must be a JSON value, not bytes"),
    "no number": (float("nan"), "args.x must be a JSON value, not nan"),
    "deep down": ({"y": [Regex("a")]}, "args.x.y[0] must be a JSON value, not a Regex"),
}
OF_SQLITE = {
    "no JSON": ("args", "{", "args is not JSON"),
    "no number": ("args", '{"a": NaN}', "args is not JSON"),
    "bytes": ("name", b"\xff", "name must be a text, not bytes"),
    "JSON as bytes": ("args", b"{}", "args is not JSON"),
    "a nest": ("args", "[" * 5000, "args is not JSON"),
    "no date": ("lease", '{"$date": "x"}', "lease is not JSON"),
}


def submitted(uri, count=3):
    store = open_store(uri)
    queue = Queue(store, "default")
    queue.submit([new({"n": at}, cmd=["true"]) for at in range(count)])
    store.close()


OTHERS_RAN = {1: "pending", 2: "success", 3: "success"}


def passes_over(labq, why):
    """Task 1 is shown as malformed, a worker says so once; where the tasks stand then."""
    (shown,) = labq("task", "show", "1", "--json").lines
    assert why in shown[MALFORMED].values()
    assert f"1 task malformed: {why} (1)" in labq("task", "ls").err.splitlines()
    assert len(labq("task", "ls", "--json").lines) == 3
    assert labq("task", "count").out == "3\n"
    ran = labq("worker", "run", "--slots", "2")
    said = f"labq: task 1 is malformed and passed over: {why} (labq task update mends it)"
    assert [line for line in ran.err.splitlines() if "malformed" in line] == [said]
    assert ran.code == 0
    return {task["number"]: task["status"] for task in labq("task", "ls", "--json").lines}


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_task_is_told_of_passed_over_and_mended(labq, uri, case):
    field, mongodb, sqlite, why = CASES[case]
    submitted(uri)
    foreign.overwrite(uri, 1, field, sqlite if uri.startswith("sqlite") else mongodb)
    assert passes_over(labq, why) == OTHERS_RAN
    new = {"timeout": "60", "args": "{'n': 0}", "tags": "['a']", "env": "{'A': '1'}", "priority": 5}
    new |= {"resources": "None", "cmd": "['true']"}
    edit = f"{field}={new[field]}" if field in new else "comment=mended"
    assert labq("task", "update", "1", "-u", edit).code == 0
    ran = labq("worker", "run")
    assert "task 1 success" in ran.err
    (shown,) = labq("task", "show", "1", "--json").lines
    assert MALFORMED not in shown
    assert shown["attempt"] == 1


@pytest.mark.parametrize("uri", ["lone", "replica"], indirect=True)
@pytest.mark.parametrize("case", OF_MONGODB)
def test_so_is_one_that_holds_what_no_json_has(labq, uri, case):
    value, why = OF_MONGODB[case]
    submitted(uri)
    foreign.overwrite(uri, 1, "args.x", value)
    assert passes_over(labq, why) == OTHERS_RAN


NO_UTF8 = {
    "a name": ("name", "name must be a text, not '\\udcff\\udcfe'"),
    "a value": ("args.x", "args.x must be a JSON value, not '\\udcff\\udcfe'"),
    "a key": ("args.x.??", "a key of args.x must be a text, not '\\udcff\\udcfe'"),
}


@pytest.mark.parametrize("uri", ["lone", "replica"], indirect=True)
@pytest.mark.parametrize("case", NO_UTF8)
def test_so_is_one_whose_text_is_no_utf8(labq, uri, case):
    place, why = NO_UTF8[case]
    submitted(uri)
    foreign.garble(uri, 1, place)
    assert passes_over(labq, why) == OTHERS_RAN


def test_a_malformed_task_is_not_cloned_as_if_it_had_nothing_there(labq, uri):
    submitted(uri)
    foreign.overwrite(uri, 1, "args", "[1]" if uri.startswith("sqlite") else [1])
    cloned = labq("task", "clone", "1", "-u", "priority=3")
    assert cloned.err == (
        "labq: cannot clone task 1: it is malformed: args must be a dict, not a list"
        " (labq task update mends it, -u args=... gives the copy another)\n"
    )
    assert (cloned.code, cloned.out) == (5, "")
    assert labq("task", "clone", "1", "2", "-u", "args={'n': 7}").code == 0
    assert labq("task", "clone", "1", "-u", "args.n=7").code == 5
    assert labq("task", "count", "-f", "args.n == 7").out == "2\n"


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", OF_SQLITE)
def test_so_is_one_that_sqlite_itself_cannot_read(labq, uri, case):
    field, value, why = OF_SQLITE[case]
    submitted(uri)
    foreign.overwrite(uri, 1, field, value)
    if field == "lease":  # a claim gives the task another
        assert why in labq("task", "ls").err
        assert labq("worker", "run").code == 0
    else:
        passes_over(labq, why)
    assert [task["number"] for task in labq("task", "ls", "-f", "args.n > 0", "--json").lines] == [
        2,
        3,
    ]


@pytest.mark.parametrize("uri", ["lone", "replica"], indirect=True)
def test_a_task_that_has_neither_an_id_of_labqs_nor_a_number_can_be_shown_and_removed(labq, uri):
    submitted(uri)
    identity = ObjectId()
    foreign.insert(uri, {"_id": identity, "queue": "default", "status": "pending", "name": "odd"})
    (shown,) = labq("task", "show", "odd", "--json").lines
    assert shown["_id"] == str(identity)
    assert shown[MALFORMED]["_id"] == "_id must be a text, not an ObjectId"
    assert shown[MALFORMED]["number"] == "number is missing"
    assert labq("worker", "run").code == 0
    assert labq("task", "count", "-s", "success").out == "3\n"
    assert labq("task", "cancel", str(identity)).code == 0
    assert labq("task", "count", "-s", "cancelled").out == "1\n"
    assert labq("task", "delete", str(identity), "-y").code == 0
    assert labq("task", "count").out == "3\n"


def test_a_task_that_runs_under_no_lease_is_given_back(labq, uri):
    submitted(uri)
    sqlite = uri.startswith("sqlite")
    foreign.overwrite(uri, 1, "status", "running")
    foreign.overwrite(uri, 1, "lease", '{"worker": 5}' if sqlite else {"worker": 5})
    assert labq("queue", "sweep").code == 0
    assert labq("worker", "run").code == 0
    assert labq("task", "count", "-s", "success").out == "3\n"
    (shown,) = labq("task", "show", "1", "--json").lines
    assert shown["attempts"][0]["reason"] == "worker ? was lost"


def test_a_status_that_there_is_not_can_be_cancelled(labq, uri):
    submitted(uri)
    foreign.overwrite(uri, 1, "status", "odd")
    assert (
        "labq: cannot requeue task 1: it is malformed (labq task cancel ends it, labq task delete removes it)"
        in labq("task", "requeue", "1").err
    )
    assert labq("task", "cancel", "1").code == 0
    assert labq("task", "requeue", "1").code == 0
    assert labq("worker", "run").code == 0
    assert labq("task", "count", "-s", "success").out == "3\n"


@pytest.mark.parametrize("field", ["after", "after_any"])
@pytest.mark.parametrize(("before", "verb"), [("dequeue", "enqueue"), ("cancel", "requeue")])
def test_one_whose_parents_cannot_be_read_is_left_by_what_sets_tasks_going(
    labq, uri, before, verb, field
):
    submitted(uri)
    assert labq("task", before, "-f", "{}", "--yes").code == 0
    foreign.overwrite(uri, 1, field, 7)
    told = labq("task", verb, "-f", "{}", "--yes").err
    assert (
        told
        == f"{verb}d 2 tasks, left 1: 1 malformed (labq task cancel ends it, labq task delete removes it)\n"
    )
    pending = labq("task", "ls", "-s", "pending", "--json").lines
    assert [task["number"] for task in pending] == [2, 3]


@pytest.mark.parametrize("uri", ["lone"], indirect=True)
@pytest.mark.parametrize("field", ["queue", "status"])
@pytest.mark.parametrize("value", [Code("x"), Regex("x"), [1], {"a": 1}, None], ids=repr)
def test_the_queues_are_listed_whatever_stands_for_a_queue_or_a_status(labq, uri, field, value):
    submitted(uri)
    foreign.overwrite(uri, 1, field, value)
    assert labq("queue", "ls").code == 0
    assert labq("queue", "ls", "--json").lines[0]["queue"] == "default"


def test_hundreds_of_them_before_all_others_keep_nobody(labq, uri):
    submitted(uri, 303)
    for number in range(1, 301):
        foreign.overwrite(uri, number, "timeout", "1h")
    ran = labq("worker", "run")
    assert ran.code == 0
    said = [line for line in ran.err.splitlines() if "malformed" in line]
    why = "timeout must be seconds of 0 or more, not '1h' (labq task update mends it)"
    assert said == [f"labq: 300 tasks (1, 2, 3, ...) are malformed and passed over: {why}"]
    assert labq("task", "count", "-s", "success").out == "3\n"


def test_an_edit_below_what_is_malformed_asks_for_the_whole_of_it(labq, uri):
    submitted(uri, 1)
    foreign.overwrite(uri, 1, "env", '{"A": 1}' if uri.startswith("sqlite") else {"A": 1})
    refused = labq("task", "update", "1", "-u", "env.B=2")
    assert (
        refused.err
        == "labq: cannot edit task 1: env.A must be a text, not 1: set the whole of env\n"
    )
    assert refused.code == 5


def test_the_editor_says_what_is_malformed(labq, uri, monkeypatch, tmp_path):
    submitted(uri, 1)
    foreign.overwrite(uri, 1, "timeout", "1h")
    seen = tmp_path / "seen"
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\ncp "$1" {seen}\necho "timeout: 60" >> "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    assert labq("task", "update", "1").code == 0
    assert "# malformed: timeout must be seconds of 0 or more, not '1h'" in seen.read_text()
    (shown,) = labq("task", "show", "1", "--json").lines
    assert shown["timeout"] == 60
    assert MALFORMED not in shown


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [("rev", "x", 0), ("number", "x", 0), ("env", '"x"', 0), ("retention", '"x"', 1)],
)
def test_an_ended_one_goes_when_its_time_is_over_if_that_can_be_read(labq, uri, field, value, left):
    assert labq("task", "submit", "--ttl", "1h", "--", "--x", "1").code == 0
    assert labq("worker", "run", "--", "true").code == 0
    sqlite = uri.startswith("sqlite")
    long_ago = datetime(2020, 1, 1, tzinfo=timezone.utc)
    foreign.overwrite(uri, 1, "ended_at", to_ms(long_ago) if sqlite else long_ago)
    foreign.overwrite(uri, 1, field, value if sqlite else value.strip('"'))
    assert labq("queue", "sweep").code == 0
    assert labq("task", "count").out == f"{left}\n"


def test_the_records_of_queues_are_told_of_too(labq, uri):
    submitted(uri, 1)
    if uri.startswith("sqlite"):
        foreign.overwrite(uri, "default", "record", '{"max_tasks": "x", "defaults": 5}', "queues")
    else:
        foreign.overwrite(uri, "default", "max_tasks", "x", "queues")
        foreign.overwrite(uri, "default", "defaults", 5, "queues")
    wrong = {
        "max_tasks": "max_tasks must be a whole number of 0 or more, not 'x'",
        "defaults": "defaults must be a dict, not 5",
    }
    assert labq("queue", "show", "--json").lines[0][MALFORMED] == wrong
    assert labq("queue", "ls", "--json").lines[0][MALFORMED] == wrong
    assert labq("task", "submit", "--", "--n", "1").code == 0
    assert (
        labq("queue", "update", "default", "--max-tasks", "9", "--default-timeout", "5m").code == 0
    )
    assert MALFORMED not in labq("queue", "show", "--json").lines[0]


def test_a_record_that_is_no_json_is_told_of(labq, uri):
    if not uri.startswith("sqlite"):
        return
    submitted(uri, 1)
    foreign.overwrite(uri, "default", "record", "{", "queues")
    told = {"record": "the record is not JSON"}
    assert labq("queue", "show", "--json").lines[0][MALFORMED] == told
    assert labq("task", "submit", "--", "--n", "1").code == 0


ANY = [None, True, 1, -3, 2**62, 1.5, "x", "", [1], ["x", 1], {"A": 1}, {"": {"a.b": [None]}}]
ODD = [ObjectId(), Decimal128("1"), Binary(b"\xff", 5), Regex("a"), Code("x"), Timestamp(1, 1)]
ODD += [MinKey(), DatetimeMS(2**55), Int64(5), float("inf"), {"a": [ObjectId()]}, LATE]
RAW = ['{"a": NaN}', "{", "[" * 3000, '{"$date": 99999999999999999}', b"\xff\xfe", b"{}", "null"]
READS = [
    *(
        ("task", "ls"),
        ("task", "ls", "--json"),
        ("task", "ls", "-f", "args.n > 0", "--cols", "tags"),
    ),
    *(("task", "show", "1"), ("task", "count", "-f", "resources.cpus > 1"), ("queue", "ls")),
    *(("task", "compare", "-f", "{}"), ("task", "group", "ls"), ("events", "--json")),
    *(("queue", "show"), ("worker", "ls"), ("task", "ls", "--sort", "summary.x:desc")),
]
CHANGES = [
    *(("task", "update", "-f", "{}", "-u", "comment=x", "-y"), ("task", "cancel", "1")),
    *(("queue", "sweep"), ("task", "delete", "-f", "{}", "--force", "-y")),
]


@pytest.mark.parametrize("uri", ["sqlite", "lone"], indirect=True)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_anywhere_no_command_fails_and_the_rest_runs(labq, uri, data):
    sqlite = uri.startswith("sqlite")
    labq("task", "delete", "-f", "{}", "--force", "-y")
    store = open_store(uri)
    numbers = Queue(store, "default").submit([new({"n": at}, cmd=["true"]) for at in range(4)])
    store.close()
    values = [json.dumps(one) for one in ANY] + ANY[:8] + RAW if sqlite else ANY + ODD
    fields = st.sampled_from(sorted(FIELDS.keys() - {"_id", "queue", "number", "short"}))
    for number in numbers[:2]:
        for field in data.draw(st.lists(fields, min_size=1, max_size=3)):
            value = data.draw(st.sampled_from(values))
            if not (sqlite and field == "status" and value is None):
                foreign.overwrite(uri, number, field, value)
    for command in READS:
        assert labq(*command).code in (0, 1, 3)
    assert labq("worker", "run").code in (0, 1)
    done = {task["number"] for task in labq("task", "ls", "--json", "-s", "success").lines}
    assert done >= set(numbers[2:])
    for command in CHANGES:
        labq(*command)
    assert labq("task", "count").out == "0\n"


@pytest.mark.parametrize(("limit", "room"), [("5.0", 2), ("-1", None), ("2.5", None)])
def test_a_limit_that_is_none_keeps_nobody_from_submitting(labq, uri, limit, room):
    submitted(uri)
    sqlite = uri.startswith("sqlite")
    value = f'{{"next_number": 4, "max_tasks": {limit}}}' if sqlite else float(limit)
    if not sqlite and limit == "-1":
        value = -1
    foreign.overwrite(uri, "default", "record" if sqlite else "max_tasks", value, "queues")
    assert labq("task", "submit", "--", "--x", "1").code == 0
    assert labq("task", "submit", "--", "--x", "1").code == 0
    over = labq("task", "submit", "--", "--x", "1")
    assert over.code == (0 if room is None else 5)
    numbers = [task["number"] for task in labq("task", "ls", "--json").lines]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("uri", ["lone"], indirect=True)
def test_numbers_that_a_shell_wrote_are_gone_past(labq, uri):
    submitted(uri)
    for number in (1, 2, 3):
        foreign.overwrite(uri, number, "number", float(number))
    foreign.overwrite(uri, 2.0, "number", "x")
    with foreign.MongoClient(uri) as client:
        client.get_default_database().queues.delete_many({})
    told = [labq("task", "submit", "--", "--x", "1").err.split(" in queue")[0] for _ in range(3)]
    assert told == ["task 4", "task 5", "task 6"]


def test_a_task_that_is_passed_over_counts_for_no_max_tasks(labq, uri):
    submitted(uri, 2)
    bad = ["echo", "%(nope)"]
    value = json.dumps(bad, separators=(",", ":")) if uri.startswith("sqlite") else bad
    foreign.overwrite(uri, 1, "cmd", value)
    assert labq("worker", "run", "--max-tasks", "1").code == 0
    (shown,) = labq("task", "show", "2", "--json").lines
    assert shown["status"] == "success"


def test_a_name_in_a_list_is_nobodys_namesake(labq, uri):
    assert labq("task", "submit", "--short", "x", "--cmd", "true").code == 0
    assert labq("task", "submit", "--cmd", "true").code == 0
    foreign.overwrite(uri, 2, "name", '["x"]' if uri.startswith("sqlite") else ["x"])
    for verb in ("show", "tag", "update"):
        more = {"tag": ["+a"], "update": ["-u", "priority=3"]}.get(verb, [])
        assert labq("task", verb, "x", *more).code == 0, verb


def test_a_time_of_a_change_that_is_none_is_mended_by_the_next(labq, uri):
    submitted(uri)
    foreign.overwrite(uri, 1, "modified_at", "x")
    assert labq("task", "update", "-f", "{}", "-y", "-u", "priority=3").err == "changed 3 tasks\n"
    (shown,) = labq("task", "show", "1", "--json").lines
    assert MALFORMED not in shown


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
def test_the_queues_are_listed_whatever_bytes_stand_for_a_status(labq, uri):
    import sqlite3
    from contextlib import closing

    submitted(uri)
    with closing(sqlite3.connect(uri.removeprefix("sqlite:"))) as db, db:
        db.execute(
            "UPDATE tasks SET status = CAST(x'ff41' AS TEXT), \"group\" = 'g' WHERE number = 1"
        )
    for words in (["queue", "ls"], ["queue", "ls", "--json"], ["task", "group", "ls"]):
        assert labq(*words).code == 0, words
    assert labq("task", "group", "show", "g").code == 0


@pytest.mark.parametrize("field", ["args", "cmd", "cwd", "raw_args"])
def test_a_worker_passes_over_what_no_command_line_can_carry(labq, uri, field):
    submitted(uri, 2)
    value = {"args": {"lr": "a\0b"}, "cmd": ["true", "a\0b"]}.get(field, "a\0b")
    stored = json.dumps(value) if uri.startswith("sqlite") and field in ("args", "cmd") else value
    foreign.overwrite(uri, 1, field, stored)
    ran = labq("worker", "run")
    assert ran.code == 0
    assert "labq: task 1 is malformed and passed over: " in ran.err
    assert "labq: 1 success in" in ran.err


@pytest.mark.parametrize("number", [1.5, 2**53 + 1, 2**60, -(2**60), "x"])
def test_an_edit_of_all_ends_and_new_tasks_have_sound_numbers(labq, uri, number):
    submitted(uri)
    foreign.overwrite(uri, 2, "number", number)
    if not uri.startswith("sqlite"):
        foreign.overwrite(uri, "default", "next_number", 1, "queues")
    tagged = labq("task", "tag", "-f", "{}", "--yes", "+zz")
    assert tagged.err == "tagged 3 tasks\n"
    assert labq("task", "update", "-f", "{}", "-y", "-u", "priority=3").err == "changed 3 tasks\n"
    for following in (4, 5):
        submit = labq("task", "submit", "--cmd", "true")
        assert f"task {following} in queue default" in submit.err
    assert "labq: 4 success in" in labq("worker", "run").err


@pytest.mark.parametrize("field", ["next_number"])
def test_a_counter_that_is_past_all_numbers_begins_behind_the_tasks(labq, uri, field):
    submitted(uri)
    foreign.overwrite(uri, "default", field, 2**60, "queues")
    assert "task 4 in queue default" in labq("task", "submit", "--cmd", "true").err


@pytest.mark.parametrize("key", ["", "a.b", "$a"])
def test_a_key_that_no_argument_has_is_malformed_and_stops_no_edit_of_others(labq, uri, key):
    submitted(uri)
    if uri.startswith("sqlite"):
        foreign.overwrite(uri, 2, "args", json.dumps({key: 1}))
    else:
        with foreign.MongoClient(uri) as client:
            tasks = client.get_default_database().tasks
            task = tasks.find_one_and_delete({"number": 2})
            tasks.insert_one({**task, "args": {key: 1}})
    edited = labq("task", "update", "-f", "{}", "-y", "-u", "args.zz=1")
    why = f"a key of args must be a text without dots, and no $ first, not {key!r}"
    assert edited.err == f"changed 2 tasks, left 1 task: {why}: set the whole of args\n"
    assert edited.code == 0


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
@pytest.mark.parametrize("args", ["{", '{"a":NaN}', "[" * 5000, b"\xff"])
def test_a_filter_on_args_passes_over_those_that_cannot_be_read(labq, uri, args):
    submitted(uri)
    foreign.overwrite(uri, 2, "args", args)
    for words in (
        "count",
        "wait --timeout 1ms",
        "update -y -u priority=1",
        "tag --yes +a",
        "cancel",
    ):
        ran = (
            labq("task", *words.split(), "-f", "args.n >= 0")
            if "wait" not in words
            else labq(*words.split(), "-f", "args.n >= 0")
        )
        assert ran.code in (0, 124), (words, ran.err)
