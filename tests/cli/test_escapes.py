"""Nothing that a task, a worker or a queue holds reaches a terminal as an escape sequence."""

from __future__ import annotations

import re

import pytest

from labq.model.task import new
from labq.queue import WorkerName, claims, workers
from labq.store import Change

EVIL = "a\x1b]0;owned\x07\x9b31m\x7f\x00\u202eb\rc\nFORGED"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
COMMANDS = [
    *("task ls", "task ls --json", "task ls --cols name,args,metadata,tags", "task show 1 2"),
    *("task show 1 --json", "task compare 1 2", "task compare 1 2 --json", "task diff 1 2"),
    *("task group ls", "task group show 2", "events", "events --json", "wait 1 2 --timeout 0"),
    *("worker ls -a", "worker ls -a --json", "worker show w", "queue ls", "queue show"),
    *("task publish 1", "task enqueue 1", "task source 2", "task ls -P x", "task ls --name x"),
    *("task ls --queue x", "worker stop --all -q", "task update 1 -u name=b", "task cancel 2"),
]


@pytest.fixture
def hostile(queue):
    """Two tasks, a worker and a queue, each of whose texts an unfriendly program has written."""
    queue.submit([{**new({"a": 1}), "name": "plain"}, new({"a": 2}, tags=["t"])])
    texts = ("name", "comment", "reason", "project", "cwd")
    change = dict.fromkeys(texts, EVIL) | {
        "tags": [EVIL],
        "metadata": {EVIL.replace("\0", ""): EVIL},
    }
    change |= {
        "summary": {"s": EVIL},
        "args": {"k": EVIL, "d": {"e": EVIL}},
        "group": EVIL.replace("\0", ""),
    }
    change |= {"errors": [{"message": EVIL, "stderr": EVIL, "attempt": 0}], "env": {"A": EVIL}}
    change |= {"source": {"repository": EVIL, "notes": EVIL}, "cmd": ["sh", EVIL]}
    queue.store.update({"number": 1}, Change(set={**change, "status": "failed"}))
    queue.store.update({"number": 2}, Change(set=change))
    card = {"_id": f"w{EVIL}".replace("\0", ""), "host": EVIL, "queue": "default", "slots": 1}
    workers.beat(
        queue.store,
        {**card, "pid": 1, "tasks": [2], "labels": {"l": EVIL}, "started_at": queue.store.now()},
        600,
    )
    queue.store.queues.put("default", Change(set={"description": EVIL}))


def test_no_command_lets_one_through(labq, hostile):
    for words in COMMANDS:
        result = labq(*words.split())
        for text in (result.out, result.err):
            assert UNSAFE.findall(text) == [], words
            assert "\nFORGED" not in text, words


def test_a_terminal_gets_none_either(hostile, process):
    import os
    import pty

    for words in ("task ls --no-pager", "task show 1", "wait 1"):
        leader, follower = pty.openpty()
        ran = process(*words.split(), stdout=follower, stderr=follower)
        os.close(follower)
        seen = b""
        while True:
            try:
                block = os.read(leader, 1 << 16)
            except OSError:
                break
            if not block:
                break
            seen += block
        ran.wait(60)
        os.close(leader)
        text = re.sub(r"\x1b\[[0-9;?]*[mKhlAJG]", "", seen.decode()).replace("\r", "")
        assert "\x1b" not in text, words
        assert not UNSAFE.search(text), words
        assert "\\x1b]0;ow" in text, words


def test_a_message_that_quotes_what_was_typed_is_harmless(labq):
    for words in (
        ["task", "show", EVIL.replace("\0", "")],
        ["task", "ls", "-s", EVIL],
        ["task", EVIL],
    ):
        result = labq(*words)
        assert result.code != 0
        assert not UNSAFE.search(result.err), words


def test_json_says_the_same_text(labq, hostile):
    (task,) = labq("task", "ls", "--json", "-s", "failed").lines
    assert task["comment"] == EVIL


def test_what_a_worker_says_of_a_task_is_harmless(labq, queue):
    queue.submit([new({}, cmd=["sh", "-c", "exit 3"])])
    queue.store.update({"number": 1}, Change(set={"name": EVIL}))
    said = labq("worker", "run").err
    assert "task 1 (a\\x1b]0;owned" in said
    assert not UNSAFE.search(said)


def test_a_lease_of_a_hostile_worker_is_shown(labq, queue):
    queue.submit([new({})])
    claims.claim(queue.store, {"queue": "default"}, WorkerName(EVIL, EVIL), 600)
    for words in (("task", "show", "1"), ("task", "ls"), ("events",)):
        assert not UNSAFE.search(labq(*words).out)
