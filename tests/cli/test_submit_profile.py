"""`labq task submit --profile`: words that `labq.yaml` keeps under a name."""

from __future__ import annotations

from pathlib import Path

import pytest

PROFILES = """
profiles:
  big:
    resources: {gpus: 1, memory: 16Gi}
    require: [vram>=40Gi]
    env: {SEED: "1", MODE: fast}
    tags: [gpu]
    timeout: 2h
    retry_delay: 30
    max_retries: 2
    priority: 3
    ttl: 7d
    auto_delete: true
  bare: {type: testing, cwd: ~/src}
  wrong: {memory: 4Gi}
  bad:
    timeout: soon
"""


@pytest.fixture(autouse=True)
def profiles(labq):
    Path("labq.yaml").write_text(PROFILES)


def test_a_profile_says_what_nothing_else_does(labq, queue):
    assert labq("task", "submit", "-q", "--profile", "big", "--", "--lr", "1").code == 0
    task = queue.get("1")
    assert task["args"] == {"lr": 1}
    assert task["resources"] == {"gpus": 1, "memory": 16 * 2**30}
    assert task["require"] == [{"key": "vram", "op": ">=", "value": 40 * 2**30}]
    assert (task["env"], task["tags"]) == ({"SEED": "1", "MODE": "fast"}, ["gpu"])
    assert (task["timeout"], task["retry_delay"], task["max_retries"]) == (7200, 30, 2)
    assert (task["priority"], task["type"]) == (3, "training")
    assert task["retention"] == {"ttl": 604800, "auto_delete": True}


def test_what_is_said_at_the_submit_comes_first_and_joins_what_can_be_joined(labq, queue):
    words = ("--resources", "gpus=2", "--require", "nvlink", "-e", "SEED=2", "--tag", "x")
    more = ("--timeout", "5m", "--priority", "0", "--max-retries", "0", "--ttl", "1d")
    assert labq("task", "submit", "-q", "--profile", "big", *words, *more).code == 0
    task = queue.get("1")
    assert task["resources"] == {"gpus": 2, "memory": 16 * 2**30}
    assert [one["key"] for one in task["require"]] == ["vram", "nvlink"]
    assert (task["env"], task["tags"]) == ({"SEED": "2", "MODE": "fast"}, ["gpu", "x"])
    assert (task["timeout"], task["priority"], task["max_retries"]) == (300, 0, 0)
    assert task["retention"] == {"ttl": 86400, "auto_delete": True}


def test_a_profile_that_says_little_leaves_the_settings_their_word(labq, queue, monkeypatch):
    monkeypatch.setenv("LABQ_MAX_RETRIES", "4")
    labq("task", "submit", "-q", "--profile", "bare")
    task = queue.get("1")
    assert (task["type"], task["max_retries"], task["priority"]) == ("testing", 4, 0)
    assert task["cwd"].endswith("/home/src")


WORDS = (
    "resources, require, env, cmd, cwd, priority, max_retries, timeout, retry_delay, ttl, "
    "auto_delete, tags, type, project, comment, metadata, publish_on_success"
)
WRONG = [
    ("bgi", "no profile 'bgi': did you mean big?\n"),
    ("zzz", "no profile 'zzz' (there are big, bare, wrong, bad)\n"),
    ("wrong", f"labq.yaml:15: profile wrong: no word 'memory' (there are {WORDS})\n"),
    ("bad", "labq.yaml:16: profile bad: timeout: 'soon' is not a duration"),
]


@pytest.mark.parametrize(("name", "told"), WRONG)
def test_a_profile_that_is_wrong_or_missing_stores_nothing(labq, queue, name, told):
    result = labq("task", "submit", "--profile", name)
    assert (result.code, result.out) == (2, "")
    assert told in result.err
    assert not list(queue.find({"queue": "default"}))


def test_where_there_are_no_profiles_it_says_how_to_write_one(labq):
    Path("labq.yaml").unlink()
    assert labq("task", "submit", "--profile", "big").err == (
        "labq: no profile 'big': labq.yaml has none (write profiles:, and below it names, each "
        "with its words)\n"
    )
