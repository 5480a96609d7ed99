"""A task's output: its tail, its copy to the terminal, a disk that is full."""

from __future__ import annotations

import io
import os
import resource
import sys
import threading

import pytest

from labq.worker.output import Echo, Output
from labq.worker.process import Job

ENV = {"PATH": os.environ["PATH"]}


def quiet(_name, _block, _over):
    pass


def run(home, code, follow=None):
    echo = Echo(follow or {}, threading.Event())
    output = Output(home, {"_id": "abc", "attempt": 1}, echo.copy)
    Job([sys.executable, "-c", f"import sys\n{code}"], ENV, output).wait()
    return output


@pytest.mark.parametrize(
    ("code", "tail"),
    [
        ("pass", ""),
        ("sys.stderr.write('one\\ntwo')", "one\ntwo"),
        ("for n in range(50): print(n, file=sys.stderr)", "\n".join(map(str, range(30, 50)))),
        ("sys.stderr.buffer.write(b'a\\xff\\x00b')", "a\ufffd\ufffdb"),
        ("sys.stderr.write('x' * 100_000)", "x" * 16_384),
    ],
)
def test_the_tail_is_the_last_20_lines_of_stderr(tmp_path, code, tail):
    output = run(tmp_path, code)
    assert output.tail() == tail
    output.close()


def test_a_copy_goes_to_the_streams_that_follow(tmp_path):
    out, err = io.BytesIO(), io.BytesIO()
    run(tmp_path, "print('o'); print('e', file=sys.stderr)", {"stdout": out, "stderr": err}).close()
    assert (out.getvalue(), err.getvalue()) == (b"o\n", b"e\n")


def test_a_reader_that_leaves_is_forgotten_and_the_file_is_whole(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb", buffering=0) as stream:
        output = run(tmp_path, "print('x' * 200_000)", {"stdout": stream})
    output.close()
    assert os.stat(f"{output.folder}/1.stdout").st_size == 200_001


def test_a_reader_that_does_not_read_holds_nothing_up_when_it_is_time_to_stop(tmp_path):
    read, write = os.pipe()
    stopping = threading.Event()
    stopping.set()
    with open(read, "rb", buffering=0), open(write, "wb", buffering=0) as stream:
        output = Output(
            tmp_path, {"_id": "abc", "attempt": 1}, Echo({"stdout": stream}, stopping).copy
        )
        Job(["sh", "-c", "head -c 500000 /dev/zero"], ENV, output).wait()
    output.close()
    assert os.stat(f"{output.folder}/1.stdout").st_size == 500_000


def test_a_file_that_takes_no_more_is_told_and_the_job_goes_on(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        output = run(tmp_path, "print('x' * 200_000); sys.stderr.write('done')")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert output.fault == "File too large"
    output.close()


def test_an_attempt_has_files_of_its_own(tmp_path):
    for attempt in (1, 2):
        output = Output(tmp_path, {"_id": "abc", "attempt": attempt}, quiet)
        Job(["sh", "-c", f"echo {attempt}"], ENV, output).wait()
        output.close()
    assert sorted(os.listdir(tmp_path / "tasks" / "abc")) == ["1.stdout", "2.stdout"]
