"""The grammar of command lines: which words are the program's, and what each other word binds."""

from __future__ import annotations

import shlex

import pytest

from labq.command.grammar import bindings, bound, is_flag, parse_line, program_end


@pytest.mark.parametrize(
    ("line", "env", "command", "words"),
    [
        ("python train.py --lr 1", {}, "python train.py", "--lr 1"),
        ("python -u train.py data.csv", {}, "python -u train.py", "data.csv"),
        ("python -m pkg.train --lr 1", {}, "python -m pkg.train", "--lr 1"),
        ("python -c 'pass' --lr 1", {}, "python -c pass", "--lr 1"),
        ("bash -lc 'echo hi' x", {}, "bash -lc 'echo hi'", "x"),
        ("torchrun --nproc_per_node 2 train.py --lr 1", {}, "torchrun --nproc_per_node 2 train.py", "--lr 1"),
        (
            "python -m torch.distributed.run --nproc_per_node=2 train.py --lr 1",
            {},
            "python -m torch.distributed.run --nproc_per_node=2 train.py",
            "--lr 1",
        ),
        ("accelerate launch -m pkg.train -b 3", {}, "accelerate launch -m pkg.train", "-b 3"),
        ("./train --lr 1", {}, "./train", "--lr 1"),
        ("uv run train.py a b", {}, "uv run train.py", "a b"),
        ("A=1 B= python x.py", {"A": "1", "B": ""}, "python x.py", ""),
        ("A=1 --lr 2", {}, "", "A=1 --lr 2"),
        ("lr=0.1 model=big", {}, "", "lr=0.1 model=big"),
        ("model/size=big x", {}, "", "model/size=big x"),
        ("+a=1", {}, "", "+a=1"),
        ("++a=1 b", {}, "", "++a=1 b"),
        ("~a", {}, "", "~a"),
        ("-- x", {}, "", "-- x"),
        ("-b 3 train.py", {}, "", "-b 3 train.py"),
        ("-1 train.py", {}, "-1 train.py", ""),
        ("", {}, "", ""),
    ],
)  # fmt: skip
def test_a_line_has_variables_a_program_and_words(line, env, command, words):
    found = parse_line(shlex.split(line))
    assert (found.env, found.command, found.words) == (
        env,
        shlex.split(command),
        shlex.split(words),
    )


@pytest.mark.parametrize(
    "word", ["-1", "-.5", "-1e-3", "-0x10", "-1_000", "-3j", "-", "--", "x", "", "1-"]
)
def test_what_is_no_flag(word):
    assert not is_flag(word)


@pytest.mark.parametrize(
    "word", ["-b", "--lr", "--lr=1", "-lr=0.1", "-j8", "-inf", "-1x", "---x", "-="]
)
def test_what_is_a_flag(word):
    assert is_flag(word)


@pytest.mark.parametrize(
    ("words", "args"),
    [
        ("--lr 0.1 --name a --flag", {"lr": 0.1, "name": "a", "flag": True}),
        ("--lr=0.1 -lr2=0.2 -b 32 -j8", {"lr": 0.1, "lr2": 0.2, "b": 32, "j8": True}),
        ("--model.name a --model.depth 3", {"model": {"name": "a", "depth": 3}}),
        ("--layers 64 64 32 --x", {"layers": [64, 64, 32], "x": True}),
        ("--x -1 -2e3 - y", {"x": [-1, -2000.0, "-", "y"]}),
        ("lr=0.1 +trainer.max_epochs=3 ++a=1 ~b model/size=big", {"lr": 0.1, "trainer": {"max_epochs": 3}, "a": 1, "model/size": "big"}),
        ("--opts a=1 b=2 c d=3", {"opts": ["a=1", "b=2", "c"], "d": 3}),
        ("--opts +a=1 ~b", {"opts": ["+a=1", "~b"]}),
        ("--x 1 a=2 pos", {"x": 1, "a": 2}),
        ("--x=1 pos a=2", {"x": 1, "a": 2}),
        ("pos --x 1 -- --y 2", {"x": 1}),
        ("--a..b 1 2 --$x 3 --.y --ok 4", {"ok": 4}),
        ("a..b=1 --=5 ok=4", {"ok": 4}),
        ("--big 99999999999999999999 --inf 1e999", {"big": "99999999999999999999", "inf": "1e999"}),
        ("--sha 7e5 --v 1.10 --n 007 --t true --l '[1, 2]' --d '{\"a\": 1}' --e ''", {"sha": 700000.0, "v": 1.1, "n": "007", "t": "true", "l": [1, 2], "d": {"a": 1}, "e": ""}),
        ("--tag a --tag b", {"tag": "b"}),
        ("--x 1 --x.y 2", {"x": {"y": 2}}),
        ("--x.y 2 --x 1", {"x": 1}),
        ("--x '{\"a\": 1}' --x.b 2", {"x": {"a": 1, "b": 2}}),
        ("-x 1 --x 2 x=3", {"x": 3}),
        ("--batch-size 3 --batch_size 4", {"batch-size": 3, "batch_size": 4}),
    ],
)  # fmt: skip
def test_what_words_bind(words, args):
    found = bound(list(bindings(shlex.split(words))))
    assert repr(found.args) == repr(args)


def test_what_replaces_another_is_told():
    found = bound(list(bindings(shlex.split("--x 1 --x.y 2 --tag a --tag b --tag c"))))
    told = [(first.key, first.texts, later.key) for first, later in found.replaced.values()]
    assert told == [("x", ("1",), "x.y"), ("tag", ("a",), "tag"), ("tag", ("b",), "tag")]


def test_a_program_is_at_least_one_word():
    assert program_end(["echo"]) == program_end(["echo", "--x", "-m"]) == 1
