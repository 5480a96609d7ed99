"""`labq events`: the changes of status, told to people and to programs."""

from __future__ import annotations

import json
import re
import signal

from books import submit


def test_a_sweep_is_told_line_by_line(labq):
    submit(labq, {"x": 1})
    submit(labq, {"x": 2})
    labq("worker", "run", "--", "test", "1", "-eq")
    labq("task", "delete", "2", "-y")
    result = labq("events")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  task [12]  ", line) for line in lines)
    changes = [line.split("  ")[1:3] for line in lines]
    assert [change for task, change in changes if task == "task 2"] == [
        "pending",
        "pending -> running",
        "running -> failed",
        "failed -> deleted",
    ]
    assert "  exit code " in next(line for line in lines if "failed" in line)


def test_json_has_tokens_and_since_goes_on_behind_one(labq):
    submit(labq, {"x": 1})
    labq("task", "cancel", "1", "--reason", "no")
    first, second = labq("events", "--json").lines
    assert first["to"] == "pending"
    assert list(second) == [
        *("token", "task", "number", "queue", "from", "to", "at", "attempt", "reason"),
    ]
    assert (second["from"], second["to"], second["reason"]) == ("pending", "cancelled", "no")
    assert labq("events", "--json", "--since", first["token"]).lines == [second]
    assert labq("events", "--json", "--since", second["token"]).lines == []
    result = labq("events", "--since", second["token"])
    assert (result.code, result.out, result.err) == (
        0,
        "",
        "no events in queue default since then\n",
    )


def test_a_queue_without_events_says_so(labq, uri):
    result = labq("events", "--queue", "other")
    why = f"there is no store {uri} yet (labq task submit makes it)"
    assert (result.code, result.out, result.err) == (0, "", f"no events in queue other: {why}\n")


def test_a_filter_narrows_the_tasks(labq):
    submit(labq, {"x": 1})
    submit(labq, {"x": 2})
    assert [event["number"] for event in labq("events", "--json", "-f", "args.x > 1").lines] == [2]


def test_a_wrong_token_is_refused(labq):
    submit(labq, {"x": 1})
    result = labq("events", "--since", "yesterday")
    assert (result.code, result.out) == (2, "")
    assert result.err == "labq: yesterday is not the token of an event of this store\n"


def test_what_is_no_longer_kept_is_told(labq, monkeypatch):
    from labq.queue import events

    lost = {"token": "1", "task": "a", "number": 1, "queue": "q", "to": "draft", "missed": True}
    monkeypatch.setattr(events, "events", lambda *_: iter([lost]))
    result = labq("events", "--json")
    assert result.lines == [lost]
    assert result.err == "labq: what happened before this is no longer all kept\n"


def test_follow_prints_what_happens_until_ctrl_c(labq, process):
    submit(labq, {"x": 1})
    (first,) = labq("events", "--json").lines
    follower = process("events", "--follow", "--json", "--since", first["token"])
    labq("worker", "run", "--", "true")
    submit(labq, {"x": 2})
    seen = [json.loads(follower.stdout.readline()) for _ in range(3)]
    follower.send_signal(signal.SIGINT)
    assert follower.wait(10) == 130
    assert [(event["number"], event["to"]) for event in seen] == [
        (1, "running"),
        (1, "success"),
        (2, "pending"),
    ]
    assert follower.stderr.read() == ""
