"""What a job has from its task's parent."""

from __future__ import annotations

import pytest

from labq.model.task import new
from labq.queue import WorkerName, claims
from labq.store import Change


def inherited(queue, summary):
    """The variables of a child whose parent has that summary."""
    queue.submit([new({})])
    parent = queue.get("1")["_id"]
    queue.store.update({"_id": parent}, Change(set={"status": "success", "summary": summary}))
    queue.submit([{**new({}), "parent": parent}])
    claim = claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
    return dict(claim.inherited)


STEERS = (
    *("PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "TMPDIR", "USER", "LOGNAME"),
    *("CUDA_VISIBLE_DEVICES", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHON", "LABQ_URI"),
)


def test_a_summary_does_not_change_how_programs_start(queue):
    near = {"path": "a", "MY_PATH": "b", "LD": "c", "CUDA": "d", "pythonic": "e"}
    assert inherited(queue, {**dict.fromkeys(STEERS, "x"), **near}) == near


@pytest.mark.parametrize(
    "value",
    ["x" * (128 * 1024 - len("name=")), "x" * 4093, "a\0b", [1], {"a": 1}, None],
    ids=["for one string", "for all", "no text", "a list", "a dict", "nothing"],
)
def test_what_no_variable_can_hold_makes_none(queue, value):
    kept = {"acc": "0.5", "best": "True", "name2": "x" * 4000}
    values = {"name": value, "acc": 0.5, "best": True, "name2": "x" * 4000}
    assert inherited(queue, values) == kept
