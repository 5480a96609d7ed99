"""`--help`: every command has a summary, an example and the options that all share."""

from __future__ import annotations

import pytest

from labq.cli.commands import TREE, commands
from labq.errors import ExitCode

LEAVES = [path for path, entry_ in commands() if not entry_.entries]
STORELESS = {"guide", "completion"}


def parts(run, *args):
    result = run(*args)
    return result.code, result.out, result.err


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_each_command_has_an_example_that_begins_with_its_own_words(run, path):
    code, out, _ = parts(run, *path, "--help")
    assert code == 0
    assert out.startswith(f"Usage: labq {' '.join(path)} ")
    examples = out.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert examples
    assert any(f"labq {' '.join(path)}" in example for example in examples)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_each_command_takes_json_and_where_it_has_a_store_queue_and_uri(run, path):
    _, out, _ = parts(run, *path, "--help")
    wanted = ["--json"] + ([] if path[0] in STORELESS else ["--queue", "--uri"])
    assert [option for option in wanted if option not in out] == []


@pytest.mark.parametrize("path", [(), *(path for path, _ in commands())], ids=" ".join)
def test_help_fits_80_columns(run, path):
    _, out, _ = parts(run, *path, "--help")
    assert [line for line in out.splitlines() if len(line) > 90] == []


def test_without_a_command_labq_helps(run):
    code, out, _ = parts(run)
    assert code == 0
    assert all(name in out for name in TREE.entries)


def test_the_exit_codes_stand_below_the_commands(run):
    _, out, _ = parts(run, "--help")
    told = " ".join(out.partition("Exit codes:")[2].split())
    assert [code for code in ExitCode if f" {code:d} " not in f" {told}"] == []


@pytest.mark.parametrize("args", [["--version"], ["--version", "task"]])
def test_version(run, args):
    from labq import __version__

    assert parts(run, *args) == (0, f"labq {__version__}\n", "")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["tsk"], "labq: no command 'tsk' in labq: did you mean task?\n"),
        (["submit"], "labq: no command 'submit' in labq: did you mean task submit?\n"),
        (
            ["zzz"],
            "labq: no command 'zzz' in labq: there are demo, run, import, task, wait, worker, queue, events, config, guide, completion\n",
        ),
        (
            ["task"],
            "labq: labq task what? (submit, start, ls, show, source, count, update, diff, compare, clone, tag, enqueue, dequeue, cancel, requeue, reset, publish, delete, group, report, progress)\n",
        ),
        (
            ["task", "ls", "--limt", "3"],
            "labq: No such option: --limt (Possible options: --id, --limit",
        ),
        (
            ["guide", "fliters"],
            "labq: no guide 'fliters': did you mean filters? (there are: client, commands, events, ",
        ),
        (
            ["guide", "nothing"],
            "labq: no guide 'nothing' (there are: client, commands, events, filters, job, lifecycle, loop, source, stores, tasks, workers)\n",
        ),
    ],
)
def test_a_mistyped_command_is_told_in_a_line(run, args, told):
    code, out, err = parts(run, *args)
    assert code in (2, 3)
    assert out == ""
    assert err.startswith(told)
    assert err.count("\n") == 1


def test_the_guides_are_listed_and_shown(run):
    code, out, _ = parts(run, "guide")
    assert code == 0
    assert out.startswith("client ")
    assert run("guide", "filters").out.startswith("# ")
    assert '"topic": "filters"' in run("guide", "filters", "--json").out
