"""Which Python a command is started with."""

from __future__ import annotations

import sys

import pytest

from labq.source.interpreter import started

RECORDED = "/home/ann/venv/bin/python3.11"


@pytest.fixture
def folder(tmp_path):
    """A folder of programs for a PATH."""

    def made(*names):
        place = tmp_path / "-".join(names)
        place.mkdir(exist_ok=True)
        for name in names:
            (place / name).touch(0o755)
        return str(place)

    return made


def run(argv, environment, own=False, **source):
    return started(argv, environment, lambda: source, own=own)


def test_what_init_recorded_is_the_workers(folder):
    words = [RECORDED, "-u", "train.py", "--lr", "1"]
    plain = {"PATH": folder("python")}
    assert run(words, plain, interpreter=RECORDED) == [sys.executable, *words[1:]]
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        active = {**plain, name: "/x"}
        assert run(words, active, interpreter=RECORDED) == ["python", *words[1:]]
        active["PATH"] = folder("python3")
        assert run(words, active, interpreter=RECORDED) == ["python3", *words[1:]]
    assert run([RECORDED], {"VIRTUAL_ENV": "/x", "PATH": "/none"}, interpreter=RECORDED) == [
        sys.executable
    ]


def test_it_is_where_it_was_recorded_too(folder):
    here = f"{folder('python3.11')}/python3.11"
    assert run([here, "-m", "x"], {"PATH": ""}, interpreter=here) == [sys.executable, "-m", "x"]
    own = {"PATH": folder("python"), "VIRTUAL_ENV": "/x"}
    words = [sys.executable, "-c", "pass"]
    assert run(words, own, own=True, interpreter=sys.executable) == ["python", "-c", "pass"]
    assert run(words, own, interpreter=sys.executable) == words


def test_a_program_beside_it_is_that_beside_the_workers(folder):
    words = [RECORDED, "/home/ann/venv/bin/train", "x"]
    place = sys.executable.rpartition("/")[0]
    assert run(words, {"PATH": ""}, interpreter=RECORDED) == [f"{place}/train", "x"]
    active = {"PATH": folder("python"), "VIRTUAL_ENV": "/x"}
    assert run(words, active, interpreter=RECORDED) == [f"{folder('python')}/train", "x"]


def test_what_was_typed_stays_where_it_is_here(folder):
    here = f"{folder('python3.11')}/python3.11"
    own = {"PATH": folder("python"), "VIRTUAL_ENV": "/x"}
    assert run([here, "x.py"], own, typed_interpreter=here) == [here, "x.py"]
    assert run([here, "x.py"], own, own=True, typed_interpreter=here) == ["python", "x.py"]
    assert run([RECORDED, "x.py"], own, typed_interpreter=RECORDED) == ["python", "x.py"]
    assert run([RECORDED, "x.py"], {}, typed_interpreter=RECORDED) == [sys.executable, "x.py"]


@pytest.mark.parametrize(
    "words",
    [
        [RECORDED, "x.py"],
        ["/usr/bin/env", RECORDED],
        ["python3.99", "x.py"],
        ["venv/bin/python", "x.py"],
        ["./train.py"],
        ["uv", "run", "x.py"],
    ],
)
def test_what_a_submit_names_is_run_as_it_is(words):
    assert run(words, {"PATH": "/none"}) == words


def test_a_python_that_is_not_on_the_path_is_the_workers(folder):
    assert run(["python", "x.py"], {"PATH": "/none"}) == [sys.executable, "x.py"]
    assert run(["python", "x.py"], {"PATH": folder("python3"), "VIRTUAL_ENV": "/x"}) == [
        "python3",
        "x.py",
    ]
    assert run(["python", "x.py"], {"PATH": folder("python")}) == ["python", "x.py"]
