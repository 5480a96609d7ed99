"""`labq.connect` and `labq.capture_argparse`: the task's args win over those in the code."""

from __future__ import annotations

import argparse
from enum import Enum, IntEnum
from pathlib import Path

import pytest

import labq
from labq.command.words import to_flags
from labq.errors import UsageError
from labq.job.arguments import fitted
from labq.store import Change


def config(queue):
    return queue.get("1").get("summary", {}).get("config")


# -- connect --------------------------------------------------------------------------------------


def test_c13_the_tasks_args_win_over_the_defaults_in_the_code_nested_ones_too(start):
    queue, _ = start({"lr": 0.5, "model": {"depth": 3}, "extra": "x"})
    defaults = {"lr": 0.1, "epochs": 10, "model": {"depth": 1, "name": "a"}, "opt": {"mu": 0.9}}
    assert labq.connect(defaults) == {
        "lr": 0.5,
        "epochs": 10,
        "model": {"depth": 3, "name": "a"},
        "opt": {"mu": 0.9},
        "extra": "x",
    }
    assert defaults["lr"] == 0.1
    assert config(queue) == {"epochs": 10, "model": {"name": "a"}, "opt": {"mu": 0.9}}


def test_c14_an_edited_arg_is_what_the_code_gets(start):
    queue, _ = start({"lr": 0.1})
    queue.store.update({"queue": "q"}, Change(set={"args": {"lr": 1}}))
    assert labq.connect({"lr": 0.1}) == {"lr": 1.0}


def test_c27_a_dotted_key_of_the_code_is_a_path_in_the_args(start):
    queue, _ = start({"model": {"depth": 3, "width": 4}, "a": {"b": 1}})
    merged = labq.connect({"model.depth": 1, "a.b": 2, "c.d": 3})
    assert merged == {"model.depth": 3, "model": {"width": 4}, "a.b": 1, "c.d": 3}
    assert config(queue) == {"c": {"d": 3}}


class Colour(Enum):
    RED = "a"
    BLUE = "b"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@pytest.mark.parametrize(
    ("value", "default", "result"),
    [
        (1, 0.5, 1.0),
        ("0.1", 0.5, 0.1),
        ("2.5", 1, 2.5),
        ("b", Colour.RED, Colour.BLUE),
        ("RED", Colour.BLUE, Colour.RED),
        (2, Level.LOW, Level.HIGH),
        (True, 0.5, True),
        (2.0, 1, 2),
        (2.5, 1, 2.5),
        ("7", 1, 7),
        ("true", False, True),
        ("OFF", True, False),
        (0, True, False),
        (3, True, 3),
        (7, "a", "7"),
        ([1], "a", [1]),
        ([1, 2], (3,), (1, 2)),
        ([1, 2], {3}, {1, 2}),
        ("a/b", Path("c"), Path("a/b")),
        (None, 1, None),
        (5, None, 5),
        (5, {"a": 1}, 5),
        ({"a": 1}, 5, {"a": 1}),
    ],
)
def test_c18_a_value_takes_the_type_that_the_code_has_where_it_fits(value, default, result):
    got = fitted(value, default, "lr")
    assert (got, type(got)) == (result, type(result))


@pytest.mark.parametrize(
    ("value", "default", "told"),
    [
        ("nan?", 0.5, "lr is a number in the code, not 'nan?'"),
        ("x", 1, "lr is a number in the code, not 'x'"),
        ("maybe", True, "lr is True or False in the code, not 'maybe'"),
        ("green", Colour.RED, "lr is one of RED, BLUE in the code, not 'green'"),
    ],
)
def test_a_text_where_the_code_has_another_thing_is_refused(value, default, told):
    with pytest.raises(UsageError) as caught:
        fitted(value, default, "lr")
    assert str(caught.value) == f"labq.connect: {told}"


def test_what_no_store_holds_is_recorded_as_text(start):
    queue, _ = start()
    labq.connect({"path": Path("a"), "by": {1: 2}, "many": (1, 2), "huge": 2**70})
    told = {"path": "a", "by": {"1": 2}, "many": [1, 2], "huge": str(2**70)}
    assert config(queue) == told


def test_what_cannot_be_recorded_at_all_is_logged_and_the_job_has_its_values(start, caplog):
    start()
    assert labq.connect({"$a": 1}) == {"$a": 1}
    assert caplog.messages[0].startswith(
        "labq: what the code has beyond the task's args is not stored: "
    )


def test_outside_of_a_task_connect_gives_the_defaults():
    with pytest.warns(UserWarning, match="^labq.connect: this process is not a labq task"):
        assert labq.connect({"a": {"b": 1}}) == {"a": {"b": 1}}


def test_only_a_dict_is_connected(start):
    start()
    with pytest.raises(UsageError, match=r"^labq.connect: give a dict of defaults, not 5$"):
        labq.connect(5)


