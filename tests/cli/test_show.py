"""What `labq task show` and `labq task ls` say of tasks that wait, need something, or are stopping."""

from __future__ import annotations

import re

import pytest

from labq.queue import WorkerName, claims
from labq.store import Change


def rows(out):
    """The lines of a page, by what each begins with."""
    return {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in out.splitlines()}


@pytest.fixture
def sources(labq, queue):
    """A success, one that runs, and one that is pending."""
    for _ in range(3):
        labq("task", "submit", "-q")
    queue.store.update({"number": 1}, Change(set={"status": "success"}))
    claims.claim(queue.store, {"queue": "default"}, WorkerName("lab-7", "lab"), 60)


def test_show_names_what_a_task_comes_after_with_its_status(labq, sources):
    labq("task", "submit", "-q", "--after", "1 2", "--after-any", "3")
    told = rows(labq("task", "show", "4").out)
    assert told["after"] == "1 (success), 2 (running)"
    assert told["after_any"] == "3 (pending)"
    assert told["waiting_for"] == "2 (running), 3 (pending)"
    assert "dependants" not in rows(labq("task", "show", "2").out)


def test_show_says_that_a_task_it_came_after_is_gone(labq, queue, sources):
    labq("task", "submit", "-q", "--after", "1")
    gone = queue.get("1")["_id"]
    labq("task", "delete", "-y", "1")
    assert rows(labq("task", "show", "4").out)["after"] == f"{gone} (deleted)"


def test_show_says_when_a_task_may_begin_and_how_far_away_that_is(labq):
    labq("task", "submit", "-q", "--delay", "3h30m")
    told = rows(labq("task", "show", "1").out)["available_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in (3h 30m|3h 29m)\)", told)


def test_show_says_in_words_what_a_task_needs(labq):
    labq(
        *("task", "submit", "--resources", "cpus=500m,memory=4096Mi,gpus=1", "--retry-delay", "90"),
        *("--require", "vram>=40Gi", "--require", "gpu=a100", "--timeout", "1h30m", "--ttl", "7d"),
        *("-e", "A=1", "-e", "B=two words"),
    )
    told = rows(labq("task", "show", "1").out)
    assert told["resources"] == "cpus=0.5 memory=4Gi gpus=1"
    assert told["require"] == "vram>=40Gi, gpu==a100"
    assert (told["retry_delay"], told["timeout"]) == ("1m 30s", "1h 30m")
    assert told["retention"] == "removed 7d after it ends"
    assert (told["env.A"], told["env.B"]) == ("1", "two words")


def test_a_running_task_that_was_asked_to_stop_is_stopping(labq, queue, sources):
    queue.cancel({"queue": "default", "number": 2}, "not needed", 2.5)
    out = labq("task", "show", "2").out
    assert out.startswith("task 2  stopping")
    assert rows(out)["stop_requested"] == "not needed, 2.5s grace"
    assert re.fullmatch(r"of lab-7 until [-\d]+ [:\d]+ \(in (1m|\d+s)\)", rows(out)["lease"])
    assert labq("task", "ls", "--id", "2").out.splitlines()[2].split()[:2] == ["2", "stopping"]


def test_what_is_published_is_told_beside_its_status(labq, sources):
    labq("task", "publish", "-y", "1")
    assert labq("task", "show", "1").out.startswith("task 1  success, published")
    assert re.search(r"^1 +success, published ", labq("task", "ls").out, re.MULTILINE)


def test_ls_shows_the_index_of_an_instance_of_an_array(labq):
    labq("task", "submit", "-q", "--array", "2,5")
    labq("task", "submit", "-q")
    head, _, *lines = labq("task", "ls").out.splitlines()
    assert head.split() == ["#", "status", "index", "age"]
    assert [line.split()[:-1] for line in lines] == [
        ["1", "pending", "2"],
        ["2", "pending", "5"],
        ["3", "pending"],
    ]


def test_ls_says_why_a_task_waits(labq, sources):
    labq("task", "submit", "-q", "--after", "2", "--after-any", "3")
    labq("task", "submit", "-q", "--delay", "2d")
    labq("task", "submit", "-q", "--delay", "2d", "--after", "2")
    head, _, *lines = labq("task", "ls", "--id", "4 5 6").out.splitlines()
    assert head.split() == ["#", "status", "waits", "age"]
    cells = [re.split(r"  +", line.strip()) for line in lines]
    assert [cell[:3] for cell in cells] == [
        ["4", "waiting", "for 2, 3"],
        ["5", "waiting", "2d"],
        ["6", "waiting", "2d, for 2"],
    ]


def test_ls_has_no_such_column_where_nothing_waits(labq, sources):
    assert "waits" not in labq("task", "ls").out


def test_a_task_that_is_due_says_so_until_somebody_makes_it_pending(labq, queue):
    labq("task", "submit", "-q", "--delay", "1h")
    queue.store.update({"number": 1}, Change(set={"available_at": queue.store.now()}))
    assert re.search(r"waiting +due +", labq("task", "ls").out)
    assert "(in" not in rows(labq("task", "show", "1").out)["available_at"]


def test_a_retry_that_waits_says_for_how_long_and_took_no_time_yet(labq, queue):
    labq("task", "submit", "-q", "--max-retries", "1", "--retry-delay", "1h", "--cmd", "false")
    claim = claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    claims.finish(queue.store, claim, claims.Ending(succeeded=False, reason="exit code 1"))
    head, _, line = labq("task", "ls").out.splitlines()
    assert head.split() == ["#", "status", "waits", "age"]
    assert re.search(r"waiting +1h( \d+m)? +", line)
