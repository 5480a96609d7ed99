"""`task.config`: how a task is to run, as a dict."""

from __future__ import annotations

import pytest

from labq.errors import UsageError

PLAIN = {"type": "training", "priority": 0, "max_retries": 0, "publish_on_success": False}
FULL = {"args": {"a": 1}, "tags": ["t"], "priority": 3, "timeout": 5, "type": "testing"}


def bare(config):
    """What is there beyond what each task has."""
    return {field: value for field, value in config.items() if PLAIN.get(field) != value}


@pytest.mark.parametrize("stored", [True, False])
def test_a_clear_takes_away_what_may_be_and_ends(client, stored):
    task = client.task(**FULL, name="base")
    if stored:
        task.submit()
    task.config.clear()
    assert bare(task.config) == ({"name": "base"} if stored else {})
    if stored:
        task.save()
        assert bare(client.get(1).config) == {"name": "base"}


def test_it_is_rewritten_by_a_dict(client):
    task = client.submit(**FULL, comment="x")
    task.config = {"args": {"b": 2}, "timeout": "1m", "comment": None}
    task.save()
    assert bare(client.get(1).config) == {"args": {"b": 2}, "timeout": 60}


def test_a_rewrite_with_what_it_was_changes_nothing(client):
    task = client.submit(**FULL, name="base")
    before = task.to_dict()
    task.config = dict(task.config)
    task.save()
    assert client.get(1).to_dict() == before


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (5, "config must be a dict, not 5"),
        ({"timeot": 1}, "no field 'timeot' in a config: did you mean timeout? (there are name, "),
        ({"args": {}, "priority": "x"}, "priority must be a whole number, not 'x'"),
        ({"args": {}, "comment": 5}, "comment must be a text, not 5"),
    ],
)
def test_a_rewrite_that_is_refused_changes_nothing(client, fields, told):
    task = client.submit(**FULL)
    with pytest.raises(UsageError) as caught:
        task.config = fields
    assert str(caught.value).startswith(told)
    assert bare(task.config) == FULL


def test_a_task_that_is_submitted_keeps_its_name(client):
    task = client.submit(**FULL, name="base")
    with pytest.raises(AttributeError, match="name is settable until a task is submitted"):
        task.config = {"name": "other"}
    assert bare(task.config) == {**FULL, "name": "base"}


def test_a_field_that_there_is_not(client):
    config = client.task().config
    with pytest.raises(UsageError, match=r"no field 'nonsense' in a config \(there are name, type"):
        config["nonsense"] = 1
    assert ("nonsense" in config, config.get("nonsense"), config.pop("nonsense", 5)) == (
        False,
        None,
        5,
    )
    with pytest.raises(KeyError):
        del config["nonsense"]


def test_a_submit_takes_the_whole_of_a_configuration(client):
    said = {
        **FULL,
        "name": "base",
        "comment": "x",
        "metadata": {"by": "me"},
        "project": "a/b",
        "cmd": ["echo", "%(a)"],
        "raw_args": "> out",
        "cwd": "/tmp",
        "env": {"A": "1"},
        "resources": {"worker": {"requests": {"cpu": 1}}},
        "require": ["gpu==a100"],
        "max_retries": 2,
        "retry_delay": 3,
        "ttl": "1h",
        "auto_delete": False,
        "publish_on_success": True,
    }
    task = client.submit(**said)
    assert set(task.config) == set(said)
    copy = client.submit(**task.config)
    assert copy.config == task.config
    assert copy.retention == {"ttl": 3600, "auto_delete": False}
    task.config = {"ttl": "2h"}
    assert bare(task.save().config) == {"name": "base", "ttl": 7200}