# -- capture_argparse -----------------------------------------------------------------------------


def parser():
    made = argparse.ArgumentParser(prog="train")
    made.add_argument("--lr", type=float, default=0.1)
    made.add_argument("--batch-size", type=int, required=True)
    made.add_argument("--model.name", choices=["a", "b"], default="a")
    made.add_argument("--verbose", action="store_true")
    made.add_argument("--no-cuda", dest="cuda", action="store_false")
    made.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
    made.add_argument("--sizes", type=int, nargs="+", default=[1])
    made.add_argument("--tag", action="append", default=["t"])
    made.add_argument("-v", "--loud", action="count", default=0)
    return made


@pytest.mark.parametrize(
    ("args", "argv", "found"),
    [
        ({"batch-size": 4}, [], {"batch_size": 4, "lr": 0.1}),
        ({"batch_size": 4}, [], {"batch_size": 4}),
        ({"lr": 1, "batch-size": 4}, ["--lr", "0.3"], {"lr": 1.0}),
        ({"batch-size": 4, "lr": None}, ["--lr", "0.3"], {"lr": 0.3}),
        ({"batch-size": 4, "model": {"name": "b"}}, [], {"model.name": "b"}),
        ({"batch-size": 4, "verbose": True, "no-cuda": True}, [], {"verbose": True, "cuda": False}),
        ({"batch-size": 4, "verbose": False}, ["--verbose"], {"verbose": False}),
        ({"batch-size": 4, "cuda": False}, [], {"cuda": False}),
        ({"batch-size": 4, "cuda": True}, ["--no-cuda"], {"cuda": True}),
        ({"batch-size": 4, "no-cuda": False}, ["--no-cuda"], {"cuda": True}),
        ({"batch-size": 4, "amp": False}, [], {"amp": False}),
        ({"batch-size": 4, "sizes": [2, 3]}, ["--sizes", "7"], {"sizes": [2, 3]}),
        ({"batch-size": 4, "tag": ["x", "y"]}, ["--tag", "x"], {"tag": ["t", "x", "y"]}),
        ({"batch-size": 4, "loud": 2}, ["-vvv"], {"loud": 2}),
        ({"batch-size": 4, "help": True, "other": 5}, [], {"lr": 0.1}),
    ],
)
def test_c23_the_parsers_options_take_the_tasks_args(start, args, argv, found):
    start(args)
    captured = vars(labq.capture_argparse(parser()).parse_args(argv))
    assert {key: captured[key] for key in found} == found
    assert "other" not in captured
    assert all(type(captured[key]) is type(found[key]) for key in found)


@pytest.mark.parametrize(
    "words", [["--batch_size", "4", "--lr", "0.3"], ["--lr", "0.3", "--batch_size=4"]]
)
def test_c23_a_flag_that_a_worker_appends_by_its_place_is_no_error(start, words):
    start({"batch_size": 4, "lr": 0.3})
    parsed = labq.capture_argparse(parser()).parse_args(words)
    assert (parsed.batch_size, parsed.lr) == (4, 0.3)


def test_c23_a_list_that_a_worker_appends_is_the_options_several_values(start):
    start({"layers": [3, 4], "lr": 0.3})
    several = argparse.ArgumentParser()
    several.add_argument("--layers", nargs="+", type=int)
    several.add_argument("--lr", type=float)
    words = to_flags({"layers": [3, 4], "lr": 0.3})
    parsed = labq.capture_argparse(several).parse_args(words)
    assert (parsed.layers, parsed.lr) == ([3, 4], 0.3)


def test_c23_what_else_is_parsed_is_recorded(start):
    queue, _ = start({"batch-size": 4})
    labq.capture_argparse(parser()).parse_args(["--lr", "0.3"])
    told = config(queue)
    assert (told["lr"], told["model"], told["sizes"]) == (0.3, {"name": "a"}, [1])
    assert "batch_size" not in told


def test_a_value_that_its_option_does_not_take_ends_the_program_as_argparse_does(start, capsys):
    start({"batch-size": "many"})
    with pytest.raises(SystemExit) as ended:
        labq.capture_argparse(parser()).parse_args([])
    assert ended.value.code == 2
    assert "argument --batch-size: invalid int value: 'many'" in capsys.readouterr().err


def test_what_is_no_parser_is_refused(start):
    start({"lr": 1})
    with pytest.raises(UsageError) as refused:
        labq.capture_argparse(5)
    assert str(refused.value) == "labq.capture_argparse: give an ArgumentParser, not 5"


def test_outside_of_a_task_the_parser_is_as_it_was():
    made = parser()
    with pytest.warns(UserWarning, match="^labq.capture_argparse: this process is not a labq"):
        assert labq.capture_argparse(made) is made
    assert made.parse_args(["--batch-size", "1"]).batch_size == 1
