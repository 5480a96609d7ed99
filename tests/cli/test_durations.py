"""What the options that take a duration say of one that is none: which option it was."""

from __future__ import annotations

import pytest
from books import statuses, submit
from waiting import until

WORKER = ("worker", "run")
OPTIONS = [
    *((*WORKER, option) for option in ("--grace", "--idle-timeout", "--time-limit")),
    *((*WORKER, option) for option in ("--lease", "--heartbeat")),
    *(("task", "submit", option) for option in ("--timeout", "--ttl", "--retry-delay", "--delay")),
    *(("run", option) for option in ("--timeout", "--grace")),
    *(("queue", "create", option) for option in ("--default-timeout", "--default-ttl")),
    ("task", "cancel", "1", "--grace"),
    ("task", "group", "cancel", "1", "--grace"),
    ("wait", "1", "--timeout"),
]
MAY_BE_NONE = {"--grace", "--delay", "--retry-delay"}
COMMAND = {"worker": ["--", "true"], "run": ["--", "true"]}


@pytest.mark.parametrize("words", OPTIONS, ids=" ".join)
def test_a_duration_that_is_none_is_refused_in_the_name_of_its_option(labq, queue, words):
    submit(labq, {})
    texts = ["1h2d", "soon", *(["0"] if words[-1] not in MAY_BE_NONE | {"--timeout"} else [])]
    for text in texts:
        result = labq(*words, text, *COMMAND.get(words[0], []))
        why = "is out of range" if text == "0" else "is not a duration"
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"labq: {words[-1]}: {text!r} {why}")
    assert statuses(queue) == ["pending"]


@pytest.mark.parametrize("words", [("worker", "run"), ("run",)], ids=" ".join)
def test_no_grace_at_all_kills_at_once(labq, queue, process, tmp_path, words):
    if words == ("worker", "run"):
        submit(labq, {})
    stubborn = "trap '' TERM; touch on; while true; do sleep 0.05; done"
    process(*words, "--grace", "0", "--", "sh", "-c", stubborn)
    until((tmp_path / "on").exists)
    assert labq("task", "cancel", "1", "--wait", "-q").code == 0
    task = queue.get("1")
    assert (task["status"], task["attempts"][0]["signal"]) == ("cancelled", 9)
