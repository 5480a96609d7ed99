"""The words of an attempt: those that were typed, and anew those of the keys that have changed."""

from __future__ import annotations

import shlex
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq.command.grammar import bindings, bound
from labq.command.spelling import Spelling

GONE = object()


def changed(args, edits):
    args = deepcopy(args)
    for key, value in edits.items():
        *above, last = key.split(".")
        node = args
        for one in above:
            node = node.setdefault(one, {})
        if value is GONE:
            del node[last]
        else:
            node[last] = value
    return args


@pytest.mark.parametrize(
    ("words", "edits", "wanted"),
    [
        ("--lr 0.1 --n 2", {"lr": 0.2}, "--lr 0.2 --n 2"),
        ("--lr=0.1 -b 3", {"lr": 0.2, "b": 4}, "--lr=0.2 -b 4"),
        ("lr=0.1 +x=1 ++y=2", {"lr": 1, "x": 2, "y": 3}, "lr=1 +x=2 ++y=3"),
        ("in.txt --lr 0.1 a=1 out.txt", {"lr": GONE}, "in.txt a=1 out.txt"),
        ("--layers 64 64", {"layers": [1, 2, 3]}, "--layers 1 2 3"),
        ("--layers 64", {"layers": [1, 2]}, "--layers '[1, 2]'"),
        ("--l '[1, 2]'", {"l": ["a", True]}, "--l '[\"a\", true]'"),
        ("--l \"['x']\"", {"l": ["a", True]}, "--l \"['a', True]\""),
        ("--tag a --lr 1 --tag b", {"tag": "c"}, "--lr 1 --tag c"),
        ("--tag a --lr 1 --tag b", {"tag": GONE}, "--lr 1"),
        ("--flag --lr 1", {"flag": False}, "--lr 1"),
        ("--flag --lr 1", {"flag": 3}, "--flag 3 --lr 1"),
        ("--bn False", {"bn": True}, "--bn True"),
        ("--bn True", {"bn": None}, "--bn None"),
        ("--name a", {"name": "-x"}, "--name=-x"),
        ("--lr 1", {"lr": -0.5}, "--lr -0.5"),
        ("--lr 1 -- --y 2", {"new": 3, "on": True, "off": False}, "--lr 1 --new 3 --on -- --y 2"),
        ("--kw '{\"a\": 1}' --lr 1", {"kw.a": 2, "kw.b": "x"}, "--kw '{\"a\": 2, \"b\": \"x\"}' --lr 1"),
        ("--kw '{\"a\": 1}' --kw.b 2", {"kw.b": 3}, "--kw '{\"a\": 1}' --kw.b 3"),
        ("--kw '{\"a\": 1}' --kw.b 2", {"kw.a": 3}, "--kw '{\"a\": 3}' --kw.b 2"),
        ("--kw '{\"a\": 1}' --x 1", {"kw": GONE}, "--x 1"),
        ("--kw '{\"a\": 1}'", {"kw": 5}, "--kw 5"),
        ("--x 1 --x.y 2", {"x.y": 3}, "--x 1 --x.y 3"),
        ("--x 1 --x.y 2", {"x": 3}, "--x 3"),
        ("--x 1 --x.y 2", {"x": GONE}, ""),
        ("--x 1 pos", {"x": {"a": 1}}, "--x.a 1"),
        ("--a..b 1 --lr 2", {"lr": 3}, "--a..b 1 --lr 3"),
        ("--sha 7e5 --v 1.10 --lr 1", {"lr": 2}, "--sha 7e5 --v 1.10 --lr 2"),
    ],
)  # fmt: skip
def test_an_edit_of_a_key_respells_its_words_alone(words, edits, wanted):
    spelling = Spelling(shlex.split(words))
    assert spelling.of(changed(spelling.typed.args, edits)) == shlex.split(wanted)


def test_what_was_typed_for_a_value_is_its_word_while_it_stands_for_it():
    spelling = Spelling(["--lr", "0.1"], {"lr": "1e-3", "new": "1.10"})
    assert spelling.of({"lr": 0.001, "new": 1.1}) == ["--lr", "1e-3", "--new", "1.10"]
    assert spelling.of({"lr": 0.002, "new": 1.2}) == ["--lr", "0.002", "--new", "1.2"]
    assert spelling.text_at("lr", 0.001) == "1e-3"
    assert spelling.text_at("lr", 0.1) == "0.1"
    assert spelling.text_at("lr", 5) == "5"


def test_keys_that_stand_elsewhere_are_not_spelled():
    words = ["--lr", "%{lr}", "--n", "1"]
    spelling = Spelling(words, skip=["lr"], filled={1: ["0.5"]})
    assert spelling.typed.args == {"n": 1}
    assert spelling.of({"lr": 0.5, "n": 1, "x": 2}) == ["--lr", "0.5", "--n", "1", "--x", "2"]
    assert Spelling(words, skip=["args"]).of({"n": 1, "x": 2}) == ["--n", "1"]
    assert Spelling(words, silent=True).of({"lr": "%{lr}", "n": 1, "x": 2}) == words


WORD = st.one_of(
    st.sampled_from(
        [
            *("--a", "-b", "--a.b", "--a=1", "c=2", "+d.e=x", "~f", "--", "-1", "1", "True"),
            *("None", "[1, 2]", '{"b": 1}', "--a..b", "pos", "", "a b", "-", "--=", "x=", "%(a)"),
        ]
    ),
    st.text(alphabet="ab-=.+~ 1", max_size=5),
)  # fmt: skip
WORDS = st.lists(WORD, max_size=8)


@given(WORDS)
def test_words_whose_args_are_as_typed_are_as_typed(words):
    spelling = Spelling(words)
    assert spelling.of(spelling.typed.args) == words


VALUES = st.one_of(
    st.integers(-9, 9), st.booleans(), st.none(), st.sampled_from(["x", "-y", "a=1", "", "0.5x"])
)


@given(WORDS, st.sampled_from(["a", "b", "a.b", "c", "d.e", "new"]), VALUES)
def test_only_the_words_of_the_edited_key_change(words, key, value):
    spelling = Spelling(words)
    before = spelling.typed.args
    parent = key.split(".")[0]
    if "." in key and not isinstance(before.get(parent, {}), dict):
        return
    args = changed(before, {key: value})
    result = spelling.of(args)
    own = [
        range(one.at, one.end) for one in bindings(words) if one.path[0] == parent
    ]  # the words that may change
    rest = [word for at, word in enumerate(words) if not any(at in span for span in own)]
    kept = iter(result)
    assert all(word in kept for word in rest)  # all others stay, in their order


@given(WORDS)
def test_words_bind_what_can_be_bound_again(words):
    args = bound(list(bindings(words))).args
    assert Spelling([]).of(args) == Spelling([]).of(deepcopy(args))


def test_what_is_overridden_stays_beside_what_overrides_it():
    spelling = Spelling(["--kw.a", "5", "--kw", '{"a": 1}'])
    assert spelling.of({"kw": {"a": 2}}) == ["--kw.a", "5", "--kw", '{"a": 2}']
