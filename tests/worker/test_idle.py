"""For how long a worker has had nothing to do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from labq.worker import idle
from labq.worker.idle import Idleness


@pytest.mark.parametrize(
    ("story", "seconds"),
    [
        ([], 10),
        ([(3, "begin")], 7),
        ([(3, "ask"), (3, "answer")], 10),
        ([(3, "ask")], 3),  # and no answer yet
        ([(3, "ask"), (5, "ask"), (7, "ask")], 3),
        ([(3, "ask"), (5, "ask"), (7, "answer")], 6),
        ([(3, "ask"), (7, "answer"), (8, "ask"), (9, "answer")], 5),
        ([(3, "ask"), (5, "begin"), (7, "answer")], 3),  # another slot's task ended meanwhile
    ],
)
def test_only_what_the_store_has_answered_counts(monkeypatch, story, seconds):
    now = 0.0
    monkeypatch.setattr(idle, "time", SimpleNamespace(monotonic=lambda: now))
    idleness = Idleness()
    for at, what in story:
        now = float(at)
        getattr(idleness, what)()
    now = 10.0
    assert idleness.seconds == seconds
