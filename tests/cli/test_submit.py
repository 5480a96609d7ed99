"""`labq task submit`."""

from __future__ import annotations

import re

import pytest


def test_stdout_is_the_id_alone_and_stderr_one_line(labq, queue):
    result = labq("task", "submit", "--no-source", "--", "--foo.bar", "0.1")
    assert result.code == 0
    assert re.fullmatch(r"[0-9a-f]{32}\n", result.out)
    assert result.err == f"task 1 in queue default ({queue.store.address})\n"
    assert queue.get("1")["args"] == {"foo": {"bar": 0.1}}
    assert queue.get(result.out.strip())["number"] == 1


def test_quiet_drops_the_prose(labq):
    result = labq("task", "submit", "--quiet", "--", "--a", "1", "--a", "2")
    assert re.fullmatch(r"[0-9a-f]{32}\n", result.out)
    assert result.err == ""


def test_json_has_id_number_and_queue(labq):
    (made,) = labq("task", "submit", "--queue", "night", "--json").lines
    assert made == {"_id": made["_id"], "number": 1, "queue": "night"}


def test_every_option_is_stored(labq, queue):
    labq(
        *(
            "task",
            "submit",
            "--name",
            "base",
            "--metadata",
            '{"who": "ann"}',
            "--tag",
            "a",
            "--tag",
            "b",
        ),
        *(
            "--priority",
            "-3",
            "--max-retries",
            "2",
            "--timeout",
            "1h30m",
            "--cmd",
            "python train.py --lr %(lr)",
        ),
        *("--args", "{'lr': 0.1, 'opt.name': 'sgd'}", "--", "--opt.lr", "2", "--flag"),
    )
    task = queue.get("base")
    assert task["args"] == {"lr": 0.1, "opt": {"name": "sgd", "lr": 2}, "flag": True}
    assert (task["metadata"], task["tags"], task["priority"]) == ({"who": "ann"}, ["a", "b"], -3)
    assert (task["max_retries"], task["timeout"]) == (2, 5400)
    assert task["cmd"] == ["python", "train.py"]
    assert task["words"]["typed"] == ["--lr", "%(lr)", "--opt.lr", "2", "--flag"]
    assert task["status"] == "pending"


