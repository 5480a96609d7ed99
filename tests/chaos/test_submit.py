"""A bulk submit that is killed: each task is there whole or not at all, and a second run completes it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

from fleet import TASKS, pause

from labq.queue import Queue
from labq.store import open_store

LINES = TASKS * 10


def test_a_killed_bulk_submit_is_completed_by_the_same_key(uri, tmp_path):
    sheet = tmp_path / "tasks.jsonl"
    args = [{"x": number, "deep": {"list": [number] * 5}} for number in range(LINES)]
    sheet.write_text("".join(json.dumps(one) + "\n" for one in args))
    command = [sys.executable, "-m", "labq", "task", "submit", "--key", "sweep", "--file", sheet]
    environment = {**os.environ, "LABQ_URI": uri}
    chance = random.Random(LINES)  # noqa: S311
    store = open_store(uri)
    queue = Queue(store, "default")
    for _ in range(6):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as submit:
            submit.stdout.readline()  # the first batch is stored
            pause(chance.uniform(0, 0.05))
            submit.kill()
        whole = list(queue.find({"queue": "default"}))
        assert all(task["args"] == args[task["args"]["x"]] for task in whole)
        assert len({task["args"]["x"] for task in whole}) == len(whole)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert len(set(done.stdout.split())) == LINES
    assert sorted(task["args"]["x"] for task in queue.find({"queue": "default"})) == [*range(LINES)]
    store.close()
