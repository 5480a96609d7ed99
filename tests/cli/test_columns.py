"""`labq task ls --cols`: the columns that were asked for."""

from __future__ import annotations

import pytest
from books import submit


def test_only_these_columns_in_this_order(labq):
    submit(labq, {"lr": 1, "m": {"n": "a b"}}, {"lr": 2.5})
    out = labq("task", "ls", "--cols", "args.m.n,args.lr", "--cols", "args").out.splitlines()
    assert [line.rstrip() for line in (out[0], *out[2:])] == [
        "#   args.m.n   args.lr   args",
        '1   a b        1         {"lr": 1, "m": {"n": "a b"}}',
        '2   -          2.5       {"lr": 2.5}',
    ]


def test_as_json_what_is_not_there_is_left_out(labq):
    submit(labq, {"lr": 1}, {"n": None})
    assert labq("task", "ls", "--json", "--cols", "args.lr,args.n").lines == [
        {"number": 1, "args.lr": 1},
        {"number": 2, "args.n": None},
    ]


def test_a_time_is_one_of_this_machine(labq):
    submit(labq, {})
    shown = labq("task", "ls", "--cols", "created_at").out.splitlines()[2]
    assert len(shown.split()) == 3
    assert labq("task", "ls", "--cols", "created_at", "--limit", "0").code == 0


@pytest.mark.parametrize(
    ("cols", "told"),
    [
        ("lr", "--cols lr: no field 'lr' (write args.lr for an argument)"),
        ("number,statu", "--cols statu: no field 'statu': did you mean status?\n"),
        ("argz.lr", "--cols argz.lr: no field 'argz': did you mean args?\n"),
        ("args..a", "--cols args..a: "),
    ],
)
def test_a_column_that_there_is_not(labq, cols, told):
    result = labq("task", "ls", "--cols", cols)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"labq: {told}")