def test_how_it_runs_is_stored(labq, queue, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    labq(
        *("task", "submit", "-e", "A=x=y", "--env", "B=", "-e", "A=z=", "--cwd", "runs/../lab"),
        *("--resource", "memory=4Gi,gpus=1", "--resources", "cpus=500m"),
        *("--require", "vram>=40Gi", "--require", "nvlink", "--ttl", "7.12:00:00"),
    )
    task = queue.get("1")
    assert task["env"] == {"A": "z=", "B": ""}
    assert task["cwd"] == str(tmp_path / "lab")
    assert task["resources"] == {"cpus": 0.5, "memory": 4 * 2**30, "gpus": 1}
    assert task["require"] == [
        {"key": "vram", "op": ">=", "value": 40 * 2**30},
        {"key": "nvlink", "op": "exists"},
    ]
    assert task["retention"] == {"ttl": 7.5 * 86400}
    labq("task", "submit", "--cwd", "~/lab")
    assert queue.get("2")["cwd"] == "/home/ann/lab"


def test_a_task_without_wishes_has_no_room_for_them(labq, queue):
    labq("task", "submit")
    wishes = {"env", "cwd", "resources", "require", "retention", "retry_delay", "available_at"}
    assert not wishes & set(queue.get("1"))


@pytest.mark.parametrize(
    ("args", "delay"),
    [
        ([], None),
        (["--max-retries", "2"], 1.0),
        (["--max-retries", "2", "--retry-delay", "1m30s"], 90.0),
        (["--max-retries", "2", "--retry-delay", "0"], 0.0),
        (["--retry-delay", "0s"], 0.0),
    ],
)
def test_a_task_that_is_tried_again_waits_a_second_unless_it_says(
    labq, queue, monkeypatch, args, delay
):
    monkeypatch.delenv("LABQ_RETRY_DELAY")
    labq("task", "submit", *args)
    assert queue.get("1").get("retry_delay") == delay


def test_the_wait_before_a_retry_comes_from_the_configuration(labq, queue, monkeypatch):
    monkeypatch.setenv("LABQ_RETRY_DELAY", "5m")
    labq("task", "submit", "--max-retries", "1")
    assert queue.get("1")["retry_delay"] == 300.0


def test_max_retries_comes_from_the_configuration(labq, queue, tmp_path):
    (tmp_path / "labq.yaml").write_text("max_retries: 4\n")
    labq("task", "submit")
    assert queue.get("1")["max_retries"] == 4


def test_a_repeat_is_kept_with_a_warning(labq, queue):
    result = labq("task", "submit", "--", "--a", "1", "--a", "2")
    told = "labq: warning: --a is given twice: args hold the later value, the job gets both\n"
    assert told in result.err
    assert queue.get("1")["args"] == {"a": 2}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["--args", "{'a': 1}", "--", "--a.b", "1"],
            "labq: --args.a: one path cannot hold a value and nested keys\n",
        ),
        (["--args", "[1]"], "labq: --args: "),
        (["--metadata", "x"], "labq: --metadata: "),
        (
            ["--timeout", "soon"],
            "labq: --timeout: 'soon' is not a duration (write 90, 2s, 10m, 1h30m, 7d)\n",
        ),
        (
            ["--max-retries", "-1"],
            "labq: max_retries must be a whole number of 0 or more, not '-1'\n",
        ),
        (["--priority", "high"], "labq: Invalid value for '--priority': "),
        (["--name", ""], "labq: name must not be empty"),
        (["--cmd", "python 'x"], "labq: cmd: no closing quotation"),
        (["--queue", "a b"], "labq: --queue: "),
        (["-e", "HOME"], "labq: --env HOME: write KEY=VALUE\n"),
        (
            ["-e", "=x"],
            "labq: '' is not a variable's name (letters, digits and _, no digit first)\n",
        ),
        (["-e", "1X=2"], "labq: '1X' is not a variable's name"),
        (["-e", "LABQ_QUEUE=x"], "labq: LABQ_QUEUE is labq's own to set for a job\n"),
        (["--cwd", ""], "labq: cwd must not be empty\n"),
        (
            ["--ttl", "0"],
            "labq: --ttl: '0' is out of range (durations are above zero, at most 36500d)\n",
        ),
        (["--retry-delay", "-1"], "labq: --retry-delay: '-1' is not a duration"),
        (["--resources", "gpu=1"], "labq: no resource 'gpu': did you mean gpus?"),
        (["--resources", "gpus"], "labq: 'gpus' is not RESOURCE=AMOUNT (such as memory=4Gi)\n"),
        (["--require", "gpu>"], "labq: 'gpu>' is not a requirement"),
        (["--key", " "], "labq: --key must not be empty\n"),
        (["--delay", "soon"], "labq: --delay: 'soon' is not a duration"),
        (["--at", "now", "--delay", "1m"], "labq: give --at or --delay, not both\n"),
        (
            ["--at", "soonish"],
            "labq: --at 'soonish' is no time (write 2026-11-21T08:00, 'tomorrow 9:00', 'in 2 hours')\n",
        ),
        (["--after", ""], "labq: --after names no task: its text is empty\n"),
        (["--after-any", " "], "labq: --after-any names no task: its text is empty\n"),
        (["--lr", "0.1"], "labq: No such option: --lr"),
    ],
)
def test_what_cannot_be_stored_is_refused_in_one_line_and_nothing_is_stored(
    labq, queue, args, told
):
    result = labq("task", "submit", *args)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(told)
    assert result.err.count("\n") == 1
    assert queue.store.counts() == {}


def test_arguments_without_the_dashes_between_are_told_where_they_go(labq):
    result = labq("task", "submit", "--lr", "0.1")
    assert result.err.endswith(
        " A task's own arguments go after --: labq task submit -- --lr 0.1\n"
    )
