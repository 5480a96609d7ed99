"""The command line of a task: the args that its typed words bind, and what is said of them."""

from __future__ import annotations

import pytest

from labq.command.grammar import Line
from labq.command.line import typed
from labq.errors import ArgsError

TOKENS = [
    ([], {}),
    (["--foo.bar", "0.1"], {"foo": {"bar": 0.1}}),
    (["--lr", "0.1"], {"lr": 0.1}),
    (["--lr=0.1"], {"lr": 0.1}),
    (["--lr=a=b"], {"lr": "a=b"}),
    (["--lr="], {"lr": ""}),
    (["--lr", ""], {"lr": ""}),
    (["--flag"], {"flag": True}),
    (["--flag", "--lr", "1"], {"flag": True, "lr": 1}),
    (["--lr", "1", "--flag"], {"lr": 1, "flag": True}),
    (["--x", "-1"], {"x": -1}),
    (["--x", "-.5e-3"], {"x": -0.0005}),
    (["--x", "-"], {"x": "-"}),
    (["--x=-foo"], {"x": "-foo"}),
    (["--x=--foo"], {"x": "--foo"}),
    (["--batch-size", "8"], {"batch-size": 8}),
    (["--Lr", "1", "--lr", "2"], {"Lr": 1, "lr": 2}),
    (["--a.b.c", "1", "--a.b.d", "2", "--a.e", "3"], {"a": {"b": {"c": 1, "d": 2}, "e": 3}}),
    (["--a", "{'b': 1}", "--a.c", "2"], {"a": {"b": 1, "c": 2}}),
    (["--a.c", "2", "--a", "{'b': 1}"], {"a": {"c": 2, "b": 1}}),
    (["--a", "{}"], {"a": {}}),
    (["--a", "{}", "--a.b", "1"], {"a": {"b": 1}}),
    (["--a.b", "1", "--a", "{}"], {"a": {"b": 1}}),
    (["--a", "{'b.c': 1}"], {"a": {"b": {"c": 1}}}),
    (["--runs", "[{'s.t': 1}]"], {"runs": [{"s": {"t": 1}}]}),
    (["--größe", "groß"], {"größe": "groß"}),
]


@pytest.mark.parametrize(("tokens", "args"), TOKENS)
def test_tokens(tokens, args):
    _, found, warnings = typed(Line(words=tokens), {})
    assert repr(found) == repr(args)
    assert warnings == []


TWICE = "--a is given twice: args hold the later value, the job gets both"
WARNINGS = [
    (["--a", "1", "--a", "2"], {"a": 2}, [TWICE]),
    (["--a=1", "--a"], {"a": True}, [TWICE]),
    (["--a", "1", "-a", "{}"], {"a": {}}, [TWICE.replace("--a", "-a")]),
    (
        ["--a.b", "1", "--a", "{'b': 2}"],
        {"a": {"b": 2}},
        ["--a replaces the value of --a.b in args, the job gets both"],
    ),
    (
        ["--a", "2", "a.b=1"],
        {"a": {"b": 1}},
        ["a.b= replaces the value of --a in args, the job gets both"],
    ),
]


@pytest.mark.parametrize(("tokens", "args", "warnings"), WARNINGS)
def test_a_later_repeat_wins_with_a_warning(tokens, args, warnings):
    assert typed(Line(words=tokens), {})[1:] == (args, warnings)


def test_words_lie_over_the_dict_of_args_and_leave_it_as_it_was():
    base = {"lr": 0.1, "opt": {"name": "sgd"}}
    _, found, warnings = typed(Line(words=["--lr", "1", "--opt.decay", "2"]), base)
    assert found == {"lr": 1, "opt": {"name": "sgd", "decay": 2}}
    assert warnings == ["--lr replaces the value in --args"]
    assert base == {"lr": 0.1, "opt": {"name": "sgd"}}


def test_a_word_that_clashes_with_the_dict_of_args_is_refused():
    with pytest.raises(ArgsError) as caught:
        typed(Line(words=["--a.b", "1"]), {"a": 1})
    assert str(caught.value) == "--args.a: one path cannot hold a value and nested keys"
