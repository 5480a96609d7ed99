"""`task.profile`: words of `labq.yaml` for a task that is not submitted yet."""

from __future__ import annotations

import pytest

from labq.errors import UsageError

PROFILES = """
profiles:
  big: {resources: {gpus: 4}, env: {SEED: "1", MODE: fast}, tags: [gpu], timeout: 12h, priority: 3}
  kept: {ttl: 7d, max_retries: 2, tags: [kept]}
"""


@pytest.fixture(autouse=True)
def profiles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labq.yaml").write_text(PROFILES)


def words(task):
    names = ("resources", "env", "tags", "timeout", "priority", "ttl", "max_retries")
    return {name: held for name in names if (held := getattr(task, name)) not in (None, [], {}, 0)}


@pytest.mark.parametrize("stored", [False, True])
def test_it_gives_its_words_where_the_task_says_nothing(client, stored):
    task = client.task(env={"SEED": "7"}, tags=["mine"])
    if stored:
        task.save()
    task.profile = "big"
    assert task.profile == "big"
    there = client.get(task.submit().number)
    assert words(there) == {
        "resources": {"gpus": 4},
        "env": {"SEED": "7", "MODE": "fast"},
        "tags": ["gpu", "mine"],
        "timeout": 43200,
        "priority": 3,
    }
    assert words(client.submit(env={"SEED": "7"}, tags=["mine"], profile="big")) == words(there)
    with pytest.raises(AttributeError) as caught:
        task.profile = "kept"
    assert str(caught.value) == "profile is settable until a task is submitted, and task 1 is"


@pytest.mark.parametrize("given", [True, False])
def test_another_takes_its_place_but_for_what_was_changed_since(client, given):
    task = client.task(tags=["mine"], profile="big" if given else None)
    task.profile = "big"
    task.priority = 5
    task.profile = "kept"
    left = {"priority": 5, "ttl": 604800, "max_retries": 2, "tags": ["kept", "mine"]}
    assert words(task) == left
    assert task.retry_delay == client.settings.retry_delay
    task.profile = None
    assert words(task) == {"priority": 5, "tags": ["mine"]}
    assert (task.profile, task.retry_delay) == (None, None)


def test_what_is_no_profile_is_refused_and_changes_nothing(client):
    task = client.task(profile="kept")
    before = words(task)
    for name, told in [("bog", "no profile 'bog': did you mean big?"), (5, "profile must be a")]:
        with pytest.raises(UsageError, match=f"^{told[:20]}"):
            task.profile = name
    assert (task.profile, words(task)) == ("kept", before)
