"""Standard streams that are closed, full or left: one line at most, and what was asked for is done."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store


@pytest.fixture
def queue(tmp_path):
    store = open_store(f"sqlite:{tmp_path / 'labq.db'}")
    yield Queue(store, "default")
    store.close()


@pytest.fixture
def shell(tmp_path, queue):
    """Runs a shell line in which `labq` is the one under test."""

    def run(line):
        environment = {**os.environ, "LABQ_URI": queue.store.address, "LABQ_HOME": str(tmp_path)}
        text = f'labq() {{ "{sys.executable}" -m labq "$@"; }}\n{line}'
        done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True)
        return done.returncode, done.stdout, done.stderr.decode()

    return run


def test_without_stdout_the_work_is_done(shell, queue):
    assert shell("labq task submit -q -- --a 1 >&-") == (0, b"", "")
    assert shell("labq worker run -q -- true >&-") == (0, b"", "")
    assert queue.get("1")["status"] == "success"


def test_without_stderr_or_stdin_too(shell, queue):
    assert shell("labq task submit 2>&- | wc -l")[1].strip() == b"1"
    assert shell("labq worker run -- true 2>&-")[0] == 0
    assert shell("labq task update -f '{}' -u comment=x <&-") == (0, b"", "changed 1 task\n")
    assert queue.get("1")["status"] == "success"


def test_a_full_stdout_is_told_in_a_line(shell, queue):
    code, _, err = shell("labq task submit >/dev/full")
    assert (code, err) == (1, "labq: cannot write the output: No space left on device\n")
    assert queue.count({"queue": "default"}) == 1


def test_a_reader_that_leaves_is_no_error(shell, queue):
    queue.submit([new({"n": n, "text": "x" * 500}) for n in range(300)])
    assert shell("labq task ls --json | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}") == (
        0,
        b"",
        "",
    )
    assert shell("labq worker run --json --max-tasks 3 -- true | true")[2] == ""
    assert queue.count({"queue": "default", "status": "success"}) == 3


def test_text_that_the_terminal_cannot_show_is_escaped(shell, queue):
    queue.submit([new({"name": "ä😀"})])
    code, out, err = shell("PYTHONIOENCODING=latin1 labq task ls --json")
    assert (code, err) == (0, "")
    assert b"\xe4\\U0001f600" in out


@pytest.mark.parametrize(
    "line",
    [
        "labq task show $'\\xff'",
        "labq task ls --name $'\\xff'",
        "labq task ls -f $'name == \"\\xff\"'",
        "printf '\\xff' | labq task delete - --yes",
        "labq worker run -- echo $'\\xff'",
        "labq task submit -- --x $'\\xff'",
    ],
)
def test_bytes_that_are_no_utf_8_are_refused_in_a_line(shell, queue, line):
    queue.submit([new({})])
    code, out, err = shell(line)
    assert (code, out) == (2, b"")
    assert err.count("\n") == 1
    assert "UTF-8" in err
    assert queue.get("1")["attempt"] == 0


def test_an_arg_does_not_drive_the_terminal(shell, queue):
    queue.submit([new({"x": "\x1b]0;owned\x07"}, name="n", comment="a\x9bb\nc")])
    for line in ("labq task show 1", "labq task ls"):
        out = shell(line)[1].decode()
        assert "\x1b" not in out
        assert "\x9b" not in out


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--sort args..a", "labq: --sort args..a: 'args..a' has an empty key beside a dot\n"),
        ("--sort 'args.$x'", "labq: --sort args.$x: the key '$x' begins with $"),
        ("--limit 99999999999999999999", "labq: Invalid value for '--limit': "),
        ("$(printf -- '--sort args.k%s ' $(seq 40))", "labq: --sort takes at most 31 fields\n"),
    ],
)
def test_a_sort_or_limit_that_no_store_takes(shell, option, told):
    code, _, err = shell(f"labq task ls {option}")
    assert code == 2
    assert err.startswith(told)


def test_a_password_is_masked_wherever_it_was_typed(shell):
    code, _, err = shell("labq task ls mongodb://ann:s3cret@127.0.0.1/lab")
    assert code == 2
    assert "s3cret" not in err
